"""BERTScore (Zhang et al. 2020) with a model from a local folder (extra `bert-score`)."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from lf_wrap.errors import UserError
from lf_wrap.files import shown


def bertscore(answer: str, reference: str, model: Path) -> float:
    """BERTScore's F1 of one answer, from the model's last but one quarter of layers; 0 where a side is empty.

    bert-score has a layer chosen for each model it knows by name (8 of 12 for bert-base-chinese), which a folder does
    not tell: three quarters of the layers, rounded down less one, is 8 of 12, and 17 of 24.

    Raises:
        UserError: bert-score is not installed, or the folder holds no such model.
    """
    if not answer.strip() or not reference.strip():
        return 0.0
    _, _, f1 = _scorer(model).score([answer], [reference])
    return min(1.0, max(0.0, float(f1[0])))


@cache
def _scorer(model: Path) -> Any:
    try:
        from bert_score import BERTScorer
    except ImportError:
        raise UserError("bert-score is not installed", fix="pip install 'lf_wrap[bert-score]'") from None
    try:
        layers = json.loads((model / "config.json").read_text(encoding="utf-8"))["num_hidden_layers"]
        return BERTScorer(model_type=str(model), num_layers=max(1, layers * 3 // 4 - 1))
    except Exception as error:
        raise UserError(
            f"{shown(model)} is no model for BERTScore: {error}", fix="name a folder like bert-base-chinese"
        ) from error
