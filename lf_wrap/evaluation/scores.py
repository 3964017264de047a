"""The scores of judged question sets, both models' held together: every metric of every set."""

from __future__ import annotations

from collections.abc import Sequence

from lf_wrap.evaluation.compare import Comparison, compare, corrected
from lf_wrap.evaluation.corpus import compare_sums
from lf_wrap.evaluation.judged import JudgedSet

Comparisons = dict[str, dict[str, Comparison]]


def scores(judged: JudgedSet) -> dict[str, Comparison]:
    """Every metric of one set, compared over the rows that both models answered; nothing where only one was asked."""
    if not judged.base:
        return {}
    base, tuned = [before for before, _ in judged.pairs], [after for _, after in judged.pairs]
    groups = [row.group or f"row {row.row}" for row in base]
    of_rows = {
        name: compare(
            [row.scores[name] for row in base],
            [row.scores[name] for row in tuned],
            groups=groups,
            higher_is_better=metric.higher_is_better,
        )
        for name, metric in judged.metrics.items()
        if not metric.corpus
    }
    of_sums = {name: metric for name, metric in judged.metrics.items() if metric.corpus}
    if of_sums and base:
        before, after = ([row.counts for row in rows] for rows in (base, tuned))
        of_rows |= compare_sums(before, after, judged.of_sums, groups=groups, metrics=of_sums)
    return {name: of_rows[name] for name in judged.metrics if name in of_rows}


def all_scores(sets: Sequence[JudgedSet]) -> Comparisons:
    """The scores of every set, by its name. The headline metrics, on which verdicts rest, are corrected together."""
    found = {one.name: scores(one) for one in sets}
    headlines = {one.name: found[one.name][one.headline] for one in sets if one.headline in found[one.name]}
    for name, headline in corrected(headlines).items():
        found[name] |= {next(one.headline for one in sets if one.name == name): headline}
    return found
