"""How near a GGUF of a real model is to it, loaded back by Transformers:  python scripts/measure_gguf.py

Makes SmolLM2-135M-Instruct in the folder given (`.` when left out) unless it is there, writes both GGUF forms, and
compares logits and 20 greedy tokens on five prompts, in float32 on the CPU.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from lf_wrap.model import fetch_smollm2
from lf_wrap.model.forms.gguf_file import write_gguf

PROMPTS = (
    "What helps against a headache?",
    "Name three symptoms of the flu.",
    "You are a pirate captain. Greet your crew.",
    "Write one sentence about the sea.",
    "感冒了怎么办？",
)
NEW_TOKENS = 20


def main() -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = fetch_smollm2(Path(sys.argv[1] if sys.argv[1:] else ".") / "models/SmolLM2-135M-Instruct", print)
    tokenizer = AutoTokenizer.from_pretrained(model)
    chats = [[{"role": "user", "content": prompt}] for prompt in PROMPTS]
    texts = [tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=False) for chat in chats]
    prompts = [tokenizer(text, add_special_tokens=False, return_tensors="pt").input_ids for text in texts]
    original = answers(AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32), prompts)
    ids = [tokens for _, tokens in original]
    print("| form | MB | logits apart, at most | on average | their spread | greedy tokens the same |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for outtype in ("f16", "q8_0"):
            file = Path(folder) / f"model-{outtype}.gguf"
            write_gguf(model, file, outtype)
            loaded = AutoModelForCausalLM.from_pretrained(folder, gguf_file=file.name, dtype=torch.float32)
            again = answers(loaded, prompts)
            apart = torch.cat(
                [(one - other).abs().flatten() for (one, _), (other, _) in zip(original, again, strict=True)]
            )
            spread = torch.cat([one.flatten() for one, _ in original]).std()
            same = [same_from_start(one, other) for one, (_, other) in zip(ids, again, strict=True)]
            size = file.stat().st_size / 1e6
            figures = " | ".join(f"{figure:.3g}" for figure in (apart.max(), apart.mean(), spread))
            print(f"| `gguf-{outtype}` | {size:,.0f} | {figures} | {told(same)} |")


def answers(model: Any, prompts: list[Any]) -> list[tuple[Any, list[int]]]:
    """Of each prompt, the logits over it and the greedy tokens behind it."""
    import torch

    model.eval()
    found = []
    with torch.inference_mode():
        for ids in prompts:
            mask = torch.ones_like(ids)
            new = model.generate(ids, attention_mask=mask, max_new_tokens=NEW_TOKENS, do_sample=False)
            found.append((model(ids).logits[0], new[0, ids.shape[1] :].tolist()))
    return found


def same_from_start(one: list[int], other: list[int]) -> tuple[int, int]:
    """How many tokens agree before the first that differs, of how many."""
    agreeing = next((at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), len(one))
    return agreeing, len(one)


def told(same: list[tuple[int, int]]) -> str:
    return ", ".join(f"{agreeing} of {length}" for agreeing, length in same)


if __name__ == "__main__":
    main()
