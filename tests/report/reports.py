"""Reports for the tests, and for looking at: `python -m tests.report.reports FILE.html` writes the hostile one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lf_wrap.evaluation import JudgedSet, Kind, all_scores, judge
from lf_wrap.evaluation.tasks import Reply
from lf_wrap.report import Report
from tests.runs import question_set

HOSTILE = [
    "<script>document.title = 'owned'</script>",
    "</script></style></textarea><h1 id=owned>won</h1>",
    "<img src=x onerror=\"document.title = 'owned'\">",
    '"><a href="javascript:document.title=1">click</a>',
    "</div></article></table><h1 id=owned>won</h1>",
    "--><script>document.title = 'owned'</script>",
    "{{7*7}} {% include 'x' %} ${7*7} &amp; &lt;",
    "user\u202egpj.exe\u2066 turned \x00\x1b[31m round",
    "half a character \ud800 alone",
    "| a | b |\n|---|---|\n[link](javascript:alert) `code` # title",
    "长" * 100_000,
    "",
]
MANIFEST: dict[str, Any] = {
    "recipe": {"name": "mine", "model": "org/model"},
    "written": "2026-01-01T00:00:00+00:00",
    "lfw": "0.1.0",
    "git_commit": None,
    "python": "3.11.0",
    "packages": {"llamafactory": "0.9.5", "torch": "2.8.0"},
    "hardware": "2 CPU cores, no GPU",
    "datasets": {
        "med": {
            "type": "term_normalization",
            "sources": [{"file": "raw/a.xlsx", "encoding": "utf-8", "rows": 9, "sha256": "0123456789abcdef"}],
            "law": "12 read = 5 train + 4 test + 3 rejected (empty)",
            "counts": {"train": 5, "test": 4, "rejects": {"empty": 3}},
            "lengths": {"characters a row": {"p50": 40, "p90": 90, "p99": 99, "max": 1200}},
            "rejected": {"empty": {"rows": 3, "examples": ["row 7: no answer"]}},
        }
    },
    "seconds": {"build": 0.5, "train": 60.0},
}
PARITY = {"ok": True, "cause": None, "max_abs_logit_diff": 0.00012, "same_greedy": True, "template_tokens_equal": True}


def judged(
    base: Sequence[str | None],
    tuned: Sequence[str | None],
    references: Sequence[str] | None = None,
    *,
    task: str = "exact",
    name: str = "med",
    kind: Kind = "test",
    question: str = "question {}?",
) -> JudgedSet:
    """A set whose references are `right` where none are given; an answer that is None is a failure."""
    asked = question_set(name, references or ["right"] * len(tuned), task, kind, question)
    answered = (
        judge(asked, [Reply(text) if text is not None else Reply(failure="it hung") for text in some])
        for some in (base, tuned)
    )
    return JudgedSet(name, kind, task, asked.task.headline, asked.task.metrics, *answered)


def report(*sets: JudgedSet, **more: Any) -> Report:
    """A report on these sets; `more` replaces what else it holds."""
    told: dict[str, Any] = {
        "manifest": MANIFEST,
        "losses": [(1, 2.0), (2, 1.5), (3, 1.2)],
        "train_yaml": "stage: sft",
        "commands": ["lfw run runs/mine/1/recipe.yaml --fresh"],
        "parity": PARITY,
    }
    return Report(**{**told, "judged": list(sets), "scores": all_scores(sets), **more})


def hostile() -> Report:
    """Everything that others write holds what could hurt a page."""
    manifest = {
        **MANIFEST,
        "recipe": {"name": HOSTILE[0], "model": HOSTILE[2]},
        "hardware": HOSTILE[1],
        "datasets": {
            HOSTILE[4]: MANIFEST["datasets"]["med"]
            | {"law": HOSTILE[5], "rejected": {HOSTILE[2]: {"rows": 3, "examples": HOSTILE}}}
        },
    }
    spoken = [text.replace("{", "{{").replace("}", "}}") for text in HOSTILE]
    references = [text[:200] for text in HOSTILE]  # long answers are told, long references take hours to compare
    sets = [judged(HOSTILE, HOSTILE[::-1], references, task="open", name=HOSTILE[4])]
    sets += [judged(["x"], ["right"], name=text, question=text + " {}") for text in spoken[:3]]
    return report(*sets, manifest=manifest, train_yaml=HOSTILE[1], commands=[HOSTILE[0]])


if __name__ == "__main__":
    import sys
    from pathlib import Path

    from lf_wrap.report import to_html

    Path(sys.argv[1]).write_text(to_html(hostile()), encoding="utf-8")
