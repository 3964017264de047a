"""Training settings side by side: speed, memory, utilisation, and held-out loss against tokens and seconds.

    python scripts/bench_train.py --model Qwen/Qwen2.5-0.5B-Instruct --train med --held-out med_test \
        --settings tutorial,masters,bf16-weights --steps 40
    python scripts/bench_train.py --shape qwen2.5-0.5b --tokenizer FOLDER --train med --held-out med_test \
        --settings masters@3e-4 --epochs 1 --evaluations 10

Every setting of bench_train_settings.yaml runs in a process of its own through LLaMA-Factory's own `run_exp`, forked
after the imports so that they are paid once. `NAME@3e-4` runs a setting with another learning rate, `NAME@3e-4@2` for
two epochs. Evaluation is kept out of the clock and out of the memory peak. Results go to the terminal as a table and
to --out as JSON.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import statistics
import sys
import tempfile
import time
import traceback
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

SETTINGS = Path(__file__).with_name("bench_train_settings.yaml")
# The published configurations, for machines without a hub: https://huggingface.co/Qwen/Qwen2.5-0.5B/blob/main/config.json
# and …/Qwen2.5-7B/…; weights are then random, which is as good for speed and memory, not for what is learnt.
SHAPES: dict[str, dict[str, Any]] = {
    "qwen2.5-0.5b": {"hidden_size": 896, "num_hidden_layers": 24, "num_attention_heads": 14, "num_key_value_heads": 2,
                     "intermediate_size": 4864, "vocab_size": 151936, "tie_word_embeddings": True},
    "qwen2.5-7b": {"hidden_size": 3584, "num_hidden_layers": 28, "num_attention_heads": 28, "num_key_value_heads": 4,
                   "intermediate_size": 18944, "vocab_size": 152064, "tie_word_embeddings": False},
    "tiny": {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
             "intermediate_size": 128, "tie_word_embeddings": True},
}  # fmt: skip
FEWEST = 4  # steps, the first third of which is warming up
LEARNING_RATE = {"full": 1e-4, "lora": 1e-4}  # the tutorial's, for both


def settings_of(wish: str) -> dict[str, Any]:
    """The train arguments of `NAME[@learning rate[@epochs]]`, with what it is like resolved."""
    name, *rest = wish.split("@")
    known = yaml.safe_load(SETTINGS.read_text(encoding="utf-8"))
    chain: list[dict[str, Any]] = []
    while name:
        if name not in known:
            sys.exit(
                f"no setting {name!r} in {SETTINGS.name}: it has {', '.join(key for key in known if key != 'shared')}"
            )
        chain.append(dict(known[name]))
        name = chain[-1].pop("like", None)
    arguments = dict(known["shared"])
    for one in reversed(chain):
        arguments |= one
    arguments["learning_rate"] = float(rest[0]) if rest else LEARNING_RATE[arguments["finetuning_type"]]
    if len(rest) > 1:
        arguments["num_train_epochs"] = float(rest[1])
    return arguments


def make_model(shape: str, tokenizer: Path, folder: Path) -> None:
    """A model of the published `shape` with random weights and the tokenizer of `tokenizer`, saved in bf16."""
    import shutil

    import torch
    from transformers import AutoModelForCausalLM, Qwen2Config

    made = SHAPES[shape]
    if "vocab_size" not in made:
        from transformers import AutoTokenizer

        made = made | {"vocab_size": len(AutoTokenizer.from_pretrained(tokenizer))}
    config = Qwen2Config(**made, max_position_embeddings=32768, rope_theta=1e6, use_sliding_window=False)
    torch.manual_seed(0)
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    model.save_pretrained(folder)
    for file in tokenizer.iterdir():
        shutil.copy(file, folder)


def matmul_rate() -> float:
    """The bf16 matrix rate this card reaches, in FLOP/s: 8192³, the best of five rounds of ten."""
    import torch

    a = torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16)
    best = 0.0
    for _ in range(6):
        torch.cuda.synchronize()
        began = time.perf_counter()
        for _ in range(10):
            a @ a
        torch.cuda.synchronize()
        best = max(best, 10 * 2 * 8192**3 / (time.perf_counter() - began))
    return best


def flops_a_token(model: Any, mean_squared_over_mean: float) -> float:
    """FLOPs of one step for one real token: 6 for every weight that is trained, 4 for one that is not (no gradient of
    it), and causal attention, 6 · layers · hidden · length (Chowdhery et al. 2022, PaLM, appendix B, halved because a
    token sees half of its row on average). Embedding look-ups cost none; recomputation is not counted.
    """
    config = model.config
    total: float = 0.0
    tied = config.tie_word_embeddings
    for name, weight in model.named_parameters():
        if "embed_tokens" in name and not tied:
            continue
        total += (6 if weight.requires_grad else 4) * int(weight.numel())
    return total + 6 * int(config.num_hidden_layers) * int(config.hidden_size) * mean_squared_over_mean


def measure(arguments: dict[str, Any], wanted: argparse.Namespace) -> dict[str, Any]:
    """Trains once and returns what was measured."""
    import torch
    from llamafactory.train.sft import workflow
    from llamafactory.train.tuner import run_exp
    from transformers import TrainerCallback

    on_gpu = torch.cuda.is_available()

    class Meter(TrainerCallback):  # type: ignore[misc]
        """Times every step, reads the memory, and asks for the held-out loss at the wished steps, clock stopped."""

        def __init__(self) -> None:
            self.seconds: list[float] = []
            self.curve: list[dict[str, float]] = []
            self.losses: list[float] = []
            self.peak = self.reserved = 0
            self.spent = 0.0
            self.held_out: Any = None

        def on_train_begin(self, args: Any, state: Any, control: Any, **given: Any) -> None:
            rows = given["train_dataloader"].dataset
            spans = [span for row in rows["attention_mask"] for span in spans_of(row)]
            self.tokens_a_row = sum(spans) / len(rows)
            self.rows = len(rows)
            self.learnt_a_row = sum(sum(label != -100 for label in row) for row in rows["labels"]) / len(rows)
            self.a_token = flops_a_token(given["model"], sum(span**2 for span in spans) / sum(spans))
            self.trainable = sum(one.numel() for one in given["model"].parameters() if one.requires_grad)
            steps = state.max_steps
            self.marks = {round(steps * part / wanted.evaluations) for part in range(1, wanted.evaluations + 1)}
            if wanted.evaluations:
                self.look(0, given)
            self.clear()

        def clear(self) -> None:
            if on_gpu:
                torch.cuda.synchronize()
                torch.cuda.reset_peak_memory_stats()
            self.began = time.perf_counter()

        def on_step_end(self, args: Any, state: Any, control: Any, **given: Any) -> None:
            if on_gpu:
                torch.cuda.synchronize()
                self.peak = max(self.peak, torch.cuda.max_memory_allocated())
                self.reserved = max(self.reserved, torch.cuda.max_memory_reserved())
            self.seconds.append(time.perf_counter() - self.began)
            self.spent += self.seconds[-1]
            if state.global_step in self.marks:
                self.look(state.global_step, given)
            if wanted.seconds and self.spent > wanted.seconds:
                control.should_training_stop = True
            self.clear()

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **given: Any) -> None:
            if logs and "loss" in logs:
                self.losses.append(float(logs["loss"]))

        def look(self, step: int, given: dict[str, Any]) -> None:
            """The held-out loss a learnt token, over all held-out rows. The model stays in training mode, where liger
            computes the loss without the logits; none of the settings has dropout."""
            total, count, model = 0.0, 0, given["model"]
            with torch.no_grad():
                for batch in self.held_out:
                    batch = {
                        key: value.to(model.device) if hasattr(value, "to") else value for key, value in batch.items()
                    }
                    learnt = int((batch["labels"][:, 1:] != -100).sum())
                    total += float(model(**batch).loss) * learnt
                    count += learnt
            self.curve.append({"step": step, "seconds": round(self.spent, 2), "loss": round(total / count, 4)})
            if wanted.out:  # a run that is stopped keeps what it has learnt so far
                with wanted.out.with_suffix(".curve.jsonl").open("a") as lines:
                    lines.write(json.dumps({"lr": arguments["learning_rate"], **self.curve[-1]}) + "\n")

    meter = Meter()

    class Known(workflow.CustomSeq2SeqTrainer):  # type: ignore[misc]
        """LLaMA-Factory's trainer, which lends the meter its loader of held-out rows."""

        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(*given, **named)
            meter.held_out = self.get_eval_dataloader()

    workflow.CustomSeq2SeqTrainer = Known
    with tempfile.TemporaryDirectory() as out:
        run_exp({**arguments, "output_dir": out}, callbacks=[meter])
    steady = meter.seconds[len(meter.seconds) // 3 :]
    a_step = statistics.median(steady)
    per_step = arguments["per_device_train_batch_size"] * arguments.get("gradient_accumulation_steps", 1)
    tokens = meter.tokens_a_row * per_step / a_step
    result = {
        "steps": len(meter.seconds),
        "seconds_a_step": round(a_step, 4),
        "tokens_a_second": round(tokens),
        "tokens_a_step": round(meter.tokens_a_row * per_step),
        "rows_or_packs": meter.rows,
        "seconds_an_epoch": round(meter.rows / per_step * a_step, 1),
        "trainable": meter.trainable,
        "flops_a_token": meter.a_token,
        "first_loss": meter.losses[0] if meter.losses else None,
        "last_loss": statistics.fmean(meter.losses[-5:]) if meter.losses else None,
        "losses": meter.losses[:12],  # settings that only compute otherwise must agree here
        "train_seconds": round(meter.spent, 2),
        "held_out": meter.curve,
    }
    if on_gpu:
        gib = 1 << 30
        result |= {"peak_gib": round(meter.peak / gib, 2), "reserved_gib": round(meter.reserved / gib, 2)}
    return result


def spans_of(mask: list[int]) -> list[int]:
    """The lengths of the rows in one attention mask: neat packing numbers its rows 1, 2, …; 0 is padding."""
    from collections import Counter

    return [length for number, length in Counter(mask).items() if number]


def apart(do: Any, *given: Any) -> dict[str, Any]:
    """What `do` returns, from a forked process with a CUDA context of its own; {"failed": …} when it fails."""
    answers: Any = multiprocessing.get_context("fork").Queue()

    def work() -> None:
        try:
            answers.put(do(*given))
        except BaseException as error:  # noqa: BLE001  (whatever it was belongs in the table)
            traceback.print_exc()
            answers.put(
                {"failed": f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error) else ''}"}
            )

    child = multiprocessing.get_context("fork").Process(target=work)
    child.start()
    while child.is_alive() and answers.empty():
        time.sleep(0.2)
    answer: dict[str, Any] = answers.get() if not answers.empty() else {"failed": f"exit {child.exitcode}"}
    child.join()
    return answer


