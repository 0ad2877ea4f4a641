"""agentworks: confirming an address, choosing a new password, and what guessing comes to."""

import re

import pytest
import time_machine

from functions.auth.handler import handler
from shared.core.keys import fingerprint
from shared.core.limits import RateRule
from shared.people.access import records
from shared.people.identity import mails, one_time_tokens
from shared.people.identity.one_time_tokens import OneTimeToken, Purpose
from shared.people.identity.users import User
from shared.store import fetch, get, save, write
from tests.areas.driving import Client, Context, call, confirm_address, event, sign_up
from tests.areas.mailbox import mailer, requested_mails, reset_ses, sent_mails
from tests.areas.viewers import project, raw_row, stream_record
from tests.kills import refused
from tests.trips import count_requests

ADDRESS, PASSWORD, NEW = "ada@example.com", "correct horse", "battery staple"


def post(path: str, headers: dict[str, str] | None = None, **body):
    return call("auth", "agentworks", "POST", path, body=body, headers=headers)


def token_in(message: dict) -> str:
    found = re.search(r"token=([\w-]{43})$", message["values"]["url"])
    assert found, message
    return found[1]


def events_of(user_id: str) -> None:
    """The stream tells of the user's last event."""
    project(stream_record(raw_row(f"USER#{user_id}")))


@pytest.fixture
def ada(aws) -> Client:
    client = sign_up("Ada Lovelace", ADDRESS, PASSWORD)
    events_of(client.user["id"])
    return client


@pytest.fixture
def verification(ada) -> str:
    (message,) = requested_mails()
    assert (message["kind"], message["to"], set(message["values"])) == ("verify_email", ADDRESS, {"url", "expires"})
    return token_in(message)


def forgot() -> str:
    assert post("/auth/forgot-password", email=ADDRESS).status == 202
    (message,) = requested_mails()
    assert (message["kind"], message["to"]) == ("reset_password", ADDRESS)
    return token_in(message)


def test_registering_mails_a_token_that_confirms_the_address_once(ada, verification):
    assert ada("auth", "GET", "/auth/me").json["emailVerified"] is False
    done = ada("auth", "POST", "/auth/verify-email", body={"token": verification})
    assert (done.status, done.json) == (200, {"emailVerified": True})
    assert ada("auth", "GET", "/auth/me").json["emailVerified"] is True
    again = post("/auth/verify-email", token=verification)
    assert (again.status, again.json["error"]["code"]) == (401, "ONE_TIME_TOKEN_INVALID")


def test_who_confirms_where_they_are_logged_in_loses_nothing(ada, verification):
    other = post("/auth/login", email=ADDRESS, password=PASSWORD)
    cookie = {"Cookie": other.header("set-cookie").partition(";")[0]}
    assert post("/auth/verify-email", headers=cookie, token=verification).status == 200
    assert ada("auth", "GET", "/auth/me").status == 200
    assert post("/auth/login", email=ADDRESS, password=PASSWORD).status == 200
    events_of(ada.user["id"])
    assert requested_mails() == []


@pytest.mark.parametrize("as_eve", [False, True])
def test_who_took_an_address_loses_the_account_when_its_owner_confirms(ada, verification, as_eve):
    """Ada's session and password are those of whoever registered; the owner reads the mail, with a session of her own or none."""
    headers = {"Authorization": f"Bearer {sign_up('Eve', 'eve@example.com').token}"} if as_eve else None
    assert post("/auth/verify-email", headers=headers, token=verification).json == {"emailVerified": True}
    assert ada("auth", "GET", "/auth/me").status == 401
    assert post("/auth/refresh", refreshToken=ada.refresh).status == 401
    assert post("/auth/login", email=ADDRESS, password=PASSWORD).status == 401
    events_of(ada.user["id"])
    events_of(ada.user["id"])
    messages = requested_mails()
    assert {(one["kind"], one["to"]) for one in messages} == {("choose_password", ADDRESS)}
    assert len({one["id"] for one in messages}) == 1, "one mail, however often the event comes"
    assert post("/auth/reset-password", token=token_in(messages[0]), newPassword=NEW).status == 204
    assert post("/auth/login", email=ADDRESS, password=NEW).json["user"]["emailVerified"] is True


