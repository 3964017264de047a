"""What a model thought before it answered, which distilled data has in a column or message key of its own.

DeepSeek's API calls it `reasoning_content`, OpenRouter's `reasoning`, medical-o1-reasoning-SFT `Complex_CoT`. It goes
before the answer between `<think>` and `</think>`, as the templates of thinking models have it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lf_wrap.conversation import (
    THOUGHT_BEGINS,
    THOUGHT_ENDS,
    Conversation,
    Reject,
    Turn,
    behind_thought,
    thought_and_answer,
)

THOUGHTS = (
    *("reasoning_content", "reasoning", "Complex_CoT", "complex_cot", "CoT", "cot", "chain_of_thought"),
    *("thinking", "thought", "think", "Reasoning", "Thinking", "Thought", "Think"),
    *("思考过程", "推理过程", "reasoning (reasoning_content)"),
)
_NONE_OF = frozenset(THOUGHTS).isdisjoint
BEGUN = (THOUGHT_BEGINS, "<|begin_of_thought|>")  # an answer's own thought, which may not end, or have other marks


def after_thought(holder: Mapping[str, Any], answer: str) -> str:
    """The answer behind the thought that stands in one of the `THOUGHTS` beside it; as it is where it holds one."""
    if _NONE_OF(holder):  # as in most rows: not even looked for name by name
        return answer
    thought = next((said for name in THOUGHTS if isinstance(said := holder.get(name), str) and said.strip()), None)
    if thought is None or not answer or thought_and_answer(answer)[0] is not None:
        return answer
    if answer.lstrip().startswith(BEGUN):
        return answer
    thought = thought.strip().removeprefix(THOUGHT_BEGINS).removesuffix(THOUGHT_ENDS).strip()
    for mark in (THOUGHT_BEGINS, THOUGHT_ENDS):  # else nobody could tell where the thought ends
        thought = thought.replace(mark, f"< {mark[1:-1]} >")
    return behind_thought(thought, answer) if thought else answer


def with_thought(row: Mapping[str, Any], made: Conversation | Reject) -> Conversation | Reject:
    """What was `made` of a row, its last answer behind the row's thought."""
    if _NONE_OF(row) or isinstance(made, Reject) or made.turns[-1].role != "assistant":
        return made
    answer = after_thought(row, made.answer)
    return made if answer is made.answer else made._replace(turns=(*made.turns[:-1], Turn("assistant", answer)))
