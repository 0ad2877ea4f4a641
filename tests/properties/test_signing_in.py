"""One person who signs in elsewhere, many times at once: one account, whatever else is written at that moment."""

import pytest

from shared.core.errors import CadreError, Conflict
from shared.core.ids import new_id
from shared.core.situations import Situation
from shared.people.identity import accounts, one_time_tokens, recovery, sessions
from shared.people.identity.federation.provider import Person
from shared.people.identity.federation.sign_in import sign_in
from shared.people.identity.one_time_tokens import Purpose
from shared.store import Guard, get
from tests.properties.test_sessions import PASSWORD, at_once

pytestmark = pytest.mark.usefixtures("shared_tables", "trusted")
AT_ONCE = 5


@pytest.fixture
def trusted(monkeypatch) -> None:
    monkeypatch.setenv("OAUTH_CORP_DOMAINS", "example.com")


@pytest.fixture
def person() -> Person:
    mark = new_id()
    return Person("corp", mark, f"{mark}@example.com", True, "Ada Lovelace")


def enter(person: Person):
    return lambda: sign_in(person, contract="agentworks")


@pytest.mark.parametrize("_", range(3))
def test_a_new_person_is_founded_once(person, _):
    answers = at_once(*[enter(person)] * AT_ONCE)
    assert not [one for one in answers if isinstance(one, CadreError)]
    assert len({login.user.id for login, _ in answers}) == 1
    assert [new for _, new in answers].count(True) == 1
    for login, _ in answers:
        assert sessions.refresh(login.tokens.refresh)


@pytest.mark.parametrize("_", range(3))
def test_two_providers_at_once_lead_to_one_account(person, _):
    other = Person("github", person.subject, person.email, True, "Ada")
    answers = at_once(enter(person), enter(other), enter(person), enter(other))
    assert not [one for one in answers if isinstance(one, CadreError)]
    assert len({login.user.id for login, _ in answers}) == 1


@pytest.mark.parametrize("_", range(3))
def test_whoever_registers_the_address_first_has_it(person, _):
    register = lambda: accounts.register("Eve", person.email, PASSWORD, contract="agentworks")  # noqa: E731 - one of many
    registered, *entered = at_once(register, enter(person), enter(person))
    if isinstance(registered, Conflict):
        assert all(not isinstance(one, CadreError) for one in entered)
    else:
        assert [one.situation for one in entered] == [Situation.EMAIL_TAKEN] * 2
        assert get(Guard, f"OAUTH#corp#{person.subject}") is None


def test_a_confirmed_account_is_linked_once(person):
    user = accounts.register("Ada", person.email, PASSWORD, contract="agentworks").user
    token, _ = one_time_tokens.issue(Purpose.VERIFY, user.id, email=user.email)
    recovery.verify_email(token, user.as_actor())
    answers = at_once(*[enter(person)] * AT_ONCE)
    assert [(login.user.id, new) for login, new in answers] == [(user.id, False)] * AT_ONCE
