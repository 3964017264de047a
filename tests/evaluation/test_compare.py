"""Base against tuned on the same questions: the difference, how sure it is, and when nothing can be said."""

from __future__ import annotations

import json
import sys
import tracemalloc
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lf_wrap.evaluation import compare, corrected
from lf_wrap.evaluation.interval import RESAMPLES, mean_interval

SCORES = st.floats(0, 1)
PAIRS = st.lists(st.tuples(SCORES, SCORES), min_size=1, max_size=60)
MIRRORED = {"better": "worse", "worse": "better", "cannot tell": "cannot tell"}


@pytest.mark.parametrize(
    ("base", "tuned", "verdict"),
    [
        ([0] * 40, [1] * 40, "better"),
        ([1] * 40, [0] * 40, "worse"),
        ([0] * 40, [0] * 39 + [1], "cannot tell"),
        ([0] * 13 + [1] * 27, [1] * 13 + [1] * 27, "better"),
        ([0] * 20 + [1] * 20, [1] * 20 + [0] * 20, "cannot tell"),
        ([0] * 5, [1] * 5, "cannot tell"),
        ([0] * 8, [1] * 8, "better"),
        ([0.5], [0.9], "cannot tell"),
        ([0, 1, 0], [1, 1, 1], "cannot tell"),
    ],
)
def test_the_verdict_is_given_only_when_it_is_clear(
    base: Sequence[float], tuned: Sequence[float], verdict: str
) -> None:
    assert compare(base, tuned).verdict == verdict


def test_where_lower_is_better_a_fall_is_better() -> None:
    base, tuned = [5.0 + number / 10 for number in range(40)], [4.0 + number / 11 for number in range(40)]
    found = compare(base, tuned, higher_is_better=False)
    assert found.difference < 0
    assert (found.verdict, found.improved, found.worsened) == ("better", 40, 0)
    assert compare(tuned, base, higher_is_better=False).verdict == "worse"


def test_where_neither_direction_is_better_a_change_is_no_verdict() -> None:
    found = compare([0.0] * 40, [1.0] * 40, higher_is_better=None)
    assert (found.verdict, found.difference) == ("changed", 1.0)
    assert compare([0.0] * 40, [0.0] * 40, higher_is_better=None).verdict == "cannot tell"


def test_the_interval_is_that_of_the_binomial_where_answers_are_right_or_wrong() -> None:
    found = compare([0] * 100, [1] * 30 + [0] * 70)
    assert (found.base, found.tuned, found.n) == (0, 0.3, 100)
    assert found.difference == pytest.approx(0.3)
    # 0.3 ± 1.96 √(0.3 · 0.7 / 100)
    assert found.interval == pytest.approx((0.21, 0.39), abs=0.02)


def test_pairs_count_and_not_the_spread_of_the_questions() -> None:
    base = [number / 100 for number in range(100)]
    found = compare(base, [score + 0.01 for score in base])
    assert found.verdict == "better"
    assert found.interval == pytest.approx((0.01, 0.01), abs=0.001)


def test_rows_of_one_group_count_once() -> None:
    base, tuned = [0] * 40, [1] * 30 + [0] * 10
    alone = compare(base, tuned)
    together = compare(base, tuned, groups=["one patient"] * 30 + list(range(10)))
    assert (alone.verdict, alone.groups) == ("better", 40)
    assert (together.verdict, together.groups, together.n) == ("cannot tell", 11, 40)
    assert together.difference == alone.difference
    assert together.interval[1] - together.interval[0] > alone.interval[1] - alone.interval[0]
    assert compare(base, tuned, groups=["all"] * 40).interval == (float("-inf"), float("inf"))


def test_groups_of_one_are_no_groups() -> None:
    base, tuned = [0.1, 0.9, 0.4] * 9, [0.3, 0.2, 0.8] * 9
    assert compare(base, tuned, groups=range(27)) == compare(base, tuned)


