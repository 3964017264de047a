"""Whether a training is still worth its time: a look at what it has logged, and at how long it has been silent."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from lf_wrap.pipeline.training_log import Step
from lf_wrap.recipe import Guard

# A training diverges when the median of its last losses is twice that of its first, and a nat above it: an answer's
# token has become e times less likely than before there was any training. Ten logged losses on each side, since
# the loss of one batch often is twice that of another but the median of ten is not.
WINDOW, RISE, LEAST_RISE = 10, 2.0, 1.0
# Who knows nothing and guesses has a loss of ln(vocabulary): 12.5 nats with the largest there are, of 262,000 tokens.
# At twice that a training is lost, also where it was from so early on that there is no beginning to compare with.
ABSURD_LOSS = 25.0
# A loss may come down to nothing on a few rows learnt by heart, but not in one step from above this (in nats).
SMALL_LOSS = 0.01
# fp16 skips the steps whose gradients overflow while it looks for its scale: a few of them in a row are usual.
BAD_GRADIENTS = 5


@dataclass(frozen=True)
class Trouble:
    """What went wrong, what to change, and the last step before it when the weights are spoiled since."""

    what: str
    fix: str
    good_until: int | None = None


def trouble(
    steps: Sequence[Step],
    gradient_norms: Sequence[float],
    silent_seconds: float,
    rules: Guard,
    settings: Mapping[str, Any],
) -> Trouble | None:
    """What is wrong with a training that has logged these steps and gradient norms, and nothing for so long.

    `settings` are its train arguments: which of them is the likely cause depends on their values.
    """
    if rules.loss:
        losses = [(step.step, step.loss) for step in steps if step.loss is not None]
        found = _not_a_loss(losses, settings) or _diverged(losses, settings) or _no_gradient(gradient_norms, settings)
        if found:
            return found
    if rules.hang_minutes is not None and silent_seconds > rules.hang_minutes * 60:
        return _hanging(steps, rules.hang_minutes)
    return None


def _not_a_loss(losses: list[tuple[int, float]], settings: Mapping[str, Any]) -> Trouble | None:
    before: tuple[int, float] | None = None
    for step, loss in losses:
        leap_to_zero = loss == 0 and (before is None or before[1] > SMALL_LOSS)
        if not math.isfinite(loss) or leap_to_zero:
            since = f" (at step {before[0]} it was {before[1]:.3g})" if before else " from the first logged step on"
            return Trouble(
                f"the loss at step {step} is {loss if loss else 'exactly 0'}{since}",
                _cause(settings, from_the_start=before is None),
                good_until=before[0] if before else 0,
            )
        before = (step, loss)
    return None


def _diverged(losses: list[tuple[int, float]], settings: Mapping[str, Any]) -> Trouble | None:
    if len(losses) < WINDOW:
        return None
    first, last = (median(loss for _, loss in part) for part in (losses[:WINDOW], losses[-WINDOW:]))
    limit = min(max(RISE * first, first + LEAST_RISE) if len(losses) >= 2 * WINDOW else ABSURD_LOSS, ABSURD_LOSS)
    if last <= limit:
        return None
    return Trouble(
        f"the loss has diverged: the median of the last {WINDOW} logged, up to step {losses[-1][0]}, is {last:.3g}, "
        f"the first logged was {losses[0][1]:.3g}",
        f"{_lower_rate(settings)}; a longer warm-up (train.warmup_ratio) and train.max_grad_norm: 1.0 help too",
        good_until=max((step for step, loss in losses if loss <= min(first, ABSURD_LOSS)), default=0),
    )


def _no_gradient(norms: Sequence[float], settings: Mapping[str, Any]) -> Trouble | None:
    last = norms[-BAD_GRADIENTS:]
    if len(last) < BAD_GRADIENTS or any(map(math.isfinite, last)):
        return None
    return Trouble(f"the last {BAD_GRADIENTS} logged gradient norms are {last[-1]}", _cause(settings))


def _hanging(steps: Sequence[Step], minutes: float) -> Trouble:
    place = f"since step {steps[-1].step} of {steps[-1].total}" if steps else "and no step is done yet"
    return Trouble(
        f"no sign of life for {minutes:g} minutes {place}",
        "with several GPUs one of them may wait for another: run with NCCL_DEBUG=INFO, try NCCL_P2P_DISABLE=1; else a "
        "slow disk or a download may be the reason; if such pauses are normal here, raise guard.hang_minutes",
    )


def _cause(settings: Mapping[str, Any], from_the_start: bool = False) -> str:
    """The likely causes of a loss that is no number, the likeliest by these settings first."""
    causes = []
    cutoff_len = settings.get("cutoff_len")
    if settings.get("neat_packing") and isinstance(cutoff_len, int) and cutoff_len % 8:
        causes.append(
            f"neat_packing needs a cutoff_len that is a multiple of 8: train.cutoff_len: {cutoff_len // 8 * 8}"
        )
    if settings.get("fp16"):
        causes.append("fp16 overflows above 65,504: train.bf16: true and train.fp16: false, where the GPU has bf16")
    if settings.get("logging_nan_inf_filter"):
        causes.append("train.logging_nan_inf_filter: false shows NaN as NaN, not as 0")
    rate = _lower_rate(settings)
    weights = (
        "NaN in the base model's weights (fetch it again), or rows with no answer left to learn (train.cutoff_len)"
    )
    return "; or ".join([*causes, *((weights, rate) if from_the_start else (rate, weights))])


def _lower_rate(settings: Mapping[str, Any]) -> str:
    rate = settings.get("learning_rate")
    lower = f": try {float(rate) / 10:g}" if isinstance(rate, (int, float)) else ""
    return f"train.learning_rate{f' ({rate:g})' if lower else ''} is too high{lower}"
