"""A recipe's way to LLaMA-Factory: read (`schema`), completed (`settings`), written as its YAML (`render`)."""

from lf_wrap.recipe.base_model import BaseModel, base_model
from lf_wrap.recipe.datasets import build_spec, mix_of, require_datasets, test_name
from lf_wrap.recipe.deepspeed import write_deepspeed
from lf_wrap.recipe.devices import choose
from lf_wrap.recipe.environment import launch_environment
from lf_wrap.recipe.grid import Point, grid, overrides
from lf_wrap.recipe.hardware import Hardware, detect_hardware
from lf_wrap.recipe.load import load_recipe
from lf_wrap.recipe.phases import phases
from lf_wrap.recipe.render import to_yaml
from lf_wrap.recipe.schema import Evaluate, Guard, Judge, Recipe
from lf_wrap.recipe.setting import Setting, Settings
from lf_wrap.recipe.settings import (
    export_settings,
    exported_weights,
    train_settings,
    weights_folder,
    with_tokenized,
)
from lf_wrap.recipe.tokenizing import Tokenizing, tokenizing

__all__ = [
    "BaseModel",
    "Evaluate",
    "Guard",
    "Hardware",
    "Judge",
    "Point",
    "Recipe",
    "Setting",
    "Settings",
    "Tokenizing",
    "base_model",
    "build_spec",
    "choose",
    "detect_hardware",
    "export_settings",
    "exported_weights",
    "grid",
    "launch_environment",
    "load_recipe",
    "mix_of",
    "overrides",
    "phases",
    "require_datasets",
    "test_name",
    "to_yaml",
    "tokenizing",
    "train_settings",
    "weights_folder",
    "with_tokenized",
    "write_deepspeed",
]
