"""The report as Markdown: the verdict and the tables, for a commit, an issue or a chat."""

from __future__ import annotations

import re
from html import escape

from lf_wrap.report.plain import plain
from lf_wrap.report.report import FATES, Report, amount, change, fates, pairs

ROWS_SHOWN = 10
ACTIVE = re.compile(r"([\\`*_{}\[\]()#+!|~$-])")


def to_markdown(report: Report) -> str:
    """The report in short. Text of others is escaped: it neither formats nor links."""
    lines = [f"# {_text(report.manifest['recipe']['name'])}", "", _text(report.verdict()), ""]
    lines += [f"{_text(report.manifest['recipe']['model'])}, written {report.manifest['written']}.", ""]
    header = ("questions", "metric", "base", "tuned", "difference", "95 % interval", "verdict")
    rows = []
    for one in report.judged:
        for metric, found in report.scores[one.name].items():
            how = one.metrics[metric]
            interval = " … ".join(change(end, how) for end in found.interval)
            means = (amount(value, how, found.n) for value in (found.base, found.tuned))
            verdict = f"{found.verdict} at n = {found.n}: {found.why}"
            rows.append((one.name, metric, *means, change(found.difference, how), interval, verdict))
    if rows:
        lines += [f"| {' | '.join(header)} |", "|---" * len(header) + "|"]
        lines += ["| " + " | ".join(_text(cell) for cell in row) + " |" for row in rows]
    for one in report.judged:
        if not one.base:
            continue
        met = ", ".join(f"{FATES[fate]} {count}" for fate, count in fates(one).items())  # type: ignore[index]
        lines += ["", f"## {_text(one.name)}", "", f"{met}.", ""]
        lines += ["| row | question | reference | base | tuned |", "|---|---|---|---|---|"]
        for pair in pairs(one)[:ROWS_SHOWN]:
            said = (pair.messages[-1]["content"], pair.base.reference, pair.base.answer, pair.tuned.answer)
            lines.append(f"| {pair.row} | " + " | ".join(_text(text, 200) for text in said) + " |")
    lines += [
        "",
        "## How to reproduce it",
        "",
        *("    " + " ".join(plain(command).split()) for command in report.commands),
        "",
    ]
    return "\n".join(lines)


def _text(text: str, longest: int = 1_000) -> str:
    """One line of Markdown in which nothing is markup."""
    return ACTIVE.sub(r"\\\1", escape(" ".join(plain(text, longest).split()), quote=False))
