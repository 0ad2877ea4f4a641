"""agentworks: who is invited into a workspace, and who comes."""

import pytest
import time_machine

from shared.channels.mail.templates import render
from shared.core.actor import GRANTS, Role
from shared.core.errors import Conflict
from shared.core.keys import fingerprint
from shared.core.limits import RateRule
from shared.core.situations import Situation
from shared.people.access import records
from shared.people.tenancy import invitations, members
from shared.people.tenancy.rows import Invitation, Organization, Workspace
from shared.store import fetch, save, write
from tests.areas.driving import Answer, Client, call, confirm_address, sign_up
from tests.areas.mailbox import requested_mails
from tests.areas.test_workspaces_agentworks import home, join, make
from tests.areas.viewers import project, raw_row, stream_record
from tests.kills import concurrently
from tests.trips import count_requests

EVE = "eve@example.com"


def invite(client: Client, ws: str, email: str = EVE, role: str = "member", **more) -> Answer:
    return client("workspaces", "POST", f"/workspaces/{ws}/members/invite", body={"email": email, "role": role} | more)


def token_of(answer: Answer) -> str:
    assert answer.status == 201, answer.text
    return answer.json["invitationUrl"].rpartition("token=")[2]


def accept(client: Client, ws: str, token: str, body: str | None = None) -> Answer:
    path = f"/workspaces/{ws}/invitations/{token}/accept"
    return client("workspaces", "POST", path, body={"token": token if body is None else body})


def listed(client: Client, ws: str) -> dict:
    return client("workspaces", "GET", f"/workspaces/{ws}/members").json


