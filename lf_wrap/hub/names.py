"""What people call a model or a dataset on a hub: its id, a short name, or a `hub://` address in a spec."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from lf_wrap.errors import UserError, did_you_mean

Kind = Literal["model", "dataset"]
HubName = Literal["modelscope", "huggingface"]
HUB_NAMES: tuple[HubName, ...] = ("modelscope", "huggingface")
URL = "hub://"
PART = re.compile(r"[A-Za-z0-9][\w.-]*", re.ASCII)  # of an id: what both hubs accept


@dataclass(frozen=True)
class HubId:
    """A model or dataset `owner/name`, and the hub it lies on where that is known."""

    kind: Kind
    id: str
    hub: HubName | None = None

    @property
    def name(self) -> str:
        return self.id.partition("/")[2]

    def __str__(self) -> str:
        return f"{self.id} ({self.hub})" if self.hub else self.id


# What the community's own notes on medicine and roleplay train with, by the name people call it.
SHORTCUTS = {
    "qwen2.5-0.5b-instruct": HubId("model", "Qwen/Qwen2.5-0.5B-Instruct"),
    "qwen3-8b": HubId("model", "Qwen/Qwen3-8B"),
    "qwen-7b-chat": HubId("model", "Qwen/Qwen-7B-Chat"),
    "deepseek-r1-distill-qwen-1.5b": HubId("model", "deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B"),
    "mistral-nemo-instruct": HubId("model", "mistralai/Mistral-Nemo-Instruct-2407"),
    "bert-base-chinese": HubId("model", "tiansz/bert-base-chinese", "modelscope"),
    "chinese-medical-dialogue": HubId("dataset", "xiaofengalg/Chinese-medical-dialogue", "modelscope"),
    "imcs-v2-mrg": HubId("dataset", "xueqiao111/IMCS-V2-MRG", "modelscope"),
    "roleplay": HubId("dataset", "hieunguyenminh/roleplay", "huggingface"),
    "charcard": HubId("dataset", "Gryphe/Sonnet3.5-Charcard-Roleplay", "huggingface"),
    "9.8feedback": HubId("dataset", "rica40325/9.8feedback", "huggingface"),
    "alpaca-cleaned": HubId("dataset", "yahma/alpaca-cleaned", "huggingface"),
}
FOLDERS: dict[Kind, Path] = {"model": Path("models"), "dataset": Path("dataset_info/raw")}


def parse(kind: Kind, said: str, hub: HubName | None = None) -> HubId:
    """What `said` means: a short name, or `owner/name`; on `hub`, when that is given.

    Raises:
        UserError: it is neither.
    """
    known = SHORTCUTS.get(said.lower())
    if known and known.kind == kind:
        return replace(known, hub=hub or known.hub)
    return HubId(kind, _sound(kind, said), hub)


def is_hub_url(source: str) -> bool:
    return source.startswith(URL)


def parse_url(source: str) -> tuple[HubId, str]:
    """The dataset that `hub://modelscope/owner/name[/file or pattern]` means, and the files in it ("" for all).

    Raises:
        UserError: it is not of that form.
    """
    hub, *rest = source.removeprefix(URL).split("/", 3)
    if hub not in HUB_NAMES or len(rest) < 2:
        raise UserError(
            f"{source} is no address on a hub",
            where="source",
            fix="write hub://modelscope/OWNER/NAME or hub://huggingface/…",
        )
    return HubId("dataset", _sound("dataset", "/".join(rest[:2])), HUB_NAMES[HUB_NAMES.index(hub)]), "/".join(rest[2:])


def default_folder(what: HubId) -> Path:
    """Where it is put when nobody says: `models/NAME`, or `dataset_info/raw/NAME`, where the specs look."""
    return FOLDERS[what.kind] / what.name


def _sound(kind: Kind, repo_id: str) -> str:
    parts = repo_id.split("/")
    if len(parts) == 2 and all(PART.fullmatch(part) and ".." not in part for part in parts):
        return repo_id
    raise UserError(
        f"{repo_id!r} is no {kind} id: a hub's ids are OWNER/NAME",
        fix=did_you_mean(repo_id.lower(), (name for name, known in SHORTCUTS.items() if known.kind == kind)),
    )
