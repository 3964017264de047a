"""What a recipe leaves out is filled in from the data, the model and the hardware, each value with its reason."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from lf_wrap.dataset import build, conversations, load_spec
from lf_wrap.errors import UserError
from lf_wrap.recipe import Hardware, Recipe, export_settings, load_recipe, require_datasets, to_yaml, train_settings
from lf_wrap.recipe.hardware import Gpu

RUN = Path("runs/mine/1")
CPU = Hardware((), cores=2)
A100 = Hardware((Gpu("A100", 80 << 30, 8.0),), cores=16)
T4 = Hardware((Gpu("Tesla T4", 16 << 30, 7.5),), cores=8)
FOUR_A100 = Hardware(A100.gpus * 4, cores=64)
COMMITTED = ("demo", "med_sft_full", "med_sft_full_tutorial", "med_sft_lora", "roleplay_sft_lora")
ASK_LLAMAFACTORY = """
import json, sys
from llamafactory.hparams import get_train_args
for path in list(sys.argv[1:]):
    sys.argv = ["llamafactory-cli", path]
    model, data, training, tuning, _ = get_train_args()
    print(json.dumps([model.model_name_or_path, data.template, data.cutoff_len, data.dataset[0],
                      training.learning_rate, training.num_train_epochs, tuning.finetuning_type]))
"""
pytestmark = pytest.mark.usefixtures("built")


@pytest.fixture
def built(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Works in a workspace whose demo datasets are built."""
    monkeypatch.chdir(workspace)
    build(load_spec(Path("dataset_info/demo.yaml")), Path("dataset_info"))


def recipe(*overrides: str, model: Path | str = "org/model", of: str = "demo") -> Recipe:
    """The committed recipe `of`, but on `model` and the demo's term rows; the demo's own train arguments are gone."""
    data = ["data.build=dataset_info/demo.yaml", "data.train=[demo_norm]", "evaluate.test=[demo_norm]"]
    bare = ["train={}", "template=qwen"] if of == "demo" else []
    return load_recipe(Path(f"recipes/{of}.yaml"), [f"model={model}", *data, *bare, *overrides])


