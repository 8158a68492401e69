"""The options that make one model of several, shared by the commands that ask a model; it knows no command."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

from rnnlm.cli.options import Number
from rnnlm.cli.show import remark

if TYPE_CHECKING:
    from rnnlm.api import Model
    from rnnlm.store.load import Loaded

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Mixing:
    """What is mixed with the model, and how: the values of the options."""

    names: tuple[str, ...] = ()
    weights: str | None = None
    share: float | None = None
    valid: str | None = None
    cache: float = 0.0
    decay: float | None = None
    dynamic: bool = False
    rate: float | None = None


def mixing_options(command: F) -> F:
    """`--mix`, `--weights`, `--lambda`, `--valid`, `--cache`, `--cache-decay`: the command gets them as `mixing`."""

    @click.option("--mix", "names", multiple=True, metavar="RUN", help="A model to mix with the first; several times.")
    @click.option(
        "--weights",
        metavar="W,W,...",
        help="Shares of the mixed models, in their order, or fit: the best for --valid.  [default: equal]",
    )
    @click.option("--lambda", "share", type=Number(0, 1), metavar="X", help="Share of the first of two models.")
    @click.option("--valid", metavar="FILE", help="The text on which --weights fit finds the shares.")
    @click.option(
        "--cache",
        type=Number(0, 1, max_open=True),
        default=0.0,
        metavar="X",
        help="Weight of a cache of the document's words, such as 0.1.  [default: no cache]",
    )
    @click.option(
        "--cache-decay",
        "decay",
        type=Number(0, 1, min_open=True, max_open=True),
        metavar="X",
        help="How much of a word's weight in the cache is left a word later.  [default: 0.99]",
    )
    @functools.wraps(command)
    def with_mixing(*args: Any, dynamic: bool = False, rate: float | None = None, **rest: Any) -> Any:
        fields = {key: rest.pop(key) for key in ("names", "weights", "share", "valid", "cache", "decay")}
        return command(*args, mixing=Mixing(**fields, dynamic=dynamic, rate=rate), **rest)

    return with_mixing  # type: ignore[return-value]


def dynamic_options(command: F) -> F:
    """`--dynamic` and `--dynamic-rate`; they stand above `mixing_options`."""
    for option in (
        click.option(
            "--dynamic-rate",
            "rate",
            type=Number(0),
            metavar="X",
            help="Learning rate of --dynamic.  [default: 1]",
        ),
        click.option(
            "--dynamic", is_flag=True, help="Let networks learn from what they have read; the run stays as it is."
        ),
    ):
        command = option(command)
    return command


def load_mixed(model: str | None, mixing: Mixing, carried: bool = False) -> Model:
    """The model of `--model` with all that the options ask for; `carried` says how a text for fitting is read.

    Raises ConfigError for options that do not fit together, and what loading and mixing raise.
    """
    from rnnlm.api import Model
    from rnnlm.lm.cache import DECAY
    from rnnlm.lm.dynamic import RATE, dynamic
    from rnnlm.store.load import Loaded, load_named, mix, with_cache

    refuse_idle(mixing)
    members = [load_named(name) for name in (model, *mixing.names)]
    loaded = mix(members, shares(mixing, members, carried)) if mixing.names else members[0]
    if mixing.cache:
        loaded = with_cache(loaded, mixing.cache, mixing.decay or DECAY)
    if mixing.dynamic:
        rate = RATE if mixing.rate is None else mixing.rate
        loaded = Loaded(f"{loaded.name}, dynamic", dynamic(Model(loaded).left_to_right, rate), loaded.coder)
    return Model(loaded)


def refuse_idle(mixing: Mixing) -> None:
    """Raises ConfigError for an option that would do nothing."""
    from rnnlm.errors import ConfigError

    for idle, option, other in (
        (mixing.weights and not mixing.names, "--weights", "--mix"),
        (mixing.share is not None and not mixing.names, "--lambda", "--mix"),
        (mixing.valid and mixing.weights != "fit", "--valid", "--weights fit"),
        (mixing.decay and not mixing.cache, "--cache-decay", "--cache"),
        (mixing.rate is not None and not mixing.dynamic, "--dynamic-rate", "--dynamic"),
    ):
        if idle:
            raise ConfigError(f"{option} does nothing without {other}", f"add {other}, or leave {option} out")


def shares(mixing: Mixing, members: list[Loaded], carried: bool) -> list[float]:
    """The weights that `--weights` or `--lambda` give; equal ones without. Those that are fitted are shown."""
    from rnnlm.errors import ConfigError

    count = len(members)
    if mixing.share is not None:
        if count != 2 or mixing.weights:
            raise ConfigError("--lambda is the share of the first of two models", "name the shares with --weights")
        return [mixing.share, 1 - mixing.share]
    if not mixing.weights:
        return [1 / count] * count
    if mixing.weights != "fit":
        try:
            return [float(weight) for weight in mixing.weights.split(",")]
        except ValueError:
            raise ConfigError(f"--weights {mixing.weights} are no numbers", "such as --weights 0.7,0.3") from None
    if not mixing.valid:
        raise ConfigError("--weights fit needs a text to fit the weights on", "name one with --valid")
    found = fit(members, mixing.valid, carried)
    told = ", ".join(f"{weight:.4f} {member.name}" for weight, member in zip(found, members, strict=True))
    remark(f"weights fitted on {mixing.valid}: {told}")
    return found


def fit(members: list[Loaded], file: str, carried: bool) -> list[float]:
    """The weights under which a text is most probable."""
    from rnnlm.store.load import renumbered
    from rnnlm.text.corpus import encode_stream
    from rnnlm.text.streams import cut_files
    from rnnlm.train.mixing import fitted_weights

    coder = members[0].coder
    corpus = encode_stream(cut_files((file,), coder.tokenizer, None)[0], coder)
    return fitted_weights([renumbered(member, members[0]) for member in members], corpus, carried)
