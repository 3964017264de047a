"""Programs that import LLaMA-Factory, each a process of its own: lfw asks one and keeps its answer, so that the ten
seconds of importing torch are spent once.

A program is a module here with a function `answer(question)`; question and answer are JSON.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from lf_wrap.errors import ChildFailed
from lf_wrap.files import user_cache, write_text
from lf_wrap.recipe.llamafactory import package_folder

DECIDING = ("llamafactory", "transformers", "tokenizers", "peft")
"""The packages whose versions can change an answer."""
# No GPU is touched, no hub asked; the warnings of what is imported are nobody's concern here.
QUIETLY = {"CUDA_VISIBLE_DEVICES": "", "HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error"}
RUN = f"""
import importlib, json, pathlib, sys
program = importlib.import_module("{__name__}." + sys.argv[1])
answer = program.answer(json.loads(sys.stdin.read()))
pathlib.Path(sys.argv[2]).write_text(json.dumps(answer), encoding="utf-8")
"""


def versions() -> dict[str, str]:
    """The installed versions of what an answer depends on; empty text for what is not installed."""
    found = {}
    for package in DECIDING:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = ""
    return found


def kept(program: str, question: Any) -> Any | None:
    """The answer to this question that an earlier `ask` got from this installation; None when there is none."""
    try:
        return json.loads(_cached(program, question).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def ask(program: str, question: Any, before: Callable[[], None] = lambda: None) -> Any:
    """The program's answer; the one that is kept, if there is one. `before` is called before a process is started.

    Raises:
        UserError: LLaMA-Factory is not installed.
        ChildFailed: the program failed.
    """
    answer = kept(program, question)
    if answer is not None:
        return answer
    package_folder()
    before()
    with tempfile.TemporaryDirectory(prefix="lfw-") as folder:
        written = Path(folder) / "answer.json"
        done = subprocess.run(
            [sys.executable, "-c", RUN, program, str(written)],
            input=json.dumps(question),
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **QUIETLY},
        )
        if done.returncode != 0 or not written.exists():
            told = [line for line in done.stderr.splitlines() if line.strip()] or ["it printed nothing"]
            raise ChildFailed(
                f"LLaMA-Factory could not be asked about its {program}: {told[-1]}",
                fix="check the installation: `llamafactory-cli version` must work",
            )
        text = written.read_text(encoding="utf-8")
    write_text(_cached(program, question), text)
    return json.loads(text)


def _cached(program: str, question: Any) -> Path:
    source = Path(__file__).with_name(f"{program}.py").read_text(encoding="utf-8")
    key = json.dumps([versions(), source, question], sort_keys=True)
    return user_cache() / "inside_llamafactory" / f"{program}-{hashlib.sha256(key.encode()).hexdigest()[:24]}.json"
