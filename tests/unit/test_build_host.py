"""The laptop's build host, as its own process: what it builds, what it refuses, and that nothing is left running."""

import inspect
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.build_host import BuildHost
from local.building import artifacts
from local.building.buildspec import Files
from local.building.processes import descendants, remove
from shared.core import outbound
from shared.core.errors import Upstream
from shared.core.ids import new_id
from shared.delivery.building.local_runner import LocalRunner
from shared.delivery.building.runner import BuildState, Source
from tests.repositories import WHOLE, commit, git, repository
from tests.waiting import eventually

LIMITS = {
    "seconds": 20,
    "clone_seconds": 5,
    "processes": 40,
    "log_bytes": 100_000,
    "report_bytes": 10_000,
    "memory": 200_000_000,
    "file_bytes": 1_000_000,
}


@contextmanager
def running(folder: Path, **limits: int) -> Iterator[BuildHost]:
    (folder / "data").mkdir(exist_ok=True)
    host = BuildHost(folder / "data" / "builds", folder / "data" / "builds.log")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CADRE_BUILD_LIMITS", json.dumps(LIMITS | limits))
        host.start()
    try:
        yield host
    finally:
        host.stop()


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BuildHost]:
    with running(tmp_path_factory.mktemp("host")) as made:
        yield made
    outbound._client().close()
    outbound._client.cache_clear()


def runner_of(host: BuildHost) -> LocalRunner:
    return LocalRunner(host.environment["CADRE_BUILD_HOST"], host.secret)


def state_of(host: BuildHost, build: str) -> BuildState:
    state = runner_of(host).state(build)
    assert state is not None
    return state


def ended(host: BuildHost, build: str) -> BuildState:
    eventually(lambda: state_of(host, build).ended, within=30)
    return state_of(host, build)


def start(host: BuildHost, address: str, branch: str | None = None, commit: str | None = None) -> str:
    return runner_of(host).start(new_id(), Source(address, branch, commit))


def spec(*commands: str, more: str = "") -> str:
    listed = "".join(f"      - {json.dumps(command)}\n" for command in commands)
    return f"version: 0.2\nphases:\n  build:\n    commands:\n{listed}{more}"


def nothing_runs(host: BuildHost) -> bool:
    return not list(descendants(host.pid))


def test_a_build_runs_its_phases_and_what_it_measured_is_read(host, tmp_path):
    address = repository(tmp_path / "whole")
    build = start(host, address)
    state = ended(host, build)
    assert (state.succeeded, state.reason, state.branch) == (True, None, "main")
    assert state.commit == git(tmp_path / "whole", "rev-parse", "HEAD")
    assert {"INSTALL", "BUILD", "POST_BUILD"} <= set(state.phases)
    results = runner_of(host).results(build)
    assert (results.tests_passed, results.tests_failed, results.coverage) == (1, 1, 87.5)
    assert "A secret" in str(results.scan_report)
    artifacts = host.folder / build / "artifacts"
    assert (artifacts / "app.txt").read_text() == "hello in-install\n"  # variables go on from phase to phase
    assert results.artifact_bytes == sum(path.stat().st_size for path in artifacts.rglob("*") if path.is_file())
    log = runner_of(host).log(build)
    assert "at the end" in log
    assert "succeeding 1" in log
    assert nothing_runs(host)
    assert not (host.folder / build / "source").exists()


def test_an_earlier_commit_and_another_branch_are_built(host, tmp_path):
    folder = tmp_path / "two"
    address = repository(folder, spec("cat README"))
    first = git(folder, "rev-parse", "HEAD")
    (folder / "README").write_text("Changed\n")
    git(folder, "checkout", "--quiet", "-b", "other")
    second = commit(folder)
    git(folder, "checkout", "--quiet", "main")
    for source, expected in (((None, first[:8]), first), (("other", None), second)):
        assert ended(host, start(host, address, *source)).commit == expected


def test_a_build_sees_nothing_of_the_environment_of_the_platform(host, tmp_path):
    build = start(host, repository(tmp_path / "env", spec("env")))
    assert ended(host, build).succeeded
    log = runner_of(host).log(build)
    assert "CI=true" in log
    assert host.secret not in log
    assert "CADRE_BUILD" not in log


