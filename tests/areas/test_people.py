"""The stream consumer and the members of a workspace: their names, their sockets, when they were last seen."""

from shared.channels.sockets.connections import get_connection
from shared.channels.sockets.disconnect import disconnect_member
from shared.channels.sockets.rows import Subscription
from shared.channels.sockets.topics import workspace_topic
from shared.core.actor import Role
from shared.edge.reactions import workspaces as seen
from shared.events import EventType, record
from shared.people.access import records
from shared.people.tenancy import members
from shared.people.tenancy.rows import OrgMembership, Workspace, WorkspaceMembership
from shared.store import delete, fetch, get, write
from tests.areas.boards_world import World
from tests.areas.driving import confirm_address, sign_up
from tests.areas.test_invitations import accept, invite, token_of
from tests.areas.viewers import Viewer, drain, messages, project, publish_events, raw_row, stream_record
from tests.kills import concurrently


def consume(pk: str, sk: str = "META") -> None:
    assert project(stream_record(raw_row(pk, sk))) == []


def rename(client, name: str, picture: str) -> str:
    assert client("auth", "PUT", "/auth/me", body={"name": name, "avatarUrl": picture}).status == 200
    return f"USER#{client.user['id']}"


def names(world: World) -> list[tuple[str, str | None]]:
    found = world.ada("workspaces", "GET", f"/workspaces/{world.ws_id}/members").json["members"]
    return [(one["user"]["name"], one["user"].get("avatarUrl")) for one in found]


def test_members_are_shown_under_their_present_names(world):
    eve = world.join("Eve", "eve@example.com", Role.MEMBER)
    first = rename(eve, "Eva", "https://example.com/eva.png")
    old = stream_record(raw_row(first))
    consume(rename(eve, "Evita", "https://example.com/evita.png"))
    consume(rename(world.ada, "Augusta", "https://example.com/ada.png"))
    shown = [("Augusta", "https://example.com/ada.png"), ("Evita", "https://example.com/evita.png")]
    assert names(world) == shown
    assert project(old) == []  # an event that comes again, late
    assert names(world) == shown
    details = world.ada("workspaces", "GET", f"/workspaces/{world.ws_id}").json
    assert (details["owner"]["name"], details["owner"]["avatarUrl"]) == shown[0]
    org = str(world.project.org_id)
    assert get(OrgMembership, *OrgMembership.key_in(org, world.actor.id)).name == "Augusta"


def test_who_left_is_not_brought_back_by_a_new_name(world):
    eve = world.join("Eve", "eve@example.com", Role.MEMBER)
    members.remove_member(world.actor, world.ws_id, eve.user["id"])
    consume(rename(eve, "Eva", "https://example.com/eva.png"))
    assert [name for name, _ in names(world)] == ["Ada Lovelace"]
    assert get(WorkspaceMembership, f"WS#{world.ws_id}", f"MEM#{eve.user['id']}").user["name"] == "Eve"


def test_the_sockets_of_who_is_removed_close(world, gateway):
    eve, card = world.join("Eve", "eve@example.com", Role.VIEWER), world.card()
    events = Viewer(gateway, eve, f"/api/workspaces/{world.ws_id}/events")
    terminal = Viewer(gateway, eve, f"/api/cards/{card.id}/terminal")
    others = Viewer(gateway, eve, "/api/v1/ws/events", contract="omoios")
    adas = Viewer(gateway, world.ada, f"/api/workspaces/{world.ws_id}/events")
    assert {viewer.status for viewer in (events, terminal, others, adas)} == {200}
    drain()
    members.remove_member(world.actor, world.ws_id, eve.user["id"])
    messages()
    consume(f"WS#{world.ws_id}", f"MEM#{eve.user['id']}")
    assert sorted(gateway.closed) == sorted([events.id, terminal.id])
    assert (get_connection(events.id), get_connection(terminal.id)) == (None, None)
    assert get_connection(others.id) is not None  # it hears of her own workspace
    for viewer in (adas, others):
        viewer.received()
    event = {"event_type": "x", "entity_type": "ticket", "entity_id": "1"}
    publish_events(workspace_topic(world.ws_id), world.ws_id, agentworks=[{"type": "x"}], omoios=[event])
    drain()
    assert {"type": "x"} in adas.received()
    assert others.received() == []


