"""A counting model from a corpus into a run: nothing is iterated, everything is counted once; it prints nothing."""

from __future__ import annotations

import time
from dataclasses import dataclass

from rnnlm.config import Config
from rnnlm.lm.kneser_ney import Estimate, estimate
from rnnlm.store.run import Run
from rnnlm.train.evaluate import Metrics, evaluate
from rnnlm.train.prepare import Prepared


@dataclass(frozen=True)
class Counted:
    """What came out: the estimate, the validation metrics, and the seconds that estimating and saving took."""

    estimate: Estimate
    metrics: Metrics
    seconds: float


def train_ngram(config: Config, prepared: Prepared, run: Run) -> Counted:
    """Estimates by modified Kneser-Ney, saves, and validates."""
    began = time.perf_counter()
    model = config.model
    found = estimate(prepared.train.ids[1:], len(prepared.coder.vocabulary), model.order, model.prune)
    run.save("000001", found.model.arrays(), {}, {}, best=True)
    seconds = time.perf_counter() - began
    metrics = evaluate(found.model, prepared.valid)
    loss = metrics.nats / max(1, metrics.tokens)
    run.log(
        {"kind": "valid", "epoch": 1, "step": 1, "seconds": round(seconds, 3), "valid_loss": loss} | metrics.to_json()
    )
    return Counted(found, metrics, seconds)
