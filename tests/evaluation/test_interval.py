"""The 95 % interval holds the truth as often as it says: 1,000 simulated evaluations of each kind.

Run with `-s` to see the shares. Where a change is so rare that most evaluations see one or none, no interval can be
right in just 95 of 100 (the outcomes are too few): there it must err on the side of holding the truth.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from math import exp
from typing import Any

import numpy
import pytest
from scipy import stats

from lf_wrap.evaluation.corpus import compare_sums
from lf_wrap.evaluation.interval import mean_interval, standard_error
from lf_wrap.evaluation.tasks import Metric
from lf_wrap.evaluation.tasks.perplexity import Perplexity

EVALUATIONS = 1_000
BY_CHANCE = 0.005  # a share of 1,000 evaluations is itself 0.7 points off in one of three simulations
Random = numpy.random.Generator
Draw = Callable[[Random, int], Any]


def yes_or_no(improved: float, worsened: float) -> Draw:
    """Differences of paired yes-or-no scores."""
    return lambda random, n: random.choice([1.0, -1.0, 0.0], n, p=[improved, worsened, 1 - improved - worsened])


def overlap(random: Random, n: int) -> Any:
    """Two models' chrF-like scores."""
    return random.beta(5, 3, n) - random.beta(2, 4, n)


def skewed(random: Random, n: int) -> Any:
    """Scores near 0 with a long tail, as BLEU's on free answers."""
    return random.beta(0.5, 6, n) - random.beta(0.5, 8, n)


def seldom(random: Random, n: int) -> Any:
    """One answer in ten changes, always for the better."""
    return numpy.where(random.random(n) < 0.1, random.beta(2, 4, n), 0.0)


@pytest.fixture(autouse=True)
def fewer_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    for function in (mean_interval, compare_sums):
        monkeypatch.setattr(sys.modules[function.__module__], "RESAMPLES", 1_000)


def exponential(random: Random, n: int) -> Any:
    """Differences that nothing bounds, as of lengths: many small, some large."""
    return random.exponential(1, n)


def lengths(random: Random, n: int) -> Any:
    """Two models' length ratios, the base's wider spread."""
    return random.lognormal(0, 0.8, n) - random.lognormal(-0.2, 0.5, n)


def lognormal(random: Random, n: int) -> Any:
    """Differences so skewed that one in a hundred is ten times the middle one."""
    return random.lognormal(0, 1, n)


def normal(random: Random, n: int) -> Any:
    return random.normal(0, 1, n)


UNBOUNDED = (exponential, lengths, lognormal, normal)


def share_held(draw: Draw, truth: float, n: int) -> float:
    random, held = numpy.random.default_rng(0), 0
    for _ in range(EVALUATIONS):
        low, high = mean_interval(draw(random, n), numpy.ones(n), bounded=draw not in UNBOUNDED)
        held += low <= truth <= high
    return held / EVALUATIONS


@pytest.mark.parametrize(
    ("draw", "truth", "n"),
    [
        (yes_or_no(0.3, 0.1), 0.2, 40),
        (yes_or_no(0.3, 0.1), 0.2, 100),
        (yes_or_no(0.1, 0.1), 0.0, 100),
        (yes_or_no(0.5, 0.2), 0.3, 12),
        (yes_or_no(0.6, 0.05), 0.55, 50),
        (yes_or_no(0.05, 0.01), 0.04, 150),
        (overlap, 5 / 8 - 2 / 6, 20),
        (skewed, 0.5 / 6.5 - 0.5 / 8.5, 40),
        (skewed, 0.5 / 6.5 - 0.5 / 8.5, 100),
        (seldom, 0.1 * 2 / 6, 40),
        (seldom, 0.1 * 2 / 6, 100),
        (exponential, 1.0, 8),
        (exponential, 1.0, 12),
        (exponential, 1.0, 30),
        (lengths, exp(0.32) - exp(-0.075), 15),
        (lengths, exp(0.32) - exp(-0.075), 40),
        (lognormal, exp(0.5), 15),
        (lognormal, exp(0.5), 30),
        (lognormal, exp(0.5), 100),
        (normal, 0.0, 8),
        (normal, 0.0, 30),
    ],
)
def test_intervals_hold_the_truth_in_93_to_97_of_100_evaluations(draw: Draw, truth: float, n: int) -> None:
    share = share_held(draw, truth, n)
    print(f"{share:.1%} at n = {n}")
    assert 0.93 - BY_CHANCE <= share <= 0.97 + BY_CHANCE


@pytest.mark.parametrize(
    ("draw", "truth", "n"),
    [
        (yes_or_no(0.02, 0.0), 0.02, 40),
        (yes_or_no(0.05, 0.01), 0.04, 20),
        (yes_or_no(0.95, 0.0), 0.95, 15),
        (seldom, 0.1 * 2 / 6, 10),
        (overlap, 5 / 8 - 2 / 6, 8),
    ],
)
def test_few_rows_and_rare_changes_make_them_wider_never_too_narrow(draw: Draw, truth: float, n: int) -> None:
    share = share_held(draw, truth, n)
    print(f"{share:.1%} at n = {n}")
    assert share >= 0.93


