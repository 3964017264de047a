"""`lfw chat` in a real pseudo-terminal, with real (tiny) models."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lf_wrap.errors import UserError
from lf_wrap.model.chat.speaker import speakers
from tests.conftest import Lfw
from tests.model.conftest import adapter, make_adapter  # noqa: F401  (fixtures)

pexpect = pytest.importorskip("pexpect")

Chat = Callable[..., "pexpect.spawn[str]"]


@pytest.fixture
def chat(tmp_path: Path) -> Iterator[Chat]:
    children = []

    def start(*arguments: object) -> pexpect.spawn[str]:
        child = pexpect.spawn(
            sys.executable,
            ["-m", "lf_wrap", "chat", *map(str, arguments)],
            cwd=str(tmp_path),
            env={**os.environ, "TERM": "dumb"},
            encoding="utf-8",
            timeout=400,
            echo=False,
        )
        children.append(child)
        child.expect("/help lists the commands")
        return child

    yield start
    for child in children:
        if child.isalive():
            child.kill(signal.SIGKILL)
        child.wait()


def ask(child: pexpect.spawn[str], line: str) -> str:
    """What is printed between this line and the next prompt."""
    child.sendline(line)
    child.expect("\r\n> |\n> ")
    return str(child.before)


def test_a_conversation_with_commands(chat: Chat, tiny_model: Path, tmp_path: Path) -> None:
    child = chat(tiny_model, "--preset", "greedy", "--system", "你是一名医生。")
    child.expect("> ")
    first = ask(child, "头痛")
    assert first.strip()
    assert "a fresh conversation" in ask(child, "/reset")
    assert ask(child, "头痛") == first  # greedy, and nothing remembered
    assert "saved to chat.json" in ask(child, "/save chat.json")
    assert "did you mean '/reset'" in ask(child, "/resett")
    child.sendline("/exit")
    child.expect(pexpect.EOF)
    child.wait()
    assert child.exitstatus == 0
    [row] = json.loads((tmp_path / "chat.json").read_text(encoding="utf-8"))
    assert row["system"] == "你是一名医生。"
    assert [turn["from"] for turn in row["conversations"]] == ["human", "gpt"]


def test_ctrl_c_stops_the_answer_and_not_the_program(chat: Chat, tiny_model: Path) -> None:
    child = chat(tiny_model)
    child.expect("> ")
    child.sendline("hello")
    child.expect(r"\S")  # the first piece of up to a thousand tokens
    child.sendintr()
    child.expect("stopped")
    child.expect("> ")
    assert child.isalive()
    child.sendeof()
    child.expect(pexpect.EOF)
    child.wait()
    assert child.exitstatus == 0


def test_a_model_whose_logits_are_nan_does_not_answer(lfw: Lfw, tiny_model: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    broken = Path(shutil.copytree(tiny_model, tmp_path / "broken"))
    tensors = load_file(broken / "model.safetensors")
    tensors["model.norm.weight"][0] = float("nan")
    save_file(tensors, broken / "model.safetensors", metadata={"format": "pt"})
    ran = lfw("chat", broken, "--preset", "greedy", stdin="hello\n")
    assert (ran.code, ran.out.strip()) == (1, "")
    assert "the model's logits are NaN" in ran.err


def test_base_and_tuned_side_by_side(chat: Chat, tiny_model: Path, adapter: Path) -> None:  # noqa: F811
    child = chat(tiny_model, "--adapter", adapter, "--compare", "--preset", "greedy")
    child.expect("> ")
    child.sendline("头痛三天了")
    child.expect("base: ")
    child.expect("\ntuned: ")
    base = child.before.strip()
    child.expect("\r\n> |\n> ")
    assert base != child.before.strip()


def card_picture(path: Path) -> Path:
    """A PNG of one pixel that carries a character card."""
    card = {
        "spec": "chara_card_v2",
        "data": {"name": "Ada", "description": "{{char}} counts.", "first_mes": "Hi, {{user}}."},
    }

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    text = b"chara\0" + base64.b64encode(json.dumps(card).encode())
    head = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"\0\0")
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"tEXt", text)
        + chunk(b"IDAT", pixels)
        + chunk(b"IEND", b"")
    )
    return path


def test_a_character_greets_and_is_the_system_text(chat: Chat, tiny_model: Path, tmp_path: Path) -> None:
    child = chat(tiny_model, "--character", card_picture(tmp_path / "ada.png"), "--preset", "greedy")
    child.expect("Ada: Hi, User.")
    child.expect("> ")
    ask(child, "hello")
    ask(child, "/save chat.json")
    [row] = json.loads((tmp_path / "chat.json").read_text(encoding="utf-8"))
    assert "Ada counts." in row["system"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nowhere/at/all"], "does not exist"),
        (["{model}", "--character", "no.png"], "no.png does not exist"),
        (["{model}", "--compare"], "--compare needs two models"),
        (["recipes/demo.yaml"], "recipes/demo.yaml has no run whose training is done"),
    ],
)
def test_what_cannot_be_talked_with_is_said(
    lfw: Lfw, workspace: Path, tiny_model: Path, arguments: list[str], told: str
) -> None:
    ran = lfw("chat", *(argument.format(model=tiny_model) for argument in arguments), cwd=workspace)
    assert ran.code == 1
    assert told in ran.err
    assert "Traceback" not in ran.err


def test_it_answers_in_4_bits_without_a_gpu_too(tiny_model: Path) -> None:
    pytest.importorskip("bitsandbytes")
    command = [sys.executable, "-m", "lf_wrap", "chat", str(tiny_model), "--load-in-4bit", "--preset", "greedy"]
    ran = subprocess.run(command, input="头痛\n", capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip()


def test_4_bits_without_bitsandbytes_name_what_installs_it(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lf_wrap.model.forms.form.find_spec", lambda _: None)
    with pytest.raises(UserError, match="--load-in-4bit needs bitsandbytes, which is not installed") as refused:
        speakers(tiny_model, in_4bit=True)
    assert "pip install bitsandbytes" in str(refused.value)
