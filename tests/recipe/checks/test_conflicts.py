"""What LLaMA-Factory refuses together, lfw refuses before it is started; what it takes, lfw takes.

The verdicts are not ours: the real parser is asked about every case, in one process for all.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lf_wrap.recipe import Recipe
from lf_wrap.recipe.arguments import installed_arguments
from lf_wrap.recipe.checks.case import Case
from lf_wrap.recipe.checks.conflicts import RULES, problems
from tests.recipe.checks.conftest import CPU

ZERO2, ZERO3 = ({"zero_optimization": {"stage": stage}, "train_batch_size": "auto"} for stage in (2, 3))
FULL, QLORA = {"finetuning_type": "full"}, {"quantization_bit": 4}
EVALUATED = {"val_size": 0.1, "eval_strategy": "steps", "eval_steps": 10}
REFUSED: list[dict[str, Any]] = [
    {"stage": "pt", "predict_with_generate": True, "val_size": 0.1},
    {"stage": "pt", "neat_packing": True},
    {"stage": "pt", "train_on_prompt": True},
    {"stage": "dpo", "mask_history": True},
    {"do_predict": True, "val_size": 0.1},
    {"stage": "rm", **EVALUATED, "load_best_model_at_end": True, "save_steps": 10},
    {"stage": "ppo"},
    {"stage": "ppo", "reward_model": "x", **FULL},
    {"stage": "dpo", "pref_loss": "orpo", "dpo_label_smoothing": 0.1},
    {"eval_dataset": "other", "val_size": 0.1},
    {"eval_strategy": "steps"},
    {"do_eval": True},
    {"predict_with_generate": True},
    {"interleave_probs": "0.5,0.5"},
    {"interleave_probs": "0.5,0.5,0.1", "mix_strategy": "interleave_under"},
    {"streaming": True},
    {"streaming": True, "max_steps": 5, "val_size": 0.1},
    {"streaming": True, "max_steps": 5, "max_samples": 5},
    {"mask_history": True, "train_on_prompt": True},
    {"adapter_name_or_path": "x", **FULL},
    {**QLORA, **FULL},
    {**QLORA, "pissa_init": True},
    {**QLORA, "resize_vocab": True},
    {**QLORA, "adapter_name_or_path": "x", "create_new_adapter": True},
    {**QLORA, "adapter_name_or_path": "x,y"},
    {"quantization_device_map": "auto"},
    {"fp8": True, **QLORA},
    {"use_rslora": True, **FULL},
    {"use_dora": True, "finetuning_type": "freeze"},
    {"loraplus_lr_ratio": 16.0, **FULL},
    {"pissa_init": True, "stage": "dpo"},
    {"pissa_init": True, "stage": "kto"},
    {"use_llama_pro": True, **FULL},
    {"use_galore": True},
    {"use_badam": True},
    {"use_galore": True, "use_apollo": True, **FULL},
    {"infer_backend": "vllm"},
    {"predict_with_generate": True, "compute_accuracy": True, "val_size": 0.1},
    {"bf16": True, "fp16": True},
    {"bf16_full_eval": True, "fp16_full_eval": True},
    {**EVALUATED, "load_best_model_at_end": True, "save_strategy": "epoch"},
    {**EVALUATED, "load_best_model_at_end": True, "save_steps": 15},
    {"load_best_model_at_end": True},
    {"lr_scheduler_type": "reduce_lr_on_plateau"},
    {"logging_steps": 0},
    {"logging_steps": 1.5},
    {"save_steps": 10.5},
    {"warmup_steps": -1},
    {"warmup_ratio": -0.1},
    {"dataloader_prefetch_factor": 2},
]
TAKEN: list[dict[str, Any]] = [
    {},
    FULL,
    {"finetuning_type": "freeze"},
    {"use_rslora": True},
    {"use_dora": True},
    {"pissa_init": True},
    {"additional_target": "embed_tokens,lm_head"},
    {"neftune_noise_alpha": 5},
    {"stage": "pt"},
    {"packing": True},
    {"neat_packing": True},
    {"mask_history": True},
    {"train_on_prompt": True},
    {"stage": "dpo", "pref_loss": "orpo"},
    {"stage": "kto"},
    {"stage": "dpo", "pref_loss": "simpo", "pissa_init": True},
    EVALUATED,
    {"eval_dataset": "other", "eval_strategy": "steps", "eval_steps": 10},
    {**EVALUATED, "load_best_model_at_end": True, "save_steps": 20},
    {**EVALUATED, "load_best_model_at_end": True, "save_strategy": "best"},
    {**EVALUATED, "load_best_model_at_end": True, "save_steps": 10, "early_stopping_steps": 3},
    {**EVALUATED, "lr_scheduler_type": "reduce_lr_on_plateau"},
    {"interleave_probs": "0.5,0.5", "mix_strategy": "interleave_under"},
    {"streaming": True, "max_steps": 5},
    {"adapter_name_or_path": "x,y"},
    {**QLORA},
    {**QLORA, "adapter_name_or_path": "x"},
    {"quantization_bit": 8},
    {"optim": "paged_adamw_8bit"},
    {"report_to": ["none"]},
    {"warmup_steps": 0.1},
    {"dataloader_prefetch_factor": 2, "dataloader_num_workers": 2},
]
# Stop only where the trainer is made or the rows are read: too far for the parser to be asked.
REFUSED_LATER: list[dict[str, Any]] = [
    {"early_stopping_steps": 3},
    {"quantization_bit": 5},
    {"streaming": True, "max_steps": 5, "tokenized_path": "x"},
    {"stage": "ppo", "reward_model": "x", "reward_model_type": "oft"},
    # DeepSpeed is not installed everywhere, and the parser reads its config with it.
    {"deepspeed": ZERO3, "predict_with_generate": True, "val_size": 0.1},
    {"deepspeed": ZERO3, "pissa_init": True},
    {"deepspeed": ZERO3, "pure_bf16": True},
    {"deepspeed": ZERO3, "use_unsloth": True},
    {"deepspeed": ZERO2, "use_galore": True, **FULL},
]
ALWAYS = {"model_name_or_path": "m", "dataset": "one,two", "do_train": True, "use_cpu": True, "output_dir": "nowhere"}
ASK_LLAMAFACTORY = """
import json, os, sys
from llamafactory.hparams import parser
parser._check_extra_dependencies = lambda *_: None  # what is installed is another check's
from llamafactory.hparams import get_train_args
for case in json.load(sys.stdin):
    try:
        get_train_args(case)
        verdict = None
    except (ValueError, AssertionError) as error:
        verdict = str(error)
    print("VERDICT", json.dumps(verdict))
