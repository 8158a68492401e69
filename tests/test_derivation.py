"""The pages of the derivation, the code and the tests name one another rightly, and the worked example is right."""

from __future__ import annotations

import ast
import io
import math
import re
import tokenize
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnlm.lm.kneser_ney import estimate
from rnnlm.lm.recurrent import RecurrentModel
from rnnlm.nn.arrays import Array, Parameters, Tape
from rnnlm.nn.network import Network
from rnnlm.search.scoring import sentence_scores
from rnnlm.train.evaluate import Metrics

ROOT = Path(__file__).parents[1]
PAGES = ("docs/derivation.md", "docs/derivation.zh-CN.md")

# ---------------------------------------------------------------- the pages, the code and the tests


@dataclass(frozen=True)
class Equation:
    """A numbered equation with the `path::name` of its functions and of its tests."""

    number: str
    functions: tuple[str, ...]
    tests: tuple[str, ...]


@cache
def text(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


@cache
def equations(page: str) -> list[Equation]:
    """The numbered equations of a page, in its order."""
    found = []
    for block in re.findall(r"^\*\*\(\d+\.\d+\)\*\*.*?(?=\n\n|\Z)", text(page), re.M | re.S):
        path, functions, tests = "", [], []
        for span in re.findall(r"`([^`]+)`", block):
            if "::" in span:
                tests.append(span)
            elif span.endswith(".py"):
                path = span
            else:
                functions.append(f"{path}::{span}")
        numbers = re.findall(r"\*\*\((\d+\.\d+)\)\*\*", block)
        found += [Equation(number, tuple(functions), tuple(tests)) for number in numbers]
    return found


def defined(path: Path) -> set[str]:
    """The functions, classes and methods (`Class.method`) that a file defines."""
    names = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{part.name}" for part in node.body if isinstance(part, ast.FunctionDef)}
    return names


@cache
def cited(path: Path) -> frozenset[str]:
    """The equation numbers in the comments and docstrings of a file."""
    source = io.StringIO(path.read_text(encoding="utf-8"))
    remarks = [
        token.string
        for token in tokenize.generate_tokens(source.readline)
        if token.type == tokenize.COMMENT or (token.type == tokenize.STRING and '"""' in token.string)
    ]
    return frozenset(re.findall(r"\((\d+\.\d+)\)", "\n".join(remarks)))


@pytest.mark.parametrize("page", PAGES)
def test_functions_and_tests_exist(page: str) -> None:
    """Every equation names at least one function and one test, and all of them exist."""
    assert len(equations(page)) > 50
    for equation in equations(page):
        assert equation.functions, equation.number
        assert equation.tests, equation.number
        for name in {*equation.functions, *equation.tests}:
            path, _, what = name.partition("::")
            assert (ROOT / path).is_file(), (equation.number, path)
            assert what in defined(ROOT / path), (equation.number, name)


def test_code_cites_equations_that_exist() -> None:
    """Every equation number in a comment or docstring of the package stands in the pages."""
    numbers = {equation.number for equation in equations(PAGES[0])}
    for path in (ROOT / "src").rglob("*.py"):
        assert cited(path) <= numbers, path.relative_to(ROOT)


def test_equations_are_cited_by_their_code() -> None:
    """Every equation is cited in the files whose functions it names."""
    for equation in equations(PAGES[0]):
        for path in {name.partition("::")[0] for name in equation.functions}:
            assert equation.number in cited(ROOT / path), (equation.number, path)


def test_both_pages_have_the_same_equations() -> None:
    """English and Chinese have the same numbers, references, formulas and tables of numbers, in the same order."""
    english, chinese = (text(page) for page in PAGES)
    assert equations(PAGES[0]) == equations(PAGES[1])

    def formulas(page: str) -> list[str]:
        found = re.findall(r"```math\n(.*?)```", page, re.S)
        return [re.sub(r"\s+", " ", re.sub(r"\\text\{[^}]*\}", "", formula)) for formula in found]

    assert formulas(english) == formulas(chinese)
    tables = [re.findall(r"^(\|.*\d.*\|)$", page.partition("## 7")[2], re.M) for page in (english, chinese)]
    heads = ("step", "步")
    english_rows, chinese_rows = (
        [row.split("|")[2:] for row in table if not any(head in row for head in heads)] for table in tables
    )
    assert english_rows == chinese_rows


@pytest.mark.parametrize("page", PAGES)
def test_numbers_rise(page: str) -> None:
    """Equations are numbered 1, 2, ... within each chapter, and every number mentioned is one of them."""
    numbers = [tuple(map(int, equation.number.split("."))) for equation in equations(page)]
    for before, after in pairwise(numbers):
        assert after in ((before[0], before[1] + 1), (after[0], 1)), after
        assert after > before
    prose = re.sub(r"```math.*?```", "", text(page), flags=re.S)
    assert set(re.findall(r"\((\d+\.\d+)\)", prose)) == {equation.number for equation in equations(page)}


# What GitHub's Markdown takes apart before it reads a formula between dollars.
FRAGILE = re.compile(r"^\s|\s$|\\[^A-Za-z]|[<>*|]|\]\(|(^|[^A-Za-z0-9])_|[\u3000-\uffef]")


@pytest.mark.parametrize("page", PAGES)
def test_formulas_render_on_github(page: str) -> None:
    """Lines are short; formulas are fenced, or stand between dollars that GitHub takes for such."""
    for line in text(page).splitlines():
        assert len(line) <= 120, line
        assert line.strip() != "$$", "a fence of math is handed on as it stands, $$ is not"
    prose = re.sub(r"```.*?```|`[^`]*`", "code", text(page), flags=re.S)
    assert "operatorname" not in text(page)
    for paragraph in prose.split("\n"):
        assert paragraph.count("$") % 2 == 0, paragraph
        for match in re.finditer(r"\$([^$]+)\$", paragraph):
            before, after = paragraph[: match.start()][-1:], paragraph[match.end() :][:1]
            assert before in ("", " "), match[0]
            assert not re.match(r"[A-Za-z0-9_$]", after), match[0]
            assert not FRAGILE.search(match[1]), match[0]


# ---------------------------------------------------------------- chapters 1 to 3, 7: a language model, by hand


def small_network(seed: int = 0) -> tuple[Network, Parameters]:
    """Five words, one layer of tanh."""
    network = Network(5, 3, 4)
    p = Parameters(network.shapes(), np.float64)
    p.flat[:] = np.random.default_rng(seed).normal(size=p.flat.size)
    network.head.clear(p.layer("head"))
    return network, p


def test_a_sentence_is_a_product() -> None:
    """(1.1) A sentence's probability is the product of those of its words and its end, each after all before it."""
    network, p = small_network()
    own, k = p.layer("rnn.0"), network.tape(1, 1, np.float64)
    s, product = np.zeros(4), 1.0
    for read, comes in pairwise([0, 3, 2, 4, 0]):
        s = np.tanh(own.Wx.T @ p["embedding.W"][read] + own.Wh.T @ s + own.b)
        o = np.exp(p["head.Wa"][:, :4] @ s + p["head.Wa"][:, 4])
        product *= float(o[comes] / o.sum())
    assert k.steps == 1
    (total,) = sentence_scores(RecurrentModel(network, p), [[3, 2, 4]])
    assert math.exp(total) == pytest.approx(product)


def test_a_uniform_model() -> None:
    """(1.2) A model that knows nothing has as perplexity the number of words."""
    network, p = small_network()
    p.flat[:] = 0
    network.head.clear(p.layer("head"))
    (total,) = sentence_scores(RecurrentModel(network, p), [[3, 2, 4]])
    assert Metrics(1, 4, 0, 4, -total, -total, carried_state=False).perplexity == pytest.approx(5)


def test_an_ngram_model_forgets() -> None:
    """(2.1) A trigram model's distribution depends on the last two words and on nothing before them."""
    model = estimate(np.array([2, 3, 4, 2, 3, 2, 0, 4, 3, 2, 4, 0]), 5, 3).model

    def after(words: list[int]) -> Array:
        state = model.start(1)
        for word in words:
            log_probs, state = model.step(state, np.array([word]))
        return np.asarray(log_probs[0])

    assert np.array_equal(after([0, 2, 3, 4]), after([0, 4, 3, 4]))
    assert not np.array_equal(after([0, 2, 3, 4]), after([0, 2, 2, 4]))


U, W, B = np.array([[0.5, -0.5], [0.3, 0.8]]), np.array([[0.6, -0.2], [0.1, 0.5]]), np.array([0.1, 0.2])
V, C, START = np.array([[1.0, -1.0], [0.0, 1.0]]), np.array([0.2, 0.0]), np.array([0.5, -0.5])


def tiny_loss(w: Array) -> tuple[float, Parameters, Array, Tape]:
    """Chapter 7 by the code: loss, gradients, the embedding's gradient (a row for each word) and the layer's tape."""
    network = Network(2, 2, 2)
    p = Parameters(network.shapes(), np.float64)
    own = p.layer("rnn.0")
    own.Wx[...], own.Wh[...], own.b[...] = U.T, w.T, B
    p["head.Wa"][...] = np.column_stack([V, C, np.ones(2)])
    p["embedding.W"][...] = np.eye(2)
    g, k = p.like(), network.tape(2, 1, np.float64)
    nats, _, rows = network.loss(p, g, np.array([[0], [1]]), np.array([[1], [0]]), ((START[None],),), k)
    assert rows is not None
    return nats, g, rows.values, k.layers[0]


def test_worked_example() -> None:
    """Chapter 7: the page's numbers are those of a calculation with plain loops, and the code's."""
    s, e = [START], np.eye(2)[[1, 0]]
    ws, net, a, o, loss = [], [], [], [], []
    for t in range(2):
        ws.append(W @ s[t])
        net.append(U[:, t] + ws[t] + B)  # the input is a column of the identity: U x_t is a column of U
        s.append(np.array([math.tanh(z) for z in net[t]]))
        a.append(V @ s[-1] + C)
        o.append(np.array([math.exp(z) for z in a[t]]) / sum(math.exp(z) for z in a[t]))
        loss.append(-math.log(o[t] @ e[t]))
    d = [V.T @ (o[t] - e[t]) for t in range(2)]
    slope = [1 - s[t + 1] ** 2 for t in range(2)]
    delta = {1: slope[1] * d[1]}
    back = W.T @ delta[1]
    delta[0] = slope[0] * (d[0] + back)
    shares = [np.outer(delta[t], s[t]) for t in range(2)]
    of_v = np.sum([np.outer(o[t] - e[t], s[t + 1]) for t in range(2)], axis=0)

    nats, g, rows, k = tiny_loss(W)
    own = g.layer("rnn.0")
    np.testing.assert_allclose(nats, sum(loss), rtol=1e-12)
    np.testing.assert_allclose(k.h[:, 0], s, rtol=1e-12)
    np.testing.assert_allclose(k.dz[:, 0], [delta[0], delta[1]], rtol=1e-12)
    np.testing.assert_allclose(own.Wh.T, shares[0] + shares[1], rtol=1e-12)
    np.testing.assert_allclose(own.Wx.T, np.column_stack([delta[0], delta[1]]), rtol=1e-12)
    np.testing.assert_allclose(own.b, delta[0] + delta[1], rtol=1e-12)
    np.testing.assert_allclose(g["head.Wa"], np.column_stack([of_v, o[0] - e[0] + o[1] - e[1], [0, 0]]), atol=1e-12)
    np.testing.assert_allclose(rows, [U.T @ delta[0], U.T @ delta[1]], rtol=1e-12)
    nudge = np.array([[0, 0.01], [0, 0]])
    up, down = tiny_loss(W + nudge)[0], tiny_loss(W - nudge)[0]
    part, beta = slope[0] * back, float(np.linalg.norm(W, 2))
    kept = float(np.linalg.norm(part) / np.linalg.norm(delta[1]))

    wanted = [
        *(f"| {cell(x)} | {cell(y)} |" for x, y in ((U[:, 0], U[:, 1]), ws, net, s[1:], a, o, loss)),
        *(f"| {cell(y)} | {cell(x)} |" for x, y in (tuple(o - e), d, (back, np.zeros(2)), slope, (delta[0], delta[1]))),
        *map(matrix, (*shares, own.Wh.T, own.Wx.T, own.b[:, None], of_v)),
        f"$E = {nats:.4f}$",
        f"$e^{{E/2}} = {math.exp(nats / 2):.4f}$",
        f"{up:.6f}",
        f"{down:.6f}",
        f"{(up - down) / 0.02:.4f}",
        f"= {cell(part)}$",
        f"{np.linalg.norm(part):.4f}",
        f"{np.linalg.norm(delta[1]):.4f}",
        f"{kept:.0%}".replace("%", " %"),
        f"{beta:.0%}".replace("%", " %"),
        rf"$\beta_W = {beta:.4f}$",
    ]
    assert f"{(up - down) / 0.02:.4f}" == f"{own.Wh.T[0, 1]:.4f}"
    for page in PAGES:
        for number in wanted:
            assert number in text(page).partition("## 7")[2], (page, number)


def cell(x: Any) -> str:
    """A number or a vector as the tables have it: four digits, or fewer where it is round."""
    if np.ndim(x):
        return "(" + ", ".join(cell(float(value)) for value in x) + ")"
    return f"{x:.4g}" if abs(x - round(x, 1)) < 1e-9 else f"{x:.4f}"


def matrix(x: Array) -> str:
    return r" \\ ".join(" & ".join(f"{value:.4f}" for value in row) for row in x)
