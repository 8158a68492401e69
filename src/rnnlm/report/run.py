"""What a run is, in a few lines: model, text, training, figures; and what an ARPA file or a mixture is. It only
reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rnnlm.config import Config
from rnnlm.lm.build import make_network, network_arguments
from rnnlm.lm.ngram import NgramModel
from rnnlm.nn.arrays import Parameters
from rnnlm.report.terminal import bar
from rnnlm.store.load import is_arpa, is_mixture, load_arpa, read_mixture
from rnnlm.store.run import Run, chosen, find_run, read_arrays


def describe(name: str | None) -> list[list[str]]:
    """Rows of a table for whatever `--model` names: what, value."""
    name = chosen(name)
    if name and is_arpa(name):
        loaded = load_arpa(Path(name))
        words = len(loaded.coder.vocabulary)
        assert isinstance(loaded.lm, NgramModel)
        return [["file", name], ["vocabulary", f"{words:,} words parted by white space"], *ngram_rows(loaded.lm)]
    if name and is_mixture(name):
        return describe_mixture(Path(name))
    return describe_run(find_run(name)[0])


def describe_mixture(path: Path) -> list[list[str]]:
    """The members of a saved mixture, each with its own rows, and the cache over them."""
    about = read_mixture(path)
    rows = [["mixture", str(path)]]
    for member, weight in zip(about["members"], about["weights"], strict=True):
        rows += [["", ""], ["weight", f"{weight:.4f}"], *describe(str(path / member))]
    if about["cache"]:
        rows += [["", ""], ["cache", f"weight {about['cache']['weight']:g}, decay {about['cache']['decay']:g}"]]
    return rows


def describe_run(run: Run) -> list[list[str]]:
    """Rows of a table: what, value."""
    config, words = run.config, len(run.coder.vocabulary)
    model, train = config.model, config.train
    if model.kind == "ngram":
        return [["run", str(run.path)], ["vocabulary", vocabulary_line(config, words)], *describe_ngram(run)]
    network = make_network(network_arguments(model, words))
    p = Parameters(network.shapes())
    validations = [entry for entry in run.metrics() if entry["kind"] == "valid"]
    rows = [
        ["run", str(run.path)],
        [
            "model",
            f"{model.kind}: {model.layers} x {model.cell} of {model.hidden}, embedding {model.embedding}"
            + " (tied)" * model.tied,
        ],
        ["parameters", f"{p.flat.size:,} ({p.flat.nbytes / 1e6:.1f} MB)"],
        ["vocabulary", vocabulary_line(config, words)],
        [
            "training",
            f"{train.optimizer}, rate {train.rate:g} {train.schedule}, batch {train.batch} x {train.bptt}"
            f", seed {train.seed}",
        ],
    ]
    if validations:
        best = min(validations, key=lambda entry: entry["valid_loss"])
        rows.append(["epochs", f"{len(validations)} of {train.epochs}, {validations[-1]['seconds']:.0f} s"])
        rows.append(["best epoch", f"{best['epoch']}: {figures(best)}"])
    for name, checkpoint in run.index.items():
        rows.append([name, f"checkpoints/{checkpoint}"])
    return rows


def vocabulary_line(config: Config, words: int) -> str:
    return f"{words:,} words by {config.text.tokenizer}; unknown words: {config.oov}"


def describe_ngram(run: Run) -> list[list[str]]:
    """A counting model of our own and what it reached."""
    rows = ngram_rows(NgramModel.from_arrays(read_arrays(run.checkpoint() / "model.safetensors")))
    rows[0][1] += ", modified Kneser-Ney"
    return rows + [["validation", f"{figures(entry)}, {entry['seconds']:.1f} s"] for entry in run.metrics()]


def ngram_rows(model: NgramModel) -> list[list[str]]:
    """How the storage of a counting model grows with its order."""
    rows = [["model", f"n-grams up to order {model.order}"]]
    for order, (count, size) in enumerate(zip(model.counts, model.bytes_per_order, strict=True), 1):
        rows.append([f"order {order}", f"{count:>12,} n-grams  {size / 1e6:8.1f} MB  {bar(count / max(model.counts))}"])
    rows.append(["in all", f"{sum(model.counts):>12,} n-grams  {sum(model.bytes_per_order) / 1e6:8.1f} MB"])
    return rows


def figures(entry: dict[str, Any]) -> str:
    """The validation figures of an epoch: perplexity, or for a model that has none its accuracy."""
    if "perplexity" in entry:
        perplexity, bits = entry["perplexity"], entry["bits_per_character"]
        if bits > 100:  # a training that went astray
            return f"validation perplexity {perplexity:.1e}, {bits:.1e} bits per character: worse than any guess"
        return f"validation perplexity {perplexity:.2f}, {bits:.3f} bits per character"
    return f"validation accuracy {entry['accuracy_at_1']:.1%} (among the first five {entry['accuracy_at_5']:.1%})"
