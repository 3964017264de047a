"""`lfw judge`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lf_wrap.cli.complete import runs as run_folders
from lf_wrap.cli.output import console, json_option, print_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from lf_wrap.evaluation.judges import Models
    from lf_wrap.pipeline import SideBySide
    from lf_wrap.recipe import Judge


@click.command("judge")
@click.argument(
    "runs",
    nargs=-1,
    metavar="RUN...",
    type=click.Path(file_okay=False, path_type=Path),
    shell_complete=run_folders,
)
@click.option(
    "--how", type=click.Choice(["both", "pointwise", "pairwise"]), help="The recipe's, or both, when left out."
)
@click.option("--test", "tests", multiple=True, metavar="NAME", help="Only this question set; all when left out.")
@click.option("--url", metavar="URL", help="The judge's endpoint; the recipe's evaluate.judge.base_url when left out.")
@click.option("--model", metavar="NAME", help="The judge model; the recipe's evaluate.judge.model when left out.")
@click.option("--rubric", metavar="NAME|FILE", help="general, medical, roleplay or a YAML file.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Rows of each question set.")
@click.option("--dry-run", is_flag=True, help="Say how many calls and tokens it would take; ask nothing.")
@click.option(
    "--sheet",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write a blinded CSV or xlsx for people.",
)
@click.option(
    "--read",
    "filled",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Read filled-in sheets back; two of them also tell how far their writers agree.",
)
@json_option
def command(
    runs: tuple[Path, ...],
    how: str | None,
    tests: tuple[str, ...],
    url: str | None,
    model: str | None,
    rubric: str | None,
    limit: int | None,
    dry_run: bool,
    sheet: Path | None,
    filled: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Have answers judged: of one RUN its base against its tuned model, of several RUNs their tuned models.

    The judge is any OpenAI-compatible endpoint; its key is read from OPENAI_API_KEY, or the variable that the recipe
    names. Verdicts on two answers count only if they hold in both orders. What was asked before is not asked again.
    Leaves RUN/judged of the first RUN: every reply, and the result, which the next report shows. A sheet for people has
    its key in a file beside it.

    \b
    Examples:
      lfw judge runs/med/20260101-101500.0-1a2b --url http://127.0.0.1:8000/v1 --model qwen-max --dry-run
      lfw judge runs/med/20260101-101500.0-1a2b --sheet judge-me.xlsx
      lfw judge --read judge-me.xlsx --read judge-me-anna.xlsx
    """
    screen = console(as_json)
    if filled:
        result = _people(filled, screen)
    elif not runs:
        raise click.UsageError("name a RUN, or sheets with --read")
    else:
        said = {"base_url": url, "model": model, "rubric": rubric, "limit": limit, "how": how}
        result = _judged(runs, tests, said, dry_run, sheet, screen)
    if as_json:
        print_json(result)


def _judged(
    runs: tuple[Path, ...],
    tests: tuple[str, ...],
    said: dict[str, Any],
    dry_run: bool,
    sheet: Path | None,
    screen: Console,
) -> dict[str, Any]:
    from lf_wrap.errors import UserError, did_you_mean
    from lf_wrap.pipeline import read_runs, side_by_side

    read = read_runs(runs)
    found = side_by_side(read)
    for name in tests:
        if name not in found.sets:
            raise UserError(f"no question set {name!r} was asked", fix=did_you_mean(name, found.sets))
    wanted = tests or tuple(found.sets)
    if sheet:
        return _write_sheet(sheet, found, wanted, said["limit"], screen)
    answers = {name: found.answers[name] for name in wanted}
    return ask_judge(read[0].folder.judged, _judge(read[0].recipe, said), answers, dry_run, screen)


def _judge(recipe: dict[str, Any], said: dict[str, Any]) -> Judge:
    """The recipe's judge with what was said on the command line."""
    from lf_wrap.errors import UserError
    from lf_wrap.recipe import Judge

    told = dict((recipe.get("evaluate") or {}).get("judge") or {})
    told |= {key: value for key, value in said.items() if value is not None}
    if not {"base_url", "model"} <= told.keys():
        raise UserError(
            "no judge is named",
            fix="give --url and --model, or `judge: {base_url: …, model: …}` under the recipe's evaluate",
        )
    return Judge.model_validate(told)


def ask_judge(
    folder: Path,
    judge: Judge,
    answers: Mapping[str, Models],
    dry_run: bool,
    screen: Console,
) -> dict[str, Any]:
    """What a judge says of some models' answers to each question set, or what asking it would take."""
    from lf_wrap.pipeline import have_judged, judging_estimated

    if not dry_run:
        return {"judged": have_judged(folder, judge, answers, screen)}
    bills = judging_estimated(folder, judge, answers)
    for name, bill in bills.items():
        screen.print(f"{name}: about {bill}")
    return {"dry_run": {name: bill.to_json() for name, bill in bills.items()}}


def _write_sheet(
    sheet: Path, found: SideBySide, wanted: tuple[str, ...], limit: int | None, screen: Console
) -> dict[str, Any]:
    from lf_wrap.evaluation.judges import write_sheet
    from lf_wrap.files import shown

    if len(found.models) != 2 or len(wanted) != 1:
        raise click.UsageError("a sheet holds two models' answers to one question set: name two RUNs and one --test")
    first, second = found.models
    answers = found.answers[wanted[0]]
    pairs = [
        (one, other)
        for one, other in zip(answers[first], answers[second], strict=True)
        if not (one.failure or other.failure)
    ][:limit]
    key = write_sheet(sheet, (first, second), [one for one, _ in pairs], [other for _, other in pairs])
    screen.print(f"{shown(sheet)}: {len(pairs)} rows. Hand it out without {shown(key)}, then: lfw judge --read {sheet}")
    return {"sheet": shown(sheet), "key": shown(key), "rows": len(pairs)}


def _people(filled: tuple[Path, ...], screen: Console) -> dict[str, Any]:
    from itertools import combinations

    from lf_wrap.evaluation.judges import cohens_kappa, read_sheet

    duels = {str(path): read_sheet(path) for path in filled}
    sheets = []
    for name, duel in duels.items():
        counts, judged = duel.counts(), sum(winner is not None for winner in duel.winners)
        told = {"first": duel.first, "second": duel.second, "first_won": counts["first"]}
        told |= {"second_won": counts["second"], "ties": counts["tie"], "judged": judged, "rows": len(duel.winners)}
        sheets.append({"sheet": name, **told})
        words = f"{duel.second} won {counts['second']}, {duel.first} won {counts['first']}, {counts['tie']} ties"
        screen.print(f"{name}: {words}; {judged} of {len(duel.winners)} rows judged")
    agreement = []
    for (one, first), (other, second) in combinations(duels.items(), 2):
        both = [pair for pair in zip(first.winners, second.winners, strict=False) if None not in pair]
        kappa = cohens_kappa([pair[0] for pair in both], [pair[1] for pair in both])
        agreement.append({"sheets": [one, other], "rows": len(both), "kappa": kappa})
        shown_kappa = "cannot be told" if kappa is None else f"{kappa:.2f}"
        screen.print(f"Cohen's κ of {one} and {other} over {len(both)} rows: {shown_kappa}")
    return {"sheets": sheets, "agreement": agreement}