def test_a_question_without_a_score_is_left_out_and_counted() -> None:
    found = compare([0.0, float("nan"), 1.0, 0.0], [1.0, 1.0, float("inf"), 1.0])
    assert (found.n, found.unscored, found.tuned) == (2, 2, 1.0)
    nothing = compare([float("nan")], [1.0])
    assert (nothing.n, nothing.verdict, nothing.why) == (0, "cannot tell", "no question has a score from both models")
    assert json.dumps(nothing.to_json(), allow_nan=False)


@pytest.mark.parametrize(
    ("base", "tuned", "why"),
    [
        ([1] * 40, [1] * 40, "all 40 answers score the same"),
        ([0] * 40, [0] * 37 + [1] * 3, "only 3 of 40 answers changed their score; about 100 rows would tell"),
        ([0] * 20 + [1] * 20, [1] * 10 + [0] * 16 + [1] * 14, "10 of 40 answers improved, 6 got worse; about"),
    ],
)
def test_what_cannot_be_told_says_why_and_what_it_would_take(
    base: Sequence[float], tuned: Sequence[float], why: str
) -> None:
    found = compare(base, tuned)
    assert found.verdict == "cannot tell"
    assert found.why.startswith(why)


def test_as_many_rows_as_are_needed_do_tell() -> None:
    base, tuned = [0] * 20 + [1] * 20, [1] * 10 + [0] * 16 + [1] * 14
    small = compare(base, tuned)
    assert small.rows_needed is not None
    times = -(-small.rows_needed // 40)
    assert compare(base * times, tuned * times).verdict == "better"


def test_who_asks_often_is_not_fooled_by_chance() -> None:
    lucky = compare([0] * 40, [1] * 6 + [0] * 34)
    assert (lucky.verdict, lucky.p) == ("better", 0.03125)
    same = compare([0] * 40, [0] * 40)
    together = corrected({"lucky": lucky, "one": same, "two": same})
    assert together["lucky"].p_corrected == pytest.approx(3 * 0.03125)
    assert together["lucky"].verdict == "cannot tell"
    assert together["lucky"].why.startswith("not clear enough among so many comparisons")


def test_the_same_scores_give_the_same_comparison() -> None:
    base, tuned = [0.1, 0.9, 0.4] * 9, [0.3, 0.2, 0.8] * 9
    assert compare(base, tuned) == compare(base, tuned)


def test_many_questions_are_resampled_in_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    tuned = [number % 3 / 2 for number in range(3000)]
    compare([0.5] * 3, tuned[:3])  # what it imports is no memory of its own
    tracemalloc.start()
    found = compare([0.5] * 3000, tuned)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60e6
    monkeypatch.setattr(sys.modules[mean_interval.__module__], "DRAWN_AT_ONCE", RESAMPLES * 3002)
    assert compare([0.5] * 3000, tuned) == found


def test_a_comparison_is_json() -> None:
    told = compare([0] * 8, [1] * 8).to_json()
    assert list(told)[:6] == ["base", "tuned", "difference", "interval", "n", "verdict"]
    assert (told["base"], told["tuned"], told["difference"], told["n"]) == (0.0, 1.0, 1.0, 8)
    assert told["verdict"] == "better"
    assert 0 < told["interval"][0] < told["interval"][1] <= 1


@pytest.mark.parametrize(("base", "tuned"), [([], [1.0]), ([1.0], []), ([1.0, 0.0], [1.0])])
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
@given(scores=st.lists(SCORES, min_size=2, max_size=60))
def test_identical_answers_differ_by_nothing_but_what_was_not_asked_is_not_known(scores: list[float]) -> None:
    found = compare(scores, scores)
    low, high = found.interval
    assert (found.difference, found.verdict, found.p) == (0, "cannot tell", 1)
    assert low < 0 < high
    assert low == pytest.approx(-high, abs=0.2)


@settings(max_examples=30, deadline=None)
@given(pairs=PAIRS)
def test_the_interval_holds_the_difference_that_was_seen(pairs: list[tuple[float, float]]) -> None:
    base, tuned = zip(*pairs, strict=True)
    found = compare(base, tuned)
    assert found.interval[0] - 1e-9 <= found.difference <= found.interval[1] + 1e-9