def packs(arguments: dict[str, Any]) -> bool:
    """Whether rows are packed, the held-out ones too: a batch of one is then full."""
    return bool(arguments.get("packing") or arguments.get("neat_packing"))


def about_card() -> dict[str, Any]:
    import torch

    if not torch.cuda.is_available():
        return {"device": platform.processor() or "CPU"}
    return {"device": torch.cuda.get_device_name(), "matmul_flops": matmul_rate()}


def table(results: dict[str, dict[str, Any]], card: dict[str, Any]) -> str:
    """The results as a Markdown table."""
    lines = [
        "| setting | steps | s/step | tokens/s | s/epoch | peak GiB | utilisation | held-out loss |",
        "|---|" + "---|" * 7,
    ]
    for name, one in results.items():
        if "failed" in one:
            lines.append(f"| {name} | failed: {one['failed'][:120]} |" + " |" * 6)
            continue
        rate = card.get("matmul_flops")
        used = f"{100 * one['tokens_a_second'] * one['flops_a_token'] / rate:.0f} %" if rate else ""
        curve = one["held_out"][1:]
        held = f"{curve[-1]['loss']:.3f} after {curve[-1]['seconds']:.0f} s" if curve else ""
        if one["steps"] < FEWEST:
            lines.append(f"| {name} | {one['steps']} | too few to tell | | | {one.get('peak_gib', '')} | | |")
            continue
        speed = f"{one['seconds_a_step']:.3f} | {one['tokens_a_second']:,} | {one['seconds_an_epoch']:.0f}"
        lines.append(f"| {name} | {one['steps']} | {speed} | {one.get('peak_gib', '')} | {used} | {held} |")
    return "\n".join(lines)


