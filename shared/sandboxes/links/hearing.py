"""What a sandbox says over its own connection, and what follows from it."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from shared.channels.sockets.rows import Connection
from shared.core import clock
from shared.core.errors import ConditionFailed
from shared.core.limits import RateRule
from shared.people.access.records import count_anonymous
from shared.people.access.tokens import SANDBOX_SECONDS, issue_for_sandbox
from shared.sandboxes.lifecycle import living
from shared.sandboxes.lifecycle.rows import RUNNING, Link, Sandbox
from shared.sandboxes.lifecycle.telling import post
from shared.sandboxes.links.connecting import KEPT
from shared.sandboxes.logs.writing import Line, append
from shared.sandboxes.messages.wakes import wake
from shared.sandboxes.metrics.measuring import add_usage
from shared.sandboxes.metrics.watching import publish_usage
from shared.store import fetch, get, update_now

NEW_TOKEN_AFTER: Final = SANDBOX_SECONDS // 3
"""Seconds after which a sandbox gets its next token: should one be lost on its way, two more come before the old one expires."""
LOGS: Final = (RateRule("minute", 60, 60), RateRule("hour", 1_200, 3_600))
"""Messages with lines of the log, of one sandbox. Each has up to 28 KB, so an hour's cost 34 MB of writes at most."""
LEAST_IDLE: Final = 60  # seconds: the shortest setting after which a sandbox falls asleep


class _Replaced(ConditionFailed):
    """The sandbox has another connection now."""


def ready(connection: Connection, servers: Mapping[str, str]) -> None:
    """Note that a sandbox is ready: it runs from now on, and what waits for it is delivered."""
    if not _note(connection, Link.mcp_servers.set(dict(servers)), Link.heartbeat_at.set(clock.iso())):
        return
    living.become_ready(connection.user_id, int(connection.session_id))
    wake(connection.user_id)  # also after a mere reconnect: then nothing has changed


def heartbeat(
    connection: Connection, link: Link, usage: Mapping[str, Any], busy: Sequence[str], servers: Mapping[str, str] | None
) -> None:
    """Note what a sandbox has measured and what it works on. Its next token comes in time, and an idle one falls asleep."""
    now = clock.epoch()
    actions = [
        Link.heartbeat_at.set(clock.iso()),
        Link.usage.set(dict(usage)),
        Link.busy.set(list(busy)),
        Link.ttl.set(now + KEPT),
    ]
    if servers is not None:
        actions.append(Link.mcp_servers.set(dict(servers)))
    if not _note(connection, *actions):
        return
    add_usage(connection.user_id, usage, link.usage or {}, int(link.memory_mb))
    publish_usage(connection.user_id, connection.ws_id, usage)
    if now - link.token_at >= NEW_TOKEN_AFTER:
        _renew(connection, now)
    if not busy and now - link.message_at >= LEAST_IDLE:
        _rest(connection, now)


def _renew(connection: Connection, now: int) -> None:
    token = issue_for_sandbox(connection.user_id, str(connection.org_id), int(connection.session_id))
    if post(connection.id, "token", {"token": token}):
        _note(connection, Link.token_at.set(now))


def _rest(connection: Connection, now: int) -> None:
    """Let a sandbox fall asleep that has had no message for longer than its setting."""
    sandbox = fetch(Sandbox, connection.user_id)
    if sandbox is None or sandbox.status != RUNNING or sandbox.idle_seconds is None:
        return
    link = get(Link, *Link.key(sandbox.id))  # a message may have come meanwhile
    if link is not None and not link.busy and now - link.message_at >= sandbox.idle_seconds:
        living.fall_asleep(sandbox)


def log(connection: Connection, lines: Sequence[Line]) -> None:
    """Write lines of a sandbox to its log. Raises RateLimited, and then none is written."""
    count_anonymous(f"log#{connection.user_id}", LOGS)
    append(connection.user_id, connection.ws_id, lines)


def note_message(connection: Connection) -> None:
    """Note that a sandbox has a message now: it is not idle."""
    _note(connection, Link.message_at.set(clock.epoch()))


def _note(connection: Connection, *actions: Any) -> bool:
    """Change the row of the connection; return False if it is not the sandbox's present one."""
    with suppress(_Replaced):
        update_now(Link.of(connection.user_id), actions, Link.connection == connection.id, _Replaced)
        return True
    return False
