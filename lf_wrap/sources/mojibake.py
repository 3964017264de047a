"""UTF-8 that was decoded with a Western single-byte codec, taken back where that can be proven.

`中文` saved as UTF-8 and read as cp1252 is `ä¸­æ–‡`. Nothing is guessed here: a line is repaired when exactly one text
becomes it by wrong decoding. A line that several texts may become, for bytes vanished, is left and called lost.

The wrong codecs are Latin-1, cp1252 and cp1254 (Unicode's CP1252.TXT, CP1254.TXT), which agree so far that a character
stands for the same byte in all. What became of the bytes they do not define differs: kept as C1 controls (as WHATWG's
encoding standard has it), shown as U+FFFD or `?`, or dropped. Cleaning may also have dropped soft hyphens (byte AD) and
made no-break spaces (A0) plain. Which of this happened is read off the text itself: what is seen once is not lost.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Literal, NamedTuple

Status = Literal["clean", "repaired", "lost"]
_LATIN_1, _CP1252, _CP1254 = (
    [bytes([byte]).decode(codec, "ignore") or chr(byte) for byte in range(0x80, 0x100)]
    for codec in ("latin-1", "cp1252", "cp1254")
)
_WRONG = [dict(enumerate(table, 0x80)) for table in (_LATIN_1, _CP1252, _CP1254)]
# From every character to U+0080…U+00FF, the byte it stands for: the "byte form" of a text, in which all search is done.
_BYTE_OF = {ord(char): byte for table in _WRONG for byte, char in table.items()}
_C1, _CP1252_HOLES, _CP1254_HOLES = range(0x80, 0xA0), b"\x81\x8d\x8f\x90\x9d", b"\x81\x8d\x8e\x8f\x90\x9d\x9e"


def _standing_for(first: int, last: int) -> str:
    return "".join(re.escape(chr(char)) for char, byte in _BYTE_OF.items() if first <= byte <= last)


# A lead byte (C2-F4) before a continuation byte. Chinese, Japanese, Cyrillic… characters stand for no byte at all.
_SIGN = re.compile(f"[{_standing_for(0xC2, 0xF4)}][\ufffd{_standing_for(0x80, 0xBF)}]")
_WHOLE = re.compile(  # well-formed UTF-8 (The Unicode Standard, table 3-7)
    "[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]"
    "|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}"
)
_HIGH = re.compile("[\x80-\xff]")
_NO_BYTE = re.compile("[^\x00-\xff\ufffd]")
_GAP_BEFORE_SPACE = re.compile("(?:[\xe0-\xef][\x80-\xbf]?|[\xf0-\xf4][\x80-\xbf]{0,2}|[\xc2-\xdf]) ")
# What is worth believing in: letters of Europe, punctuation, signs, Chinese, Japanese, Korean, emoji.
_LIKELY = re.compile(
    "[\xa0-\u017f\u0370-\u03ff\u0400-\u045f\u1e00-\u1eff\u2010-\u2027\u2030-\u205e\u20a0-\u20bf\u2100-\u23ff\u2460-\u27bf"
    "\u3000-\u30ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\ufeff-\uffef\U0001f000-\U0001faff\U00020000-\U0003134f]"
)
# Bytes whose characters follow an accented letter in honest text as well: closing quotes (`café»`, `Bä“`), dashes, …,
# `é\xa0»`, `°`, `²`, Czech `áš`. A character made of such bytes alone is no evidence.
_HONEST = set("‚„…‰Š‹Ž‘’“”–—™š›ž\xa0§©ª«\xad®°²³·¹º»".translate(_BYTE_OF))
# The start of a character, and a second byte that follows no letter in honest text: ¸ ¤ ¨ ¬ ¯ ½ ƒ † ‡ ˆ ˜ Œ œ Ÿ, C1.
_BROKEN = re.compile(
    "[\xe0-\xf4][\x81\x83\x86-\x88\x8c\x8d\x8f\x90\x98\x9c\x9d\x9f\xa2\xa4-\xa6\xa8\xac\xaf\xb6\xb8\xbc-\xbe]"
)


class Repaired(NamedTuple):
    """A text with every repair that is proven, and whether there was any (`repaired`), or more is needed (`lost`)."""

    text: str
    status: Status


class _Loss(NamedTuple):
    """What may have become of bytes on their way into a text."""

    dropped: bytes
    shown_as_mark: bytes
    blanks: bool  # whether no-break spaces became spaces


def repair(text: str) -> Repaired:
    """`text` with its mojibake taken back, line by line.

    The status is `clean` when nothing looks like mojibake, `lost` when a line does that cannot be repaired, and
    `repaired` when all that do are: their new text, as UTF-8 read by the wrong codec, is exactly the old one.
    """
    if text.isascii() or not _SIGN.search(text):
        return Repaired(text, "clean")
    lines, lost, repaired = repair_lines(text)
    return Repaired("\n".join(lines) if repaired else text, "lost" if lost else "repaired" if repaired else "clean")


def repair_lines(text: str) -> tuple[list[str], list[int], list[int]]:
    """The lines of `text` (split at `\\n`) after repair; the numbers, from 1, of the lost and of the repaired ones.

    Give it a whole file: what became of missing bytes is seen in other lines.
    """
    lines, forms = text.split("\n"), text.translate(_BYTE_OF).split("\n")
    suspects = [number for number, form in enumerate(forms) if _is_evidence(form)]
    if not suspects:
        return lines, [], []
    foreign = [number for number, form in enumerate(forms) if _HIGH.search(form)]
    if not _HIGH.search(_WHOLE.sub("", "\n".join(forms))) or len(suspects) >= max(3, 0.9 * len(foreign)):
        suspects = foreign  # in such a company a line need not be evidence by itself
    loss = _loss(text, forms)
    restored = {number: _restored(lines[number], forms[number], loss) for number in suspects}
    lost = [number + 1 for number, line in restored.items() if line is None]
    repaired = [number + 1 for number, line in restored.items() if line not in (None, lines[number])]
    return [restored.get(number) or line for number, line in enumerate(lines)], lost, repaired


def repair_row(row: Any) -> tuple[Any, bool, bool]:
    """A raw row with every string in it repaired, keys too; whether any was repaired, whether any is lost.

    The same object where nothing was repaired. Dicts and lists are walked to any depth, other values stay.
    """
    if isinstance(row, str):
        if row.isascii() or not _SIGN.search(row):
            return row, False, False
        text, status = repair(row)
        return text, text != row, status == "lost"
    if isinstance(row, dict):
        if _shows_no_sign(row):
            return row, False, False
        pairs, repaired, lost = repair_row([part for pair in row.items() for part in pair])
        return dict(zip(pairs[::2], pairs[1::2], strict=True)) if repaired else row, repaired, lost
    if isinstance(row, list):
        parts = [repair_row(part) for part in row]
        repaired, lost = any(part[1] for part in parts), any(part[2] for part in parts)
        return [part[0] for part in parts] if repaired else row, repaired, lost
    return row, False, False


def _shows_no_sign(row: dict[Any, Any]) -> bool:
    """Whether a flat row surely needs nothing: one search for all its texts, all that most rows pass through."""
    texts = [part for pair in row.items() for part in pair if part.__class__ is str]
    nested = [value for value in row.values() if value.__class__ is dict or value.__class__ is list]
    return not nested and not _SIGN.search("\n".join(texts))


def _is_evidence(form: str) -> bool:
    """Whether a line, in byte form, can hardly be honest text."""
    return any(map(_tells, _WHOLE.finditer(form))) or _BROKEN.search(form) is not None


def _tells(match: re.Match[str]) -> bool:
    """Whether a UTF-8 character in a line's byte form is evidence of mojibake."""
    found, before = match.group(), match.string[max(0, match.start() - 1) : match.start()]
    if not _LIKELY.match(found.encode("latin-1").decode("utf-8")):
        return False
    if not set(found[1:]) <= _HONEST:
        return True
    return found[0] in "\xc2\xc3" and not before.isupper()  # `Ã©`, `Â°` are no honest text; `IRMÃ…` is