"""


def told(case: dict[str, Any]) -> list[str]:
    """What lfw says of these arguments on top of LLaMA-Factory's own values."""
    recipe = Recipe.model_validate({"name": "x", "model": "a/b", "data": {"train": ["one", "two"]}, "train": case})
    known = Case(recipe, Path("x.yaml"), CPU, installed_arguments())
    values = {**known.arguments.defaults(), **ALWAYS, **case}
    return [rule.what for rule in RULES if rule.broken(values)]


def test_llamafactory_refuses_and_takes_what_lfw_does() -> None:
    cases = [*REFUSED, *TAKEN]
    done = subprocess.run(
        [sys.executable, "-c", ASK_LLAMAFACTORY],
        input=json.dumps([{**ALWAYS, **case} for case in cases]),
        capture_output=True,
        text=True,
        check=False,
        # as llamafactory-cli sets it up for one process
        env={**os.environ, "LLAMAFACTORY_VERBOSITY": "ERROR", "CUDA_VISIBLE_DEVICES": ""},
    )
    verdicts = [json.loads(line[8:]) for line in done.stdout.splitlines() if line.startswith("VERDICT")]
    assert len(verdicts) == len(cases), done.stderr[-2000:]
    wrong = [
        (case, verdict, told(case))
        for case, verdict in zip(cases, verdicts, strict=True)
        if bool(verdict) != bool(told(case))
    ]
    assert wrong == []
    assert [bool(verdict) for verdict in verdicts] == [True] * len(REFUSED) + [False] * len(TAKEN)


@pytest.mark.parametrize("case", REFUSED_LATER, ids=str)
def test_what_stops_the_run_later_is_refused_too(case: dict[str, Any]) -> None:
    assert told(case)


def test_every_rule_is_broken_by_some_case() -> None:
    broken = {what for case in (*REFUSED, *REFUSED_LATER) for what in told(case)}
    assert {rule.what for rule in RULES} == broken


def test_a_problem_names_the_argument_that_the_recipe_says(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("model: a/b\ntrain:\n  finetuning_type: full\n  use_dora: true\n", encoding="utf-8")
    train = {"finetuning_type": "full", "use_dora": True}
    recipe = Recipe.model_validate({"name": "x", "model": "a/b", "data": {"train": ["one"]}, "train": train})
    (problem,) = problems(Case(recipe, path, CPU, installed_arguments()))
    assert problem.where.endswith("mine.yaml, line 4: train.use_dora")
