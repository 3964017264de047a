"""Converted rows on disk while a dataset is being decided: memory stays flat whatever the input's size.

Of each row only numbers stay in memory: where it lies, a hash of the whole row and one of its question.
"""

from __future__ import annotations

import os
import tempfile
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType

import orjson
import xxhash

from lf_wrap.conversation import Conversation, Turn


class Spool:
    """Rows appended once and read back in any order. A context manager: the file vanishes at its end."""

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.TemporaryFile(dir=folder, prefix=".spool.")  # noqa: SIM115  (closed by __exit__)
        self._offsets = array("Q", (0,))
        self.whole = array("Q")
        """Per row: a 64-bit hash of everything in it. Equal hashes are taken as equal rows (for ten million
        rows the chance of one wrong match is 3 in a million)."""
        self.question = array("Q")
        """Per row: a 64-bit hash of all but the last answer."""
        self.characters = array("I")
        """Per row: characters in system, turns and answer together."""
        self.answer_characters = array("I")
        self.turns = array("I")

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def __len__(self) -> int:
        return len(self.whole)

    def append(self, conversation: Conversation) -> None:
        """Adds a sound conversation (turns alternate from the user on)."""
        said = [turn.text for turn in conversation.turns]
        data = orjson.dumps([conversation.system, *said])
        question = orjson.dumps([conversation.system, *said[:-1]])
        self._file.write(data)
        self._offsets.append(self._offsets[-1] + len(data))
        self.whole.append(xxhash.xxh3_64_intdigest(data))
        self.question.append(xxhash.xxh3_64_intdigest(question))
        self.characters.append(len(conversation.system) + sum(map(len, said)))
        self.answer_characters.append(len(said[-1]))
        self.turns.append(len(said))

    def read(self, numbers: Iterable[int]) -> Iterator[Conversation]:
        """The rows with these numbers, in this order."""
        self._file.flush()
        for number in numbers:
            start, stop = self._offsets[number], self._offsets[number + 1]
            system, *said = orjson.loads(os.pread(self._file.fileno(), stop - start, start))
            turns = (Turn("assistant" if place % 2 else "user", text) for place, text in enumerate(said))
            yield Conversation(tuple(turns), system)
