"""The train and export arguments of a recipe: what it says, and what it leaves out, filled in and explained."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

from lf_wrap.dataset import ROUND_UP_TO, Lengths, registered, registered_file, token_lengths
from lf_wrap.errors import UserError
from lf_wrap.files import usable
from lf_wrap.recipe.base_model import BaseModel, base_model
from lf_wrap.recipe.hardware import Hardware
from lf_wrap.recipe.llamafactory import known_template
from lf_wrap.recipe.schema import Recipe

EFFECTIVE_BATCH = 8  # the tutorial's 2 × 4
LONGEST_UNASKED = 4096  # a single endless row must not set the memory of every batch
LEARNING_RATE = {"lora": 1e-4, "full": 1e-5, "freeze": 1e-5}  # LoRA takes about ten times a full tuning's
UNMEASURED = 2048
ADAPTERS = {"lora", "oft"}  # finetuning types that leave the model's own weights alone
PRECISIONS = ("bf16", "fp16", "pure_bf16", "fp8")


@dataclass(frozen=True)
class Setting:
    """A value, and where it came from when the recipe did not say it."""

    value: Any
    why: str = ""


Settings = dict[str, Setting]


def weights_folder(recipe: Recipe, run: Path) -> Path:
    """Where training writes: `adapter/` when it trains an adapter, `weights/` when it trains the model itself."""
    return run / ("adapter" if recipe.finetuning_type in ADAPTERS else "weights")


def train_settings(recipe: Recipe, hardware: Hardware, run: Path) -> Settings:
    """Every argument `llamafactory-cli train` gets for a run in folder `run`.

    Raises:
        UserError: the model is no model, the template or a dataset is unknown.
    """
    model = base_model(recipe.model)
    lengths = _measured(recipe, model)
    settings: Settings = {
        "model_name_or_path": Setting(usable(model.folder) if model.folder else model.name),
        "stage": Setting("sft"),
        "do_train": Setting(True),
        "finetuning_type": Setting("lora"),
        "dataset": Setting(",".join(recipe.trained_on)),
        "dataset_dir": Setting(usable(recipe.data.dataset_dir)),
        **_template(recipe),
        "output_dir": Setting(usable(weights_folder(recipe, run))),
    }
    settings |= {key: Setting(value) for key, value in recipe.train.items()}
    settings["output_dir"] = Setting(usable(weights_folder(recipe, run)))
    for key, setting in _unsaid(recipe, settings, lengths, model, hardware).items():
        settings.setdefault(key, setting)
    return settings


def export_settings(recipe: Recipe, run: Path) -> Settings:
    """Every argument `llamafactory-cli export` gets: merge the adapter, or put the tuned weights into final form."""
    model = base_model(recipe.model)
    trained = usable(weights_folder(recipe, run))
    base = usable(model.folder) if model.folder else model.name
    if recipe.finetuning_type in ADAPTERS:
        settings = {"model_name_or_path": Setting(base), "adapter_name_or_path": Setting(trained)}
        settings["finetuning_type"] = Setting("lora", "for every adapter: PEFT reads of which kind it is")
    else:
        settings = {"model_name_or_path": Setting(trained), "finetuning_type": Setting(recipe.finetuning_type)}
    settings |= _template(recipe)
    if "trust_remote_code" in recipe.train:
        settings["trust_remote_code"] = Setting(recipe.train["trust_remote_code"])
    settings["export_dir"] = Setting(usable(run / "model"))
    settings["export_size"] = Setting(5, "gigabytes a file")
    settings["export_device"] = Setting("cpu", "merging needs memory, not speed")
    settings["export_legacy_format"] = Setting(False, "safetensors")
    return settings | {key: Setting(value) for key, value in recipe.export.items()}


def _template(recipe: Recipe) -> Settings:
    """The template where the recipe says one; where it does not, LLaMA-Factory reads the tokenizer's own."""
    return {} if recipe.template is None else {"template": Setting(known_template(recipe.template))}


def _measured(recipe: Recipe, model: BaseModel) -> list[Lengths] | None:
    """The lengths of the training datasets; None while they are not built or the tokenizer is not here."""
    folder = Path(recipe.data.dataset_dir)
    made_by_build = recipe.data.build or recipe.data.general
    if made_by_build and any(name not in registered(folder) for name in recipe.trained_on):
        return None
    for name in recipe.trained_on:
        registered_file(folder, name)
    if model.tokenizer_json is None:
        return None
    return [token_lengths(folder, name, model.tokenizer_json) for name in recipe.trained_on]


