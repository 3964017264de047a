"""ShareGPT: a list of {from, value} (Charcard: system/human/gpt; 9.8feedback, medical_treatment: user/assistant)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from lf_wrap.sources.chat_turns import ChatSource


class ShareGpt(ChatSource):
    name = "sharegpt"
    shape = "rows of conversations [{from: human|user|gpt|assistant|system, value}], sometimes system"
    columns = ("conversations",)
    aliases: ClassVar[Mapping[str, str]] = {
        "conversation": "conversations",
        "messages": "conversations",
        "system_prompt": "system",
    }
    role_key, text_key = "from", "value"
