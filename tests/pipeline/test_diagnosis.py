"""What a child's log says about why it failed."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lf_wrap.pipeline.diagnosis import diagnose, last_error
from lf_wrap.pipeline.failures import FAILURES
from tests.conftest import ROOT

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


# What tests/pipeline/provoke.py brings about, and what it is to be recognised as.
PROVOKED = {
    "unknown key": "unknown key",
    "unknown dataset": "unknown dataset",
    "no file": "dataset file",
    "no valid rows": "no valid rows",
    "other roles": "no valid rows",
    "mixed types": "not one schema",
    "broken json": "not one schema",
    "gbk": "encoding",
    "other columns": "column",
    "role tags": "column",
    "unknown template": "unknown template",
    "no bf16": "no bf16",
    "no bitsandbytes": "missing package",
    "no 8-bit optimizer": "missing package",
    "no deepspeed": "missing package",
    "no unsloth": "missing package",
    "no liger": "missing package",
    "no galore": "missing package",
    "no tracker": "missing package",
    "no metrics": "missing package",
    "quantized full": "quantized full tuning",
    "unknown target": "unknown modules",
    "cut-off weights": "weights cut off",
    "own code": "own code",
    "no hub": "no hub",
    "no evaluation rows": "no evaluation rows",
    "port in use": "port in use",
    "other shapes": "other shapes",
    "no memory": "memory",
    "disk full": "disk full",
    "disk full in torch": "disk full",
    "killed": "killed",
}
# A failure that cannot be had where the package is installed, or the hardware can do it.
ONLY_WITHOUT = {
    "no bitsandbytes": "bitsandbytes",
    "no 8-bit optimizer": "bitsandbytes",
    "no deepspeed": "deepspeed",
    "no unsloth": "unsloth",
    "no liger": "liger_kernel",
    "no galore": "galore_torch",
    "no tracker": "swanlab",
    "no metrics": "rouge_chinese",
}
# Messages that need a GPU or a hub to appear, word for word as they are printed; where from, failures.py says.
PRINTED = {
    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.20 GiB. GPU 0 has a total capacity of 79.10 GiB "
    "of which 1.05 GiB is free.": "GPU memory",
    "RuntimeError: CUDA error: out of memory": "GPU memory",
    "[rank1]:[E1123 ProcessGroupNCCL.cpp:616] [Rank 1] Watchdog caught collective operation timeout: "
    "WorkNCCL(SeqNum=12, OpType=ALLREDUCE, NumelIn=1, NumelOut=1, Timeout(ms)=600000) ran for 600021 milliseconds "
    "before timing out.": "NCCL timeout",
    "torch.distributed.DistBackendError: NCCL error in: ../torch/csrc/distributed/c10d/NCCLUtils.hpp:275, unhandled "
    "system error": "NCCL",
    "RuntimeError: The NVIDIA driver on your system is too old (found version 11040).": "CUDA driver",
    "RuntimeError: CUDA error: no kernel image is available for execution on the device": "CUDA architecture",
    "RuntimeError: CUDA error: device-side assert triggered": "CUDA assert",
    "RuntimeError: DataLoader worker (pid 4242) is killed by signal: Bus error. It is possible that dataloader's "
    "workers are out of shared memory. Please try to raise your shared memory limit.": "shared memory",
    "ValueError: The dataset is not applicable in the current training stage.": "wrong stage",
    "ImportError: transformers>=4.55.0,<=5.6.0 is required for a normal functioning of this module, but found "
    "transformers==4.40.0.": "version",
    "ValueError: Please use `FORCE_TORCHRUN=1` to launch DeepSpeed training.": "DeepSpeed alone",
    "OSError: You are trying to access a gated repo.": "gated model",
    "OSError: org/none is not a local folder and is not a valid model identifier listed on "
    "'https://huggingface.co/models'": "no such model",
    "HTTPConnectionPool(host='127.0.0.1', port=8265): Max retries exceeded with url: /": "Ray without its dashboard",
    "AssertionError: bsz should be 1 for neat packing": "packs with flash attention",
    "ConnectionError: Could not read 'dashboard' from GCS. Did GCS start successfully?": "Ray's dashboard",
    "ValueError: The length of packed example should be identical to the cutoff length.": "packed length",
    "ValueError: Output directory already exists and is not empty. Please set `overwrite_output_dir`.": "output folder",
    "ValueError: Cannot open data/dataset_info.json due to Expecting value: line 1 column 1.": "dataset_info.json",
}


@pytest.fixture(scope="session")
def provoked(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The logs and exit codes of all failures, each from a process of its own."""
    folder = tmp_path_factory.mktemp("provoked")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-m", "tests.pipeline.provoke", str(folder), str(tiny_model)]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    return folder


@pytest.mark.trains
@pytest.mark.parametrize(("failure", "name"), PROVOKED.items())
def test_a_failure_of_the_real_programs_is_recognised(provoked: Path, failure: str, name: str) -> None:
    if failure in ONLY_WITHOUT and importlib.util.find_spec(ONLY_WITHOUT[failure]):
        pytest.skip(f"{ONLY_WITHOUT[failure]} is installed here")
    code = json.loads((provoked / "exits.json").read_text())[failure]
    assert code != 0, (provoked / f"{failure}.log").read_text()
    found = diagnose(provoked / f"{failure}.log", code)
    assert found is not None, last_error(provoked / f"{failure}.log")
    assert found.name == name


@pytest.mark.parametrize(("printed", "name"), PRINTED.items(), ids=PRINTED.values())
def test_a_printed_message_is_recognised(tmp_path: Path, printed: str, name: str) -> None:
    log = tmp_path / "log"
    log.write_text(f"loading\n{printed}\nsubprocess.CalledProcessError: Command '['torchrun']' returned 1.\n")
    found = diagnose(log, 1)
    assert found is not None
    assert found.name == name


def test_every_known_failure_is_shown_by_one_of_these() -> None:
    assert {*PROVOKED.values(), *PRINTED.values()} == {failure.name for failure in FAILURES}


@pytest.mark.parametrize("log", ["ValueError: something new", "", "the memory is fine\nstep 5"])
def test_what_is_not_known_is_not_guessed_at(tmp_path: Path, log: str) -> None:
    (tmp_path / "log").write_text(log)
    assert diagnose(tmp_path / "log", 1) is None


def test_the_last_error_counts_not_one_that_was_overcome(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(
        "OSError: [Errno 28] No space left on device\nretrying\nValueError: Template qwenn does not exist.\n"
    )
    found = diagnose(log, 1)
    assert found is not None
    assert found.name == "unknown template"


def test_a_failure_before_this_run_is_not_its_own(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("torch.OutOfMemoryError: CUDA out of memory.\n")
    began_at = log.stat().st_size
    assert diagnose(log, 1, began_at) is None


def test_the_page_has_every_failure_and_no_other() -> None:
    page = (ROOT / "docs/troubleshooting.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \|$", page, re.MULTILINE)[1:]
    assert rows == [(failure.name, failure.means, failure.fix) for failure in FAILURES]
