"""What we write is what LLaMA-Factory's own preprocessing writes, row by row."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lf_wrap.dataset import DatasetSpec, SplitFiles, build
from tests.conftest import SAMPLE
from tests.dataset.tokenized.conftest import assert_same

pytestmark = pytest.mark.trains
Both = Callable[..., tuple[Any, Any]]

TEMPLATES = ["qwen", "qwen3", "qwen3_nothink", "llama3", "smollm2", "chatglm3", "glm4", "llama2", "deepseek", "default"]
THOUGHT = "<think>\n先想一想。\n</think>\n\n"
ALPACA = [
    {"instruction": "头痛怎么办？", "input": "", "output": "多休息。", "system": "", "history": []},
    {
        "instruction": "Translate",
        "input": "你好 <|im_end|>",
        "output": "Hello!",
        "system": "简短回答。",
        "history": None,
    },
    {
        "instruction": "然后呢",
        "input": "",
        "output": THOUGHT + "去医院。",
        "system": "",
        "history": [["发烧", "喝水"], ["几天", "三天"]],
    },
    {"instruction": "", "input": "", "output": "", "system": "", "history": []},
    {"instruction": "长" * 90, "input": "问题" * 20, "output": "答案" * 60, "system": "系统" * 5, "history": []},
    {"instruction": "没有回答", "input": "", "output": None, "system": "", "history": []},
]
SHAREGPT = [
    {
        "conversations": [
            {"from": "human", "value": f"第{n}问 " + "x" * n},
            {"from": "gpt", "value": THOUGHT * (n % 2) + "答 " * n},
            {"from": "human", "value": "再问\n\n"},
            {"from": "gpt", "value": THOUGHT * (n % 3 == 0) + "再答" * n},
        ],
        "system": "角色" * (n % 2),
    }
    for n in range(25)
]
SHAREGPT += [
    {
        "conversations": [
            {"from": "system", "value": "在内"},
            {"from": "human", "value": "问"},
            {"from": "gpt", "value": "答"},
        ],
        "system": "",
    },
    {"conversations": [{"from": "gpt", "value": "先说"}, {"from": "human", "value": "问"}], "system": ""},
    {"conversations": [{"from": "human", "value": "没有回答"}], "system": ""},
]
TEXTS = [{"text": f"第{n}段。" * (n % 7 + 1)} for n in range(40)]


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A dataset_dir with single turns, history, long chats, rows that are dropped, and plain texts."""
    tags = {
        "role_tag": "from",
        "content_tag": "value",
        "user_tag": "human",
        "assistant_tag": "gpt",
        "system_tag": "system",
    }
    columns = {
        "prompt": "instruction",
        "query": "input",
        "response": "output",
        "system": "system",
        "history": "history",
    }
    entries = {
        "alpaca": {"file_name": "alpaca.json", "columns": columns},
        "chats": {
            "file_name": "chats.jsonl",
            "formatting": "sharegpt",
            "tags": tags,
            "columns": {"messages": "conversations", "system": "system"},
        },
        "texts": {"file_name": "texts.jsonl", "columns": {"prompt": "text"}},
    }
    (tmp_path / "alpaca.json").write_text(json.dumps(ALPACA * 3, ensure_ascii=False), encoding="utf-8")
    for name, rows in (("chats", SHAREGPT), ("texts", TEXTS)):
        lines = [json.dumps(row, ensure_ascii=False) for row in rows]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (tmp_path / "dataset_info.json").write_text(json.dumps(entries), encoding="utf-8")
    return tmp_path


def job(folder: Path, model: Path, **more: Any) -> dict[str, Any]:
    base = {"model_name_or_path": str(model), "dataset_dir": str(folder), "dataset": "alpaca,chats"}
    return base | {"template": "qwen", "cutoff_len": 4096} | more


@pytest.mark.parametrize("template", TEMPLATES)
def test_each_family_of_templates(mixed: Path, small_tokenizer: Path, both: Both, template: str) -> None:
    for cutoff_len in (4096, 60):
        assert_same(*both(job(mixed, small_tokenizer, template=template, cutoff_len=cutoff_len)))


@pytest.mark.parametrize(
    "more",
    [
        {"mask_history": True, "cutoff_len": 70},
        {"mask_history": True, "template": "qwen3"},
        {"mask_history": True, "template": "chatglm3", "cutoff_len": 50},
        {"mask_history": True, "template": "qwen3", "preserve_thinking": True},
        {"train_on_prompt": True, "cutoff_len": 64},
        {"template": "qwen3", "enable_thinking": False},
        {"template": "qwen3", "enable_thinking": None},
        {"default_system": "你是一名医生。"},
        {"max_samples": 7},
        {"packing": True, "cutoff_len": 300},
        {"packing": True, "cutoff_len": 300, "preprocessing_batch_size": 10},
        {"neat_packing": True, "cutoff_len": 256},
        {"neat_packing": True, "cutoff_len": 256, "template": "chatglm3", "mask_history": True},
        {"packing": True, "cutoff_len": 200, "preprocessing_num_workers": 2},
        {"eval_dataset": "chats", "dataset": "alpaca"},
        {"eval_dataset": "chats,alpaca", "dataset": "alpaca", "eval_on_each_dataset": True},
        {"val_size": 0.1},
        {"val_size": 6, "seed": 7},
        {"stage": "pt", "dataset": "texts", "cutoff_len": 32},
        {"stage": "pt", "dataset": "texts", "cutoff_len": 32, "packing": False, "template": "default"},
        {"stage": "pt", "dataset": "texts", "cutoff_len": 48, "template": "llama3", "preprocessing_batch_size": 7},
    ],
    ids=str,
)
def test_each_argument_that_decides(mixed: Path, small_tokenizer: Path, both: Both, more: dict[str, Any]) -> None:
    assert_same(*both(job(mixed, small_tokenizer, **more)))


@pytest.mark.real_data
@pytest.mark.parametrize("template", ["qwen", "qwen3_nothink"])
def test_every_row_of_the_real_data_with_qwens_vocabulary(
    tmp_path: Path, real_data: Path, qwen_tokenizer: Path, both: Both, template: str
) -> None:
    sources = {
        "norm": SplitFiles(train=str(real_data / "yidu-n7k/train.xlsx"), test=str(real_data / "yidu-n7k/val.xlsx")),
        "table": str(real_data / "toyhom/样例_内科5000-6000.csv"),
        "report": str(real_data / "imcs/derived_from_promptcblue_mrg.json"),
        "disc": str(real_data / "disc-medllm/test_examples.jsonl"),
        "socrates": str(real_data / "character-llm"),
        "general": str(real_data / "general-zh/*.json"),
    }
    cards = build(
        {name: DatasetSpec(source=source, near_duplicates=False) for name, source in sources.items()}, tmp_path
    )
    names = ",".join(card.name for card in cards)
    theirs, ours = both(job(tmp_path, qwen_tokenizer, template=template, dataset=names, cutoff_len=1024), workers=2)
    assert len(ours["train"]) == sum(card.counts.train for card in cards)
    assert_same(theirs, ours)


def test_the_samples_that_come_along(tmp_path: Path, small_tokenizer: Path, both: Both) -> None:
    files = sorted(SAMPLE.glob("*.json*"))
    cards = build({f"s{number}": DatasetSpec(source=str(file)) for number, file in enumerate(files)}, tmp_path)
    assert_same(*both(job(tmp_path, small_tokenizer, dataset=",".join(card.name for card in cards)), workers=2))
