"""A template that thinks, and rows that do not; or the other way round.

LLaMA-Factory's reasoning templates (0.9.5, `data/template.py`, ReasoningTemplate) put an empty thought before every
answer that has none. With `enable_thinking: true`, their default, the empty thought is learned: the tuned model stops
thinking. With false it stands in the prompt, as Qwen3's chat template has it. A template without thoughts learns the
`<think>` of its rows as any other text.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from lf_wrap.dataset import conversations
from lf_wrap.errors import UserError
from lf_wrap.recipe.checks.case import Case
from lf_wrap.recipe.checks.problem import Problem
from lf_wrap.recipe.llamafactory import reasoning_templates, template_names

ROWS_LOOKED_AT = 2000
OPENING, CLOSING = "<think>", "</think>"


def problems(case: Case) -> Iterator[Problem]:
    template, values = case.recipe.template, case.values
    if template is None or values["stage"] not in {"sft", "dpo", "kto"} or template not in template_names():
        return
    thinks, without = template in reasoning_templates(), f"{template}_nothink"
    for name in case.recipe.trained_on:
        thoughts, answers = _thoughts(case, name)
        if not answers:
            continue
        told = f"{thoughts:,} of {answers:,} answers of {name!r}"
        if thinks and values["enable_thinking"] and thoughts < answers:
            what = f"{told} hold a thought: template {template} teaches an empty one for the others"
            other = f"template: {without}, or " if without in template_names() else ""
            fix = f"set {other}train.enable_thinking: false, unless the model is to stop thinking"
            yield Problem("warning", what, case.where("template"), fix)
        elif thinks and not values["enable_thinking"] and thoughts:
            what = f"{told} hold a thought, which enable_thinking: false throws away"
            yield Problem("warning", what, case.where("train.enable_thinking"), "take it out to train on the thoughts")
        elif not thinks and thoughts:
            what = f"{told} hold a thought, which template {template} trains as part of the answer"
            with_thoughts = template.removesuffix("_nothink")
            meant = with_thoughts if with_thoughts in reasoning_templates() else "one that thinks, like qwen3"
            yield Problem(
                "warning", what, case.where("template"), f"set template: {meant}, or build it with thoughts: drop"
            )


def _thoughts(case: Case, name: str) -> tuple[int, int]:
    """How many of the first rows' last answers hold a thought, and how many there are; none while there are no rows."""
    try:
        rows = list(islice(conversations(case.dataset_dir, name), ROWS_LOOKED_AT))
    except UserError:
        return 0, 0  # told by the check of the datasets
    answers = [row.turns[-1].text for row in rows if len(row.turns) > 1]
    return sum(OPENING in answer or CLOSING in answer for answer in answers), len(answers)
