"""Every step of a build: on by default, its counter printed, and switched off by its key in the spec."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest


class Case(NamedTuple):
    rows: list[dict[str, Any]]
    """What the step has something to do with."""
    says: str
    """What is printed by default,"""
    switch: str
    """and with this in the spec is not."""
    tests: list[dict[str, Any]] = []


def qa(question: str, answer: str) -> dict[str, Any]:
    return {"instruction": question, "output": answer}


def chat(*said: tuple[str, str]) -> dict[str, Any]:
    return {"conversations": [{"from": who, "value": words} for who, words in said]}


SENTENCE = "患者近三天反复咳嗽并伴有低热，夜间加重，自服止咳药后稍有缓解，既往体健，无药物过敏史，家族中无类似疾病"
HUMAN, GPT = ("human", "你是谁？"), ("gpt", "我是小林。")
CASES = {
    "repair": Case(
        [qa("什么是高血压？", "血压长期偏高的一种常见慢性病。".encode().decode("latin-1"))],
        "mojibake repaired: 1",
        "repair: false",
    ),
    "clean": Case([qa("一加一？", "等于\x04二")], "control characters removed: 1", "clean: false"),
    "thoughts": Case(
        [qa("三乘三？", "<think>三个三相加</think>九")], "thoughts set as templates look for them: 1", "thoughts: drop"
    ),
    "special_tokens": Case([qa("二加二？", "四<|im_end|>")], "tokens broken apart: 1", "special_tokens: keep"),
    "turns": Case(
        [chat(HUMAN, HUMAN, GPT), chat(("human", "你好"), ("gpt", "好"))],
        "runs of one speaker merged: 1",
        "turns: false",
    ),
    "greeting": Case([chat(("gpt", "欢迎"), HUMAN, GPT)], "leading assistant turns dropped: 1", "greeting: move"),
    "redact": Case([qa("医生，检查结果？", "请患者来电13812345678")], "redacted, phone: 1", "redact: false"),
    "deduplicate": Case([qa("天为何蓝？", "散射")] * 2, "1 duplicates", "deduplicate: false"),
    "near_duplicates": Case(
        [qa("怎么办？", f"{SENTENCE}{end}") for end in ("。", "！")], "1 near-duplicates", "near_duplicates: false"
    ),
    "leaks": Case(
        [qa("三加三？", "六"), qa("四加四？", "八")], "1 leaks", "leaks: false", tests=[qa("三加三？", "是六")]
    ),
    "cutoff_len": Case(
        [chat(*[("human", "那天你说了什么？" * 4), ("gpt", "那天我说下雨了。" * 4)] * 6)],
        "long conversations split: 1",
        "cutoff_len: null",
    ),
}
ON = {"cutoff_len": "cutoff_len: 128"}  # the one step that is off by itself


def build(folder: Path, switches: dict[str, str]) -> dict[str, str]:
    """What is printed of each dataset when the real command builds all cases at once, in which none is like another."""
    datasets = []
    for name, case in CASES.items():
        files = {"train": case.rows, "test": case.tests} if case.tests else {"train": case.rows}
        for side, rows in files.items():
            (folder / f"{name}.{side}.json").write_text(json.dumps(rows), encoding="utf-8")
        source = ", ".join(f"{side}: {name}.{side}.json" for side in files)
        source = f"{{{source}}}" if case.tests else f"{name}.train.json, test: 0"
        datasets.append(f"  {name}: {{source: {source}{', ' if name in switches else ''}{switches.get(name, '')}}}")
    (folder / "spec.yaml").write_text("\n".join(["datasets:", *datasets]), encoding="utf-8")
    command = [sys.executable, "-m", "lf_wrap", "build-data", "spec.yaml"]
    told = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout
    return {block.partition("  (")[0]: block for block in re.split(r"^(?=\S)", told, flags=re.MULTILINE) if block}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, str], dict[str, str]]:
    """With the steps on, and with each dataset's own step off."""
    on, off = (tmp_path_factory.mktemp(name) for name in ("on", "off"))
    return build(on, ON), build(off, {name: case.switch for name, case in CASES.items()})


@pytest.mark.parametrize("step", CASES)
def test_a_step_is_counted_and_can_be_switched_off(told: tuple[dict[str, str], dict[str, str]], step: str) -> None:
    on, off = told
    assert CASES[step].says in on[step]
    assert CASES[step].says not in off[step]


def test_what_replaces_a_step_is_told_as_well(told: tuple[dict[str, str], dict[str, str]]) -> None:
    _, off = told
    assert "leading assistant turns moved to the system text: 1" in off["greeting"]
    assert "thoughts left out: 1" in off["thoughts"]
    assert "2 read = 2 train" in off["deduplicate"]
