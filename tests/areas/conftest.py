"""What several areas' tests ask for."""

import io
import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest
import time_machine

from shared.agents.providers import registry
from shared.core import clock, logs
from shared.people.access import liveness, quota_leases
from shared.people.tenancy.rows import Workspace
from shared.store import fetch, rate_windows, save, write
from tests.areas.boards_world import World, create_world
from tests.areas.driving import Client
from tests.areas.receiver import Receiver
from tests.areas.running import PAID, Machine, PaidModel, connected
from tests.areas.stripe_server import KEY, SECRET, FakeStripe
from tests.areas.viewers import Gateway, Stream, shared_gateway
from tests.github_server import FakeGithub
from tests.trips import LARGE_LEASES

if TYPE_CHECKING:
    from tests.areas.github_world import Octo
    from tests.areas.sandbox_links import Agent
    from tests.areas.sandbox_post import Post


@pytest.fixture(autouse=True)
def leases() -> Iterator[None]:
    """A process of its own, whose leases are large, so that what a request costs does not depend on how many went before: the first
    request of a caller takes the lease."""
    windows = _Windows(clock.epoch())
    with (
        patch.multiple(quota_leases, PROCESS_LEASES=quota_leases.QuotaLeases(), clock=windows, **LARGE_LEASES),
        patch.object(rate_windows, "clock", windows),
    ):
        yield


class _Windows:
    """The clock of rate limits, which stands for a test's first minute: else what costs more is whatever is asked as a minute turns."""

    def __init__(self, start: int) -> None:
        self._start = start

    def epoch(self) -> int:
        now = clock.epoch()
        return self._start if 0 <= now - self._start < 60 else now

    def __getattr__(self, name: str) -> Any:
        return getattr(clock, name)


@pytest.fixture
def world(aws: None) -> World:
    """A person with a workspace, a project and its board."""
    return create_world()


@pytest.fixture
def ada(world: World) -> Client:
    """The person of the world as a client of omoios; tests of another contract have their own."""
    return world.ada.at("omoios")


@pytest.fixture
def late(world: World) -> Iterator[time_machine.Traveller]:
    """The time, which a test lets pass."""
    with time_machine.travel(clock.now(), tick=False) as traveller:
        yield traveller


@pytest.fixture
def stream(world: World) -> Stream:
    """The stream of what changes from now on."""
    return Stream()


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGithub]:
    """GitHub on loopback, which the functions ask."""
    from tests.areas.github_world import use

    made = FakeGithub()
    use(made, monkeypatch)
    yield made
    made.close()


@pytest.fixture
def octo(world: World, github: FakeGithub) -> "Octo":
    """A world whose project is connected to a repository."""
    from tests.areas.github_world import Octo

    made = Octo(world, github)
    assert made.connect().status == 201
    return made


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
def logged(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[dict[str, Any]]]:
    """What returns the lines that the functions log from now on, instead of standard output."""
    written = io.StringIO()
    monkeypatch.setattr(logs.start().registered_handler, "stream", written)
    return lambda: [json.loads(line) for line in written.getvalue().splitlines()]


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


@pytest.fixture
def no_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing starts the sandboxes of the test."""
    monkeypatch.setattr("shared.edge.reactions.sandboxes.start_execution", lambda *_: None)


@pytest.fixture
def post(gateway: Gateway, world: World, stream: Stream, late: time_machine.Traveller) -> "Post":
    """The way of messages between sandboxes, by the clock of the test."""
    from tests.areas.sandbox_post import Post

    return Post(world, stream)


@pytest.fixture
def pair(gateway: Gateway, world: World, post: "Post") -> tuple["Agent", "Agent"]:
    """Two sandboxes that run."""
    from tests.areas.sandbox_links import running

    made = running(gateway, world), running(gateway, world, "backend-team")
    post.carry()
    return made
