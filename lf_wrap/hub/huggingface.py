"""The Hugging Face hub, or a mirror of it (`HF_ENDPOINT`), through huggingface_hub."""

from __future__ import annotations

from pathlib import Path

from lf_wrap.errors import UserError
from lf_wrap.hub.names import HubName, Kind
from lf_wrap.hub.reach import endpoint
from lf_wrap.hub.remote import NotOnHubError, RemoteFile, UnreachableError


class HuggingFace:
    name: HubName = "huggingface"
    title = "Hugging Face"

    def listing(self, kind: Kind, repo_id: str) -> tuple[str, list[RemoteFile]]:
        from huggingface_hub import HfApi
        from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError
        from huggingface_hub.hf_api import RepoFile

        api = HfApi(endpoint=endpoint(self.name))
        try:
            revision = api.repo_info(repo_id, repo_type=kind).sha or "main"
            tree = list(api.list_repo_tree(repo_id, recursive=True, revision=revision, repo_type=kind))
        except GatedRepoError:
            raise UserError(
                f"{repo_id} is handed out only to those who agreed to its terms",
                fix=f"agree at {endpoint(self.name)}/{repo_id}, then `hf auth login`",
            ) from None
        except RepositoryNotFoundError:
            raise NotOnHubError(
                f"{self.title} has no {kind} {repo_id}", fix="check the id; if it is private: `hf auth login`"
            ) from None
        except HfHubHTTPError as error:
            raise UnreachableError(
                f"{self.title} answers {error.response.status_code}", fix="try again later"
            ) from None
        return revision, [
            RemoteFile(file.path, file.size, file.lfs.sha256 if file.lfs else None, None if file.lfs else file.blob_id)
            for file in tree
            if isinstance(file, RepoFile)
        ]

    def download(self, kind: Kind, repo_id: str, revision: str, file: RemoteFile, folder: Path) -> None:
        """As `hf_hub_download` does over HTTP, but what has come stays here when the process ends: that one discards
        it (huggingface_hub 1.33), and a bad line would begin gigabytes anew each time."""
        from huggingface_hub import hf_hub_url
        from huggingface_hub.file_download import http_get
        from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

        target = folder / file.path
        partial = target.with_name(f"{target.name}.incomplete")
        target.parent.mkdir(parents=True, exist_ok=True)
        if partial.exists() and partial.stat().st_size > file.size:
            partial.unlink()
        url = hf_hub_url(repo_id, file.path, repo_type=kind, revision=revision, endpoint=endpoint(self.name))
        with partial.open("ab") as handle:
            http_get(url, handle, resume_size=handle.tell(), headers=build_hf_headers(), expected_size=file.size)
        partial.replace(target)
