"""What is listed for the deployment exists in the code, and what exists in the code is listed."""

import re
from dataclasses import fields, replace
from functools import cache
from pathlib import Path

import grimp
import pytest

from infra.names import GSIS, TABLES
from infra.needs import BEHIND_GATEWAYS, FUNCTIONS, WORKERS, Needs
from infra.queues import QUEUES
from infra.routes import Code, RouteError
from infra.schedules import SCHEDULES
from shared.core.settings import Settings
from tests.infra import planned

ROOT = Path(__file__).parents[2]
RESOURCES = {  # a need -> the setting by which code finds the resource
    "core": "core_table",
    "ephemeral": "ephemeral_table",
    "telemetry": "telemetry_table",
    "files": "files_bucket",
    "signs": "signing_secret",
    "signs_for_clients": "client_token_key",
    "machine": "agent_run_machine",
    "builds": "build_project",
    "operations": "build_and_deploy_machine",
    "starts_deployments": "deployment_machine",
    "posts": "socket_endpoint",
    "mails": "mail_sender",
    "oauth": "oauth_secret",
    "github_app": "github_app_secret",
    "models": "provider_secret",
    "bills": "payment_secret",
    "secrets": "secrets_key",
}


@pytest.mark.parametrize("kind", ["areas", "workers", "jobs"])
def test_synthesis_refuses_a_name_that_only_one_side_knows(kind: str) -> None:
    code: Code = planned.code()
    names = sorted(getattr(code, kind))
    with pytest.raises(RouteError, match=r"lacks invented"):
        replace(code, **{kind: (*names, "invented")})
    with pytest.raises(RouteError, match=rf"does not exist: {names[0]}"):
        replace(code, **{kind: tuple(names[1:])})


def test_queues_and_tables_are_those_that_the_settings_name() -> None:
    settings = {field.name for field in fields(Settings)}
    assert {f"{name.replace('-', '_')}_queue" for name in QUEUES} == {name for name in settings if name.endswith("_queue")}
    assert {f"{name}_table" for name in TABLES} == {name for name in settings if name.endswith("_table")}
    assert {spec.consumer for spec in QUEUES.values()} <= set(WORKERS)
    assert set(re.findall(r'"(GSI\d)PK"', _text("shared/store/rows.py"))) == set(GSIS)


def test_every_queue_is_sent_to_and_every_worker_is_invoked() -> None:
    assert {queue for needs in FUNCTIONS.values() for queue in needs.sends} == set(QUEUES)
    assert SCHEDULES
    by_queue = {spec.consumer for spec in QUEUES.values()}
    assert set(WORKERS) == by_queue | {
        "scheduled",
        "stream_projector",
        "run_steps",
        "delivery_steps",
        "deploy_steps",
        "sandbox_steps",
        "ws",
    }


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_function_is_granted_only_what_its_code_can_reach(name: str) -> None:
    assert _granted(FUNCTIONS[name]) - _reachable(name) == set()


@pytest.mark.parametrize("name", ["delivery_steps", "scheduled"])
def test_whoever_releases_an_operation_may_stop_its_build(name: str) -> None:
    """The job `operations` releases those of lost executions: without the runner's name it would fail at them every minute."""
    assert FUNCTIONS[name].builds


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_function_logs_at_the_level_of_the_settings(name: str) -> None:
    assert "shared.core.logs" in _modules(name)


@pytest.mark.parametrize("name", BEHIND_GATEWAYS)
def test_every_function_with_a_snapshot_renews_its_chance(name: str) -> None:
    assert "shared.core.ids" in _modules(name)


def _granted(needs: Needs) -> set[str]:
    granted = {setting for need, setting in RESOURCES.items() if getattr(needs, need) not in (False, "none", ())}
    return granted | {f"{queue.replace('-', '_')}_queue" for queue in needs.sends}


def _reachable(name: str) -> set[str]:
    """The settings that are read in the modules which the function imports, directly or not."""
    return {setting for module in _modules(name) for setting in _settings_read().get(module, ())}


def _modules(name: str) -> set[str]:
    """The modules of a function and all that they import, directly or not."""
    graph = _graph()
    own = {module for module in graph.modules if module.startswith(f"functions.{name}.")}
    return own.union(*(graph.find_upstream_modules(module) for module in own))


@cache
def _graph() -> grimp.ImportGraph:
    return grimp.build_graph("functions", "shared", cache_dir=None)


@cache
def _settings_read() -> dict[str, set[str]]:
    names = {field.name for field in fields(Settings)}
    read = {}
    for path in [*ROOT.glob("shared/**/*.py"), *ROOT.glob("functions/**/*.py")]:
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        text = path.read_text()
        read[module] = names & {*re.findall(r'"(\w+)"', text), *re.findall(r"settings\(\)\.(\w+)", text)}
    return read


def _text(path: str) -> str:
    return (ROOT / path).read_text()
