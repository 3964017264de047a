"""A folder to a hub, through the hub's own SDK. The token comes from the environment and stands nowhere else."""

from __future__ import annotations

import os
import sys
from contextlib import redirect_stdout, suppress
from pathlib import Path

from lf_wrap.errors import UserError
from lf_wrap.hub.names import HUB_NAMES, HubId, HubName, parse
from lf_wrap.hub.reach import HUBS, endpoint, why_not

TOKENS: dict[HubName, str] = {"modelscope": "MODELSCOPE_API_TOKEN", "huggingface": "HF_TOKEN"}
CARD = "README.md"
MESSAGE = "A tuned model, exported and compared by lfw"


def push_target(said: str) -> HubId:
    """What `--push huggingface:OWNER/NAME` means, if it can be done from here.

    Raises:
        UserError: it is of another form, the hub's token is not in the environment, or the hub does not answer.
    """
    hub, colon, repo_id = said.partition(":")
    if not colon or hub not in HUB_NAMES:
        raise UserError(f"--push {said!r} names no hub", fix="write modelscope:OWNER/NAME or huggingface:OWNER/NAME")
    name = HUB_NAMES[HUB_NAMES.index(hub)]
    target = HubId("model", parse("model", repo_id, name).id, name)
    if not os.environ.get(TOKENS[name]):
        raise UserError(
            f"{TOKENS[name]} is not set: {HUBS[name]} lets nobody write without a token",
            fix=f"export {TOKENS[name]}=… (a token with write access, from your settings there)",
        )
    if said_no := why_not(name):
        raise UserError(said_no, fix="check the connection, or push later: `lfw export … --push` does only that again")
    return target


def push(target: HubId, folder: Path, card: str, *, private: bool = True) -> str:
    """Uploads all files of `folder`, with `card` as its README.md; returns the repository's address.

    Raises:
        UserError: the hub refuses.
    """
    name: HubName = target.hub or "huggingface"
    send = {"huggingface": _to_huggingface, "modelscope": _to_modelscope}[name]
    try:
        with redirect_stdout(sys.stderr):  # where the SDKs tell what they do: ours carries results
            send(target.id, folder, card, private)
    except Exception as error:  # noqa: BLE001  (each SDK and its HTTP library raise kinds of their own)
        told = str(error).partition("\n")[0][:300].replace(os.environ[TOKENS[name]], "…")
        raise UserError(
            f"{HUBS[name]} did not take {target.id}: {type(error).__name__}: {told}",
            fix=f"check that the token in {TOKENS[name]} may write to {target.id}",
        ) from None
    return f"{endpoint(name)}/{'models/' if name == 'modelscope' else ''}{target.id}"


def _to_huggingface(repo_id: str, folder: Path, card: str, private: bool) -> None:
    from huggingface_hub import CommitOperationAdd, HfApi

    api = HfApi(endpoint=endpoint("huggingface"), token=os.environ[TOKENS["huggingface"]])
    api.create_repo(repo_id, repo_type="model", private=private, exist_ok=True)
    files = [CommitOperationAdd(path, folder / path) for path in _files(folder)]
    card_file = CommitOperationAdd(CARD, card.encode())
    api.create_commit(repo_id, [*files, card_file], commit_message=MESSAGE)


def _to_modelscope(repo_id: str, folder: Path, card: str, private: bool) -> None:
    from modelscope_hub import HubApi
    from modelscope_hub.errors import AlreadyExistsError

    api = HubApi(endpoint=endpoint("modelscope"), token=os.environ[TOKENS["modelscope"]])
    with suppress(AlreadyExistsError):
        api.create_repo(repo_id, "model", visibility="private" if private else "public")
    for path in _files(folder):
        api.upload_file(repo_id, "model", folder / path, path, commit_message=MESSAGE, disable_tqdm=True)
    api.upload_file(repo_id, "model", card.encode(), CARD, commit_message=MESSAGE, disable_tqdm=True)


def _files(folder: Path) -> list[str]:
    files = (file for file in folder.rglob("*") if file.is_file() and file.name != CARD)
    return sorted(file.relative_to(folder).as_posix() for file in files if not file.name.startswith("."))
