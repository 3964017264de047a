"""`lfw chat`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lf_wrap.cli.complete import models, talkable

if TYPE_CHECKING:
    from lf_wrap.model.chat import Talk
    from lf_wrap.sources.character_card import Persona


@click.command("chat")
@click.argument("model", metavar="MODEL|RUN|RECIPE", shell_complete=talkable)
@click.option("--adapter", type=click.Path(file_okay=False, path_type=Path), help="An adapter of MODEL, not merged.")
@click.option(
    "--base", metavar="MODEL", shell_complete=models, help="The untuned model, for --compare; a run knows its own."
)
@click.option("--load-in-4bit", "in_4bit", is_flag=True, help="Quantize while loading (needs bitsandbytes).")
@click.option("--system", metavar="TEXT", help="The system text.")
@click.option(
    "--character",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="CARD",
    help="A character card (PNG or JSON) instead of a system text.",
)
@click.option(
    "--preset",
    type=click.Choice(["chat", "leaderboard", "greedy"]),
    default="chat",
    show_default=True,
    help="How tokens are drawn.",
)
@click.option("--compare", is_flag=True, help="Base and tuned model answer side by side.")
def command(
    model: str,
    adapter: Path | None,
    base: str | None,
    in_4bit: bool,
    system: str | None,
    character: Path | None,
    preset: str,
    compare: bool,
) -> None:
    """Talk with a model, with a run's model, or with both a run's base and tuned one.

    MODEL is a folder or a hub id; a RECIPE stands for its last run. Answers appear as they come; Ctrl-C stops an
    answer and not the program. /help lists the commands: /reset, /system TEXT, /save FILE (a conversation that
    `lfw build-data` reads), /exit. Lines may also be piped in. Nothing is written unless you /save.

    \b
    Examples:
      lfw chat runs/med_sft_lora/20250101-120000-1a2b3c4d --compare
      lfw chat recipes/med_sft_lora.yaml
      lfw chat Qwen/Qwen2.5-0.5B-Instruct --adapter saves/lora --preset greedy
      lfw chat models/roleplay --character cards/ada.png
      echo '感冒了怎么办？' | lfw chat models/Qwen2.5-0.5B-Instruct --preset greedy
    """
    if system and character:
        raise click.UsageError("--system and --character both give the system text: choose one")
    persona = _persona(character) if character else None
    from lf_wrap.model.chat import PRESETS, Talk
    from lf_wrap.model.chat.speaker import speakers

    tuned, adapter, untuned = _folders(model, adapter, base, compare)
    click.echo("loading …", err=True)
    found = speakers(tuned, adapter, base=untuned, in_4bit=in_4bit, compare=compare)
    talk = Talk(
        found,
        PRESETS[preset],
        lambda text: click.echo(text, nl=False),
        system=persona.system if persona else system or "",
        greeting=f"{persona.name}: {persona.greeting}" if persona and persona.greeting else "",
    )
    _loop(talk)


def _loop(talk: Talk) -> None:
    """Reads lines until the input ends or /exit. Ctrl-C at the prompt drops the line that was begun.

    A line that cannot be answered ends the program where lines are piped in, and a person goes on with the next.
    """
    from lf_wrap.errors import UserError

    in_terminal = sys.stdin.isatty()
    if in_terminal:
        import readline  # noqa: F401  (gives `input` editing and history)

        click.echo("/help lists the commands", err=True)
    talk.begin()
    while True:
        try:
            if not talk.hear(input("> " if in_terminal else "")):
                return
        except EOFError:
            return
        except UserError as error:
            if not in_terminal:
                raise
            click.echo(f"Error: {error}", err=True)
        except KeyboardInterrupt:
            click.echo("")


def _folders(
    model: str, adapter: Path | None, base: str | None, compare: bool
) -> tuple[Path, Path | None, Path | None]:
    """(the model to load, an adapter on it, the untuned model): a run folder knows all three."""
    from lf_wrap.model import local_folder

    folder = Path(model).expanduser()
    if folder.is_file():
        from lf_wrap.cli.output import console
        from lf_wrap.pipeline import trained_run

        folder = trained_run(folder, (), console(False)).folder.path
    if not (folder / "recipe.yaml").is_file():
        return local_folder(model), adapter, local_folder(base) if base else None
    from lf_wrap.errors import UserError
    from lf_wrap.recipe import exported_weights, load_recipe, phases

    recipe, _ = phases(load_recipe(folder / "recipe.yaml"), folder)[-1]
    trained = adapter or exported_weights(recipe, folder)
    if (trained / "adapter_config.json").is_file() and (compare or adapter or not (folder / "model").is_dir()):
        return local_folder(base or recipe.begins), trained, None
    tuned = folder / "model" if (folder / "model").is_dir() else trained
    if not tuned.is_dir():
        raise UserError(
            f"the run {folder} has no model yet",
            where="neither model/, adapter/ nor weights/ is there",
            fix="lfw run RECIPE --to export",
        )
    return tuned, None, local_folder(base or recipe.model) if compare else None


def _persona(card: Path) -> Persona:
    """The character on a card file.

    Raises:
        UserError: it is no card.
    """
    from lf_wrap.conversation import Reject
    from lf_wrap.errors import UserError
    from lf_wrap.files import existing_file, shown
    from lf_wrap.sources.character_card import CharacterCard
    from lf_wrap.sources.containers import open_rows

    existing_file(card)
    row = next((value for _, value in open_rows(card)), None)
    found = CharacterCard().persona(row) if isinstance(row, dict) else Reject("not a card", "it holds no JSON object")
    if isinstance(found, Reject):
        raise UserError(f"{shown(card)} is no character card: {found.detail}", fix="take a Tavern card V1, V2 or V3")
    return found
