"""What another machine needs of a model, written to a folder of its own: a run without its training state, or a
mixture with its members inside; it loads no weights."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rnnlm.errors import CheckpointError
from rnnlm.store.files import new_folder, write_json
from rnnlm.store.load import ARPA, MIXTURE, is_arpa, is_mixture
from rnnlm.store.run import DESCRIPTION, chosen, find_run


def export_run(name: str | None, out: Path) -> None:
    """Copies the run that `--model` names, with one checkpoint and without what resuming needs.

    Raises CheckpointError where `out` exists.
    """
    refuse_existing(out)
    name = chosen(name)
    if name and is_arpa(name):
        raise CheckpointError(f"{name} is an ARPA file, not a run", "copy it as it is")
    if name and is_mixture(name):
        with new_folder(out) as work:
            shutil.copytree(name, work, dirs_exist_ok=True)
        return
    run, number = find_run(name)
    checkpoint = run.checkpoint(number)
    with new_folder(out) as work:
        for kept in DESCRIPTION:
            if (run.path / kept).exists():
                shutil.copyfile(run.path / kept, work / kept)
        weights = work / "checkpoints" / checkpoint.name / "model.safetensors"
        weights.parent.mkdir(parents=True)
        shutil.copyfile(checkpoint / "model.safetensors", weights)
        write_json(work / "checkpoints.json", {"best": checkpoint.name, "last": checkpoint.name})


def export_mixture(
    names: Sequence[str | None], weights: Sequence[float], cache: tuple[float, float] | None, out: Path
) -> None:
    """Writes a mixture with copies of its members; `cache` is the weight and the decay.

    Raises CheckpointError where `out` exists.
    """
    refuse_existing(out)
    about: dict[str, Any] = {"members": [], "weights": list(weights), "cache": None}
    if cache:
        about["cache"] = {"weight": cache[0], "decay": cache[1]}
    with new_folder(out) as work:
        (work / "members").mkdir()
        for number, name in enumerate(map(chosen, names)):
            ending = next((end for end in ARPA if name and is_arpa(name) and name.endswith(end)), "")
            place = f"members/{number}{ending}"
            if ending:
                shutil.copyfile(str(name), work / place)
            else:
                export_run(name, work / place)
            about["members"].append(place)
        write_json(work / MIXTURE, about)


def refuse_existing(out: Path) -> None:
    if out.exists():
        raise CheckpointError(f"{out} exists", "name another folder with --out, or remove it")
