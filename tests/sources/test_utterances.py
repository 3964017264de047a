"""MedDialog's processed files, in both languages."""

from __future__ import annotations

from typing import Any

import pytest

from lf_wrap.conversation import Conversation, Reject, Turn
from lf_wrap.sources import source_named

CHINESE = {"utterances": ["病人：头痛三天。", "医生：量过血压吗？", "病人：没有：在家。", "医生：先量一量。"]}
ENGLISH = {"description": "Headache since Monday.", "utterances": ["patient: It hurts.", "doctor: Rest first."]}


def test_who_speaks_stands_before_each_utterance() -> None:
    assert source_named("utterances").fits(CHINESE)
    said = (Turn("user", "头痛三天。"), Turn("assistant", "量过血压吗？"), Turn("user", "没有：在家。"))
    assert source_named("utterances")().read(CHINESE) == Conversation((*said, Turn("assistant", "先量一量。")))


def test_the_description_is_what_the_patient_said_first() -> None:
    read = source_named("utterances")().read(ENGLISH)
    assert isinstance(read, Conversation)
    assert [turn.text for turn in read.turns] == ["Headache since Monday.", "It hurts.", "Rest first."]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (["病人：头痛", "护士：请等"], "unknown role"),
        (["病人：头痛", "没有名字的话"], "unknown role"),
        (["病人：头痛", "医生："], "no answer"),
        (["医生：好"], "no question"),
        ([{"speaker": 0}], "not this shape"),
    ],
)
def test_what_cannot_train_says_why(said: Any, reason: str) -> None:
    read = source_named("utterances")().read({"utterances": said})
    assert isinstance(read, Reject)
    assert read.reason == reason
