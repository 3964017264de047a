"""How far two people, or a person and a judge, agree beyond what chance would give."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence


def cohens_kappa(first: Sequence[Hashable], second: Sequence[Hashable]) -> float | None:
    """Cohen's κ of two raters over the same items (Cohen 1960): 1 is full agreement, 0 is what chance gives.

    None where both gave one and the same label throughout, or nothing was rated: agreement cannot be told from chance.

    Raises:
        ValueError: not the same number of labels on both sides.
    """
    pairs = list(zip(first, second, strict=True))
    if not pairs:
        return None
    agreed = sum(one == other for one, other in pairs) / len(pairs)
    left, right = Counter(first), Counter(second)
    by_chance = sum(left[label] * right[label] for label in left) / len(pairs) ** 2
    return None if by_chance == 1 else (agreed - by_chance) / (1 - by_chance)
