"""GGUF files are loaded back with Transformers and answer like the merged model."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lf_wrap.errors import ChildFailed, UserError
from lf_wrap.model.forms import Tuned, make_form
from lf_wrap.model.parity import TrainedTemplate
from tests.model.conftest import ASKED
from tests.tiny_model import CHAT_TEMPLATE

QWEN_CUT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def nothing(*_: object) -> None:
    pass


@pytest.fixture(scope="module")
def tuned_of(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Tuned]:
    """A tiny model of an architecture, with Qwen's way of cutting text, as if it came from a run."""

    def make(kind: str) -> Tuned:
        import torch
        from tokenizers import Regex, normalizers, pre_tokenizers
        from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

        folder = tmp_path_factory.mktemp(kind)
        tokenizer = AutoTokenizer.from_pretrained(tiny_model)
        raw = tokenizer.backend_tokenizer
        raw.normalizer = normalizers.NFC()
        cut = pre_tokenizers.Split(Regex(QWEN_CUT), behavior="isolated")
        raw.pre_tokenizer = pre_tokenizers.Sequence(
            [cut, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
        )
        tokenizer.chat_template = CHAT_TEMPLATE
        tokenizer.save_pretrained(folder)
        torch.manual_seed(0)
        config = AutoConfig.for_model(
            kind,
            vocab_size=len(tokenizer) + 8,  # padded, as large models' embeddings are
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            head_dim=128 if kind == "qwen3" else 16,  # Transformers takes Qwen3's from nowhere but its default
            max_position_embeddings=8192,
            tie_word_embeddings=kind != "llama",
            initializer_range=0.3,
            eos_token_id=tokenizer.eos_token_id,
            bos_token_id=None,
        )
        model = AutoModelForCausalLM.from_config(config)
        for name, parameter in model.named_parameters():
            if name.endswith(("norm.weight", "bias")):
                parameter.data.normal_(mean=0.8, std=0.1)
        model.save_pretrained(folder)
        arguments = {"template": "qwen", "cutoff_len": 6000}
        return Tuned(folder, folder, TrainedTemplate.of(folder, arguments), arguments, ASKED, nothing, nothing)

    return make


@pytest.mark.parametrize("kind", ["qwen2", "qwen3", "llama"])
@pytest.mark.parametrize("outtype", ["f16", "q8_0"])
def test_a_gguf_answers_like_the_merged_model(
    tuned_of: Callable[[str], Tuned], tmp_path: Path, kind: str, outtype: str
) -> None:
    figures = make_form(f"gguf-{outtype}", tuned_of(kind), tmp_path / "made")
    assert 0 < figures["max_abs_logit_diff"] < figures["largest_allowed"]
    assert sorted(file.name for file in (tmp_path / "made").iterdir()) == ["Modelfile", f"model-{outtype}.gguf"]
    if outtype == "f16":
        assert figures["same_greedy"] is True
    if kind != "llama":  # Transformers gives GGUF Llamas a tokenizer of its own making
        assert figures["template_tokens_equal"] is True


def test_the_file_holds_the_vocabulary_the_template_and_the_stops(
    tuned_of: Callable[[str], Tuned], tmp_path: Path
) -> None:
    from gguf import GGUFReader

    tuned = tuned_of("qwen2")
    make_form("gguf-f16", tuned, tmp_path / "made")
    fields = GGUFReader(tmp_path / "made/model-f16.gguf").fields
    tokenizer = tuned.template.tokenizer
    tokens = fields["tokenizer.ggml.tokens"].contents()
    assert tokens[: len(tokenizer)] == tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
    assert tokens[len(tokenizer) :] == [f"[PAD{place}]" for place in range(len(tokenizer), len(tokenizer) + 8)]
    types = fields["tokenizer.ggml.token_type"].contents()
    assert [types[tokens.index(special)] for special in ("<|im_start|>", "<|im_end|>")] == [3, 3]
    assert types[-1] == 5
    assert fields["tokenizer.ggml.pre"].contents() == "qwen2"
    assert fields["tokenizer.ggml.eos_token_id"].contents() == tokenizer.convert_tokens_to_ids("<|im_end|>")
    assert fields["tokenizer.chat_template"].contents() == CHAT_TEMPLATE
    assert fields["qwen2.context_length"].contents() == 8192


def test_the_modelfile_serves_what_training_rendered(tuned_of: Callable[[str], Tuned], tmp_path: Path) -> None:
    make_form("gguf-q8_0", tuned_of("qwen2"), tmp_path / "made")
    text = (tmp_path / "made/Modelfile").read_text(encoding="utf-8")
    assert text.startswith("FROM ./model-q8_0.gguf\n")
    assert "{{ if .System }}<|im_start|>system\n{{ .System }}<|im_end|>\n{{ end }}" in text
    assert 'SYSTEM """You are Qwen, created by Alibaba Cloud. You are a helpful assistant."""' in text
    assert 'PARAMETER stop "<|im_end|>"' in text
    assert "PARAMETER num_ctx 6000\n" in text  # cutoff_len, not LLaMA-Factory's 4096


def test_a_file_that_answers_otherwise_does_not_appear(
    tuned_of: Callable[[str], Tuned], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lf_wrap.model.forms import gguf_file

    monkeypatch.setattr(gguf_file, "_interleaved", lambda *_: None)  # the mistake that every converter made once
    with pytest.raises(ChildFailed, match="is not the merged model"):
        make_form("gguf-f16", tuned_of("llama"), tmp_path / "made")
    assert list(tmp_path.iterdir()) == []


def test_other_architectures_are_sent_to_llama_cpp(
    tuned_of: Callable[[str], Tuned], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tuned = tuned_of("qwen2")
    config = tuned.model / "config.json"
    config.write_text(config.read_text(encoding="utf-8").replace('"qwen2"', '"gemma3"'), encoding="utf-8")
    with pytest.raises(UserError, match="architecture 'gemma3'") as refused:
        make_form("gguf-f16", tuned, tmp_path / "made")
    assert "convert_hf_to_gguf.py" in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_q4_k_m_says_what_it_needs(tuned_of: Callable[[str], Tuned], tmp_path: Path) -> None:
    if shutil.which("llama-quantize"):
        pytest.skip("llama-quantize is on this machine")
    with pytest.raises(UserError, match="llama-quantize, which is not on PATH"):
        make_form("gguf-q4_k_m", tuned_of("qwen2"), tmp_path / "made")


def test_q4_k_m_is_made_by_llama_quantize(
    tuned_of: Callable[[str], Tuned], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stand-in that copies: what is tested is how the program is called and what becomes of its file."""
    programs = tmp_path / "bin"
    programs.mkdir()
    stand_in = programs / "llama-quantize"
    stand_in.write_text('#!/bin/sh\n[ "$3" = Q4_K_M ] || exit 7\ncp "$1" "$2"\n')
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    figures = make_form("gguf-q4_k_m", tuned_of("qwen2"), tmp_path / "made")
    assert figures["file"] == "model-q4_k_m.gguf"
    stand_in.write_text('#!/bin/sh\necho "no such type" >&2\nexit 7\n')
    with pytest.raises(ChildFailed, match=r"exit 7\): no such type"):
        make_form("gguf-q4_k_m", tuned_of("qwen2"), tmp_path / "other")
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("form", ["gptq-4bit", "gptq-8bit"])
def test_missing_packages_are_named_with_the_command(
    tuned_of: Callable[[str], Tuned], tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    find: Callable[[str], Any] = lambda name: None if name in ("optimum", "gptqmodel") else object()  # noqa: E731
    monkeypatch.setattr("lf_wrap.model.forms.form.find_spec", find)
    with pytest.raises(UserError, match="needs optimum and gptqmodel, which are not installed") as refused:
        make_form(form, tuned_of("qwen2"), tmp_path / "made")
    assert "pip install optimum gptqmodel" in str(refused.value)
    assert list(tmp_path.iterdir()) == []
