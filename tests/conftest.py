"""Fixtures of the tests that run on moto (tables, bucket, queues and signing secret, made once, wiped per test), and how the tests are
shared out among processes."""

import gc
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import httpcore2
import pytest
from hypothesis import settings as hypothesis

os.environ |= {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "CADRE_CORE_TABLE": "core",
    "CADRE_TELEMETRY_TABLE": "telemetry",
    "CADRE_EPHEMERAL_TABLE": "ephemeral",
    "CADRE_FILES_BUCKET": "files",
    "CADRE_SIGNING_SECRET": "signing",
    "CADRE_STAGE": "local",
    "CADRE_DEFAULT_PROVIDER": "embedded",
    "CADRE_DEFAULT_MODEL": "cadre-embedded-1",
    "POWERTOOLS_SERVICE_NAME": "test",
    "POWERTOOLS_METRICS_NAMESPACE": "Cadre",
}

from moto import mock_aws

from shared.core.settings import settings
from shared.people.identity import passwords
from tests.documents import deployed, documents
from tests.engine import engine_tables, local_engine
from tests.examples import examples
from tests.grants import check_operations, check_tables
from tests.moto_speed import speed_up
from tests.tables import create_resources

__all__ = ["deployed", "documents", "engine_tables", "local_engine"]  # fixtures

gc.disable()  # until everything is collected: what is imported stays
speed_up()
passwords.PASSES, passwords.MEMORY_KIB = 1, 8  # argon2's least; what ships is asserted in tests/unit/test_passwords.py
httpcore2.default_ssl_context = cache(httpcore2.default_ssl_context)  # 20 ms for each client, of which tests make many
hypothesis.register_profile("tests", hypothesis.default, max_examples=examples(100), deadline=None)  # a busy core breaks no rule
hypothesis.load_profile("tests")
TESTS = Path(__file__).parent
WORKER = "PYTEST_XDIST_WORKER" in os.environ
PLATFORMS = "platforms"
GROUPS = {
    "contracts/test_fuzz.py": "documents",
    "areas/test_system.py": "documents",
    "stack/test_as_on_aws.py": PLATFORMS,
    "stack/test_run.py": PLATFORMS,
    "stack": "stack",
    "infra": "infra",
    "contracts/test_answers.py": "answers",
    "contracts/test_samples_omoios.py": "samples",
    "unit/test_contracts_openapi.py": "documents",
    "unit/test_contracts_operations.py": "documents",
    "unit/sdk/test_generated.py": "documents",
    "properties/test_authorization.py": "authorization",
    "unit/test_moto_speed.py": "moto",
    "unit/providers/test_reading.py": "cards",
    "unit/test_imports.py": "imports",
}
"""Tests that stay in one process, by file or folder, because they share what is dear: a deployed stack, templates, a stage, cards that
were read. Those that start platforms of their own do it one after the other."""
FIRST = ("stack", PLATFORMS, "documents", "infra", "imports", "cards")  # they take longest


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: what is deployed waits as often as it computes."""
    return min(6, (os.cpu_count() or 2) + 1)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Give each test its group: before pytest-xdist looks for it, which it does first of all when everything is collected."""
    group = group_of(item)
    if group:
        item.add_marker(pytest.mark.xdist_group(group))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what takes longest first: groups, then single tests that are `thorough` (`--no-loadscope-reorder`: else by the number of
    tests)."""
    if WORKER:
        items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    group = group_of(item)
    if group in FIRST:
        return FIRST.index(group)
    return len(FIRST) + (group is not None or item.get_closest_marker("thorough") is None)  # in a group the order stays


def pytest_collection_finish() -> None:
    """Keep modules and tests, half a million objects, out of each search for garbage: it took a tenth of the time of a process."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()


def group_of(item: pytest.Item) -> str | None:
    if "platform" in item.fixturenames:
        return PLATFORMS
    return _group_of_file(item.path)


@cache  # 12,000 tests are in 300 files
def _group_of_file(file: Path) -> str | None:
    path = file.relative_to(TESTS).as_posix()
    return next((group for place, group in GROUPS.items() if path == place or path.startswith(f"{place}/")), None)


@pytest.fixture(scope="session")
def _aws() -> Iterator[None]:
    with mock_aws():
        os.environ |= create_resources(cache(boto3.client))
        check_operations()
        settings.cache_clear()  # a module imported before may have read them without the queues
        yield
    boto3.DEFAULT_SESSION = None


@pytest.fixture
def aws(_aws: None) -> Iterator[None]:
    """Empty tables and queues, whatever a test without them has left there."""
    check_tables()
    _empty()
    yield
    _empty()


@pytest.fixture(scope="module")
def shared_tables(_aws: None) -> Iterator[None]:
    """Tables and queues whose rows stay from test to test of a module; they use ids of their own."""
    check_tables()
    yield
    _empty()


@pytest.fixture
def many_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that a caller whom all tests of a module share does not reach."""
    from dataclasses import replace

    from shared.edge.contracts import NAMES, contract
    from shared.edge.contracts.base import Contract

    def raised(rules: Any) -> Any:
        return lambda self, *named: tuple(replace(rule, limit=rule.limit * 100) for rule in rules(self, *named))

    for kind in {Contract, *(type(contract(name)) for name in NAMES)}:
        if "rate_rules" in vars(kind):
            monkeypatch.setattr(kind, "rate_rules", raised(kind.rate_rules))
    monkeypatch.setattr("shared.runs.live_agents.registering.LIMIT", 100_000)


def _empty() -> None:
    from moto.dynamodb.models import dynamodb_backends
    from moto.sqs.models import sqs_backends

    for table in dynamodb_backends["123456789012"]["us-east-1"].tables.values():
        table.items.clear()
    for queue in sqs_backends["123456789012"]["us-east-1"].queues.values():
        queue._messages.clear()
