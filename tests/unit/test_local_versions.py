"""The host of versions on the laptop: routing by weights, real processes, and the protocol of deploy hooks, asked by the platform's own."""

import os
import shutil
import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from local.engine import free_port
from local.versions.__main__ import make_server
from local.versions.places import Places
from local.versions.routing import Routing
from shared.core import outbound
from shared.core.ids import new_id
from shared.delivery.targets.hook import Hook
from shared.delivery.targets.port import FencedOut, Placed, Release, TargetFailed
from tests.version_repository import COMMAND, Repository
from tests.waiting import eventually

SECRET = "whsec_" + "A" * 44
PROJECT = "01a223f0-34d2-74fe-b637-d8db592fd63c"


def test_requests_are_shared_out_exactly_by_weight():
    routing = Routing()
    assert routing.choose() is None
    routing.set_weights({"old": 90, "new": 10})
    chosen = [routing.choose() for _ in range(200)]
    assert Counter(chosen) == {"old": 180, "new": 20}
    assert Counter(chosen[:20]) == {"old": 18, "new": 2}


def test_figures_are_those_of_the_window():
    routing = Routing()
    for number in range(1, 101):
        routing.measure("new", failed=number > 97, milliseconds=number)
    assert routing.figures("new", 60) == {"requests": 100, "errors": 3, "p95_ms": 95}
    assert routing.figures("new", -1) == {"requests": 0, "errors": 0, "p95_ms": None}
    assert routing.figures("old", 60)["requests"] == 0


@pytest.fixture
def repository(tmp_path) -> Repository:
    return Repository(tmp_path / "shop")


@pytest.fixture
def host(tmp_path) -> Iterator[SimpleNamespace]:
    port = free_port()
    server, places = make_server(tmp_path / "data" / "versions", port, SECRET)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    url = f"http://127.0.0.1:{port}"
    about = {"project_id": PROJECT, "environment": "dev", "command": COMMAND}
    yield SimpleNamespace(
        url=f"{url}/{PROJECT}/dev", hook=Hook(f"{url}/hook", SECRET, about), places=places, port=port, folder=tmp_path / "data"
    )
    server.shutdown()
    thread.join()
    server.server_close()
    places.end()
    outbound._client().close()
    outbound._client.cache_clear()


def release(repository: Repository, commit: str) -> Release:
    return Release(new_id(), new_id(), "1.0.0", commit, "main", None, repository.url)


def placed(host, made: Release, fence: int = 1) -> Placed:
    return eventually(lambda: host.hook.deploy(made, fence), lambda found: found.ready)


def ask(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_a_canary_gets_its_share_and_is_measured_by_real_requests(host, repository):
    good, bad = release(repository, repository.commit(200)), release(repository, repository.commit(500))
    assert placed(host, good) == Placed(True, good.deployment_id, None)
    assert ask(host.url)[0] == 503
    host.hook.set_weights({good.deployment_id: 100}, 2)
    assert ask(f"{host.url}/anything?x=1") == (200, good.deployment_id)
    assert placed(host, bad, 3).serving == good.deployment_id
    host.hook.set_weights({good.deployment_id: 80, bad.deployment_id: 20}, 4)
    assert Counter(status for status, _ in (ask(host.url) for _ in range(20))) == {200: 16, 500: 4}
    measured = host.hook.figures(bad.deployment_id, 60)
    assert (measured.requests, measured.errors) == (4, 4)
    assert host.hook.figures(good.deployment_id, 60).errors == 0
    assert host.hook.health(bad.deployment_id)
    with pytest.raises(TargetFailed, match="has traffic"):
        host.hook.remove(bad.deployment_id, 5)
    host.hook.set_weights({good.deployment_id: 100}, 6)
    pid = host.places.of(PROJECT, "dev").running[bad.deployment_id]._process.pid
    host.hook.remove(bad.deployment_id, 7)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    host.hook.remove(bad.deployment_id, 7)  # a second time it is gone already
    with pytest.raises(FencedOut):
        host.hook.set_weights({}, 6)
    assert ask(host.url) == (200, good.deployment_id)


def test_what_is_deployed_is_there_after_a_restart(host, repository, tmp_path):
    made = release(repository, repository.commit(200))
    placed(host, made)
    host.hook.set_weights({made.deployment_id: 100}, 2)
    host.places.end()
    again = Places(tmp_path / "data" / "versions").of(PROJECT, "dev")
    assert (again.routing.weights, again.fence) == ({made.deployment_id: 100}, 2)
    assert eventually(lambda: host.hook.health(made.deployment_id), bool)  # whoever asks for it starts it
    assert ask(host.url) == (200, made.deployment_id)


@pytest.mark.parametrize("ends", ["removed", "host ends"])
def test_a_version_ends_with_what_it_has_in_a_session_of_its_own(host, repository, ends):
    command = ["sh", "-c", "setsid sh -c 'echo $$ > ../daemon; exec sleep 300' & exec python3 server.py"]
    hook = Hook(
        f"{host.url.removesuffix(f'/{PROJECT}/dev')}/hook",
        SECRET,
        {"project_id": PROJECT, "environment": "dev", "command": command},
    )
    made = release(repository, repository.commit(200))
    eventually(lambda: hook.deploy(made, 1), lambda found: found.ready)
    noted = host.folder / "versions" / PROJECT / "dev" / "daemon"
    eventually(lambda: noted.exists() and noted.read_text().strip())
    if ends == "removed":
        hook.remove(made.deployment_id, 2)
    else:
        host.places.end()
    eventually(lambda: not Path(f"/proc/{noted.read_text().strip()}").exists() or state_of(noted.read_text().strip()) == "Z")


def state_of(pid: str) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_a_commit_that_does_not_exist_is_said(host, repository):
    repository.commit(200)
    made = release(repository, "abcdef1234567890")
    with pytest.raises(TargetFailed, match="422: the commit cannot be checked out"):
        eventually(lambda: host.hook.deploy(made, 1), lambda found: found.ready)


def test_who_does_not_sign_is_refused(host, repository):
    stranger = Hook(f"http://127.0.0.1:{host.port}/hook", "whsec_" + "B" * 44, {"project_id": PROJECT, "environment": "dev"})
    with pytest.raises(TargetFailed, match="401"):
        stranger.set_weights({}, 1)


@pytest.mark.parametrize("path", ["/", "/..%2f", "/a/../b", f"/{PROJECT}", "/x/dev/y"])
def test_paths_that_are_no_environment_have_nothing(host, path):
    status, _ = ask(f"http://127.0.0.1:{host.port}{path}")
    assert status in (404, 503)
    assert isinstance(host.places, Places)
    assert not any(Path(host.places._folder).glob("**/state.json"))


def test_the_folders_of_others_are_not_deployed(host, repository):
    """The platform's own folder has the sources of everybody's builds."""
    commit = repository.commit(200)
    others = host.folder / "builds" / "other"
    others.parent.mkdir(parents=True)
    shutil.copytree(repository.folder, others)
    made = Release(new_id(), new_id(), "1.0.0", commit, "main", None, others.as_uri())
    with pytest.raises(TargetFailed, match="the platform's own folder"):
        host.hook.deploy(made, 1)
