"""Texts to token ids, just as the model's fast tokenizer encodes them, and several times as fast where that is safe.

A byte-level BPE tokenizer spends most of its time on bookkeeping (where each token stood in the text). tiktoken keeps
none and gives the same ids, under conditions that are looked at here one by one:

- the vocabulary is a tiktoken one: merges stand in the order of the ids they make, and every token is made by one, so
  that "merge what has the lowest id" and "apply the first merge" are the same rule;
- what cuts texts into words is one regular expression, and no added token begins another or eats the blanks around it;
- every character in the text is of the same kind to both (their Unicode tables may be of different years): each new one
  is tried out between letters, digits, blanks and quotes before texts with it go this way.

All other texts go through the tokenizer itself, and so does one in a hundred of these, to compare.
"""

from __future__ import annotations

import gc
import unicodedata
from collections.abc import Collection
from functools import cache
from itertools import accumulate, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import orjson

if TYPE_CHECKING:
    from tiktoken import Encoding

Ids = npt.NDArray[np.int32]
# A character where the usual expressions look: after a letter, a digit, a blank, a quote; before another of its own.
AROUND = "a{0}b 1{0}2 {0}\n'{0}{0} ?{0}\n\n{0}  "
COMPARED_EVERY = 100


class Encoder:
    """The tokenizer of a `tokenizer.json`."""

    def __init__(self, tokenizer_json: str) -> None:
        from tokenizers import Tokenizer

        self._exact = Tokenizer.from_str(tokenizer_json)
        described = orjson.loads(tokenizer_json)
        self._normalized = described["normalizer"] is not None
        self._quick = _tiktoken_of(described)
        self._alike: set[str] = set()
        self._unlike: set[str] = set()

    @property
    def is_quick(self) -> bool:
        """Whether texts go through tiktoken where that is safe."""
        return self._quick is not None

    def encode(self, texts: Collection[str]) -> dict[str, Ids]:
        """The ids of each text, without the special tokens that a tokenizer may put around a text."""
        different = list(dict.fromkeys(texts))
        if self._quick is None:
            return self._exactly(different)
        self._try_out(set("".join(different)))
        encoded: dict[str, Ids] = {}
        exactly = []
        for text in different:
            if (self._normalized and not unicodedata.is_normalized("NFC", text)) or not self._unlike.isdisjoint(text):
                exactly.append(text)
            else:
                encoded[text] = self._quick.encode_to_numpy(text, allowed_special="all").view(np.int32)
        compared = self._exactly(list(encoded)[::COMPARED_EVERY])
        if any(not np.array_equal(ids, encoded[text]) for text, ids in compared.items()):
            self._quick = None
            return self._exactly(different)
        return encoded | self._exactly(exactly)

    def text(self, ids: Ids) -> str:
        """The text of some tokens, special ones included."""
        return str(self._exact.decode(ids.tolist(), skip_special_tokens=False))

    def _exactly(self, texts: list[str]) -> dict[str, Ids]:
        encodings = self._exact.encode_batch_fast(texts, add_special_tokens=False)
        return {text: np.array(one.ids, np.int32) for text, one in zip(texts, encodings, strict=True)}

    def _try_out(self, characters: set[str]) -> None:
        """Sorts characters that are new into those both take alike and the others."""
        new = characters - self._alike - self._unlike
        if not new:
            return
        if self._same("".join(map(AROUND.format, new))):
            self._alike |= new
        elif len(new) == 1:
            self._unlike |= new
        else:
            ordered = sorted(new)
            middle = len(ordered) // 2
            self._try_out(set(ordered[:middle]))
            self._try_out(set(ordered[middle:]))

    def _same(self, text: str) -> bool:
        quick = self._quick.encode(text, disallowed_special=()) if self._quick else []
        return bool(
            unicodedata.is_normalized("NFC", text) and quick == self._exact.encode(text, add_special_tokens=False).ids
        )


@cache
def load_encoder(tokenizer_json: Path) -> Encoder:
    """The encoder of the tokenizer in a `tokenizer.json`, made once a process."""
    collecting = gc.isenabled()
    gc.disable()  # looking through 150,000 merges for cycles, again and again, takes a quarter of the time
    try:
        return Encoder(tokenizer_json.read_text(encoding="utf-8"))
    finally:
        if collecting:
            gc.enable()


def _tiktoken_of(described: dict[str, Any]) -> Encoding | None:
    """The tiktoken encoding that is the same as this tokenizer; None when none is, or that cannot be told."""
    pattern, specials = _pattern(described), _specials(described["added_tokens"])
    model = described["model"]
    if pattern is None or specials is None or model["type"] != "BPE":
        return None
    if model.get("dropout") or model.get("continuing_subword_prefix") or model.get("end_of_word_suffix"):
        return None
    if described["normalizer"] not in (None, {"type": "NFC"}):
        return None
    vocabulary: dict[str, int] = dict(model["vocab"])
    for special in specials:
        vocabulary.pop(special, None)
    merges = model["merges"]
    merged = [pair.replace(" ", "", 1) for pair in merges] if isinstance(merges[0], str) else list(map("".join, merges))
    letters, together, made = _byte_letters(), "".join(vocabulary), set(merged)
    if any(letter not in vocabulary for letter in letters) or not set(together) <= letters.keys():
        return None
    # All that are not letters are made by merges.
    if len(made) != len(vocabulary) - len(letters) or not made <= vocabulary.keys():
        return None
    if (np.diff(np.fromiter(map(vocabulary.__getitem__, merged), np.int64, len(merged))) < 0).any():
        return None
    from tiktoken import Encoding

    bytes_of_all = together.translate({ord(letter): byte for letter, byte in letters.items()}).encode("latin-1")
    ends = list(accumulate(map(len, vocabulary)))
    words = map(bytes_of_all.__getitem__, map(slice, [0, *ends], ends))
    ranks = dict(zip(words, vocabulary.values(), strict=True))
    return Encoding("lfw", pat_str=pattern, mergeable_ranks=ranks, special_tokens=specials)


def _pattern(described: dict[str, Any]) -> str | None:
    """The regular expression that cuts texts into words, when nothing else does."""
    cutter = described["pre_tokenizer"] or {}
    match cutter.get("pretokenizers", [cutter]):
        case [
            {"type": "Split", "pattern": {"Regex": str(pattern)}, "behavior": "Isolated", "invert": False},
            {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False},
        ]:
            return pattern
    return None


def _specials(added: list[dict[str, Any]]) -> dict[str, int] | None:
    """The added tokens with their ids; None when they do more than stand for themselves, or one begins another."""
    if any(token["lstrip"] or token["rstrip"] or token["single_word"] for token in added):
        return None
    words = sorted(token["content"] for token in added)
    if any(later.startswith(earlier) for earlier, later in pairwise(words)):
        return None
    if not all(word.isascii() for word in words):
        return None
    return {token["content"]: token["id"] for token in added}


def _byte_letters() -> dict[str, str]:
    """The letter that stands for each byte in a byte-level vocabulary (GPT-2's `bytes_to_unicode`), read backwards.

    Each byte as the character of its number, which Latin-1 writes as that byte.
    """
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): chr(byte) for byte in printable} | {
        chr(256 + place): chr(byte) for place, byte in enumerate(others)
    }
