"""Presence belongs to one workspace, and survives reconnects."""

import time
from collections.abc import Callable

import time_machine

from shared.channels.sockets.connections import open_connection
from shared.channels.sockets.expiry import close_expired
from shared.channels.sockets.presence import GRACE, online_users
from shared.channels.sockets.rows import MAX_CONNECTION_AGE, ROW_TTL, Connection, Presence
from shared.core.actor import Role
from shared.store import get
from tests.areas.boards_world import World, create_world
from tests.areas.driving import Client, deadline
from tests.areas.viewers import Viewer


def events_of(world: World) -> str:
    return f"/api/workspaces/{world.ws_id}/events"


def shown_to(client: Client, world: World, name: str) -> str:
    """The presence of a member, as the members' list of agentworks shows it."""
    members = client("workspaces", "GET", f"/workspaces/{world.ws_id}/members").json["members"]
    return str(next(one["presence"] for one in members if one["user"]["name"] == name))


def test_there_while_one_connection_is_open_and_a_moment_longer(gateway):
    world, eve = create_world(), create_world("eve@example.com", "Eve")
    ada_id = world.actor.id

    def online() -> set[str]:
        return online_users(world.ws_id, [ada_id, eve.actor.id])

    assert online() == set()
    first, second = Viewer(gateway, world.ada, events_of(world)), Viewer(gateway, world.ada, events_of(world))
    assert online() == {ada_id}
    first.leave()
    assert online() == {ada_id}
    now = int(time.time())
    with time_machine.travel(now, tick=False):
        second.leave()
        assert online() == {ada_id}
    with time_machine.travel(now + GRACE - 1, tick=False):
        assert online() == {ada_id}
    with time_machine.travel(now + GRACE, tick=False):
        assert online() == set()
        Viewer(gateway, world.ada, events_of(world))  # back again
        assert online() == {ada_id}


def test_who_is_online_elsewhere_is_not_shown_to_people_of_this_workspace(gateway):
    world, eve = create_world(), create_world("eve@example.com", "Eve")
    bob = world.join("Bob", "bob@example.com", Role.MEMBER)
    bob_of_eve = eve.join_again(bob)
    card = eve.card()
    away: list[Callable[[], Viewer]] = [
        lambda: Viewer(gateway, bob_of_eve, events_of(eve)),
        lambda: Viewer(gateway, bob_of_eve, f"/api/cards/{card.id}/terminal"),
        lambda: Viewer(gateway, bob_of_eve, "/api/v1/ws/events", contract="omoios"),
    ]
    for connect in away:
        viewer = connect()
        assert viewer.status == 200
        assert shown_to(world.ada, world, "Bob") == "offline"
        viewer.leave()
        assert shown_to(world.ada, world, "Bob") == "offline"
    assert shown_to(eve.ada, eve, "Bob") == "online"  # a moment after leaving


def test_a_terminal_shows_its_viewer_in_the_workspace_of_the_card(gateway):
    world = create_world()
    assert shown_to(world.ada, world, "Ada Lovelace") == "offline"
    Viewer(gateway, world.ada, f"/api/cards/{world.card().id}/terminal")
    assert shown_to(world.ada, world, "Ada Lovelace") == "online"


def test_a_membership_that_ended_ends_presence_and_the_view_of_it_while_the_socket_is_open(gateway):
    world = create_world()
    bob = world.join("Bob", "bob@example.com", Role.MEMBER)
    Viewer(gateway, bob, events_of(world))
    assert shown_to(world.ada, world, "Bob") == "online"
    assert world.ada("workspaces", "DELETE", f"/workspaces/{world.ws_id}/members/{bob.user['id']}").status == 204
    members = world.ada("workspaces", "GET", f"/workspaces/{world.ws_id}/members").json["members"]
    assert [one["user"]["name"] for one in members] == ["Ada Lovelace"]
    assert bob("workspaces", "GET", f"/workspaces/{world.ws_id}/members").status == 404


def test_presence_that_outlived_its_connections_does_not_count(aws):
    ws_id, now = "ws-1", int(time.time())
    connection = Connection.new("c-1", "u-1", contract="agentworks", endpoint="x", session_id="s-1", ws_id=ws_id)
    open_connection(connection)
    assert online_users(ws_id, ["u-1"]) == {"u-1"}
    with time_machine.travel(now + ROW_TTL + 1, tick=False):  # the row is still there: DynamoDB removes it days later
        assert online_users(ws_id, ["u-1"]) == set()


def test_a_connection_closed_by_the_schedule_leaves_its_workspace(gateway):
    world = create_world()
    Viewer(gateway, world.ada, events_of(world))
    with time_machine.travel(int(time.time()) + MAX_CONNECTION_AGE + 10, tick=False):
        close_expired(deadline())
        close_expired(deadline())
    assert get(Presence, f"HERE#{world.ws_id}", world.actor.id).open == 0
