"""How fast a model is asked: the tutorial's loop (batches of 16 in file order, padded to the longest) against lfw's.

Same model, same rows, greedy, on the GPU where there is one; in fp32 the answers must be identical, row by row, in
bf16 near-ties may fall either way. Give the base and the tuned model: the base runs to its limit in most rows, the
tuned one says a term and ends.

    python scripts/bench_eval.py --model models/SmolLM2-135M-Instruct --model runs/demo/TIME/model
        [--dataset-dir DIR --test NAME] [--rows 96] [--max-new-tokens 100] [--rounds 1]
        [--device cpu] [--dtype bfloat16] [--rows-at-once 512]
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
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
    parser.add_argument("--model", type=Path, action="append", dest="models", help="once for each model to measure")
    parser.add_argument("--dataset-dir", type=Path, help="the demo's, built on the spot, when left out")
    parser.add_argument("--test", default="demo_norm_test")
    parser.add_argument("--rows", type=int, default=96)
    parser.add_argument("--max-new-tokens", type=int, default=100, help="the tutorial's, for terms")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--device", choices=["cpu", "cuda"], help="cuda where there is a GPU, when left out")
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32", help="of both ways")
    parser.add_argument("--rows-at-once", type=int, help="lfw's; the engine's own number when left out")
    wish = parser.parse_args()
    if wish.device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""  # before torch looks
    with tempfile.TemporaryDirectory() as work:
        asked = questions(wish.dataset_dir or _demo(Path(work)), wish.test, wish.rows)
    print(f"{len(asked)} rows of {wish.test}, {wish.max_new_tokens} new tokens at most")
    for model in wish.models or [Path("models/SmolLM2-135M-Instruct")]:
        engine = _engine(model, wish.dtype, wish.rows_at_once)
        if wish.device == "cuda" and engine.device != "cuda":
            parser.error("there is no GPU here that torch can use")
        measure(engine, asked, wish.max_new_tokens, wish.rounds)


def measure(engine: Local, asked: list[Question], room: int, rounds: int) -> None:
    """Both ways in turn, `rounds` times each after a few rows to warm up; wall and processor seconds of one round."""
    ways: dict[str, Callable[[Local, list[Question], int], list[str]]] = {"loop": tutorial_loop, "lfw": lfw}
    for way in ways.values():
        way(engine, asked[:BATCH], 4)
    wall, cpu, answers = dict.fromkeys(ways, 0.0), dict.fromkeys(ways, 0.0), {}
    for _ in range(rounds):
        for name, way in ways.items():
            began, used = time.perf_counter(), time.process_time()
            answers[name] = way(engine, asked, room)
            wall[name] += (time.perf_counter() - began) / rounds
            cpu[name] += (time.process_time() - used) / rounds
    lengths = [len(ids) for ids in engine._ids(answers["lfw"])]
    print(f"{engine.folder} in {engine.dtype} on {_machine(engine)}, {engine.rows_at_once} rows at once by lfw")
    print(f"  answers of {sum(lengths) / len(lengths):.0f} tokens on average, of {max(lengths)} at most")
    for name in ways:
        print(f"  {name:5} {wall[name]:7.1f} s  {len(asked) / wall[name]:6.2f} rows/s  {cpu[name]:7.1f} s of processor")
    print(f"  lfw is {wall['loop'] / wall['lfw']:.2f} times as fast, {cpu['loop'] / cpu['lfw']:.2f} by processor time")
    print(f"  identical answers: {sum(map(str.__eq__, *answers.values()))} of {len(asked)}")


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


def _engine(model: Path, dtype: str, rows_at_once: int | None) -> Local:
    import torch

    engine = Local(model, rows_at_once=rows_at_once)
    engine.dtype = getattr(torch, dtype)
    return engine


def _machine(engine: Local) -> str:
    import torch

    if engine.device == "cuda":
        return str(torch.cuda.get_device_name())
    return f"{torch.get_num_threads()} threads of the CPU"


def _demo(work: Path) -> Path:
    lay_out(work)
    build(load_spec(work / "dataset_info/demo.yaml"), work / "dataset_info")
    return work / "dataset_info"


if __name__ == "__main__":
    main()
