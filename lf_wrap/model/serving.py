"""What servers read beside the weights, brought into line with training: stop tokens, chat template, Modelfile.

LLaMA-Factory copies the base's generation config and chat template, and writes a Modelfile with `num_ctx 4096`; when
training rendered otherwise, the exported model is asked in another way than it learned. Each mending is told.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lf_wrap.conversation import Conversation
from lf_wrap.files import write_text
from lf_wrap.model.mergeable import config_of
from lf_wrap.model.parity.template import template_parity
from lf_wrap.model.parity.trained_template import TrainedTemplate

MODELFILE, GENERATION = "Modelfile", "generation_config.json"
CUTOFF_LEN = 2048  # LLaMA-Factory's default


def serve_as_trained(
    exported: Path, trained: TrainedTemplate, arguments: Mapping[str, Any], asked: Sequence[Conversation]
) -> list[str]:
    """Mends what stands beside the weights in folder `exported`; returns in words what was mended.

    `arguments` are the train YAML's; `asked` are rows that show whether the chat template is training's.
    """
    return [
        *_mend_stops(exported, trained),
        *_mend_template(exported, trained, asked),
        *_mend_modelfile(exported, trained, arguments),
    ]


def context_length(model: Path, arguments: Mapping[str, Any]) -> int:
    """The context to serve with: what training saw (`cutoff_len`), at least 4096, at most the model's positions."""
    positions = int(config_of(model).get("max_position_embeddings") or CUTOFF_LEN)
    return min(positions, max(4096, int(arguments.get("cutoff_len") or CUTOFF_LEN)))


def modelfile(trained: TrainedTemplate, weights: str, num_ctx: int) -> str:
    """An Ollama Modelfile for the weights at path `weights`: training's template, system text and stops.

    Its language: https://docs.ollama.com/modelfile
    """
    lines = [
        f"FROM {weights}",
        f'TEMPLATE """{trained.ollama_template()}"""',
        *([f'SYSTEM """{trained.default_system}"""'] if trained.default_system else []),
        *(f'PARAMETER stop "{token}"' for token in trained.stop_texts()),
        f"PARAMETER num_ctx {num_ctx}",
    ]
    return "\n".join(lines) + "\n"


def _mend_stops(exported: Path, trained: TrainedTemplate) -> Iterator[str]:
    file = exported / GENERATION
    config = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    said = config.get("eos_token_id")
    stops = said if isinstance(said, list) else [] if said is None else [said]
    end = trained.ends_answer()
    if end not in stops:
        write_text(file, json.dumps(config | {"eos_token_id": [end, *stops]}, indent=2) + "\n")
        yield f"{GENERATION}: {trained.tokenizer.decode([end])!r} ended the answers in training and now ends them here"


def _mend_template(exported: Path, trained: TrainedTemplate, asked: Sequence[Conversation]) -> Iterator[str]:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(exported)
    if tokenizer.chat_template and template_parity(tokenizer, trained, asked).equal:
        return
    for candidate, how in _candidates(tokenizer, trained):
        tokenizer.chat_template = candidate
        if template_parity(tokenizer, trained, asked).equal:
            tokenizer.save_pretrained(exported)
            yield f"chat template: {how}, so that serving shows the model what training showed it"
            return


def _candidates(tokenizer: Any, trained: TrainedTemplate) -> Iterator[tuple[str, str]]:
    """Chat templates that may render as training did, the least change first."""
    own = tokenizer.chat_template
    if isinstance(own, str):
        told = tokenizer.apply_chat_template([{"role": "user", "content": ""}], tokenize=False)
        wanted = trained.default_system
        for text in sorted(_literals(own), key=len, reverse=True):
            if wanted and text in told and text != wanted:
                yield own.replace(text, _escaped(wanted)), "its default system text is training's now"
    written = trained.jinja_template()
    if written:
        yield written, "written anew from LLaMA-Factory's template"


def _literals(template: str) -> set[str]:
    """The texts of some length that stand in quotes or between role marks in a Jinja template."""
    quoted = re.findall(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"", template)
    texts = {text for pair in quoted for text in pair if text}
    pieces = {piece for text in texts for piece in re.split(r"<\|[^|]*\|>|\\n|\n", text)}
    return {text for text in pieces | texts if len(text) > 15 and "<|" not in text}


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'").replace('"', '\\"').replace("\n", "\\n")


def _mend_modelfile(exported: Path, trained: TrainedTemplate, arguments: Mapping[str, Any]) -> Iterator[str]:
    file = exported / MODELFILE
    num_ctx = context_length(exported, arguments)
    try:
        text = modelfile(trained, ".", num_ctx)
    except ValueError as error:
        file.unlink(missing_ok=True)
        yield f"{MODELFILE}: left out, LLaMA-Factory's template cannot be written for Ollama ({error})"
        return
    before = file.read_text(encoding="utf-8") if file.is_file() else ""
    write_text(file, text)
    changes = [f"num_ctx {num_ctx}"] if f"num_ctx {num_ctx}\n" not in before else []
    if trained.default_system and f'SYSTEM """{trained.default_system}"""' not in before:
        changes.append("training's system text")
    if changes:
        yield f"{MODELFILE}: {' and '.join(changes)}"
