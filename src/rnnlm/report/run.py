"""What a run is, in a few lines: model, text, training, figures; it only reads."""

from __future__ import annotations

from typing import Any

from rnnlm.lm.build import make_network, network_arguments
from rnnlm.nn.arrays import Parameters
from rnnlm.store.run import Run


def describe_run(run: Run) -> list[list[str]]:
    """Rows of a table: what, value."""
    config, words = run.config, len(run.coder.vocabulary)
    model, train = config.model, config.train
    network = make_network(network_arguments(model, words))
    p = Parameters(network.shapes())
    validations = [entry for entry in run.metrics() if entry["kind"] == "valid"]
    rows = [
        ["run", str(run.path)],
        ["model", f"{model.kind}: {model.layers} x {model.cell} of {model.hidden}, embedding {model.embedding}" + " (tied)" * model.tied],
        ["parameters", f"{p.flat.size:,} ({p.flat.nbytes / 1e6:.1f} MB)"],
        ["vocabulary", f"{words:,} words by {config.text.tokenizer}; unknown words: {config.oov}"],
        ["training", f"{train.optimizer}, rate {train.rate:g} {train.schedule}, batch {train.batch} x {train.bptt}, seed {train.seed}"],
    ]
    if validations:
        best = min(validations, key=lambda entry: entry["valid_loss"])
        rows.append(["epochs", f"{len(validations)} of {train.epochs}, {validations[-1]['seconds']:.0f} s"])
        rows.append(["best epoch", f"{best['epoch']}: {figures(best)}"])
    for name, checkpoint in run.index.items():
        rows.append([name, f"checkpoints/{checkpoint}"])
    return rows


def figures(entry: dict[str, Any]) -> str:
    """The validation figures of an epoch: perplexity, or for a model that has none its accuracy."""
    if "perplexity" in entry:
        return f"validation perplexity {entry['perplexity']:.2f}, {entry['bits_per_character']:.3f} bits per character"
    return f"validation accuracy {entry['accuracy_at_1']:.1%} (among the first five {entry['accuracy_at_5']:.1%})"
