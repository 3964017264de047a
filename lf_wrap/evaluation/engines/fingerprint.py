"""What tells one model folder from another: the content of every file that its answers can depend on."""

from __future__ import annotations

import hashlib
from pathlib import Path

from lf_wrap.files import content_hash

# Weights, configs and the tokenizer with its chat template. A README or a Modelfile changes no answer.
ANSWERING = ("*.safetensors", "*.bin", "*.pt", "*.gguf", "*.json", "*.jinja", "*.model", "*.txt", "*.tiktoken", "*.py")
# Records that training leaves beside the weights.
RECORDS = {"trainer_state.json", "train_results.json", "all_results.json", "eval_results.json"}


def fingerprint(folder: Path) -> str:
    """A hash of the folder's files, read whole: two adapters merged into one base may differ in the middle alone."""
    files = sorted({file for pattern in ANSWERING for file in folder.glob(pattern) if file.name not in RECORDS})
    told = "".join(f"{file.name}\0{content_hash(file)}\n" for file in files)
    return hashlib.sha256(told.encode()).hexdigest()[:32]
