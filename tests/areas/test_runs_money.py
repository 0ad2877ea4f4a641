"""What a run is charged, whatever happens to it; and answers that come twice, late or for something else."""

from types import SimpleNamespace

import pytest

from shared.providers import registry
from shared.providers.port import Finished, TextDelta, TokenUsage
from shared.store import collection, fetch
from shared.usage.rows import UsageLine
from tests.areas.boards_world import World, found_world
from tests.areas.running import Machine, connected
from tests.areas.test_runs import card_in, started


@pytest.fixture
def world(aws) -> World:
    return found_world()


@pytest.fixture
def machine(monkeypatch) -> Machine:
    return connected(monkeypatch)


@pytest.fixture
def model(monkeypatch) -> SimpleNamespace:
    """A model whose turns a test writes; after the last one it says it is done."""
    scripted = SimpleNamespace(name="embedded", turns=[])

    def stream(request, cancelled=lambda: False):
        if scripted.turns:
            yield from scripted.turns.pop(0)(request, cancelled)
        else:
            yield TextDelta("Nothing more to do.")
            yield Finished("end", TokenUsage(10, 0, 0, 5), request.model)

    scripted.stream = stream
    monkeypatch.setattr(registry, "provider", lambda _: scripted)
    return scripted


def lines_of(run_id: str) -> list[UsageLine]:
    return [fetch(UsageLine, row.id) for row in collection(2, f"RUN#{run_id}#USE")]


def test_a_call_whose_log_is_refused_is_paid_all_the_same(world, machine, model):
    """Cancelled while it streams: the terminal hears of it before the worker looks. What was spent is in the ledger."""
    card = card_in(world, 1, "doc")

    def turn(request, cancelled):
        yield TextDelta("First line\n")
        world.ada("runs", "POST", f"/runs/{run_id}/cancel")
        for _ in range(60):  # enough to fill a chunk: the log is written at once, and refused
            yield TextDelta("x" * 1_500 + "\n")
        yield Finished("cancelled" if cancelled() else "end", TokenUsage(2_000, 0, 0, 1_000), request.model)

    model.turns = [turn]
    run_id = started(world, card, "prd")
    run = machine.play(run_id)
    assert run.status == "cancelled"
    assert [int(line.input_tokens) for line in lines_of(run_id)] == [2_000]
    assert run.customer_price_micros == 250_000
