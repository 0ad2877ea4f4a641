"""What several areas' tests ask for."""

from collections.abc import Iterator

import pytest

from shared.people.access import liveness
from tests.areas.boards_world import World, create_world
from tests.areas.running import Machine, connected
from tests.areas.stripe_server import KEY, SECRET, FakeStripe
from tests.areas.viewers import Gateway, shared_gateway


@pytest.fixture
def world(aws: None) -> World:
    """A person with a workspace, a project and its board."""
    return create_world()


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """The state machine of runs, played by the test."""
    return connected(monkeypatch)


@pytest.fixture
def gateway(aws: None) -> Gateway:
    """The socket API's management side, empty, and nobody known as listening."""
    made = shared_gateway()
    made.activate()
    made.clear()
    liveness.clear_cache()
    return made


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