def test_llamafactorys_own_parser_reads_what_every_committed_recipe_renders(tiny_model: Path) -> None:
    wanted = []
    for name in COMMITTED:
        settings = train_settings(recipe(model=tiny_model, of=name), CPU, RUN)
        Path(f"{name}.yaml").write_text(to_yaml(settings, "a test", "a command"), encoding="utf-8")
        keys = ["model_name_or_path", "template", "cutoff_len", "dataset", "learning_rate", "num_train_epochs"]
        values = [settings[key].value for key in [*keys, "finetuning_type"]]
        values[2] -= "neat_packing" in settings  # LLaMA-Factory takes one off for packs
        wanted.append(values)
    command = [sys.executable, "-c", ASK_LLAMAFACTORY, *(f"{name}.yaml" for name in COMMITTED)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [json.loads(line) for line in done.stdout.splitlines() if line.startswith('["')] == wanted


@pytest.mark.parametrize("name", ["demo_norm", "demo_dialogue", "demo_roleplay"])
def test_no_row_is_cut_and_little_room_is_wasted(tiny_model: Path, name: str) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    lengths = []
    for row in conversations(Path("dataset_info"), name):
        system = [{"role": "system", "content": row.system}] if row.system else []
        said = system + [{"role": turn.role, "content": turn.text} for turn in row.turns]
        lengths.append(len(tokenizer(tokenizer.apply_chat_template(said, tokenize=False))["input_ids"]))
    cutoff = train_settings(recipe(f"data.train=[{name}]", model=tiny_model), CPU, RUN)["cutoff_len"]
    assert max(lengths) <= cutoff.value <= 2 * max(lengths) + 128
    assert cutoff.value % 64 == 0
    assert f"the longest of {len(lengths)} rows" in cutoff.why


@pytest.mark.parametrize(("positions", "cutoff"), [(512, 512), (131072, 4096), (None, 4096)])
def test_an_endless_row_does_not_set_the_memory_of_every_batch(
    tmp_path: Path, tiny_model: Path, positions: int | None, cutoff: int
) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text(json.dumps({"max_position_embeddings": positions}))
    for file in ("model.safetensors", "tokenizer.json"):
        (model / file).symlink_to(tiny_model / file)
    Path("data").mkdir()
    Path("data/long.jsonl").write_text(json.dumps({"instruction": "长" * 9000, "output": "短"}))
    Path("data/dataset_info.json").write_text('{"long": {"file_name": "long.jsonl"}}')
    found = train_settings(recipe("data={train: [long], dataset_dir: data}", model=model), CPU, RUN)["cutoff_len"]
    assert found.value == cutoff
    assert found.why.endswith("will be cut")


def test_without_a_local_tokenizer_the_cutoff_is_a_guess_and_says_so() -> None:
    cutoff = train_settings(recipe(), CPU, RUN)["cutoff_len"]
    assert (cutoff.value, cutoff.why[:7]) == (2048, "a guess")


def precisions(hardware: Hardware, *overrides: str) -> set[str]:
    settings = train_settings(recipe(*overrides), hardware, RUN)
    kinds = ("use_cpu", "bf16", "fp16", "pure_bf16", "fp8")
    return {key for key in kinds if key in settings and settings[key].value}


@pytest.mark.parametrize(("hardware", "one"), [(CPU, "use_cpu"), (A100, "bf16"), (T4, "fp16"), (FOUR_A100, "bf16")])
def test_the_hardware_decides_the_precision(hardware: Hardware, one: str) -> None:
    assert precisions(hardware) == {one}


@pytest.mark.parametrize("hardware", [A100, T4], ids=str)
@pytest.mark.parametrize("said", ["bf16", "fp16", "pure_bf16", "fp8"])
def test_a_precision_that_the_recipe_says_stays_the_only_one(hardware: Hardware, said: str) -> None:
    assert precisions(hardware, f"train.{said}=true") == {said}
    assert precisions(hardware, f"train.{said}=false") == set()


@pytest.mark.parametrize(
    ("hardware", "overrides", "batch", "accumulation", "rows"),
    [
        (CPU, [], 4, 2, 8),
        (A100, [], 2, 4, 8),
        (FOUR_A100, [], 2, 1, 8),
        (A100, ["train.per_device_train_batch_size=1"], 1, 8, 8),
        (A100, ["train.per_device_train_batch_size=3"], 3, 2, 6),
        (FOUR_A100, ["train.per_device_train_batch_size=8"], 8, 1, 32),
    ],
)
def test_eight_rows_make_a_step_as_far_as_the_recipe_allows(
    hardware: Hardware, overrides: list[str], batch: int, accumulation: int, rows: int
) -> None:
    found = train_settings(recipe(*overrides), hardware, RUN)
    assert found["per_device_train_batch_size"].value == batch
    assert found["gradient_accumulation_steps"].value == accumulation
    assert found["gradient_accumulation_steps"].why.endswith(f"= {rows} rows a step")


def test_processes_beside_the_training_make_the_masks_of_packs(tiny_model: Path) -> None:
    def workers(hardware: Hardware, *overrides: str) -> int | None:
        found = train_settings(recipe("train.neat_packing=true", *overrides, model=tiny_model), hardware, RUN)
        return found["dataloader_num_workers"].value if "dataloader_num_workers" in found else None

    assert (workers(A100), workers(FOUR_A100)) == (4, 4)
    assert workers(Hardware(A100.gpus * 4, cores=8)) == 1
    assert workers(A100, "train.dataloader_num_workers=0") == 0
    assert workers(A100, "train.flash_attn=fa2") is workers(CPU) is workers(A100, "train.neat_packing=false") is None


@pytest.mark.parametrize(
    ("override", "logging", "saving", "steps"),
    [
        ("num_train_epochs=3", 1, 50, "54"),
        ("num_train_epochs=100", 10, 360, "1,800"),
        ("max_steps=1000", 10, 200, "1,000"),
        ("max_samples=8", 1, 50, "3"),
        ("max_steps=-1", 1, 50, "54"),
    ],
)
def test_the_number_of_steps_decides_how_often_to_log_and_save(
    tiny_model: Path, override: str, logging: int, saving: int, steps: str
) -> None:
    found = train_settings(recipe(f"train.{override}", model=tiny_model), CPU, RUN)
    assert (found["logging_steps"].value, found["save_steps"].value) == (logging, saving)
    assert found["logging_steps"].why == f"of about {steps} steps"


def test_what_the_recipe_says_is_passed_on_but_for_the_output_folder() -> None:
    said = {"cutoff_len": 99, "learning_rate": 1, "stage": "pt", "an_argument_of_a_later_version": [1], "seed": 7}
    found = train_settings(recipe(f"train={said | {'output_dir': 'elsewhere'}}"), CPU, RUN)
    assert {key: found[key].value for key in said} == said
    assert not any(found[key].why for key in said)
    assert found["output_dir"].value == "runs/mine/1/adapter"


@pytest.mark.parametrize(
    ("method", "loaded"),
    [
        ("lora", ["org/model", "runs/mine/1/adapter"]),
        ("full", ["runs/mine/1/weights"]),
        ("freeze", ["runs/mine/1/weights"]),
        ("oft", ["org/model", "runs/mine/1/adapter"]),
    ],
)
def test_the_export_loads_what_training_wrote(method: str, loaded: list[str]) -> None:
    tuned = recipe(f"train.finetuning_type={method}", "export.export_size=2")
    found = export_settings(tuned, RUN)
    assert [found[key].value for key in found if key.endswith("_name_or_path")] == loaded
    assert (found["export_dir"].value, found["export_size"].value) == ("runs/mine/1/model", 2)
    assert found["finetuning_type"].value == ("lora" if method == "oft" else method)
    trained = train_settings(tuned, CPU, RUN)
    assert trained["output_dir"].value == loaded[-1]
    assert trained["learning_rate"].value == (1e-4 if method == "lora" else 1e-5)


def test_a_template_that_the_recipe_does_not_say_is_not_made_up() -> None:
    assert "template" not in train_settings(recipe("template=null"), CPU, RUN)
    assert "template" not in export_settings(recipe("template=null"), RUN)
    assert export_settings(recipe("template=qwen"), RUN)["template"].value == "qwen"


def test_an_unknown_template_is_refused_with_the_nearest() -> None:
    with pytest.raises(UserError, match="no template 'qwem'") as error:
        train_settings(recipe("template=qwem"), CPU, RUN)
    assert error.value.fix == "did you mean 'qwen'?"


def test_an_unknown_training_dataset_is_refused_with_the_nearest() -> None:
    with pytest.raises(UserError, match="'demo_nrm' is not registered") as error:
        train_settings(recipe("data.build=null", "data.train=[demo_nrm]"), CPU, RUN)
    assert error.value.fix == "did you mean 'demo_norm'?"


def test_a_dataset_without_test_rows_cannot_be_evaluated() -> None:
    require_datasets(recipe())
    with pytest.raises(UserError, match="'demo_nrm' has no test rows"):
        require_datasets(recipe("evaluate.test=[demo_nrm]"))


@pytest.mark.parametrize(
    ("hardware", "wished", "overrides", "batch", "accumulation", "why"),
    [
        (A100, 16, [], 2, 8, "= 16 rows a step"),
        (FOUR_A100, 32, [], 2, 4, "= 32 rows a step"),
        (A100, 1, [], 1, 1, "= 1 rows a step"),
        (FOUR_A100, 4, [], 1, 1, "= 4 rows a step"),
        (FOUR_A100, 2, [], 1, 1, "= 4 rows a step, where 2 were wished"),
        (A100, 10, ["train.per_device_train_batch_size=4"], 4, 2, "= 8 rows a step, the nearest to 10"),
        (A100, 16, ["train.gradient_accumulation_steps=8"], 2, 8, ""),
        (A100, 8, ["train.gradient_accumulation_steps=8"], 1, 8, ""),
    ],
)
def test_a_wished_effective_batch_decides_batch_and_accumulation(
    hardware: Hardware, wished: int, overrides: list[str], batch: int, accumulation: int, why: str
) -> None:
    found = train_settings(recipe(f"effective_batch={wished}", *overrides), hardware, RUN)
    said = (found["per_device_train_batch_size"].value, found["gradient_accumulation_steps"].value)
    assert said == (batch, accumulation)
    assert found["gradient_accumulation_steps"].why.endswith(why)


def test_the_warm_up_is_a_tenth_of_the_steps_where_they_are_known(tiny_model: Path) -> None:
    known, unknown = (train_settings(recipe(model=model), CPU, RUN) for model in (tiny_model, "org/model"))
    assert (known["warmup_steps"].value, known["warmup_steps"].why) == (5, "a tenth of about 54 steps")
    assert "warmup_ratio" not in known
    assert unknown["warmup_ratio"].value == 0.1


@pytest.mark.parametrize("said", ["warmup_ratio=0.03", "warmup_steps=7"])
def test_a_warm_up_that_the_recipe_says_stays_the_only_one(tiny_model: Path, said: str) -> None:
    for model in (tiny_model, "org/model"):
        found = train_settings(recipe(f"train.{said}", model=model), CPU, RUN)
        assert [key for key in found if key.startswith("warmup")] == [said.partition("=")[0]]
