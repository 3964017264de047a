"""Fetching: the hubs' real clients against a server that answers, and misbehaves, as hubs do."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lf_wrap.dataset import load_spec
from lf_wrap.errors import UserError
from lf_wrap.hub import HubId, HubName, fetch, fetched, parse, parse_url
from tests.conftest import Lfw
from tests.hub.server import Repositories, serving

# More than the 10 MB that huggingface_hub holds in memory before it writes them: half of it is worth going on from.
WEIGHTS = bytes(range(256)) * 100_000
ROWS = json.dumps(
    [{"instruction": f"What is {n}?", "input": "", "output": f"{n}, surely."} for n in range(60)]
).encode()
MODEL = {"config.json": b'{"model_type": "qwen2"}', "model.safetensors": WEIGHTS, "vocab/merges.txt": b"a b\n"}
SECRET = "secretsecret"
on_both_hubs = pytest.mark.parametrize("name", ["modelscope", "huggingface"])


@pytest.fixture
def hub() -> Iterator[Repositories]:
    repositories = Repositories({("model", "org/tiny"): dict(MODEL), ("dataset", "org/rows"): {"data/rows.json": ROWS}})
    with serving(repositories):
        yield repositories


@pytest.fixture
def env(hub: Repositories, tmp_path: Path) -> dict[str, str]:
    """Both hubs are the server; their caches are the test's own."""
    caches = {name: str(tmp_path / "cache") for name in ("HF_HOME", "MODELSCOPE_CACHE", "MODELSCOPE_HOME")}
    tokens = {"HF_TOKEN": f"hf_{SECRET}", "MODELSCOPE_API_TOKEN": f"ms-{SECRET}"}
    both = {"HF_ENDPOINT": hub.address, "MODELSCOPE_ENDPOINT": hub.address}
    return {**both, **caches, **tokens, "HF_HUB_OFFLINE": "0", "NO_PROXY": "127.0.0.1"}


