"""Texts to token ids, just as the model's fast tokenizer encodes them, and several times as fast where that is safe.

A byte-level BPE tokenizer spends most of its time on bookkeeping (where each token stood in the text). tiktoken keeps
none and gives the same ids, where the vocabulary allows it (`quick`) and every character in the text is of the same
kind to both (their Unicode tables may be of different years): each new one is tried out between letters, digits, blanks
and quotes before texts with it go this way.

All other texts go through the tokenizer itself, and so does one in a hundred of these, to compare.
"""

from __future__ import annotations

import gc
import unicodedata
from collections.abc import Collection, Iterable
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lf_wrap.dataset.tokenized.quick import BETWEEN, quick_of

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Ids = npt.NDArray[np.int32]
# A character where the usual expressions look: after a letter, a digit, a blank, a quote; before another of its own.
AROUND = "a{0}b 1{0}2 {0}\n'{0}{0} ?{0}\n\n{0}  "
COMPARED_EVERY = 100


class Encoder:
    """The tokenizer of a `tokenizer.json`.

    With `compare` off nothing is tried out and compared here: whoever asks for that has it done elsewhere (`witness`).
    """

    def __init__(self, tokenizer_json: str, *, compare: bool = True) -> None:
        quick = quick_of(tokenizer_json)
        self._json, self._compare = tokenizer_json, compare
        self._normalized = quick is not None and quick.normalizes
        self._quick = quick.encoding() if quick else None
        self._alike: set[str] = set()
        self._unlike: set[str] = {BETWEEN}

    @property
    def is_quick(self) -> bool:
        """Whether texts go through tiktoken where that is safe."""
        return self._quick is not None

    @cached_property
    def exact(self) -> Tokenizer:
        """The tokenizer itself, which takes a second to load."""
        from tokenizers import Tokenizer

        return Tokenizer.from_str(self._json)

    def encode(self, texts: Collection[str]) -> dict[str, Ids]:
        """The ids of each text, without the special tokens that a tokenizer may put around a text."""
        different = list(dict.fromkeys(texts))
        if self._quick is None:
            return self._exactly(different)
        whole = BETWEEN.join(different)
        characters = characters_in(whole) - {BETWEEN}
        self._sort(characters)
        exactly = set[str]()
        if not self._is_normalized(whole):
            exactly.update(text for text in different if not self._is_normalized(text))
        if not self._unlike.isdisjoint(characters) or whole.count(BETWEEN) != len(different) - 1:
            exactly.update(text for text in different if not self._unlike.isdisjoint(text))
        quickly = [text for text in different if text not in exactly] if exactly else different
        encoded = self._quickly(quickly, BETWEEN.join(quickly) if exactly else whole)
        if self._compare and not self.agrees(self._exactly(quickly[::COMPARED_EVERY]), encoded):
            self._quick = None
            return self._exactly(different)
        return encoded | self._exactly(exactly)

    def agrees(self, exact: dict[str, Ids], ours: dict[str, Ids] | None = None) -> bool:
        """Whether `exact`, what the tokenizer itself made of some texts, is what this one makes of them."""
        found = self.encode(exact) if ours is None else ours
        return all(np.array_equal(ids, found[text]) for text, ids in exact.items())

    def text(self, ids: Ids) -> str:
        """The text of some tokens, special ones included."""
        return str(self.exact.decode(ids.tolist(), skip_special_tokens=False))

    def _quickly(self, texts: list[str], joined: str) -> dict[str, Ids]:
        """Of the texts, all in one go; `joined` is all of them, with `BETWEEN` between."""
        if self._quick is None or not texts:
            return {}
        ids = self._quick.encode_to_numpy(joined, allowed_special="all").view(np.int32)
        ends = [*np.flatnonzero(ids == self._quick.max_token_value).tolist(), len(ids)]
        return {text: ids[begin + 1 : end] for text, begin, end in zip(texts, [-1, *ends], ends, strict=False)}

    def _exactly(self, texts: Iterable[str]) -> dict[str, Ids]:
        several = list(texts)
        if not several:
            return {}
        encodings = self.exact.encode_batch_fast(several, add_special_tokens=False)
        return {text: np.array(one.ids, np.int32) for text, one in zip(several, encodings, strict=True)}

    def _is_normalized(self, text: str) -> bool:
        return not self._normalized or unicodedata.is_normalized("NFC", text)

    def _sort(self, characters: set[str]) -> None:
        """Sorts characters that are new into those both take alike and the others."""
        new = characters - self._alike - self._unlike
        plain = set(filter(stands_alone, new))
        self._unlike |= new - plain
        if self._compare:
            self._try_out(sorted(plain))
        else:
            self._alike |= plain

    def _try_out(self, new: list[str]) -> None:
        if not new:
            return
        if self._same(tried_out(new)):
            self._alike.update(new)
        elif len(new) == 1:
            self._unlike.update(new)
        else:
            middle = len(new) // 2
            self._try_out(new[:middle])
            self._try_out(new[middle:])

    def _same(self, text: str) -> bool:
        quick = self._quick.encode(text, disallowed_special=()) if self._quick else []
        return bool(quick == self.exact.encode(text, add_special_tokens=False).ids)


def characters_in(text: str) -> set[str]:
    """The characters of a text, eight times as fast as `set` finds them in a long one."""
    numbers = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    found = np.zeros(int(numbers.max(initial=0)) + 1, np.bool_)
    found[numbers] = True
    return set(map(chr, np.flatnonzero(found).tolist()))


def stands_alone(character: str) -> bool:
    """Whether normalization leaves it as it is; it joins others to an accent, say."""
    return character != BETWEEN and unicodedata.is_normalized("NFC", AROUND.format(character))


def tried_out(characters: Iterable[str]) -> str:
    """A text that shows of which kind the characters, which stand alone, are to whoever cuts it into words."""
    return "".join(map(AROUND.format, characters))


@cache
def load_encoder(tokenizer_json: Path, *, compare: bool = True) -> Encoder:
    """The encoder of the tokenizer in a `tokenizer.json`, made once a process."""
    collecting = gc.isenabled()
    gc.disable()  # looking through 150,000 merges for cycles, again and again, takes a quarter of the time
    try:
        encoder = Encoder(tokenizer_json.read_text(encoding="utf-8"), compare=compare)
        if compare or not encoder.is_quick:
            encoder.exact  # noqa: B018  (loaded here, so that processes which are forked off have it)
    finally:
        if collecting:
            gc.enable()
    return encoder
