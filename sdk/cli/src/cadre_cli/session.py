"""The platform for one command: its two APIs, with the credential of a profile or of the environment."""

import os
from collections.abc import Iterable
from functools import cached_property

import ai_agents
from ai_agents.agentworks import AgentWorks
from ai_agents.credentials import APIKey, Credential, UserTokens
from cadre_cli import profiles
from cadre_cli.login import API, CLIENT_ID
from cadre_cli.problems import Missing, NotLoggedIn
from cadre_cli.profiles import Profile

BOARD_API = "/agentworks/v1"
_LOG_IN = "You are not logged in{}. Log in with: cadre login{}"


class KeptTokens(UserTokens):
    """The tokens of a profile. Those that end are replaced, and kept where they were.

    Another command may have replaced them meanwhile, so the file is read first. If two do it at the same moment, the platform takes
    the tokens of both.
    """

    def __init__(self, name: str, profile: Profile) -> None:
        super().__init__(
            profile.access_token,
            profile.refresh_token,
            CLIENT_ID,
            expires_at=profile.expires_at,
            on_renewed=lambda _: profiles.save(name, self.profile),
        )
        self.name, self._profile = name, profile

    @property
    def profile(self) -> Profile:
        tokens = {"access_token": self.access_token, "refresh_token": self.refresh_token, "expires_at": self.expires_at}
        return self._profile.model_copy(update=tokens)

    def renewal(self) -> dict[str, str] | None:
        if super().renewal() is not None:
            kept = profiles.load(self.name)
            if kept is not None and kept.access_token != self.access_token:
                self.access_token, self.refresh_token, self.expires_at = kept.access_token, kept.refresh_token, kept.expires_at
        return super().renewal()


class Session:
    """One platform as somebody: the API of delivery (`api`) and that of the board (`board`)."""

    def __init__(self, name: str, url: str, credential: Credential, organization: str | None) -> None:
        self.name, self.url, self.credential, self._organization = name, url, credential, organization

    @cached_property
    def api(self) -> ai_agents.Client:
        return ai_agents.Client(base_url=self.url + API, credential=self.credential)

    @cached_property
    def board(self) -> AgentWorks:
        return AgentWorks(base_url=self.url + BOARD_API, beside=self.api)

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
