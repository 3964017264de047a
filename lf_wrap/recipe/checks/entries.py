"""Each dataset's entry in `dataset_info.json` says what LLaMA-Factory needs in this stage, in words that it knows.

It ignores a key that it does not know, and once `tags` is there it takes every tag left out for None (0.9.5,
`data/parser.py`); what its rows then lack is only said in the log, row by row (`data/converter.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lf_wrap.dataset import registered
from lf_wrap.errors import UserError, did_you_mean
from lf_wrap.files import shown
from lf_wrap.recipe.checks.case import Case
from lf_wrap.recipe.checks.datasets import named
from lf_wrap.recipe.checks.problem import Problem

ESSENTIAL_TAGS = ("role_tag", "content_tag", "user_tag", "assistant_tag")
TAGS = {*ESSENTIAL_TAGS, "observation_tag", "function_tag", "system_tag"}
COLUMNS = {"prompt", "query", "response", "history", "messages", "system", "tools", "images", "videos", "audios"}
COLUMNS |= {"chosen", "rejected", "kto_tag"}
KEYS = {"file_name", "formatting", "ranking", "subset", "split", "folder", "num_samples", "columns", "tags"}
KEYS |= {"hf_hub_url", "ms_hub_url", "om_hub_url", "script_url", "cloud_file_name"}
FORMATTINGS = {"alpaca", "sharegpt", "openai"}
COMPARING = {"rm", "dpo"}


def problems(case: Case) -> Iterator[Problem]:
    try:
        entries = registered(case.dataset_dir)
    except UserError:
        return  # told by the check of the datasets
    for _, name in named(case):
        if name in entries:
            where = f"{shown(case.dataset_dir / 'dataset_info.json')}: {name}"
            yield from _unknown_words(entries[name], where)
            yield from _tags(entries[name], where)
            yield from _stage(case, name, entries[name])


def _unknown_words(entry: dict[str, Any], where: str) -> Iterator[Problem]:
    for words, known in (
        (entry, KEYS),
        (entry.get("columns", {}), COLUMNS),
        (entry.get("tags", {}), TAGS),
    ):
        for word in words:
            if word not in known:
                what = f"LLaMA-Factory ignores {word!r} in a dataset's entry"
                yield Problem("warning", what, where, did_you_mean(word, known))
    if (formatting := entry.get("formatting", "alpaca")) not in FORMATTINGS:
        what = f"there is no formatting {formatting!r}"
        yield Problem("error", what, where, did_you_mean(str(formatting), FORMATTINGS))


def _tags(entry: dict[str, Any], where: str) -> Iterator[Problem]:
    if "tags" not in entry or entry.get("formatting", "alpaca") == "alpaca":
        return
    missing = [tag for tag in ESSENTIAL_TAGS if not entry["tags"].get(tag)]
    if missing:
        what = f"`tags` leaves out {', '.join(missing)}, which LLaMA-Factory then takes for nothing"
        yield Problem("error", what, where, "write all seven tags, or leave `tags` out")


def _stage(case: Case, name: str, entry: dict[str, Any]) -> Iterator[Problem]:
    stage, where = case.values["stage"], case.where("train.stage")
    columns, ranking = entry.get("columns", {"response": "output"}), bool(entry.get("ranking"))
    answers = "response" in columns or entry.get("formatting", "alpaca") != "alpaca"
    if ranking and stage not in COMPARING:
        what = f"dataset {name!r} holds pairs of a better and a worse answer: stage {stage} cannot train on it"
        yield Problem("error", what, where, "set stage: dpo, or take another dataset")
    elif stage in COMPARING and not ranking:
        what = f"stage {stage} needs pairs of answers, and dataset {name!r} has none (`ranking: true`)"
        yield Problem("error", what, where, "set stage: sft, or take a dataset with `chosen` and `rejected`")
    elif stage == "kto" and "kto_tag" not in columns:
        what = f"stage kto needs a verdict on each answer, and dataset {name!r} has none (`columns: kto_tag`)"
        yield Problem("error", what, where, "set stage: sft, or take another dataset")
    elif stage == "sft" and not answers:
        what = f"dataset {name!r} is plain text without answers: stage sft would drop every row of it"
        yield Problem("error", what, where, "set stage: pt, or take a dataset of conversations")
    elif stage == "pt" and answers:
        what = f"dataset {name!r} holds conversations: stage pt learns the first message of each and nothing else"
        yield Problem("warning", what, where, "set stage: sft, or build the dataset from plain text")
