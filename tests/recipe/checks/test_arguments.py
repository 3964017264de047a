"""Train and export arguments are held against the dataclasses of the installed LLaMA-Factory."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.recipe.checks.conftest import Checked, errors, warnings


@pytest.mark.parametrize(
    "said",
    [
        "lora_rank=16",
        "learning_rate=5e-5",
        "learning_rate=1",
        "lora_target=[q_proj, v_proj]",
        "lora_target='q_proj,v_proj'",
        "additional_target='embed_tokens,lm_head'",
        "report_to=[none]",
        "report_to=none",
        "save_strategy='no'",
        "save_steps=0.1",
        "lr_scheduler_kwargs={min_lr: 1e-6}",
        "optim=adamw_torch_fused",
        "neftune_noise_alpha=5",
        "flash_attn=fa2",
        "rope_scaling=yarn",
        "plot_loss=1",
        "gradient_checkpointing_kwargs={use_reentrant: false}",
        "logging_nan_inf_filter=false",
        "use_swanlab=false",
    ],
)
def test_what_llamafactory_takes_is_no_error(checked: Checked, said: str) -> None:
    assert errors(checked(f"train.{said}")) == []


@pytest.mark.parametrize(
    ("said", "what", "fix"),
    [
        ("lora_rnk=8", "no train argument 'lora_rnk'", "did you mean 'lora_rank'?"),
        ("learning_rat=1", "no train argument 'learning_rat'", "did you mean 'learning_rate'?"),
        ("xyzzy=1", "no train argument 'xyzzy'", "take it out"),
        ("group_by_length=true", "no train argument 'group_by_length'", ""),
        ("learning_rate=fast", "learning_rate is a number, not 'fast'", "learning rate"),
        ("lora_rank=8.5", "lora_rank is a whole number, not 8.5", ""),
        ("max_steps=1e3", "max_steps is a whole number, not 1000.0", "write 1000"),
        ("bf16=yep", "bf16 is true or false, not 'yep'", ""),
        ("lora_rank=true", "lora_rank is a whole number, not True", ""),
        ("save_strategy=no", "save_strategy is one of no, steps, epoch, best, not False", '"no" with its quotes'),
        ("lr_scheduler_type=cosin", "lr_scheduler_type cannot be 'cosin'", "did you mean 'cosine'?"),
        ("finetuning_type=qlora", "finetuning_type cannot be 'qlora'", "did you mean 'lora'?"),
        ("optim=adamw_8bits", "optim cannot be 'adamw_8bits'", "did you mean 'adamw_8bit'?"),
        ("adapter_name_or_path=[a, b]", "adapter_name_or_path is text", ""),
        ("run_name=20240601", "run_name is text, not 20240601", 'write it with quotes: "20240601"'),
        ("per_device_train_batch_size=0", "is at least 1, not 0", ""),
        ("lora_rank=-8", "is at least 1, not -8", ""),
        ("dataset=one", "dataset does not belong into `train`", "say it as `data.train` of the recipe"),
        ("model_name_or_path=x", "does not belong into `train`", "say it as `model` of the recipe"),
    ],
)
def test_what_it_refuses_is_named_with_what_was_meant(checked: Checked, said: str, what: str, fix: str) -> None:
    (problem,) = [problem for problem in checked(f"train.{said}") if problem.level == "error"]
    assert what in problem.what
    assert fix in problem.fix
    assert problem.where.startswith("recipes/demo.yaml")
    assert problem.where.endswith(f": train.{said.partition('=')[0]}")


def test_every_mistake_is_told_not_only_the_first(checked: Checked) -> None:
    said = ["train.lora_rnk=8", "train.bf16=yep", "export.export_sise=2", "template=qwem", "data.train=[demo_nrm]"]
    told = errors(checked(*said))
    assert len(told) == 5
    for part in ("lora_rnk", "bf16", "export_sise", "qwem", "demo_nrm"):
        assert sum(part in what for what in told) == 1


def test_the_line_of_the_file_is_told_where_it_stands_there(checked: Checked) -> None:
    recipe = Path("recipes/demo.yaml")
    recipe.write_text(recipe.read_text(encoding="utf-8").replace("lora_alpha: 32", "lora_alpa: 32"), encoding="utf-8")
    (problem,) = checked(bare=False)
    assert (problem.where, problem.fix) == ("recipes/demo.yaml, line 10: train.lora_alpa", "did you mean 'lora_alpha'?")


def test_export_takes_fewer_arguments_than_train(checked: Checked) -> None:
    assert errors(checked("export.export_size=2", "export.export_device=auto")) == []
    (what,) = errors(checked("export.learning_rate=1"))
    assert "no export argument 'learning_rate'" in what


def test_an_output_folder_is_not_heeded_and_that_is_said(checked: Checked) -> None:
    assert warnings(checked("train.output_dir=here")) == ["output_dir is not heeded: a run writes into its own folder"]
