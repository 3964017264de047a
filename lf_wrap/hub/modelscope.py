"""ModelScope (`MODELSCOPE_ENDPOINT` chooses its server), through modelscope's own client."""

from __future__ import annotations

from pathlib import Path

from lf_wrap.errors import UserError
from lf_wrap.hub.names import HubName, Kind
from lf_wrap.hub.reach import endpoint
from lf_wrap.hub.remote import NotOnHubError, RemoteFile, UnreachableError


class ModelScope:
    name: HubName = "modelscope"
    title = "ModelScope"

    def listing(self, kind: Kind, repo_id: str) -> tuple[str, list[RemoteFile]]:
        from modelscope_hub import HubApi
        from modelscope_hub.errors import AuthenticationError, HubError, NotExistError, PermissionDeniedError

        try:
            files = HubApi(endpoint=endpoint(self.name)).list_repo_files(repo_id, kind)
        except NotExistError:
            raise NotOnHubError(f"{self.title} has no {kind} {repo_id}", fix="check the id") from None
        except (AuthenticationError, PermissionDeniedError):
            raise UserError(
                f"{self.title} does not hand out {repo_id} to everyone", fix="`modelscope login --token …` first"
            ) from None
        except HubError as error:
            raise UnreachableError(
                f"{self.title} does not answer: {type(error).__name__}", fix="try again later"
            ) from None
        return "master", [
            RemoteFile(file.path, file.size, file.sha256 or None) for file in files if file.type != "tree"
        ]

    def download(self, kind: Kind, repo_id: str, revision: str, file: RemoteFile, folder: Path) -> None:
        from modelscope_hub import HubApi

        HubApi(endpoint=endpoint(self.name)).download_file(
            repo_id,
            kind,
            file.path,
            revision=revision,
            local_dir=folder,
            expected_sha256=file.sha256,
            file_size=file.size,
        )
