"""Who belongs to a workspace, under races: the limit is never passed, an invitation is used once, and the count is always the members."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.core.actor import GRANTS, Actor, Permission, Role
from shared.core.errors import Conflict, Forbidden, LimitExceeded, NotFound, RateLimited
from shared.core.ids import new_id
from shared.people.access import records
from shared.people.tenancy import invitations, members
from shared.people.tenancy.rows import Organization, Seat, Workspace
from shared.people.tenancy.workspaces import create_workspace, delete_workspace, list_memberships
from shared.store import fetch, iterate
from tests.areas.boards_world import put_on_plan
from tests.areas.driving import confirm_address, sign_up
from tests.examples import examples

pytestmark = pytest.mark.usefixtures("aws")

REFUSALS = (Conflict, Forbidden, LimitExceeded, NotFound, RateLimited)


def actor_named(name: str) -> Actor:
    client = confirm_address(sign_up(name, f"{new_id()}@example.com"))
    return again(client.user["id"])


def again(user_id: str) -> Actor:
    """A person as the next request would see them."""
    held = records.find_access(user_id)
    actor = records.build_actor(user_id, held, next(iter(dict(held.sessions))))
    return replace(actor, org_id=next(iter(actor.organizations)))


@dataclass
class Play:
    owner: Actor
    ws_id: str
    others: list[Actor] = field(default_factory=list)

    def invite(self, who: Actor, role: Role = Role.MEMBER) -> str:
        return invitations.invite(again(self.owner.id), self.ws_id, who.email, role).token

    def check(self) -> None:
        """The count, the memberships and what each access record grants say the same."""
        workspace = fetch(Workspace, self.ws_id)
        if workspace.deleted_at:
            assert [who.name for who in self.others if self.ws_id in again(who.id).workspaces] == []
            return
        rows = {row.id: row for row in list_memberships(self.ws_id)}
        assert workspace.member_count == len(rows) <= workspace.settings["maxMembers"]
        assert [row.id for row in rows.values() if row.role == Role.OWNER] == [workspace.owner["id"]]
        for who in [self.owner, *self.others]:
            now, row = again(who.id), rows.get(who.id)
            assert now.grants(self.ws_id) == (members.permissions_of(row) if row else frozenset())
            assert now.workspaces.get(self.ws_id) == (Role(row.role) if row else None)
        self.check_seats(str(workspace.org_id), set(rows))

    def check_seats(self, org_id: str, members: set[str]) -> None:
        """The organization counts the people of its workspaces, each once, and each has a seat."""
        seats = {
            str(seat.sk).removeprefix("SEAT#"): seat for seat in iterate(Seat, f"ORG#{org_id}", prefix="SEAT#", consistent=True)
        }
        default = {row.id for row in list_memberships(fetch(Organization, org_id).default_ws_id)}
        assert fetch(Organization, org_id).user_count == len(seats)
        assert seats.keys() == members | default
        assert {user for user, seat in seats.items() if self.ws_id in seat.workspaces} == members


def begin(people: int, room: int) -> Play:
    owner = actor_named("Owner")
    workspace = create_workspace(owner, "Race", f"race-{new_id()}", settings={"maxMembers": min(room, 5)})
    put_on_plan(workspace.id, maxMembers=room)
    return Play(again(owner.id), workspace.id, [actor_named(f"Person {n}") for n in range(people)])


def race(calls: list[Callable[[], object]], threads: int = 12) -> list[bool]:
    def attempt(call: Callable[[], object]) -> bool:
        try:
            call()
        except REFUSALS:
            return False
        return True

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(attempt, calls))


def test_of_many_who_come_at_once_as_many_get_in_as_there_is_room():
    play = begin(people=12, room=5)
    tokens = [(who, play.invite(who)) for who in play.others]
    came = race([lambda who=who, token=token: invitations.accept(who, play.ws_id, token) for who, token in tokens])
    assert sum(came) == 4  # and the owner
    play.check()


def test_an_invitation_accepted_many_times_at_once_counts_once():
    play = begin(people=1, room=10)
    (who,) = play.others
    token = play.invite(who)
    assert sum(race([lambda: invitations.accept(who, play.ws_id, token)] * 8)) == 1
    assert fetch(Workspace, play.ws_id).member_count == 2
    play.check()


def test_accepted_and_cancelled_at_once_is_one_of_the_two():
    for _ in range(5):
        play = begin(people=1, room=10)
        (who,) = play.others
        token = play.invite(who)
        done = race([
            lambda who=who, play=play, token=token: invitations.accept(who, play.ws_id, token),
            lambda play=play, token=token: invitations.cancel(play.owner, play.ws_id, token.partition(".")[0]),
        ])  # fmt: skip
        assert sum(done) == 1
        play.check()


def test_nobody_is_in_a_workspace_that_was_deleted_while_they_came():
    for _ in range(5):
        play = begin(people=4, room=10)
        tokens = [(who, play.invite(who)) for who in play.others]
        done = race([
            *(lambda who=who, token=token, play=play: invitations.accept(who, play.ws_id, token) for who, token in tokens),
            lambda play=play: delete_workspace(play.owner, play.ws_id),
        ])  # fmt: skip
        assert done[-1]
        play.check()


def test_two_transfers_at_once_leave_one_owner():
    play = begin(people=2, room=10)
    for who in play.others:
        invitations.accept(who, play.ws_id, play.invite(who))
    race([lambda who=who: members.transfer(play.owner, play.ws_id, who.id) for who in play.others])
    play.check()


PERSON = st.integers(0, 3)
STEPS = st.one_of(
    st.tuples(st.just("invite"), PERSON, st.sampled_from([Role.ADMIN, Role.MEMBER, Role.VIEWER])),
    st.tuples(st.just("accept"), PERSON),
    st.tuples(st.just("cancel"), PERSON),
    st.tuples(
        st.just("change"),
        PERSON,
        st.sampled_from([Role.ADMIN, Role.MEMBER, Role.VIEWER]),
        st.lists(st.sampled_from([Permission.PROJECT_CREATE, Permission.MEMBER_REMOVE]), max_size=2),
    ),
    st.tuples(st.just("remove"), PERSON),
    st.tuples(st.just("leave"), PERSON),
    st.tuples(st.just("transfer"), PERSON),
)


def take(play: Play, tokens: dict[str, str], step: tuple) -> None:
    """One step of a story, by the owner of the moment or the person; what is refused changes nothing."""
    name, index, *given = step
    who = play.others[index]
    boss = again(fetch(Workspace, play.ws_id).owner["id"])
    match name:
        case "invite":
            tokens[who.id] = invitations.invite(boss, play.ws_id, who.email, given[0]).token
        case "accept":
            invitations.accept(again(who.id), play.ws_id, tokens.get(who.id, "none"))
        case "cancel":
            invitations.cancel(boss, play.ws_id, tokens.get(who.id, "none").partition(".")[0])
        case "change":
            members.update_member(boss, play.ws_id, who.id, given[0], given[1])
        case "remove":
            members.remove_member(boss, play.ws_id, who.id)
        case "leave":
            members.remove_member(again(who.id), play.ws_id, who.id)
        case "transfer":
            members.transfer(boss, play.ws_id, who.id)


@settings(max_examples=examples(20), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(STEPS, min_size=8, max_size=25))
def test_after_every_step_all_say_the_same(story):
    play, tokens = begin(people=4, room=3), {}
    for step in story:
        with suppress(*REFUSALS):
            take(play, tokens, step)
        play.check()


@settings(max_examples=examples(12), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(STEPS, min_size=8, max_size=30))
@pytest.mark.thorough
def test_after_stories_that_race_too(story):
    play, tokens = begin(people=4, room=3), {}
    for who in play.others[:2]:
        invitations.accept(who, play.ws_id, play.invite(who))
    race([lambda step=step: take(play, tokens, step) for step in story], threads=6)
    play.check()


def test_the_owner_may_everything():
    assert GRANTS[Role.OWNER] == frozenset(Permission)
