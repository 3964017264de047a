"""`run.sh`: what a run exports and executes, as a shell script that anyone can run without lfw."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from lf_wrap import __version__
from lf_wrap.files import shown, usable, write_text
from lf_wrap.pipeline.ranks import copy_into
from lf_wrap.pipeline.run_folder import RunFolder
from lf_wrap.recipe import Settings

LLAMAFACTORY = "llamafactory-cli"  # as it is found on PATH: where it is installed is each machine's own affair
RANKS, FOLLOWING = "ranks", "${PYTHONPATH:+:$PYTHONPATH}"
TOGETHER = "so that the processes save and stop in the same step"


def commands(folder: RunFolder) -> list[list[str]]:
    """LLaMA-Factory's commands of a run, in order."""
    return [
        [LLAMAFACTORY, "train", usable(folder.train_yaml)],
        [LLAMAFACTORY, "export", usable(folder.export_yaml)],
    ]


def script(folder: RunFolder, before: Sequence[RunFolder], environment: Settings, origin: Path, processes: int) -> str:
    """The text of `run.sh`. Paths in the YAML files count from the folder that lfw was started in: it goes there.

    The phases before have scripts of their own, with what is exported for them. Where several `processes` train, they
    have the callback by which they stop together (`ranks`) out of the script's own folder.
    """
    there = os.path.relpath(Path.cwd(), folder.path)
    lines = [
        "#!/bin/sh",
        f"# Written by lfw {__version__} from {shown(origin)}: what `lfw run` exports and executes.",
        "# Tokens (HF_TOKEN, WANDB_API_KEY ...) are never written here: export them yourself before you run it.",
        "set -eu",
        *(f'sh "$(dirname "$0")"/{phase.script.relative_to(folder.path).as_posix()}' for phase in before),
        *(
            [f'export PYTHONPATH="$(cd "$(dirname "$0")" && pwd)/{RANKS}{FOLLOWING}"  # {TOGETHER}']
            if processes > 1
            else []
        ),
        f'cd "$(dirname "$0")"/{shlex.quote(Path(there).as_posix())}',
    ]
    lines += [_export(name, str(setting.value), setting.why) for name, setting in environment.items()]
    return "\n".join([*lines, *map(shlex.join, commands(folder))]) + "\n"


def write_script(
    folder: RunFolder, before: Sequence[RunFolder], environment: Settings, origin: Path, processes: int
) -> None:
    """Writes `run.sh`, and beside it what it puts on the path of several processes."""
    write_text(folder.script, script(folder, before, environment, origin, processes))
    if processes > 1:
        copy_into(folder.script.parent / RANKS)


def _export(name: str, value: str, why: str) -> str:
    return f"export {name}={shlex.quote(value)}" + (f"  # {why}" if why else "")