def test_a_second_confirmation_ends_nothing(ada, verification):
    confirm_address(ada)
    assert post("/auth/verify-email", token=verification).status == 200
    assert ada("auth", "GET", "/auth/me").status == 200


def test_whoever_registers_through_another_contract_is_mailed_too(aws):
    body = {"email": ADDRESS, "password": PASSWORD, "name": "Ada"}
    user_id = call("auth", "aintandem", "POST", "/auth/register", body=body).json["data"]["user_id"].removeprefix("usr_")
    events_of(user_id)
    assert [message["kind"] for message in requested_mails()] == ["verify_email"]


def test_an_event_that_comes_again_mails_nothing_more(ada):
    reset_ses()
    events_of(ada.user["id"])
    messages = requested_mails()
    assert mailer(*messages) == []
    assert len(sent_mails()) == 1
    ada("auth", "POST", "/auth/verify-email", body={"token": token_in(messages[0])})
    events_of(ada.user["id"])
    assert requested_mails() == []


@pytest.mark.parametrize("token", ["x", "x" * 43, "é" * 43, "ACCESS#x"])
def test_a_token_that_is_none(ada, token):
    for path, more in (("/auth/verify-email", {}), ("/auth/reset-password", {"newPassword": NEW})):
        answer = post(path, token=token, **more)
        assert (answer.status, answer.json["error"]["code"]) == (401, "ONE_TIME_TOKEN_INVALID")


def test_a_token_is_good_for_its_purpose_only(ada, verification):
    assert post("/auth/reset-password", token=verification, newPassword=NEW).status == 401
    assert post("/auth/verify-email", token=forgot()).status == 401


def test_only_fingerprints_are_stored(ada, verification):
    assert get(OneTimeToken, f"OTT#verify#{verification}") is None
    assert get(OneTimeToken, f"OTT#verify#{fingerprint(verification)}").subject == ada.user["id"]


def test_an_old_token_has_expired(ada):
    with time_machine.travel("2026-11-26T10:00:00Z", tick=False) as now:
        reset, _ = one_time_tokens.issue(Purpose.RESET, ada.user["id"])
        now.shift(one_time_tokens.LIFETIMES[Purpose.RESET])
        answer = post("/auth/reset-password", token=reset, newPassword=NEW)
    assert (answer.status, answer.json["error"]["code"]) == (401, "ONE_TIME_TOKEN_EXPIRED")


def test_it_is_mailed_again_to_whoever_asks_a_few_times(ada):
    requested_mails()
    answers = [ada("auth", "POST", "/auth/resend-verification") for _ in range(6)]
    assert [answer.status for answer in answers] == [202] * 5 + [429]
    assert answers[-1].json["error"]["code"] == "RATE_LIMIT_EXCEEDED"
    messages = requested_mails()
    assert [message["kind"] for message in messages] == ["verify_email"] * 5
    assert post("/auth/verify-email", token=token_in(messages[2])).status == 200


def test_a_confirmed_address_is_mailed_nothing_more(ada, verification):
    ada("auth", "POST", "/auth/verify-email", body={"token": verification})
    assert ada("auth", "POST", "/auth/resend-verification").status == 202
    assert requested_mails() == []


