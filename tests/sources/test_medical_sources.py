"""The medical layouts, row by row, as the tutorial defines their prompts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lf_wrap.conversation import Conversation, Reject, Turn
from lf_wrap.errors import UserError
from lf_wrap.sources import SOURCES, source_named

REPORT = {
    "主诉": "咳嗽。",
    "现病史": "咳嗽三天。",
    "辅助检查": "暂缺。",
    "既往史": "不详。",
    "诊断": "感冒。",
    "建议": "多喝水。",
}
NORM = (
    "你是一个医疗专家,你的任务是临床术语标准化。\n具体来说,针对给出的通用语,转换为相应的标准化医学术语,"
    "确保转换后的内容符合医学专业标准,直接输出转换后的临床标准术语。\n原始词:右肾切除术\n该词的标准术语为:"
)
MRG = (
    "问诊对话历史:\n医生:你好\n患者:咳嗽\n根据上述对话,给出诊疗报告\n"
    "说明:诊疗报告分为主诉, 现病史, 辅助检查, 既往史, 诊断, 建议这六个章节,以标准的json格式输出。\n答:"
)
REPORT_JSON = json.dumps(REPORT, ensure_ascii=False, indent=2)
LINES = [{"sentence_id": "1", "speaker": "医生", "sentence": "你好"}, {"speaker": "患者", "sentence": "咳嗽"}]
DIALOGUE = {"instruction": "感冒怎么办", "input": "我感冒了", "output": "多喝水。", "history": None}
TABLE = {"department": "内科", "title": "高血压", "ask": "吃什么", "answer": "少盐"}


@pytest.mark.parametrize(
    ("source", "row", "prompt", "answer"),
    [
        ("medical_dialogue", DIALOGUE, "主题:感冒怎么办\n内容:我感冒了", "多喝水。"),
        ("term_normalization", {"原始词": "右肾切除术", "标准词": "单侧肾切除术"}, NORM, "单侧肾切除术"),
        ("term_normalization", {"as said": "右肾切除术", "standard": "单侧肾切除术"}, NORM, "单侧肾切除术"),
        ("consultation_report", {"dialogue": LINES, "report": [REPORT, {}]}, MRG, REPORT_JSON),
        ("consultation_report", {"dialogue": LINES, "report": REPORT}, MRG, REPORT_JSON),
        ("medical_table", TABLE, "主题:高血压\n内容:吃什么", "少盐"),
    ],
)  # fmt: skip
def test_a_row_becomes_the_tutorials_question_and_answer(
    source: str, row: dict[str, Any], prompt: str, answer: str
) -> None:
    read = source_named(source)().read(row)
    assert isinstance(read, Conversation)
    assert read.turns == (Turn("user", prompt), Turn("assistant", answer))
    assert read.asked
    assert not read.system


def test_earlier_turns_of_a_dialogue_come_first() -> None:
    row = DIALOGUE | {"history": [["你好", "请讲"]]}
    *earlier, question, answer = source_named("medical_dialogue")().read(row).turns
    assert earlier == [Turn("user", "你好"), Turn("assistant", "请讲")]
    assert (question.text, answer.text) == ("主题:感冒怎么办\n内容:我感冒了", "多喝水。")


@pytest.mark.parametrize(
    ("source", "row", "reason"),
    [
        ("medical_dialogue", DIALOGUE | {"output": " "}, "no answer"),
        ("medical_dialogue", DIALOGUE | {"output": float("nan")}, "no answer"),
        ("medical_dialogue", DIALOGUE | {"instruction": "", "input": None}, "no question"),
        ("medical_dialogue", {"instruction": "x", "input": "y"}, "missing column"),
        ("medical_dialogue", "just text", "not this shape"),
        ("medical_dialogue", DIALOGUE | {"history": [["only a question"]]}, "not this shape"),
        ("term_normalization", {"原始词": "x", "标准词": ""}, "no answer"),
        ("term_normalization", {"原始词": None, "标准词": "x"}, "no question"),
        ("term_normalization", {"one": "column"}, "not this shape"),
        ("consultation_report", {"dialogue": LINES, "report": []}, "no answer"),
        ("consultation_report", {"dialogue": [], "report": REPORT}, "no question"),
        ("consultation_report", {"dialogue": "text", "report": REPORT}, "not this shape"),
        ("medical_table", TABLE | {"answer": ""}, "no answer"),
        ("medical_table", TABLE | {"title": "", "ask": ""}, "no question"),
    ],
)
def test_a_row_that_cannot_train_says_why(source: str, row: Any, reason: str) -> None:
    result = source_named(source)().read(row)
    assert isinstance(result, Reject)
    assert result.reason == reason


def test_a_prompt_is_data() -> None:
    source = source_named("term_normalization")("标准化 100% {word} {{}}")
    row = {"原始词": "{x} %s", "标准词": "y"}
    assert source.read(row) == Conversation.single("标准化 100% {x} %s {{}}", "y", asked="{x} %s")


def test_a_prompt_with_a_placeholder_that_nobody_fills_is_refused() -> None:
    with pytest.raises(UserError, match=r"cannot use \{wort\}") as caught:
        source_named("term_normalization")("标准化 {wort}")
    assert caught.value.fix == "did you mean 'word'?"


def test_every_source_says_what_it_reads() -> None:
    for source in SOURCES:
        assert source.shape
        assert source.columns
