"""Chinese-medical-dialogue: a title, a description, the doctor's reply, sometimes earlier turns."""

from __future__ import annotations

from lf_wrap.conversation import Conversation, Reject, Turn
from lf_wrap.sources.chat_turns import history_of
from lf_wrap.sources.source import NO_ANSWER, NO_QUESTION, Carried, Row, Source, text


class MedicalDialogue(Source):
    name = "medical_dialogue"
    shape = "JSON or JSONL: instruction (title), input (description), output (reply), history (null or pairs)"
    medical = True
    columns = ("instruction", "input", "output")
    prompt_fields = ("instruction", "input")

    @classmethod
    def fits(cls, row: Row) -> bool:
        """Rows of Alpaca have the same columns; only this file has a description everywhere and a history nowhere."""
        if not (super().fits(row) and "history" in row and text(row["input"])):
            return False
        return row["history"] == [] or not text(row["history"])

    def carried(self) -> tuple[Carried, ...]:
        return (Carried(self.prompt, answer="output", empty=("history",)),)

    def convert(self, row: Row) -> Conversation | Reject:
        title, description, reply = text(row["instruction"]), text(row["input"]), text(row["output"])
        if not reply:
            return Reject(NO_ANSWER, "output is empty")
        if not (title or description):
            return Reject(NO_QUESTION, "instruction and input are empty")
        prompt = self.ask(instruction=title, input=description)
        if not row.get("history"):
            return Conversation.single(prompt, reply, asked=f"{title}\n{description}")
        earlier = history_of(row["history"])
        if isinstance(earlier, Reject):
            return earlier
        question = Turn("user", prompt)
        asked = "\n".join((*(turn.text for turn in earlier.turns), title, description))
        return Conversation((*earlier.turns, question, Turn("assistant", reply)), earlier.system, asked)
