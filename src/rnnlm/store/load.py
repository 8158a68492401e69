"""From a name to a model that can be asked: a run, a checkpoint, an ARPA file, a saved mixture; not what will be asked.

An ARPA file brings its own words, and reads text whose words are parted by white space. A saved mixture is a folder:

    mixture.json    its members' places in the folder, their weights, and the weight and decay of a cache over them
    members/        runs and ARPA files
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rnnlm.errors import CheckpointError, ModelError, VocabularyError
from rnnlm.lm.arpa import read_arpa
from rnnlm.lm.build import make_model, make_network, network_arguments
from rnnlm.lm.cache import Cached
from rnnlm.lm.cloze import ClozeModel
from rnnlm.lm.mixture import Mixture, Renumbered
from rnnlm.lm.ngram import NgramModel
from rnnlm.lm.protocol import LanguageModel
from rnnlm.nn.arrays import Parameters
from rnnlm.store.files import read_json
from rnnlm.store.run import Run, chosen, find_run, read_arrays
from rnnlm.text.coder import Coder
from rnnlm.text.tokenizer import make_tokenizer
from rnnlm.text.vocabulary import Vocabulary

ARPA = (".arpa", ".arpa.gz")
MIXTURE = "mixture.json"


@dataclass(frozen=True)
class Loaded:
    """A model, the tokenizer and the words that belong to it, and the name to show."""

    name: str
    lm: LanguageModel | ClozeModel
    coder: Coder


def load_named(name: str | None = None) -> Loaded:
    """What `--model` names: the folder of a run or a mixture, a checkpoint, or a file `.arpa` or `.arpa.gz`; None as
    `find_run` has it.

    Raises CheckpointError where it cannot be read.
    """
    name = chosen(name)
    if name and is_arpa(name):
        return load_arpa(Path(name))
    if name and is_mixture(name):
        return load_mixture(Path(name))
    run, checkpoint = find_run(name)
    while True:
        index = run.index
        try:
            return Loaded(str(run.path), load_model(run, checkpoint), run.coder)
        except CheckpointError:
            if run.index == index:  # or it was just being trained, and this checkpoint gave way to another
                raise


def load_coder(name: str) -> Coder:
    """How the model of that name cuts and numbers text; the weights of a run are not read."""
    return load_named(name).coder if is_arpa(name) or is_mixture(name) else find_run(name)[0].coder


def is_arpa(name: str) -> bool:
    return name.endswith(ARPA) and not Path(name).is_dir()


def is_mixture(name: str) -> bool:
    return (Path(name) / MIXTURE).is_file()


def load_arpa(path: Path) -> Loaded:
    """The model of an ARPA file, over its own words."""
    words, model = read_arpa(path)
    return Loaded(str(path), model, arpa_coder(words))


def arpa_coder(words: Sequence[str]) -> Coder:
    """How text is read for the words of an ARPA file: parted at white space, an unknown word is `<unk>`."""
    return Coder(make_tokenizer("whitespace"), Vocabulary(words), "unk")


def load_mixture(path: Path) -> Loaded:
    """The mixture of a folder."""
    try:
        about = read_mixture(path)
        members = [load_named(str(path / str(member))) for member in about["members"]]
        mixed = mix(members, [float(weight) for weight in about["weights"]])
        if about["cache"]:
            mixed = with_cache(mixed, float(about["cache"]["weight"]), float(about["cache"]["decay"]))
    except (TypeError, KeyError, ValueError, IndexError):
        raise CheckpointError(f"{path / MIXTURE} is damaged", "export the mixture again") from None
    return Loaded(str(path), mixed.lm, mixed.coder)


def read_mixture(path: Path) -> dict[str, Any]:
    """What the folder of a mixture says of it. Raises CheckpointError for a member that is not inside the folder."""
    about = read_json(path / MIXTURE, "members", "weights", "cache")
    for member in about["members"]:
        if path.resolve() not in (path / str(member)).resolve().parents:
            raise CheckpointError(
                f"{path / MIXTURE} is damaged: its member {member} is not inside the folder",
                "export the mixture again",
            )
    return about


def mix(members: Sequence[Loaded], weights: Sequence[float]) -> Loaded:
    """A mixture of models over the same words; text is cut as for the first.

    Raises VocabularyError where their words differ, ModelError where one reads both sides, ConfigError for weights that
    are no shares of 1.
    """
    first = members[0]
    models = [renumbered(member, first) for member in members]
    if len(models) == 1:
        return Loaded(first.name, models[0], first.coder)
    name = " + ".join(f"{weight:.3g} {member.name}" for weight, member in zip(weights, members, strict=False))
    return Loaded(name, Mixture(models, weights), first.coder)


def with_cache(loaded: Loaded, weight: float, decay: float) -> Loaded:
    """The model with a cache over it. Raises ConfigError for an impossible weight or decay."""
    return Loaded(f"{loaded.name}, cache {weight:g}", Cached(renumbered(loaded, loaded), weight, decay), loaded.coder)


def renumbered(member: Loaded, first: Loaded) -> LanguageModel:
    """The model of `member`, asked with the ids of `first`."""
    if isinstance(member.lm, ClozeModel):
        raise ModelError(
            f"{member.name} reads from both sides: it gives no text a probability, and cannot be mixed",
            "mix runs of another kind, such as `rnnlm train` gives",
        )
    own, wanted = member.coder.vocabulary, first.coder.vocabulary
    if own.words == wanted.words:
        return member.lm
    if missing := [word for word in wanted.words if word not in own] or [w for w in own.words if w not in wanted]:
        with_it, without = (first, member) if missing[0] in wanted else (member, first)
        raise VocabularyError(
            f"{without.name} does not know {missing[0]!r} and {len(missing) - 1:,} other words of {with_it.name}: "
            "models are mixed over one vocabulary",
            f"train one with the words of the other: --vocabulary {with_it.name}/vocabulary.txt",
        )
    return Renumbered(member.lm, np.array([own.ids[word] for word in wanted.words]))


def load_model(run: Run, checkpoint: str = "best") -> LanguageModel | ClozeModel:
    """The model of a checkpoint. Raises CheckpointError where its weights do not fit the run's settings or
    vocabulary."""
    path = run.checkpoint(checkpoint)
    words = len(run.coder.vocabulary)
    if run.config.model.kind == "ngram":
        model = NgramModel.from_arrays(read_arrays(path / "model.safetensors"))
        if model.size != words:
            raise misfit(path / "model.safetensors", model.size, words)
        return model
    network = make_network(network_arguments(run.config.model, words))
    return make_model(network, load_parameters(path / "model.safetensors", network.shapes(), words))


def load_parameters(path: Path, shapes: dict[str, tuple[int, ...]], words: int) -> Parameters:
    """The parameters of a file, checked against the shapes that they should have."""
    arrays = read_arrays(path)
    if set(arrays) != set(shapes):
        odd = sorted(set(arrays) ^ set(shapes))[0]
        raise CheckpointError(f"{path} does not fit the run's config.toml (it differs in {odd})")
    p = Parameters(shapes)
    for name, view in p.views.items():
        found = arrays[name]
        if found.shape != view.shape:
            if found.shape[1:] == view.shape[1:]:
                raise misfit(path, found.shape[0], words)
            raise CheckpointError(
                f"{path} does not fit the run's config.toml ({name} is {found.shape}, not {view.shape})"
            )
        view[...] = found
    if not np.isfinite(p.flat).all():
        raise CheckpointError(f"{path} holds weights that are not numbers", "train again with a lower rate")
    return p


def misfit(path: Path, known: int, words: int) -> CheckpointError:
    """A model and a vocabulary that do not belong together."""
    return CheckpointError(
        f"{path} knows {known} words, but vocabulary.txt holds {words}",
        "put back the vocabulary that the run was trained with",
    )
