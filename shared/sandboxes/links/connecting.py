"""Open and close the connection of a sandbox. There is one at a time: a newer one replaces it, one of an earlier start is refused."""

import time
from typing import Any, Final

from shared.channels.sockets.client import GONE, SENT, socket_client
from shared.channels.sockets.connections import close_connection, open_connection
from shared.channels.sockets.fanout import HANDSHAKE_GRACE, disconnect
from shared.channels.sockets.publish import send_job
from shared.channels.sockets.rows import Connection
from shared.core import clock
from shared.core.errors import ConditionFailed, Unauthenticated
from shared.core.ids import bare_id
from shared.core.situations import Situation
from shared.people.access.records import count_anonymous
from shared.people.access.tokens import Claims
from shared.sandboxes.lifecycle.identity import REQUESTS, find_sandbox
from shared.sandboxes.lifecycle.rows import LIVING, Link, Sandbox
from shared.sandboxes.lifecycle.servers import servers_of
from shared.sandboxes.lifecycle.telling import frame
from shared.sandboxes.messages.wakes import wake_for_lost
from shared.store import fetch, get, update, update_now, write

ENDPOINT: Final = "aintandem.link"
KEPT: Final = 86_400  # seconds after its last heartbeat for which the row of a connection is kept
LOOK_AFTER: Final = 1  # seconds after the end of a connection: who only reconnects is back by then
_GREETING_DELAYS: Final = (0.03, 0.06, 0.12, 0.25, 0.5)  # seconds between attempts: the handshake ends after $connect returns


class _Replaced(ConditionFailed):
    """The sandbox was started again, or has another connection."""


def connect(connection_id: str, claims: Claims, sandbox_id: str) -> str:
    """Open the connection of a sandbox, and close the one that it had. A job then sends its configuration. Return its id.

    Raises Unauthenticated for another sandbox's path, an earlier start, or one that does not run, RateLimited and LimitExceeded.
    """
    if bare_id(sandbox_id) != claims.user_id:
        raise Unauthenticated(Situation.TOKEN_INVALID, "A sandbox speaks for itself and for no other one")
    count_anonymous(f"sandbox#{claims.user_id}", [REQUESTS])
    sandbox, _ = find_sandbox(claims)
    before = get(Link, *Link.key(sandbox.id))
    connection = Connection.new(
        connection_id,
        sandbox.id,
        contract="aintandem",
        endpoint=ENDPOINT,
        session_id=claims.session_id,
        org_id=sandbox.org_id,
        ws_id=sandbox.ws_id,
        topics=[],
    )
    open_connection(connection)
    try:
        _write_link(sandbox, connection_id, same_start=before is not None and before.start_number == sandbox.start_number)
        send_job("configure", connection_id)
    except _Replaced:
        close_connection(connection)
        raise Unauthenticated(Situation.TOKEN_INVALID, "The sandbox was started again") from None
    except Exception:
        close_connection(connection)
        raise
    if before is not None and before.connection and before.connection != connection_id:
        disconnect(before.connection)
    return sandbox.id


def _write_link(sandbox: Sandbox, connection_id: str, *, same_start: bool) -> None:
    now, number = clock.epoch(), int(sandbox.start_number)
    actions: list[Any] = [
        Link.start_number.set(number),
        Link.connection.set(connection_id),
        Link.connected_at.set(clock.iso()),
        Link.heartbeat_at.set(clock.iso()),
        Link.token_at.set(now),
        Link.memory_mb.set(int(sandbox.resources["memory_mb"])),
        Link.message_at.set(now),
        Link.ttl.set(now + KEPT),
    ]
    if not same_start:
        actions += [Link.usage.remove(), Link.busy.set([]), Link.mcp_servers.set({})]
    current = Link.start_number.does_not_exist() | (Link.start_number <= number)
    update_now(Link.of(sandbox.id), actions, current, _Replaced)


def configure(connection: Connection) -> None:
    """Send a sandbox its configuration. Its handshake may not be finished yet: then a job tries again."""
    sandbox = fetch(Sandbox, connection.user_id)
    if sandbox is None or not is_current(connection, sandbox):
        disconnect(connection.id)
        return
    text = frame("configure", configuration_of(sandbox))
    outcome = GONE
    for pause in (0.0, *_GREETING_DELAYS):
        time.sleep(pause)
        outcome = socket_client().post(connection.id, text).outcome
        if outcome != GONE:
            break
    if outcome != SENT and time.time() - connection.opened < HANDSHAKE_GRACE:
        send_job("configure", connection.id, delay=1)


def configuration_of(sandbox: Sandbox) -> dict[str, Any]:
    """Return what a sandbox is told of itself. Its environment it has from its machine."""
    return {
        "name": sandbox.name,
        "agent_config": sandbox.agent_config,
        "resources": sandbox.resources,
        "mcp_servers": servers_of(sandbox),
        "workspace_id": f"ws_{sandbox.ws_id}",
    }


def is_current(connection: Connection, sandbox: Sandbox) -> bool:
    """Tell whether a connection is of the present start of a sandbox that runs."""
    return sandbox.deleted_at is None and sandbox.status in LIVING and str(int(sandbox.start_number)) == connection.session_id


def link_of(connection: Connection) -> Link | None:
    """Return the link of a sandbox's connection if it is still the one that counts; one strongly consistent read."""
    link = get(Link, *Link.key(connection.user_id))
    if link is None or link.connection != connection.id or str(int(link.start_number)) != connection.session_id:
        return None
    return link


def leave(connection: Connection) -> None:
    """Note that the connection of a sandbox has ended, and let somebody look after it soon."""
    mine = Link.connection == connection.id
    try:
        write(update(Link.of(connection.user_id), [Link.connection.remove()], mine, _Replaced()))
    except _Replaced:
        return
    wake_for_lost(connection.user_id, int(connection.session_id), clock.epoch(), LOOK_AFTER)
