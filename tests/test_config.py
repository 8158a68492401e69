"""Settings: every configuration survives being written and read, and every mistake is told, all at once."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rnnlm.config import SECTIONS, Config, all_keys, impossible, load_config, make_config, toml_value, with_values
from rnnlm.errors import ConfigError
from rnnlm.share import config_names, find_config

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def values(kind: Any, limits: Any) -> st.SearchStrategy[Any]:
    """Values that a key may take."""
    if limits["choices"]:
        return st.sampled_from(limits["choices"])
    if kind is bool:
        return st.booleans()
    if kind is str:
        return TEXTS
    low, high = limits["low"], limits["high"]
    if kind is int:
        return st.integers(int(low), 10**6 if high is None else int(high) - 1)
    if kind is float:
        return st.floats(low, 1e6 if high is None else high, exclude_max=True)
    return st.lists(st.integers(1, 9), max_size=4, unique=True).map(lambda found: tuple(sorted(found)))


@st.composite
def configs(draw: st.DrawFn) -> Config:
    """Any configuration that is not impossible."""
    sections = {}
    for name, section in SECTIONS.items():
        types = get_type_hints(section)
        drawn = {item.name: draw(values(types[item.name], item.metadata)) for item in fields(section)}
        sections[name] = section(**drawn)
    config = Config(**sections)
    if config.model.tied:
        config = with_values(config, "model", hidden=config.model.embedding, head="full", kind="rnn")
    if config.model.head != "adaptive":
        config = with_values(config, "model", cutoffs=())
    if config.text.tokenizer != "jieba":
        config = with_values(config, "text", user_dict="")
    if config.text.vocabulary:
        config = with_values(config, "text", max_vocab=0)
    assume(not impossible(config))
    return config


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("config") / "config.toml"


@settings(max_examples=40)
@given(configs())
def test_round_trip(file: Path, config: Config) -> None:
    """What `to_toml` writes, `load_config` reads back unchanged."""
    file.write_text(config.to_toml(), encoding="utf-8")
    assert load_config(file) == config


@settings(max_examples=40)
@given(configs())
def test_settings_say_the_same_as_a_file(config: Config) -> None:
    """Every value can also be given as `section.key=value`."""
    lines = []
    for name in SECTIONS:
        for item in fields(SECTIONS[name]):
            value = getattr(getattr(config, name), item.name)
            assume(not isinstance(value, str) or value == value.strip().strip("\"'"))
            lines.append(f"{name}.{item.name}={value if isinstance(value, str) else toml_value(value)}")
    assert load_config(settings=lines) == config


def test_a_setting_changes_one_value() -> None:
    """`--set` stands above the file, and leaves everything else alone."""
    before = load_config(find_config("default"))
    after = load_config(find_config("default"), ["train.rate=0.25"])
    assert after == with_values(before, "train", rate=0.25)


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("model.hiden=3", "there is no key model.hiden; do you mean model.hidden?"),
        ("modle.hidden=3", "there is no section modle; do you mean model?"),
        ("model.hidden=many", "model.hidden = 'many': must be a whole number"),
        ("model.hidden=2.5", "model.hidden = 2.5: must be a whole number"),
        ("model.hidden=0", "model.hidden = 0: must be at least 1"),
        ("model.tied=1", "model.tied = 1: must be true or false"),
        ("model.dropout=1", "model.dropout = 1: must be below 1"),
        ("train.rate=inf", "train.rate = inf: must be a finite number"),
        ("train.rate=nan", "train.rate = nan: must be a finite number"),
        (f"train.rate={'9' * 400}", "must be a finite number"),
        (f"model.prune={'[' * 5000}", "must be a list of whole numbers"),
        (f"model.hidden={'9' * 20}", "is too large"),
        (f"train.seed={'9' * 5000}", "must be a whole number"),
        (f"train.seed=0x{'f' * 6000}", "is too large"),
        ("model.cell=lsmt", "must be one of tanh, sigmoid, relu, lstm, gru; do you mean lstm?"),
        ("model.cutoffs=[1.5]", "model.cutoffs = [1.5]: must be a list of whole numbers"),
        ("rate=3", "'rate=3' is not section.key=value"),
        ("train.rate", "'train.rate' is not section.key=value"),
        ("train.rate=0", "train.rate = 0 would learn nothing"),
        ("model.tied=true", "model.tied needs model.hidden = model.embedding"),
        ("model.cutoffs=5", "model.cutoffs needs model.head = adaptive"),
    ],
)
def test_mistakes_are_told(setting: str, told: str) -> None:
    """Unknown keys with the nearest known one, wrong types, limits, impossible combinations."""
    with pytest.raises(ConfigError) as caught:
        load_config(settings=["model.hidden=50", "model.embedding=60", setting])
    assert told in str(caught.value)
    assert caught.value.hint


def test_all_problems_at_once() -> None:
    """Three mistakes of three kinds are three lines."""
    with pytest.raises(ConfigError) as caught:
        load_config(settings=["model.hiden=3", "train.batch=zero", "text.vocabulary=words.txt", "text.max_vocab=5"])
    told = str(caught.value).splitlines()
    assert [line.split(" ")[0] for line in told] == ["there", "train.batch", "text.vocabulary"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[model\nhidden = 1", "is not TOML"),
        ("hidden = 3", "hidden stands outside a section; do you mean model.hidden?"),
        ("[model]\nhidden = '3'", "must be a whole number"),
    ],
)
def test_files_that_cannot_be_used(tmp_path: Path, text: str, told: str) -> None:
    """A file that is not TOML, or has keys outside the sections, is refused in a sentence."""
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=re.escape(told)):
        load_config(path)


@pytest.mark.parametrize("damage", [b"\xff\xfe\x00", None])
def test_files_that_cannot_be_read(tmp_path: Path, damage: bytes | None) -> None:
    """A folder, or bytes that are not UTF-8, are a ConfigError too."""
    path = tmp_path / "mine.toml"
    if damage is not None:
        path.write_bytes(damage)
    with pytest.raises(ConfigError):
        load_config(path if damage is not None else tmp_path)


@pytest.mark.parametrize("name", config_names())
def test_shipped_configurations(name: str) -> None:
    """Every configuration that comes with rnnlm can be loaded by its name."""
    assert isinstance(load_config(find_config(name)), Config)


def test_a_configuration_that_is_not_there() -> None:
    """The error lists what there is."""
    with pytest.raises(ConfigError) as caught:
        find_config("defualt")
    assert "default" in caught.value.hint


def test_every_key_is_documented() -> None:
    """Each key says in one line what it means, and its default is allowed."""
    for name, item in all_keys().items():
        assert 5 < len(item.metadata["doc"]) < 120, name
    assert make_config({}) == Config()