def test_the_same_build_is_started_once(host, tmp_path):
    address, build = repository(tmp_path / "once", spec("echo once")), new_id()
    for _ in range(3):
        runner_of(host).start(build, Source(address))
    assert ended(host, build).succeeded
    assert runner_of(host).log(build).count("once") == 1


@pytest.mark.parametrize(
    ("buildspec", "reason"),
    [
        (None, "no buildspec.yml"),
        ("version: 0.2\nphases: [", "no YAML"),
        ("version: 0.1", "version: 0.2"),
        ("- a", "no map"),
        ("version: 0.2\nphases:\n  deploy: {commands: [x]}", "unknown phase"),
        ("version: 0.2\nphases:\n  build: {commands: 3}", "no list of texts"),
        ("version: 0.2\nenv:\n  secrets-manager: {A: b}", "only on AWS"),
        ("version: 0.2\nreports:\n  r: {files: ['../x']}", "leaves the source folder"),
        ("version: 0.2\nreports:\n  r: {files: ['x'], file-format: NUNITXML}", "NUNITXML is not read"),
        ("version: 0.2\nx: &a [1]\ny: [*a, *a]", "aliases"),
        ("version: 0.2\nx: !!int x", "no YAML"),
        ("version: 0.2\nx: !!timestamp x", "no YAML"),
        ("version: 0.2\nx: !!bool x", "no YAML"),
        ("version: 0.2\nenv:\n  variables: {'A=B': x}", "no name of a variable"),
        ('version: 0.2\nenv:\n  variables: {A: "x\\0"}', "no text"),
        ('version: 0.2\nphases:\n  build: {commands: ["echo \\ud800"]}', "no text"),
        (spec("head -c 9000 /dev/zero > r.xml", more="reports:\n  r: {files: ['r.xml']}\n"), "no text"),
        (spec("exit 3"), "phase build failed with exit status 3"),
        (spec("head -c 200000 /dev/zero | tr '\\\\0' x; sleep 60"), "bytes of log"),
        (spec("for one in $(seq 80); do sleep 60 & done; wait"), "more than 40 processes"),
        (spec("head -c 20000 /dev/zero > big.xml", more="reports:\n  r: {files: ['big.xml']}\n"), "reports are larger"),
        (spec("head -c 2000000 /dev/zero > big"), "phase build failed"),
        (spec("python -c 'bytearray(300_000_000)'"), "phase build failed"),
    ],
)
def test_a_build_that_cannot_go_on_fails_with_its_reason(host, tmp_path, buildspec, reason):
    build = start(host, repository(tmp_path / "bad", buildspec))
    state = ended(host, build)
    assert not state.succeeded
    assert reason in str(state.reason)
    assert nothing_runs(host)


@pytest.mark.parametrize(
    ("source", "reason"),
    [(("file:///nowhere",), "cannot be cloned"), (("{}", "nobranch"), "cannot be cloned"), (("{}", None, "abcdef12"), "no such commit"),
     (("ext::sh -c true",), "cannot be cloned"), (("--upload-pack=true",), "cannot be cloned")],
)  # fmt: skip
def test_a_source_that_does_not_exist_fails_with_its_reason(host, tmp_path, source, reason):
    address = repository(tmp_path / "there", spec("true"))
    state = ended(host, start(host, source[0].format(address), *source[1:]))
    assert (state.succeeded, reason in str(state.reason)) == (False, True)


def test_after_a_failed_build_only_post_build_runs(host, tmp_path):
    failing = WHOLE.replace("- mkdir -p out/reports", "- mkdir -p out/reports").replace(
        '- echo "$GREETING', '- exit 7\n      - echo "$GREETING'
    )
    build = start(host, repository(tmp_path / "failing", failing))
    assert "exit status 7" in str(ended(host, build).reason)
    log = runner_of(host).log(build)
    assert "succeeding 0" in log
    assert "at the end" in log  # its finally


def test_what_a_build_leaves_behind_is_ended_also_in_a_session_of_its_own(host, tmp_path):
    build = start(
        host,
        repository(tmp_path / "daemon", spec("sleep 300 &", "setsid sleep 300 &", "(setsid sh -c 'sleep 300 & sleep 300' &)")),
    )
    assert ended(host, build).succeeded
    assert nothing_runs(host)


