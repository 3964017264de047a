"""`lfw choose`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lf_wrap.cli.output import console, json_option, print_json

if TYPE_CHECKING:
    from rich.console import Console

    from lf_wrap.evaluation import JudgedRow, QuestionSet


@click.command("choose")
@click.argument("models", nargs=-1, required=True, metavar="MODEL MODEL...")
@click.option(
    "--questions",
    default="medical_zh",
    show_default=True,
    metavar="NAME|FILE",
    help="medical_zh, medical_en, or a YAML list of your own.",
)
@click.option("--url", metavar="URL", help="A judge's endpoint, such as http://127.0.0.1:8000/v1")
@click.option("--judge", "judge_model", metavar="NAME", help="The judge model there; without one, you are the judge.")
@click.option("--rubric", default="medical", show_default=True, metavar="NAME|FILE", help="What a judge looks at.")
@click.option("--max-new-tokens", type=click.IntRange(1), default=256, show_default=True, help="Room for an answer.")
@click.option("--dry-run", is_flag=True, help="Answer, and say what judging would take; ask no judge.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the answers go; runs/choose/<questions> when left out.",
)
@json_option
def command(
    models: tuple[str, ...],
    questions: str,
    url: str | None,
    judge_model: str | None,
    rubric: str,
    max_new_tokens: int,
    dry_run: bool,
    out: Path | None,
    as_json: bool,
) -> None:
    """Choose a base model: all MODELs (folders or hub ids) answer ten questions, shown side by side.

    With a judge (any OpenAI-compatible endpoint; its key is read from OPENAI_API_KEY) they are also ranked. Ten
    questions tell a clear difference at most: weigh it against what a larger model costs.

    \b
    Examples:
      lfw choose models/Qwen2.5-0.5B-Instruct models/Qwen2.5-1.5B-Instruct
      lfw choose Qwen/Qwen2.5-7B-Instruct Qwen/Qwen3-8B --questions mine.yaml --url http://127.0.0.1:8000/v1 --judge big
    """
    from lf_wrap.evaluation import QuestionSet, choosing_questions, read_rows, rows_file, task_named
    from lf_wrap.files import shown

    if len(models) < 2 or len(set(models)) < len(models):
        raise click.UsageError("name at least two MODELs, each once")
    if bool(url) != bool(judge_model):
        raise click.UsageError("a judge is named by --url and --judge together")
    screen, name = console(as_json), Path(questions).stem
    asked = QuestionSet(name, "probe", task_named("contains"), choosing_questions(questions), max_new_tokens)
    folder = out or Path("runs/choose") / name
    called = _called(models)
    for short, model in called.items():
        _answer(short, model, asked, folder, screen)
    answers = {short: read_rows(rows_file(folder, short, name)) for short in called}
    _show(answers, screen)
    screen.print(f"answers: {shown(folder)}")
    result: dict[str, Any] = {"models": called, "folder": shown(folder), "questions": _told(answers)}
    if url:
        from lf_wrap.cli.judge import ask_judge
        from lf_wrap.recipe import Judge

        judge = Judge(base_url=url, model=str(judge_model), rubric=rubric)
        result |= ask_judge(folder / "judged", judge, {name: answers}, dry_run, screen)
    if as_json:
        print_json(result)


def _called(models: tuple[str, ...]) -> dict[str, str]:
    """The models by a name that can stand in a file's: the last part of theirs where that tells them apart."""
    last = [Path(model).name or "model" for model in models]
    shared = Counter(last)
    return {
        short if shared[short] == 1 else f"{short}-{place}": model
        for place, (short, model) in enumerate(zip(last, models, strict=True), 1)
    }


def _answer(short: str, model: str, asked: QuestionSet, folder: Path, screen: Console) -> None:
    from lf_wrap import evaluation
    from lf_wrap.model import local_folder
    from lf_wrap.progress import progress

    with progress(screen, f"{short} answers", len(asked.questions)) as line:
        evaluation.answer(evaluation.engine_for(local_folder(model)), short, [asked], folder, line.advance)


def _show(answers: dict[str, list[JudgedRow]], screen: Console) -> None:
    """Every question, what a good answer says, and what each model said."""
    from rich.padding import Padding
    from rich.text import Text

    from lf_wrap.report.plain import plain

    for rows in zip(*answers.values(), strict=True):
        screen.print(Text(f"\n{rows[0].row}. {plain(rows[0].messages[-1]['content'])}", style="bold"))
        screen.print(Padding(Text(f"a good answer: {plain(rows[0].reference)}", style="dim"), (0, 0, 0, 3)))
        for short, row in zip(answers, rows, strict=True):
            said = f"no answer: {row.failure}" if row.failure else row.answer + (" […]" if row.truncated else "")
            screen.print(Padding(Text.assemble((f"{short}: ", "bold"), plain(said.strip())), (0, 0, 0, 3)))


def _told(answers: dict[str, list[JudgedRow]]) -> list[dict[str, Any]]:
    return [
        {
            "question": rows[0].messages[-1]["content"],
            "reference": rows[0].reference,
            "answers": {short: row.answer for short, row in zip(answers, rows, strict=True)},
        }
        for rows in zip(*answers.values(), strict=True)
    ]
