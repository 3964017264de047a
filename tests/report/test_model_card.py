"""The card of a pushed model: what the manifest knows, and nothing that would break its table or its page."""

from __future__ import annotations

import yaml

from lf_wrap.report.model_card import model_card

MANIFEST = {
    "recipe": {
        "model": "Qwen/Qwen2.5-0.5B-Instruct",
        "template": "qwen",
        "train": {"finetuning_type": "lora", "lora_rank": 8, "learning_rate": 0.0001},
    },
    "datasets": {"med_norm": {"law": "10 read = 8 train + 2 test", "sha256": {"train": "ab" * 32}}},
    "scores": {
        "med_norm": {
            "exact match": {"base": 0.1, "tuned": 0.7, "interval": [0.5, 0.7], "n": 200, "verdict": "better"},
        }
    },
    "parity": {
        "ok": True,
        "max_abs_logit_diff": 0.0123,
        "same_greedy": True,
        "weights": {"compared": 290},
        "logits": {"tokens": 96},
    },
}


def test_the_card_tells_data_hyperparameters_scores_and_parity() -> None:
    card = model_card("med-norm", MANIFEST)
    _, head, body = card.split("---\n", 2)
    assert yaml.safe_load(head)["base_model"] == "Qwen/Qwen2.5-0.5B-Instruct"
    assert "| med_norm | 10 read = 8 train + 2 test | abababababababab |" in body
    assert "| lora_rank | 8 |" in body
    assert "| med_norm | exact match | 0.100 | 0.700 | +0.500 … +0.700 | 200 | better |" in body
    assert "at most 0.012 over 96 tokens; greedy tokens are the same" in body
    assert "290 tensors" in body


def test_without_a_report_yet_the_card_is_shorter() -> None:
    card = model_card("x", {"recipe": {"model": "./models/mine", "train": {}}})
    assert "base_model" not in card
    assert "## Scores" not in card


def test_names_cannot_become_markup() -> None:
    card = model_card("<script>", {"recipe": {"model": "a/b", "train": {"default_system": "a|b\n<b>`x`"}}})
    assert "<script>" not in card
    assert "| default_system | a\\|b &lt;b>'x' |" in card
