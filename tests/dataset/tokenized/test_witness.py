"""The tokenizer itself is asked beside the quick way, and has the last word."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from lf_wrap.dataset import fingerprint
from lf_wrap.dataset.tokenized import Described, arguments_of, tokenize
from lf_wrap.dataset.tokenized.batch import Task
from lf_wrap.dataset.tokenized.encode import load_encoder
from lf_wrap.dataset.tokenized.splits import splits_of
from lf_wrap.dataset.tokenized.template import ChatTemplate
from lf_wrap.dataset.tokenized.witness import witnessed
from lf_wrap.dataset.workers import apart

TEMPLATE = ChatTemplate(
    kind="plain",
    prefix=[],
    system=["{{content}}"],
    user=["问{{content}}答"],
    assistant=["{{content}}\n"],
    default_system="",
    thought_words=("<think>", "</think>"),
    empty_thought="",
    enable_thinking=None,
    preserve_thinking=False,
    efficient_eos=False,
    eos=151643,
    pad=151643,
    text_end="<|endoftext|>",
    text_begin="",
)
WORDS = [
    "头痛怎么办？",
    "it's 12 o'clock\n\n",
    "e\u0301te\u0301",
    "x\u0301",
    "\uffff between\uffff",
    "<|im_end|>",
    "多休息",
]
# To the tokenizers library `[:punct:]` is all of Unicode's, to tiktoken ASCII's alone: 。 is another kind to each.
DIFFERENT = "[[:punct:]]|[^[:punct:]]+"


@pytest.mark.timeout(120)
@pytest.mark.parametrize("odd", ["", "休息\\u3002\\n"], ids=["alike", "unlike"])
def test_several_processes_write_what_the_tokenizer_says(
    tmp_path: Path, qwen_tokenizer: Path, odd: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As a shell may have it: the tokenizer's threads are then started here, and processes forked later wait for them.
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "true")
    from datasets import load_from_disk
    from tokenizers import Tokenizer

    tokenizer = json.loads((qwen_tokenizer / "tokenizer.json").read_text(encoding="utf-8"))
    words = WORDS
    if odd:
        tokenizer["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = DIFFERENT
        words = ["头痛怎么办", "it's 12 o'clock"]
    lines = [json.dumps({"instruction": word, "output": word * 2}, ensure_ascii=False) for word in words * 60]
    if odd:
        lines[117] = '{"instruction": "b", "output": "ODD"}'.replace("ODD", odd)
    (tmp_path / "d.jsonl").write_text("\n".join(lines), encoding="utf-8")
    entry = {"file_name": "d.jsonl", "columns": {"prompt": "instruction", "response": "output"}}
    (tmp_path / "dataset_info.json").write_text(json.dumps({"d": entry}), encoding="utf-8")
    file = tmp_path / "tokenizer.json"
    file.write_text(json.dumps(tokenizer), encoding="utf-8")
    arguments = arguments_of({"dataset": "d", "dataset_dir": str(tmp_path), "preprocessing_batch_size": 50})

    template = replace(TEMPLATE, user=["ask {{content}}"]) if odd else TEMPLATE
    parts = [(Task(template, file, arguments, (split.files[0].reader,)), split) for split in splits_of(arguments)]
    quick = load_encoder(file, compare=False)
    assert quick.is_quick
    assert quick.agrees(witnessed(file.read_text(encoding="utf-8"), parts)) is not bool(odd)

    tokenize(Described(template, file.read_text(encoding="utf-8")), arguments, tmp_path / "made", workers=2)
    exact = Tokenizer.from_file(str(file))
    asked, answered = template.user[0], template.assistant[0]
    for made, line in zip(load_from_disk(str(tmp_path / "made"))["train"], lines, strict=True):
        row = json.loads(line)
        sides = asked.replace("{{content}}", row["instruction"]), answered.replace("{{content}}", row["output"])
        question, answer = (exact.encode(text, add_special_tokens=False).ids for text in sides)
        assert made["input_ids"] == question + answer
        assert made["labels"] == [-100] * len(question) + answer


def test_a_process_apart_tells_its_result_or_that_it_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    # Another test may have compared texts in this process; what is forked here needs none of the threads that did.
    monkeypatch.setattr(fingerprint, "has_started_threads", lambda: False)

    def dies() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    for function, result in ((lambda: "x" * (1 << 20), "x" * (1 << 20)), (dies, None), (lambda: 1 / 0, None)):
        with apart(function, workers=2) as told:
            assert told is not None
            assert told() == result
    with apart(dies, workers=1) as nobody:
        assert nobody is None