def error_of(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json["error"]["code"]


@pytest.fixture
def ada(aws) -> Client:
    return confirm_address(sign_up())


@pytest.fixture
def eve(ada) -> Client:
    return confirm_address(sign_up("Eve", EVE))


@pytest.fixture
def ws(ada) -> str:
    return home(ada)


def test_an_invitation_is_shown_mailed_and_leads_in(ada, eve, ws):
    pay_for(ws)
    answer = invite(ada, ws, role="viewer", message="Come and see")
    body = answer.json
    assert set(body) == {"invitation", "invitationUrl"}
    assert set(body["invitation"]) == {"id", "email", "role", "invitedBy", "expiresAt", "createdAt"}
    assert listed(ada, ws)["invitations"] == [body["invitation"]]
    (mail,) = requested_mails()
    assert (mail["kind"], mail["to"]) == ("invitation", EVE)
    assert mail["values"]["url"] == body["invitationUrl"]
    assert (mail["values"]["message"], mail["values"]["role"]) == ("Come and see", "viewer")
    assert (mail["values"]["inviter"], mail["values"]["workspace"]) == ("Ada Lovelace", fetch(Workspace, ws).name)

    member = accept(eve, ws, token_of(answer))
    assert member.status == 200, member.text
    assert (member.json["id"], member.json["role"]) == (eve.user["id"], "viewer")
    assert member.json["permissions"] == sorted(GRANTS[Role.VIEWER])
    assert eve("workspaces", "GET", f"/workspaces/{ws}").status == 200
    after = listed(ada, ws)
    assert (after["total"], after["invitations"]) == (2, [])
    assert after["members"][1] == member.json
    summary = ada("workspaces", "GET", "/workspaces").json["workspaces"][0]
    assert summary["memberCount"] == 2


def test_only_the_fingerprint_of_the_secret_is_kept(ada, ws):
    token = token_of(invite(ada, ws))
    invitation_id, _, secret = token.partition(".")
    row = fetch(Invitation, invitation_id)
    assert row.token_hash == fingerprint(secret)
    assert secret not in str(row.serialize())


def test_an_invitation_is_good_once(ada, eve, ws):
    token = token_of(invite(ada, ws))
    assert accept(eve, ws, token).status == 200
    again = accept(eve, ws, token)
    assert error_of(again) == (409, "INVITATION_NOT_PENDING")
    assert again.json["error"]["details"] == {"reason": "The invitation was accepted already", "invitation": "accepted"}
    assert fetch(Workspace, ws).member_count == 2


def test_an_invitation_is_for_one_address(ada, eve, ws):
    bob = sign_up("Bob", "bob@example.com")
    token = token_of(invite(ada, ws, " EVE@example.com"))
    assert error_of(accept(bob, ws, token)) == (403, "INSUFFICIENT_PERMISSIONS")
    assert accept(eve, ws, token).status == 200


def test_what_is_no_token_leads_nowhere(ada, eve, ws):
    token = token_of(invite(ada, ws))
    other = make(ada).json["id"]
    for place, wrong in ((ws, token[:-1]), (ws, "nonsense"), (other, token), ("nonsense", token)):
        assert error_of(accept(eve, place, wrong)) == (404, "INVITATION_NOT_FOUND")
    differs = accept(eve, ws, token, body=token[:-1])
    assert (error_of(differs), differs.json["validationErrors"][0]["field"]) == ((422, "VALIDATION_ERROR"), "token")
    assert accept(eve, ws, token).status == 200


def test_after_seven_days_it_is_too_late(ada, eve, ws):
    with time_machine.travel("2026-11-01T10:00:00Z", tick=False) as clock:
        fresh = ada.at("agentworks")
        fresh.token = sign_in("ada@example.com")
        token = token_of(invite(fresh, ws))
        clock.move_to("2026-11-08T10:00:01Z")
        fresh.token, late = sign_in("ada@example.com"), Client(token=sign_in(EVE))
        refused = accept(late, ws, token)
        assert error_of(refused) == (409, "INVITATION_NOT_PENDING")
        reason = "The invitation has expired; ask for a new one"
        assert refused.json["error"]["details"] == {"reason": reason, "invitation": "expired"}
        assert listed(fresh, ws)["invitations"] == []
        assert accept(late, ws, token_of(invite(fresh, ws))).status == 200


def sign_in(email: str) -> str:
    body = {"email": email, "password": "correct horse"}
    return call("auth", "agentworks", "POST", "/auth/login", body=body).json["token"]


def test_inviting_again_renews(ada, eve, ws):
    old, new = token_of(invite(ada, ws)), token_of(invite(ada, ws, role="admin"))
    assert [one["role"] for one in listed(ada, ws)["invitations"]] == ["admin"]
    assert error_of(accept(eve, ws, old)) == (404, "INVITATION_NOT_FOUND")
    assert accept(eve, ws, new).json["role"] == "admin"


def pay_for(ws: str) -> None:
    """The organization of the workspace has a plan that costs something."""
    organization = fetch(Organization, fetch(Workspace, ws).org_id)
    organization.plan = "professional"
    write(save(organization))


def test_who_has_not_confirmed_their_own_address_invites_nobody(aws):
    mallory = sign_up("Mallory", "mallory@example.com")
    refused = invite(mallory, home(mallory))
    assert error_of(refused) == (403, "INSUFFICIENT_PERMISSIONS")
    assert refused.json["error"]["details"] == {"reason": "Confirm your own e-mail address before you invite others"}
    assert requested_mails() == []
    assert invite(confirm_address(mallory), home(mallory)).status == 201


def test_an_invitation_of_an_account_on_trial_says_nothing_that_its_sender_wrote(ada, ws):
    shout = "WIN AT https://evil.example"
    ada("auth", "PUT", "/auth/me", body={"name": shout})
    ada("workspaces", "PUT", f"/workspaces/{ws}", body={"name": shout})
    assert invite(ada, ws, message=shout).status == 201
    (mail,) = requested_mails()
    assert mail["values"]["inviter"] == "ada@example.com"
    written = render(mail["kind"], mail["values"])
    assert "evil.example" not in written.subject + written.text + written.html


def test_nobody_is_buried_under_invitations(ada, eve, ws):
    """From one sender or several, under any variant of the address."""
    other = make(ada).json["id"]
    sent = [invite(ada, place, f"bob+{n}@example.com").status for n, place in enumerate((ws, ws, other))]
    sent += [invite(eve, home(eve), email).status for email in ("BOB@example.com", "bob+x@example.com", "bob@example.com")]
    assert sent == [201] * 5 + [429]
    assert len(requested_mails()) == 5
    assert invite(ada, ws, "carol@example.com").status == 201


def test_nobody_sends_invitations_without_end(ada, ws, monkeypatch):
    monkeypatch.setattr(invitations, "MAILS_PER_SENDER", RateRule("invites", 3, 86_400))
    other = make(ada).json["id"]
    places = (ws, other, ws, other)
    assert [invite(ada, place, f"p{n}@example.com").status for n, place in enumerate(places)] == [201] * 3 + [429]
    assert len(requested_mails()) == 3


@pytest.mark.parametrize("loss", ["removed", "viewer", "member", "member with member:invite"])
def test_the_invitations_of_who_may_no_longer_invite_end(ada, eve, ws, loss):
    bob = confirm_address(sign_up("Bob", "bob@example.com"))
    join(eve, ws, Role.ADMIN)
    kept, lost = token_of(invite(ada, ws, "carol@example.com")), token_of(invite(eve, ws, "bob@example.com", role="admin"))
    member = f"/workspaces/{ws}/members/{eve.user['id']}"
    if loss == "removed":
        assert ada("workspaces", "DELETE", member).status == 204
    else:
        role, _, extra = loss.partition(" with ")
        assert ada("workspaces", "PUT", member, body={"role": role, "permissions": [extra] if extra else []}).status == 200
    late = accept(bob, ws, lost)
    assert error_of(late) == (409, "INVITATION_NOT_PENDING")
    assert late.json["error"]["details"]["invitation"] == "cancelled"
    project(stream_record(raw_row(f"WS#{ws}", f"MEM#{eve.user['id']}")))
    assert [one["email"] for one in listed(ada, ws)["invitations"]] == ["carol@example.com"]
    carol = sign_up("Carol", "carol@example.com")
    assert accept(carol, ws, kept).status == 200


def test_the_invitation_of_an_administrator_who_stays_one_stays(ada, eve, ws):
    join(eve, ws, Role.ADMIN)
    token = token_of(invite(eve, ws, "bob@example.com"))
    body = {"role": "admin", "permissions": ["workspace:billing"]}
    assert ada("workspaces", "PUT", f"/workspaces/{ws}/members/{eve.user['id']}", body=body).status == 200
    project(stream_record(raw_row(f"WS#{ws}", f"MEM#{eve.user['id']}")))
    assert accept(sign_up("Bob", "bob@example.com"), ws, token).status == 200


def test_an_inviter_is_removed_while_the_invitation_is_accepted(ada, eve, ws):
    join(eve, ws, Role.ADMIN)
    bob = sign_up("Bob", "bob@example.com")
    token = token_of(invite(eve, ws, "bob@example.com"))
    owner, comer = (records.build_actor(one.user["id"], records.find_access(one.user["id"])) for one in (ada, bob))
    with concurrently(lambda: members.remove_member(owner, ws, eve.user["id"])), pytest.raises(Conflict) as refused:
        invitations.accept(comer, ws, token)
    assert refused.value.situation is Situation.INVITATION_NOT_PENDING
    assert bob("workspaces", "GET", f"/workspaces/{ws}").status == 404


def test_a_member_is_not_invited(ada, eve, ws):
    assert accept(eve, ws, token_of(invite(ada, ws))).status == 200
    assert error_of(invite(ada, ws)) == (409, "CONFLICT")
    assert error_of(invite(ada, ws, "Ada@Example.com")) == (409, "CONFLICT")


def test_a_cancelled_invitation_is_over(ada, eve, ws):
    answer = invite(ada, ws)
    path = f"/workspaces/{ws}/invitations/{answer.json['invitation']['id']}"
    assert error_of(eve("workspaces", "DELETE", path)) == (404, "WORKSPACE_NOT_FOUND")
    assert ada("workspaces", "DELETE", path).status == 204
    assert error_of(ada("workspaces", "DELETE", path)) == (404, "INVITATION_NOT_FOUND")
    refused = accept(eve, ws, token_of(answer))
    assert error_of(refused) == (409, "INVITATION_NOT_PENDING")
    assert refused.json["error"]["details"] == {"reason": "The invitation was cancelled", "invitation": "cancelled"}
    assert listed(ada, ws)["invitations"] == []
    assert accept(eve, ws, token_of(invite(ada, ws))).status == 200  # asked again after all
    assert error_of(ada("workspaces", "DELETE", path)) == (409, "INVITATION_NOT_PENDING")  # too late


def test_a_full_workspace_invites_nobody_and_lets_nobody_in(ada, eve, ws):
    token = token_of(invite(ada, ws))
    assert ada("workspaces", "PUT", f"/workspaces/{ws}", body={"settings": {"maxMembers": 1}}).status == 200
    refused = accept(eve, ws, token)
    assert error_of(refused) == (403, "WORKSPACE_MEMBER_LIMIT")
    remedy = "an administrator of the workspace can raise maxMembers in its settings"
    reason = f"This workspace may have at most 1 members; {remedy}"
    assert refused.json["error"]["details"] == {"reason": reason, "limit": 1, "plan": "Free"}
    assert error_of(invite(ada, ws, "bob@example.com")) == (403, "WORKSPACE_MEMBER_LIMIT")
    assert ada("workspaces", "PUT", f"/workspaces/{ws}", body={"settings": {"maxMembers": 2}}).status == 200
    assert accept(eve, ws, token).status == 200  # the invitation was not used up


def test_invitations_do_not_pile_up(ada, ws, monkeypatch):
    monkeypatch.setattr(invitations, "MAX_PENDING", 2)
    assert [invite(ada, ws, f"{n}@example.com").status for n in range(3)] == [201, 201, 403]


def test_nobody_invites_to_more_than_they_may(ada, eve, ws):
    join(eve, ws, Role.MEMBER)
    assert error_of(invite(eve, ws, "bob@example.com")) == (403, "INSUFFICIENT_PERMISSIONS")
    body = {"role": "member", "permissions": ["member:invite"]}
    assert ada("workspaces", "PUT", f"/workspaces/{ws}/members/{eve.user['id']}", body=body).status == 200
    assert error_of(invite(eve, ws, "bob@example.com", role="admin")) == (403, "INSUFFICIENT_PERMISSIONS")
    assert invite(eve, ws, "bob@example.com", role="member").status == 201


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"email": "nobody", "role": "member"}, "INVALID_EMAIL_FORMAT"),
        ({"email": "a@example.com", "role": "owner"}, "VALIDATION_ERROR"),
        ({"email": "a@example.com"}, "VALIDATION_ERROR"),
        ({"email": "a@example.com", "role": "member", "note": "x"}, "VALIDATION_ERROR"),
    ],
)
def test_a_bad_invitation_says_what_is_wrong(ada, ws, body, code):
    answer = ada("workspaces", "POST", f"/workspaces/{ws}/members/invite", body=body)
    assert error_of(answer) == (422, code)
    assert requested_mails() == []


