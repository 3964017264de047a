"""Whether bytes are UTF-8 (RFC 3629), told by comparing them: decoding them into a text nobody needs takes twice as
long.
"""

from __future__ import annotations

AT_ONCE = 1 << 16  # bytes whose comparisons stay in the processor's cache
ASCII_ENDS, TWO, THREE, FOUR, LAST = 0x80, 0xC0, 0xE0, 0xF0, 0xF4
"""The bytes that begin characters of several bytes. What goes on with one is 10xxxxxx, as a signed byte below -64."""
NEVER = (0xC0, 0xC1)  # they would begin what one byte can say
# Behind these the second byte must lie between: other characters have shorter forms, are surrogates or beyond Unicode.
SECOND = {0xE0: (0xA0, 0xBF), 0xED: (0x80, 0x9F), 0xF0: (0x90, 0xBF), 0xF4: (0x80, 0x8F)}


def is_utf8(data: bytes | bytearray) -> bool:
    """Whether `data` is whole UTF-8."""
    used, sound = sound_until(data, len(data))
    return sound and used == len(data)


def sound_until(data: bytes | bytearray, end: int) -> tuple[int, bool]:
    """Up to where the first `end` bytes are whole characters, and whether what follows there is one that is cut off,
    or nothing; else something in the next 64 KiB is no UTF-8.
    """
    at = 0
    while at < end:
        used = _whole(data, at, min(at + AT_ONCE, end))
        if used is None:
            return at, False
        if not used:
            break
        at += used
    return at, True


def _whole(data: bytes | bytearray, at: int, end: int) -> int | None:
    """How many bytes of these are whole characters, where one may be cut off at the end; None if they are no UTF-8."""
    import numpy as np  # half of lfw's start, and most commands read no raw file

    given = np.frombuffer(data, np.uint8, end - at, at)
    largest = given.max()
    if largest < ASCII_ENDS:
        return len(given)
    if largest > LAST or any(data.find(byte, at, end) >= 0 for byte in NEVER):
        return None
    given = given[: len(given) - _cut_off(given[-3:].tolist())]
    size = len(given)
    goes_on = np.zeros(size + 3, bool)
    np.greater_equal(given, TWO, out=goes_on[1 : size + 1])
    goes_on[2 : size + 2] |= given >= THREE
    if largest >= FOUR:
        goes_on[3:] |= given >= FOUR
    if goes_on[size:].any() or not np.array_equal(goes_on[:size], given.view(np.int8) < -64):
        return None
    for lead, (low, high) in SECOND.items():
        if data.find(lead, at, end) >= 0:
            seconds = given[1:][given[:-1] == lead]
            if len(seconds) and not low <= seconds.min() <= seconds.max() <= high:
                return None
    return size


def _cut_off(last: list[int]) -> int:
    """How many of the last bytes belong to a character that is not whole."""
    for back, byte in enumerate(reversed(last), 1):
        if byte >= TWO:
            return back if back < 2 + (byte >= THREE) + (byte >= FOUR) else 0
    return 0
