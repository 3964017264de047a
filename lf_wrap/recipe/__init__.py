"""A recipe's way to LLaMA-Factory: read (`schema`), completed (`settings`), written as its YAML (`render`)."""

from lf_wrap.recipe.base_model import BaseModel, base_model
from lf_wrap.recipe.hardware import Hardware, detect_hardware
from lf_wrap.recipe.render import to_yaml
from lf_wrap.recipe.schema import Recipe, load_recipe
from lf_wrap.recipe.settings import (
    Settings,
    export_settings,
    require_datasets,
    test_name,
    train_settings,
    weights_folder,
)

__all__ = [
    "BaseModel",
    "Hardware",
    "Recipe",
    "Settings",
    "base_model",
    "detect_hardware",
    "export_settings",
    "load_recipe",
    "require_datasets",
    "test_name",
    "to_yaml",
    "train_settings",
    "weights_folder",
]