def register(email: str, token: str) -> Answer:
    body = {"name": "New Body", "email": email, "password": "correct horse", "invitationToken": token}
    return call("auth", "agentworks", "POST", "/auth/register", body=body)


def test_who_registers_with_an_invitation_is_in(ada, ws):
    token = token_of(invite(ada, ws, "new@example.com"))
    answer = register("New@example.com", token)
    assert answer.status == 201, answer.text
    new = Client(token=answer.json["token"])
    mine = new("workspaces", "GET", "/workspaces").json["workspaces"]
    assert {one["id"]: one["role"] for one in mine}[ws] == "member"
    assert len(mine) == 2
    assert (listed(ada, ws)["total"], listed(ada, ws)["invitations"]) == (2, [])


def test_who_registers_with_a_bad_invitation_is_not_there_at_all(ada, ws):
    token = token_of(invite(ada, ws, "new@example.com"))
    assert error_of(register("new@example.com", token[:-1])) == (404, "INVITATION_NOT_FOUND")
    assert error_of(register("other@example.com", token)) == (403, "INSUFFICIENT_PERMISSIONS")
    assert ada("workspaces", "PUT", f"/workspaces/{ws}", body={"settings": {"maxMembers": 1}}).status == 200
    assert error_of(register("new@example.com", token)) == (403, "WORKSPACE_MEMBER_LIMIT")
    assert ada("workspaces", "PUT", f"/workspaces/{ws}", body={"settings": {"maxMembers": 5}}).status == 200
    assert register("new@example.com", token).status == 201  # the address is still free, the invitation still good


