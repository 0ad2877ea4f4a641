"""`cadre` itself: help, version, completion, and where logins are kept."""

import os
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

import ai_agents
import cadre_cli
from cadre_cli import profiles
from cadre_cli.app import app
from cadre_cli.problems import Usage
from cadre_cli.profiles import Profile
from tests.areas.command_line import cadre

PROJECT = Path(cadre_cli.__file__).parents[2] / "pyproject.toml"
COMMANDS = [
    ["login"], ["logout"], ["whoami"], ["profiles"], ["agents"], ["run"], ["approve"], ["reject"],
    ["build"], ["builds"], ["deploy"], ["deployments"], ["rollback"],
    *(["projects", one] for one in ("list", "create", "show")), *(["cards", one] for one in ("list", "create", "show", "move")),
]  # fmt: skip


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return tmp_path / "cadre"


def profile(**fields: str) -> Profile:
    about = {"url": "https://cadre.example", "email": "ada@example.com", "organization": "o-1", "access_token": "a"}
    return Profile.model_validate(about | {"refresh_token": "r", "expires_at": 1.0} | fields)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_has_help_json_profile_and_url(words: list[str]):
    shown = cadre(*words, "--help").stdout
    assert all(option in shown for option in ("--json", "--profile", "--url"))


def test_help_loads_neither_the_client_nor_its_models():
    heavy = {"ai_agents.client", "ai_agents.models", "ai_agents.agentworks.models", "httpx2"}
    code = f"import sys; import cadre_cli.app; print(*sorted({heavy!r} & set(sys.modules)))"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    shown = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)  # noqa: S603
    assert shown.stdout.split() == []


def test_all_names_of_the_client_are_there_when_they_are_asked_for():
    for name in ai_agents.__all__:
        assert getattr(ai_agents, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'invented'"):
        ai_agents.invented  # noqa: B018


def test_the_version_is_that_of_the_package():
    assert cadre("--version").stdout == f"cadre {tomllib.loads(PROJECT.read_text())['project']['version']}\n"


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("cadre pro", ["profiles", "projects"]),
        ("cadre deploy b-1 --env ", ["dev", "staging", "production"]),
        ("cadre whoami --profile ", ["own", "team"]),
    ],
)
def test_a_shell_is_told_what_can_come_next(line: str, offered: list[str]):
    for name in ("own", "team"):
        profiles.save(name, profile())
    words = {"_CADRE_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
    assert CliRunner().invoke(app, prog_name="cadre", env=words).stdout.split() == offered


def test_a_profile_is_replaced_at_once_and_is_its_owners_alone(home: Path):
    profiles.save("own", profile())
    profiles.save("own", profile(email="bea@example.com"))
    found = profiles.load("own")
    assert found is not None
    assert found.email == "bea@example.com"
    (file,) = (home / "profiles").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_file_that_is_no_profile_is_said(home: Path):
    profiles.save("own", profile())
    (home / "profiles" / "own.json").write_text("{")
    with pytest.raises(Usage, match="is no profile"):
        profiles.load("own")


def test_a_relative_folder_of_settings_is_ignored(monkeypatch: pytest.MonkeyPatch):
    """As the XDG Base Directory Specification says."""
    monkeypatch.setenv("XDG_CONFIG_HOME", "relative")
    assert profiles.folder() == Path.home() / ".config" / "cadre"


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("cadre.example.com", "https://cadre.example.com"),
        ("https://cadre.example.com/", "https://cadre.example.com"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://127.0.0.1:9000/", "http://127.0.0.1:9000"),
        ("http://[::1]:9000", "http://[::1]:9000"),
    ],
)
def test_an_address_has_one_form(given: str, url: str):
    assert profiles.clean_url(given) == url


@pytest.mark.parametrize(
    "url", ["http://cadre.example.com", "http://127.evil.example", "https://ada:pw@cadre.example.com", "ftp://x", "https://"]
)
def test_an_address_that_is_none_or_would_send_tokens_in_clear_is_refused(url: str):
    with pytest.raises(Usage):
        profiles.clean_url(url)
