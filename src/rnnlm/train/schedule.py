"""The learning rate over time, and when to stop; it knows losses and counts, no model.

`constant`; `decay`: times `factor` each epoch after epoch `hold`; `plateau`: times `factor` after an epoch whose
validation loss fell by less than `gain`; `cosine`: up in a straight line, then down along half a cosine to 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from rnnlm.config import Train


@dataclass
class Schedule:
    """The state of a schedule: plain numbers, saved with a checkpoint."""

    settings: Train
    steps: int  # of the whole training
    scale: float = 1.0
    best: float = math.inf  # lowest validation loss so far
    worse: int = 0  # epochs since then

    def rate(self, epoch: int, step: int) -> float:
        """The rate of one step; epoch and step count from 0."""
        s = self.settings
        if s.schedule == "decay":
            return s.rate * s.factor ** max(0, epoch + 1 - s.hold)
        if s.schedule == "plateau":
            return s.rate * self.scale
        if s.schedule == "cosine":
            rising = s.warmup * self.steps
            if step < rising:
                return s.rate * min(1.0, (step + 1) / rising)
            return s.rate * 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1.0, self.steps - rising)))
        return s.rate

    def validated(self, loss: float) -> bool:
        """Takes the validation loss of an epoch; says whether it is the best so far."""
        better = loss < self.best
        if not loss < self.best * (1 - self.settings.gain) and self.settings.schedule == "plateau":
            self.scale *= self.settings.factor
        self.worse = 0 if better else self.worse + 1
        self.best = min(self.best, loss)
        return better

    @property
    def finished(self) -> bool:
        """Has the validation loss not improved for `patience` epochs?"""
        return 0 < self.settings.patience <= self.worse
