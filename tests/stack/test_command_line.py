"""`cadre` on the deployed stack: the README's first minutes, and a build that is deployed and taken back."""

import re
import subprocess
import sys
import threading
import time
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ai_agents import Client
from cadre_cli import profiles
from local.demo import http
from local.stack import LocalStack
from tests.areas.command_line import PASSWORD, cadre, person, said
from tests.areas.oauth_world import browser_at
from tests.shell import shell
from tests.version_repository import COMMAND, Repository

ROOT = Path(__file__).parents[2]
PATHS = ("sdk/python/src", "sdk/cli/src")
BUILDSPEC = "version: 0.2\nphases:\n  build:\n    commands: ['echo built by cadre']\n"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The settings of somebody who has not used the command line yet."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_CONFIG_HOME", str(folder))
        patched.delenv("CADRE_URL", raising=False)
        patched.delenv("CADRE_PROFILE", raising=False)
        yield folder


@pytest.fixture(scope="module")
def ada(stack: LocalStack, home: Path) -> dict[str, Any]:
    """Somebody who has logged in, by a browser at the platform's own pages."""
    email = f"cadre-{time.time_ns()}@example.com"
    body = {"name": "Ada Lovelace", "email": email, "password": PASSWORD}
    assert http().post(f"{stack.url('agentworks')}/auth/register", json=body).status_code == 201
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(webbrowser, "open", person(email, window=partial(browser_at, stack.url("enterprise"))))
        logged_in: dict[str, Any] = said("login", "--url", stack.root)
    assert logged_in["email"] == email
    return logged_in


def test_the_first_minutes_of_the_readme(ada: dict[str, Any], home: Path) -> None:
    section = (ROOT / "README.md").read_text().split("\n## The command line\n", 1)[1].split("\n## ", 1)[0]
    block = next(one for one in re.findall(r"```sh\n(.*?)```", section, re.DOTALL) if "cadre login" in one)
    _, _, after_login = block.partition("cadre login\n")
    script = f'cadre() {{ "{sys.executable}" -m cadre_cli "$@"; }}\n{after_login}'
    environment = shell() | {"XDG_CONFIG_HOME": str(home), "PYTHONPATH": ":".join(str(ROOT / one) for one in PATHS)}
    done = subprocess.run(  # noqa: S603
        ["/bin/bash", "-euo", "pipefail", "-c", script], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    lines = done.stdout.splitlines()
    (project,) = said("projects", "list")
    assert f"Slug\t{project['slug']}" in lines
    (card,) = said("cards", "list", project["slug"])
    assert f"Title\t{card['title']}" in lines
    assert "Status\tcompleted" in lines  # the run, after the lines of its terminal
    assert len(lines) > 30


class Feature:
    """A feature of a project whose repository is a folder, and which is deployed to a process of the laptop."""

    def __init__(self, stack: LocalStack, api: Client, folder: Path) -> None:
        self.stack, self.repository, self._api = stack, Repository(folder), api
        (folder / "buildspec.yml").write_text(BUILDSPEC)
        self.repository.commit(200)
        self.project = said("projects", "create", "Live", "--repository", self.repository.url)["id"]
        self.id = said("cards", "create", "live", "Answers", "--type", "feature", "--lane", "Build")["id"]

    def set_up(self) -> None:
        """Say where the environment `dev` is: processes of this machine."""
        target: Any = {"kind": "process", "command": COMMAND}
        analysis: Any = {"window_seconds": 1, "minimum_requests": 5}
        self._api.environments.set(self.project, "dev", target=target, analysis=analysis)

    def record(self, status: int) -> str:
        """Record a build of another version, which answers requests with this status."""
        commit = self.repository.commit(status)
        return self._api.builds.create(self.id, version_tag="1.0.1", git_commit_hash=commit, tests_passed=1).id

    @property
    def url(self) -> str:
        return str(self.stack.versions.url_of(self.project, "dev"))


@pytest.fixture(scope="module")
def feature(ada: dict[str, Any], stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Feature]:
    profile = profiles.load(profiles.choose(None, None))
    assert profile is not None
    with Client(base_url=stack.url("enterprise"), token=profile.access_token) as api:
        yield Feature(stack, api, tmp_path_factory.mktemp("repositories") / "live")


@contextmanager
def traffic(url: str) -> Iterator[None]:
    """People use what is deployed, all the time."""
    over = threading.Event()

    def use() -> None:
        with httpx2.Client(timeout=30) as client:
            while not over.wait(0.02):
                client.get(url)

    thread = threading.Thread(target=use)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_a_feature_is_built_and_deployed_and_what_is_bad_is_taken_back(feature: Feature) -> None:
    result = cadre("build", feature.id, "--version", "1.0.0")
    assert result.exit_code == 0, result.output
    built = dict(line.split("\t") for line in result.stdout.splitlines())
    assert (built["Status"], built["Number"], built["Version"]) == ("success", "1", "1.0.0")
    assert "100 %" in result.stderr

    feature.set_up()
    with traffic(feature.url):
        first = said("deploy", built["Build"])
        assert (first["status"], first["traffic_percentage"]) == ("success", 100)
        canary = cadre("deploy", feature.record(500), "--canary", "50")
        assert canary.exit_code == 1, canary.output
        assert "canary: " in canary.stderr  # each stage is shown that lasts as long as two looks
        assert "of its requests failed" in canary.stderr
        assert "Status\trolled_back" in canary.stdout.splitlines()
        repaired = said("deploy", feature.record(200))
    assert httpx2.get(feature.url, timeout=30).text == repaired["id"]
    assert said("rollback", repaired["id"], "--reason", "Second thoughts")["status"] == "rolled_back"
    assert httpx2.get(feature.url, timeout=30).text == first["id"]
