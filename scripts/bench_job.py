"""The whole job both ways on the same rows: the tutorial's own commands and loop, and `lfw run`. Seconds and scores.

    python scripts/bench_job.py --model FOLDER --template smollm2 --train train.xlsx --test val.xlsx \
        [--methods full,lora] [--epochs 3] [--rows 400 --test-rows 100] [--set train.learning_rate=5e-4] [--out FILE]

From raw workbooks of term normalisation to the share of exactly right answers. The tutorial converts with pandas,
trains with its own flags, merges (LoRA), and asks base and tuned in batches of 16 in file order; greedily here, as lfw
does, so that scores compare. lfw fills in what its recipe leaves out; `--set` is for its recipe alone.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from lf_wrap.pipeline import llamafactory_cli
from lf_wrap.pipeline.run_folder import RunFolder

ROOT = Path(__file__).resolve().parent.parent
PROMPT = (ROOT / "lf_wrap/sources/prompts/term_normalization.txt").read_text(encoding="utf-8")
COLUMNS = {"原始词": "term", "标准词": "standard"}
BATCH, ROOM = 16, 100  # of the tutorial's loop: rows at once, new tokens at most


class Clock:
    """Seconds by the name of the step."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def time(self, step: str, do: Callable[[], Any]) -> Any:
        began = time.perf_counter()
        done = do()
        self.seconds[step] = round(time.perf_counter() - began, 1)
        return done


def the_tutorials_way(work: Path, method: str, given: argparse.Namespace) -> dict[str, Any]:
    """Converts, trains, merges and asks as the tutorial does."""
    import torch

    clock = Clock()
    clock.time("convert", lambda: convert(work))
    weights = work / "weights"
    settings: dict[str, Any] = {
        "stage": "sft", "do_train": True, "model_name_or_path": str(given.model), "template": given.template,
        "dataset": "norm", "dataset_dir": str(work), "finetuning_type": method, "output_dir": str(weights),
        "overwrite_cache": True, "per_device_train_batch_size": 2, "gradient_accumulation_steps": 4,
        "lr_scheduler_type": "cosine", "logging_steps": 10, "save_strategy": "no", "learning_rate": 1e-4,
        "num_train_epochs": given.epochs, "plot_loss": True, "preprocessing_num_workers": 16, "cutoff_len": 4000,
    }  # fmt: skip
    settings |= {"bf16": True} if torch.cuda.is_available() else {"use_cpu": True}
    settings |= {key: yaml.safe_load(value) for key, value in (one.split("=", 1) for one in given.tutorial)}
    clock.time("train", lambda: factory("train", settings, work))
    if method == "lora":
        merge = {name: settings[name] for name in ("model_name_or_path", "template", "finetuning_type")}
        merge |= {"adapter_name_or_path": str(weights), "export_dir": str(work / "merged")}
        clock.time("merge", lambda: factory("export", merge, work))
        weights = work / "merged"
    base = clock.time("ask the base", lambda: asked_apart(given.model, work))
    tuned = clock.time("ask the tuned", lambda: asked_apart(weights, work))
    return {"seconds": clock.seconds, "base": base, "tuned": tuned}


def convert(work: Path) -> None:
    """The workbooks as Alpaca rows, registered."""
    import pandas

    for part in ("train", "test"):
        table = pandas.read_excel(work / f"{part}.xlsx").rename(columns=COLUMNS)
        with (work / f"norm_{part}.jsonl").open("w", encoding="utf-8") as lines:
            for row in table.itertuples():
                made = {"instruction": PROMPT.replace("{word}", str(row.term)), "input": "", "output": row.standard}
                lines.write(json.dumps(made, ensure_ascii=False) + "\n")
    (work / "dataset_info.json").write_text(json.dumps({"norm": {"file_name": "norm_train.jsonl"}}))


def factory(command: str, settings: dict[str, Any], work: Path) -> None:
    """`llamafactory-cli COMMAND` on these settings."""
    file = work / f"{command}.yaml"
    file.write_text(yaml.safe_dump(settings))
    run(llamafactory_cli(command, str(file)), work / f"{command}.log", work)


def run(command: list[str], log: Path, folder: Path) -> None:
    with log.open("w") as output:
        done = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, cwd=folder, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command[:3])} failed:\n" + "\n".join(log.read_text().splitlines()[-20:]))


def asked_apart(model: Path, work: Path) -> float:
    """The share of exactly right answers, in percent, asked in a process of its own."""
    answer = work / "right.json"
    run(
        [sys.executable, __file__, "--ask", str(model), str(work / "norm_test.jsonl"), str(answer)],
        work / "ask.log",
        work,
    )
    return float(json.loads(answer.read_text()))


