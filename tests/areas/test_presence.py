"""Presence survives reconnects."""

import time

import time_machine

from shared.channels.sockets.presence import GRACE, online_users
from tests.areas.boards_world import create_world
from tests.areas.viewers import Viewer


def test_there_while_one_connection_is_open_and_a_moment_longer(gateway):
    world, eve = create_world(), create_world("eve@example.com", "Eve")
    ada_id, eve_id = world.actor.id, eve.actor.id
    path = f"/api/workspaces/{world.ws_id}/events"
    assert online_users([ada_id, eve_id]) == set()
    first, second = Viewer(gateway, world.ada, path), Viewer(gateway, world.ada, path)
    assert online_users([ada_id, eve_id]) == {ada_id}
    first.leave()
    assert online_users([ada_id, eve_id]) == {ada_id}
    now = int(time.time())
    with time_machine.travel(now, tick=False):
        second.leave()
        assert online_users([ada_id, eve_id]) == {ada_id}
    with time_machine.travel(now + GRACE - 1, tick=False):
        assert online_users([ada_id, eve_id]) == {ada_id}
    with time_machine.travel(now + GRACE, tick=False):
        assert online_users([ada_id, eve_id]) == set()
        Viewer(gateway, world.ada, path)  # back again
        assert online_users([ada_id, eve_id]) == {ada_id}


def test_members_are_shown_as_there(gateway):
    world = create_world()

    def shown() -> str:
        (member,) = world.ada("workspaces", "GET", f"/workspaces/{world.ws_id}/members").json["members"]
        return str(member["presence"])

    assert shown() == "offline"
    Viewer(gateway, world.ada, f"/api/workspaces/{world.ws_id}/events")
    assert shown() == "online"
