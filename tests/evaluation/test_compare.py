"""Base against tuned on the same questions: the difference, how sure it is, and when nothing can be said."""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lf_wrap.evaluation import compare
from lf_wrap.evaluation.compare import RESAMPLES

SCORES = st.floats(0, 1)
PAIRS = st.lists(st.tuples(SCORES, SCORES), min_size=1, max_size=60)
MIRRORED = {"better": "worse", "worse": "better", "no clear difference": "no clear difference"}


@pytest.mark.parametrize(
    ("base", "tuned", "verdict"),
    [
        ([0] * 40, [1] * 40, "better"),
        ([1] * 40, [0] * 40, "worse"),
        ([0] * 40, [0] * 39 + [1], "no clear difference"),
        ([0] * 13 + [1] * 27, [1] * 13 + [1] * 27, "better"),
        ([0] * 20 + [1] * 20, [1] * 20 + [0] * 20, "no clear difference"),
        ([0.5], [0.9], "better"),
        ([0, 1, 0], [1, 1, 1], "no clear difference"),
    ],
)
def test_the_verdict_is_given_only_when_it_is_clear(
    base: Sequence[float], tuned: Sequence[float], verdict: str
) -> None:
    assert compare(base, tuned).verdict == verdict


def test_the_interval_is_that_of_the_binomial_where_answers_are_right_or_wrong() -> None:
    found = compare([0] * 100, [1] * 30 + [0] * 70)
    assert (found.base, found.tuned, found.n) == (0, 0.3, 100)
    assert found.difference == pytest.approx(0.3)
    # 0.3 ± 1.96 √(0.3 · 0.7 / 100)
    assert found.interval == pytest.approx((0.21, 0.39), abs=0.015)


def test_pairs_count_and_not_the_spread_of_the_questions() -> None:
    base = [number / 100 for number in range(100)]
    found = compare(base, [score + 0.01 for score in base])
    assert found.verdict == "better"
    assert found.interval == pytest.approx((0.01, 0.01))


def test_the_same_scores_give_the_same_comparison() -> None:
    base, tuned = [0.1, 0.9, 0.4] * 9, [0.3, 0.2, 0.8] * 9
    assert compare(base, tuned) == compare(base, tuned)


def test_many_questions_are_resampled_in_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    tuned = [number % 3 / 2 for number in range(3000)]
    tracemalloc.start()
    found = compare([0.5] * 3000, tuned)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50e6
    monkeypatch.setattr(sys.modules[compare.__module__], "DRAWN_AT_ONCE", RESAMPLES * 3000)
    assert compare([0.5] * 3000, tuned) == found


def test_a_comparison_is_json() -> None:
    assert compare([0, 0], [1, 1]).to_json() == {
        "base": 0.0,
        "tuned": 1.0,
        "difference": 1.0,
        "interval": [1.0, 1.0],
        "n": 2,
        "verdict": "better",
    }


@pytest.mark.parametrize(("base", "tuned"), [([], []), ([1.0], []), ([1.0, 0.0], [1.0])])
def test_scores_that_cannot_be_paired_are_refused(base: list[float], tuned: list[float]) -> None:
    with pytest.raises(ValueError, match="cannot be paired"):
        compare(base, tuned)


@settings(max_examples=30, deadline=None)
@given(pairs=PAIRS)
def test_swapping_base_and_tuned_mirrors_the_result(pairs: list[tuple[float, float]]) -> None:
    base, tuned = zip(*pairs, strict=True)
    there, back = compare(base, tuned), compare(tuned, base)
    assert (back.base, back.tuned, back.n) == (there.tuned, there.base, there.n)
    assert back.difference == pytest.approx(-there.difference)
    assert back.interval == pytest.approx((-there.interval[1], -there.interval[0]), abs=1e-12)
    assert back.verdict == MIRRORED[there.verdict]


@settings(max_examples=30, deadline=None)
@given(scores=st.lists(SCORES, min_size=1, max_size=60))
def test_identical_answers_differ_by_nothing(scores: list[float]) -> None:
    found = compare(scores, scores)
    assert (found.difference, found.interval, found.verdict) == (0, (0, 0), "no clear difference")


@settings(max_examples=30, deadline=None)
@given(base=st.lists(SCORES, min_size=1, max_size=30), shift=st.floats(-0.5, 0.5), spread=st.floats(0, 0.5))
def test_the_interval_holds_the_difference_of_symmetric_data(base: list[float], shift: float, spread: float) -> None:
    tuned = [score + shift + spread for score in base] + [score + shift - spread for score in base]
    found = compare(base * 2, tuned)
    assert found.interval[0] - 1e-9 <= found.difference <= found.interval[1] + 1e-9
    assert found.difference == pytest.approx(shift, abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(pairs=PAIRS)
def test_the_interval_lies_within_the_differences_of_single_questions(pairs: list[tuple[float, float]]) -> None:
    base, tuned = zip(*pairs, strict=True)
    differences = [after - before for before, after in pairs]
    low, high = compare(base, tuned).interval
    assert min(differences) - 1e-9 <= low <= high <= max(differences) + 1e-9
