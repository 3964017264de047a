"""Mixing domain rows with general rows: the ratio, the weights, the same bytes for the same seed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from lf_wrap.dataset import DatasetSpec, build, registered
from lf_wrap.dataset.mix import Mix, counted_in, mix
from lf_wrap.errors import UserError


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Three datasets: 40 domain rows, 100 general ones, 10 chats of two exchanges."""
    chat = [{"role": side, "content": f"{side}"} for side in ("user", "assistant", "user", "assistant")]
    made = {
        "domain": [{"instruction": f"医{n}", "input": "", "output": "答" * 10} for n in range(40)],
        "general": [{"instruction": f"问{n}", "input": "", "output": "答" * 5} for n in range(100)],
        "chats": [{"messages": [*chat[:2], {"role": "user", "content": f"{n}"}, chat[3]]} for n in range(10)],
    }  # fmt: skip
    specs = {}
    for name, rows in made.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(rows), encoding="utf-8")
        specs[name] = DatasetSpec(source=str(tmp_path / f"{name}.json"), test=0)
    build(specs, tmp_path / "out")
    return tmp_path / "out"


@pytest.mark.parametrize(("ratio", "general"), [(0, 0), (0.5, 20), (1, 40), (2.5, 100), (5, 200)])
def test_the_ratio_is_general_to_domain(out: Path, ratio: float, general: int) -> None:
    drawn = mix("m", Mix(domain=["domain"], general=["general"], ratio=ratio), out)
    assert drawn == {"domain": 40, "general": general}
    assert (out / "m_train.jsonl").read_bytes().count(b"\n") == 40 + general
    assert registered(out)["m"]["formatting"] == "alpaca"


def test_by_characters_longer_rows_count_more(out: Path) -> None:
    drawn = mix("m", Mix(domain=["domain"], general=["general"], ratio=1, by="characters"), out)
    assert 60 < drawn["general"] < 75


def test_by_tokens_the_tokenizer_counts(out: Path, tmp_path: Path) -> None:
    words = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()  # a run of characters is one token: 2 a row in both datasets
    words.save(str(tmp_path / "tokenizer.json"))
    wish = Mix(domain=["domain"], general=["general"], ratio=1, by="tokens")
    assert mix("m", wish, out, tmp_path / "tokenizer.json") == {"domain": 40, "general": 40}
    assert counted_in(wish, tmp_path / "tokenizer.json") == "tokens"


def test_without_a_tokenizer_characters_are_counted(out: Path) -> None:
    wish = Mix(domain=["domain"], general=["general"], ratio=1, by="tokens")
    assert counted_in(wish, None) == "characters"
    assert mix("m", wish, out) == mix("n", replace(wish, by="characters"), out)


def test_a_weight_repeats_rows_evenly(out: Path) -> None:
    mix("m", Mix(domain=["domain"], weights={"domain": 2.5}), out)
    lines = (out / "m_train.jsonl").read_text(encoding="utf-8").splitlines()
    times = [lines.count(line) for line in set(lines)]
    assert (len(lines), len(set(lines)), min(times), max(times)) == (100, 40, 2, 3)


def test_chats_make_the_whole_mix_sharegpt(out: Path) -> None:
    mix("m", Mix(domain=["domain", "chats"]), out)
    rows = [json.loads(line) for line in (out / "m_train.jsonl").open(encoding="utf-8")]
    assert {tuple(row) for row in rows} == {("conversations", "system")}
    assert registered(out)["m"]["formatting"] == "sharegpt"


def test_the_seed_decides(out: Path) -> None:
    made = []
    for seed in (1, 1, 2):
        mix("m", Mix(domain=["domain"], general=["general"], seed=seed), out)
        made.append((out / "m_train.jsonl").read_bytes())
    assert made[0] == made[1] != made[2]


def test_an_unknown_dataset_is_named(out: Path) -> None:
    with pytest.raises(UserError, match="'genral' is not registered"):
        mix("m", Mix(domain=["domain"], general=["genral"]), out)