def test_rows_of_one_patient_are_not_independent() -> None:
    """30 patients with 4 questions each: an answer that improves does so for most of a patient's questions."""
    random, held, held_without = numpy.random.default_rng(0), 0, 0
    for _ in range(EVALUATIONS):
        differences = random.normal(0.1, 0.3, 30)[:, None] + random.normal(0, 0.1, (30, 4))
        low, high = mean_interval(differences.sum(axis=1), numpy.full(30, 4.0), bounded=True)
        held += low <= 0.1 <= high
        low, high = mean_interval(differences.ravel(), numpy.ones(120), bounded=True)
        held_without += low <= 0.1 <= high
    assert 0.93 <= held / EVALUATIONS <= 0.97
    assert held_without / EVALUATIONS < 0.75


def f1(sums: Any) -> dict[str, Any]:
    return {"F1": 2 * sums["hit"] / (2 * sums["hit"] + sums["wrong"])}


F1 = {"F1": Metric(corpus=True)}


@pytest.mark.parametrize(("skills", "n"), [((0.5, 0.7), 60), ((0.9, 0.97), 40)], ids=["middling", "nearly all right"])
def test_metrics_of_all_rows_together_have_such_intervals_too(skills: tuple[float, float], n: int) -> None:
    """F1 of two classifiers on the same rows; the truth is that of very many rows."""

    def answers(random: Random, n: int) -> tuple[Any, Any]:
        positive, hard = random.random(n) < 0.4, random.random(n)
        said = [numpy.where(hard < skill, positive, random.random(n) < 0.5) for skill in skills]
        return positive, said

    def counts(positive: Any, said: Any) -> list[dict[str, float]]:
        return [{"hit": float(p and s), "wrong": float(p != s)} for p, s in zip(positive, said, strict=True)]

    random, held = numpy.random.default_rng(0), 0
    positive, said = answers(random, 400_000)
    hits, wrongs = [(positive & s).sum() for s in said], [(positive != s).sum() for s in said]
    before, after = (2 * hit / (2 * hit + wrong) for hit, wrong in zip(hits, wrongs, strict=True))
    for _ in range(400):
        positive, said = answers(random, n)
        base, tuned = (counts(positive, s) for s in said)
        low, high = compare_sums(base, tuned, f1, metrics=F1)["F1"].interval
        held += low <= after - before <= high
    print(f"{held / 400:.1%} at n = {n}")
    assert 0.91 <= held / 400 <= 0.99  # 93 to 97, and twice the standard error of a share of 400


def test_where_no_answer_changed_a_share_may_still_have() -> None:
    """0 of 40 changed: with a chance of 8.8 in 100 that a row changes, that happens in 2.5 of 100 evaluations."""
    same = [{"hit": 1.0, "wrong": 0.0}] * 40
    low, high = compare_sums(same, same, f1, metrics=F1)["F1"].interval
    assert (low, high) == pytest.approx((-0.088, 0.088), abs=5e-4)
    assert stats.binom.pmf(0, 40, high) == pytest.approx(0.025)


def test_a_perplexitys_interval_is_that_of_the_ratio_told_at_the_bases() -> None:
    """Rows differ much in how hard they are (nats a token lognormal, σ = 0.6); tuning makes them a tenth easier."""
    task, held = Perplexity(), 0

    def rows(random: Random, n: int) -> tuple[Any, Any, Any]:
        tokens, nats = numpy.ceil(random.lognormal(3, 0.8, n)), random.lognormal(1, 0.6, n)
        return tokens, nats, nats * random.lognormal(-0.1, 0.15, n)

    random = numpy.random.default_rng(0)
    tokens, before, after = rows(random, 1_000_000)
    ratio = exp(float((tokens * (after - before)).sum() / tokens.sum()))
    for _ in range(400):
        tokens, *both = rows(random, 40)
        counts = [
            [{"surprise": t * x, "tokens": t} for t, x in zip(tokens.tolist(), nats.tolist(), strict=True)]
            for nats in both
        ]
        found = compare_sums(counts[0], counts[1], task.of_sums, metrics={"perplexity": task.metrics["perplexity"]})
        low, high = found["perplexity"].interval
        held += low <= found["perplexity"].base * (ratio - 1) <= high
    print(f"{held / 400:.1%}")
    assert 0.91 <= held / 400 <= 0.99


def test_the_standard_error_is_the_textbooks() -> None:
    differences = numpy.random.default_rng(0).normal(0, 1, 30)
    assert standard_error(differences, numpy.ones(30)) == pytest.approx(stats.sem(differences))
    doubled = standard_error(2 * differences, numpy.full(30, 2.0))
    assert doubled == pytest.approx(stats.sem(differences)), "asking everything twice is no new knowledge"
    with pytest.raises(ValueError, match="no spread"):
        standard_error(numpy.ones(1), numpy.ones(1))
