"""The card of a tuned model for its hub, made from the run's manifest: data, hyperparameters, scores, parity."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

Manifest = Mapping[str, Any]


def model_card(name: str, manifest: Manifest) -> str:
    """Markdown with the YAML head that ModelScope and Hugging Face read. What the manifest lacks is left out."""
    recipe = manifest["recipe"]
    head = {"library_name": "transformers", "pipeline_tag": "text-generation", "tags": ["llama-factory", "lfw"]}
    if not str(recipe["model"]).startswith((".", "/", "~")):
        head["base_model"] = recipe["model"]
    parts = (_about(recipe), _data(manifest), _hyperparameters(recipe), _scores(manifest), _parity(manifest))
    body = "\n\n".join(text for part in parts if (text := "\n".join(part)))
    return f"---\n{yaml.safe_dump(head, allow_unicode=True, sort_keys=False)}---\n\n# {_plain(name)}\n\n{body}\n"


def _about(recipe: Manifest) -> Iterator[str]:
    train = recipe.get("train", {})
    kind = train.get("finetuning_type", "lora")
    yield f"`{_plain(recipe['model'])}`, tuned ({_plain(kind)}) with LLaMA-Factory through lfw."
    if recipe.get("template"):
        yield f"Chat template: `{_plain(recipe['template'])}`; the tokenizer of this repository applies it."


def _data(manifest: Manifest) -> Iterator[str]:
    datasets = manifest.get("datasets") or {}
    if datasets:
        yield "## Data\n\n| dataset | rows | SHA-256 of the training file |\n|---|---|---|"
        for name, lineage in datasets.items():
            hashes = lineage.get("sha256") or {}
            first = next(iter(hashes.values()), "") if isinstance(hashes, Mapping) else hashes
            yield f"| {_plain(name)} | {_plain(lineage.get('law', ''))} | {_plain(str(first)[:16])} |"


def _hyperparameters(recipe: Manifest) -> Iterator[str]:
    if recipe.get("train"):
        yield "## Training\n\n| argument | value |\n|---|---|"
        for key, value in recipe["train"].items():
            yield f"| {_plain(key)} | {_plain(value)} |"


def _scores(manifest: Manifest) -> Iterator[str]:
    scores = manifest.get("scores") or {}
    if scores:
        yield "## Scores\n\nOn held-out rows; the interval is of the difference.\n"
        yield "| test | metric | base | tuned | interval | n | verdict |\n|---|---|---|---|---|---|---|"
        for test, metrics in scores.items():
            for metric, one in metrics.items():
                low, high = one["interval"]
                yield (
                    f"| {_plain(test)} | {_plain(metric)} | {one['base']:.3f} | {one['tuned']:.3f} "
                    f"| {low:+.3f} … {high:+.3f} | {one['n']} | {_plain(one['verdict'])} |"
                )


def _parity(manifest: Manifest) -> Iterator[str]:
    parity = manifest.get("parity")
    if parity and parity.get("ok"):
        yield "## Is this the tuned model?\n"
        if parity.get("weights"):
            yield f"- {parity['weights']['compared']} tensors are the base's plus what training added."
        if parity.get("logits"):
            yield (
                f"- Logits differ from the unmerged model's by at most {parity['max_abs_logit_diff']:.2g} over "
                f"{parity['logits']['tokens']} tokens; greedy tokens are "
                f"{'the same' if parity['same_greedy'] else 'the same up to ties'}."
            )
        yield "- The chat template gives the tokens of training."


def _plain(text: object) -> str:
    """One line without what Markdown tables or HTML would read as theirs."""
    return str(text).replace("\n", " ").replace("|", "\\|").replace("<", "&lt;").replace("`", "'")