def test_who_lost_a_workspace_goes_on_in_the_others(world, gateway):
    eve = world.join("Eve", "eve@example.com", Role.VIEWER)
    viewer = Viewer(gateway, eve, "/api/v1/ws/events", contract="omoios")
    lost = workspace_topic(world.ws_id)
    (kept,) = set(get_connection(viewer.id).topics) - {lost}
    members.remove_member(world.actor, world.ws_id, eve.user["id"])
    for _ in range(2):  # the event may come twice
        consume(f"WS#{world.ws_id}", f"MEM#{eve.user['id']}")
    assert get_connection(viewer.id).topics == [kept]
    viewer.send({"type": "subscribe", "entity_types": ["ticket"]})
    assert viewer.received() == [{"status": "subscribed", "filters": {"entity_types": ["ticket"]}}]
    assert get(Subscription, f"SUB#{kept}", f"CONN#{viewer.id}").filters == {"entity_types": ["ticket"]}
    assert get(Subscription, f"SUB#{lost}", f"CONN#{viewer.id}") is None
    viewer.leave()
    assert get_connection(viewer.id) is None


def test_a_workspace_is_lost_while_filters_change(world, gateway):
    eve = world.join("Eve", "eve@example.com", Role.VIEWER)
    viewer = Viewer(gateway, eve, "/api/v1/ws/events", contract="omoios")
    with concurrently(lambda: disconnect_member(eve.user["id"], world.ws_id)):
        viewer.send({"type": "subscribe", "entity_types": ["ticket"]})
    assert viewer.received() == [{"status": "subscribed", "filters": {"entity_types": ["ticket"]}}]


def test_a_filter_that_cannot_be_set_is_answered(world, gateway):
    viewer = Viewer(gateway, world.ada, "/api/v1/ws/events", contract="omoios")
    write(delete(Subscription.at(workspace_topic(world.ws_id), viewer.id)))
    viewer.send({"type": "subscribe", "entity_types": ["ticket"]})
    assert viewer.received() == [{"error": "The item was changed by someone else; read it again and retry"}]


def test_who_has_come_again_keeps_their_sockets(world, gateway):
    eve = world.join("Eve", "eve@example.com", Role.VIEWER)
    members.remove_member(world.actor, world.ws_id, eve.user["id"])
    late = stream_record(raw_row(f"WS#{world.ws_id}", f"MEM#{eve.user['id']}"))
    assert accept(eve, world.ws_id, token_of(invite(confirm_address(world.ada), world.ws_id))).status == 200
    viewer = Viewer(gateway, eve, f"/api/workspaces/{world.ws_id}/events")
    assert project(late) == []
    assert gateway.closed == []
    assert get_connection(viewer.id) is not None


def test_joining_is_told_on_the_workspace_socket(world, gateway):
    viewer = Viewer(gateway, world.ada, f"/api/workspaces/{world.ws_id}/events")
    eve = sign_up("Eve", "eve@example.com")
    assert accept(eve, world.ws_id, token_of(invite(confirm_address(world.ada), world.ws_id, role="viewer"))).status == 200
    row = get(WorkspaceMembership, f"WS#{world.ws_id}", f"MEM#{eve.user['id']}")
    consume(row.pk, row.sk)
    drain()
    (told,) = viewer.received()
    assert told["type"] == "member_joined"
    assert told["data"] == {
        "workspaceId": world.ws_id,
        "member": {"id": eve.user["id"], "name": "Eve", "email": "eve@example.com"},
        "role": "viewer",
        "timestamp": row.event["at"],
    }


def test_when_a_member_was_last_seen(world):
    seen._written_at.clear()
    eve = world.join("Eve", "eve@example.com", Role.MEMBER)
    key = f"WS#{world.ws_id}", f"MEM#{eve.user['id']}"
    before = get(WorkspaceMembership, *key).last_active_at
    card = world.card()
    held = records.find_access(eve.user["id"])
    actor = records.build_actor(eve.user["id"], held, next(iter(dict(held.sessions))))
    record(card, EventType.ITEM_UPDATED, actor)
    card.event = card.event | {"at": "2099-01-01T00:00:00.000Z"}
    assert project(stream_record(card.serialize())) == []
    listed = world.ada("workspaces", "GET", f"/workspaces/{world.ws_id}/members").json["members"]
    assert listed[1]["lastActiveAt"] == "2099-01-01T00:00:00.000Z" > before
    assert fetch(Workspace, world.ws_id).last_activity == "2099-01-01T00:00:00.000Z"
