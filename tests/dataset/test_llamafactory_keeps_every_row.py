"""LLaMA-Factory's own loader is the judge of what we write: it must keep every row of every dataset."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from lf_wrap.dataset import DatasetSpec, SplitFiles, build, load_spec
from lf_wrap.pipeline import lay_out, llamafactory_cli

pytestmark = pytest.mark.trains


def tokenized(folder: Path, datasets: list[str], model: Path) -> Any:
    """What `llamafactory-cli` makes of these datasets (it does not train: `do_train` is off)."""
    config = {
        "model_name_or_path": str(model),
        "stage": "sft",
        "do_train": False,
        "finetuning_type": "lora",
        "dataset": ",".join(datasets),
        "dataset_dir": str(folder),
        "template": "qwen",
        "cutoff_len": 4096,
        "tokenized_path": str(folder / "tokenized"),
        "output_dir": str(folder / "output"),
        "preprocessing_num_workers": 1,
        "use_cpu": True,
        "report_to": "none",
    }
    (folder / "tokenize.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    environment = {**os.environ, "HF_DATASETS_CACHE": str(folder / "cache")}
    command = llamafactory_cli("train", str(folder / "tokenize.yaml"))
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    from datasets import load_from_disk

    return load_from_disk(str(folder / "tokenized"))["train"]


def test_every_row_of_the_shipped_data(tmp_path: Path, tiny_model: Path) -> None:
    lay_out(tmp_path)
    specs = load_spec(tmp_path / "dataset_info/demo.yaml")
    specs = {name: replace(spec, shard_mb=0.01) for name, spec in specs.items()}
    cards = build(specs, tmp_path / "out")
    assert any((tmp_path / "out" / f"{card.name}_train").is_dir() for card in cards), "some are folders of files"
    names = [name for card in cards for name in (card.name, f"{card.name}_test")]
    written = sum(card.counts.train + card.counts.test for card in cards)
    assert {card.layout for card in cards} == {"alpaca", "sharegpt"}
    assert written == 180 + 60 + 30 + 40 + 24
    assert len(tokenized(tmp_path / "out", names, tiny_model)) == written


@pytest.mark.real_data
def test_every_row_of_the_real_data(tmp_path: Path, tiny_model: Path, real_data: Path) -> None:
    sources = {
        "norm": SplitFiles(train=str(real_data / "yidu-n7k/train.xlsx"), test=str(real_data / "yidu-n7k/val.xlsx")),
        "table": str(real_data / "toyhom/样例_内科5000-6000.csv"),
        "blocks": str(real_data / "toyhom/内科.txt"),
        "report": str(real_data / "imcs/derived_from_promptcblue_mrg.json"),
        "one_report": str(real_data / "imcs/imcs21_one_record_10626355.json"),
        "cmtmedqa": str(real_data / "cmtmedqa/CMtMedQA_test.json"),
        "huatuo": str(real_data / "cmtmedqa/huatuo26M_test.json"),
        "llama": str(real_data / "huatuo-llama/llama_data.json"),
        "cancer": str(real_data / "huatuo-llama/liver_cancer.json"),
        "promptcblue": str(real_data / "promptcblue/train.json"),
        "treatment": str(real_data / "medical_treatment/medical_treatment_2rows.json"),
        "disc": str(real_data / "disc-medllm/test_examples.jsonl"),
        "samples": str(real_data / "disc-medllm/cmd_samples.json"),
        "socrates": str(real_data / "character-llm"),
        "general": str(real_data / "general-zh/*.json"),
        "ceval": str(real_data / "ceval-val"),
    }
    specs = {name: DatasetSpec(source=source) for name, source in sources.items()}
    cards = {card.name: card for card in build(specs, tmp_path)}
    assert cards["norm"].counts.read == 5000
    assert cards["table"].counts.read == 7644
    assert cards["table"].encoding == "gb18030"
    names = [name for name, card in cards.items()]
    names += [f"{name}_test" for name, card in cards.items() if card.counts.test]
    written = sum(card.counts.train + card.counts.test for card in cards.values())
    assert len(tokenized(tmp_path, names, tiny_model)) == written
