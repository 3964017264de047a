"""What a model thought before it answered, where data has it in a column or key of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lf_wrap.conversation import Conversation, Turn
from lf_wrap.sources import recognise, source_named
from lf_wrap.sources.containers import open_rows

O1 = {"Question": "发烧怎么办？", "Complex_CoT": "先想想病因。\n", "Response": "多喝水。"}
DISTILLED = {
    "input": "发烧怎么办？",
    "reasoning_content": "先想想病因。",
    "content": "多喝水。",
    "repo_name": "a/b",
    "score": 9,
}
THOUGHT = "<think>\n先想想病因。\n</think>\n\n多喝水。"


@pytest.mark.parametrize("row", [O1, DISTILLED])
def test_a_thought_beside_the_answer_goes_before_it(tmp_path: Path, row: dict[str, Any]) -> None:
    (tmp_path / "rows.jsonl").write_text(json.dumps(row), encoding="utf-8")
    source = recognise(open_rows(tmp_path / "rows.jsonl"))
    assert source.name == "qa_pair"
    assert source().read(row) == Conversation.single("发烧怎么办？", THOUGHT)


@pytest.mark.parametrize(
    ("name", "role", "said", "messages"),
    [("openai", "role", "content", ("user", "assistant")), ("sharegpt", "from", "value", ("human", "gpt"))],
)
def test_each_message_may_bring_its_own(name: str, role: str, said: str, messages: tuple[str, str]) -> None:
    asks, answers = messages
    chat = [
        {role: asks, said: "你好", "reasoning": "只有助手会想"},
        {role: answers, said: "请讲", "reasoning": "打招呼"},
    ]
    chat += [{role: asks, said: "再见"}, {role: answers, said: "再见！", "reasoning": None}]
    row = {source_named(name).columns[0]: chat}
    turns = (Turn("user", "你好"), Turn("assistant", "<think>\n打招呼\n</think>\n\n请讲"))
    assert source_named(name)().read(row) == Conversation((*turns, Turn("user", "再见"), Turn("assistant", "再见！")))


@pytest.mark.parametrize(
    "answer", ["<think>想过了</think>多喝水。", "<think>没有想完", "<|begin_of_thought|>想<|end_of_thought|>多喝水。"]
)
def test_an_answer_that_has_its_thought_gets_no_second(answer: str) -> None:
    row = {"instruction": "发烧怎么办？", "output": answer, "reasoning_content": "别的"}
    assert source_named("alpaca")().read(row) == Conversation.single("发烧怎么办？", answer)


@pytest.mark.parametrize(
    "thought", ["<think>\n先想想病因。\n</think>", "<think>先想想病因。", "先想想病因。\n</think>\n"]
)
def test_marks_around_a_thought_are_not_doubled_and_those_in_it_are_broken_apart(thought: str) -> None:
    row = {"question": "发烧怎么办？", "answer": "多喝水。", "Reasoning": thought}
    assert source_named("qa_pair")().read(row) == Conversation.single("发烧怎么办？", THOUGHT)
    read = source_named("qa_pair")().read(row | {"Reasoning": "什么是 <think>？"})
    assert read == Conversation.single("发烧怎么办？", "<think>\n什么是 < think >？\n</think>\n\n多喝水。")


def test_what_is_no_text_is_no_thought() -> None:
    row = {"question": "q", "answer": "a", "reasoning": ["x"], "thinking": " "}
    assert source_named("qa_pair")().read(row) == Conversation.single("q", "a")


def test_a_letter_to_choose_stays_a_letter() -> None:
    row = {"question": "哪个？", "A": "肺", "B": "肝", "answer": "B", "reasoning": "肝在右边"}
    read = source_named("multiple_choice")().read(row)
    assert isinstance(read, Conversation)
    assert read.answer == "B"
