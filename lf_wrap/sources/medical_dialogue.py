"""Chinese-medical-dialogue: a title, a description, the doctor's reply, sometimes earlier turns."""

from __future__ import annotations

from lf_wrap.conversation import Conversation, Reject, Turn
from lf_wrap.sources.source import NO_ANSWER, NO_QUESTION, NOT_THIS_SHAPE, Row, Source, text


class MedicalDialogue(Source):
    name = "medical_dialogue"
    shape = "JSON or JSONL: instruction (title), input (description), output (reply), history (null or pairs)"
    columns = ("instruction", "input", "output")
    prompt_fields = ("instruction", "input")

    def convert(self, row: Row) -> Conversation | Reject:
        title, description, reply = (text(row[column]) for column in self.columns)
        if not reply:
            return Reject(NO_ANSWER, "output is empty")
        if not (title or description):
            return Reject(NO_QUESTION, "instruction and input are empty")
        asked = Conversation.single(self.ask(instruction=title, input=description), reply)
        history = row.get("history")
        if not history:
            return asked
        if not all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in history):
            return Reject(NOT_THIS_SHAPE, "history is not a list of [question, answer] pairs")
        earlier = [(Turn("user", text(question)), Turn("assistant", text(answer))) for question, answer in history]
        return Conversation((*(turn for pair in earlier for turn in pair), *asked.turns))
