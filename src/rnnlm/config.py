"""The settings of a run: frozen dataclasses read from TOML and `section.key=value`; it builds and loads nothing.

Every key stands here once, with its default, its limits and what it means. A file names only what differs.
"""

from __future__ import annotations

import dataclasses
import difflib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_type_hints

from rnnlm.errors import ConfigError


def key(
    default: Any, doc: str, choices: tuple[str, ...] = (), low: float | None = None, high: float | None = None
) -> Any:
    """A field with its documentation, and the values that it may take (low <= value < high)."""
    return field(default=default, metadata={"doc": doc, "choices": choices, "low": low, "high": high})


@dataclass(frozen=True)
class Text:
    """How text becomes words, and which words the model knows."""

    tokenizer: str = key("jieba", "how a line is cut into words", ("jieba", "characters", "whitespace"))
    normalize: str = key(
        "auto", "make widths, punctuation and blanks alike; auto: not for white space", ("auto", "on", "off")
    )
    oov: str = key(
        "auto",
        "an unknown word: spelled in characters, or <unk>; auto: unk for white space",
        ("auto", "characters", "unk"),
    )
    min_count: int = key(2, "a word joins the vocabulary if it occurs this often", low=1)
    max_vocab: int = key(0, "most words in the vocabulary, but all characters for spelling; 0: no limit", low=0)
    vocabulary: str = key("", "a file with the vocabulary, one word a line, instead of counting")
    user_dict: str = key("", "a file with words for jieba, one a line: word [count] [tag]")
    encoding: str = key("", "encoding of the text files; empty: UTF-8, UTF-16 and GB18030 are recognised")


@dataclass(frozen=True)
class Model:
    """The model: kind, size and dropout."""

    kind: str = key("rnn", "rnn reads left to right, cloze from both sides, ngram counts", ("rnn", "cloze", "ngram"))
    cell: str = key(
        "lstm",
        "the recurrent cell; tanh, sigmoid and relu are the simple network",
        ("tanh", "sigmoid", "relu", "lstm", "gru"),
    )
    layers: int = key(1, "recurrent layers, one on another", low=1)
    hidden: int = key(200, "units of a layer, H", low=1)
    embedding: int = key(200, "size of a word's vector, D", low=1)
    tied: bool = key(False, "use one matrix as embedding and as output weights; needs hidden = embedding")
    embeddings: str = key("", "a word2vec text file whose vectors the embedding starts from")
    dropout: float = key(0.0, "share of units dropped in the output of each layer", low=0, high=1)
    dropout_input: float = key(0.0, "share of embedding units dropped", low=0, high=1)
    dropout_words: float = key(0.0, "share of words whose embedding is dropped whole", low=0, high=1)
    dropout_weights: float = key(0.0, "share of recurrent weights dropped", low=0, high=1)
    head: str = key("full", "the output layer: softmax over all words, or the adaptive softmax", ("full", "adaptive"))
    cutoffs: tuple[int, ...] = key((), "where the adaptive softmax cuts the vocabulary; empty: chosen from the counts")
    init: float = key(
        0.0, "all weights start uniform in ±init; 0: each kind in its own way, recurrent ones orthogonal", low=0
    )
    order: int = key(5, "ngram: the longest n-gram", low=1, high=11)
    prune: tuple[int, ...] = key(
        (), "ngram: drop n-grams of order 1, 2, ... seen this often or less; the last value serves the rest"
    )


