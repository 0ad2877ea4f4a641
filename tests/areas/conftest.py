"""What several areas' tests ask for."""

import io
from collections.abc import Iterator
from unittest.mock import patch

import pytest

from shared.agents.providers import registry
from shared.edge.http import log
from shared.people.access import liveness, quota_leases
from shared.people.tenancy.rows import Workspace
from shared.store import fetch, save, write
from tests.areas.boards_world import World, create_world
from tests.areas.receiver import Receiver
from tests.areas.running import PAID, Machine, PaidModel, connected
from tests.areas.stripe_server import KEY, SECRET, FakeStripe
from tests.areas.viewers import Gateway, shared_gateway
from tests.trips import LARGE_LEASES


@pytest.fixture(autouse=True)
def leases() -> Iterator[None]:
    """A process of its own, whose leases are large, so that what a request costs does not depend on how many went before: the first
    request of a caller takes the lease."""
    with patch.multiple(quota_leases, PROCESS_LEASES=quota_leases.QuotaLeases(), **LARGE_LEASES):
        yield


@pytest.fixture
def world(aws: None) -> World:
    """A person with a workspace, a project and its board."""
    return create_world()


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What the functions log, instead of standard output."""
    written = io.StringIO()
    monkeypatch.setattr(log.logger.registered_handler, "stream", written)
    return written


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """The state machine of runs, played by the test."""
    return connected(monkeypatch)


@pytest.fixture
def paid(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The workspace's model has a price; the embedded model answers under its name."""
    monkeypatch.setattr(registry, "provider", lambda _: PaidModel())
    workspace = fetch(Workspace, world.ws_id)
    assert workspace is not None
    provider, model = PAID
    workspace.settings = {**workspace.settings, "default_llm_provider": provider, "default_model": model}
    write(save(workspace))


@pytest.fixture
def gateway(aws: None) -> Gateway:
    """The socket API's management side, empty, and nobody known as listening."""
    made = shared_gateway()
    made.activate()
    made.clear()
    liveness.clear_cache()
    return made


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Where webhooks are sent to."""
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def stripe(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeStripe]:
    """Stripe on loopback, as the gateway of this deployment."""
    made = FakeStripe()
    monkeypatch.setenv("STRIPE_API_KEY", KEY)
    monkeypatch.setenv("STRIPE_BASE_URL", made.url)
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", SECRET)
    try:
        yield made
    finally:
        made.close()
        from shared.money.billing.gateways import stripe as module

        module._client().close()
        module._client.cache_clear()
