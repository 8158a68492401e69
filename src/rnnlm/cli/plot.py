"""`rnnlm plot`: the curves of one or several runs, as a picture."""

from __future__ import annotations

from pathlib import Path

import click

from rnnlm.cli.show import remark


@click.command()
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@click.option("--out", "-o", default="curves.png", show_default=True, metavar="FILE", help="The picture, PNG or SVG.")
def command(runs: tuple[str, ...], out: str) -> None:
    """Draw loss, perplexity, learning rate, gradient norm and words/s of RUNs.

    [default: $RNNLM_MODEL, or the newest run]
    """
    from rnnlm.errors import CheckpointError
    from rnnlm.report.plots import curves
    from rnnlm.store.run import find_run

    found = {}
    for name in runs or (None,):
        run, _ = find_run(name)
        found[str(run.path)] = run.metrics()
        if not found[str(run.path)]:
            raise CheckpointError(f"the run {run.path} has no metrics yet", "train it further with --resume")
    curves(found, Path(out))
    remark(f"wrote {out}")
