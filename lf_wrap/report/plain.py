"""Text that others wrote, made safe to show: nothing invisible, nothing that turns the page around, not too much."""

from __future__ import annotations

import re

LONGEST = 2_000
# What would be unseen or change how the text around it reads (Unicode 15, UAX #9: explicit bidirectional formatting).
UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


def plain(text: object, longest: int = LONGEST) -> str:
    """`text` with what cannot be seen shown as its code point, and cut where it is longer than anyone will read."""
    said = str(text)
    cut = len(said) - longest
    shown = UNSEEN.sub(lambda found: "" if found[0] == "\r" else f"⟨U+{ord(found[0]):04X}⟩", said[:longest])
    return shown if cut <= 0 else f"{shown} […{cut:,} more characters]"