def _loss(text: str, forms: list[str]) -> _Loss:
    """What may be missing in `text`: the fragile bytes, but for those that are seen in its whole characters."""
    form = "\n".join(forms)
    seen = {char for match in _WHOLE.finditer(form) for char in text[match.start() : match.end()]}
    holes = _C1 if seen <= set(_LATIN_1) else _CP1252_HOLES if seen & set("ÐÝÞðýþŽž") else _CP1254_HOLES
    undefined = bytes(byte for byte in holes if chr(byte) not in seen)
    spaces = bytes(byte for byte in b"\xa0\xad" if chr(byte) not in seen)
    blanks = b"\xa0" in spaces and _GAP_BEFORE_SPACE.search(form) is not None
    dropped = spaces.replace(b"\xa0", b"") if blanks else spaces
    return _Loss(dropped if "\ufffd" in text else undefined + dropped, undefined, blanks)


def _restored(line: str, form: str, loss: _Loss) -> str | None:
    """The only text that, decoded wrongly, gives `line`; None when there is none, or more than one.

    A line with characters that no wrong codec gives (`ð§¿¹囊肿“术”`, in a real code list) is a mixture: then quotes and
    other characters that cannot stand in UTF-8 where they stand are honest. An accented letter still may be a remnant.
    """
    mixed = _NO_BYTE.search(form) is not None
    restored, spoilt, at = [], [], 0
    while high := _HIGH.search(form, at):
        start = high.start()
        restored.append(line[at:start])
        if whole := _WHOLE.match(form, start):
            character, at = whole.group().encode("latin-1").decode("utf-8"), whole.end()
        elif mixed and not "\xc2" <= high.group() <= "\xf4":
            character, at = line[start], start + 1
            start = at
        elif len(readings := _readings(form, start, loss)) == 1:
            character, at = readings.pop()
        else:
            return None
        restored.append(character)
        spoilt.append(slice(start, at))
    proven = any(all(form[part].translate(wrong) == line[part] for part in spoilt) for wrong in _WRONG)
    return "".join([*restored, line[at:]]) if proven else None


