"""How fast a model is asked: the tutorial's loop (batches of 16 in file order, padded to the longest) against lfw's.

Same model, same rows, greedy, fp32 on the CPU; the answers must be identical, row by row.

    python scripts/bench_eval.py [--model FOLDER] [--dataset-dir DIR --test NAME] [--rows 96] [--max-new-tokens 100]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

from lf_wrap.dataset import build, load_spec
from lf_wrap.evaluation import Question, questions
from lf_wrap.evaluation.engines import Asked
from lf_wrap.evaluation.engines.local import Local
from lf_wrap.evaluation.tasks import Reply
from lf_wrap.pipeline import lay_out

BATCH = 16  # the tutorial's


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=Path("models/SmolLM2-135M-Instruct"))
    parser.add_argument("--dataset-dir", type=Path, help="the demo's, built on the spot, when left out")
    parser.add_argument("--test", default="demo_norm_test")
    parser.add_argument("--rows", type=int, default=96)
    parser.add_argument("--max-new-tokens", type=int, default=100, help="the tutorial's, for terms")
    parser.add_argument("--rounds", type=int, default=1)
    wish = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        asked = questions(wish.dataset_dir or _demo(Path(work)), wish.test, wish.rows)
    engine = Local(wish.model)
    engine.model.float()
    loop, ours, seconds = [], [], {"loop": 0.0, "lfw": 0.0}
    for _ in range(wish.rounds):
        began = time.perf_counter()
        loop = tutorial_loop(engine, asked, wish.max_new_tokens)
        seconds["loop"] += time.perf_counter() - began
        began = time.perf_counter()
        ours = lfw(engine, asked, wish.max_new_tokens)
        seconds["lfw"] += time.perf_counter() - began
    print(
        f"{len(asked)} rows of {wish.test}, {wish.max_new_tokens} new tokens at most, {engine.dtype}, {engine.device}"
    )
    for name, spent in seconds.items():
        print(f"{name:5} {spent / wish.rounds:8.1f} s  {wish.rounds * len(asked) / spent:7.2f} rows/s")
    print(f"lfw is {seconds['loop'] / seconds['lfw']:.2f} times as fast")
    print(f"identical answers: {sum(a == b for a, b in zip(loop, ours, strict=True))} of {len(asked)}")


def tutorial_loop(engine: Local, asked: list[Question], room: int) -> list[str]:
    """The tutorial's `get_output`: batches of 16 in file order, each until its longest answer ends."""
    import torch

    answers: list[str] = []
    tokenizer: Any = engine.tokenizer
    prompts = [engine.prompt(question.messages) for question in asked]
    for start in range(0, len(prompts), BATCH):
        batch = tokenizer(prompts[start : start + BATCH], return_tensors="pt", padding=True, add_special_tokens=False)
        with torch.inference_mode():
            output = engine.model.generate(
                **batch.to(engine.device), max_new_tokens=room, do_sample=False, repetition_penalty=1.0
            )
        new = output[:, batch["input_ids"].shape[1] :]
        answers += [text.strip() for text in tokenizer.batch_decode(new, skip_special_tokens=True)]
    return answers


def lfw(engine: Local, asked: list[Question], room: int) -> list[str]:
    """The same through lfw's engine, without its cache."""
    found: dict[int, Reply] = {}
    engine.answer([Asked(one.messages, room, one.reference) for one in asked], found.__setitem__)
    return [found[place].text for place in range(len(asked))]


def _demo(work: Path) -> Path:
    lay_out(work)
    build(load_spec(work / "dataset_info/demo.yaml"), work / "dataset_info")
    return work / "dataset_info"


if __name__ == "__main__":
    main()