def saved_tables(files: list[Path]) -> str:
    """What --out wrote, as one table a model shape; settings that were measured twice stand there twice."""
    parts = []
    known = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    for shape in dict.fromkeys(one["shape"] for one in known):
        ours = [one for one in known if one["shape"] == shape]
        lines = [line for one in ours for line in table(one["results"], one["card"]).splitlines()[2:]]
        heads = table({}, {}).splitlines()
        parts.append("\n".join([*heads, *lines]))
    return "\n\n".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="a model folder or id")
    parser.add_argument("--shape", choices=SHAPES, help="random weights of this shape instead")
    parser.add_argument("--tokenizer", type=Path, help="the tokenizer's folder, with --shape")
    parser.add_argument("--dataset-dir", default="dataset_info")
    parser.add_argument("--train")
    parser.add_argument("--held-out")
    parser.add_argument("--settings", help="NAME[@learning rate[@epochs]], separated by commas")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="an argument for all of them")
    parser.add_argument("--steps", type=int, help="stop after so many steps; whole epochs when left out")
    parser.add_argument("--epochs", type=float, default=1.0)
    parser.add_argument("--seconds", type=float, help="stop a setting after so many seconds of training")
    parser.add_argument("--evaluations", type=int, default=0, help="points of the held-out curve")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--table", type=Path, nargs="+", metavar="FILE", help="print what --out wrote, and stop")
    wanted = parser.parse_args()
    if wanted.table:
        print(saved_tables(wanted.table))
        return
    if missing := [name for name in ("train", "held_out", "settings") if not getattr(wanted, name)]:
        parser.error(f"--{missing[0].replace('_', '-')} is needed")

    os.environ.setdefault("PYTORCH_NVML_BASED_CUDA_CHECK", "1")  # or asking for CUDA here would spoil it for the forks
    # The imports that every fork shares; not llamafactory itself, which starts CUDA when it is imported.
    import datasets  # noqa: F401
    import peft  # noqa: F401
    import torch
    import transformers.trainer_seq2seq  # noqa: F401
    import trl  # noqa: F401

    if torch.cuda.is_initialized():
        sys.exit("an import started CUDA: the settings could not be forked")

    results: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        model = wanted.model
        if wanted.shape:
            model = f"{scratch}/model"
            apart(make_model, wanted.shape, wanted.tokenizer, Path(model))
        card = apart(about_card)
        versions = {name: version(name) for name in ("llamafactory", "torch", "transformers", "peft")}
        for wish in wanted.settings.split(","):
            arguments = {"num_train_epochs": wanted.epochs} | settings_of(wish)
            arguments |= {"model_name_or_path": model, "dataset_dir": wanted.dataset_dir, "dataset": wanted.train}
            arguments |= {"eval_dataset": wanted.held_out, "per_device_eval_batch_size": 1 if packs(arguments) else 16}
            arguments |= {key: yaml.safe_load(value) for key, value in (one.split("=", 1) for one in wanted.set)}
            if wanted.steps:
                arguments["max_steps"] = wanted.steps
            if card["device"] == "CPU" or "matmul_flops" not in card:
                arguments |= {"use_cpu": True, "bf16": False, "pure_bf16": False, "enable_liger_kernel": False}
            results[wish] = {"arguments": arguments, **apart(measure, arguments, wanted)}
            print(table({wish: results[wish]}, card).splitlines()[-1], flush=True)
            if wanted.out:
                known = {"card": card, "versions": versions, "shape": wanted.shape, "results": results}
                wanted.out.write_text(json.dumps(known, indent=1), encoding="utf-8")
    print(f"\n{card}\n\n{table(results, card)}")


if __name__ == "__main__":
    main()
