"""OpenAI's chat format: a list of {role, content} (DISC-MedLLM calls it `conversation`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from lf_wrap.sources.chat_turns import ChatSource


class OpenAiMessages(ChatSource):
    name = "openai"
    shape = "rows of messages [{role: system|user|assistant, content: text or [{type: text, text}]}]"
    columns = ("messages",)
    aliases: ClassVar[Mapping[str, str]] = {
        "conversation": "messages",
        "conversations": "messages",
        "system_prompt": "system",
    }
    role_key, text_key = "role", "content"
