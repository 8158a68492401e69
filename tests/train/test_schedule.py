"""The learning rate over time, by hand."""

from __future__ import annotations

import pytest

from rnnlm.config import Train
from rnnlm.train.schedule import Schedule


def test_constant() -> None:
    """Nothing changes it."""
    schedule = Schedule(Train(rate=0.3), 100)
    schedule.validated(5.0)
    schedule.validated(9.0)
    assert {schedule.rate(epoch, step) for epoch in (0, 5) for step in (0, 99)} == {0.3}


def test_decay() -> None:
    """The full rate for `hold` epochs, then the factor once more each epoch: Zaremba's schedule."""
    schedule = Schedule(Train(rate=1, schedule="decay", factor=0.5, hold=4), 100)
    assert [schedule.rate(epoch, 0) for epoch in range(7)] == [1, 1, 1, 1, 0.5, 0.25, 0.125]


def test_plateau() -> None:
    """The rate falls after each epoch whose loss fell by less than `gain`, also where it rose."""
    schedule = Schedule(Train(rate=1, schedule="plateau", factor=0.5, gain=0.1), 100)
    rates = []
    for loss in (10.0, 8.0, 7.5, 7.0, 6.0):  # 8 < 9: fine; 7.5 > 7.2: falls; 7 > 6.75: falls; 6 < 6.3: fine
        schedule.validated(loss)
        rates.append(schedule.rate(0, 0))
    assert rates == [1, 1, 0.5, 0.25, 0.25]
    assert schedule.validated(float("nan")) is False
    assert schedule.rate(0, 0) == 0.125


def test_cosine() -> None:
    """Up in a straight line through the warm-up, the full rate at its end, half of it midway, 0 at the end."""
    schedule = Schedule(Train(rate=1, schedule="cosine", warmup=0.2), 100)
    assert [schedule.rate(0, step) for step in (0, 9, 19)] == pytest.approx([1 / 20, 10 / 20, 1])
    assert [schedule.rate(0, step) for step in (20, 60, 100)] == pytest.approx([1, 0.5, 0])
    assert Schedule(Train(rate=1, schedule="cosine"), 10).rate(0, 0) == 1


@pytest.mark.parametrize("steps", [1, 7, 10, 110, 2003])
def test_warming_up_ends_at_the_rate(steps: int) -> None:
    """No step is larger than the rate says, also where the warm-up is no whole number of steps, or less than one."""
    schedule = Schedule(Train(rate=0.5, schedule="cosine", warmup=0.05), steps)
    rates = [schedule.rate(0, step) for step in range(steps)]
    assert max(rates) == pytest.approx(0.5, rel=1e-3)
    assert max(rates) <= 0.5


def test_best_and_patience() -> None:
    """Says which epoch was the best so far; gives up after `patience` epochs without a better one."""
    schedule = Schedule(Train(patience=2), 100)
    found = [(schedule.validated(loss), schedule.finished) for loss in (3.0, 4.0, 2.0, 2.0, 2.5)]
    assert found == [(True, False), (False, False), (True, False), (False, False), (False, True)]
    forever = Schedule(Train(), 100)
    assert not any([forever.validated(1.0) and forever.finished for _ in range(9)] + [forever.finished])
