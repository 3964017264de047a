"""vLLM answers (extra `vllm`, needs a GPU). Written against vLLM's `LLM.chat`; not run where lfw is developed."""

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
        try:
            from importlib.metadata import version

            installed = version("vllm")
        except ImportError:
            raise UserError(
                "vLLM is not installed", fix="pip install 'lf_wrap[vllm]', or --engine transformers"
            ) from None
        self.folder = folder
        self.identity = f"vllm {installed} {fingerprint(folder)}"
        self._model: Any = None

    def room_for(self, references: Sequence[str]) -> int:
        return min(MOST_NEW_TOKENS, max(64, 2 * max(map(len, references))))

    def answer(self, asked: Sequence[Asked], on_reply: OnReply) -> None:
        from vllm import LLM, SamplingParams

        if self._model is None:
            self._model = LLM(model=str(self.folder))
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
            on_reply(place, Reply(said.text.strip(), truncated=said.finish_reason == "length"))

    def weigh(self, weighed: Sequence[Weighed], on_reply: OnReply) -> None:
        raise UserError(
            "likelihoods are not asked of vLLM", fix="use the transformers engine for perplexity and multiple choice"
        )
