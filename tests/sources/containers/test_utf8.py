"""Python's decoder is asked beside: both must agree on every byte."""

from __future__ import annotations

import itertools
import random

from lf_wrap.sources.containers.utf8 import AT_ONCE, is_utf8, sound_until

# The first and last byte of every kind that RFC 3629 knows, and their neighbours.
TELLING = bytes([0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED])
TELLING += bytes([0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF])


def decodes(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def test_every_character_is_utf8_alone_and_among_others() -> None:
    every = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    assert is_utf8("".join(every).encode("utf-8"))
    assert all(is_utf8(char.encode("utf-8")) for char in every[:: 1 << 8])


def test_no_surrogate_is_utf8() -> None:
    assert not any(is_utf8(chr(code).encode("utf-8", "surrogatepass")) for code in range(0xD800, 0xE000))


def test_agrees_with_the_decoder_on_all_short_runs_of_telling_bytes() -> None:
    for size in (1, 2, 3):
        for run in itertools.product(TELLING, repeat=size):
            assert is_utf8(bytes(run)) == decodes(bytes(run)), bytes(run)


def test_agrees_with_the_decoder_on_four_bytes_and_more() -> None:
    drawer = random.Random(42)
    for lead in TELLING:
        for rest in itertools.product(TELLING[3:9], repeat=3):
            run = bytes((lead, *rest))
            assert is_utf8(run) == decodes(run), run
    for _ in range(3000):
        run = bytes(drawer.choices(TELLING, k=drawer.randrange(4, 9)))
        assert is_utf8(run) == decodes(run), run


def test_one_wrong_byte_anywhere_is_found() -> None:
    text = ("医生，您好！é 😀 한국 ไทย " * 4000).encode()
    assert is_utf8(text)
    drawer = random.Random(7)
    for _ in range(300):
        place = drawer.choice([drawer.randrange(len(text)), AT_ONCE - drawer.randrange(5), len(text) - 1])
        spoilt = bytearray(text)
        spoilt[place] = drawer.choice(TELLING)
        assert is_utf8(spoilt) == decodes(bytes(spoilt)), place


def test_a_character_that_is_cut_off_at_the_end_is_left_for_more_bytes() -> None:
    text = "糖尿病😀".encode()
    for end in range(len(text) + 1):
        used, sound = sound_until(text, end)
        assert sound
        assert text[:used].decode("utf-8") == text[:end].decode("utf-8", "ignore")
    assert not is_utf8(text[:-1])


def test_nothing_is_utf8() -> None:
    assert is_utf8(b"")
