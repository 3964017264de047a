"""The real LLaMA Board, started in a workspace and stopped with all it started."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from pathlib import Path

from lf_wrap.errors import UserError
from lf_wrap.pipeline.launch import launch, llamafactory_cli

LOG = Path("llamaboard_cache/board.log")
LOOPBACK = "127.0.0.1"


def serve(host: str, port: int, on_ready: Callable[[str], None], filled_with: Path | None = None) -> None:
    """Runs the board in the working directory until it is stopped; `on_ready` hears its address once it answers.

    `filled_with` is a saved configuration that its form shows from the beginning.

    Raises:
        UserError: the port is taken.
        ChildFailed: the board ended by itself.
        Interrupted: it was stopped.
    """
    refuse_taken(host, port)
    told = False

    def look() -> None:
        nonlocal told
        if not told and answers(host, port):
            told = True
            on_ready(f"http://{LOOPBACK if host in {'0.0.0.0', '::'} else host}:{port}")  # noqa: S104

    # Its own "open a browser" would start one on a server's console; the address is printed instead.
    environment = {
        "GRADIO_SERVER_NAME": host,
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_ANALYTICS_ENABLED": "False",
        "BROWSER": "true",
    }
    opened = [sys.executable, "-m", "lf_wrap.board.open_board", str(filled_with)]
    launch(opened if filled_with else llamafactory_cli("webui"), LOG, look, environment)


def refuse_taken(host: str, port: int) -> None:
    """Refuses a port that something else listens on.

    Raises:
        UserError: naming the next one that is free.
    """
    if _free(host, port):
        return
    free = next((other for other in range(port + 1, port + 100) if _free(host, other)), None)
    raise UserError(f"port {port} of {host} is taken", fix=f"lfw webui --port {free or port + 1000}")


def answers(host: str, port: int) -> bool:
    """Whether someone listens there."""
    try:
        with socket.create_connection((LOOPBACK if host == "0.0.0.0" else host, port), timeout=1):  # noqa: S104
            return True
    except OSError:
        return False


def _free(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind((host, port))
        except PermissionError:
            raise UserError(f"port {port} is not for ordinary users", fix="take one above 1023") from None
        except OSError as error:
            if isinstance(error, socket.gaierror):
                raise UserError(f"{host!r} is no address of this machine", fix="--host 127.0.0.1") from None
            return False
    return True