def ask(model: Path, rows: Path, answer: Path) -> None:
    """The tutorial's loop: batches in file order, padded to the longest, until the longest answer ends."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    asked = [json.loads(line) for line in rows.read_text(encoding="utf-8").splitlines()]
    tokenizer = AutoTokenizer.from_pretrained(model, padding_side="left")
    on_gpu = torch.cuda.is_available()
    loaded = AutoModelForCausalLM.from_pretrained(model, dtype=torch.bfloat16 if on_gpu else torch.float32)
    loaded = loaded.to("cuda" if on_gpu else "cpu")
    turns = [[{"role": "user", "content": one["instruction"]}] for one in asked]
    prompts = tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
    right = 0
    for start in range(0, len(asked), BATCH):
        batch = tokenizer(prompts[start : start + BATCH], return_tensors="pt", padding=True).to(loaded.device)
        output = loaded.generate(**batch, max_new_tokens=ROOM, do_sample=False)
        new = tokenizer.batch_decode(output[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)
        right += sum(text == one["output"] for text, one in zip(new, asked[start:], strict=False))
    answer.write_text(json.dumps(100 * right / len(asked)))


def lfws_way(work: Path, method: str, given: argparse.Namespace) -> dict[str, Any]:
    """`lfw run` from the workbooks to the report; a recipe of what the tutorial decides, and nothing else."""
    source = {part: str(work / f"{part}.xlsx") for part in ("train", "test")}
    spec = {"datasets": {"norm": {"source": source, "type": "term_normalization", "prompt": PROMPT}}}
    recipe = {
        "model": str(given.model), "template": given.template, "data": {"build": "spec.yaml", "train": ["norm"]},
        "train": {"finetuning_type": method, "num_train_epochs": given.epochs}, "evaluate": {"test": ["norm"]},
    }  # fmt: skip
    for name, content in (("spec", spec), ("recipe", recipe)):
        (work / f"{name}.yaml").write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    command = [sys.executable, "-m", "lf_wrap", "run", "recipe.yaml", "--json", *(f"--set={one}" for one in given.set)]
    clock = Clock()
    clock.time("the whole command", lambda: run(command, work / "lfw.log", work))
    said = json.loads((work / "lfw.log").read_text().splitlines()[-1])
    stages = {
        event["stage"]: round(event["seconds"], 1)
        for event in RunFolder(work / said["run_dir"]).events()
        if "seconds" in event
    }
    score = said["scores"]["norm"]["exact match"]
    return {"seconds": stages | clock.seconds, "run": said, "base": 100 * score["base"], "tuned": 100 * score["tuned"]}


WAYS = {"the tutorial": the_tutorials_way, "lfw run": lfws_way}


def shorten(given: argparse.Namespace, work: Path) -> None:
    """The workbooks that both read: the first `--rows` and `--test-rows` of what was given."""
    import pandas

    for part, file, rows in (("train", given.train, given.rows), ("test", given.test, given.test_rows)):
        pandas.read_excel(file, nrows=rows).to_excel(work / f"{part}.xlsx", index=False)


def told(results: dict[str, dict[str, Any]]) -> str:
    """The results as a Markdown table."""
    lines = ["| | seconds | step by step | exact match, base → tuned |", "|---|---|---|---|"]
    for name, one in results.items():
        steps = {step: spent for step, spent in one["seconds"].items() if step != "the whole command"}
        whole = one["seconds"].get("the whole command", sum(steps.values()))
        each = ", ".join(f"{step} {spent:.1f}" for step, spent in steps.items())
        lines.append(f"| {name} | {whole:.0f} | {each} | {one['base']:.1f} % → {one['tuned']:.1f} % |")
    return "\n".join(lines)


def main() -> None:
    if sys.argv[1:2] == ["--ask"]:
        ask(*map(Path, sys.argv[2:5]))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--template", required=True)
    parser.add_argument("--train", type=Path, required=True, metavar="XLSX")
    parser.add_argument("--test", type=Path, required=True, metavar="XLSX")
    parser.add_argument("--methods", default="full,lora")
    parser.add_argument("--epochs", type=float, default=3.0)
    parser.add_argument("--rows", type=int, help="all when left out")
    parser.add_argument("--test-rows", type=int)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--tutorial", action="append", default=[], metavar="KEY=VALUE", help="instead of its own flag")
    parser.add_argument("--ways", default=",".join(WAYS), help="%(default)s")
    parser.add_argument("--out", type=Path, help="the results as JSON")
    given = parser.parse_args()
    given.model = given.model.resolve()
    results: dict[str, dict[str, Any]] = {}
    for method in given.methods.split(","):
        for name in given.ways.split(","):
            with tempfile.TemporaryDirectory() as folder:
                shorten(given, Path(folder))
                results[f"{method}, {name}"] = WAYS[name](Path(folder), method, given)
                print(told(results).splitlines()[-1], flush=True)
                if given.out:
                    given.out.write_text(json.dumps(results, indent=1, ensure_ascii=False), encoding="utf-8")
    print("\n" + told(results))


if __name__ == "__main__":
    main()
