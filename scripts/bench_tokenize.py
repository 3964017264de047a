"""lfw's tokenize stage against LLaMA-Factory's own preprocessing, on the same rows, in the same run.

Each contender is a process of its own and tells the seconds from the registered file to the tokenized rows on disk:
without the imports, which both need, and without the model. LLaMA-Factory is run with one worker (its default) and with
one for each core. Last comes lfw once more, finding what it made.

    python scripts/bench_tokenize.py DATASET_DIR DATASET MODEL --template qwen
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

THEIRS = """
import json, os, sys, time
from llamafactory.data import get_dataset, get_template_and_fix_tokenizer
from llamafactory.hparams import get_train_args
from llamafactory.model import load_tokenizer
model, data, training, tuning, _ = get_train_args(json.loads(sys.argv[1]))
tokenizer = load_tokenizer(model)
template = get_template_and_fix_tokenizer(tokenizer["tokenizer"], data)
began, computed = time.perf_counter(), sum(os.times()[:4])
rows = len(get_dataset(template, model, data, training, stage="sft", **tokenizer)["train_dataset"])
print(json.dumps([rows, time.perf_counter() - began, sum(os.times()[:4]) - computed]))
"""
OURS = """
import json, os, sys, time
from pathlib import Path
import pyarrow, tiktoken, tokenizers
from lf_wrap.dataset.tokenized import rows_in, tokenize, whole_or_not_at_all
from lf_wrap.recipe import base_model, tokenizing
settings = json.loads(sys.argv[1])
described = tokenizing(settings, base_model(settings["model_name_or_path"])).described()
began, computed = time.perf_counter(), sum(os.times()[:4])
how = tokenizing(settings, base_model(settings["model_name_or_path"]))
if not how.folder.exists():
    whole_or_not_at_all(how.folder, lambda aside: tokenize(described, how.arguments, aside))
spent = [time.perf_counter() - began, sum(os.times()[:4]) - computed]
print(json.dumps([rows_in(how.folder)["train"], *spent]))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset_dir", type=Path)
    parser.add_argument("dataset")
    parser.add_argument("model", type=Path)
    parser.add_argument("--template", default="qwen")
    parser.add_argument("--cutoff-len", type=int, default=2048)
    parser.add_argument("--copies", type=int, default=1, help="so many times the rows, in JSON lines")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        folder = place / "data"
        folder.mkdir()
        for file in asked.dataset_dir.glob("*.json*"):
            (folder / file.name).symlink_to(file.absolute())
        if asked.copies > 1:
            rows = folder / json.loads((folder / "dataset_info.json").read_text())[asked.dataset]["file_name"]
            content = rows.read_bytes()
            rows.unlink()
            rows.write_bytes(content * asked.copies)
        settings = {
            "model_name_or_path": str(asked.model.absolute()),
            "dataset": asked.dataset,
            "dataset_dir": str(folder),
            "template": asked.template,
            "cutoff_len": asked.cutoff_len,
        }
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        measured = [
            (f"LLaMA-Factory, {workers} worker{'s'[: workers > 1]}", *_theirs(settings, place, workers))
            for workers in sorted({1, cores})
        ]
        measured.append((f"lfw, {cores} cores", *_told(OURS, settings)))
        measured.append(("lfw, the same again", *_told(OURS, settings)))
    best = max(rows / seconds for name, rows, seconds, _ in measured if name.startswith("LLaMA"))
    print("| | rows | seconds | of computing | rows/s | against LLaMA-Factory's best |\n|---|---|---|---|---|---|")
    for name, rows, seconds, computed in measured:
        speed = rows / seconds
        print(f"| {name} | {rows:,} | {seconds:.2f} | {computed:.2f} | {speed:,.0f} | {speed / best:.2f}× |")


def _theirs(settings: dict[str, object], place: Path, workers: int) -> tuple[int, float, float]:
    job = {"stage": "sft", "do_train": False, "finetuning_type": "lora", "use_cpu": True, "report_to": "none"}
    job |= {"tokenized_path": str(place / f"by-{workers}"), "output_dir": str(place / "output")}
    job |= {"preprocessing_num_workers": workers, "cache_dir": str(place / f"cache-{workers}")}
    return _told(THEIRS, settings | job)


def _told(program: str, settings: dict[str, object]) -> tuple[int, float, float]:
    """What the program prints last: rows, seconds on the clock, and seconds of computing in all its processes."""
    command = [sys.executable, "-c", program, json.dumps(settings)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(done.stderr)
    rows, seconds, computed = json.loads(done.stdout.splitlines()[-1])
    return rows, seconds, computed


if __name__ == "__main__":
    main()
