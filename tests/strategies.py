"""Text as people type it, for hypothesis: Chinese, Latin words, digits, blanks and punctuation, all mixed."""

from __future__ import annotations

from hypothesis import strategies as st

CHINESE = "我昨天上学迟到了老师批评手机坏打算买一部新的北京大学生活很好"
PIECES = st.one_of(
    st.text(CHINESE, min_size=1, max_size=4),
    st.sampled_from(["iPhone", "Python", "WiFi", "OK", "B超", "T恤", "café", "a", "I"]),
    st.sampled_from(["ＡＢＣ", "ＷｉＦｉ", "don't", "Привет", "½"]),
    st.integers(0, 10_000).map(str),
    st.sampled_from(["3.14", "１２", "50%", "12:30", "1,000", "3-4", "c++", "x_y", "a@b.cn", "____"]),
    st.sampled_from(["，", "。", "？", "！", "“", "”", "…", "《", "》", "、", "😀"]),
    st.sampled_from([",", ".", "?", "!", ":", ";", "(", ")"]),
    st.sampled_from([" ", "  ", "\u3000", "\t", "\u00a0"]),
)
LINES = st.lists(PIECES, max_size=12).map("".join)
ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