def test_a_cancelled_build_ends_with_everything(host, tmp_path):
    build = start(host, repository(tmp_path / "long", spec("setsid sleep 300 & sleep 300")))
    eventually(lambda: state_of(host, build).phase == "BUILD", within=20)
    runner_of(host).cancel(build)
    state = ended(host, build)
    assert (state.succeeded, state.cancelled) == (False, True)
    assert nothing_runs(host)


def test_builds_wait_for_each_other(host, tmp_path):
    first = start(host, repository(tmp_path / "first", spec("until [ -e stop ]; do sleep 0.05; done")))
    second = start(host, repository(tmp_path / "second", spec("true")))
    eventually(lambda: state_of(host, first).phase == "BUILD", within=20)
    assert state_of(host, second).phase == "QUEUED"
    (host.folder / first / "source" / "stop").touch()
    assert ended(host, second).succeeded


def test_a_build_that_loops_and_a_repository_that_hangs_end_in_time(tmp_path):
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as silent, running(tmp_path, seconds=3, clone_seconds=1) as host:
        loops = start(host, repository(tmp_path / "loops", spec("while :; do :; done")))
        assert ended(host, loops).reason == "The build took longer than it may"
        hangs = start(host, f"https://127.0.0.1:{silent.getsockname()[1]}/x.git")
        assert ended(host, hangs).reason == "The repository did not answer in time"
        assert nothing_runs(host)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_what_was_building_when_the_host_ended_is_lost_and_said(tmp_path, number):
    address = repository(tmp_path / "long", spec("echo $$ > ../pid; sleep 300"))
    with running(tmp_path) as host:
        build = start(host, address)
        eventually((host.folder / build / "pid").exists, within=20)
        os.kill(host.pid, number)
        host._process.wait(10)
    with running(tmp_path) as again:
        state = ended(again, build)
        assert not state.succeeded
        eventually(lambda: not os.path.exists(f"/proc/{(host.folder / build / 'pid').read_text().strip()}"), within=5)


def test_only_who_has_the_key_is_answered(host):
    with pytest.raises(Upstream):
        LocalRunner(host.environment["CADRE_BUILD_HOST"], "wrong").state(new_id())
    assert runner_of(host).state(new_id()) is None


def test_the_folders_of_others_are_not_cloned_also_by_a_link(host, tmp_path):
    """The platform's own folder has the sources and the artifacts of everybody's builds."""
    others = host.folder / "others" / "artifacts"
    repository(others, spec("true"))
    (tmp_path / "link").symlink_to(others)
    for address in (others.as_uri(), (tmp_path / "link").as_uri(), f"file://{tmp_path}/../{tmp_path.name}/link"):
        assert "the platform's own folder" in str(ended(host, start(host, address)).reason)


def test_links_in_artifacts_and_reports_lead_to_nothing_outside(host, tmp_path):
    (tmp_path / "secret").write_text("a secret")
    commands = (
        f"ln -s {tmp_path}/secret stolen.txt", f"ln -s {tmp_path} out", f"ln -s {tmp_path}/secret junit.xml", "mkfifo pipe.txt",
        "ln -s loop.txt loop.txt", "echo ours > own.txt",
    )  # fmt: skip
    more = "artifacts:\n  files: ['*.txt', 'out/*']\nreports:\n  r: {files: ['junit.xml', 'out/secret']}\n"
    build = start(host, repository(tmp_path / "links", spec(*commands, more=more)))
    assert ended(host, build).succeeded
    kept = [path.name for path in (host.folder / build / "artifacts").rglob("*") if path.is_file()]
    assert kept == ["own.txt"]
    assert runner_of(host).results(build).tests_passed is None


def test_a_base_folder_that_is_a_link_leads_to_nothing_outside(host, tmp_path):
    (tmp_path / "secret").write_text("a secret")
    more = "artifacts:\n  base-directory: out\n  files: ['**/*']\n"
    build = start(host, repository(tmp_path / "base", spec(f"ln -s {tmp_path} out", more=more)))
    assert ended(host, build).succeeded
    assert not list((host.folder / build / "artifacts").rglob("secret"))


