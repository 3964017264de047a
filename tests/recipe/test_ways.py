"""Every way of tuning that the recipes show: LLaMA-Factory's own parser takes it, a tiny model learns by it.

One process asks the parser about all of them and trains those that a CPU can, a few steps each.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from lf_wrap.dataset import build, load_spec
from lf_wrap.pipeline import lay_out
from lf_wrap.recipe import Hardware, load_recipe, phases, train_settings
from tests.conftest import ROOT

pytestmark = pytest.mark.trains

CPU = Hardware((), cores=2)
DATA = ("data.build=dataset_info/demo.yaml", "data.train=[demo_norm]", "evaluate={}", "template=qwen")
BRIEF = ("train.cutoff_len=128", "train.max_steps=2", "train.logging_steps=1", "train.save_strategy='no'")


@dataclass(frozen=True)
class Way:
    """A recipe with overrides; what its arguments must come out as; the package without which it is refused."""

    recipe: str
    overrides: tuple[str, ...] = ()
    parsed: dict[str, Any] = field(default_factory=dict)
    needs: str | None = None


KINDS, FAST, QLORA = "med_sft_lora_kinds", "med_sft_fast", "med_sft_qlora"
PLAIN = "train.use_rslora=null"
WAYS = {
    "full": Way("med_sft_full_tutorial", BRIEF, {"finetuning_type": "full"}),
    "full, packed": Way("med_sft_full", (), {"neat_packing": True, "packing": True}),
    "freeze": Way("med_sft_freeze", (*BRIEF, "train.freeze_trainable_layers=1"), {"freeze_trainable_layers": 1}),
    "LoRA": Way("med_sft_lora", BRIEF, {"lora_rank": 8, "lora_target": ["all"]}),
    "rsLoRA": Way(KINDS, BRIEF, {"use_rslora": True, "lora_rank": 32}),
    "DoRA": Way(KINDS, (*BRIEF, PLAIN, "train.use_dora=true"), {"use_dora": True, "use_rslora": False}),
    "PiSSA": Way(KINDS, (*BRIEF, PLAIN, "train.pissa_init=true", "train.lora_rank=4"), {"pissa_convert": True}),
    "OFT": Way(KINDS, (*BRIEF, PLAIN, "train.finetuning_type=oft", "train.lora_rank=null"), {"finetuning_type": "oft"}),
    "additional_target": Way(
        KINDS,
        (*BRIEF, "train.additional_target=embed_tokens,lm_head"),
        {"additional_target": ["embed_tokens", "lm_head"]},
    ),
    "NEFTune": Way("med_sft_lora", (*BRIEF, "train.neftune_noise_alpha=5"), {"neftune_noise_alpha": 5}),
    "packing": Way("med_sft_lora", (*BRIEF, "train.packing=true"), {"packing": True}),
    "early stopping": Way(
        "med_sft_early_stopping",
        # A rate at which the loss soon rises, held against the held-out rows at every step.
        (
            "train.cutoff_len=128",
            "train.max_steps=30",
            "train.eval_steps=1",
            "train.save_steps=1",
            "train.learning_rate=5",
            "train.early_stopping_steps=2",
            "train.report_to=none",
            "train.neftune_noise_alpha=null",
        ),
        {"early_stopping_steps": 2, "load_best_model_at_end": True},
    ),
    "continued pretraining": Way("med_pt_full", (*BRIEF, "data.train=[demo_text]"), {"stage": "pt", "packing": True}),
    "LoftQ": Way(
        KINDS,
        (PLAIN, "train.adapter_name_or_path=models/loftq_init"),
        {"adapter_name_or_path": ["models/loftq_init"]},
    ),
    "QLoRA in 4 bits": Way(QLORA, (), {"quantization_bit": 4, "double_quantization": True, "quantization_type": "nf4"}),
    "QLoRA in 8 bits": Way(QLORA, ("train.quantization_bit=8",), {"quantization_bit": 8}),
    "paged AdamW": Way(QLORA, (), {"optim": "paged_adamw_8bit"}),
    "like lengths": Way(FAST, BRIEF, {"train_sampling_strategy": "group_by_length"}),
    "flash attention": Way(
        FAST,
        ("train.train_sampling_strategy=null", "train.neat_packing=true", "train.flash_attn=fa2"),
        {"flash_attn": "fa2", "neat_packing": True, "packing": True},
    ),
    "liger": Way(FAST, ("train.enable_liger_kernel=true",), {"enable_liger_kernel": True}, needs="liger-kernel"),
    "unsloth": Way(
        FAST,
        ("train.use_unsloth=true",),
        {"use_unsloth": True},
        needs="unsloth",
    ),
    "wandb": Way("med_sft_early_stopping", ("train.report_to=wandb",), {"report_to": ["wandb"]}),
    "mlflow": Way("med_sft_early_stopping", ("train.report_to=mlflow",), {"report_to": ["mlflow"]}),
    "tensorboard": Way("med_sft_early_stopping", (), {"report_to": ["tensorboard"]}),
    "swanlab": Way(
        "med_sft_early_stopping",
        ("train.report_to=swanlab", "train.use_swanlab=true"),
        {"use_swanlab": True},
        needs="swanlab",
    ),
    "DeepSpeed": Way("med_sft_full_zero3", (), {}, needs="deepspeed"),
    "resume": Way("med_sft_lora", ("train.resume_from_checkpoint=a/c-5",), {"resume_from_checkpoint": "a/c-5"}),
}
TRAINED = ["full", "freeze", "LoRA", "rsLoRA", "DoRA", "PiSSA", "OFT", "additional_target", "NEFTune", "packing"]
TRAINED += ["like lengths", "early stopping", "continued pretraining"]

ASK_AND_TRAIN = """
import json, sys, traceback
from pathlib import Path
from llamafactory.hparams import get_train_args
from llamafactory.train.tuner import run_exp
told = {}
for name, (settings, train) in json.loads(Path("ways.json").read_text()).items():
    try:
        arguments = [vars(group) for group in get_train_args(dict(settings))]
        told[name] = {"parsed": {key: value for group in reversed(arguments) for key, value in group.items()}}
    except Exception as error:
        told[name] = {"refused": f"{type(error).__name__}: {error}"}
        continue
    if train:
        try:
            run_exp(dict(settings))
        except Exception:
            told[name]["failed"] = traceback.format_exc()
