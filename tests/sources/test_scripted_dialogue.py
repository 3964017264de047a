"""Scripts with several speakers, one of whom is the character: CharacterEval and Chat-Haruhi."""

from __future__ import annotations

from typing import Any

import pytest

from lf_wrap.conversation import Conversation, Reject, Turn
from lf_wrap.sources import SOURCES
from lf_wrap.sources.scripted_dialogue import ScriptedDialogue

CONTEXT = """小二：掌柜的，（递茶）客人来了。
王掌柜：（抬头）几位？
账房：两位。
小二：三位！
王掌柜：那就三位。
小二：好嘞"""
CHARACTER_EVAL = {"id": 7, "role": "王掌柜", "novel_name": "小店", "context": CONTEXT}
CHAT_HARUHI = {
    "dialogue": [
        {"role": "旁白", "text": "「灯亮了。」"},
        {"role": "小二", "text": "「掌柜的？」"},
        {"role": "王掌柜", "text": "「（咳）来了。」"},
        {"role": "王掌柜（小声）", "text": "「嘘。」"},
        {"role": "", "text": "掌柜下楼。"},
        {"role": "小二看看左右，笑道", "text": "「走了。」"},
    ],
    "source": "synthesized",
}


def test_the_roles_lines_are_the_assistants_and_the_others_keep_their_names() -> None:
    assert ScriptedDialogue().read(CHARACTER_EVAL) == Conversation(
        (
            Turn("user", "小二：掌柜的，（递茶）客人来了。"),
            Turn("assistant", "（抬头）几位？"),
            Turn("user", "账房：两位。"),
            Turn("user", "小二：三位！"),
            Turn("assistant", "那就三位。"),
            Turn("user", "小二：好嘞"),
        ),
        group="小二：掌柜的，（递茶）客人来了。",
    )


@pytest.mark.parametrize(
    ("profile", "system"),
    [
        ({"instruction_profile": " 客栈的掌柜。 "}, "客栈的掌柜。"),
        ({"profile": {"性别": "女", "年龄": 30}}, "性别：女\n年龄：30"),
        ({"profile": None}, ""),
    ],
)
def test_a_profile_is_the_system_text(profile: dict[str, Any], system: str) -> None:
    result = ScriptedDialogue().read(CHARACTER_EVAL | profile)
    assert isinstance(result, Conversation)
    assert result.system == system


@pytest.mark.parametrize("role", [{}, {"role": "王掌柜"}])
def test_a_list_of_lines_whose_character_is_named_or_has_the_last_line(role: dict[str, str]) -> None:
    assert ScriptedDialogue().read(CHAT_HARUHI | role) == Conversation(
        (
            Turn("user", "旁白：「灯亮了。」"),
            Turn("user", "小二：「掌柜的？」"),
            Turn("assistant", "「（咳）来了。」"),
            Turn("assistant", "（小声）「嘘。」"),
            Turn("user", "掌柜下楼。"),
            Turn("user", "小二看看左右，笑道：「走了。」"),
        ),
        group="旁白：「灯亮了。」",
    )


@pytest.mark.parametrize(
    ("line", "turn"),
    [
        ("Ada: Hello, {{user}}.", Turn("assistant", "Hello, User.")),
        ("Ada (softly): Hello.", Turn("assistant", "(softly) Hello.")),
        ("Ada Lovelace: Hello.", Turn("user", "Ada Lovelace: Hello.")),
        ("Dr. Bob: Hello, {{char}}.", Turn("user", "Dr. Bob: Hello, Ada.")),
        ("12:30 is when we meet", Turn("assistant", "Hi\n12:30 is when we meet")),
        ("see http://ada.example", Turn("assistant", "Hi\nsee http://ada.example")),
        ("He said, and she said: no", Turn("assistant", "Hi\nHe said, and she said: no")),
        (":Bob closes the door.", Turn("user", "Bob closes the door.")),
        ("（她说：走吧）", Turn("assistant", "Hi\n（她说：走吧）")),
    ],
)
def test_who_speaks_a_line_and_which_line_goes_on_with_the_last(line: str, turn: Turn) -> None:
    result = ScriptedDialogue().read({"role": "Ada", "text": f"Ada: Hi\n{line}"})
    assert isinstance(result, Conversation)
    assert result.turns[-1] == turn


def test_what_stands_before_the_first_speaker_is_the_users() -> None:
    result = ScriptedDialogue().read({"role": "Ada", "dialogue": "(Night.)\nAda:\n  Who is there?\n"})
    assert isinstance(result, Conversation)
    assert result.turns == (Turn("user", "(Night.)"), Turn("assistant", "Who is there?"))


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (CHARACTER_EVAL | {"role": "厨子"}, "no answer"),
        (CHARACTER_EVAL | {"role": " "}, "not this shape"),
        (CHARACTER_EVAL | {"context": ""}, "no question"),
        ({"role": "王掌柜"}, "no question"),
        ({"role": "王掌柜", "dialogue": [{"speaker": "小二", "words": "好"}]}, "no question"),
        ({"context": CONTEXT}, "missing column"),
        ({"dialogue": []}, "missing column"),
        ("just text", "not this shape"),
    ],
)
def test_a_row_that_cannot_train_says_why(row: Any, reason: str) -> None:
    result = ScriptedDialogue().read(row)
    assert isinstance(result, Reject)
    assert result.reason == reason


@pytest.mark.parametrize("row", [CHARACTER_EVAL, CHAT_HARUHI, {"role": "Ada", "text": "Bob: Hi\nAda: Hello"}])
def test_its_rows_are_recognised(row: dict[str, Any]) -> None:
    assert next(source for source in SOURCES if source.fits(row)) is ScriptedDialogue


@pytest.mark.parametrize(
    "row",
    [
        {"role": "user", "text": "Note: a chat of some other layout"},
        {"role": "Ada", "text": "no speaker at all"},
        {"dialogue": [{"role": "患者", "text": "咳嗽"}, {"role": "医生", "text": "多久了"}]},
        {"dialogue": [{"speaker": "患者", "sentence": "咳嗽"}]},
        {"dialogue": "not a list"},
    ],
)
def test_chats_and_consultations_are_not_scripts(row: dict[str, Any]) -> None:
    assert not ScriptedDialogue.fits(row)
