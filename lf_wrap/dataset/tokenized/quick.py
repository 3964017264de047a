"""The tiktoken vocabulary that gives what a fast tokenizer gives: worked out once for each tokenizer, and kept.

tiktoken gives the same ids where

- the vocabulary is a tiktoken one: merges stand in the order of the ids they make, and every token is made by one, so
  that "merge what has the lowest id" and "apply the first merge" are the same rule;
- what cuts texts into words is one regular expression, and no added token begins another or eats the blanks around it.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from lf_wrap.files import atomic_write, user_cache

if TYPE_CHECKING:
    from tiktoken import Encoding

LAYOUT = 1  # raised when what is kept, or what is looked at here, changes
# Stands between texts that are encoded in one go. Unicode keeps it out of texts ("noncharacter"), and no normalization
# joins anything to it.
BETWEEN = "\uffff"


@dataclass(frozen=True)
class Quick:
    """What a tiktoken encoding is made of."""

    pattern: str
    specials: dict[str, int]
    normalizes: bool
    """Whether texts are brought into NFC first, which tiktoken does not."""
    words: str
    """The tokens without the special ones, in the letters of a byte-level vocabulary, with blanks between."""
    ids: list[int]
    """Of `words`."""

    def encoding(self) -> Encoding:
        """Its last token is `BETWEEN`."""
        from tiktoken import Encoding

        words = self.words.split(" ")
        letters = {ord(letter): byte for letter, byte in _byte_letters().items()}
        bytes_of_all = "".join(words).translate(letters).encode("latin-1")
        ends = list(accumulate(map(len, words)))
        pieces = map(bytes_of_all.__getitem__, map(slice, [0, *ends], ends))
        ranks = dict(zip(pieces, self.ids, strict=True))
        last = max([*self.specials.values(), max(self.ids)]) + 1
        specials = {**self.specials, BETWEEN: last}
        return Encoding("lfw", pat_str=self.pattern, mergeable_ranks=ranks, special_tokens=specials)


def quick_of(tokenizer_json: str) -> Quick | None:
    """The vocabulary that is the same as this tokenizer's; None when none is, or that cannot be told."""
    kept = _kept(tokenizer_json)
    with suppress(OSError, orjson.JSONDecodeError, TypeError):
        return Quick(**orjson.loads(kept.read_bytes()))
    quick = _worked_out(orjson.loads(tokenizer_json))
    if quick:
        with suppress(OSError), atomic_write(kept) as handle:  # where nothing can be kept, it is worked out again
            handle.write(orjson.dumps(asdict(quick)))
    return quick


def _kept(tokenizer_json: str) -> Path:
    digest = hashlib.sha256(tokenizer_json.encode()).hexdigest()
    return user_cache() / "tokenizers" / f"{digest[:32]}-{LAYOUT}.json"


def _worked_out(described: dict[str, Any]) -> Quick | None:
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
    letters = _byte_letters()
    if any(letter not in vocabulary for letter in letters) or not set("".join(vocabulary)) <= letters.keys():
        return None
    made = _ids_in_order(model["merges"], vocabulary)
    if made != len(vocabulary) - len(letters):  # all that are not letters are made by merges
        return None
    normalizes = described["normalizer"] is not None
    return Quick(pattern, specials, normalizes, " ".join(vocabulary), [*vocabulary.values()])


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
