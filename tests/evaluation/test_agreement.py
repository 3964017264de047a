"""Our metrics are those of the field: held against the reference implementations, on real rows where there are any."""

from __future__ import annotations

import csv
import json
import random
from itertools import pairwise
from pathlib import Path

import numpy
import pytest

from lf_wrap.evaluation import read_judged
from lf_wrap.evaluation.tasks import task_named
from lf_wrap.evaluation.tasks.similarity import bleu4, chrf, meteor, rouge
from tests.conftest import Lfw

Pairs = list[tuple[str, str]]


@pytest.fixture(scope="module")
def pairs(real_data: Path) -> Pairs:
    """Answers of real doctors, each held against another's, and some against a part of themselves."""
    rows = json.loads((real_data / "cmtmedqa/CMtMedQA_test.json").read_text(encoding="utf-8"))
    texts = [text for row in rows if (text := str(row.get("output") or ""))][:60]
    return [
        *pairwise(texts),
        *((text[: len(text) // 2], text) for text in texts[:20]),
        ("", texts[0]),
    ]


def test_bleu_and_rouge_are_those_of_llamafactory(pairs: Pairs, tiny_model: Path) -> None:
    from llamafactory.train.sft.metric import ComputeSimilarity
    from transformers import AutoTokenizer, EvalPrediction

    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    measure = ComputeSimilarity(tokenizer)
    for said, wanted in [pair for pair in pairs if pair[0]]:
        ids = [numpy.array([tokenizer(text)["input_ids"]]) for text in (said, wanted)]
        theirs = measure(EvalPrediction(predictions=ids[0], label_ids=ids[1]))
        assert 100 * bleu4(said, wanted) == pytest.approx(theirs["bleu-4"], abs=1e-3)
        ours = rouge(said, wanted)
        for name in ("ROUGE-1", "ROUGE-2", "ROUGE-L"):
            assert 100 * ours[name] == pytest.approx(theirs[name.lower()], abs=1e-3)


def test_chrf_is_sacrebleus(pairs: Pairs) -> None:
    from sacrebleu import sentence_chrf

    for said, wanted in pairs:
        assert 100 * chrf(said, wanted) == pytest.approx(sentence_chrf(said, [wanted]).score, abs=1e-9)


def test_meteor_is_nltks_where_no_synonym_or_stem_is_shared() -> None:
    # 3 of 4 words match in one chunk: P = R = 3/4, F = 3/4, penalty 0.5 · (1/3)³
    assert meteor("头疼 三天 发热", "头疼 三天 咳嗽") > 0
    assert meteor("a b c d", "a b c e") == pytest.approx(0.75 * (1 - 0.5 * (1 / 3) ** 3))


def test_f1_is_scikit_learns(real_data: Path) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    random_ = random.Random(0)
    labels = ["呼吸内科", "消化内科", "肿瘤科", "内分泌科"]
    wanted = random_.choices(labels, [8, 4, 2, 1], k=300)
    said = [one if random_.random() < 0.6 else random_.choice([*labels, "不知道"]) for one in wanted]
    task = task_named("classification")
    sums: dict[str, float] = {}
    for answered, reference in zip(said, wanted, strict=True):
        for cell, count in task.counts(answered, reference).items():  # type: ignore[attr-defined]
            sums[cell] = sums.get(cell, 0) + count
    ours = task.of_sums(sums)
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(
        wanted, said, labels=labels, average="macro", zero_division=0
    )
    assert [float(ours[name]) for name in ("precision", "recall", "F1")] == pytest.approx([precision, recall, f1])
    many = task.of_sums({cell: numpy.array([count, 0.0]) for cell, count in sums.items()})
    assert many["F1"] == pytest.approx([f1, 0.0])


def test_bertscore_is_that_of_bert_score(tmp_path: Path) -> None:
    package = pytest.importorskip("bert_score")
    from transformers import BertConfig, BertModel, BertTokenizerFast

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"头疼三天多喝水发热休息"]
    (tmp_path / "vocab.txt").write_text("\n".join(dict.fromkeys(words)), encoding="utf-8")
    BertTokenizerFast(str(tmp_path / "vocab.txt"), model_max_length=64).save_pretrained(tmp_path)
    sizes = {"hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 64, "num_hidden_layers": 4}
    BertModel(BertConfig(vocab_size=len(words), **sizes)).save_pretrained(tmp_path)
    task = task_named("open", bertscore=str(tmp_path))
    theirs = package.score(["多喝水"], ["多休息"], model_type=str(tmp_path), num_layers=2)[2]
    assert task.score("多喝水", "多休息")["BERTScore"] == pytest.approx(float(theirs[0]), abs=1e-6)  # type: ignore[attr-defined]
    assert task.score("", "多休息")["BERTScore"] == 0  # type: ignore[attr-defined]


def test_multiple_choice_agrees_with_the_harness_on_c_eval(
    lfw: Lfw, real_data: Path, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One `lfw eval` asks both ways: our log-likelihood scoring, and a task of the harness on the same rows."""
    pytest.importorskip("lm_eval")
    monkeypatch.chdir(tmp_path)
    with (real_data / "ceval-val/physician_val.csv").open(encoding="utf-8", newline="") as handle:
        rows = list(csv.reader(handle))
    with Path("physician.csv").open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle).writerows(rows[:41])
    task = {
        "task": "theirs",
        "dataset_path": "csv",
        "dataset_kwargs": {"data_files": {"validation": str(tmp_path / "physician.csv")}},
        "validation_split": "validation",
        "output_type": "multiple_choice",
        "doc_to_text": "{{question.strip()}}\nA. {{A}}\nB. {{B}}\nC. {{C}}\nD. {{D}}\n答案：",
        "doc_to_choice": ["A", "B", "C", "D"],
        "doc_to_target": "{{['A', 'B', 'C', 'D'].index(answer)}}",
        "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}],
    }
    Path("theirs.yaml").write_text(json.dumps(task, ensure_ascii=False), encoding="utf-8")
    arguments = ["eval", "--model", str(tiny_model), "--base", str(tiny_model), "--choice", "physician.csv"]
    done = lfw(*arguments, "--harness", "theirs.yaml", "--out", "out", "--json", cwd=tmp_path)
    assert done.code == 0, done.err
    told = done.json["scores"]
    assert told["theirs"]["acc"]["tuned"] == pytest.approx(told["physician"]["accuracy"]["tuned"])
    assert (told["theirs"]["acc"]["n"], told["theirs"]["acc"]["verdict"]) == (40, "cannot tell")
    ours, theirs = read_judged(tmp_path / "out/evaluation")
    assert [row.answer for row in ours.tuned] == [row.answer for row in theirs.tuned]
    assert [row.references for row in ours.tuned] == [row.references for row in theirs.tuned]
    assert len({row.answer for row in ours.tuned}) > 1