def test_a_build_that_forks_without_end_leaves_nothing(host, tmp_path):
    """It would end at 512 by itself: a host that fails this test harms nobody else."""
    forks = "f() { if [ $1 -lt 9 ]; then f $(($1 + 1)) & f $(($1 + 1)) & fi; sleep 60; }; f 0"
    build = start(host, repository(tmp_path / "forks", spec(forks)))
    assert "processes" in str(ended(host, build).reason)
    assert nothing_runs(host)


def test_a_long_chain_of_processes_is_seen():
    """Deeper than Python's stack: an error there would leave all of it running."""
    made = subprocess.Popen(
        ["/bin/sh", "-c", "f() { if [ $1 -gt 0 ]; then f $(($1 - 1)) & fi; sleep 60; }; f 60"], start_new_session=True
    )
    limit = sys.getrecursionlimit()
    try:
        eventually(lambda: len(list(descendants(made.pid))) > 60)
        sys.setrecursionlimit(len(inspect.stack()) + 40)
        assert len(list(descendants(made.pid))) > 60
    finally:
        sys.setrecursionlimit(limit)
        os.killpg(made.pid, signal.SIGKILL)
        made.wait()


def test_a_build_whose_state_cannot_be_written_ends_and_the_next_one_has_its_turn(tmp_path):
    """As on a full disk: what the host writes at the end of the build fails."""
    with running(tmp_path) as host:
        broken = start(host, repository(tmp_path / "broken", spec("mkdir ../state.tmp")))
        assert not ended(host, broken).succeeded
        assert ended(host, start(host, repository(tmp_path / "next", spec("true")))).succeeded
    with running(tmp_path) as again:
        assert not state_of(again, broken).succeeded


def test_a_folder_of_any_depth_is_removed(host, tmp_path):
    deep = "mkdir -p $(printf 'd/%.0s' $(seq 1200))"
    build = start(host, repository(tmp_path / "deep", spec(deep)))
    assert ended(host, build).succeeded
    left = (host.folder / build / "source").exists()
    remove(host.folder / build / "source")  # pytest could not
    assert not left


def test_a_pattern_that_names_places_without_end_ends_with_the_build(tmp_path):
    more = f"artifacts:\n  files: ['{'/'.join('*' * 30)}']\n"
    with running(tmp_path, seconds=1) as host:
        build = start(host, repository(tmp_path / "links", spec("for one in a b c d e f g h; do ln -s . $one; done", more=more)))
        assert ended(host, build).reason == "The build took longer than it may"


def test_patterns_name_what_they_name_on_codebuild(tmp_path):
    for name in ("a.txt", "b/c.txt", "b/d/e.txt", "b/d/f.bin", ".hidden/g.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()

    def named(pattern: str) -> list[str]:
        found = artifacts._found(Files((pattern,)), tmp_path, lambda: None)
        return sorted(str(path.relative_to(tmp_path)) for path in found)

    everything = [".hidden/g.txt", "a.txt", "b/c.txt", "b/d/e.txt", "b/d/f.bin"]
    assert named("**/*") == named("**") == named("./**/**/*") == everything
    assert (named("*.txt"), named("*/*.txt")) == (["a.txt"], [".hidden/g.txt", "b/c.txt"])
    assert (named("b/**/*.txt"), named("b/[de]/*"), named("a.txt")) == (
        ["b/c.txt", "b/d/e.txt"],
        ["b/d/e.txt", "b/d/f.bin"],
        ["a.txt"],
    )
    assert named("nothing/*") == named("b/**/g*") == []


def test_a_build_cannot_hide_from_the_next_start_of_the_host_by_its_variables(host, tmp_path):
    """What is left after a `kill -9` is found by this variable."""
    variables = "env:\n  variables: {CODEBUILD_SRC_DIR: /elsewhere, PATH: /bin:/usr/bin}\n"
    build = start(host, repository(tmp_path / "hidden", spec("echo in $CODEBUILD_SRC_DIR with $PATH", more=variables)))
    assert ended(host, build).succeeded
    assert f"in {host.folder / build / 'source'} with /bin:/usr/bin" in runner_of(host).log(build)


def test_a_build_gives_way_to_everything_else(host, tmp_path):
    build = start(host, repository(tmp_path / "nice", spec("echo nice $(nice)")))
    assert ended(host, build).succeeded
    assert "nice 19" in runner_of(host).log(build)
