"""A chat template as data, and the pieces of text that a conversation becomes under it.

The data are those of LLaMA-Factory's own `Template` object (`recipe/inside_llamafactory/template.py` reads them out of
it), so that no template is written down here. What its classes do with them (0.9.5, `data/template.py`: `Template`,
`Llama2Template`, `ReasoningTemplate`) is repeated in `pairs`; that program compares the two and refuses a template on
which they differ.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

# Text to be encoded on its own, or the id of a token.
Piece = str | int
Pieces = list[Piece]


class Message(NamedTuple):
    role: Literal["user", "assistant"]
    content: str


@dataclass(frozen=True)
class ChatTemplate:
    """Slots are texts with the placeholder `{{content}}`, or ids of tokens."""

    kind: Literal["plain", "llama2", "reasoning"]
    prefix: Pieces
    system: Pieces
    user: Pieces
    assistant: Pieces
    default_system: str
    thought_words: tuple[str, str]
    empty_thought: str
    enable_thinking: bool | None
    preserve_thinking: bool
    efficient_eos: bool
    """The end of an answer is learned at the beginning of the next question, and once more at the end of the row."""
    eos: int
    pad: int
    text_end: str
    """What ends a text of continued pretraining."""
    text_begin: str
    """What begins one; empty for most models."""

    def pairs(self, messages: list[Message], system: str | None, forget_thoughts: bool) -> list[tuple[Pieces, Pieces]]:
        """Each question with its answer, as pieces. `forget_thoughts` takes them out of all answers but the last."""
        thinks = self.kind == "reasoning"
        if thinks:
            messages = self._without_thoughts(messages, forget_thoughts)
        made = [self._pieces(number, message, system) for number, message in enumerate(messages)]
        last = len(messages) - 2
        if thinks:
            for number in [last] if forget_thoughts else range(0, len(messages), 2):
                answer = messages[number + 1].content
                if any(word.strip() in answer for word in self.thought_words):
                    continue
                if self.enable_thinking:
                    made[number + 1].insert(0, self.empty_thought)
                else:
                    made[number].append(self.empty_thought)
        return [(made[number], made[number + 1]) for number in range(0, len(made), 2)]

    def behind_an_answer(self) -> Pieces:
        """What stands behind the words of an answer, its end among it."""
        pieces = _filled(self.assistant, "")
        at = next((place for place, slot in enumerate(self.assistant) if "{{content}}" in str(slot)), 0)
        if isinstance(pieces[at], str):
            pieces[at] = str(self.assistant[at]).partition("{{content}}")[2]
        return pieces[at:]

    def _pieces(self, number: int, message: Message, system: str | None) -> Pieces:
        pieces: Pieces = []
        content = message.content
        if number == 0:
            pieces += self.prefix
            said = system or self.default_system
            if said and self.kind == "llama2":
                content = str(_filled(self.system, said)[0]) + content
            elif said:
                pieces += _filled(self.system, said)
        if message.role == "user":
            return pieces + _filled(self.user, content, str(number // 2) if self.kind != "llama2" else None)
        return pieces + _filled(self.assistant, content)

    def _without_thoughts(self, messages: list[Message], forget: bool) -> list[Message]:
        kept = list(messages)
        answers = list(range(1, len(messages), 2))
        forgotten = answers if self.enable_thinking is False else answers[:-1] if forget else []
        begin, end = map(re.escape, self.thought_words)
        for number in forgotten:
            content = re.sub(f"{begin}(.*?){end}", "", kept[number].content, flags=re.DOTALL).lstrip("\n")
            kept[number] = kept[number]._replace(content=content)
        return kept


def _filled(slots: Pieces, content: str, idx: str | None = None) -> Pieces:
    """The slots with their first placeholder filled: the content first and then the turn's number, as LLaMA-Factory."""
    filled: Pieces = []
    for slot in slots:
        if isinstance(slot, str):
            slot = slot.replace("{{content}}", content, 1)
            if idx is not None:
                slot = slot.replace("{{idx}}", idx, 1)
        filled.append(slot)
    return filled


@dataclass(frozen=True)
class Described:
    """A template, and the tokenizer that it goes with as the text of a `tokenizer.json`."""

    template: ChatTemplate
    tokenizer: str

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> Described:
        """From what LLaMA-Factory was asked."""
        template = told["template"]
        words = tuple(template["thought_words"])
        return cls(ChatTemplate(**{**template, "thought_words": words}), told["tokenizer"])