def test_nobody_joins_workspaces_without_end(ada, eve, ws, monkeypatch):
    monkeypatch.setattr(records, "MAX_WORKSPACES", 1)
    token = token_of(invite(ada, ws))
    assert error_of(accept(eve, ws, token)) == (403, "LIMIT_EXCEEDED")
    assert (listed(ada, ws)["total"], fetch(Workspace, ws).member_count) == (1, 1)


def test_a_deleted_workspace_takes_nobody(ada, eve):
    ws = make(ada).json["id"]
    token = token_of(invite(ada, ws))
    assert ada("workspaces", "DELETE", f"/workspaces/{ws}").status == 202
    assert error_of(accept(eve, ws, token)) == (404, "INVITATION_NOT_FOUND")


def test_what_it_costs(ada, eve, ws):
    ada("workspaces", "GET", "/workspaces"), eve("workspaces", "GET", "/workspaces")
    with count_requests() as seen:
        answer = invite(ada, ws)
    # workspace and invitation, beside them the members and how many wait; the plan; how many this person sent and how many went there;
    # the invitation
    assert (seen.names, seen.beside) == (["BatchGetItem", "GetItem", *["UpdateItem"] * 2, "PutItem"], ["Query", "Query"])
    with count_requests() as seen:
        assert accept(eve, ws, token_of(answer)).status == 200
    # the invitation, beside it whether the member is here now; the workspace and who invited; all of it at once
    assert (seen.names, seen.beside) == (["BatchGetItem", "BatchGetItem", "TransactWriteItems"], ["BatchGetItem"])


def test_expired_invitations_do_not_fill_the_limit(ada, monkeypatch):
    monkeypatch.setattr(invitations, "MAX_PENDING", 2)
    ws = home(ada)
    with time_machine.travel("2026-11-01T12:00:00Z", tick=False):
        early = Client(token=sign_in("ada@example.com"))
        for name in ("a", "b"):
            assert invite(early, ws, f"{name}@example.com").status == 201
        assert error_of(invite(early, ws, "c@example.com")) == (403, "LIMIT_EXCEEDED")
        assert invite(early, ws, "a@example.com").status == 201  # it takes no further place
    with time_machine.travel("2026-11-08T12:00:01Z", tick=False):
        late = Client(token=sign_in("ada@example.com"))
        assert listed(late, ws)["invitations"] == []
        for name in ("a", "c"):
            assert invite(late, ws, f"{name}@example.com").status == 201
        assert error_of(invite(late, ws, "d@example.com")) == (403, "LIMIT_EXCEEDED")
        assert len(listed(late, ws)["invitations"]) == 2
