"""Run as a script with LLaMA-Factory importable: asks the installed LLaMA Board about its own form, prints JSON.

It is a child's program because importing the board takes ten seconds and half a gigabyte. Without arguments it prints
the form; with the path of a saved configuration, the train arguments that the board would make of it, or why it
would not.
"""

from __future__ import annotations

import json
import sys
from typing import Any


def form() -> tuple[Any, Any, Any]:
    """The board's engine and its page, and which of its elements a saved configuration may fill."""
    from llamafactory.webui import interface

    engines = []

    class Noted(interface.Engine):  # type: ignore[misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            engines.append(self)

    interface.Engine = Noted
    page = interface.create_ui()
    return engines[0], page, _loadable(engines[0], page)


def _loadable(engine: Any, page: Any) -> list[str]:
    """The element ids that "load arguments" writes to."""
    loads = next(function for function in page.fns.values() if function.name == "load_args")
    ids = engine.manager._elem_to_id
    return sorted(ids[element] for element in loads.outputs if element in ids)


def values(engine: Any, loadable: list[str], config: dict[str, Any]) -> dict[Any, Any]:
    """What the form's elements hold once `config` was loaded into an untouched form."""
    shown = {element_id: getattr(engine.manager.get_elem_by_id(element_id), "value", None) for element_id in loadable}
    shown |= {"top.model_name": "Custom", "top.checkpoint_path": [], "train.output_dir": "run", "top.lang": "en"}
    shown |= config
    return {engine.manager.get_elem_by_id(element_id): value for element_id, value in shown.items()}


def main() -> None:
    from llamafactory.extras.constants import CHECKPOINT_NAMES, TRAINING_STAGES
    from llamafactory.webui.common import _clean_cmd, get_model_path
    from yaml import safe_load

    engine, _, loadable = form()
    if len(sys.argv) > 1:
        with open(sys.argv[1], encoding="utf-8") as file:  # noqa: PTH123  (runs without our package)
            config = safe_load(file)
        config.setdefault("top.model_path", get_model_path(config.get("top.model_name") or "Custom"))
        try:
            answer: Any = _clean_cmd(engine.runner._parse_train_args(values(engine, loadable, config)))
        except Exception as error:  # noqa: BLE001  (whatever a person wrote there, it is told)
            no_element = isinstance(error, KeyError) and error.args[0] in config
            answer = {"refused": f"its form has no element {error}" if no_element else str(error)}
    else:
        elements = {}
        for element_id in loadable:
            element = engine.manager.get_elem_by_id(element_id)
            about = {name: getattr(element, name, None) for name in ("value", "minimum", "maximum", "step")}
            choices = [choice[1] for choice in getattr(element, "choices", None) or []]
            elements[element_id] = {"type": type(element).__name__, "choices": choices, **about}
        answer = {
            "elements": elements,
            "says": engine.runner._parse_train_args(values(engine, loadable, {})),
            "stages": TRAINING_STAGES,
            "checkpoint_names": sorted(CHECKPOINT_NAMES),
        }
    print("\n" + json.dumps(answer, default=str))


if __name__ == "__main__":
    main()
