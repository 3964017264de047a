"""`lfw export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lf_wrap.cli.complete import beginning, recipes_and_runs
from lf_wrap.cli.output import console, json_option, print_json, set_option

if TYPE_CHECKING:
    from lf_wrap.pipeline import Run

# What --form takes; written out, for importing the forms costs what a help text must not.
NAMES = ["merged", "adapter", "gguf-f16", "gguf-q8_0", "gguf-q4_k_m", "bnb-4bit", "bnb-8bit", "gptq-4bit", "gptq-8bit"]


@click.command("export")
@click.argument("recipe_or_run", metavar="RECIPE|RUN", type=click.Path(path_type=Path), shell_complete=recipes_and_runs)
@set_option
@click.option(
    "--form",
    "forms",
    multiple=True,
    metavar="FORM",
    shell_complete=lambda _, __, begun: beginning(begun, NAMES),
    help=f"Another form as well; again for more. {', '.join(NAMES)}.",
)
@click.option(
    "--push",
    "to",
    metavar="HUB:ID",
    help="Upload to modelscope:OWNER/NAME or huggingface:OWNER/NAME: the form, if one is named, else the merged model.",
)
@click.option("--public", is_flag=True, help="A repository that --push creates is private otherwise.")
@json_option
def command(
    recipe_or_run: Path,
    overrides: tuple[str, ...],
    forms: tuple[str, ...],
    to: str | None,
    public: bool,
    as_json: bool,
) -> None:
    """Export the model of a trained run, prove that it is the tuned one, and put it into other forms.

    Takes a run folder, or a recipe for its last run. Leaves RUN/model and RUN/parity.json (what was compared, and how
    near it is); forms lie in RUN/exports/FORM, GGUF with an Ollama Modelfile beside it. A form is loaded back and
    compared before it appears. Exit code 3 when the merged model is not the tuned one: nothing but parity.json is left.
    --push reads its token from HF_TOKEN or MODELSCOPE_API_TOKEN.

    \b
    Examples:
      lfw export recipes/med_sft_lora.yaml
      lfw export runs/med_sft_lora/20250101-120000-1a2b3c4d --form gguf-q8_0 --form adapter
      HF_TOKEN=… lfw export recipes/med_sft_lora.yaml --form gguf-q8_0 --push huggingface:me/med-gguf
    """
    from lf_wrap.hub import push_target
    from lf_wrap.pipeline import export_forms, trained_run

    screen = console(as_json)
    target = push_target(to) if to else None
    run = trained_run(recipe_or_run, overrides, screen)
    result = export_forms(run, forms)
    screen.print(f"model: {result['model_dir']}")
    for form, made in result["forms"].items():
        screen.print(f"{form}: {made['dir']}{_figures(made)}")
    if target:
        from lf_wrap.hub import push

        folders = [made["dir"] for made in result["forms"].values()]
        folder = Path(folders[0] if len(folders) == 1 else result["model_dir"])
        screen.print(f"uploading {folder} to {target}")
        result["pushed"] = push(target, folder, _card(run, target.name), private=not public)
        screen.print(f"pushed: {result['pushed']}")
    if as_json:
        print_json(result)


def _figures(made: dict[str, Any]) -> str:
    size = f"  {made['bytes'] / 1e6:,.1f} MB" if made.get("bytes") else ""
    if made.get("max_abs_logit_diff") is None:
        return size
    greedy = "same" if made["same_greedy"] else "other"
    return f"{size}, logits within {made['max_abs_logit_diff']:.2g} of the merged model's, {greedy} greedy tokens"


def _card(run: Run, name: str) -> str:
    """The model's card, from the manifest; from recipe and parity while no report is written."""
    import json

    from lf_wrap.report.model_card import model_card

    if run.folder.manifest.is_file():
        manifest = json.loads(run.folder.manifest.read_text(encoding="utf-8"))
    else:
        parity = json.loads(run.folder.parity.read_text(encoding="utf-8"))
        manifest = {"recipe": run.recipe.model_dump(exclude_defaults=True), "parity": parity}
    return model_card(name, manifest)
