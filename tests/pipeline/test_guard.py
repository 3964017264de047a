"""The guard: which trainings are not worth going on, and which only look so."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any

import pytest

from lf_wrap.pipeline.guard import RISE, WINDOW, Trouble, trouble
from lf_wrap.pipeline.training_log import Step
from lf_wrap.recipe import Guard

FALLING = [3 * 0.97**step for step in range(60)]


def judged(
    losses: Sequence[float | None], *, norms: Sequence[float] = (), silent: float = 0, **settings: Any
) -> Trouble | None:
    steps = [Step(number, 1000, loss, "0:00:01") for number, loss in enumerate(losses, 1)]
    return trouble(steps, norms, silent, Guard(), {"learning_rate": 1e-4, **settings})


@pytest.mark.parametrize("loss", [math.nan, math.inf, 0.0])
def test_a_loss_that_is_none_is_named_with_its_step_and_the_last_good_one(loss: float) -> None:
    found = judged([2.5, 2.4, loss])
    assert found is not None
    assert found.what == f"the loss at step 3 is {loss or 'exactly 0'} (at step 2 it was 2.4)"
    assert found.good_until == 2
    assert found.fix.startswith("train.learning_rate (0.0001) is too high: try 1e-05")


def test_a_loss_that_never_was_one_is_blamed_on_the_weights_or_the_rows_first() -> None:
    found = judged([math.nan])
    assert found is not None
    assert found.what == "the loss at step 1 is nan from the first logged step on"
    assert found.fix.startswith("NaN in the base model's weights")
    assert found.good_until == 0


@pytest.mark.parametrize(
    ("settings", "cause"),
    [
        ({"fp16": True}, "train.bf16: true"),
        ({"neat_packing": True, "cutoff_len": 4097}, "train.cutoff_len: 4096"),
        ({"logging_nan_inf_filter": True}, "train.logging_nan_inf_filter: false"),
    ],
)
def test_the_settings_that_are_known_to_do_this_are_named_first(settings: dict[str, Any], cause: str) -> None:
    found = judged([2.0, math.nan], **settings)
    assert found is not None
    assert cause in found.fix.split("; or ")[0]


def test_a_loss_that_came_down_to_nothing_step_by_step_is_learnt_by_heart() -> None:
    assert judged([0.5, 0.02, 0.004, 0.0, 0.0]) is None


def test_lines_without_a_loss_are_no_loss_of_zero() -> None:
    assert judged([2.0, None, 1.9, None]) is None


@pytest.mark.parametrize("seed", range(20))
def test_a_noisy_training_is_let_go_on(seed: int) -> None:
    dice = random.Random(seed)
    assert judged([loss * dice.lognormvariate(0, 0.4) for loss in FALLING]) is None


def test_a_few_wild_batches_are_let_go_on() -> None:
    assert judged([*FALLING, *[30.0] * (WINDOW // 2 - 1), *FALLING[-6:]]) is None


def test_a_loss_that_stays_at_twice_its_beginning_has_diverged() -> None:
    found = judged([*FALLING, *[2.2 * RISE * 3.0] * WINDOW])
    assert found is not None
    assert found.what.startswith("the loss has diverged")
    assert found.good_until == 60
    assert "train.learning_rate (0.0001) is too high: try 1e-05" in found.fix


def test_a_loss_far_above_guessing_has_diverged_however_early_it_began() -> None:
    found = judged([11.0, *[1e6] * WINDOW])
    assert found is not None
    assert found.what.startswith("the loss has diverged: the median of the last 10 logged, up to step 11, is 1e+06")
    assert found.good_until == 1


def test_a_small_loss_may_double() -> None:
    assert judged([0.1] * 20 + [0.9] * 20) is None


@pytest.mark.parametrize("norm", [math.nan, math.inf])
def test_gradients_that_stay_infinite_stop_it_a_few_do_not(norm: float) -> None:
    assert judged([2.0, 1.9], norms=[1.0, norm, norm, norm, norm]) is None
    found = judged([2.0, 1.9], norms=[1.0, *[norm] * 5])
    assert found is not None
    assert found.what == f"the last 5 logged gradient norms are {norm}"


def test_silence_is_judged_by_the_clock() -> None:
    assert judged([2.0], silent=1799) is None
    found = judged([2.0], silent=1801)
    assert found is not None
    assert found.what == "no sign of life for 30 minutes since step 1 of 1000"
    assert found.good_until is None, "what it saved is sound"
    assert "guard.hang_minutes" in found.fix
    before_the_first = judged([], silent=1801)
    assert before_the_first is not None
    assert "no step is done yet" in before_the_first.what


def test_it_can_be_switched_off() -> None:
    step = Step(1, 10, math.nan, "")
    assert trouble([step], [], 10**6, Guard(loss=False, hang_minutes=None), {}) is None
