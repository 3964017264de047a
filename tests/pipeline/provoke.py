"""Fails on purpose: trainings that LLaMA-Factory, transformers, PEFT or torch refuse, each in a process of its own.

    python -m tests.pipeline.provoke FOLDER MODEL     writes FOLDER/<failure>.log and FOLDER/exits.json

LLaMA-Factory is imported once, and each failure is a fork of that: the messages are those of the real
`llamafactory-cli train`, whose `run_exp` is called, or of the library that is called below it.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROW = {"instruction": "问", "input": "", "output": "答"}
GOOD = [ROW] * 4


def train(folder: Path, model: Path, rows: str = "good", **changed: Any) -> None:
    """`llamafactory-cli train` on a tiny dataset, with some arguments changed."""
    from llamafactory.train.tuner import run_exp

    common = {
        "model_name_or_path": str(model),
        "stage": "sft",
        "do_train": True,
        "finetuning_type": "lora",
        "dataset": rows,
        "dataset_dir": str(folder),
        "template": "qwen",
        "cutoff_len": 64,
        "output_dir": str(folder / f"out-{os.getpid()}"),
        "max_steps": 1,
        "use_cpu": True,
        "report_to": "none",
    }
    run_exp({key: value for key, value in {**common, **changed}.items() if value is not None})


def datasets(folder: Path) -> None:
    """A good dataset, and all the bad ones."""
    turn = {"from": "human", "value": "问"}
    contents: dict[str, str | bytes] = {
        "good.jsonl": lines(GOOD),
        "empty_answers.jsonl": lines([{"conversations": [turn, turn]}] * 4),
        "mixed_types.jsonl": lines([ROW] * 4 + [{**ROW, "history": "none"}, {**ROW, "history": [["a", "b"]]}]),
        "other_roles.jsonl": lines(
            [{"conversations": [{"from": "病人", "value": "问"}, {"from": "医生", "value": "答"}]}]
        ),
        "gbk.jsonl": json.dumps(ROW, ensure_ascii=False).encode("gbk") + b"\n",
        "other_columns.jsonl": lines([{"question": "问", "answer": "答"}] * 4),
        "role_tags.jsonl": lines([{"conversations": [{"role": "user", "content": "a"}]}] * 4),
        "broken.json": b'[{"instruction": "a", "output": ',
    }
    entries: dict[str, Any] = {"no_file": {"file_name": "nowhere.jsonl"}}
    for name, content in contents.items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        shared = (
            {"formatting": "sharegpt"}
            if name in ("empty_answers.jsonl", "other_roles.jsonl", "role_tags.jsonl")
            else {}
        )
        entries[Path(name).stem] = {"file_name": name, **shared}
    (folder / "dataset_info.json").write_text(json.dumps(entries))


def lines(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def cut_off_weights(folder: Path, model: Path) -> Path:
    broken = folder / "cut-off"
    shutil.copytree(model, broken)
    weights = broken / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    return broken


def own_code(folder: Path, model: Path) -> Path:
    """A model whose folder brings code of its own, as ChatGLM's does."""
    custom = folder / "own-code"
    shutil.copytree(model, custom)
    config = json.loads((custom / "config.json").read_text())
    config |= {"model_type": "mine", "auto_map": {"AutoConfig": "mine.Config", "AutoModelForCausalLM": "mine.Model"}}
    (custom / "config.json").write_text(json.dumps(config))
    (custom / "mine.py").write_text("")
    return custom


def port_in_use() -> None:
    """What torchrun's processes meet when another training has their port."""
    import torch.distributed

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        torch.distributed.TCPStore("127.0.0.1", taken.getsockname()[1], 2, is_master=True)


def other_shapes() -> None:
    from torch import nn

    nn.Linear(2, 2).load_state_dict(nn.Linear(3, 3).state_dict())


def no_memory() -> None:
    import torch

    resource.setrlimit(resource.RLIMIT_AS, (64 << 30, 64 << 30))
    torch.empty(1 << 40, dtype=torch.uint8)


def disk_full_weights() -> None:
    with Path("/dev/full").open("wb") as handle:
        handle.write(b"\0" * 100_000)


def disk_full_optimizer() -> None:
    import torch

    torch.save({"a": torch.zeros(1 << 20)}, "/dev/full")


def failures(folder: Path, model: Path) -> dict[str, Callable[[], None]]:
    """Each failure that can be had without a GPU or a hub, by the name of its test."""

    def refused(rows: str = "good", **changed: Any) -> Callable[[], None]:
        return lambda: train(folder, model, rows, **changed)

    return {
        "unknown key": refused(lorra_rank=8),
        "unknown dataset": refused("goood"),
        "no file": refused("no_file"),
        "no valid rows": refused("empty_answers"),
        "mixed types": refused("mixed_types"),
        "other roles": refused("other_roles"),
        "gbk": refused("gbk"),
        "other columns": refused("other_columns"),
        "role tags": refused("role_tags"),
        "broken json": refused("broken"),
        "unknown template": refused(template="qwenn"),
        "no bf16": refused(bf16=True, use_cpu=None),
        "no bitsandbytes": refused(quantization_bit=4),
        "no 8-bit optimizer": refused(optim="paged_adamw_8bit"),
        "no deepspeed": refused(deepspeed={"zero_optimization": {"stage": 2}}),
        "no unsloth": refused(use_unsloth=True),
        "no liger": refused(enable_liger_kernel=True),
        "no galore": refused(use_galore=True, finetuning_type="full"),
        "no tracker": refused(report_to="swanlab"),
        "no metrics": refused(do_predict=True, predict_with_generate=True, eval_dataset="good"),
        "quantized full": refused(quantization_bit=4, finetuning_type="full"),
        "unknown target": refused(lora_target="no_such_proj"),
        "cut-off weights": lambda: train(folder, cut_off_weights(folder, model)),
        "own code": lambda: train(folder, own_code(folder, model)),
        "no hub": lambda: train(folder, Path("org/no-such-model")),
        "no evaluation rows": refused(eval_strategy="steps", eval_steps=1),
        "port in use": port_in_use,
        "other shapes": other_shapes,
        "no memory": no_memory,
        "disk full": disk_full_weights,
        "disk full in torch": disk_full_optimizer,
        "killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
    }


def fail(provoke: Callable[[], None], log: Path) -> int:
    """The exit code of a fork that does it, its output in `log`."""
    pid = os.fork()
    if pid == 0:
        with log.open("wb") as output:
            for descriptor in (1, 2):
                os.dup2(output.fileno(), descriptor)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        try:
            provoke()
        finally:
            # As Python itself ends a program: the traceback, and exit code 1 where there is one.
            failed = sys.exc_info()[0] is not None
            traceback.print_exc()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(failed)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def main(folder: Path, model: Path) -> None:
    import llamafactory.train.tuner  # noqa: F401

    datasets(folder)
    exits = {name: fail(provoke, folder / f"{name}.log") for name, provoke in failures(folder, model).items()}
    (folder / "exits.json").write_text(json.dumps(exits))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
