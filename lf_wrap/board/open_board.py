"""Run as a module, with the path of a saved configuration: opens the installed LLaMA Board, its form filled with that.

`llamafactory-cli webui` has no place for it, but the page is built of Gradio elements, and an element shows the value
it has when the page is served. What a person then changes, loads and saves goes the board's own ways.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any


def fill(engine: Any, loadable: list[str], config: dict[str, Any]) -> None:
    """Gives the form's elements the values of `config`, a saved configuration by element ids."""
    from llamafactory.webui.components.data import can_preview
    from llamafactory.webui.control import list_checkpoints

    for element_id in config.keys() & set(loadable):
        engine.manager.get_elem_by_id(element_id).value = config[element_id]
    # What the board finds out when these values change, which they do not where they stand from the beginning.
    offered = list_checkpoints(config.get("top.model_name"), config.get("top.finetuning_type", "lora"))
    shown = engine.manager.get_elem_by_id("top.checkpoint_path")
    shown.choices, shown.multiselect = offered.choices, offered.multiselect
    previewed = can_preview(config.get("train.dataset_dir", "data"), config.get("train.dataset", []))
    engine.manager.get_elem_by_id("train.data_preview_btn").interactive = previewed.interactive


def main() -> None:
    from llamafactory.webui import interface
    from yaml import safe_load

    from lf_wrap.board.ask_board import form

    engine, page, loadable = form()
    fill(engine, loadable, safe_load(Path(sys.argv[1]).read_text(encoding="utf-8")))
    interface.create_ui = lambda: page
    interface.run_web_ui()


if __name__ == "__main__":
    main()