def _unsaid(
    recipe: Recipe, said: Settings, lengths: list[Lengths] | None, model: BaseModel, hardware: Hardware
) -> Settings:
    """What the recipe leaves out, from the data and the hardware."""
    filled: Settings = {"cutoff_len": _cutoff_len(lengths, model)}
    filled["overwrite_cache"] = Setting(True, "a changed dataset of the same name is read anew")
    filled["plot_loss"] = Setting(True)
    filled["report_to"] = Setting("none", "no tracker unless asked for")
    filled["logging_nan_inf_filter"] = Setting(False, "or a loss of NaN is logged as 0")
    filled |= _batch(said, hardware)
    filled["learning_rate"] = Setting(
        LEARNING_RATE.get(recipe.finetuning_type, 1e-5), f"usual for {recipe.finetuning_type}"
    )
    filled["num_train_epochs"] = Setting(3.0)
    filled["lr_scheduler_type"] = Setting("cosine")
    filled["warmup_ratio"] = Setting(0.1)
    filled["seed"] = Setting(42)
    if not hardware.gpus:
        filled["use_cpu"] = Setting(True, "no GPU here: fp32 on the CPU")
    elif not any(precision in said for precision in PRECISIONS):
        precision = "bf16" if hardware.bf16 else "fp16"
        filled[precision] = Setting(True, f"{hardware} {'has' if hardware.bf16 else 'lacks'} bf16 matrix units")
    return filled | _steps({**filled, **said}, lengths, hardware)


def _cutoff_len(lengths: list[Lengths] | None, model: BaseModel) -> Setting:
    if lengths is None:
        return Setting(UNMEASURED, "a guess: measured once the datasets are built and the tokenizer is a local file")
    longest = max(length.max for length in lengths)
    rows = sum(length.rows for length in lengths)
    limit = min(model.max_positions or LONGEST_UNASKED, LONGEST_UNASKED)
    rounded = ceil(longest / ROUND_UP_TO) * ROUND_UP_TO
    if rounded <= limit:
        return Setting(rounded, f"the longest of {rows:,} rows has up to {longest:,} tokens")
    return Setting(limit, f"the longest of {rows:,} rows has up to {longest:,} tokens and will be cut")


def _batch(said: Settings, hardware: Hardware) -> Settings:
    """Batch size and accumulation for an effective batch of 8, as far as the recipe leaves them open."""
    devices = max(1, len(hardware.gpus))
    default = 2 if hardware.gpus else 4
    batch = int(said["per_device_train_batch_size"].value) if "per_device_train_batch_size" in said else default
    accumulation = max(1, EFFECTIVE_BATCH // (batch * devices))
    why = f"{batch} × {accumulation} × {devices} = {batch * accumulation * devices} rows a step"
    return {"per_device_train_batch_size": Setting(batch), "gradient_accumulation_steps": Setting(accumulation, why)}


def _steps(settings: Settings, lengths: list[Lengths] | None, hardware: Hardware) -> Settings:
    """How often to log and save: about fifty points in the loss curve, about five checkpoints of which two are kept."""
    if lengths is None:
        return {"logging_steps": Setting(10), "save_steps": Setting(500), "save_total_limit": Setting(2)}
    per_step = int(settings["per_device_train_batch_size"].value) * int(settings["gradient_accumulation_steps"].value)
    rows = sum(length.rows for length in lengths)
    if "max_samples" in settings:
        rows = min(rows, int(settings["max_samples"].value) * len(lengths))
    steps = ceil(rows / (per_step * max(1, len(hardware.gpus)))) * float(settings["num_train_epochs"].value)
    if "max_steps" in settings and float(settings["max_steps"].value) > 0:  # -1 is the Trainer's own "not set"
        steps = float(settings["max_steps"].value)
    why = f"of about {steps:,.0f} steps"
    logging, saving = max(1, min(10, round(steps / 50))), max(50, round(steps / 5))
    return {"logging_steps": Setting(logging, why), "save_steps": Setting(saving, why), "save_total_limit": Setting(2)}


def require_datasets(recipe: Recipe) -> None:
    """Refuses a recipe that names a dataset which is not registered.

    Raises:
        UserError: naming the dataset and the nearest that is.
    """
    folder = Path(recipe.data.dataset_dir)
    general = recipe.data.general.datasets if recipe.data.general else []
    for name in (*recipe.data.train, *general):
        registered_file(folder, name)
    for name in recipe.evaluate.test:
        if test_name(recipe, name) not in registered(folder):
            raise UserError(
                f"evaluate.test: dataset {name!r} has no test rows", fix="give it some: `test: 100` in its spec"
            )


def test_name(recipe: Recipe, name: str) -> str:
    """The registered name of the test rows of dataset `name`: `<name>_test` where lfw built it, else `name`."""
    return f"{name}_test" if f"{name}_test" in registered(Path(recipe.data.dataset_dir)) else name