def test_a_forgotten_password(ada):
    requested_mails()
    other = post("/auth/login", email=ADDRESS, password=PASSWORD).json
    token = forgot()
    assert post("/auth/reset-password", token=token, newPassword=NEW).status == 204
    assert post("/auth/reset-password", token=token, newPassword="yet another").status == 401
    for session in (ada.token, other["token"]):
        assert Client(token=session)("auth", "GET", "/auth/me").status == 401
    assert post("/auth/refresh", refreshToken=other["refreshToken"]).status == 401
    assert post("/auth/login", email=ADDRESS, password=PASSWORD).status == 401
    back = post("/auth/login", email=ADDRESS, password=NEW)
    assert back.status == 200
    assert back.json["user"]["emailVerified"] is True, "whoever had the token read the mail"


def test_an_address_that_is_not_confirmed_is_told_nothing_else(ada):
    requested_mails()
    ada("auth", "PUT", "/auth/me/password", body={"currentPassword": PASSWORD, "newPassword": NEW})
    events_of(ada.user["id"])
    assert requested_mails() == []


def test_variants_of_an_address_are_one_mailbox(aws):
    for number in range(7):
        events_of(sign_up("WIN AT https://evil.example", f"victim+{number}@example.com").user["id"])
    messages = requested_mails()
    assert [one["kind"] for one in messages] == ["verify_email"] * 5
    assert "evil" not in str(messages)
    statuses = {post("/auth/forgot-password", email=f"victim+{number}@example.com").status for number in range(7)}
    assert (statuses, len(requested_mails())) == ({202}, 5)


def test_the_owner_is_told_that_the_password_changed(ada):
    confirm_address(ada)
    requested_mails()
    ada("auth", "PUT", "/auth/me/password", body={"currentPassword": PASSWORD, "newPassword": NEW})
    events_of(ada.user["id"])
    (told,) = requested_mails()
    assert (told["kind"], told["to"], told["values"]["name"]) == ("password_changed", ADDRESS, "Ada Lovelace")
    post("/auth/reset-password", token=forgot(), newPassword="yet another")
    events_of(ada.user["id"])
    assert [message["kind"] for message in requested_mails()] == ["password_changed"]


def test_an_older_token_ends_with_the_password_it_was_for(ada):
    requested_mails()
    first, second = forgot(), forgot()
    assert post("/auth/reset-password", token=second, newPassword=NEW).status == 204
    late = post("/auth/reset-password", token=first, newPassword="yet another")
    assert (late.status, late.json["error"]["code"]) == (401, "ONE_TIME_TOKEN_INVALID")


@pytest.mark.parametrize("weak", ["short", "password1", "lovelace99", "ada@example.com"])
def test_a_weak_password_leaves_the_token_good(ada, weak):
    requested_mails()
    token = forgot()
    answer = post("/auth/reset-password", token=token, newPassword=weak)
    if weak == "ada@example.com":  # `ada` alone is too short to mean somebody
        assert answer.status == 204
        return
    assert (answer.status, answer.json["error"]["code"]) == (422, "PASSWORD_TOO_WEAK")
    assert answer.json["validationErrors"][0]["field"] == "newPassword"
    assert post("/auth/reset-password", token=token, newPassword=NEW).status == 204


def test_a_password_made_of_the_own_name_is_weak_everywhere(aws):
    body = {"name": "Ada Lovelace", "email": "countess@example.com", "password": "my countess!"}
    assert post("/auth/register", **body).json["error"]["code"] == "PASSWORD_TOO_WEAK"
    ada = sign_up("Ada Lovelace", "countess@example.com")
    change = ada("auth", "PUT", "/auth/me/password", body={"currentPassword": PASSWORD, "newPassword": "Lovelace!1815"})
    assert (change.status, change.json["error"]["code"]) == (422, "PASSWORD_TOO_WEAK")
    assert change.json["validationErrors"][0]["field"] == "newPassword"


def test_nobody_learns_whether_an_address_is_somebodys(ada):
    requested_mails()
    for email in ("warm@example.com", "warmer@example.com"):
        post("/auth/forgot-password", email=email)  # the windows have begun
    requested_mails()
    seen = []
    for email in (ADDRESS, "nobody@example.com"):
        with count_requests() as cost:
            answer = post("/auth/forgot-password", email=email)
        seen.append((answer.status, answer.text, cost.names))
    assert seen[0] == seen[1]
    assert [message["kind"] for message in requested_mails()] == ["reset_password", "nothing"]


