"""`lfw fetch`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lf_wrap.cli.complete import hub_names
from lf_wrap.cli.output import console, json_option, print_json

if TYPE_CHECKING:
    from lf_wrap.hub import HubName, Kind


def _list_names(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if not wanted:
        return
    from lf_wrap.hub import SHORTCUTS

    for name, what in SHORTCUTS.items():
        click.echo(f"{what.kind:8} {name:30} {what}")
    ctx.exit()


@click.command("fetch")
@click.argument("kind", type=click.Choice(["model", "dataset"]))
@click.argument("id_", metavar="ID", shell_complete=hub_names)
@click.option(
    "--to",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Where to put it; models/NAME or dataset_info/raw/NAME when left out.",
)
@click.option(
    "--hub",
    type=click.Choice(["modelscope", "huggingface"]),
    help="Where to ask; when left out ModelScope, then Hugging Face, or as USE_MODELSCOPE_HUB says.",
)
@click.option(
    "--list-names",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_list_names,
    help="List the short names that need no owner.",
)
@json_option
def command(kind: Kind, id_: str, folder: Path | None, hub: HubName | None, as_json: bool) -> None:
    """Download a model or a dataset from its hub: goes on where it stopped, checks what it got.

    ID is OWNER/NAME or a short name. HF_ENDPOINT and MODELSCOPE_ENDPOINT choose mirrors. Leaves the files, each held
    against the hub's size and checksum, and .lfw-fetched.json, which says what they are. Exit code 1 when no hub has it
    or answers: the message then says where to put the files by hand.

    \b
    Examples:
      lfw fetch model qwen2.5-0.5b-instruct
      lfw fetch dataset xiaofengalg/Chinese-medical-dialogue --hub modelscope
      HF_ENDPOINT=https://hf-mirror.com lfw fetch dataset hieunguyenminh/roleplay --hub huggingface
    """
    from dataclasses import asdict

    from lf_wrap.errors import Interrupted
    from lf_wrap.hub import HUBS, default_folder, fetch, parse
    from lf_wrap.progress import progress

    what = parse(kind, id_, hub)
    screen = console(as_json)
    try:
        with progress(screen, "MiB") as line:
            done = fetch(
                what,
                folder or default_folder(what),
                lambda here, total: line.at(here >> 20, total >> 20),
            )
    except KeyboardInterrupt:
        raise Interrupted("interrupted", fix="the same command goes on from where this one stopped") from None
    screen.print(
        f"{done.id} from {HUBS[done.hub]}: {done.files:,} files, {done.bytes / 2**20:,.1f} MiB in {done.folder}"
    )
    screen.print(f"  checksums right: {done.checked:,} of {done.files:,} (the hub gives no other)")
    use = f"lfw build-data {done.folder} --name NAME" if kind == "dataset" else f"in a recipe, model: ./{done.folder}"
    screen.print(f"  use it: {use}")
    if as_json:
        print_json(asdict(done))
