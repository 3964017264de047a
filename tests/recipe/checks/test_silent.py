"""What goes wrong without a word in the training, reproduced as small as it goes, and told by the check before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lf_wrap.recipe import Hardware
from lf_wrap.recipe.checks.precision import LEAST_RATE_IN_BF16
from lf_wrap.recipe.hardware import Gpu
from tests.recipe.checks.conftest import Checked, warnings
from tests.recipe.checks.test_datasets import put

A100 = Hardware((Gpu("A100", 80 << 30, 8.0),), cores=16)
LENGTHS, WINDOW = (20, 13, 30), 8


def logits(model_folder: Path, packed: str | None, window: int | None) -> Any:
    """Of three rows on a tiny model: each alone, or all in one pack with the mask that LLaMA-Factory gives it."""
    import torch
    from llamafactory.data.collator import prepare_4d_attention_mask
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.from_pretrained(model_folder)
    if window:
        config.use_sliding_window, config.sliding_window = True, window
        config.layer_types = ["sliding_attention"] * config.num_hidden_layers
    model = AutoModelForCausalLM.from_pretrained(model_folder, config=config, attn_implementation="sdpa").eval()
    rows = torch.randint(5, 1000, (sum(LENGTHS),), generator=torch.Generator().manual_seed(0)).split(LENGTHS)
    with torch.no_grad():
        if packed is None:
            return torch.cat([model(input_ids=row[None]).logits[0] for row in rows])
        numbers = torch.cat([torch.full((length,), number) for number, length in enumerate(LENGTHS, 1)])[None]
        mask = prepare_4d_attention_mask(numbers, torch.float32) if packed == "neat" else torch.ones_like(numbers)
        places = torch.cat([torch.arange(length) for length in LENGTHS])[None]
        return model(input_ids=torch.cat(rows)[None], attention_mask=mask, position_ids=places).logits[0]


@pytest.mark.parametrize(
    ("packed", "window", "same"), [("neat", None, True), ("plain", None, False), ("neat", WINDOW, False)]
)
def test_rows_in_a_pack_are_as_alone_only_with_neat_packing_and_full_attention(
    tiny_model: Path, packed: str, window: int | None, same: bool
) -> None:
    furthest = float((logits(tiny_model, packed, window) - logits(tiny_model, None, window)).abs().max())
    assert (furthest < 1e-3) is same


def test_packing_that_does_not_keep_rows_apart_is_told(checked: Checked, tiny_model: Path) -> None:
    assert checked("train.neat_packing=true", "train.cutoff_len=256") == []
    assert "see those before them" in warnings(checked("train.packing=true", "train.cutoff_len=256"))[0]
    unsloth = warnings(checked("train.neat_packing=true", "train.cutoff_len=256", "train.use_unsloth=true"))
    assert any("unsloth ignores the mask" in what for what in unsloth)


@pytest.mark.parametrize(("window", "used", "told"), [(64, True, True), (64, False, False), (4096, True, False)])
def test_a_window_that_a_pack_ignores_is_told(
    checked: Checked, tiny_model: Path, window: int, used: bool, told: bool
) -> None:
    model = Path("windowed")
    model.mkdir()
    for file in tiny_model.iterdir():
        (model / file.name).symlink_to(file)
    config = json.loads((model / "config.json").read_text()) | {"sliding_window": window, "use_sliding_window": used}
    (model / "config.json").unlink()
    (model / "config.json").write_text(json.dumps(config))
    found = warnings(checked(f"model={model}", "train.neat_packing=true", "train.cutoff_len=256"))
    assert any(f"looks back {window} tokens" in what for what in found) is told


def progress(rate: float, bits: int) -> float:
    """How far AdamW comes in 50 steps with weights of so many bits, as a share of what it wants."""
    import torch

    torch.manual_seed(0)
    begin = (torch.randn(20_000) * 0.02).to(torch.bfloat16)
    weights = torch.nn.Parameter(begin.clone().to(torch.bfloat16 if bits == 16 else torch.float32))
    optimizer = torch.optim.AdamW([weights], lr=rate, weight_decay=0.0)
    for _ in range(50):
        weights.grad = torch.ones_like(weights)
        optimizer.step()
    return float((begin.float() - weights.detach().float()).mean()) / (50 * rate)


def test_small_steps_of_bf16_weights_are_rounded_away() -> None:
    assert progress(LEAST_RATE_IN_BF16 / 10, bits=32) > 0.99
    assert progress(LEAST_RATE_IN_BF16 / 10, bits=16) < 0.2
    assert progress(LEAST_RATE_IN_BF16, bits=16) > 0.5


@pytest.mark.parametrize(
    ("method", "rate", "told"), [("full", 1e-5, True), ("full", 1e-4, False), ("lora", 1e-5, False)]
)
def test_a_rate_too_small_for_bf16_weights_is_told(checked: Checked, method: str, rate: float, told: bool) -> None:
    said = ("train.pure_bf16=true", f"train.finetuning_type={method}", f"train.learning_rate={rate}")
    assert any("rounds most steps" in what for what in warnings(checked(*said, hardware=A100))) is told


def test_a_batch_without_anything_to_learn_has_a_loss_of_nan(tiny_model: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    model, ids = AutoModelForCausalLM.from_pretrained(tiny_model), torch.arange(5, 25)[None]
    nothing = torch.full_like(ids, -100)
    assert model(input_ids=ids, labels=nothing, num_items_in_batch=torch.tensor(0)).loss.isnan()


def test_rows_that_keep_nothing_of_their_answers_are_told(checked: Checked) -> None:
    rows = [
        {"instruction": "说明 " * 9000, "output": "好 " * 60},
        {"instruction": "头痛怎么办？", "output": "多休息。"},
    ]
    train = put("long", rows, {"file_name": "long.jsonl"})
    (what,) = [
        one for one in warnings(checked("data.build=null", "evaluate={}", train, "train.cutoff_len=64")) if "NaN" in one
    ]
    assert "at most 1 rows of 'long' keep nothing of their answers" in what


def test_a_checkpoint_brings_its_own_learning_rate() -> None:
    import torch

    def schedule(rate: float) -> Any:
        optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=rate)
        return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0)

    old, new = schedule(1e-3), schedule(1e-5)
    new.load_state_dict(old.state_dict())
    new.optimizer.step()
    new.step()
    assert new.get_last_lr() == [1e-3]


@pytest.mark.parametrize(
    ("state", "says"), [({"max_steps": 900}, "steps 900 instead of"), ({"train_batch_size": 3}, "rows a batch 3")]
)
def test_a_checkpoint_of_another_training_is_told(checked: Checked, state: dict[str, int], says: str) -> None:
    folder = Path("old/checkpoint-1")
    folder.mkdir(parents=True)
    (folder / "trainer_state.json").write_text(json.dumps({"global_step": 1} | state))
    (what,) = warnings(checked(f"train.resume_from_checkpoint={folder}"))
    assert says in what
    assert "its learning rate would go on" in what


def test_a_checkpoint_of_another_learning_rate_alone_is_told(checked: Checked) -> None:
    import torch
    from transformers import TrainingArguments

    folder = Path("old/checkpoint-1")
    folder.mkdir(parents=True)
    (folder / "trainer_state.json").write_text(json.dumps({"global_step": 1}))
    torch.save(TrainingArguments(output_dir="old", learning_rate=3e-4), folder / "training_args.bin")
    said = f"train.resume_from_checkpoint={folder}"
    assert warnings(checked(said, "train.learning_rate=3e-4")) == []
    (what,) = warnings(checked(said, "train.learning_rate=1e-4"))
    assert "goes on with its own learning_rate 0.0003: this one's 0.0001 is not heeded" in what
    (folder / "training_args.bin").write_bytes(b"cut off")
    assert warnings(checked(said, "train.learning_rate=1e-4")) == []


@pytest.mark.parametrize(("cutoff_len", "level"), [(16, None), (300, "warning"), (100_000, "error")])
def test_text_that_fills_no_block_is_told(checked: Checked, cutoff_len: int, level: str | None) -> None:
    texts = put(
        "texts",
        [{"text": "高血压患者应当少吃盐。" * 10}] * 5,
        {"file_name": "texts.jsonl", "columns": {"prompt": "text"}},
    )
    problems = checked("data.build=null", "evaluate={}", texts, "train.stage=pt", f"train.cutoff_len={cutoff_len}")
    assert [one.level for one in problems if "fills no whole block" in one.what] == ([level] if level else [])
