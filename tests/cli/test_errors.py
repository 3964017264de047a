"""Exit codes, messages and streams: what a person reads and what a script can rely on."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lf_wrap.files import locked
from tests.conftest import Lfw

# `lfw` with one more command, which has a bug.
WITH_A_BUG = """
import sys, types, click
from lf_wrap.cli import main
main.COMMANDS["boom"] = ("boom", "")
sys.modules["lf_wrap.cli.boom"] = types.SimpleNamespace(command=click.command()(lambda: 1 / 0))
main.run()
"""
NO_SUCH = ("render", "nowhere.yaml")
MODEL = "--set=model=org/model"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (NO_SUCH, "nowhere.yaml does not exist"),
        (("render", "recipes"), "recipes is a folder"),
        (("render", "recipes/demo.yaml", "--set", "train"), "not key=value"),
        (("render", "recipes/demo.yaml", "--set", "modle=x"), "did you mean 'model'?"),
        (("render", "recipes/demo.yaml", MODEL, "--set=template=qwem"), "did you mean 'qwen'?"),
        (("render", "recipes/demo.yaml", "--set=model=./nowhere"), "does not exist"),
        (("run", "recipes/demo.yaml", MODEL, "--from", "trian"), "did you mean 'train'?"),
        (("run", "recipes/demo.yaml", MODEL, "--to", "exprot"), "did you mean 'export'?"),
        (("run", "recipes/demo.yaml", "--dry-run"), "does not exist"),
        (("run", "recipes/demo.yaml", MODEL, "--run-dir", "my run"), "has a blank in its path"),
        (("build-data", "nowhere.csv"), "nowhere.csv does not exist"),
        (("build-data", "recipes/demo.yaml"), "recipes/demo.yaml"),
        (("build-data", "dataset_info/raw/sample/roleplay.jsonl", "--type", "roleplay_taged"), "did you mean"),
    ],
)
def test_the_users_mistakes_are_messages_with_a_way_out_and_exit_1(
    lfw: Lfw, workspace: Path, arguments: tuple[str, ...], said: str
) -> None:
    ran = lfw(*arguments, cwd=workspace)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("Error: ")
    assert said in ran.err
    assert "  fix:   " in ran.err
    assert "Traceback" not in ran.err


def test_a_spec_that_is_not_there_says_where_to_run(lfw: Lfw, workspace: Path) -> None:
    ran = lfw("run", "recipes/demo.yaml", MODEL, "--set=data.build=nowhere.yaml", cwd=workspace)
    assert (ran.code, ran.err.splitlines()[0]) == (1, "Error: nowhere.yaml does not exist")
    assert "run from the workspace that `lfw init` laid out" in ran.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("render",), "Missing argument 'RECIPE'"),
        (("render", "recipes/demo.yaml", "--bogus"), "--bogus"),
        (("run", "recipes/demo.yaml", "--form", "train"), "--from"),
        (("build-data", "rows.csv", "--train", "-1"), "--train"),
        (("build-data", "dataset_info/demo.yaml", "--name", "x"), "a spec stands alone"),
        (("build-data", "rows.csv", "--name", "../x"), "is no sound name"),
        (("init", "recipes/demo.yaml"), "is a file"),
    ],
)
def test_wrong_usage_is_exit_2(lfw: Lfw, workspace: Path, arguments: tuple[str, ...], said: str) -> None:
    ran = lfw(*arguments, cwd=workspace)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    ("arguments", "variable"),
    [(("--debug", *NO_SUCH), ""), ((*NO_SUCH, "--debug"), ""), (NO_SUCH, "1"), (NO_SUCH, "true")],
)
def test_debug_adds_the_traceback(lfw: Lfw, arguments: tuple[str, ...], variable: str) -> None:
    ran = lfw(*arguments, env={"LFW_DEBUG": variable})
    assert ran.code == 1
    assert ran.err.startswith("Traceback")
    assert ran.err.rstrip().endswith("Error: nowhere.yaml does not exist\n  fix:   check the path")


@pytest.mark.parametrize(("flags", "traceback"), [([], False), (["--debug"], True)])
def test_a_bug_of_ours_is_called_one(flags: list[str], traceback: bool) -> None:
    command = [sys.executable, "-c", WITH_A_BUG, *flags, "boom"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert ("a bug in lfw: ZeroDivisionError: division by zero" in done.stderr) is not traceback
    assert ("Traceback" in done.stderr) is traceback


def test_a_folder_that_cannot_be_written_is_no_bug_of_ours(lfw: Lfw, workspace: Path) -> None:
    ran = lfw("render", "recipes/demo.yaml", MODEL, "--out", "recipes/demo.yaml/inside", cwd=workspace)
    assert ran.code == 1
    assert "a bug in lfw" not in ran.err
    assert "where: recipes/demo.yaml" in ran.err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_no_bug_of_ours(workspace: Path) -> None:
    command = [sys.executable, "-m", "lf_wrap", "run", "recipes/demo.yaml", MODEL, "--dry-run"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, cwd=workspace, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: No space left on device")


@pytest.mark.parametrize("out", ["out[v2]", "out[/v2]", "out:+1:"])
def test_a_path_with_brackets_is_printed_whole(lfw: Lfw, workspace: Path, out: str) -> None:
    ran = lfw("render", "recipes/demo.yaml", MODEL, "--out", out, cwd=workspace)
    assert ran.code == 0, ran.err
    assert ran.out.startswith(f"{out}/train.yaml\n")


def test_ctrl_c_is_exit_130_and_leaves_nothing_half_done(workspace: Path) -> None:
    out = workspace / "dataset_info"
    command = [sys.executable, "-m", "lf_wrap", "build-data", "dataset_info/demo.yaml"]
    # The build waits for the lock that we hold before it puts its files in place.
    with locked(out / "building"), subprocess.Popen(command, cwd=workspace, stderr=subprocess.PIPE, text=True) as lfw:
        deadline = time.monotonic() + 120
        while lfw.poll() is None and len(list(out.glob(".building.*/*.card.json"))) < 5:
            assert time.monotonic() < deadline, "the build makes no files"
            time.sleep(0.01)
        lfw.send_signal(signal.SIGINT)
        assert lfw.communicate()[1] == "\nError: interrupted\n"
    assert lfw.returncode == 130
    assert not list(out.glob(".building.*/"))
    assert not (out / "dataset_info.json").exists()


@pytest.mark.parametrize(
    ("arguments", "keys"),
    [
        (("build-data", "dataset_info/demo.yaml"), {"datasets"}),
        (("render", "recipes/demo.yaml", MODEL), {"train", "export", "script"}),
        (
            ("run", "recipes/demo.yaml", MODEL, "--dry-run"),
            {"run_dir", "stages", "scores", "report", "commands", "environment"},
        ),
    ],
    ids=["build-data", "render", "run"],
)
def test_with_json_stdout_is_one_line_and_people_read_stderr(
    lfw: Lfw, workspace: Path, arguments: tuple[str, ...], keys: set[str]
) -> None:
    ran, plain = lfw(*arguments, "--json", cwd=workspace), lfw(*arguments, cwd=workspace)
    assert (ran.code, plain.code, plain.err) == (0, 0, "")
    assert ran.out.count("\n") == 1
    assert ran.json.keys() == keys
    assert len(ran.err.splitlines()) == len(plain.out.splitlines())


def test_with_json_an_error_leaves_stdout_empty(lfw: Lfw) -> None:
    ran = lfw(*NO_SUCH, "--json")
    assert (ran.code, ran.out) == (1, "")


def test_a_reader_that_leaves_early_is_no_error_to_show(workspace: Path) -> None:
    command = [sys.executable, "-m", "lf_wrap", "run", "recipes/demo.yaml", MODEL, "--dry-run"]
    with subprocess.Popen(command, cwd=workspace, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as lfw:
        assert lfw.stdout
        lfw.stdout.close()
        assert lfw.stderr
        assert lfw.stderr.read() == ""