@pytest.fixture
def here(env: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory of a process in which both hubs are the server."""
    import huggingface_hub.constants

    for name, value in env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)  # read when it was imported
    monkeypatch.chdir(tmp_path)
    return tmp_path


def tiny(name: HubName | None = None) -> HubId:
    return parse("model", "org/tiny", name)


@on_both_hubs
def test_a_model_comes_whole_and_checked(here: Path, name: HubName) -> None:
    done = fetch(tiny(name), Path("models/tiny"))
    assert (done.files, done.checked, done.bytes) == (3, 3, sum(map(len, MODEL.values())))
    assert {path: (here / "models/tiny" / path).read_bytes() for path in MODEL} == MODEL


@on_both_hubs
def test_progress_ends_with_all_bytes(here: Path, name: HubName) -> None:
    heard: list[tuple[int, int]] = []
    fetch(tiny(name), here / "tiny", lambda done, total: heard.append((done, total)))
    total = sum(map(len, MODEL.values()))
    assert heard[-1] == (total, total)
    assert [done for done, _ in heard] == sorted(done for done, _ in heard)


@on_both_hubs
def test_a_connection_that_drops_halfway_goes_on_from_there(here: Path, hub: Repositories, name: HubName) -> None:
    hub.breaks_off["model.safetensors"] = 1
    fetch(tiny(name), here / "tiny")
    assert (here / "tiny/model.safetensors").read_bytes() == WEIGHTS
    (asked,) = hub.ranges_asked("model.safetensors")
    assert 0 < int(asked.removeprefix("bytes=").removesuffix("-")) <= len(WEIGHTS) // 2


@on_both_hubs
def test_a_line_that_stays_bad_is_told_and_the_next_call_goes_on(
    here: Path, hub: Repositories, name: HubName, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)  # the clients wait longer each time
    monkeypatch.setattr("modelscope_hub._download.DOWNLOAD_RETRY_TIMES", 0)
    hub.breaks_off["model.safetensors"] = 1000
    with pytest.raises(UserError, match=r"the download of model\.safetensors broke off") as broke:
        fetch(tiny(name), here / "tiny")
    assert "goes on where this one stopped" in str(broke.value)
    assert not (here / "tiny/model.safetensors").exists()
    assert fetched(here / "tiny") is None

    hub.breaks_off.clear()
    hub.requests.clear()
    fetch(tiny(name), here / "tiny")
    assert (here / "tiny/model.safetensors").read_bytes() == WEIGHTS
    assert hub.ranges_asked("model.safetensors"), "what had come before was thrown away"


@on_both_hubs
def test_a_wrong_checksum_is_refused_and_the_file_deleted(
    here: Path, hub: Repositories, name: HubName, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelscope_hub._download.DOWNLOAD_HASH_RETRY_TIMES", 1)
    hub.serves["model.safetensors"] = WEIGHTS[::-1]
    with pytest.raises(UserError, match=r"model\.safetensors"):
        fetch(tiny(name), here / "tiny")
    assert not (here / "tiny/model.safetensors").exists()
    hub.serves.clear()
    assert fetch(tiny(name), here / "tiny").checked == 3


@on_both_hubs
def test_what_is_here_and_right_is_not_downloaded_again_what_was_changed_is(
    here: Path, hub: Repositories, name: HubName
) -> None:
    fetch(tiny(name), here / "tiny")
    (here / "tiny/config.json").write_bytes(b'{"model_type": "qwen9"}')
    hub.requests.clear()
    fetch(tiny(name), here / "tiny")
    assert (hub.downloads("model.safetensors"), hub.downloads("config.json")) == (0, 1)
    assert (here / "tiny/config.json").read_bytes() == MODEL["config.json"]


@pytest.mark.parametrize("path", ["../outside.txt", "/tmp/lfw-outside.txt", "a/../../outside.txt", "..\\outside.txt"])
@on_both_hubs
def test_no_name_from_the_hub_leaves_the_folder(here: Path, hub: Repositories, name: HubName, path: str) -> None:
    hub.files["dataset", "org/rows"][path] = b"mine now"
    with pytest.raises(UserError, match="would be written outside the folder"):
        fetch(parse("dataset", "org/rows", name), here / "deep/down")
    assert not [file for file in here.rglob("*") if "outside" in file.name]
    assert not (here / "deep").exists()


def test_a_link_in_the_folder_is_not_followed_out_of_it(here: Path) -> None:
    (here / "elsewhere").mkdir()
    (here / "folder").mkdir()
    (here / "folder/data").symlink_to(here / "elsewhere")
    with pytest.raises(UserError, match="outside the folder"):
        fetch(parse("dataset", "org/rows", "huggingface"), here / "folder")
    assert not list((here / "elsewhere").iterdir())


def test_modelscope_is_asked_first_and_hugging_face_when_it_has_it_not(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fetch(tiny(), here / "a").hub == "modelscope"
    with serving(Repositories()) as empty:
        monkeypatch.setenv("MODELSCOPE_ENDPOINT", empty.address)
        assert fetch(tiny(), here / "b").hub == "huggingface"


@pytest.mark.parametrize(("said", "asked"), [("1", "modelscope"), ("0", "huggingface")])
def test_use_modelscope_hub_decides(here: Path, said: str, asked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USE_MODELSCOPE_HUB", said)
    assert fetch(tiny(), here / "tiny").hub == asked


def test_an_id_that_is_nowhere_is_told_with_both_hubs(here: Path) -> None:
    with pytest.raises(UserError, match="ModelScope has no model org/no; Hugging Face has no model org/no"):
        fetch(parse("model", "org/no"), here / "no")


def test_terms_to_agree_to_are_told_with_where(here: Path, hub: Repositories) -> None:
    hub.gated.add("org/tiny")
    with pytest.raises(UserError) as refused:
        fetch(tiny("huggingface"), here / "tiny")
    assert f"agree at {hub.address}/org/tiny" in str(refused.value)


@pytest.mark.parametrize(("kind", "folder"), [("model", "models/tiny/"), ("dataset", "dataset_info/raw/tiny/")])
def test_without_a_connection_it_says_where_to_put_the_files_by_hand(
    lfw: Lfw, env: dict[str, str], kind: str, folder: str
) -> None:
    dead = {**env, "HF_ENDPOINT": "http://user:pw@127.0.0.1:9", "MODELSCOPE_ENDPOINT": "http://127.0.0.1:9"}
    ran = lfw("fetch", kind, "org/tiny", env=dead)
    assert ran.code == 1
    assert "does not answer at http://127.0.0.1:9" in ran.err
    assert f"put the files into {folder}" in ran.err
    assert "pw" not in ran.err


def test_offline_on_purpose_is_told(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(UserError, match="HF_HUB_OFFLINE is set"):
        fetch(tiny("huggingface"), here / "tiny")


@on_both_hubs
def test_the_command_prints_where_and_how_to_go_on_and_no_token(
    lfw: Lfw, env: dict[str, str], tmp_path: Path, name: str
) -> None:
    ran = lfw("--debug", "fetch", "dataset", "org/rows", "--hub", name, "--json", env=env)
    assert ran.code == 0, ran.err
    assert (ran.json["folder"], ran.json["hub"]) == ("dataset_info/raw/rows", name)
    assert "lfw build-data dataset_info/raw/rows" in ran.err
    assert SECRET not in ran.out + ran.err
    files = [file for file in (tmp_path / "dataset_info").rglob("*") if file.is_file()]
    assert files
    assert not [file for file in files if SECRET.encode() in file.read_bytes()]

    built = lfw("build-data", "dataset_info/raw/rows", "--name", "mine", "--json")
    assert built.code == 0, built.err
    assert built.json["datasets"][0]["read"] == 60


def test_weights_for_other_programs_are_left_where_there_are_safetensors(here: Path, hub: Repositories) -> None:
    hub.files["model", "org/tiny"] |= {"pytorch_model.bin": b"x" * 10, "onnx/model.onnx": b"y" * 10}
    assert fetch(tiny(), here / "tiny").files == len(MODEL)
    assert not (here / "tiny/pytorch_model.bin").exists()


def test_what_does_not_fit_on_the_disk_is_refused_before_it_begins(
    here: Path, hub: Repositories, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1000}))
    with pytest.raises(UserError, match="GB are still to come"):
        fetch(tiny("modelscope"), here / "tiny")
    assert not hub.downloads("model.safetensors")


def test_a_folder_is_whole_until_a_file_is_gone(here: Path) -> None:
    fetch(tiny(), here / "tiny")
    record = fetched(here / "tiny")
    assert record is not None
    assert (record["id"], record["hub"]) == ("org/tiny", "modelscope")
    (here / "tiny/config.json").unlink()
    assert fetched(here / "tiny") is None


@pytest.mark.parametrize("said", ["tiny", "a/b/c", "../up", "org/..", "org/a b", ""])
def test_what_is_no_id_is_refused(said: str) -> None:
    with pytest.raises(UserError, match="is no model id"):
        parse("model", said)


def test_short_names_are_listed_with_what_they_mean(lfw: Lfw) -> None:
    said = lfw("fetch", "--list-names").out
    assert "hieunguyenminh/roleplay (huggingface)" in said
    assert parse("dataset", "Roleplay") == HubId("dataset", "hieunguyenminh/roleplay", "huggingface")


def test_a_spec_names_a_dataset_on_a_hub(lfw: Lfw, hub: Repositories, env: dict[str, str], tmp_path: Path) -> None:
    spec = tmp_path / "specs/mine.yaml"
    spec.parent.mkdir()
    spec.write_text("datasets: {mine: {source: hub://modelscope/org/rows/data/*.json, test: 10}}\n")
    built = lfw("build-data", spec, "--json", env=env)
    assert built.code == 0, built.err
    assert built.json["datasets"][0]["read"] == 60
    assert (spec.parent / "raw/rows/data/rows.json").read_bytes() == ROWS

    hub.requests.clear()
    assert lfw("build-data", spec, env=env).code == 0
    assert not hub.requests, "a build must not change because a hub did"


@pytest.mark.parametrize("source", ["hub://org/rows", "hub://elsewhere/org/rows", "hub://modelscope/org"])
def test_what_is_no_address_on_a_hub_is_refused(source: str) -> None:
    with pytest.raises(UserError, match="is no address on a hub"):
        parse_url(source)


def test_a_file_of_a_hub_dataset_cannot_lie_outside_the_specs_folder(tmp_path: Path) -> None:
    spec = tmp_path / "mine.yaml"
    spec.write_text("datasets: {mine: {source: hub://modelscope/org/rows/../../../secret.json}}\n")
    with pytest.raises(UserError, match="leaves the spec's folder"):
        load_spec(spec)


MANY = {f"part/{n:03}.json": f'[{{"n": {n}}}]'.encode() for n in range(40)}


@on_both_hubs
def test_many_small_files_come_a_few_at_a_time(hub: Repositories, here: Path, name: HubName) -> None:
    hub.files["dataset", "org/many"], hub.slow = dict(MANY), 0.05
    done = fetch(parse("dataset", "org/many", name), here / "many")
    assert done.files == len(MANY)
    assert {path: (here / "many" / path).read_bytes() for path in MANY} == MANY
    assert 1 < hub.most_at_once <= 4
    assert all(hub.downloads(path) == 1 for path in MANY)


@on_both_hubs
def test_of_many_files_the_first_that_is_wrong_is_named(
    hub: Repositories, here: Path, name: HubName, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelscope_hub._download.DOWNLOAD_HASH_RETRY_TIMES", 1)
    hub.files["dataset", "org/many"] = dict(MANY)
    hub.serves = dict.fromkeys(list(MANY)[1:3], b"[1, 2, 34]")
    with pytest.raises(UserError, match=r"part/001\.json"):
        fetch(parse("dataset", "org/many", name), here / "many")
    assert fetched(here / "many") is None
    hub.serves.clear()
    assert fetch(parse("dataset", "org/many", name), here / "many").files == len(MANY)


def test_ctrl_c_leaves_nothing_that_looks_whole_and_the_same_command_goes_on(
    hub: Repositories, env: dict[str, str], tmp_path: Path, lfw: Lfw
) -> None:
    hub.slow = 3  # seconds a file, less than the client waits
    command = [sys.executable, "-m", "lf_wrap", "fetch", "model", "org/tiny", "--hub", "huggingface"]
    fetching = subprocess.Popen(command, cwd=tmp_path, env={**os.environ, **env}, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not hub.downloads("model.safetensors"):
        assert time.monotonic() < deadline, "it asks for no weights"
        time.sleep(0.05)
    fetching.send_signal(signal.SIGINT)
    told = fetching.communicate(timeout=60)[1]
    assert fetching.returncode == 130
    assert "the same command goes on" in told
    folder = tmp_path / "models/tiny"
    assert not (folder / "model.safetensors").exists()
    assert fetched(folder) is None
    hub.slow = 0
    again = lfw("fetch", "model", "org/tiny", "--hub", "huggingface", cwd=tmp_path, env=env)
    assert again.code == 0, again.err
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
