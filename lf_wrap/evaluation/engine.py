"""Greedy answers from a model folder through Transformers: batches of like length, padded on the left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil
from pathlib import Path
from typing import Any

from lf_wrap.errors import UserError
from lf_wrap.evaluation.questions import Question
from lf_wrap.files import shown

OnAnswers = Callable[[int], None]
BATCH_ON_CPU, BATCH_ON_GPU = 16, 64
MOST_NEW_TOKENS = 1024


class Engine:
    """A model folder, loaded. The same weights give the same greedy answers whatever the batch (in fp32)."""

    def __init__(self, folder: Path) -> None:
        """Loads the model: bf16 on a GPU that has it, fp32 on a CPU.

        Raises:
            UserError: the folder cannot be loaded, or its tokenizer has no chat template.
        """
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils.logging import disable_progress_bar, set_verbosity_error

        disable_progress_bar()
        set_verbosity_error()
        on_gpu = torch.cuda.is_available()
        dtype = (
            torch.bfloat16 if on_gpu and torch.cuda.is_bf16_supported() else torch.float16 if on_gpu else torch.float32
        )
        try:
            self.tokenizer: Any = AutoTokenizer.from_pretrained(folder, padding_side="left")
            self.model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype)
        except Exception as error:  # each file format's library raises kinds of its own
            raise UserError(
                f"{shown(folder)} cannot be loaded: {error}", fix="check that the model is whole"
            ) from error
        if not self.tokenizer.chat_template:
            raise UserError(
                f"the tokenizer in {shown(folder)} has no chat template",
                fix="use an instruct model, or export with `template`",
            )
        if self.tokenizer.pad_token_id is None:
            self.tokenizer.pad_token = self.tokenizer.eos_token
        self.model.to("cuda" if on_gpu else "cpu").eval()
        self.batch_size = BATCH_ON_GPU if on_gpu else BATCH_ON_CPU
        self.dtype = str(dtype).removeprefix("torch.")

    def room_for(self, references: Sequence[str]) -> int:
        """New tokens an answer may take: half as long again as the longest reference, and a few."""
        longest = max(len(ids) for ids in self.tokenizer(list(references), add_special_tokens=False)["input_ids"])
        return min(MOST_NEW_TOKENS, ceil(1.5 * longest) + 8)

    def answers(
        self, asked: Sequence[Question], max_new_tokens: int, batch_size: int | None, on_answers: OnAnswers
    ) -> list[str]:
        """One answer a question, in the order of the questions."""
        prompts = [
            self.tokenizer.apply_chat_template(question.messages, add_generation_prompt=True, tokenize=False)
            for question in asked
        ]
        ids = self.tokenizer(prompts, add_special_tokens=False)["input_ids"]
        order = sorted(range(len(asked)), key=lambda place: len(ids[place]))
        size = batch_size or self.batch_size
        answers = [""] * len(asked)
        for start in range(0, len(order), size):
            places = order[start : start + size]
            for place, answer in zip(
                places, self._batch([ids[place] for place in places], max_new_tokens), strict=True
            ):
                answers[place] = answer
            on_answers(len(places))
        return answers

    def _batch(self, ids: list[list[int]], max_new_tokens: int) -> list[str]:
        import torch

        batch = self.tokenizer.pad({"input_ids": ids}, return_tensors="pt").to(self.model.device)
        with torch.inference_mode():
            output = self.model.generate(
                **batch,
                max_new_tokens=max_new_tokens,
                do_sample=False,
                temperature=None,
                top_p=None,
                top_k=None,
                repetition_penalty=1.0,
                eos_token_id=self._stops(),
                pad_token_id=self.tokenizer.pad_token_id,
            )
        new = output[:, batch["input_ids"].shape[1] :]
        return [text.strip() for text in self.tokenizer.batch_decode(new, skip_special_tokens=True)]

    def _stops(self) -> list[int]:
        """The tokens that end an answer: what generation_config says and what the tokenizer says."""
        configured = self.model.generation_config.eos_token_id
        said = configured if isinstance(configured, list) else [configured]
        return sorted({token for token in (*said, self.tokenizer.eos_token_id) if token is not None})
