"""The platform for one command: its two APIs, with the credential of a profile or of the environment."""

import os
import time
from collections.abc import Iterable
from functools import cached_property

import ai_agents
from ai_agents import errors
from ai_agents.agentworks import AgentWorks
from ai_agents.credentials import APIKey, Credential
from ai_agents.models import TokenAnswer
from cadre_cli import profiles
from cadre_cli.login import API, CLIENT_ID
from cadre_cli.problems import Missing, NotLoggedIn
from cadre_cli.profiles import Profile

BOARD_API = "/agentworks/v1"
_MARGIN = 60  # seconds: a token that ends sooner is replaced before it is sent
_LOG_IN = "You are not logged in{}. Log in with: cadre login{}"


class KeptTokens:
    """The tokens of a profile. Before they end they are replaced, and kept where they were.

    Another command may have replaced them meanwhile, so the file is read first. If two do it at the same moment, the platform takes
    the tokens of both.
    """

    def __init__(self, name: str, profile: Profile) -> None:
        self.name, self.profile = name, profile

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.profile.access_token}"}

    def renewal(self) -> dict[str, str] | None:
        """Return nothing to ask for: what there is to do is done here, because only one of the two APIs has the token endpoint."""
        if self._is_over:
            self.profile = profiles.load(self.name) or self.profile
        if self._is_over:
            self._replace()
        return None

    def accept(self, answer: TokenAnswer) -> None:
        raise NotImplementedError

    def expire(self, refused: str | None) -> bool:
        if refused == f"Bearer {self.profile.access_token}":
            self.profile.expires_at = 0.0
        return True

    @property
    def _is_over(self) -> bool:
        return time.time() > self.profile.expires_at - _MARGIN

    def _replace(self) -> None:
        with ai_agents.Client(base_url=self.profile.url + API) as client:
            try:
                given = client.oauth.token(
                    grant_type="refresh_token", refresh_token=self.profile.refresh_token, client_id=CLIENT_ID
                )
            except errors.OAuthError:
                raise NotLoggedIn(f"Your login at {self.profile.url} has ended. Log in again: cadre login") from None
        self.profile = self.profile.model_copy(
            update={
                "access_token": given.access_token,
                "refresh_token": given.refresh_token or self.profile.refresh_token,
                "expires_at": time.time() + given.expires_in,
            }
        )
        profiles.save(self.name, self.profile)


class Session:
    """One platform as somebody: the API of delivery (`api`) and that of the board (`board`)."""

    def __init__(self, name: str, url: str, credential: Credential, organization: str | None) -> None:
        self.name, self.url, self.credential, self._organization = name, url, credential, organization

    @cached_property
    def api(self) -> ai_agents.Client:
        return ai_agents.Client(base_url=self.url + API, credential=self.credential)

    @cached_property
    def board(self) -> AgentWorks:
        return AgentWorks(base_url=self.url + BOARD_API, credential=self.credential)

    @property
    def has_terminal(self) -> bool:
        """Whether this credential opens sockets: an API key does not."""
        return isinstance(self.credential, KeptTokens)

    @cached_property
    def organization(self) -> str:
        """The organization in which this credential acts. A token names it; that of an API key is asked for."""
        if self._organization is not None:
            return self._organization
        return _first(one.id for one in self.api.organizations.list(page_size=1))

    def close(self) -> None:
        for name in ("api", "board"):
            if name in self.__dict__:
                self.__dict__[name].close()


def open_session(name: str | None, url: str | None) -> Session:
    """Return the session of a profile, or of CADRE_API_KEY, which is for machines. Raises NotLoggedIn."""
    if (key := os.environ.get("CADRE_API_KEY")) and not name:
        return Session("CADRE_API_KEY", profiles.clean_url(url or profiles.DEFAULT_URL), APIKey(key), None)
    address = profiles.clean_url(url) if url else None
    chosen = profiles.choose(name, address)
    profile = profiles.load(chosen)
    if profile is None or (address and profile.url != address):
        raise NotLoggedIn(_LOG_IN.format(f" as {name}" if name else f" at {address}" if address else "", _options(name, address)))
    return Session(chosen, profile.url, KeptTokens(chosen, profile), profile.organization)


def _options(name: str | None, url: str | None) -> str:
    return "".join(f" --{option} {value}" for option, value in (("url", url), ("profile", name)) if value)


def _first(found: Iterable[str]) -> str:
    for one in found:
        return one
    raise Missing("This API key sees no organization")
