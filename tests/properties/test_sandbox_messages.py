"""Whatever a net of sandboxes loses, doubles and delays, and whoever dies in it: every message arrives, once, in the order of its pair."""

from collections.abc import Iterator
from random import Random

import pytest
import time_machine
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.core import clock
from shared.people.access import liveness
from tests.areas.boards_world import World, create_world, put_on_plan
from tests.areas.sandbox_net import Net
from tests.areas.viewers import Gateway, shared_gateway
from tests.examples import examples

pytestmark = pytest.mark.usefixtures("shared_tables")


@pytest.fixture(scope="module")
def world(shared_tables: None) -> World:
    made = create_world("messages@example.com")
    put_on_plan(made.ws_id, max_sandboxes=1_000)
    return made


@pytest.fixture(scope="module")
def gateway(shared_tables: None) -> Iterator[Gateway]:
    made = shared_gateway()
    made.activate()
    made.clear()
    liveness.clear_cache()
    yield made
    made.clear()


def play(world: World, gateway: Gateway, seed: int, sandboxes: int, messages: int) -> Net:
    with time_machine.travel(clock.now(), tick=False) as traveller:
        net = Net(world, gateway, traveller, Random(seed), sandboxes)  # noqa: S311 - no secret
        while len(net.sent) < messages:
            for _ in range(net.random.randint(0, sandboxes)):
                net.send()
            net.step()
        net.settle()
        net.check()
    return net


@given(seed=st.integers(0, 2**32))
@settings(max_examples=examples(15))
def test_nothing_is_lost_or_done_twice(world: World, gateway: Gateway, seed: int) -> None:
    play(world, gateway, seed, sandboxes=3, messages=12)


@pytest.mark.thorough
def test_a_thousand_messages_between_twenty_sandboxes(world: World, gateway: Gateway) -> None:
    net = play(world, gateway, 20261129, sandboxes=20, messages=1_000)
    assert net.killed > 50
    assert net.frames > 1_000
