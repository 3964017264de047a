"""The train and export arguments of a recipe: what it says, and what it leaves out, filled in and explained."""

from __future__ import annotations

from pathlib import Path

from lf_wrap.dataset import Lengths, registered, registered_file, token_lengths
from lf_wrap.files import usable
from lf_wrap.recipe.base_model import BaseModel, base_model
from lf_wrap.recipe.deepspeed import deepspeed_file
from lf_wrap.recipe.hardware import Hardware
from lf_wrap.recipe.llamafactory import known_template
from lf_wrap.recipe.schema import Recipe
from lf_wrap.recipe.setting import Setting, Settings
from lf_wrap.recipe.unsaid import unsaid

ADAPTERS = {"lora", "oft"}  # finetuning types that leave the model's own weights alone
CONVERTED = "pissa_converted"  # where LLaMA-Factory's PissaConvertCallback writes

# What decides how rows become tokens: an export without them writes another tokenizer, chat template and Modelfile.
AS_TRAINED = (
    "trust_remote_code",
    "default_system",
    "enable_thinking",
    "preserve_thinking",
    "tool_format",
    "use_fast_tokenizer",
    "split_special_tokens",
    "add_tokens",
    "add_special_tokens",
    "new_special_tokens_config",
    "resize_vocab",
    "rope_scaling",
)


def weights_folder(recipe: Recipe, run: Path) -> Path:
    """Where training writes: `adapter/` when it trains an adapter, `weights/` when it trains the model itself."""
    return run / ("adapter" if recipe.finetuning_type in ADAPTERS else "weights")


def exported_weights(recipe: Recipe, run: Path) -> Path:
    """What the export is made of: what training wrote, but for PiSSA.

    PiSSA trains beside a changed model; LLaMA-Factory then writes an adapter for the model as it was, too.
    """
    converted = recipe.train.get("pissa_init") and recipe.train.get("pissa_convert", True)
    return weights_folder(recipe, run) / CONVERTED if converted else weights_folder(recipe, run)


def train_settings(recipe: Recipe, hardware: Hardware, run: Path) -> Settings:
    """Every argument `llamafactory-cli train` gets for a run in folder `run`.

    Raises:
        UserError: the model is no model, the template or a dataset is unknown.
    """
    model = base_model(recipe.model)
    lengths = _measured(recipe, model)
    settings: Settings = {
        "model_name_or_path": Setting(_begins_from(recipe, model)),
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
    if config := deepspeed_file(recipe, run):
        settings["deepspeed"] = Setting(usable(config))
    for key, setting in unsaid(recipe, settings, lengths, model, hardware).items():
        settings.setdefault(key, setting)
    return settings


def with_tokenized(settings: Settings, folder: Path) -> Settings:
    """The train arguments with which LLaMA-Factory loads the rows that are tokenized in `folder`."""
    kept = {key: setting for key, setting in settings.items() if key != "overwrite_cache"}
    return kept | {"tokenized_path": Setting(usable(folder), "made by the tokenize stage from the datasets above")}


def export_settings(recipe: Recipe, run: Path) -> Settings:
    """Every argument `llamafactory-cli export` gets: merge the adapter, or put the tuned weights into final form."""
    model = base_model(recipe.model)
    trained = usable(exported_weights(recipe, run))
    base = _begins_from(recipe, model)
    if recipe.finetuning_type in ADAPTERS:
        settings = {"model_name_or_path": Setting(base), "adapter_name_or_path": Setting(trained)}
        settings["finetuning_type"] = Setting("lora", "for every adapter: PEFT reads of which kind it is")
    else:
        settings = {"model_name_or_path": Setting(trained), "finetuning_type": Setting(recipe.finetuning_type)}
    settings |= _template(recipe)
    settings |= {key: Setting(recipe.train[key], "as in training") for key in AS_TRAINED if key in recipe.train}
    if model.dtype:
        settings["infer_dtype"] = Setting(model.dtype, "the base's own: left alone, it would depend on the machine")
    settings["export_dir"] = Setting(usable(run / "model"))
    settings["export_size"] = Setting(5, "gigabytes a file")
    settings["export_device"] = Setting("cpu", "merging needs memory, not speed")
    settings["export_legacy_format"] = Setting(False, "safetensors")
    return settings | {key: Setting(value) for key, value in recipe.export.items()}


def _begins_from(recipe: Recipe, model: BaseModel) -> str:
    """Whose weights are tuned: the model's, or those that an earlier training left."""
    if recipe.begin_from:
        return usable(Path(recipe.begin_from).expanduser())
    return usable(model.folder) if model.folder else model.name


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
