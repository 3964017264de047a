"""Texts composed and without invisible characters; rows that hold no answer, only its placeholder, refused.

Nothing a reader can see changes its meaning here. So there is no NFKC (`10²` would become `102`, `①` `1`), and blanks
at the beginning of a line stay, for they may be the indentation of code or JSON.
"""

from __future__ import annotations

import re
from collections import Counter
from unicodedata import category, is_normalized, normalize

from lf_wrap.conversation import THOUGHT_BEGINS, THOUGHT_ENDS, Conversation, Reject, Turn, spoken

LINE_BREAKS = "line breaks made \\n"
CONTROLS = "control characters removed"
COMPOSED = "composed (NFC)"
BLANKS = "blank runs collapsed"
BROKEN = "broken character"
PLACEHOLDER_ANSWER = "placeholder answer"
PLACEHOLDER_QUESTION = "placeholder question"

# Besides \r these are Unicode's other line ends (UAX 14: VT, FF, NEL, LS, PS). They become \n and are not just removed,
# which would glue two words together.
_BREAK = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
# C0 and C1 but \t and \n; zero-width space and word joiner, byte order mark; the bidi marks, embeddings and isolates.
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
# These two build emoji (👨‍👩‍👧) and Persian or Indic words. Elsewhere they are invisible dirt.
_JOINER = re.compile("[\u200c\u200d]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_TRAILING = re.compile("(?<![ \t\xa0\u3000])[ \t\xa0\u3000]+(?=\n)")
_EMPTY_LINES = re.compile("\n{3,}")
# Behind a visible character only: blanks behind a line break or a tab are indentation or a table's columns.
_WIDE = re.compile("(?<=[^\n\t \u3000])([ \u3000])[ \u3000]{3,}")
_LEADING_LINES = re.compile(r"\A(?:[ \t\xa0\u3000]*\n)+")
_INDENTED_LINE = re.compile("\n[ \t\xa0\u3000]")

# What forms and exports write for "nothing here" (IMCS: 暂缺, 不详; tables: N/A, NaN; PromptCBLUE: （空）), with any
# punctuation around it; or dots, dashes and brackets alone. `？`, `！` and `:)` may be what a character says.
_EDGE = r"[\s.。,，;；:：\-—–_/…·*~()（）\[\]【】\"'“”‘’]*"
_WORDS = r"暂缺|暂无|不详|无|n/?a|null|none|nan|[(（\[【]\s*空\s*[)）\]】]"
_PLACEHOLDER = re.compile(rf"{_EDGE}(?:{_WORDS}){_EDGE}|[\s.。\-—–_/…·()（）\[\]【】]*", re.IGNORECASE)
_EMPTY_QUESTION = re.compile(r"(?:[(（\[【]\s*空?\s*[)）\]】]\s*[.。]?)?")
_LONGEST_PLACEHOLDER = 20


def clean(conversation: Conversation, counts: Counter[str]) -> Conversation | Reject:
    """The conversation with clean texts, the same object when they were; `counts` gets one per kind of change.

    Every text is treated alike, the system's and `asked` too: line breaks become `\\n`; control, zero-width and bidi
    characters are removed; letters are composed (NFC); blanks before a line break and around the text are removed;
    three and more line breaks become two; four and more blanks between words become the first of them.

    Rejected are rows with half a character (a lone surrogate, which UTF-8 cannot hold), rows whose last answer is
    nothing but a placeholder, and rows whose only question is.
    """
    if not _all_clean(conversation):
        changes: set[str] = set()
        try:
            conversation = _cleaned(conversation, changes)
        except UnicodeEncodeError as error:
            return Reject(BROKEN, f"a lone surrogate, U+{ord(error.object[error.start]):04X}")
        counts.update(changes)
    return _refused(conversation.turns) or conversation


def _cleaned(conversation: Conversation, changes: set[str]) -> Conversation:
    turns = tuple(Turn(role, _clean_text(text, changes)) for role, text in conversation.turns)
    system, asked = _clean_text(conversation.system, changes), _clean_text(conversation.asked, changes)
    others = tuple(_clean_text(text, changes) for text in conversation.others)
    return conversation._replace(turns=turns, system=system, asked=asked, others=others) if changes else conversation


def _all_clean(conversation: Conversation) -> bool:
    """Whether all texts surely need nothing; then `asked` does not either, since the turns hold it."""
    for _, text in conversation.turns:  # a loop, since a generator costs as much as the checks
        if not _is_clean(text):
            return False
    return _is_clean(conversation.system) and all(map(_is_clean, conversation.others))


def _is_clean(text: str) -> bool:
    """Whether `text` surely needs nothing. This is all that most rows pass through, hence its form.

    `str.isprintable` is false for every control, format and surrogate character and every blank but the space: a
    quarter of the time that a search for those to be removed takes.
    """
    if not text:
        return True
    if "\n" in text:
        if "\n\n\n" in text or not text.replace("\n", "").isprintable():
            return False
    elif not text.isprintable():
        return False
    if " " in text and ("    " in text or " \n" in text):
        return False
    return text[0] not in " \n" and text[-1] not in " \n" and (text.isascii() or is_normalized("NFC", text))


def _clean_text(text: str, changes: set[str]) -> str:
    """`text` made clean; what was done is added to `changes`.

    The order makes a second pass find nothing: joiners are judged beside the neighbours they keep, and removing
    anything may bring a letter and its accent together.

    Raises:
        UnicodeEncodeError: `text` holds a lone surrogate.
    """
    if _SURROGATE.search(text):
        text.encode("utf-8")
    before, text = text, _BREAK.sub("\n", text)
    if text != before:
        changes.add(LINE_BREAKS)
    before, text = text, _CONTROL.sub("", text)
    composed = normalize("NFC", text)
    without = _JOINER.sub(_needed_joiner, composed)
    if text != before or without != composed:
        changes.add(CONTROLS)
    final = normalize("NFC", without)
    if composed != text or final != without:
        changes.add(COMPOSED)
    text = _WIDE.sub(r"\1", _EMPTY_LINES.sub("\n\n", _TRAILING.sub("", final)))
    text = _LEADING_LINES.sub("", text.rstrip())
    if not _INDENTED_LINE.search(text):  # else the first line's indentation belongs to that of the others
        text = text.lstrip()
    if text != final:
        changes.add(BLANKS)
    return text


def _needed_joiner(match: re.Match[str]) -> str:
    """The joiner where a letter, mark or emoji stands on both sides, else nothing."""
    text, at = match.string, match.start()
    if 0 < at < len(text) - 1 and category(text[at - 1])[0] in "LMS" and category(text[at + 1])[0] in "LMS":
        return match.group()
    return ""


def _refused(turns: tuple[Turn, ...]) -> Reject | None:
    """Why turns with clean texts are of no use, if they are not."""
    if not turns:
        return None
    role, answer = turns[-1]
    if answer.startswith(THOUGHT_BEGINS) and THOUGHT_ENDS in answer:
        answer = spoken(answer).strip()
    if len(answer) <= _LONGEST_PLACEHOLDER and role == "assistant" and _PLACEHOLDER.fullmatch(answer):
        return Reject(PLACEHOLDER_ANSWER, f"the answer is only {answer!r}")
    if len(turns[0].text) <= _LONGEST_PLACEHOLDER:
        asked = [text for role, text in turns if role == "user"]
        if len(asked) == 1 and _EMPTY_QUESTION.fullmatch(asked[0]):
            return Reject(PLACEHOLDER_QUESTION, f"the only question is {asked[0]!r}")
    return None