def test_an_address_is_not_flooded_and_nothing_is_said(ada):
    requested_mails()
    answers = {post("/auth/forgot-password", email=ADDRESS).status for _ in range(8)}
    assert answers == {202}
    assert len(requested_mails()) == mails.MAILS_PER_ADDRESS.limit


def test_a_place_asks_for_so_many(aws):
    statuses = [post("/auth/forgot-password", email=f"p{number}@example.com").status for number in range(31)]
    assert statuses == [202] * 30 + [429]


# -- guessing


def guess(email: str = ADDRESS, password: str = "wrong", ip: str = "192.0.2.1", contract: str = "agentworks") -> int:
    asked_for = event(contract, "POST", "/auth/login", body={"email": email, "password": password})
    asked_for["requestContext"]["identity"]["sourceIp"] = ip
    return handler(asked_for, Context())["statusCode"]


@pytest.fixture
def still():
    with time_machine.travel("2026-11-26T10:00:00Z", tick=False) as now:
        yield now


@pytest.mark.parametrize("email", [ADDRESS, "nobody@example.com"])
def test_guessing_ends_where_it_comes_from(still, ada, email):
    assert [guess(email) for _ in range(11)] == [401] * 10 + [429]


def test_the_owner_is_not_kept_out_by_who_guesses(still, ada):
    assert [guess() for _ in range(11)][-1] == 429
    assert guess(password=PASSWORD) == 429, "from there, even the right one"
    assert ada("auth", "GET", "/auth/me").status == 200
    assert guess(password=PASSWORD, ip="198.51.100.7") == 200


def test_who_guesses_on_waits_longer(still, ada):
    waits = []
    for tries in (10, 5, 5):
        assert [guess() for _ in range(tries)] == [401] * tries
        answer = post("/auth/login", email=ADDRESS, password=PASSWORD)
        assert (answer.status, answer.json["error"]["code"]) == (429, "RATE_LIMIT_EXCEEDED")
        waits.append(int(answer.header("retry-after")))
        assert answer.json["error"]["details"]["retryAfter"] == waits[-1]
        still.shift(waits[-1])
    assert waits == [15 * 60, 105 * 60, 12 * 3600]  # until 10:15, 12:00, midnight
    assert guess(password=PASSWORD) == 200


def test_guesses_from_everywhere_end_too(still, ada):
    statuses = [guess(ip=f"198.51.100.{number}") for number in range(101)]
    assert statuses == [401] * 100 + [429]
    assert ada("auth", "GET", "/auth/me").status == 200


def test_one_network_guesses_at_so_many_accounts_whatever_contract_it_asks(still, ada):
    """One password tried on every account: no account sees more than one guess."""
    places = ["agentworks", "orchestrator", "omoios"]
    statuses = [guess(f"p{number}@example.com", contract=places[number % 3]) for number in range(101)]
    assert statuses == [401] * 100 + [429]
    assert guess("p200@example.com", ip="198.51.100.7") == 401


def test_a_guess_that_its_network_may_not_make_is_counted_nowhere(still, ada, monkeypatch):
    """A network without guesses left keeps nobody out: neither at the account nor for later from there."""
    monkeypatch.setattr(records, "GUESSES_PER_NETWORK", RateRule("network", 12, 3600))
    assert [guess(f"p{number}@example.com") for number in range(12)] == [401] * 12
    assert [guess() for _ in range(12)] == [429] * 12
    assert not records.get_access(ada.user["id"]).guesses
    still.shift(3600)  # the same two hours, in which fifteen guesses are possible
    assert [guess() for _ in range(10)] == [401] * 10


