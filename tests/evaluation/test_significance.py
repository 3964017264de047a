"""What chance does, against the textbook and scipy."""

from __future__ import annotations

import numpy
import pytest
from scipy import stats

from lf_wrap.evaluation.significance import holm, rows_needed, sign_flip


@pytest.mark.parametrize(
    ("improved", "worsened", "p"),
    [(0, 0, 1), (1, 0, 1), (5, 0, 0.0625), (6, 0, 0.03125), (5, 5, 1), (10, 2, 0.0385742), (2, 10, 0.0385742)],
)
def test_yes_or_no_scores_give_the_exact_mcnemar_test(improved: int, worsened: int, p: float) -> None:
    differences = numpy.array([1.0] * improved + [-1.0] * worsened + [0.0] * 20)
    assert sign_flip(differences) == pytest.approx(p)
    if improved + worsened:
        reference = stats.binomtest(improved, improved + worsened).pvalue
        assert sign_flip(differences) == pytest.approx(reference)


@pytest.mark.parametrize("n", [4, 9, 14, 40])
def test_other_scores_give_scipys_permutation_test(n: int) -> None:
    differences = numpy.random.default_rng(n).normal(0.3, 1, n)
    reference = stats.permutation_test(
        (differences,), numpy.sum, permutation_type="samples", n_resamples=40_000, random_state=0
    ).pvalue
    assert sign_flip(differences) == pytest.approx(reference, abs=0.01 if n > 14 else 1e-9)


def test_sums_that_are_all_but_equal_count_as_equal() -> None:
    # 0.1 + 0.2 is not 0.3 in floating point: the pattern that was seen must count itself.
    assert sign_flip(numpy.array([0.1, 0.2, 0.3, -0.3 + 1e-17])) == pytest.approx(12 / 16)


def test_many_comparisons_raise_what_each_must_show() -> None:
    # Holm 1979: the smallest times 4, the next times 3 and so on, never below the one before.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


def test_the_rows_that_are_needed_are_the_textbooks() -> None:
    # (1.96 + 0.8416)² · 0.5² / 0.1² = 196.2 for a spread of 0.5 and a difference of 0.1
    assert rows_needed(0.1, 0.5 / 40**0.5, 40) == 197
    assert rows_needed(-0.1, 0.5 / 40**0.5, 40) == 197
    assert rows_needed(0.0, 0.1, 40) is None


def test_so_many_rows_find_the_difference_four_times_in_five() -> None:
    random, found = numpy.random.default_rng(1), 0
    n = rows_needed(0.1, 0.5 / 40**0.5, 40)
    for _ in range(300):
        found += stats.ttest_1samp(random.normal(0.1, 0.5, n), 0).pvalue < 0.05
    assert 0.73 < found / 300 < 0.87
