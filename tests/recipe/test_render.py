"""Settings are written as LLaMA-Factory writes its own examples, and read back as the same values."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from lf_wrap.recipe import Setting, to_yaml

EXAMPLE = {
    "val_size": 0.1,
    "learning_rate": 1e-4,
    "export_dir": "model",
    "output_dir": "adapter",
    "logging_steps": 10,
    "cutoff_len": 1024,
    "dataset": "one,two",
    "lora_rank": 8,
    "finetuning_type": "lora",
    "stage": "sft",
    "model_name_or_path": "org/model",
}
TEXTS = st.text(st.characters(exclude_characters="\x85", exclude_categories=["Cs"]))  # PyYAML itself turns x85 into x20
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS


def rendered(values: dict[str, Any], why: str = "") -> str:
    settings = {key: Setting(value, why) for key, value in values.items()}
    return to_yaml(settings, "recipes/mine.yaml", "llamafactory-cli train train.yaml")


def test_sections_stand_in_llamafactorys_order() -> None:
    sections = [line for line in rendered(EXAMPLE).splitlines() if line.startswith("###")]
    assert sections == [f"### {name}" for name in ("model", "method", "dataset", "output", "export", "train", "eval")]


@pytest.mark.parametrize(
    ("key", "section"),
    [
        ("adapter_name_or_path", "model"),
        ("quantization_bit", "model"),
        ("lora_target", "method"),
        ("deepspeed", "method"),
        ("dataset_dir", "dataset"),
        ("preprocessing_num_workers", "dataset"),
        ("save_steps", "output"),
        ("plot_loss", "output"),
        ("export_size", "export"),
        ("gradient_accumulation_steps", "train"),
        ("an_argument_of_a_later_version", "train"),
        ("per_device_eval_batch_size", "eval"),
    ],
)
def test_an_argument_stands_in_its_section(key: str, section: str) -> None:
    assert rendered({key: 1}).endswith(f"\n\n### {section}\n{key}: 1\n")


def test_a_section_without_arguments_is_left_out() -> None:
    assert rendered({"stage": "sft"}).count("###") == 1


def test_within_a_section_the_order_is_kept() -> None:
    lines = rendered({"seed": 1, "learning_rate": 2, "max_steps": 3}).splitlines()
    assert lines[-3:] == ["seed: 1", "learning_rate: 2", "max_steps: 3"]


def test_the_first_line_tells_where_the_file_is_from_and_how_to_run_it() -> None:
    first = rendered(EXAMPLE).splitlines()[0]
    assert first.startswith("# Rendered by lfw")
    assert "recipes/mine.yaml" in first
    assert first.endswith("llamafactory-cli train train.yaml")


def test_a_filled_in_value_has_its_reason_beside_it() -> None:
    assert "cutoff_len: 448  # the longest of 140 rows\n" in rendered({"cutoff_len": 448}, "the longest of 140 rows")


def test_a_value_that_the_recipe_said_stands_alone() -> None:
    assert "#" not in rendered({"cutoff_len": 448}).splitlines()[-1]


@pytest.mark.parametrize("why", ["", "a reason: with a colon # and a hash"])
@pytest.mark.parametrize(
    "value",
    [
        "no",
        "null",
        "1e-4",
        "5",
        "系统：你是医生。\n请回答: 好的",
        "a: b # c",
        "C:\\models\\x",
        "{not: a map}",
        "- item",
        "",
        " blanks ",
        "line\u2028separator",
        "one word " * 2000,
        ["q_proj", "no", "值"],
        [],
        {"factor": 2.0, "type": "yarn"},
        1e-5,
        True,
        None,
    ],
)
def test_every_value_reads_back_as_it_was(value: object, why: str) -> None:
    values = {"default_system": value, "after": 1}
    assert yaml.safe_load(rendered(values, why)) == values


@settings(deadline=None)
@given(values=st.dictionaries(st.sampled_from(sorted(EXAMPLE)), SCALARS | st.lists(SCALARS, max_size=3), min_size=1))
def test_any_settings_read_back_as_they_were(values: dict[str, Any]) -> None:
    assert yaml.safe_load(rendered(values, "for a reason")) == values
