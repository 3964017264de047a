"""LLaMA-Factory's own preprocessing, in this process: the judge of ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from lf_wrap.dataset.tokenized import TOKENIZER_KEYS, Described, arguments_of, tokenize
from lf_wrap.recipe.inside_llamafactory.template import answer

Settings = dict[str, Any]
# Names that the templates of the families under test spend on their turns.
MARKS = ["<|system|>", "<|user|>", "<|assistant|>", "<|observation|>", "<|begin_of_text|>", "<|eot_id|>"]
MARKS += ["<|start_header_id|>", "<|end_header_id|>", "[gMASK]", "sop", "<sop>", "<s>", "</s>", "[INST]", "[/INST]"]


@pytest.fixture(scope="session")
def small_tokenizer(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model's folder, but its tokenizer knows the turn marks of many families."""
    from transformers import AutoConfig, AutoTokenizer

    folder = tmp_path_factory.mktemp("small-tokenizer")
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    tokenizer.add_special_tokens({"additional_special_tokens": MARKS, "bos_token": "<|begin_of_text|>"})
    tokenizer.save_pretrained(folder)
    AutoConfig.from_pretrained(tiny_model).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def qwen_tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Qwen's real vocabulary, which the wheel `dashscope` carries, as a model folder without weights."""
    found = find_spec("dashscope")
    if found is None or found.origin is None:
        pytest.skip("the real Qwen vocabulary is not here: pip install dashscope")
    from tokenizers import normalizers
    from transformers import PreTrainedTokenizerFast, Qwen2Config
    from transformers.convert_slow_tokenizer import TikTokenConverter

    # The expression of the published Qwen2 tokenizer.json.
    pattern = (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|"
        r"\s+(?!\S)|\s+"
    )
    marks = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    vocabulary = Path(found.origin).parent / "resources/qwen.tiktoken"
    raw = TikTokenConverter(str(vocabulary), pattern, add_prefix_space=False, extra_special_tokens=marks).converted()
    raw.normalizer = normalizers.NFC()
    folder = tmp_path_factory.mktemp("qwen-tokenizer")
    PreTrainedTokenizerFast(
        tokenizer_object=raw, eos_token="<|im_end|>", pad_token="<|endoftext|>", model_max_length=32768
    ).save_pretrained(folder)
    Qwen2Config(vocab_size=151936, hidden_size=64, num_hidden_layers=1, num_attention_heads=2).save_pretrained(folder)
    return folder


@pytest.fixture
def untouched_llamafactory(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """LLaMA-Factory is made for one job a process: it changes its templates, and how the datasets library narrows."""
    from datasets import arrow_writer
    from llamafactory.data import template

    before = arrow_writer.OptimizedTypedSequence.__init__
    monkeypatch.setattr(template, "TEMPLATES", deepcopy(template.TEMPLATES))
    yield
    arrow_writer.OptimizedTypedSequence.__init__ = before  # type: ignore[method-assign]


@pytest.fixture
def both(tmp_path: Path, untouched_llamafactory: None) -> Callable[..., tuple[Any, Any]]:
    """What LLaMA-Factory and we make with the same settings: two `DatasetDict`s from disk."""
    from datasets import load_from_disk
    from llamafactory.data import get_dataset, get_template_and_fix_tokenizer
    from llamafactory.data import template as templates
    from llamafactory.hparams import get_train_args
    from llamafactory.model import load_tokenizer

    number = count()

    def run(settings: Settings, workers: int = 1) -> tuple[Any, Any]:
        folder = tmp_path / f"both-{next(number)}"
        folder.mkdir()
        clean = deepcopy(templates.TEMPLATES)
        job = {"do_train": False, "finetuning_type": "lora", "use_cpu": True, "report_to": "none", "stage": "sft"}
        job |= {"output_dir": str(folder / "out"), "overwrite_cache": True, "cache_dir": str(folder / "cache")}
        job |= settings | {"tokenized_path": str(folder / "theirs")}
        model_args, data_args, training_args, finetuning_args, _ = get_train_args(job)
        tokenizer = load_tokenizer(model_args)
        template = get_template_and_fix_tokenizer(tokenizer["tokenizer"], data_args)
        get_dataset(template, model_args, data_args, training_args, stage=finetuning_args.stage, **tokenizer)
        templates.TEMPLATES.update(clean)

        told = answer({"settings": {key: value for key, value in settings.items() if key in TOKENIZER_KEYS}})
        templates.TEMPLATES.update(deepcopy(clean))
        tokenize(Described.from_json(told), arguments_of(settings), folder / "ours", workers=workers)
        return load_from_disk(str(folder / "theirs")), load_from_disk(str(folder / "ours"))

    return run


def assert_same(theirs: Any, ours: Any) -> None:
    """The same splits, columns, types and rows."""
    assert list(ours) == list(theirs)
    for split in theirs:
        assert ours[split].features == theirs[split].features
        columns = theirs[split].column_names
        assert ours[split].column_names == columns
        assert len(theirs[split]) > 0
        for column in columns:
            assert ours[split][column][:] == theirs[split][column][:], f"{split}: {column}"