@dataclass(frozen=True)
class Train:
    """How the model is trained."""

    batch: int = key(20, "columns of text read side by side, B", low=1)
    bptt: int = key(35, "time steps of a window, T; 0: whole columns, the full BPTT", low=0)
    epochs: int = key(10, "passes over the text", low=1)
    optimizer: str = key(
        "sgd", "how a gradient becomes a step", ("sgd", "momentum", "adagrad", "rmsprop", "adam", "adamw")
    )
    rate: float = key(1.0, "learning rate; refers to the gradient of the mean loss of a window", low=0)
    momentum: float = key(
        0.9, "momentum: the share of the last step that is kept; adam, adamw: decay of the mean (beta1)", low=0, high=1
    )
    beta2: float = key(0.999, "adam, adamw, rmsprop: decay of the mean square", low=0, high=1)
    decay: float = key(0.0, "weight decay; adamw: apart from the gradient, else added to it", low=0)
    clip: float = key(5.0, "largest global norm of the gradient; 0: no clipping", low=0)
    schedule: str = key("constant", "course of the rate over the epochs", ("constant", "decay", "plateau", "cosine"))
    factor: float = key(0.5, "decay, plateau: the rate is multiplied by this", low=0, high=1.0001)
    hold: int = key(4, "decay: epochs at the full rate before the factor falls on it each epoch", low=0)
    gain: float = key(0.003, "plateau: the validation loss must fall by this share, or the rate is multiplied", low=0)
    warmup: float = key(0.0, "cosine: share of all steps in which the rate rises from 0", low=0, high=1)
    patience: int = key(0, "stop after so many epochs without a better validation loss; 0: never", low=0)
    average: float = key(
        0.0,
        "validate and keep an average of the weights over the last steps: its decay per step; 0: off",
        low=0,
        high=1,
    )
    seed: int = key(1, "seed of weights and dropout", low=0)
    threads: int = key(0, "workers that share each batch; 0: one for each core, at most 8", low=0)


@dataclass(frozen=True)
class Config:
    """All settings of a run."""

    text: Text = field(default_factory=Text)
    model: Model = field(default_factory=Model)
    train: Train = field(default_factory=Train)

    @property
    def normalised(self) -> bool | None:
        return {"auto": None, "on": True, "off": False}[self.text.normalize]

    @property
    def oov(self) -> str:
        if self.text.oov != "auto":
            return self.text.oov
        return "unk" if self.text.tokenizer == "whitespace" else "characters"

    def to_toml(self) -> str:
        """Every key of every section, as a file that `load_config` reads back unchanged."""
        lines = []
        for section in fields(self):
            lines.append(f"[{section.name}]")
            values = getattr(self, section.name)
            lines += [f"{item.name} = {toml_value(getattr(values, item.name))}" for item in fields(values)]
            lines.append("")
        return "\n".join(lines)


SECTIONS: dict[str, type[Any]] = {"text": Text, "model": Model, "train": Train}


def toml_value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[" + ", ".join(map(toml_value, value)) + "]"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08X}" for c in escaped) + '"'
    return repr(value)


def load_config(path: Path | None = None, settings: Iterable[str] = ()) -> Config:
    """The configuration of a TOML file with `section.key=value` settings on top.

    Raises ConfigError that lists every problem: unknown keys with the nearest known name, wrong types, impossible
    values.
    """
    given: dict[str, dict[str, Any]] = {}
    problems: list[str] = []
    if path is not None:
        try:
            tables = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"the configuration {path} cannot be read: {error}") from None
        except (ValueError, RecursionError) as error:  # numbers of thousands of digits, thousands of brackets
            raise ConfigError(f"{path} is not TOML: {error}") from None
        for name, table in tables.items():
            if isinstance(table, Mapping):
                given.setdefault(name, {}).update(table)
            else:
                problems.append(f"{name} stands outside a section" + nearest(name, all_keys(), "; do you mean"))
    for setting in settings:
        name, equals, text = setting.partition("=")
        section, dot, item = name.strip().partition(".")
        if not equals or not dot:
            problems.append(f"{setting!r} is not section.key=value")
            continue
        given.setdefault(section, {})[item] = parse_value(section, item, text.strip())
    return make_config(given, problems)


def make_config(given: Mapping[str, Mapping[str, Any]], problems: list[str] | None = None) -> Config:
    """A Config from plain tables, checked."""
    problems = problems or []
    sections: dict[str, Any] = {}
    for name, table in given.items():
        if name not in SECTIONS:
            problems.append(f"there is no section {name}" + nearest(name, SECTIONS, "; do you mean"))
            continue
        known = {item.name: item for item in fields(SECTIONS[name])}
        types = get_type_hints(SECTIONS[name])
        values = {}
        for item, value in table.items():
            if item not in known:
                options = [full for full in all_keys() if full.startswith(name)] + list(all_keys())
                problems.append(f"there is no key {name}.{item}" + nearest(f"{name}.{item}", options, "; do you mean"))
                continue
            fitted, trouble = fit(value, types[item], known[item].metadata)
            if trouble:
                problems.append(f"{name}.{item} = {brief(value)}: {trouble}")
            else:
                values[item] = fitted
        sections[name] = SECTIONS[name](**values)
    config = Config(**sections)
    problems += impossible(config)
    if problems:
        raise ConfigError("\n".join(problems), "`rnnlm info --keys` lists every key with its meaning")
    return config


