"""Measures the repair of mojibake against the true text, beside ftfy's (`pip install ftfy`) where that is installed.

    python scripts/measure_mojibake.py GIVEN TRUE

GIVEN is the mojibake of TRUE, line by line. Exits 1 when a line was restored wrongly.
"""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from lf_wrap.sources.mojibake import repair_lines


class Measured(NamedTuple):
    """Numbers of lines, of those that are not ASCII in the true file; `wrong` and `spoilt` of all lines."""

    lines: int
    restored: int
    lost: int
    wrong: int
    """Changed, but not to the true line."""
    unnoticed: int
    """Neither true nor called lost."""


def measure(given: list[str], true: list[str], repaired: list[str], lost: set[int]) -> Measured:
    """Compares line by line; `lost` are line numbers from 1."""
    rows = list(zip(given, true, repaired, strict=True))
    foreign = [number for number, (_, line, _) in enumerate(rows, 1) if not line.isascii()]
    right = {number for number, (_, line, ours) in enumerate(rows, 1) if line == ours}
    return Measured(
        lines=len(foreign),
        restored=len(right.intersection(foreign)),
        lost=len(lost),
        wrong=sum(ours not in (old, line) for old, line, ours in rows),
        unnoticed=len(set(foreign) - right - lost),
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("given", type=Path)
    parser.add_argument("true", type=Path)
    arguments = parser.parse_args()
    given, true = (path.read_bytes().decode("utf-8") for path in (arguments.given, arguments.true))
    lines, lost, _ = repair_lines(given)
    ours = measure(given.split("\n"), true.split("\n"), lines, set(lost))
    print(f"lines with non-ASCII in the true file: {ours.lines}")
    if find_spec("ftfy"):
        fixed = [import_module("ftfy").fix_encoding(line) for line in given.split("\n")]
        theirs = measure(given.split("\n"), true.split("\n"), fixed, set())
        print(
            f"restored exactly by ftfy:              {theirs.restored} (changed, but not to the truth: {theirs.wrong})"
        )
    else:
        print("restored exactly by ftfy:              not installed")
    print(f"restored exactly by lfw:               {ours.restored}")
    print(f"restored wrongly by lfw:               {ours.wrong}")
    print(f"called lost by lfw:                    {ours.lost}")
    print(f"neither right nor called lost:         {ours.unnoticed}")
    return 1 if ours.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
