"""What answers: a model folder through Transformers or vLLM, or a server. One interface, and a cache in front of it."""

from __future__ import annotations

from pathlib import Path

from lf_wrap.errors import UserError, did_you_mean
from lf_wrap.evaluation.engines.cache import CACHE, Cached
from lf_wrap.evaluation.engines.engine import Asked, Engine, OnReply, Weighed

ENGINES = ("transformers", "vllm", "server")

__all__ = ["CACHE", "ENGINES", "Asked", "Cached", "Engine", "OnReply", "Weighed", "engine_for"]


def engine_for(
    model: str | Path,
    *,
    engine: str = "transformers",
    adapter: Path | None = None,
    url: str | None = None,
    rows_at_once: int | None = None,
) -> Engine:
    """The engine that lets `model` answer: a folder (with an `adapter` on it), or a server's model at `url`.

    Raises:
        UserError: there is no such engine, or it cannot do what is wished.
    """
    if engine not in ENGINES:
        raise UserError(f"there is no engine {engine!r}", fix=did_you_mean(engine, ENGINES))
    if engine == "server":
        from lf_wrap.evaluation.engines.server import Server

        if url is None:
            raise UserError("a server needs its address", fix="for example --url http://127.0.0.1:8000/v1")
        return Server(url, str(model))
    if engine == "vllm":
        from lf_wrap.evaluation.engines.vllm_engine import Vllm

        if adapter:
            raise UserError("vLLM is given merged models only", fix="`lfw export` first, or --engine transformers")
        return Vllm(Path(model))
    from lf_wrap.evaluation.engines.local import Local

    return Local(Path(model), adapter, rows_at_once)
