"""How alike two texts are: the measures of the field, each as its reference implementation computes it, from 0 to 1.

BLEU-4 and ROUGE are those of LLaMA-Factory's `ComputeSimilarity` (train/sft/metric.py), so that numbers compare with
its `predict` results: BLEU-4 over characters with smoothing method 3 (Chen & Cherry 2014), ROUGE over jieba's words.
"""

from __future__ import annotations

from functools import cache
from typing import Any

# ROUGE-L is quadratic in the words; an answer of 100 KB is a broken one, and its beginning shows that as well.
LONGEST = 8192  # characters


def chrf(answer: str, reference: str) -> float:
    """chrF, the overlap of character n-grams (Popović 2015, as sacrebleu computes it by default)."""
    score: float = _chrf().sentence_score(answer[:LONGEST], [reference]).score / 100
    return min(1.0, score)


def bleu4(answer: str, reference: str) -> float:
    """BLEU-4 over characters; 0 where a side is empty."""
    from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

    if not answer or not reference:
        return 0.0
    found = sentence_bleu([list(reference)], list(answer[:LONGEST]), smoothing_function=SmoothingFunction().method3)
    return float(found)


def rouge(answer: str, reference: str) -> dict[str, float]:
    """The F-scores of ROUGE-1, ROUGE-2 and ROUGE-L over jieba's words; 0 where a side has none."""
    said, wanted = words(answer[:LONGEST]), words(reference)
    if not said.split() or not wanted.split():
        return {"ROUGE-1": 0.0, "ROUGE-2": 0.0, "ROUGE-L": 0.0}
    found = _rouge().get_scores(said, wanted)[0]
    return {name: float(found[name.lower()]["f"]) for name in ("ROUGE-1", "ROUGE-2", "ROUGE-L")}


def meteor(answer: str, reference: str) -> float:
    """METEOR over jieba's words by exact match (Banerjee & Lavie 2005, nltk's weights): no synonyms, no stems.

    So it needs no WordNet, which knows no Chinese.
    """
    from nltk.translate.meteor_score import single_meteor_score

    wanted, said = words(reference).split(), words(answer[:LONGEST]).split()
    if not said or not wanted:
        return 0.0
    return float(single_meteor_score(wanted, said, stemmer=_AsItIs(), wordnet=_NoSynonyms()))


def distinct(answer: str, n: int) -> float:
    """Distinct-n (Li et al. 2016): different n-grams of jieba's words over all; 1 where there is none."""
    grams = ngrams(words(answer[:LONGEST]).split(), n)
    return len(set(grams)) / len(grams) if grams else 1.0


def repetition(answer: str, n: int = 4) -> float:
    """The share of 4-grams of characters that stood in the answer before: near 1 where a model is stuck."""
    grams = ngrams("".join(answer[:LONGEST].split()), n)
    return 1 - len(set(grams)) / len(grams) if grams else 0.0


def ngrams(parts: Any, n: int) -> list[tuple[str, ...]]:
    """All runs of `n` parts, in order."""
    return [tuple(parts[at : at + n]) for at in range(len(parts) - n + 1)]


def words(text: str) -> str:
    """The text cut into words by jieba, with blanks between them."""
    return " ".join(_jieba().cut(text))


class _AsItIs:
    def stem(self, word: str) -> str:
        return word


class _NoSynonyms:
    def synsets(self, word: str) -> list[Any]:
        return []


@cache
def _jieba() -> Any:
    import logging

    import jieba

    jieba.setLogLevel(logging.WARNING)  # it announces on stderr that it loads its dictionary
    return jieba


@cache
def _rouge() -> Any:
    from rouge_chinese import Rouge

    return Rouge()


@cache
def _chrf() -> Any:
    from sacrebleu.metrics.chrf import CHRF

    return CHRF()
