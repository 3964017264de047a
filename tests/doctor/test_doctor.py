"""`lfw doctor`: it finds what is wrong, says what mends it, and never falls over a machine in a bad way."""

from __future__ import annotations

import socket
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pytest

from lf_wrap.doctor import Finding, examine
from lf_wrap.doctor.gpus import gpus
from lf_wrap.doctor.hubs import hubs
from lf_wrap.doctor.kept import kept
from lf_wrap.doctor.machine import machine
from lf_wrap.doctor.packages import OPTIONAL, packages
from tests.conftest import Lfw
from tests.hub.server import Repositories, serving

OFFLINE = {"HF_ENDPOINT": "http://127.0.0.1:9", "MODELSCOPE_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_OFFLINE": "0"}


@pytest.fixture(autouse=True)
def no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in OFFLINE.items():
        monkeypatch.setenv(name, value)


def named(findings: list[Finding], name: str) -> Finding:
    return next(finding for finding in findings if finding.name == name)


def nvidia_smi(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Puts an `nvidia-smi` first on PATH that is this shell script."""
    file = folder / "nvidia-smi"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_every_finding_that_is_not_well_says_what_mends_it(tmp_path: Path) -> None:
    findings = examine(tmp_path)
    assert {finding.part for finding in findings} == {"packages", "gpus", "hubs", "machine"}  # nothing is kept here
    assert not [finding for finding in findings if finding.state in {"absent", "bad"} and not finding.fix]


def test_json_is_one_line_with_everything_people_see(lfw: Lfw) -> None:
    ran = lfw("doctor", "--json", env=OFFLINE)
    assert (ran.code, ran.json["ok"]) == (0, True), ran.err
    assert ran.out.count("\n") == 1
    shown: list[dict[str, Any]] = ran.json["findings"]
    assert all(finding["name"] in ran.err for finding in shown)


@pytest.mark.parametrize("one", OPTIONAL, ids=lambda one: one.package)
def test_what_may_be_added_says_what_for_and_how(one: Any) -> None:
    found = named(packages(), one.package)
    try:
        assert (found.state, found.what) == ("ok", version(one.package))
    except PackageNotFoundError:
        assert (found.state, found.enables) == ("absent", one.enables)
        assert found.fix.startswith("pip install ")


def test_what_lfw_needs_and_is_not_there_is_bad(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_installed(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("lf_wrap.doctor.packages.version", none_installed)
    found = named(packages(), "llamafactory")
    assert (found.state, found.fix) == ("bad", "pip install 'llamafactory<0.10,>=0.9.5'")


def test_a_version_that_lfw_does_not_know_is_bad(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lf_wrap.doctor.packages.version", lambda _: "0.8.0")
    assert named(packages(), "llamafactory").state == "bad"


def test_a_gpu_and_its_free_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nvidia_smi(tmp_path, monkeypatch, 'echo "0, NVIDIA H100 80GB HBM3, 81559, 81000, 550.54"')
    monkeypatch.setattr("lf_wrap.doctor.gpus.ASK_TORCH", "print('[true, 1]')")
    findings = gpus()
    assert named(findings, "gpu 0").what == "NVIDIA H100 80GB HBM3, 79.1 of 79.6 GiB free, driver 550.54"
    assert named(findings, "torch on the GPU").state == "ok"


def test_a_gpu_that_others_use_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nvidia_smi(tmp_path, monkeypatch, 'echo "0, NVIDIA H100, 81559, 1000, 550.54"')
    monkeypatch.setattr("lf_wrap.doctor.gpus.ASK_TORCH", "print('[true, 1]')")
    assert named(gpus(), "gpu 0").state == "note"


@pytest.mark.parametrize(
    ("torch_says", "state"),
    [("print('[false, 0]')", "bad"), ("raise ImportError('libcudart.so.12')", "bad"), ("print('[true, 8]')", "ok")],
)
def test_a_torch_that_cannot_use_the_gpu_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, torch_says: str, state: str
) -> None:
    nvidia_smi(tmp_path, monkeypatch, 'echo "0, NVIDIA H100, 81559, 81000, 550.54"')
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr("lf_wrap.doctor.gpus.ASK_TORCH", torch_says)
    monkeypatch.setattr("lf_wrap.doctor.gpus.torch_cuda", lambda: "12.8")
    assert named(gpus(), "torch on the GPU").state == state


def test_a_driver_that_hangs_or_fails_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nvidia_smi(tmp_path, monkeypatch, "echo NVIDIA-SMI has failed; exit 9")
    assert "NVIDIA-SMI has failed" in gpus()[0].what
    monkeypatch.setattr("lf_wrap.doctor.gpus.SECONDS_TO_ANSWER", 0.2)
    nvidia_smi(tmp_path, monkeypatch, "exec sleep 30")
    assert (gpus()[0].state, "has not answered" in gpus()[0].what) == ("bad", True)


def test_hubs_that_answer_and_hubs_that_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(Repositories()) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.address.replace("http://", "http://me:secret@"))
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        findings = hubs()
    assert (named(findings, "ModelScope").state, "MODELSCOPE_ENDPOINT" in named(findings, "ModelScope").fix) == (
        "note",
        True,
    )
    assert "secret" not in str(findings)


@pytest.mark.parametrize("said", ["hf-mirror.com", "ftp://mirror", "nonsense"])
def test_a_mirror_that_is_no_address_is_found(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.setenv("HF_ENDPOINT", said)
    found = named(hubs(), "Hugging Face")
    assert (found.state, "is no web address" in found.what) == ("bad", True)


def test_a_port_that_is_taken_is_told_with_what_it_is_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setattr("lf_wrap.doctor.machine.PORTS", {port: "the board"})
        found = named(machine(tmp_path), f"port {port}")
    assert (found.state, found.enables) == ("note", "the board")
    assert f":{port}" in found.fix


def test_what_lfw_keeps_is_told_with_its_size_and_the_command_that_is_rid_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows, answers = tmp_path / "dataset_info/.tokenized/abc/train/data.arrow", tmp_path / "runs/.answers.sqlite"
    for file in (rows, answers):
        file.parent.mkdir(parents=True)
        file.write_bytes(b"0" * (3 << 20))
    told = [(one.name, one.state, one.what, one.fix.partition("  ")[0]) for one in kept(Path())]
    assert told == [
        ("tokenized rows", "ok", "3.0 MiB in 1 sets at dataset_info/.tokenized", "rm -r dataset_info/.tokenized"),
        ("answers", "ok", "3.0 MiB in runs/.answers.sqlite", "rm runs/.answers.sqlite"),
    ]
    monkeypatch.setattr("lf_wrap.doctor.kept.MUCH", 1 << 20)
    assert [one.state for one in kept(Path())] == ["note", "note"]


def test_what_cannot_be_looked_at_is_a_finding_and_the_rest_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> list[Finding]:
        raise RuntimeError("no such device")

    monkeypatch.setattr(sys.modules["lf_wrap.doctor.examine"], "gpus", broken)
    findings = examine(tmp_path)
    assert named(findings, "gpus").what == "could not be looked at: no such device"
    assert named(findings, "python").state == "ok"


def test_something_broken_is_exit_1(lfw: Lfw) -> None:
    ran = lfw("doctor", "--json", env={**OFFLINE, "HF_ENDPOINT": "nonsense"})
    assert (ran.code, ran.json["ok"]) == (1, False)
    assert "Traceback" not in ran.err
