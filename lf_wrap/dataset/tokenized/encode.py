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
from collections.abc import Collection, Iterable
from functools import cache, cached_property
from itertools import accumulate, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import orjson

if TYPE_CHECKING:
    from tiktoken import Encoding
    from tokenizers import Tokenizer

Ids = npt.NDArray[np.int32]
# A character where the usual expressions look: after a letter, a digit, a blank, a quote; before another of its own.
AROUND = "a{0}b 1{0}2 {0}\n'{0}{0} ?{0}\n\n{0}  "
COMPARED_EVERY = 100
# Stands between texts that are encoded in one go. Unicode keeps it out of texts ("noncharacter"), and no normalization
# joins anything to it.
BETWEEN = "\uffff"


class Encoder:
    """The tokenizer of a `tokenizer.json`.

    With `compare` off nothing is tried out and compared here: whoever asks for that has it done elsewhere (`witness`).
    """

    def __init__(self, tokenizer_json: str, *, compare: bool = True) -> None:
        described = orjson.loads(tokenizer_json)
        self._json, self._compare = tokenizer_json, compare
        self._normalized = described["normalizer"] is not None
        self._quick = _tiktoken_of(described)
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
        characters = set(whole) - {BETWEEN}
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


def _tiktoken_of(described: dict[str, Any]) -> Encoding | None:
    """The tiktoken encoding that is the same as this tokenizer; None when none is, or that cannot be told.

    Its last token is `BETWEEN`.
    """
    pattern, specials = _pattern(described), _specials(described["added_tokens"])
    model = described["model"]
    if pattern is None or specials is None or model["type"] != "BPE" or not model["merges"]:
        return None
    if model.get("dropout") or model.get("continuing_subword_prefix") or model.get("end_of_word_suffix"):
        return None
    if described["normalizer"] not in (None, {"type": "NFC"}):
        return None
    vocabulary: dict[str, int] = dict(model["vocab"])
    for special in specials:
        vocabulary.pop(special, None)
    letters, together = _byte_letters(), "".join(vocabulary)
    if any(letter not in vocabulary for letter in letters) or not set(together) <= letters.keys():
        return None
    made = _ids_in_order(model["merges"], vocabulary)
    if made != len(vocabulary) - len(letters):  # all that are not letters are made by merges
        return None
    from tiktoken import Encoding

    bytes_of_all = together.translate({ord(letter): byte for letter, byte in letters.items()}).encode("latin-1")
    ends = list(accumulate(map(len, vocabulary)))
    words = map(bytes_of_all.__getitem__, map(slice, [0, *ends], ends))
    ranks = dict(zip(words, vocabulary.values(), strict=True))
    last = max([*specials.values(), max(vocabulary.values())]) + 1
    return Encoding("lfw", pat_str=pattern, mergeable_ranks=ranks, special_tokens={**specials, BETWEEN: last})


def _ids_in_order(merges: list[Any], vocabulary: dict[str, int]) -> int | None:
    """How many tokens the merges make; None when they do not stand in the order of the ids of what they make."""
    merged = [pair.replace(" ", "", 1) for pair in merges] if isinstance(merges[0], str) else list(map("".join, merges))
    try:
        steps = np.diff(np.fromiter(map(vocabulary.__getitem__, merged), np.int64, len(merged)))
    except KeyError:
        return None
    return None if (steps < 0).any() else 1 + int(np.count_nonzero(steps))


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
