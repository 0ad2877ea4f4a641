"""The deployed local stack as a session fixture: the real templates on the embedded engine, behind the front door."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local import synth
from local.stack import LocalStack, new
from tests.areas.identity_provider import IdentityProvider
from tests.github_server import FakeGithub
from tests.model_server import ModelServer
from tests.stack.sandboxes import Workspace

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    ours = {path for path in {item.path for item in items} if HERE in path.parents}
    for item in items:
        if item.path in ours:
            item.add_marker(pytest.mark.stack)


@pytest.fixture(scope="session")
def identity_provider() -> Iterator[IdentityProvider]:
    """Where people of the stack can sign in, as `corp`."""
    made = IdentityProvider()
    yield made
    made.close()


@pytest.fixture(scope="session")
def paid_model() -> Iterator[dict[str, str]]:
    """The environment of a platform whose calls of `test_runs.PAID` are answered, and have their real price."""
    server = ModelServer("works")
    yield {"OPENAI_API_KEY": "of-a-test", "OPENAI_BASE_URL": server.url}
    server.close()


@pytest.fixture(scope="session")
def github() -> Iterator[FakeGithub]:
    """The GitHub that the stack asks, and that sends its webhooks there."""
    made = FakeGithub()
    yield made
    made.close()


@pytest.fixture(scope="session")
def stack(
    tmp_path_factory: pytest.TempPathFactory, identity_provider: IdentityProvider, paid_model: dict[str, str], github: FakeGithub
) -> Iterator[LocalStack]:
    """A fresh, running platform: `.url(contract)`, `.ws(contract, path)`, `.boto(service)`, `.data`."""
    others = identity_provider.environment() | paid_model | {"CADRE_GITHUB_API": github.url}
    platform = new(tmp_path_factory.mktemp("stack"), extra=others)
    try:
        platform.start(synth.assembly(settings={}))
        platform.wait_until_healthy(0)  # that it is healthy is a test of its own; a missing part fails only its own tests
        yield platform
    finally:
        platform.stop()


@pytest.fixture(scope="module")
def workspace(stack: LocalStack) -> Iterator[Workspace]:
    """A new person's workspace at aintandem."""
    made = Workspace(stack.root, stack.data, lambda: stack.boto("dynamodb"))
    yield made
    made.close()
