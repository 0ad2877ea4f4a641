"""What `local run` says, in one line and with exit code 2, when something has to be put right first."""

import errno
import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from local import ENGINE_VERSION, LocalError
from local.__main__ import main
from local.data_folder import FORMAT, DataFolder
from local.engine import ROOT, free_port
from tests.shell import shell

STATE = {"__ministack_format__": 2, "payload": {}}


@pytest.fixture
def used(tmp_path: Path) -> Path:
    folder = DataFolder(tmp_path / "data")
    folder.open()
    folder.remember(played=True)
    folder.close()
    (folder.path / "state").mkdir()
    (folder.path / "state" / "sqs.json").write_text(json.dumps(STATE))
    return folder.path


def refused(path: Path) -> str:
    with pytest.raises(LocalError) as error:
        DataFolder(path).open()
    return str(error.value)


def test_a_folder_opens_again_and_remembers(used: Path) -> None:
    folder = DataFolder(used)
    folder.open()
    assert folder.get("played") is True
    folder.close()


@pytest.mark.parametrize("content", ['{"__ministack_format__": 2, "payl', "", "[]", '{"a": 1}', "\x00"])
def test_unreadable_state_is_told_with_a_way_out(used: Path, content: str) -> None:
    (used / "state" / "sqs.json").write_text(content)
    said = refused(used)
    assert "sqs.json is damaged" in said
    assert f"rm -r {used}" in said


def test_missing_code_is_told(used: Path) -> None:
    (used / "state" / "lambda.json").write_text(json.dumps({**STATE, "payload": {"f": {"code_zip": {"code_blob_ref": "ab12"}}}}))
    assert "ab12 is damaged" in refused(used)


@pytest.mark.parametrize(
    "mark",
    [
        {"format": 99, "engine": ENGINE_VERSION},
        {"format": FORMAT - 1, "engine": ENGINE_VERSION},
        {"format": FORMAT, "engine": "0.1"},
    ],
)
def test_a_folder_of_another_version_is_told(used: Path, mark: dict[str, object]) -> None:
    (used / "local.json").write_text(json.dumps(mark))
    assert "made by another version" in refused(used)


def test_a_folder_of_somebody_else_is_told(used: Path) -> None:
    (used / "local.json").unlink()
    assert "not made by this program" in refused(used)


def test_a_folder_in_use_is_told(used: Path) -> None:
    first = DataFolder(used)
    first.open()
    assert "another `local run` uses" in refused(used)
    first.close()


def test_a_file_in_its_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    assert "cannot be used" in refused(tmp_path / "data")


def run(**environment: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "local", "run"],
        cwd=ROOT,
        env=shell(**environment),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stderr


def test_a_taken_port_ends_the_command_with_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, said = run(CADRE_PORT=str(port), CADRE_DATA=str(tmp_path))
    assert (code, said.count("\n")) == (2, 1)
    assert said.startswith(f"local cloud: port {port} is in use")


def test_damaged_data_ends_the_command_with_one_line(used: Path) -> None:
    (used / "state" / "sqs.json").write_text("{")
    code, said = run(CADRE_PORT=str(free_port()), CADRE_DATA=str(used))
    assert (code, said.count("\n")) == (2, 1)
    assert "is damaged" in said


def test_a_demo_without_a_platform_says_how_to_start_one(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "local", "demo"],
        cwd=ROOT,
        env=shell(CADRE_DATA=str(tmp_path)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "python -m local run" in done.stderr


def test_a_full_disk_ends_the_command_with_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def full() -> int:
        raise OSError(errno.ENOSPC, "No space left on device", "/data/state")

    monkeypatch.setattr("local.__main__.run", full)
    monkeypatch.setattr("signal.signal", lambda *_: None)  # the signals of this process are the test run's
    assert main(["run"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "the disk is full (/data/state)" in said
