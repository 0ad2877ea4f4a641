"""The administrators of the platform, who are made by a command: `tools.admin`."""

import pytest

from shared.events import EventType, get_event
from shared.people.access.records import find_access
from shared.people.identity.administrators import list_administrators, set_administrator
from shared.people.identity.users import find_by_email, get_user
from tests.areas.driving import Client, confirm_address, sign_up
from tests.kills import concurrently, crash_at_every_write
from tests.trips import count_requests
from tools import admin
from tools.deployment import Deployment

ADA = "ada@example.com"


@pytest.fixture
def ada(aws: None) -> Client:
    return confirm_address(sign_up())


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """`tools.admin` on the tables of the tests: what it returns, prints and complains of."""
    monkeypatch.setattr(Deployment, "find", lambda _, part, name: f"{part}/{name}".removeprefix("data/").lower())

    def execute(*arguments: str) -> tuple[int, str, str]:
        return (admin.main(list(arguments)), *capsys.readouterr())

    return execute


def test_the_first_platform_administrator_is_made_by_a_command(ada, command):
    assert command() == (0, "", "")
    for _ in range(2):  # it may be repeated
        assert command("Ada@Example.com") == (0, "ada@example.com is now an administrator of the platform\n", "")
    assert command() == (0, "ada@example.com\n", "")
    assert ada("auth", "GET", "/auth/me").status == 200, "no session ended"
    for _ in range(2):
        assert command(ADA, "--revoke") == (0, "ada@example.com is no longer an administrator of the platform\n", "")
    assert command() == (0, "", "")
    assert ada("auth", "GET", "/auth/me").status == 200


def test_an_administrator_is_an_account_with_a_confirmed_address(aws, command):
    sign_up()
    assert command("bob@example.com") == (2, "", "bob@example.com: User not found\n")
    assert command(ADA) == (2, "", f"{ADA}: The address of this account is not confirmed\n")
    assert command(ADA, "--revoke")[0] == 0  # nothing has to be confirmed for that
    assert list_administrators() == []


WANTED = {"platform_admin": True, "platformAdmin": True, "isPlatformAdmin": True, "gsi1pk": "ADMINISTRATORS"}
WRITES = [  # all that write an account's fields
    ("agentworks", "POST", "/auth/register"),
    ("agentworks", "PUT", "/auth/me"),
    ("aintandem", "POST", "/auth/register"),
    ("orchestrator", "PUT", "/users/me"),
]


@pytest.mark.parametrize(("contract", "method", "path"), WRITES)
def test_no_request_makes_anybody_an_administrator(ada, contract, method, path):
    account = {"name": "Eve", "email": "eve@example.com", "password": "correct horse 1"} if method == "POST" else {"name": "Eve"}
    answer = ada.at(contract)("auth", method, path, body=account | WANTED)
    assert answer.status in (200, 201, 422), answer.text
    people = [ada.user["id"], *(user.id for user in [find_by_email("eve@example.com")] if user)]
    assert not any(get_user(one).platform_admin or find_access(one).platform_admin for one in people)
    assert list_administrators() == []


def test_the_flag_of_an_administrator_is_kept_in_core_with_its_event(ada):
    user_id = ada.user["id"]
    before = get_user(user_id)
    with count_requests() as seen:
        set_administrator(ADA, True)
    assert seen.names == ["GetItem", "GetItem", "TransactWriteItems"]
    user = get_user(user_id)
    assert user.platform_admin
    assert find_access(user_id).platform_admin
    event = get_event(user)
    assert (event.type, event.changes, event.actor["kind"]) == (
        EventType.USER_UPDATED,
        {"platform_admin": [False, True]},
        "system",
    )
    changed = {name for name, value in user.attribute_values.items() if before.attribute_values.get(name) != value}
    assert changed == {"platform_admin", "event", "event_id", "version", "updated_at", "gsi1pk", "gsi1sk"}
    set_administrator(ADA, True)
    assert get_event(get_user(user_id)).id == event.id, "nothing happened"


def test_the_flag_and_its_copy_change_together(ada):
    for process in crash_at_every_write():
        with process:
            set_administrator(ADA, True)
        user, access = get_user(ada.user["id"]), find_access(ada.user["id"])
        assert user.platform_admin == access.platform_admin
        set_administrator(ADA, False)


def test_who_logs_in_while_the_flag_is_taken_does_not_keep_it(ada):
    set_administrator(ADA, True)
    body = {"email": ADA, "password": "correct horse"}
    with concurrently(lambda: set_administrator(ADA, False)) as login:
        assert ada("auth", "POST", "/auth/login", body=body).status == 200
    assert login.happened
    assert not get_user(ada.user["id"]).platform_admin
    assert not find_access(ada.user["id"]).platform_admin


def test_another_change_of_the_account_does_not_undo_the_flag(ada):
    with concurrently(lambda: set_administrator(ADA, True)):
        assert ada("auth", "PUT", "/auth/me", body={"name": "Augusta Ada"}).status == 200
    user = get_user(ada.user["id"])
    assert (user.platform_admin, user.name) == (True, "Augusta Ada")
    assert list_administrators()[0].id == user.id
