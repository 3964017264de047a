"""What the shell offers after Tab: names that are in this folder, read without importing anything heavy.

Click's own mechanism carries it: `eval "$(_LFW_COMPLETE=bash_source lfw)"`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import click
from click.shell_completion import CompletionItem

Offered = list[CompletionItem]


def recipes(_: click.Context, __: click.Parameter, begun: str) -> Offered:
    """The recipes, and otherwise files."""
    return beginning(begun, (path.as_posix() for path in sorted(Path("recipes").glob("*.yaml")))) or _files(begun)


def specs_and_files(_: click.Context, __: click.Parameter, begun: str) -> Offered:
    """The dataset specs, and otherwise files."""
    return beginning(begun, (path.as_posix() for path in sorted(Path("dataset_info").glob("*.yaml")))) or _files(begun)


def datasets(_: click.Context, __: click.Parameter, begun: str) -> Offered:
    """The registered datasets."""
    try:
        entries = json.loads(Path("dataset_info/dataset_info.json").read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return []
    return beginning(begun, entries)


def runs(_: click.Context, __: click.Parameter, begun: str) -> Offered:
    """The run folders, newest first."""
    found = [file.parent.as_posix() for depth in ("*", "*/*") for file in Path("runs").glob(f"{depth}/recipe.yaml")]
    return beginning(begun, sorted(found, reverse=True))


def recipes_and_runs(ctx: click.Context, parameter: click.Parameter, begun: str) -> Offered:
    """The recipes, and the run folders."""
    return [
        *beginning(begun, (path.as_posix() for path in sorted(Path("recipes").glob("*.yaml")))),
        *runs(ctx, parameter, begun),
    ]


def models(_: click.Context, __: click.Parameter, begun: str) -> Offered:
    """The models of this folder and the merged models of its runs, and otherwise files."""
    return beginning(begun, _model_folders()) or _files(begun)


def talkable(ctx: click.Context, parameter: click.Parameter, begun: str) -> Offered:
    """The models of this folder, the recipes, and the run folders."""
    here = (path.as_posix() for path in sorted(Path("models").glob("*/")))
    return [*beginning(begun, here), *recipes_and_runs(ctx, parameter, begun)] or _files(begun)


def layouts(_: click.Context, __: click.Parameter, begun: str) -> Offered:
    """The raw layouts that are known, each with what it looks like."""
    from lf_wrap.sources import all_sources

    return [CompletionItem(one.name, help=one.shape) for one in all_sources() if one.name.startswith(begun)]


def saved_configurations(_: click.Context, __: click.Parameter, begun: str) -> Offered:
    """What was saved in LLaMA Board."""
    return beginning(begun, (path.stem for path in sorted(Path("llamaboard_config").glob("*.yaml"))))


def hub_names(ctx: click.Context, _: click.Parameter, begun: str) -> Offered:
    """The short names of models or datasets on hubs."""
    from lf_wrap.hub.names import SHORTCUTS

    return beginning(
        begun, (name for name, what in SHORTCUTS.items() if what.kind == ctx.params.get("kind", what.kind))
    )


def _model_folders() -> Iterable[str]:
    """`models/*`, and what runs have merged."""
    found = [*Path("models").glob("*/"), *Path("runs").glob("*/*/model/")]
    return (path.as_posix() for path in sorted(found))


def beginning(begun: str, names: Iterable[str]) -> Offered:
    """Those of the names that begin with what was typed."""
    return [CompletionItem(name) for name in names if name.startswith(begun)]


def _files(begun: str) -> Offered:
    return [CompletionItem(begun, type="file")]
