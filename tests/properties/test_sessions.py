"""One person at several devices at once: nobody is refused or locked out for it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import time_machine

from shared.core.errors import CadreError, Unauthenticated
from shared.core.ids import new_id
from shared.people.identity import accounts, one_time_tokens, profiles, recovery, sessions, users
from shared.people.identity.one_time_tokens import Purpose

pytestmark = pytest.mark.usefixtures("shared_tables")
AT_ONCE = 6
PASSWORD = "correct horse"


@pytest.fixture
def ada() -> accounts.Login:
    return accounts.register("Ada Lovelace", f"ada-{new_id()}@example.com", PASSWORD, contract="agentworks")


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """What each answered, or the error it raised."""

    def answer(call: Callable[[], Any]) -> Any:
        try:
            return call()
        except CadreError as error:
            return error

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(answer, calls))


def test_logins_at_once_all_open_a_session(ada):
    opened = at_once(*[lambda: accounts.login(ada.user.email, PASSWORD, contract="agentworks")] * AT_ONCE)
    assert [type(one) for one in opened] == [accounts.Login] * AT_ONCE
    for one in opened:
        assert sessions.refresh(one.tokens.refresh)


def test_guesses_at_once_are_no_more_than_one_after_the_other(ada):
    with time_machine.travel("2026-11-26T10:00:00Z", tick=False):
        answers = at_once(*[lambda: accounts.login(ada.user.email, "wrong", contract="agentworks", ip="192.0.2.9")] * 16)
    assert sorted(type(one).__name__ for one in answers) == ["RateLimited"] * 6 + ["_CredentialsWrong"] * 10


def test_refreshes_at_once_all_get_tokens_and_any_of_them_goes_on(ada):
    answers = at_once(*[lambda: sessions.refresh(ada.tokens.refresh)] * AT_ONCE)
    assert not [one for one in answers if isinstance(one, CadreError)]
    _, kept = sessions.refresh(answers[0][1].refresh)
    assert sessions.refresh(kept.refresh)


def test_changes_of_one_profile_at_once_all_land(ada):
    answers = at_once(
        lambda: profiles.update_profile(ada.actor, name="Ada King"),
        lambda: profiles.update_profile(ada.actor, avatar_url="https://example.com/ada.png"),
        lambda: profiles.update_profile(ada.actor, preferences={"theme": "dark"}),
        lambda: accounts.login(ada.user.email, PASSWORD, contract="agentworks"),
    )
    assert not [one for one in answers if isinstance(one, CadreError)]
    user = users.get_user(ada.user.id)
    assert (user.name, user.avatar_url, user.preferences["theme"]) == ("Ada King", "https://example.com/ada.png", "dark")


@pytest.mark.parametrize("_", range(4))
def test_no_session_of_the_old_password_outlives_its_change(ada, _):
    logins = [lambda: accounts.login(ada.user.email, PASSWORD, contract="agentworks")] * 3
    answers = at_once(*logins, lambda: accounts.change_password(ada.actor, PASSWORD, "battery staple"))
    assert answers[-1] is None
    for one in answers[:-1]:
        token = one.tokens.refresh if isinstance(one, accounts.Login) else ""
        with pytest.raises(Unauthenticated):
            sessions.refresh(token)
    assert sessions.refresh(ada.tokens.refresh)


def test_of_many_who_use_one_token_one_succeeds(ada):
    token, _ = one_time_tokens.issue(Purpose.RESET, ada.user.id)
    news = [f"battery staple {number}" for number in range(AT_ONCE)]
    answers = at_once(*[lambda new=new: recovery.reset_password(token, new) for new in news])
    (winner,) = [new for new, answer in zip(news, answers, strict=True) if answer is None]
    assert [isinstance(one, Unauthenticated) for one in answers if one is not None] == [True] * (AT_ONCE - 1)
    assert accounts.login(ada.user.email, winner, contract="agentworks")
    token, _ = one_time_tokens.issue(Purpose.VERIFY, ada.user.id, email=ada.user.email)
    answers = at_once(*[lambda: recovery.verify_email(token)] * AT_ONCE)
    assert [type(one) for one in answers].count(users.User) == 1


@pytest.mark.parametrize("_", range(4))
def test_no_session_of_a_forgotten_password_outlives_its_reset(ada, _):
    token, _expires = one_time_tokens.issue(Purpose.RESET, ada.user.id)
    logins = [lambda: accounts.login(ada.user.email, PASSWORD, contract="agentworks")] * 3
    answers = at_once(*logins, lambda: recovery.reset_password(token, "battery staple"))
    assert answers[-1] is None
    for one in [*answers[:-1], ada]:
        token = one.tokens.refresh if isinstance(one, accounts.Login) else ""
        with pytest.raises(Unauthenticated):
            sessions.refresh(token)


@pytest.mark.parametrize("_", range(4))
def test_no_session_from_before_outlives_the_confirmation_by_somebody_else(ada, _):
    token, _expires = one_time_tokens.issue(Purpose.VERIFY, ada.user.id, email=ada.user.email)
    logins = [lambda: accounts.login(ada.user.email, PASSWORD, contract="agentworks")] * 3
    answers = at_once(*logins, lambda: recovery.verify_email(token))
    assert isinstance(answers[-1], users.User)
    for one in [*answers[:-1], ada]:
        token = one.tokens.refresh if isinstance(one, accounts.Login) else ""
        with pytest.raises(Unauthenticated):
            sessions.refresh(token)
