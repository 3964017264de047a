"""`lfw eval`: a model and its base asked the same questions, on the command line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from lf_wrap.dataset import build, load_spec
from tests.conftest import Lfw

CHOICE = "question,A,B,C,D,answer\n头疼属于什么？,症状,药物,检查,手术,A\n血常规属于什么？,症状,药物,检查,手术,C\n"


@pytest.fixture
def asked(workspace: Path) -> Path:
    """A workspace with the demo's datasets built, and a multiple-choice file."""
    build(load_spec(workspace / "dataset_info/demo.yaml"), workspace / "dataset_info")
    (workspace / "mini.csv").write_text(CHOICE, encoding="utf-8")
    return workspace


def test_base_and_tuned_are_held_together_on_everything_there_is(
    lfw: Lfw, asked: Path, tiny_model: Path, tmp_path: Path
) -> None:
    from tests.conftest import SAMPLE
    from tests.tiny_model import make_tiny_model

    other = make_tiny_model(tmp_path / "other", sorted(SAMPLE.glob("*.json*")), seed=1)
    what = ("--test=demo_norm", "--probe=general_en", "--choice=mini.csv", "--perplexity", "--paraphrase=general")
    more = ("--memorisation=5", "--limit=4", "--max-new-tokens=6", "--json")
    ran = lfw("eval", "--model", other, "--base", tiny_model, *what, *more, cwd=asked)
    assert ran.code == 0, ran.err
    sets = ran.json["sets"]
    assert {name: (told["kind"], told["rows"]) for name, told in sets.items()} == {
        "demo_norm": ("test", 4),
        "demo_norm.perplexity": ("test", 4),
        "demo_norm.reworded": ("paraphrase", 12),
        "demo_norm.train": ("memorisation", 5),
        "general_en": ("probe", 4),
        "mini": ("choice", 2),
    }
    exact = ran.json["scores"]["demo_norm"]["exact match"]
    assert exact.keys() >= {"base", "tuned", "difference", "interval", "n", "verdict"}
    perplexity = ran.json["scores"]["demo_norm.perplexity"]["perplexity"]
    assert perplexity["base"] != perplexity["tuned"]
    assert min(perplexity["base"], perplexity["tuned"]) > 1
    assert "better" not in ran.json["scores"]["mini"]["accuracy"]["verdict"]
    rows = (asked / ran.json["folder"] / "evaluation/tuned.demo_norm.reworded.jsonl").read_text(encoding="utf-8")
    assert "换一种说法" in rows
    holds = [json.loads(line)["scores"]["holds"] for line in rows.splitlines()]
    assert len(holds) == 12

    alone = lfw("eval", "--model", tiny_model, what[0], *more, cwd=asked)
    assert alone.json["scores"]["demo_norm"]["exact match"]["tuned"] == exact["base"]
    assert alone.json["scores"]["demo_norm"]["exact match"]["difference"] is None


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "nothing to ask"),
        (["--test=demo_nrm"], 1, "'demo_nrm' is not registered"),
        (["--test=demo_norm", "--task=exakt"], 1, "did you mean 'exact'?"),
        (["--probe=general_fr"], 1, "there is no probe 'general_fr'"),
        (["--choice=absent.csv"], 1, "absent.csv does not exist"),
        (["--probe=general_en", "--engine=vlm"], 1, "did you mean 'vllm'?"),
        (["--probe=general_en", "--engine=server"], 1, "a server needs its address"),
    ],
)
def test_what_cannot_be_asked_is_said(
    lfw: Lfw, asked: Path, tiny_model: Path, arguments: list[str], code: int, said: str
) -> None:
    ran = lfw("eval", "--model", tiny_model, *arguments, cwd=asked)
    assert (ran.code, said in ran.err) == (code, True), ran.err
    assert "Traceback" not in ran.err


def test_a_model_whose_logits_are_no_numbers_gets_no_score(lfw: Lfw, asked: Path, tiny_model: Path) -> None:
    from safetensors.torch import load_file, save_file

    broken = Path(shutil.copytree(tiny_model, asked / "broken"))
    weights: dict[str, Any] = load_file(broken / "model.safetensors")
    weights["model.norm.weight"].fill_(float("nan"))
    save_file(weights, broken / "model.safetensors", metadata={"format": "pt"})
    ran = lfw("eval", "--model", broken, "--test=demo_norm", "--limit=3", "--json", cwd=asked)
    assert ran.code == 1
    assert "answered none of the 3 questions of demo_norm" in ran.err
    assert ran.out == ""
