"""`lfw build-data`."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lf_wrap.cli.complete import layouts, models, specs_and_files
from lf_wrap.cli.output import console, json_option, print_json, say

if TYPE_CHECKING:
    from lf_wrap.dataset import Card, DatasetSpec

SPEC_SUFFIXES = {".yaml", ".yml"}


def _list_types(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if not wanted:
        return
    from lf_wrap.sources import all_sources

    for source in all_sources():
        click.echo(f"{source.name:22} {source.shape}")
    ctx.exit()


@click.command("build-data")
@click.argument(
    "files",
    nargs=-1,
    required=True,
    metavar="SPEC.yaml|FILE...",
    type=click.Path(path_type=Path),
    shell_complete=specs_and_files,
)
@click.option(
    "--type",
    "type_",
    metavar="TYPE",
    shell_complete=layouts,
    help="What the files hold; recognised when left out.",
)
@click.option("--name", metavar="NAME", help="The dataset's name; the first file's when left out.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("dataset_info"),
    show_default=True,
    help="LLaMA-Factory's dataset_dir.",
)
@click.option("--train", type=click.IntRange(0), metavar="N", help="Training rows; all when left out.")
@click.option(
    "--test",
    type=click.IntRange(0),
    metavar="N",
    help="Test rows, never among the training rows; 5 %, at most 100, when left out.",
)
@click.option("--seed", type=int, metavar="N", help="Seed of the shuffle; 42 when left out.")
@click.option(
    "--tokenizer",
    metavar="DIR",
    shell_complete=models,
    help="A model folder: the card then counts tokens and advises cutoff_len.",
)
@click.option(
    "--shard-mb",
    type=click.FloatRange(0, min_open=True),
    metavar="MB",
    help="Megabytes of rows beyond which several files are written, in a folder; 4000 when left out.",
)
@click.option(
    "--list-types",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_list_types,
    help="List the raw layouts that are known.",
)
@click.option(
    "--workers",
    type=click.IntRange(1),
    metavar="N",
    help="Processes; the cores there are when left out. The result is the same.",
)
@json_option
def command(
    files: tuple[Path, ...],
    type_: str | None,
    name: str | None,
    out: Path,
    train: int | None,
    test: int | None,
    seed: int | None,
    tokenizer: str | None,
    shard_mb: float | None,
    workers: int | None,
    as_json: bool,
) -> None:
    """Turn raw files into LLaMA-Factory datasets, registered in OUT/dataset_info.json.

    FILE is JSON, JSONL, CSV, Excel, Parquet, text or character cards, a folder of them, or an archive; a SPEC.yaml says
    more than the options can (docs/data.md). Leaves in OUT, for each dataset: NAME_train.jsonl, NAME_test.jsonl,
    NAME.rejects.jsonl (each row that was left out, with the reason) and NAME.card.md (what was counted, and an advised
    cutoff_len). The raw files stay as they are; the same files and seed give the same bytes.

    \b
    Examples:
      lfw build-data dataset_info/medical.yaml
      lfw build-data train.xlsx --name med_norm --train 4000 --test 100
      lfw build-data chats.jsonl --type sharegpt --tokenizer models/Qwen2.5-0.5B-Instruct
    """
    gc.disable()  # rows hold no cycles; looking for some takes a tenth of a small build
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # nothing is multiplied here: more threads would only spin
    from lf_wrap.dataset import build, fetch_missing
    from lf_wrap.progress import late_progress

    screen = partial(console, as_json)
    said = {"type": type_, "train": train, "test": test, "seed": seed, "tokenizer": tokenizer, "shard_mb": shard_mb}
    specs = _wanted(files, name, {key: value for key, value in said.items() if value is not None})
    with late_progress(screen, "MiB") as line:
        fetch_missing(specs.values(), lambda what, here, total: line.at(here >> 20, total >> 20, what))
    with late_progress(screen, "rows") as line:
        cards = build(specs, out, workers=workers, on_rows=lambda dataset, rows: line.at(rows, note=dataset))
    for card in cards:
        for told in _told(card):
            say(told, as_json)
    if as_json:
        print_json({"datasets": [card.result() for card in cards]})


def _told(card: Card) -> Iterator[str]:
    """What a build says of one dataset, line by line."""
    yield f"{click.style(card.name, bold=True)}  ({card.type}, {card.encoding})"
    yield f"  {card.counts.law()}"
    yield from (f"{click.style('  look:', fg='yellow')} {warning}" for warning in card.warnings)
    yield from (f"  {what}: {count:,}" for what, count in card.counts.repairs.items())
    yield from (f"  redacted, {kind}: {count:,}" for kind, count in card.counts.redactions.items())
    if card.unread:
        yield f"  columns not read: {', '.join(card.unread)}"
    yield from (f"{click.style(f'  {what:8}', dim=True)}{file}" for what, file in card.files.items())


def _wanted(files: tuple[Path, ...], name: str | None, said: dict[str, Any]) -> dict[str, DatasetSpec]:
    """The datasets of the spec, or the one dataset that the files make, with what was `said` on the command line."""
    from lf_wrap.dataset import DatasetSpec, load_spec, sound_name

    if any(file.suffix in SPEC_SUFFIXES for file in files):
        if len(files) > 1 or name or "type" in said:
            raise click.UsageError("a spec stands alone: it says names and types itself")
        return {dataset: replace(spec, **said) for dataset, spec in load_spec(files[0]).items()}
    try:
        dataset = sound_name(name or files[0].stem)
    except ValueError as error:
        raise click.UsageError(f"{error}; choose one with --name") from None
    return {dataset: DatasetSpec(source=[str(file) for file in files], **said)}
