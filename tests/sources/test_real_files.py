"""Every medical and general file of ../shared/data: what it is taken for, and how many conversations it holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from lf_wrap.conversation import Conversation, Reject
from lf_wrap.errors import UserError
from lf_wrap.sources import open_rows, recognise

pytestmark = pytest.mark.real_data


@pytest.mark.parametrize(
    ("file", "source", "rows", "conversations"),
    [
        ("ceval-val/basic_medicine_val.csv", "multiple_choice", 19, 19),
        ("ceval-val/clinical_medicine_val.csv", "multiple_choice", 22, 22),
        ("ceval-val/computer_network_val.csv", "multiple_choice", 19, 19),
        ("ceval-val/high_school_chinese_val.csv", "multiple_choice", 19, 19),
        ("ceval-val/law_val.csv", "multiple_choice", 24, 24),
        ("ceval-val/logic_val.csv", "multiple_choice", 22, 22),
        ("ceval-val/modern_chinese_history_val.csv", "multiple_choice", 23, 23),
        ("ceval-val/physician_val.csv", "multiple_choice", 49, 49),
        ("cmtmedqa/CMtMedQA_test.json", "alpaca", 1144, 1144),
        ("cmtmedqa/huatuo26M_test.json", "alpaca", 6000, 6000),
        ("disc-medllm/cmd_samples.json", "qa_pair", 120, 120),
        ("disc-medllm/test_examples.jsonl", "openai", 163, 163),
        ("general-zh/alpaca_zh_demo.json", "alpaca", 1000, 1000),
        ("general-zh/oaast_sft_zh.json", "alpaca", 689, 689),
        ("huatuo-llama/infer.json", "alpaca", 5, 5),
        ("huatuo-llama/liver_cancer.json", "inline_turns", 1000, 1000),
        ("huatuo-llama/llama_data.json", "alpaca", 8658, 8658),
        ("imcs/derived_from_promptcblue_mrg.json", "consultation_report", 10, 10),
        ("imcs/imcs21_one_record_10626355.json", "consultation_report", 1, 1),
        ("medical_treatment/medical_treatment_2rows.json", "sharegpt", 2, 2),
        ("medical_treatment/medical_treatment_lf_variant.json", "sharegpt", 1, 1),
        ("promptcblue/dev.json", "promptcblue", 80, 80),
        ("promptcblue/test.json", "promptcblue", 80, 0),
        ("promptcblue/train.json", "promptcblue", 80, 80),
        ("toyhom/样例_内科5000-6000.csv", "medical_table", 7644, 7644),
        ("yidu-n7k/answer.xlsx", "term_normalization", 2000, 2000),
        ("yidu-n7k/train.xlsx", "term_normalization", 4000, 4000),
        ("yidu-n7k/val.xlsx", "term_normalization", 1000, 1000),
    ],
)
def test_every_row_gives_conversations_or_a_reason(
    real_data: Path, file: str, source: str, rows: int, conversations: int
) -> None:
    raw = open_rows(real_data / file)
    recognised = recognise(raw)
    read = recognised().read
    results = [read(row) for _, row in raw]
    found: list[Conversation] = []
    for result in results:
        if isinstance(result, Reject):
            assert result.reason
            assert result.detail
        else:
            found += result if isinstance(result, list) else [result]
    assert (recognised.name, len(results), len(found)) == (source, rows, conversations)
    assert all(turn.text.strip() for conversation in found for turn in conversation.turns)


@pytest.mark.parametrize(
    "file",
    [
        "disc-medllm/CMB-cases.json",  # cases and first questions, which nobody answers
        "medical_treatment/dataset_info_as_published.json",
        "yidu-n7k/code.txt",  # all legal terms
    ],
)
def test_a_file_without_answers_is_taken_for_nothing(real_data: Path, file: str) -> None:
    with pytest.raises(UserError, match="cannot tell what kind of data"):
        recognise(open_rows(real_data / file))


def test_the_cuts_of_one_dialogue_are_one_group(real_data: Path) -> None:
    raw = open_rows(real_data / "huatuo-llama/liver_cancer.json")
    read = recognise(raw)().read
    found = [read(row) for _, row in raw]
    assert len({one.group for one in found if isinstance(one, Conversation)}) == 911
