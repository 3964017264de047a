"""What `clean` changes in a text, what it leaves alone, and which rows it refuses."""

from __future__ import annotations

import json
import unicodedata
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lf_wrap.conversation import Conversation, Reject, Turn
from lf_wrap.dataset.clean import (
    BLANKS,
    BROKEN,
    COMPOSED,
    CONTROLS,
    LINE_BREAKS,
    PLACEHOLDER_ANSWER,
    PLACEHOLDER_QUESTION,
    clean,
)

DIRT = "\x00\x04\t\n\x0b\x0c\r\x85\xa0\u200b\u200c\u200d\u200e\u2028\u202a\u202e\u2060\u2066\u2069\u3000\ufeff"
TEXTS = st.text(
    st.one_of(st.sampled_from(DIRT + "  \n\n{}e<ae\u0301\u0338人👨👧🏽\ufe0fक्ष"), st.characters()), max_size=40
)


def cleaned(text: str) -> tuple[str, set[str]]:
    """A text as one turn of a conversation comes out, and the names of the changes."""
    counts: Counter[str] = Counter()
    result = clean(Conversation.single(text, "好的，明白了"), counts)
    assert isinstance(result, Conversation)
    assert set(counts.values()) <= {1}
    return result.turns[0].text, set(counts)


@pytest.mark.parametrize(
    ("text", "expected", "changes"),
    [
        ("咳嗽\x04三天", "咳嗽三天", {CONTROLS}),
        ("a\x00b\x1fc\x7fd\x80e\x9ff", "abcdef", {CONTROLS}),
        ("\ufeff患\u200b者\u2060", "患者", {CONTROLS}),
        ("\u202a体温\u202c \u206638\u2069℃\u200e", "体温 38℃", {CONTROLS}),
        ("line\r\nline\rline", "line\nline\nline", {LINE_BREAKS}),
        ("word\x0bword\x85word\u2028word", "word\nword\nword\nword", {LINE_BREAKS}),
        ("cafe\u0301", "café", {COMPOSED}),
        ("e\u200b\u0301", "é", {CONTROLS, COMPOSED}),
        ("one  \t\u3000\ntwo", "one\ntwo", {BLANKS}),
        ("one\n \n\n\ntwo", "one\n\ntwo", {BLANKS}),
        ("one    two\u3000\u3000\u3000\u3000three", "one two\u3000three", {BLANKS}),
        ("  \n\n 头痛 \n", "头痛", {BLANKS}),
        ("你\u200d。", "你。", {CONTROLS}),
        ("\n\n    if a:\n        b\n", "    if a:\n        b", {BLANKS}),
    ],
)
def test_dirt_goes_and_the_change_is_named(text: str, expected: str, changes: set[str]) -> None:
    assert cleaned(text) == (expected, changes)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "咳嗽三天，体温38.5℃。\n无胸闷",
        "10² 与 ① 和 ＡＢＣ１２３ ㎎ ﬁ",  # NFKC would change every one of them
        "a\n\nb",
        "one   two",
        "name\tdose\tunit",
        json.dumps({"主诉": "咳嗽", "建议": {"药": ["a", "b"]}}, ensure_ascii=False, indent=8),
        "    def f():\n        return 1",
        "第一段\n\u3000\u3000第二段",
        "👨‍👩‍👧 和 👩🏽‍⚕️ 🏴‍☠️",  # emoji joined by U+200D
        "می‌خواهم",  # Persian joined by U+200C
        "क्‍ष",  # a mark stands before the joiner
        "\ue000 private use and U+FFFD \ufffd are not ours to judge",
    ],
)
def test_text_that_needs_nothing_stays_the_same_object(text: str) -> None:
    counts: Counter[str] = Counter()
    row = Conversation((Turn("user", text), Turn("assistant", "好的")), text, asked=text, group="g")
    if text:
        assert clean(row, counts) is row
    assert not counts


def test_system_and_asked_are_cleaned_and_the_group_stays() -> None:
    row = Conversation((Turn("user", "q\u200b"), Turn("assistant", "a ")), "s\r\n", asked="q\u200b", group="7\u200b")
    expected = Conversation((Turn("user", "q"), Turn("assistant", "a")), "s", asked="q", group="7\u200b")
    assert clean(row, Counter()) == expected


def test_half_a_character_cannot_be_written() -> None:
    result = clean(Conversation.single("cut \ud83d", "a"), Counter())
    assert result == Reject(BROKEN, "a lone surrogate, U+D83D")


@pytest.mark.parametrize(
    "answer",
    ["", "  ", "暂缺", "暂缺。", "不详", " 不详\n", "无", "无。", "暂无", "暂无。", "N/A", "NA", "n/a.", "null", "None",
     "nan", "NaN", "（空）", "(空)", "-", "--", "——", "…", "……", "...", "\u200b", "“暂缺”"],
)  # fmt: skip
def test_an_answer_that_says_nothing_is_refused(answer: str) -> None:
    result = clean(Conversation.single("怎么办？", answer), Counter())
    assert isinstance(result, Reject)
    assert result.reason == PLACEHOLDER_ANSWER


@pytest.mark.parametrize(
    "answer",
    ["无特殊。", "不详细", "是", "否", "0", "A", "？", "！", ":)", "😊", "+", "None of them", "空", "无，建议复查",
     "Na+", "nano"],
)  # fmt: skip
def test_a_short_answer_is_an_answer(answer: str) -> None:
    row = Conversation.single("怎么办？", answer)
    assert clean(row, Counter()) is row


def test_fillers_inside_an_answer_or_an_earlier_turn_stay() -> None:
    report = json.dumps({"辅助检查": "暂缺。", "既往史": "不详。"}, ensure_ascii=False, indent=2)
    turns = (Turn("user", "（空）"), Turn("assistant", "无"), Turn("user", "咳嗽"), Turn("assistant", report))
    row = Conversation(turns)
    assert clean(row, Counter()) is row


@pytest.mark.parametrize("question", ["（空）", "(空)", "", "\u200b", "[空]。"])
def test_an_only_question_that_asks_nothing_is_refused(question: str) -> None:
    result = clean(Conversation.single(question, "多喝水。"), Counter())
    assert isinstance(result, Reject)
    assert result.reason == PLACEHOLDER_QUESTION


@given(TEXTS, TEXTS)
def test_a_second_pass_finds_nothing(question: str, answer: str) -> None:
    counts: Counter[str] = Counter()
    once = clean(Conversation.single(question, answer), counts)
    if isinstance(once, Conversation):
        assert clean(once, Counter()) is once
        if not counts:
            assert once == Conversation.single(question, answer)


@given(TEXTS)
def test_nothing_visible_is_lost(text: str) -> None:
    def visible(text: str) -> str:
        decomposed = unicodedata.normalize("NFD", text)
        return unicodedata.normalize("NFD", "".join(c for c in decomposed if c not in DIRT and not c.isspace()))

    result = clean(Conversation.single(text, "好的"), Counter())
    if isinstance(result, Conversation):
        kept = "".join(c for c in visible(result.turns[0].text) if unicodedata.category(c)[0] != "C")
        assert kept == "".join(c for c in visible(text) if unicodedata.category(c)[0] != "C")
