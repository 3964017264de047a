"""`lfw eval`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lf_wrap.cli.complete import datasets, models
from lf_wrap.cli.output import console, json_option, print_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from lf_wrap.evaluation import Engine, JudgedSet


@click.command("eval")
@click.option(
    "--model", required=True, metavar="M", shell_complete=models, help="A folder or hub id; a server's name for it."
)
@click.option("--adapter", type=click.Path(exists=True, file_okay=False, path_type=Path), help="An adapter on M.")
@click.option(
    "--base",
    metavar="B",
    shell_complete=models,
    help="What M is held against; M without its adapter when one is given.",
)
@click.option(
    "--test",
    "tests",
    multiple=True,
    metavar="NAME",
    shell_complete=datasets,
    help="A dataset whose test rows are asked.",
)
@click.option("--task", metavar="T", help="How answers are judged; as each dataset's card says when left out.")
@click.option("--probe", multiple=True, metavar="NAME", help="general_zh, general_en, or a .jsonl file of questions.")
@click.option("--choice", multiple=True, metavar="PATH", help="C-Eval, CMMLU or MMLU: a CSV file, or a folder of them.")
@click.option("--harness", multiple=True, metavar="TASK", help="A task of lm-evaluation-harness, or its YAML file.")
@click.option("--perplexity", is_flag=True, help="Also measure how likely the references are.")
@click.option("--paraphrase", metavar="FILE", help="Also ask in other words: `general`, or a file of templates.")
@click.option("--memorisation", type=click.IntRange(1), metavar="N", help="Also ask about N training rows.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Questions of each set; all when left out.")
@click.option("--max-new-tokens", type=click.IntRange(1), metavar="N", help="Room for an answer.")
@click.option("--batch-size", type=click.IntRange(1), metavar="N", help="Rows at once; the answers are the same.")
@click.option("--engine", default="transformers", show_default=True, help="transformers, vllm or server.")
@click.option("--url", metavar="URL", help="With --engine server: for example http://127.0.0.1:8000/v1")
@click.option(
    "--dataset-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("dataset_info"),
    show_default=True,
    help="LLaMA-Factory's dataset_dir.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the answers go; runs/eval/<time> when left out.",
)
@json_option
def command(
    model: str,
    adapter: Path | None,
    base: str | None,
    tests: tuple[str, ...],
    task: str | None,
    engine: str,
    url: str | None,
    batch_size: int | None,
    dataset_dir: Path,
    out: Path | None,
    as_json: bool,
    **wishes: Any,
) -> None:
    """Ask a model the test rows, and say whether it is better than its base, and how sure that is.

    Needs something to ask: a dataset's test rows (--test), general questions (--probe), multiple choice
    from local CSV files (--choice), or lm-evaluation-harness's own tasks (--harness, needs its extra).
    Leaves OUT/evaluation with every question, answer and score. Answers are kept: with the same --out, the same model
    is not asked the same question twice. Without --base or --adapter the model's scores stand alone.

    \b
    Examples:
      lfw eval --model Qwen/Qwen2.5-0.5B-Instruct --adapter runs/med/x/adapter --test med_norm
      lfw eval --model runs/med/x/model --base models/Qwen2.5-0.5B-Instruct --test med_norm --probe general_zh
      lfw eval --model qwen --engine server --url http://127.0.0.1:8000/v1 --choice ceval/val
    """
    from datetime import UTC, datetime

    from lf_wrap.evaluation import question_sets, read_judged, refuse_harness
    from lf_wrap.files import shown
    from lf_wrap.pipeline import ask
    from lf_wrap.recipe import Evaluate

    if not (tests or wishes["probe"] or wishes["choice"] or wishes["harness"]):
        raise click.UsageError("nothing to ask: name --test, --probe, --choice or --harness")
    wishes |= {kind: list(wishes[kind]) for kind in ("probe", "choice", "harness")}
    wish = Evaluate(test=list(tests), tasks=dict.fromkeys(tests, task) if task else {}, **wishes)
    refuse_harness(wish.harness, engine)
    sets = question_sets(wish, dataset_dir)
    how = {"engine": engine, "url": url, "rows_at_once": batch_size}
    models = {"tuned": _opening(model, adapter, how)}
    if base or adapter:
        models = {"base": _opening(base or model, None, how), **models}
    folder = out or Path("runs/eval") / f"{datetime.now(UTC):%Y%m%d-%H%M%S.%f}"
    screen = console(as_json)
    ask(models, sets, folder / "evaluation", screen, how=wish)
    judged = read_judged(folder / "evaluation")
    scores = _scores(judged, compared=len(models) > 1)
    _tell(judged, scores, screen)
    screen.print(f"answers: {shown(folder)}/evaluation")
    if as_json:
        told = {
            one.name: {"kind": one.kind, "task": one.task, "rows": len(one.tuned), "failures": one.failures}
            for one in judged
        }
        print_json({"scores": scores, "sets": told, "folder": shown(folder)})


def _opening(model: str, adapter: Path | None, how: dict[str, Any]) -> Callable[[], Engine]:
    from lf_wrap.evaluation import engine_for
    from lf_wrap.model import local_folder

    def opening() -> Engine:
        folder = model if how["engine"] == "server" else local_folder(model)
        return engine_for(folder, adapter=adapter, **how)

    return opening


def _scores(judged: list[JudgedSet], *, compared: bool) -> dict[str, dict[str, Any]]:
    """By set and metric, as `lfw compare` tells them; with one model alone, its means and no difference."""
    from lf_wrap.evaluation import all_scores

    if compared:
        return {
            name: {metric: one.to_json() for metric, one in of_set.items()}
            for name, of_set in all_scores(judged).items()
        }
    alone: dict[str, Any] = {"base": None, "difference": None, "interval": None, "verdict": None}
    return {
        one.name: {
            metric: {**alone, "tuned": value, "n": sum(row.failure is None for row in one.tuned)}
            for metric, value in one.means(one.tuned).items()
        }
        for one in judged
    }


def _tell(judged: list[JudgedSet], scores: dict[str, dict[str, Any]], screen: Console) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table("questions", "metric", "base", "tuned", "difference", "verdict", box=None, pad_edge=False)
    for one in judged:
        for place, (metric, score) in enumerate(scores[one.name].items()):
            scale, unit = (100, " %") if one.metrics[metric].unit == "%" else (1, "")
            cells = [
                f"{scale * score[side]:.4g}{unit}" if score[side] is not None else "" for side in ("base", "tuned")
            ]
            difference = ""
            if score["difference"] is not None:
                ends = " … ".join("?" if end is None else f"{scale * end:+.3g}" for end in score["interval"])
                difference = f"{scale * score['difference']:+.3g} ({ends})"
            name = "" if place else f"{one.name} ({one.kind}, n = {score['n']})"
            table.add_row(*map(Text, (name, metric, *cells, difference, score["verdict"] or "")))
    screen.print(table, width=160)  # narrower ones would fold the intervals
