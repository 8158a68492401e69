"""The course of a training as a table, a row an epoch, with advice where it looks off; it prints nothing.

Perplexity of the training text as it was trained on, with dropout, and of the validation text; |g|, the norm of the
gradient before clipping, the mean over the epoch's steps; the share of steps that were clipped; the share of the top
layer's units that are saturated at the epoch's end, so that little error gets through.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from rnnlm.config import Config
from rnnlm.train.evaluate import safe_exp
from rnnlm.train.evaluate_cloze import ClozeMetrics
from rnnlm.train.trainer import Stepped, Validated

HEADER = " epoch  perplexity: train    valid  bits/char      |g|  clipped  saturated  time"
CLOZE_HEADER = " epoch  nats: train    valid  accuracy      |g|  clipped  saturated  time"
OFTEN = 0.9  # a share of clipped steps that is nearly all of them
# A share of saturated units that is too large. Cells with gates hold fast by saturation; a ReLU rests half of the time.
TOO_MANY = {"tanh": 0.5, "sigmoid": 0.5, "relu": 0.95}


class Course:
    """What is seen of a training, from epoch to epoch."""

    def __init__(self, config: Config, words: int, step: int = 0) -> None:
        """`words`: the size of the vocabulary; `step`: the step that training begins with."""
        self.config, self.words, self.step = config, words, step
        self.loss = math.inf  # of the training text in the epoch before
        self.said: set[str] = set()
        self.begin()

    @property
    def header(self) -> str:
        """The line above the first epoch's; * will mark the best epoch so far."""
        return CLOZE_HEADER if self.config.model.kind == "cloze" else HEADER

    def begin(self) -> None:
        """An epoch begins: its sums."""
        self.steps = self.norm = self.clipped = 0.0

    def see(self, event: Stepped) -> None:
        """Takes in what happened since the last event."""
        steps = event.step - self.step
        self.step = event.step
        self.steps += steps
        self.norm += event.norm * steps
        self.clipped += event.clipped * steps

    def end(self, event: Validated, saturated: float) -> list[str]:
        """The lines for the end of an epoch: its row, then advice, each piece once in a training.

        `saturated`: the share of the top layer's units now.
        """
        steps = max(1.0, self.steps)
        self.norm, self.clipped, self.saturated = self.norm / steps, self.clipped / steps, saturated
        lines = [self.row(event)]
        for name, advice in self.advice(event):
            if name not in self.said:
                self.said.add(name)
                lines.append(f"  {name}: {advice}")
        self.loss = event.train_loss
        self.begin()
        return lines

    def row(self, event: Validated) -> str:
        """One epoch in a line."""
        metrics, mark = event.metrics, "*" if event.best else " "
        if isinstance(metrics, ClozeMetrics):
            quality = f"{event.train_loss:12.3f} {event.loss:8.3f} {metrics.accuracy_at_1:9.1%}"
        else:
            train = safe_exp(event.train_loss)
            quality = f"{short(train):>18} {short(metrics.perplexity):>8} {thousandths(metrics.bits_per_character):>10}"
        inside = f"{short(self.norm):>8} {self.clipped:8.0%} {self.saturated:10.0%}"
        return f"{mark}{event.epoch:5d} {quality} {inside}{event.seconds:5.0f}s"

    def advice(self, event: Validated) -> Iterator[tuple[str, str]]:
        """What looks off, and what may help."""
        train, loss = self.config.train, event.train_loss
        lower = f"try a lower rate, say --lr {train.rate / 3:.2g}"
        if loss > math.log(self.words) + 0.05:
            yield "worse than guessing", f"the loss {loss:.2f} is above ln V = {math.log(self.words):.2f}; {lower}"
        elif loss > 1.01 * self.loss:
            yield "the training loss rises", f"from {self.loss:.3f} to {loss:.3f}; {lower}"
        elif self.clipped > OFTEN and loss > 0.995 * self.loss:
            yield "nearly every step is clipped", f"and the loss hardly falls; {lower}, or a larger --clip"
        if not event.best and event.loss > loss + 1:
            yield "learnt by heart", "the validation loss rises, far above the training loss; try more --dropout"
        if self.saturated > TOO_MANY.get(self.config.model.cell, math.inf):
            yield "saturated", f"hardly any error gets through the top layer; {lower}"


def thousandths(x: float) -> str:
    """A figure with three places behind the point, in at most eight columns."""
    return f"{x:.3f}" if x < 9_999 else f"{x:.1e}"


def short(x: float) -> str:
    """A figure in at most eight columns."""
    return f"{x:.2f}" if x < 99_999 else f"{x:.1e}"
