"""Training shows the model what its own chat template will show it: LLaMA-Factory's rendering against that template."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from lf_wrap.errors import ChildFailed
from lf_wrap.recipe import load_recipe
from lf_wrap.recipe.arguments import installed_arguments
from lf_wrap.recipe.checks import Problem
from lf_wrap.recipe.checks.case import Case
from lf_wrap.recipe.checks.template import problems, question
from lf_wrap.recipe.inside_llamafactory import ask, kept, rendering
from tests.recipe.checks.conftest import CPU

QWEN_SYSTEM = "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."
Rendered = Callable[..., list[Problem]]


@pytest.fixture
def rendered(built: Path, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rendered:
    """The check of a recipe on a tiny Qwen2 whose chat template may be changed; the child's work is done here."""
    from llamafactory.data import template

    monkeypatch.setattr(template, "TEMPLATES", deepcopy(template.TEMPLATES))  # default_system changes them for good

    def call(*overrides: str, chat_template: Callable[[str], str | None] = lambda own: own) -> list[Problem]:
        model = shutil.copytree(tiny_model, tmp_path / "model", dirs_exist_ok=True)
        tokenizer = AutoTokenizer.from_pretrained(tiny_model)
        tokenizer.chat_template = chat_template(tokenizer.chat_template)
        (model / "chat_template.jinja").unlink(missing_ok=True)
        tokenizer.save_pretrained(model)
        path = Path("recipes/demo.yaml")
        recipe = load_recipe(path, ["train={}", "template=qwen", f"model={model}", *overrides])
        case = Case(recipe, path, CPU, installed_arguments(), lambda _, asked: rendering.answer(asked))
        return list(problems(case))

    return call


@pytest.mark.parametrize("names", ["demo_norm", "demo_dialogue", "demo_roleplay", "demo_norm, demo_roleplay"])
def test_the_template_of_the_models_family_is_the_same_to_the_token(rendered: Rendered, names: str) -> None:
    assert rendered(f"data.train=[{names}]") == []


def test_one_full_stop_in_the_system_text_is_found_and_mended(rendered: Rendered) -> None:
    def without_full_stop(own: str) -> str:
        return own.replace("You are a helpful assistant.<", "You are a helpful assistant<")

    (problem,) = rendered(chat_template=without_full_stop)
    assert problem.level == "warning"
    assert "assistant.<|im_end|>" in problem.what.partition("serving")[0]
    assert "assistant<|im_end|>" in problem.what.partition("serving")[2]
    assert "train.default_system" in problem.fix
    mended = f"train.default_system={QWEN_SYSTEM.removesuffix('.')}"
    assert rendered(mended, chat_template=without_full_stop) == []


def test_another_familys_template_is_told(rendered: Rendered) -> None:
    (problem,) = rendered("template=llama3")
    assert "from token 0 on" in problem.what
    assert problem.where == "recipes/demo.yaml, line 3: template"


def test_an_answer_that_ends_otherwise_is_told(rendered: Rendered) -> None:
    def ended_otherwise(own: str) -> str:
        turn, end = "message.content + '<|im_end|>\n'", "loop.last and not add_generation_prompt"
        changed = own.replace(turn, f"message.content + ('<|endoftext|>' if {end} else '<|im_end|>\n')")
        assert changed != own
        return changed

    (problem,) = rendered(chat_template=ended_otherwise)
    assert "ends an answer with '<|im_end|>', and the model's own chat template with '<|endoftext|>'" in problem.what
    assert "may never stop" in problem.fix


def test_a_thought_in_every_turn_is_not_what_is_served(rendered: Rendered) -> None:
    """Qwen3's reasoning template puts an empty thought before earlier answers too; no chat template does."""
    assert rendered("template=qwen3_nothink", f"train.default_system={QWEN_SYSTEM}") == []
    (problem,) = rendered("template=qwen3", f"train.default_system={QWEN_SYSTEM}", "data.train=[demo_roleplay]")
    assert "<think>" in problem.what.partition("serving")[0]


def test_without_a_template_llamafactory_reads_the_tokenizers_own(rendered: Rendered) -> None:
    assert rendered("template=null") == []


def test_a_model_without_a_chat_template_has_nothing_to_compare_with(rendered: Rendered) -> None:
    assert rendered("template=llama3", chat_template=lambda _: None) == []


def case(tiny_model: Path, *overrides: str) -> Case:
    path = Path("recipes/demo.yaml")
    recipe = load_recipe(path, ["train={}", "template=qwen", f"model={tiny_model}", *overrides])
    return Case(recipe, path, CPU, installed_arguments())


@pytest.mark.usefixtures("built")
def test_the_question_changes_with_all_that_decides_the_answer(tiny_model: Path, tmp_path: Path) -> None:
    asked = question(case(tiny_model))
    assert asked == question(case(tiny_model, "train.learning_rate=1"))
    others: list[Any] = [
        question(case(tiny_model, "template=llama3")),
        question(case(tiny_model, "train.default_system=x")),
        question(case(tiny_model, "data.train=[demo_roleplay]")),
    ]
    changed = shutil.copytree(tiny_model, tmp_path / "changed")
    (changed / "chat_template.jinja").write_text("{{ messages }}")
    others.append(question(case(changed)))
    assert asked not in others
    assert question(case(tiny_model, "template=qwem")) is None
    assert question(case(tiny_model, "model=org/model")) is None


@pytest.mark.usefixtures("built")
def test_the_child_is_asked_once_and_a_quick_check_takes_what_is_kept(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    asked = question(case(tiny_model))
    started: list[int] = []
    assert kept("rendering", asked) is None
    answers = [ask("rendering", asked, lambda: started.append(1)) for _ in range(2)]
    assert answers == [{"chat_template": True, "difference": None}] * 2 == [kept("rendering", asked)] * 2
    assert started == [1]


@pytest.mark.usefixtures("built")
def test_a_tokenizer_that_does_not_load_is_a_warning(tiny_model: Path) -> None:
    def failing(program: str, asked: Any) -> Any:
        raise ChildFailed(f"LLaMA-Factory could not be asked about its {program}: no tokenizer")

    (problem,) = problems(replace(case(tiny_model), asked=failing))
    assert (problem.level, "could not be asked" in problem.what) == ("warning", True)