Path("told.json").write_text(json.dumps(told, default=str))
"""


@dataclass(frozen=True)
class Told:
    """What LLaMA-Factory said to each way, and where the trained ones wrote."""

    folder: Path
    ways: dict[str, Any]

    def output(self, name: str) -> Path:
        return self.folder / name.replace(" ", "_")


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Told:
    folder = tmp_path_factory.mktemp("ways")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        lay_out(folder)
        build(load_spec(Path("dataset_info/demo.yaml")), Path("dataset_info"))
        text_dataset(Path("dataset_info"))
        ways = {}
        for name, way in WAYS.items():
            trains = name in TRAINED
            model = f"model={tiny_model if trains else 'org/model'}"
            recipe = load_recipe(ROOT / f"recipes/{way.recipe}.yaml", [model, *DATA, *way.overrides])
            settings = train_settings(recipe, CPU, Path("runs/x"))
            output = {"output_dir": name.replace(" ", "_")}
            ways[name] = [{key: setting.value for key, setting in settings.items()} | output, trains]
        Path("ways.json").write_text(json.dumps(ways))
        done = subprocess.run([sys.executable, "-c", ASK_AND_TRAIN], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
    return Told(folder, json.loads((folder / "told.json").read_text()))


def text_dataset(folder: Path) -> None:
    """Registers `demo_text`: plain text, as `lfw build-data` writes it for continued pretraining."""
    rows = [{"text": f"第{number}章 高血压患者应当低盐饮食，按时服药，定期复查血压。"} for number in range(200)]
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (folder / "demo_text_train.jsonl").write_text(text, encoding="utf-8")
    register = json.loads((folder / "dataset_info.json").read_text(encoding="utf-8"))
    register["demo_text"] = {"file_name": "demo_text_train.jsonl", "columns": {"prompt": "text"}}
    (folder / "dataset_info.json").write_text(json.dumps(register), encoding="utf-8")


@pytest.mark.parametrize("name", WAYS)
def test_llamafactorys_own_parser_takes_it_or_names_the_package_it_lacks(told: Told, name: str) -> None:
    way, said = WAYS[name], told.ways[name]
    if way.needs and not find_spec(way.needs.replace("-", "_")):
        assert way.needs in said["refused"].lower().replace("_", "-"), said
        return
    assert "refused" not in said, said
    assert {key: said["parsed"][key] for key in way.parsed} == way.parsed


@pytest.mark.parametrize("name", TRAINED)
def test_it_trains(told: Told, name: str) -> None:
    assert "failed" not in told.ways[name], told.ways[name]["failed"]
    losses = [line for line in logged(told, name) if line.get("loss")]
    assert losses
    assert list(told.output(name).glob("*model*.safetensors"))


def logged(told: Told, name: str) -> list[dict[str, Any]]:
    text = (told.output(name) / "trainer_log.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def adapter(told: Told, name: str) -> Any:
    return json.loads((told.output(name) / "adapter_config.json").read_text(encoding="utf-8"))


def test_the_adapters_are_of_the_kinds_that_were_asked_for(told: Told) -> None:
    assert adapter(told, "rsLoRA")["use_rslora"]
    assert adapter(told, "DoRA")["use_dora"]
    assert adapter(told, "OFT")["peft_type"] == "OFT"
    assert set(adapter(told, "additional_target")["modules_to_save"]) == {"embed_tokens", "lm_head"}


def test_pissa_leaves_an_adapter_for_the_model_as_it_is(told: Told) -> None:
    converted = json.loads((told.output("PiSSA") / "pissa_converted/adapter_config.json").read_text(encoding="utf-8"))
    assert converted["init_lora_weights"] is True
    assert converted["r"] == 2 * 4


def test_training_stops_early_when_the_held_out_loss_does_not_fall(told: Told) -> None:
    lines = logged(told, "early stopping")
    assert [line for line in lines if line.get("eval_loss") is not None]
    assert lines[-1]["current_steps"] < 30


MODES: dict[str, tuple[list[str], list[tuple[str, list[str]]]]] = {
    "1": (["before=null"], [("sft", ["demo_norm"])]),
    "2": (["before.general=null"], [("pt", ["demo_text"]), ("sft", ["demo_norm"])]),
    "3": ([], [("pt", ["demo_text"]), ("sft", ["demo_dialogue"]), ("sft", ["demo_norm"])]),
    "4": (
        ["before.general=null", "data.general={datasets: [demo_dialogue]}"],
        [("pt", ["demo_text"]), ("sft", ["med_modes_mix"])],
    ),
    "5": (
        [
            "before.general=null",
            "data.general={datasets: [demo_dialogue]}",
            "before.pretrain.data.general={datasets: [demo_norm], ratio: 0.2}",
        ],
        [("pt", ["med_modes-pretrain_mix"]), ("sft", ["med_modes_mix"])],
    ),
    "6": (["before=null", "model=org/chat"], [("sft", ["demo_norm"])]),
    "7": (["before.general=null", "model=org/chat"], [("pt", ["demo_text"]), ("sft", ["demo_norm"])]),
}


@pytest.mark.parametrize("mode", MODES)
def test_the_seven_modes_are_one_recipe(mode: str) -> None:
    overrides, expected = MODES[mode]
    data = ["data.train=[demo_norm]"]
    if "before=null" not in overrides:
        data.append("before.pretrain.data.train=[demo_text]")
        if "before.general=null" not in overrides:
            data.append("before.general.data.train=[demo_dialogue]")
    recipe = load_recipe(ROOT / "recipes/med_modes.yaml", [*data, *overrides])
    chain = phases(recipe, Path("runs/m"))
    assert [(one.train.get("stage", "sft"), one.trained_on) for one, _ in chain] == expected
    assert {one.model for one, _ in chain} == {recipe.model}
    begins = [one.begin_from for one, _ in chain]
    assert begins == [None, *(str(folder / "model") for _, folder in chain[:-1])]
    assert chain[-1][1] == Path("runs/m")
    assert [bool(one.evaluate.test) for one, _ in chain] == [False] * (len(chain) - 1) + [True]
