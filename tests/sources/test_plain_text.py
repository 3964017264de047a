"""Text without chats, for continued pretraining."""

from __future__ import annotations

from typing import Any

import pytest

from lf_wrap.conversation import Conversation, Reject, Turn
from lf_wrap.sources import source_named


def test_a_text_is_one_turn_that_nobody_answers() -> None:
    source = source_named("text")
    assert source.fits({"text": "高血压是常见病。"})
    assert source.pretraining
    assert source().read({"text": "高血压是常见病。"}) == Conversation((Turn("user", "高血压是常见病。"),))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (" ", "no text"),
        (None, "no text"),
        ("<|user|>Hi</s>", "not this shape"),
        ("<|im_start|>user", "not this shape"),
        (["a", "b"], "not this shape"),
    ],
)
def test_a_row_that_cannot_train_says_why(text: Any, reason: str) -> None:
    result = source_named("text")().read({"text": text})
    assert isinstance(result, Reject)
    assert result.reason == reason
