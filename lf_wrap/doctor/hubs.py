"""Whether the hubs answer, and which mirror was chosen."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

from lf_wrap.doctor.finding import Finding
from lf_wrap.errors import UserError
from lf_wrap.hub import HUBS, HubName, endpoint, why_not, without_login

FIXES: dict[HubName, str] = {
    "modelscope": "export MODELSCOPE_ENDPOINT=https://www.modelscope.ai, or fetch elsewhere and copy the folder",
    "huggingface": "export HF_ENDPOINT=https://hf-mirror.com, or export USE_MODELSCOPE_HUB=1",
}


def hubs() -> list[Finding]:
    with ThreadPoolExecutor(len(HUBS)) as crew:
        return [*crew.map(_hub, HUBS), _chosen()]


def _hub(hub: HubName) -> Finding:
    try:
        said = why_not(hub)
        where = without_login(endpoint(hub))
    except UserError as error:
        return Finding("hubs", HUBS[hub], "bad", error.what, fix=error.fix or "")
    if said == "HF_HUB_OFFLINE is set":
        return Finding("hubs", HUBS[hub], "note", said, fix="unset HF_HUB_OFFLINE")
    if said:
        return Finding("hubs", HUBS[hub], "note", said, "models and datasets by their id", FIXES[hub])
    return Finding("hubs", HUBS[hub], "ok", f"answers at {where}", "models and datasets by their id")


def _chosen() -> Finding:
    said = os.environ.get("USE_MODELSCOPE_HUB")
    which = "ModelScope" if (said or "").strip().lower() in {"1", "true"} else "Hugging Face"
    value = "not set" if said is None else f"={said}"
    return Finding("hubs", "USE_MODELSCOPE_HUB", "ok", f"{value}: LLaMA-Factory takes ids from {which}")
