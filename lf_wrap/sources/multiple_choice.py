"""C-Eval and its kind: a question, its options under A, B, C, D, and the letter of the right one."""

from __future__ import annotations

from string import ascii_uppercase

from lf_wrap.conversation import Conversation, Reject
from lf_wrap.sources.source import NO_ANSWER, NO_QUESTION, NOT_THIS_SHAPE, Row, Source, text


class MultipleChoice(Source):
    name = "multiple_choice"
    shape = "CSV: question, A, B, … (the options), answer (a letter)"
    columns = ("question", "A", "B", "answer")
    prompt_fields = ("question", "options")
    task = "exact"

    def convert(self, row: Row) -> Conversation | Reject:
        question, answer = text(row["question"]), text(row["answer"]).strip().upper()
        given = {letter: words for letter in ascii_uppercase if (words := text(row.get(letter)))}
        if not answer:
            return Reject(NO_ANSWER, "answer is empty")
        if not question:
            return Reject(NO_QUESTION, "question is empty")
        if answer not in given:
            return Reject(NOT_THIS_SHAPE, f"answer {answer:.20} is not among the options {', '.join(given)}")
        options = "\n".join(f"{letter}. {words}" for letter, words in given.items())
        prompt = self.ask(question=question, options=options)
        return Conversation.single(prompt, answer, asked=f"{question}\n{options}")
