"""`lfw judge`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lf_wrap.cli.complete import runs as run_folders
from lf_wrap.cli.output import console, json_option, print_json

if TYPE_CHECKING:
    from rich.console import Console

    from lf_wrap.evaluation import JudgedRow
    from lf_wrap.evaluation.judges import Endpoint, Judging, Planned
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
@click.option("--how", type=click.Choice(["both", "pointwise", "pairwise"]), default="both", show_default=True)
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
    how: str,
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
        result = _judged(runs, how, tests, (url, model, rubric, limit), dry_run, sheet, screen)
    if as_json:
        print_json(result)


def _judged(
    runs: tuple[Path, ...],
    how: str,
    tests: tuple[str, ...],
    said: tuple[str | None, str | None, str | None, int | None],
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
        return _write_sheet(sheet, found, wanted, said[3], screen)
    answers = {name: found.answers[name] for name in wanted}
    return ask_judge(read[0].folder.judged, _judge(read[0].recipe, *said), answers, how, dry_run, screen)


def _judge(recipe: dict[str, Any], url: str | None, model: str | None, rubric: str | None, limit: int | None) -> Judge:
    """The recipe's judge with what was said on the command line."""
    from lf_wrap.errors import UserError
    from lf_wrap.recipe import Judge

    told = dict((recipe.get("evaluate") or {}).get("judge") or {})
    said = {"base_url": url, "model": model, "rubric": rubric, "limit": limit}
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
    answers: dict[str, dict[str, list[JudgedRow]]],
    how: str,
    dry_run: bool,
    screen: Console,
) -> dict[str, Any]:
    """Has the models' answers to each question set judged (`both` or one way), tells it and keeps it in `folder`."""
    import json

    from lf_wrap.evaluation.judges import Endpoint, plan, rubric_named
    from lf_wrap.files import shown, write_text

    rubric = rubric_named(judge.rubric)
    endpoint = Endpoint(judge, folder / "replies.jsonl")
    plans = {
        name: plan(judge, rubric, models, ("pointwise", "pairwise") if how == "both" else (how,))
        for name, models in answers.items()
    }
    if dry_run:
        bills = {name: planned.estimate(endpoint) for name, planned in plans.items()}
        for name, bill in bills.items():
            screen.print(f"{name}: about {bill}")
        return {"dry_run": {name: bill.to_json() for name, bill in bills.items()}}
    result = {}
    for name, planned in plans.items():
        judging = _carry_out(name, planned, endpoint, screen)
        _tell(name, judging, screen)
        result[name] = judging.to_json()
    models = next(iter(answers.values()))
    file = folder / f"{'+'.join(models)}.json".replace("/", "_")
    write_text(file, json.dumps(result, ensure_ascii=False, indent=2) + "\n")
    screen.print(f"written: {shown(file)}")
    return {"judged": result}


def _carry_out(name: str, planned: Planned, endpoint: Endpoint, screen: Console) -> Judging:
    from lf_wrap.progress import progress

    with progress(screen, f"{name}: judged", len(planned.prompts)) as line:
        return planned.carry_out(endpoint, line.advance)


def _tell(name: str, judging: Judging, screen: Console) -> None:
    from rich.text import Text

    told = judging.to_json()
    screen.print(Text(f"{name}, judged by {judging.judge} on {told['rows']} rows", style="bold"))
    for model, criteria in judging.comparisons().items():
        for criterion, one in criteria.items():
            scores = f"{one.base:.2f} → {one.tuned:.2f} of 5" if one.n else "no scores"
            verdict = (one.verdict, "bold")
            screen.print(Text.assemble(f"  {model}  {criterion:14} {scores}  ", verdict, f" at n = {one.n}: {one.why}"))
    for duel in told["pairwise"]:
        words = (
            f"{duel['second']} won {duel['second_won']}, {duel['first']} won {duel['first_won']}, {duel['ties']} ties"
        )
        screen.print(f"  {words} ({duel['flipped']} of them preferred a place), p = {duel['p']:.3g}")
    if len(judging.models) > 2:
        for one in told["ranking"]:
            low, high = one["interval"]
            screen.print(f"  {one['model']:24} {one['rating']:7.1f}  [{low:.0f}, {high:.0f}]")
    unusable = f", {told['unreadable']} verdicts could not be read" if told["unreadable"] else ""
    screen.print(f"  {judging.bill}{unusable}")


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
