"""The installed board's own form: what a saved configuration may fill in, and what the board says unasked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lf_wrap.errors import ChildFailed, UserError
from lf_wrap.files import user_cache, write_text

ASK = Path(__file__).with_name("ask_board.py")
SECONDS_TO_ANSWER = 600  # it imports torch and gradio: ten seconds on a quiet machine


@dataclass(frozen=True)
class Form:
    """What `ask_board.py` printed."""

    elements: dict[str, dict[str, Any]]
    """Element ids that "load arguments" writes to, each with type, value, choices and a slider's range."""
    says: dict[str, Any]
    """The train arguments that an untouched form makes."""
    stages: dict[str, str]
    """The board's name of a training stage: LLaMA-Factory's."""
    checkpoint_names: list[str]
    """A folder is a checkpoint when it holds one of these files."""

    def takes(self, element_id: str, value: Any) -> bool:
        """Whether the element is there and keeps this value as it is: a slider snaps to its steps."""
        element = self.elements.get(element_id)
        if element is None:
            return False
        if element["type"] == "Dropdown" and element["choices"]:
            return value in element["choices"]
        if element["type"] == "Slider":
            low, high, step = element["minimum"], element["maximum"], element["step"]
            steps = (value - low) / step
            return bool(low <= value <= high and abs(steps - round(steps)) < 1e-6)
        return True


def installed_form() -> Form:
    """The form of the board that is installed here; asked once a version, then remembered.

    Raises:
        UserError: LLaMA-Factory or gradio is not installed.
        ChildFailed: the board cannot be imported.
    """
    require_board()
    versions = "-".join(version(name) for name in ("llamafactory", "gradio"))
    remembered = user_cache() / f"board-{versions}.json"
    try:
        return Form(**json.loads(remembered.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        answer = ask()
    write_text(remembered, json.dumps(answer, indent=1) + "\n")
    return Form(**answer)


def require_board() -> None:
    """Refuses where the board cannot run.

    Raises:
        UserError: LLaMA-Factory or gradio is not installed.
    """
    for name, install in (
        ("llamafactory", "pip install 'llamafactory>=0.9.5,<0.10'"),
        ("gradio", "pip install gradio"),
    ):
        if find_spec(name) is None:
            raise UserError(f"LLaMA Board is not here: {name} is not installed in this environment", fix=install)


def ask(config: Path | None = None, folder: Path | None = None) -> dict[str, Any]:
    """The board's answer about its form, or about the train arguments that a saved configuration makes in `folder`.

    Raises:
        ChildFailed: the board does not answer; the message has its last line.
    """
    command = [sys.executable, str(ASK), *([str(config.absolute())] if config else [])]
    quiet = {**os.environ, "GRADIO_ANALYTICS_ENABLED": "False", "CUDA_VISIBLE_DEVICES": ""}
    with tempfile.TemporaryDirectory(prefix="lfw-board.") as elsewhere:  # the board writes files where it starts
        done = subprocess.run(
            command,
            cwd=folder or elsewhere,
            capture_output=True,
            text=True,
            env=quiet,
            timeout=SECONDS_TO_ANSWER,
            check=False,
        )
    try:
        answer: dict[str, Any] = json.loads(done.stdout.strip().rpartition("\n")[2])
    except ValueError:
        said = (done.stderr.strip() or done.stdout.strip() or "nothing").rpartition("\n")[2]
        raise ChildFailed(
            f"LLaMA Board does not start: {said}", fix="llamafactory-cli webui (shows all of it); pip install -U gradio"
        ) from None
    return answer
