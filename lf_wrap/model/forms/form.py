"""What every form of an export is made from, and how it comes to stand: whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lf_wrap.conversation import Conversation
from lf_wrap.errors import ChildFailed, UserError
from lf_wrap.files import take_place
from lf_wrap.model.parity.logits import LogitParity
from lf_wrap.model.parity.trained_template import TrainedTemplate

Figures = dict[str, Any]

# What stands beside the weights and says how they are asked.
TOKENIZER = ("tokenizer*", "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt", "chat_template*")
GENERATION = "generation_config.json"


@dataclass(frozen=True)
class Tuned:
    """A tuned model after its run: the merged one in `model`, what it was made of, and what it can be asked."""

    model: Path
    trained: Path
    template: TrainedTemplate
    arguments: Mapping[str, Any]
    """The train YAML's."""
    asked: Sequence[Conversation]
    llamafactory: Callable[[Sequence[str]], None]
    """Runs `llamafactory-cli` with these arguments."""
    say: Callable[[str], None]

    def prompts(self) -> list[list[int]]:
        return [self.template.prompt(conversation) for conversation in self.asked]


@contextmanager
def appearing(target: Path) -> Iterator[Path]:
    """A hidden folder that becomes `target` when the block ends well, in its stead where it was there; else it goes."""
    part = target.with_name(f".{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        yield part
        take_place(part, target)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def copy_tokenizer(model: Path, folder: Path) -> None:
    """Copies the tokenizer, chat template and generation config of `model` to `folder`."""
    for pattern in (*TOKENIZER, GENERATION):
        for file in model.glob(pattern):
            shutil.copyfile(file, folder / file.name)


def require_packages(option: str, *packages: str) -> None:
    """Refuses an option, such as `--form bnb-4bit`, whose packages are not installed.

    Raises:
        UserError: naming them and the command that installs them.
    """
    missing = [package for package in packages if find_spec(package) is None]
    if missing:
        raise UserError(
            f"{option} needs {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed",
            fix=f"pip install {' '.join(missing)}",
        )


def agreed(form: str, parity: LogitParity, largest: float, *, greedy: bool) -> Figures:
    """The figures of a form that was loaded back; `largest` is in standard deviations of the logits.

    Raises:
        ChildFailed: it answers otherwise than the merged model.
    """
    allowed = largest * parity.spread
    if not parity.finite or parity.max_abs_diff > allowed or (greedy and not (parity.same_greedy or parity.near_tie)):
        raise ChildFailed(
            f"{form}, loaded back, is not the merged model: logits are up to {parity.max_abs_diff:.3g} apart, "
            f"its rounding explains {allowed:.3g}; {'same' if parity.same_greedy else 'other'} greedy tokens",
            fix="nothing was written; report this with the model's config.json",
        )
    return {
        "max_abs_logit_diff": parity.max_abs_diff,
        "mean_abs_logit_diff": parity.mean_abs_diff,
        "largest_allowed": allowed,
        "same_greedy": parity.same_greedy,
    }
