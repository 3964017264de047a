"""What a child's log says about why it failed."""

from __future__ import annotations

from pathlib import Path

import pytest

from lf_wrap.pipeline.diagnosis import last_error

TRACEBACK = """
[INFO|2026-01-01 10:00:00] llamafactory.data.loader:143 >> Loading dataset demo_train.jsonl...
Traceback (most recent call last):
  File "/site-packages/llamafactory/data/loader.py", line 52, in _load_single_dataset
    raise ValueError("Undefined dataset demo in dataset_info.json.")
ValueError: Undefined dataset demo in dataset_info.json.
"""
# What torchrun, which llamafactory-cli calls where there are several GPUs, adds below the rank's own traceback.
TORCHRUN = """
[rank0]: Traceback (most recent call last):
[rank0]:   File "/site-packages/torch/nn/modules/linear.py", line 125, in forward
[rank0]: torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.20 GiB.
Traceback (most recent call last):
  File "/site-packages/torch/distributed/launcher/api.py", line 269, in launch_agent
    raise ChildFailedError(
torch.distributed.elastic.multiprocessing.errors.ChildFailedError:
============================================================
llamafactory/launcher.py FAILED
------------------------------------------------------------
Root Cause (first observed failure):
  exitcode  : 1 (pid: 4242)
============================================================
Traceback (most recent call last):
  File "/site-packages/llamafactory/launcher.py", line 110, in launch
    process = subprocess.run(
subprocess.CalledProcessError: Command '['torchrun', '--nnodes', '1']' returned non-zero exit status 1.
"""
WRAPPERS = TORCHRUN[TORCHRUN.index("Traceback (most recent call last):\n  File") :]


@pytest.mark.parametrize(
    ("log", "said"),
    [
        (TRACEBACK, "ValueError: Undefined dataset demo in dataset_info.json."),
        (TRACEBACK + "\nwandb: waiting for uploads\n", "ValueError: Undefined dataset demo in dataset_info.json."),
        ("[rank0]: torch.OutOfMemoryError: CUDA out of memory.", "torch.OutOfMemoryError: CUDA out of memory."),
        ("ValueError: first\nKeyError: 'second'", "KeyError: 'second'"),
        ("  50%|█████ | 5/10\r  60%|██████ | 6/10\rRuntimeError: NaN", "RuntimeError: NaN"),
        ("KeyboardInterrupt", "KeyboardInterrupt"),
        ("pkg.errors.ConfigError: bad key", "pkg.errors.ConfigError: bad key"),
        ("AssertionError", "AssertionError"),
        ("ValueError: 数据集为空", "ValueError: 数据集为空"),
        ("Loading\nKilled\n\n", "Killed"),
        ("no errors were found\nEverything is fine", "Everything is fine"),
        ("", "it printed nothing"),
        ("\n \n", "it printed nothing"),
        (TORCHRUN, "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.20 GiB."),
        (WRAPPERS, WRAPPERS.splitlines()[-1]),
    ],
)
def test_the_last_error_of_a_log_is_found(tmp_path: Path, log: str, said: str) -> None:
    path = tmp_path / "train.log"
    path.write_text(log, encoding="utf-8")
    assert last_error(path) == said


def test_a_long_log_in_no_encoding_at_all_is_read_from_its_end(tmp_path: Path) -> None:
    path = tmp_path / "train.log"
    path.write_bytes(b"ValueError: long ago\n" + b"\xff\xfe step\n" * 100_000 + b"RuntimeError: now\n")
    assert last_error(path) == "RuntimeError: now"


def test_what_stood_in_the_log_before_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "train.log"
    path.write_text("ValueError: the run before\n")
    began_at = path.stat().st_size
    assert last_error(path, began_at) == "it printed nothing"
    with path.open("a") as log:
        log.write("Killed\n")
    assert last_error(path, began_at) == "Killed"
