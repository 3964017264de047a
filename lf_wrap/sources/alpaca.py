"""Alpaca: instruction, input, output, sometimes system and history (alpaca-zh, oaast, CMtMedQA, huatuo26M).

Dolly calls them instruction, context and response, Zhihu-KOL INSTRUCTION and RESPONSE.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from lf_wrap.conversation import Conversation, Reject, Turn
from lf_wrap.sources.aliases import AliasedSource
from lf_wrap.sources.chat_turns import history_of
from lf_wrap.sources.source import NO_ANSWER, NO_QUESTION, NOT_THIS_SHAPE, Carried, Row, text


class Alpaca(AliasedSource):
    name = "alpaca"
    shape = (
        "rows of instruction, output (response, answer; a list: several answers), sometimes input (context, question),"
        " system, history (pairs or messages)"
    )
    columns = ("instruction", "output")
    optional = ("input", "system", "history")
    aliases: ClassVar[Mapping[str, str]] = {
        "instruct": "instruction",  # as the last rows of CMtMedQA have it
        "system_prompt": "system",
        **dict.fromkeys(("context", "question", "query"), "input"),
        **dict.fromkeys(("response", "answer"), "output"),
    }

    def carried(self) -> tuple[Carried, ...]:
        return (
            Carried("{instruction}\n{input}", answer="output", empty=("system", "history")),
            Carried("{instruction}", answer="output", empty=("input", "system", "history")),
        )

    def convert(self, row: Row) -> Conversation | Reject | list[Conversation]:
        asked = [_only(row.get(column)) for column in ("instruction", "input")]
        answers = row["output"] if isinstance(row["output"], list) else [row["output"]]
        if any(isinstance(value, list | dict) for value in (*asked, *answers)):
            return Reject(NOT_THIS_SHAPE, "instruction, input or output is not text")
        question = "\n".join(filter(None, map(text, asked)))  # as LLaMA-Factory joins them
        if not question:
            return Reject(NO_QUESTION, "instruction and input are empty")
        given = [words for words in map(text, answers) if words]
        if not given:
            return Reject(NO_ANSWER, "output is empty")
        earlier = history_of(row.get("history"))
        if isinstance(earlier, Reject):
            return earlier
        system = text(row.get("system")) or earlier.system
        before = (*earlier.turns, Turn("user", question))
        # One dialogue may stand there several times, cut after different turns: what it opens with tells which it is.
        opening = next(turn.text for turn in before if turn.role == "user")
        group = opening if "history" in row or len(given) > 1 else ""
        found = [Conversation((*before, Turn("assistant", words)), system, group=group) for words in given]
        return found if len(found) > 1 else found[0]


def _only(value: Any) -> Any:
    """What stands in a list of one, which huatuo26M makes of every value; nothing stands in an empty one."""
    return next(iter(value), None) if isinstance(value, list) and len(value) <= 1 else value
