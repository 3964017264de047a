"""lm-evaluation-harness (extra `harness`) on the CSV files that `choice` reads: the field's own number for them."""

from __future__ import annotations

import csv
import tempfile
from pathlib import Path

from lf_wrap.errors import UserError
from lf_wrap.evaluation.choice import BEFORE_A_LETTER, choice_questions


def harness_accuracy(model: Path, path: Path, *, batch_size: int = 8) -> float:
    """The accuracy, from 0 to 1, that lm-evaluation-harness gives the model in folder `model` on `path`'s questions.

    Raises:
        UserError: lm-eval is not installed, or `path` holds no multiple-choice questions.
    """
    try:
        import torch
        from lm_eval import simple_evaluate
    except ImportError:
        raise UserError("lm-evaluation-harness is not installed", fix="pip install 'lf_wrap[harness]'") from None
    questions = choice_questions(path)
    if len({one.options for one in questions}) > 1:
        raise UserError("questions with different numbers of options", fix="ask the harness about one file at a time")
    with tempfile.TemporaryDirectory() as work:
        rows = Path(work) / "rows.csv"
        with rows.open("w", encoding="utf-8", newline="") as handle:
            writer = csv.writer(handle)
            writer.writerow(("prompt", "answer"))
            writer.writerows((one.messages[-1]["content"], one.options.index(one.reference)) for one in questions)
        task = {
            "task": "lfw_choice",
            "dataset_path": "csv",
            "dataset_kwargs": {"data_files": {"validation": str(rows)}, "cache_dir": work},
            "validation_split": "validation",
            "output_type": "multiple_choice",
            "doc_to_text": "{{prompt}}",
            "doc_to_choice": list(questions[0].options),
            "doc_to_target": "answer",
            "target_delimiter": BEFORE_A_LETTER,
            "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}],
        }
        found = simple_evaluate(
            model="hf",
            model_args={"pretrained": str(model), "dtype": "float32"},
            tasks=[task],
            batch_size=batch_size,
            device="cuda" if torch.cuda.is_available() else "cpu",
            bootstrap_iters=0,
        )
    return float(found["results"]["lfw_choice"]["acc,none"])
