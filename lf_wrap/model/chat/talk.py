"""The chat loop: lines in, answers out as they come, a few commands. Knows nothing of how models are loaded."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from lf_wrap.errors import UserError, did_you_mean
from lf_wrap.files import shown, write_text

Messages = list[dict[str, str]]

HELP = """/reset          forget the conversation; the system text stays
/system TEXT    another system text, and a fresh conversation; without TEXT, none
/save FILE      write the conversation as ShareGPT JSON, which lfw build-data reads
/help           this list
/exit           leave (Ctrl-D too); Ctrl-C stops an answer"""


class Answers(Protocol):
    """What the loop needs of a model."""

    name: str
    messages: Messages

    def answer(self, messages: Messages, sampling: Mapping[str, Any]) -> Iterator[str]: ...


@dataclass
class Talk:
    """A conversation with one model, or the same with several: each goes on with its own answers."""

    speakers: Sequence[Answers]
    sampling: Mapping[str, Any]
    write: Callable[[str], None]
    """Prints text as it is, without a line end."""
    system: str = ""
    greeting: str = ""

    def begin(self) -> None:
        """A fresh conversation: the system text, and a character's greeting."""
        for speaker in self.speakers:
            speaker.messages = [{"role": "system", "content": self.system}] if self.system else []
        if self.greeting:
            self.write(self.greeting + "\n")

    def hear(self, line: str) -> bool:
        """Answers a line or does what it commands. False when it says to leave.

        Raises:
            UserError: the model cannot answer; the conversation is as it was before the line.
        """
        line = line.strip()
        if not line.startswith("/"):
            if line:
                for speaker in self.speakers:
                    self._answer(speaker, line)
            return True
        command, _, rest = line.partition(" ")
        commands: dict[str, Callable[[str], None]] = {
            "/reset": self._reset,
            "/system": self._change_system,
            "/save": self._save,
            "/help": lambda _: self.write(HELP + "\n"),
        }
        if command in ("/exit", "/quit"):
            return False
        if command not in commands:
            self.write(f"there is no {command}: {did_you_mean(command, [*commands, '/exit'])}\n")
            return True
        try:
            commands[command](rest.strip())
        except (UserError, OSError) as error:
            self.write(f"{error}\n")
        return True

    def _answer(self, speaker: Answers, line: str) -> None:
        """Prints the answer as it comes. Ctrl-C ends it; what was said until then stays said."""
        asked = [*speaker.messages, {"role": "user", "content": line}]
        if speaker.name:
            self.write(f"{speaker.name}: ")
        said, pieces = "", speaker.answer(asked, self.sampling)
        try:
            for piece in pieces:
                said += piece
                self.write(piece)
        except KeyboardInterrupt:
            self.write(" [stopped]")
        except UserError:
            self.write("\n")
            raise
        finally:
            pieces.close()  # type: ignore[attr-defined]
        self.write("\n")
        speaker.messages = (
            [*asked, {"role": "assistant", "content": said.strip()}] if said else asked[: len(speaker.messages)]
        )

    def _reset(self, _: str) -> None:
        self.write("a fresh conversation\n")
        self.begin()

    def _change_system(self, text: str) -> None:
        self.system, self.greeting = text, ""
        self.begin()
        self.write(f"a fresh conversation, {'with that' if text else 'without a'} system text\n")

    def _save(self, name: str) -> None:
        if not name:
            raise UserError("/save needs a file", fix="/save chat.json")
        rows = [_sharegpt(speaker) for speaker in self.speakers]
        file = Path(name).expanduser()
        write_text(file, json.dumps(rows, ensure_ascii=False, indent=2) + "\n")
        self.write(f"saved to {shown(file)}\n")


def _sharegpt(speaker: Answers) -> dict[str, Any]:
    sides = {"user": "human", "assistant": "gpt"}
    system = next((message["content"] for message in speaker.messages if message["role"] == "system"), "")
    turns = [
        {"from": sides[message["role"]], "value": message["content"]}
        for message in speaker.messages
        if message["role"] in sides
    ]
    row: dict[str, Any] = {"conversations": turns}
    if system:
        row["system"] = system
    if speaker.name:
        row["model"] = speaker.name
    return row