def test_a_login_waits_for_others_who_are_counted_at_this_moment(still, ada):
    with refused("TransactWriteItems", "RL#guess#", 3) as state:
        assert [guess(), guess(password=PASSWORD)] == [401, 200]
    assert state.left == 0


def test_a_login_hides_no_guesses_at_other_accounts(still, ada):
    statuses = [guess(f"p{number}@example.com") for number in range(99)]
    assert statuses == [401] * 99
    assert [guess(password=PASSWORD) for _ in range(3)] == [200] * 3
    assert [guess("p200@example.com") for _ in range(2)] == [401, 429]


def test_a_site_with_ipv6_is_one_place(still, ada):
    statuses = [guess(ip=f"2001:db8:0:1::{number:x}") for number in range(1, 102)]
    assert statuses == [401] * 10 + [429] * 91
    assert guess(password=PASSWORD, ip="2001:db8:0:2::1") == 200, "the owner, from elsewhere"


@pytest.mark.parametrize(("email", "kind"), [(ADDRESS, "account_locked"), ("nobody@example.com", "nothing")])
def test_the_owner_of_a_closed_account_is_mailed_a_way_in(still, ada, email, kind):
    requested_mails()
    assert [guess(email, ip=f"198.51.100.{number}") for number in range(103)] == [401] * 100 + [429] * 3
    (message,) = requested_mails()
    assert (message["kind"], message["to"]) == (kind, email)
    if kind == "account_locked":
        still.shift(1)
        assert post("/auth/reset-password", token=token_in(message), newPassword=NEW).status == 204
        assert guess(password=NEW, ip="203.0.113.1") == 200


def test_a_new_password_lets_in_whoever_guessed_too_often(still, ada):
    requested_mails()
    assert [guess() for _ in range(11)][-1] == 429
    still.shift(1)
    assert post("/auth/reset-password", token=forgot(), newPassword=NEW).status == 204
    assert guess(password=NEW) == 200


def test_a_login_forgets_the_guesses(still, ada):
    for _ in range(3):
        assert [guess() for _ in range(9)] == [401] * 9
        assert guess(password=PASSWORD) == 200


def test_a_wrong_token_does_not_take_the_session_cookie_away(ada):
    login = post("/auth/login", email=ADDRESS, password=PASSWORD)
    cookie = {"Cookie": login.header("set-cookie").partition(";")[0]}
    refused = post("/auth/verify-email", headers=cookie, token="x")
    assert (refused.status, refused.header("set-cookie")) == (401, None)
    ended = call("auth", "agentworks", "GET", "/auth/me", headers={"Cookie": "__Host-cadre_session=junk"})
    assert (ended.status, "__Host-cadre_session=" in ended.header("set-cookie")) == (401, True)
    assert "; Secure" in ended.header("set-cookie"), "browsers drop a cookie with this prefix otherwise, and keep the old one"


def test_preferences_merge_deeply_and_show_every_field(ada):
    full = ada("auth", "GET", "/auth/me").json["preferences"]
    assert {name: set(part) for name, part in full.items() if isinstance(part, dict)} == {
        "notifications": {"email", "browser", "agentCompleted", "usageAlerts"},
        "editor": {"fontSize", "tabSize", "wordWrap"},
    }
    body = {"preferences": {"notifications": {"browser": False}, "timezone": "Europe/London"}}
    changed = ada("auth", "PUT", "/auth/me", body=body).json["preferences"]
    assert changed == full | {"timezone": "Europe/London", "notifications": full["notifications"] | {"browser": False}}


def test_what_was_stored_before_a_preference_existed_shows_its_default(ada):
    user = fetch(User, ada.user["id"])
    user.preferences = {"theme": "dark", "editor": {"tabSize": 2}}
    write(save(user))
    shown = ada("auth", "GET", "/auth/me").json["preferences"]
    assert shown["editor"] == {"fontSize": 14, "tabSize": 2, "wordWrap": True}
    assert (shown["theme"], shown["timezone"]) == ("dark", "UTC")
