"""What a person sees in the real board, in a real browser, with nothing set by hand.

The tests go down the page in order, as a person would. `LFW_PICTURES=docs/images` renews the documents' screenshots.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import time
from pathlib import Path
from typing import Any

from tests.board.browser import Board, chromium
from tests.board.conftest import Workspace, serving

# What the form says even where a recipe does not: LLaMA-Factory's own defaults (or, of rows, more than there are).
NEUTRAL = {
    "flash_attn": "auto",
    "max_samples": 10**9,
    "max_grad_norm": 1.0,
    "packing": True,  # it goes with neat_packing, which the recipe says
    "enable_thinking": True,
    "lora_alpha": 64,  # twice the rank
    "lora_dropout": 0,
    "lora_target": "all",
}


def picture(board: Board, name: str, below: str | None = None) -> None:
    if folder := os.environ.get("LFW_PICTURES"):
        board.picture(Path(folder) / f"webui-{name}.png", below)


def arguments_of(command: str) -> dict[str, Any]:
    """The previewed `llamafactory-cli train --name value …` as a map."""
    words = shlex.split(command.replace("\\\n", " "))
    assert words[:2] == ["llamafactory-cli", "train"]
    return {name.removeprefix("--"): value for name, value in zip(words[2::2], words[3::2], strict=True)}


def same(previewed: str, value: Any) -> bool:
    try:
        return bool(json.loads(previewed.lower()) == value)  # 0 is false, and 1.0 is 1
    except ValueError:
        return previewed == str(value)


def test_the_recipe_that_was_named_fills_the_form_at_once(board: Board) -> None:
    time.sleep(3)  # for what the page asks of its server once it is loaded, and could reset
    board.shows("Learning rate", "0.0003")
    board.shows("Chat template", "qwen")
    board.shows("Model path", "models/tiny")
    board.wait(lambda: board.chosen("Dataset") == ["demo_norm", "demo_dialogue"], "the recipe's datasets")
    assert json.loads(board.field("Extra arguments"))["weight_decay"] == 0.01


def test_our_datasets_are_offered(board: Board) -> None:
    offered = board.options("Dataset")
    board.close_options("Dataset")
    assert {"demo_norm", "demo_norm_test", "demo_dialogue", "demo_roleplay"} <= set(offered)


def test_a_dataset_can_be_previewed_row_by_row(board: Board, finished: Workspace) -> None:
    first = json.loads((finished.root / "dataset_info/demo_norm_train.jsonl").read_text().splitlines()[0])
    board.press("Preview dataset")
    board.says(first["instruction"])
    assert first["output"] in board.text()
    picture(board, "dataset")
    board.press("Close")


def test_a_recipe_that_is_loaded_fills_the_form(board: Board) -> None:
    board.choose("Config path", "a_persons.yaml")
    board.press("Load arguments")
    board.shows("Learning rate", "7e-4")
    assert "tiny.yaml" in board.options("Config path")
    board.choose("Config path", "tiny.yaml")
    board.press("Load arguments")
    board.shows("Learning rate", "0.0003")
    board.shows("Chat template", "qwen")
    board.shows("Model path", "models/tiny")
    board.shows("Cutoff length", "512")
    board.wait(lambda: board.chosen("Dataset") == ["demo_norm", "demo_dialogue"], "the recipe's datasets")
    assert json.loads(board.field("Extra arguments"))["weight_decay"] == 0.01
    picture(board, "recipe")


def test_its_command_is_the_one_that_lfw_renders(board: Board, finished: Workspace) -> None:
    board.press("Preview command")
    board.says("llamafactory-cli train")
    found = re.search(r"llamafactory-cli train .*?(?=\n(?!\s*--))", board.text() + "\n", re.DOTALL)
    assert found
    previewed, rendered = arguments_of(found.group()), finished.rendered()
    assert previewed.pop("output_dir").startswith("saves/Custom/lora/train_")
    del rendered["output_dir"]
    differing = {
        name: (previewed.get(name), value)
        for name, value in rendered.items()
        if not same(previewed.get(name, ""), value)
    }
    assert not differing
    beside = {name: value for name, value in previewed.items() if name not in rendered}
    assert {name: same(value, NEUTRAL[name]) for name, value in beside.items()} == dict.fromkeys(NEUTRAL, True)
    picture(board, "command", below="Preview command")


def test_a_finished_run_is_offered_and_loads_what_it_was_trained_with(board: Board, finished: Workspace) -> None:
    assert finished.run in board.options("Checkpoint path")
    board.close_options("Checkpoint path")
    board.choose("Config path", f"{finished.run}.yaml")
    board.press("Load arguments")
    board.wait(lambda: board.chosen("Checkpoint path") == [finished.run], "the run as checkpoint")
    board.shows("Learning rate", "0.0003")
    assert "Error" not in board.text()


def test_a_finished_run_can_be_chatted_with(board: Board) -> None:
    board.press("Chat")
    board.press("Load model")
    board.wait(lambda: any("Model loaded" in box for box in board.boxes()), "the model to be loaded")
    picture(board, "chat")


def test_a_run_of_full_tuning_that_was_named_is_the_checkpoint_at_once(finished: Workspace, tmp_path: Path) -> None:
    for part in ("dataset_info", "models", "runs"):
        shutil.copytree(finished.root / part, tmp_path / part)
    name = finished.add_full_run(tmp_path)
    with serving(tmp_path, next((tmp_path / "runs/whole").iterdir())) as address, chromium() as driver:
        board = Board(driver, address)
        board.shows("Checkpoint path", name)
        board.shows("Finetuning method", "full")
        board.press("Chat")
        board.press("Load model")
        board.wait(lambda: any("Model loaded" in box for box in board.boxes()), "the model to be loaded")