def parse_value(section: str, item: str, text: str) -> Any:
    """The value of a setting from the command line: as TOML would read it, and bare words as strings."""
    kind = get_type_hints(SECTIONS[section]).get(item) if section in SECTIONS else None
    if kind is str:
        return text.strip("\"'") if text[:1] in "\"'" else text
    if kind == tuple[int, ...] and not text.startswith("["):
        text = f"[{text}]"
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text


def brief(value: Any) -> str:
    """A value as a message shows it; Python writes no number of thousands of digits."""
    text = hex(value) if type(value) is int and abs(value) >= 1 << 64 else repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def fit(value: Any, kind: Any, limits: Mapping[str, Any]) -> tuple[Any, str]:
    """The value in the type of its key, or what is wrong with it."""
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value) if abs(value) < 1e300 else float("inf")
    if kind == tuple[int, ...]:
        if not isinstance(value, list | tuple) or not all(type(x) is int and x >= 0 for x in value):
            return None, "must be a list of whole numbers"
        return tuple(value), ""
    if type(value) is not kind:
        wanted = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}[kind]
        return None, f"must be {wanted}"
    if limits["choices"] and value not in limits["choices"]:
        return None, f"must be one of {', '.join(limits['choices'])}" + nearest(
            str(value), limits["choices"], "; do you mean"
        )
    if kind in (int, float):
        if value != value or value in (float("inf"), float("-inf")):
            return None, "must be a finite number"
        if kind is int and value >= (1 << 31 if limits["low"] else 1 << 63):  # what counts from 1 is a size
            return None, "is too large"
        if limits["low"] is not None and value < limits["low"]:
            return None, f"must be at least {limits['low']:g}"
        if limits["high"] is not None and value >= limits["high"]:
            return None, f"must be below {limits['high']:g}"
    return value, ""


def impossible(config: Config) -> list[str]:
    """Combinations that cannot work."""
    text, model, train = config.text, config.model, config.train
    found = []
    if model.tied and model.hidden != model.embedding:
        found.append(f"model.tied needs model.hidden = model.embedding, not {model.hidden} and {model.embedding}")
    if model.tied and model.head == "adaptive":
        found.append("model.tied does not go with model.head = adaptive (--set model.head=full)")
    if model.tied and model.kind == "cloze":
        found.append("model.tied does not go with model.kind = cloze: the head reads two stacks")
    if model.cutoffs and model.head != "adaptive":
        found.append("model.cutoffs needs model.head = adaptive")
    if list(model.cutoffs) != sorted(set(model.cutoffs)) or 0 in model.cutoffs:
        found.append("model.cutoffs must rise")
    if list(model.prune) != sorted(model.prune):
        found.append("model.prune must not fall: lmplz has the same rule")
    if text.user_dict and text.tokenizer != "jieba":
        found.append("text.user_dict needs text.tokenizer = jieba")
    if text.vocabulary and text.max_vocab:
        found.append("text.vocabulary and text.max_vocab exclude each other")
    if train.rate == 0:
        found.append("train.rate = 0 would learn nothing")
    return found


def nearest(name: str, options: Iterable[str], lead: str) -> str:
    """`lead` and the option most like `name`, or nothing where none is alike."""
    close = difflib.get_close_matches(name, list(options), 1, 0.5)
    return f"{lead} {close[0]}?" if close else ""


def all_keys() -> dict[str, Any]:
    """`section.key` to its field, for every key."""
    return {f"{name}.{item.name}": item for name, section in SECTIONS.items() for item in fields(section)}


def with_values(config: Config, section: str, **values: Any) -> Config:
    """The configuration with some values of one section changed."""
    changed = dataclasses.replace(getattr(config, section), **values)
    return dataclasses.replace(config, **{section: changed})