def _readings(form: str, start: int, loss: _Loss) -> set[tuple[str, int]]:
    """The characters that may have stood at `start`, each with where it ends; no more than two of them."""
    lead = form[start].encode("latin-1")
    length = 2 if b"\xc2" <= lead <= b"\xdf" else 3 if b"\xe0" <= lead <= b"\xef" else 4 if lead <= b"\xf4" else 0
    readings: set[tuple[str, int]] = set()
    partial = [(lead, start + 1)] if length and lead >= b"\xc2" else []
    while partial and len(readings) < 2:
        known, at = partial.pop()
        here = form[at : at + 1]
        if len(known) == length:
            character = known.decode("utf-8", "ignore")
            if character and unicodedata.category(character) not in ("Cc", "Cn", "Co") and not "\x80" <= here <= "\xbf":
                readings.add((character, at))
            continue
        stripped = b"" if here else b"\x85\xa0"  # blanks to `str.strip`
        partial += [(known + bytes([byte]), at) for byte in {*loss.dropped, *stripped}]
        if "\x80" <= here <= "\xbf":
            partial.append((known + here.encode("latin-1"), at + 1))
        elif here in ("?", "\ufffd"):
            partial += [(known + bytes([byte]), at + 1) for byte in loss.shown_as_mark]
        elif here == " " and loss.blanks and not (length == 2 and form[at + 1 : at + 2].isalnum()):  # `à la`, not `àla`
            partial.append((known + b"\xa0", at + 1))
    return readings
