"""Examinations: a question, its options, and the letter of the right one (several letters where several are right).

C-Eval has the options under A, B, C, D; MedQA in `options`, with the letter in `answer_idx` and its text in `answer`;
CMB in `option`; CMExam in `Options`, one a line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from string import ascii_uppercase
from typing import Any, ClassVar

from lf_wrap.conversation import Conversation, Reject
from lf_wrap.sources.aliases import AliasedSource
from lf_wrap.sources.source import NO_ANSWER, NO_QUESTION, NOT_THIS_SHAPE, Row, text

LINE = re.compile(r"\s*([A-Z])[\s.．、:：)）]\s*(.+)")
BETWEEN_LETTERS = re.compile(r"[\s,，、;；]+")


class MultipleChoice(AliasedSource):
    name = "multiple_choice"
    shape = "rows of question, answer (letters) and A, B, … or options (object, list, or a line each), maybe answer_idx"
    columns = ("question", "options", "answer")
    optional = ()
    aliases: ClassVar[Mapping[str, str]] = {"option": "options"}
    prompt_fields = ("question", "options")
    task = "exact"

    @classmethod
    def fits(cls, row: Row) -> bool:
        return super().fits(row) and len(cls.renamed(row)["options"]) > 1

    @classmethod
    def renamed(cls, row: Row) -> dict[str, Any]:
        """The same with the options as {letter: text}, those without text left out, and the letter as the answer."""
        named = super().renamed(row)
        lettered = {letter: row[letter] for letter in ascii_uppercase if letter in row}
        if "A" in lettered and "B" in lettered:
            named["options"] = lettered
        if "options" in named:
            given = _options(named["options"])
            named["options"] = {letter: words for letter, value in given.items() if (words := text(value))}
        if "answer" in named and (letter := text(named.get("answer_idx"))) in named.get("options", ()):
            named["answer"] = letter
        return named

    def convert(self, row: Row) -> Conversation | Reject:
        question, answer, given = text(row["question"]), text(row["answer"]).strip(), row["options"]
        if not answer:
            return Reject(NO_ANSWER, "answer is empty")
        if not question:
            return Reject(NO_QUESTION, "question is empty")
        letters = _letters(answer, given)
        if letters is None:
            return Reject(NOT_THIS_SHAPE, f"answer {answer:.20} is not among the options {', '.join(given)}")
        options = "\n".join(f"{letter}. {words}" for letter, words in given.items())
        prompt = self.ask(question=question, options=options)
        return Conversation.single(prompt, letters, asked=f"{question}\n{options}")


def _options(value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        lines = list(map(LINE.fullmatch, value.strip().splitlines()))
        return {line[1]: line[2] for line in lines if line} if all(lines) else {}
    if isinstance(value, list):
        if all(isinstance(one, Mapping) and {"key", "value"} <= one.keys() for one in value):
            value = {one["key"]: one["value"] for one in value}
        elif not any(isinstance(one, Mapping | list) for one in value):
            return dict(zip(ascii_uppercase, value, strict=False))
    found = value if isinstance(value, Mapping) else {}
    return found if all(isinstance(key, str) and key in ascii_uppercase for key in found) else {}  # type: ignore[return-value]


def _letters(answer: str, given: Mapping[str, str]) -> str | None:
    """The letters that `answer` is, one behind another, or the letter of the option that it repeats."""
    letters = BETWEEN_LETTERS.sub("", answer.upper())
    if len(set(letters)) == len(letters) and set(letters) <= given.keys():
        return letters
    return next((letter for letter, words in given.items() if words.strip() == answer), None)
