"""A dataset spec: the YAML file that says which sources become which datasets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    PrivateAttr,
    ValidationError,
    field_validator,
)

from lf_wrap.errors import UserError, did_you_mean
from lf_wrap.files import existing_file, shown
from lf_wrap.hub import HubId, is_hub_url, parse_url

NAME = re.compile(r"[\w][\w.-]*", re.ASCII)


def sound_name(name: str) -> str:
    """A dataset's name: it becomes file names, so letters, digits, `_`, `-` and `.` only.

    Raises:
        ValueError: it is something else.
    """
    if not NAME.fullmatch(name) or ".." in name:
        raise ValueError(f"{name!r} is no sound name: use letters, digits, _ - and .")
    return name


class SplitFiles(BaseModel):
    """Train and test rows that come in files of their own."""

    model_config = ConfigDict(extra="forbid")
    train: str
    test: str


class DatasetSpec(BaseModel):
    """How one dataset is built. Paths are relative to the spec's folder and stay inside it, or absolute.

    `hub://modelscope/owner/name[/files]` is what `lfw fetch` puts into `raw/name` of that folder.
    """

    model_config = ConfigDict(extra="forbid")
    source: str | list[str] | SplitFiles
    type: str | None = None
    train: NonNegativeInt | None = Field(default=None, description="training rows; all when left out")
    test: NonNegativeInt | None = Field(default=None, description="test rows; 5 %, at most 100, when left out")
    prompt: str | None = Field(default=None, description="instead of the source's own")
    columns: dict[str, str] = Field(default_factory=dict, description="the source's name for a column: the file's")
    seed: int = 42
    shuffle: bool | None = Field(
        default=None, description="before rows are taken; on, unless test rows have their own file"
    )
    repair: bool = Field(default=True, description="mojibake: UTF-8 that was read as Latin-1")
    clean: bool = Field(default=True, description="NFC, control characters, blank runs, placeholder answers")
    special_tokens: Literal["neutralise", "reject", "keep"] = "neutralise"
    turns: bool = Field(default=True, description="made to alternate; when off, chats that do not are rejected")
    greeting: Literal["drop", "move"] = Field(default="drop", description="an assistant's first words, unasked")
    redact: bool | None = Field(default=None, description="personal data; on for medical sources")
    deduplicate: bool = True
    near_duplicates: bool = True
    leaks: bool = Field(default=True, description="training rows that ask what a test row asks are removed")
    group_by: str | None = Field(default=None, description="column whose equal values stay on one side of the split")
    cutoff_len: PositiveInt | None = Field(default=None, description="tokens beyond which a chat is split at turns")
    tokenizer: str | None = Field(default=None, description="a model folder: the card then counts tokens")
    shard_mb: PositiveFloat = Field(
        default=4000, description="megabytes of rows beyond which several files are written, in a folder"
    )
    get: str | None = Field(default=None, description="how to get the raw file: shown when it is missing")
    _from_hubs: dict[Path, HubId] = PrivateAttr(default_factory=dict)
    _kept_in: dict[str, Path] = PrivateAttr(default_factory=dict)

    @property
    def from_hubs(self) -> dict[Path, HubId]:
        """The folders that are to be fetched, and what belongs into each."""
        return self._from_hubs

    def refuse_outside(self, given: str, file: Path) -> None:
        """Refuses a file that `given`, a source that may not leave the spec's folder, leads to by a link.

        Raises:
            UserError: it lies elsewhere.
        """
        folder = self._kept_in.get(given)
        if folder and not file.resolve().is_relative_to(folder.resolve()):
            raise UserError(
                f"{shown(file)} is a link out of the spec's folder {shown(folder)}",
                fix="copy what it leads to, or name that by an absolute path if you mean it",
            )


class Spec(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid")
    datasets: dict[Annotated[str, AfterValidator(sound_name)], DatasetSpec] = Field(min_length=1)

    @field_validator("datasets")
    @classmethod
    def _no_name_is_anothers_test(cls, datasets: dict[str, DatasetSpec]) -> dict[str, DatasetSpec]:
        for name in datasets:
            if f"{name}_test" in datasets:
                raise ValueError(f"{name}_test is the name of {name}'s test rows: rename one of the two")
        return datasets


def load_spec(path: Path) -> dict[str, DatasetSpec]:
    """The datasets of the spec at `path`, with every source path resolved.

    Raises:
        UserError: the file is missing or no YAML, a key is unknown or of the wrong type, or a path leaves the folder.
    """
    existing_file(path)
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{shown(path)} is not YAML: {error}", fix="mend the line it names") from None
    try:
        datasets = Spec.model_validate(content).datasets
    except ValidationError as error:
        raise bad_value(error, path, DatasetSpec.model_fields) from None
    return {name: _resolved(spec, path.parent) for name, spec in datasets.items()}


def bad_value(error: ValidationError, path: Path, known: Mapping[str, Any]) -> UserError:
    """The most telling of pydantic's complaints about the YAML at `path`, as an error for a person."""
    first = min(error.errors(), key=lambda complaint: complaint["type"] != "extra_forbidden")
    key = ".".join(
        str(part) for part in first["loc"] if str(part) not in {"function-after[sound_name(), str]", "[key]"}
    )
    if first["type"] == "extra_forbidden":
        fix = did_you_mean(str(first["loc"][-1]), known)
        return UserError(f"{shown(path)}: unknown key {key}", where=key, fix=fix)
    message = first["msg"].removeprefix("Value error, ")
    return UserError(f"{shown(path)}: {message}", where=key or "the whole file", fix="mend that key (see the README)")


def _resolved(spec: DatasetSpec, folder: Path) -> DatasetSpec:
    from_hubs: dict[Path, HubId] = {}
    kept_in: dict[str, Path] = {}

    def here(source: str) -> str:
        if not is_hub_url(source):
            path = _inside(source, folder)
            if not Path(source).expanduser().is_absolute():
                kept_in[path] = folder
            return path
        what, files = parse_url(source)
        target = folder / "raw" / what.name
        from_hubs[target] = what
        return _inside(str(Path("raw") / what.name / files), folder)

    if isinstance(spec.source, SplitFiles):
        source: Any = SplitFiles(train=here(spec.source.train), test=here(spec.source.test))
    elif isinstance(spec.source, list):
        source = [here(path) for path in spec.source]
    else:
        source = here(spec.source)
    tokenizer = _inside(spec.tokenizer, folder) if spec.tokenizer else None
    ways = [f"lfw fetch dataset {what.id} --hub {what.hub} --to {shown(to)}" for to, what in from_hubs.items()]
    get = spec.get or " && ".join(ways) or None
    resolved = spec.model_copy(update={"source": source, "tokenizer": tokenizer, "get": get})
    resolved._from_hubs, resolved._kept_in = from_hubs, kept_in
    return resolved


def _inside(path: str, folder: Path) -> str:
    """A relative path may not climb out of the spec's folder: a spec from elsewhere must not read what it likes."""
    expanded = Path(path).expanduser()
    if expanded.is_absolute():
        return str(expanded)
    if not (folder / expanded).resolve().is_relative_to(folder.resolve()):
        raise UserError(
            f"{path} leaves the spec's folder {shown(folder)}", fix="write it as an absolute path if you mean it"
        )
    return str(folder / expanded)
