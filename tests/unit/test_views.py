"""What each contract shows of the platform's events: no event without an entry, and no contract in the transport."""

import inspect
from pathlib import Path

import pytest

from functions.ws.handler import ENDPOINTS
from shared.channels import sockets
from shared.channels.sockets.frames import Frame, compact, packed
from shared.edge.contracts import NAMES
from shared.edge.views.agentworks import terminal
from shared.edge.views.channels import CHANNELS
from shared.edge.views.omoios.events import event_frame
from shared.edge.views.omoios.filters import FILTERS
from shared.edge.views.sockets import SOCKET_CONTRACTS
from shared.events import EventType


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel.contract)
def test_a_table_has_an_entry_for_every_event(channel):
    assert set(channel.table) == set(EventType)


def test_every_socket_that_is_served_has_a_table():
    served = {endpoint.contract for endpoint in ENDPOINTS if endpoint.connect is not None}
    by_reaction = {"aintandem"}  # what it shows lies in a row that the stream does not show (`edge/reactions/sandbox_sockets.py`)
    assert served == {channel.contract for channel in CHANNELS} | by_reaction
    assert served >= set(SOCKET_CONTRACTS)
    assert served <= set(NAMES)


def test_the_transport_knows_no_contract():
    source = "".join(path.read_text() for path in Path(inspect.getfile(sockets)).parent.glob("*.py"))
    assert [name for name in NAMES if name in source] == []


def test_a_frame_carries_what_its_listeners_filter_by():
    message = {"event_type": "TICKET_CREATED", "entity_type": "ticket", "entity_id": "1"}
    frame = event_frame(message)
    assert frame == Frame(compact(message), dict(zip(FILTERS, message.values(), strict=True)))
    assert frame.as_json() == {"text": frame.text, "facets": frame.facets}
    assert Frame("x").as_json() == {"text": "x"}


def test_entries_are_sent_together_in_their_order():
    assert list(terminal.lines(["1"])) == ['{"type":"log_entry","data":1}']
    assert list(terminal.lines(["1", "2"])) == ['{"type":"logs_batch","data":[1,2]}']
    assert list(terminal.history([])) == ['{"type":"logs_batch","data":[]}']
    assert list(terminal.history(["1"])) == ['{"type":"logs_batch","data":[1]}']
    assert [len(group) for group in packed(["é" * 9_000] * 4 + ["x" * 40_000, "y"])] == [1, 1, 1, 1, 1, 1]
    assert [len(group) for group in packed(["x" * 9_000] * 4)] == [3, 1]
