"""Who the client is: an API key, an OAuth client of its own, or a person's tokens, which are renewed in time."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NotRequired, Protocol, TypedDict, Unpack

from ai_agents.models import TokenAnswer

_MARGIN = 30  # seconds: a token that ends sooner is renewed before it is sent


class Credential(Protocol):
    """What signs a request. A renewable one says what to ask the token endpoint for, and takes the answer."""

    def headers(self) -> dict[str, str]: ...

    def renewal(self) -> dict[str, str] | None:
        """Return the form to send for new tokens; None while those at hand are good."""
        ...

    def accept(self, answer: TokenAnswer) -> None: ...

    def expire(self, refused: str | None) -> bool:
        """Say that the platform refused the header `refused`. Return whether another try may help."""
        ...


class _Fixed:
    """A credential that cannot be renewed."""

    def headers(self) -> dict[str, str]:
        return {}

    def renewal(self) -> dict[str, str] | None:
        return None

    def accept(self, answer: TokenAnswer) -> None:
        raise NotImplementedError

    def expire(self, refused: str | None) -> bool:
        return False


class Anonymous(_Fixed):
    """Nobody: for the few operations that are public."""


@dataclass(frozen=True)
class APIKey(_Fixed):
    key: str = field(repr=False)

    def headers(self) -> dict[str, str]:
        return {"X-API-Key": self.key}


@dataclass(frozen=True)
class BearerToken(_Fixed):
    """A token that somebody else keeps fresh."""

    token: str = field(repr=False)

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


class Renewable:
    """Tokens that end, and are replaced by enterprise's token endpoint."""

    def __init__(self, access_token: str = "", expires_at: float = 0.0) -> None:
        self.access_token, self.expires_at = access_token, expires_at

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access_token}"}

    def renewal(self) -> dict[str, str] | None:
        return None if self.access_token and time.time() < self.expires_at - _MARGIN else self._form()

    def accept(self, answer: TokenAnswer) -> None:
        self.access_token, self.expires_at = answer.access_token, time.time() + answer.expires_in

    def expire(self, refused: str | None) -> bool:
        if refused == f"Bearer {self.access_token}":  # else another thread has renewed it meanwhile
            self.expires_at = 0.0
        return True

    def _form(self) -> dict[str, str]:
        raise NotImplementedError


class ClientCredentials(Renewable):
    """A service that is an OAuth client: its token is asked for when it is needed, kept, and asked for again before it ends."""

    def __init__(self, client_id: str, client_secret: str, scopes: list[str] | None = None) -> None:
        super().__init__()
        self.client_id, self.client_secret, self.scopes = client_id, client_secret, scopes

    def _form(self) -> dict[str, str]:
        form = {"grant_type": "client_credentials", "client_id": self.client_id, "client_secret": self.client_secret}
        return form | ({"scope": " ".join(self.scopes)} if self.scopes else {})


class UserTokens(Renewable):
    """A person's tokens from an authorization. A refresh token is replaced at each use: `on_renewed` is told, so that it can be kept."""

    def __init__(
        self,
        access_token: str,
        refresh_token: str,
        client_id: str,
        *,
        expires_at: float = float("inf"),
        client_secret: str | None = None,
        on_renewed: Callable[["UserTokens"], None] | None = None,
    ) -> None:
        super().__init__(access_token, expires_at)
        self.refresh_token, self.client_id, self.client_secret, self.on_renewed = (
            refresh_token,
            client_id,
            client_secret,
            on_renewed,
        )

    def accept(self, answer: TokenAnswer) -> None:
        super().accept(answer)
        self.refresh_token = answer.refresh_token or self.refresh_token
        if self.on_renewed:
            self.on_renewed(self)

    def _form(self) -> dict[str, str]:
        form = {"grant_type": "refresh_token", "refresh_token": self.refresh_token, "client_id": self.client_id}
        return form | ({"client_secret": self.client_secret} if self.client_secret else {})


class Who(TypedDict):
    """Who the client is: one of these ways. Without any, only public operations work."""

    api_key: NotRequired[str | None]
    token: NotRequired[str | None]
    client_id: NotRequired[str | None]
    client_secret: NotRequired[str | None]
    scopes: NotRequired[list[str] | None]
    credential: NotRequired[Credential | None]


def credential_of(**who: Unpack[Who]) -> Credential:
    """Return the credential that was named. Raises ValueError if there are two, or half of one."""
    given = [name for name in ("api_key", "token", "client_id", "credential") if who.get(name) is not None]
    if len(given) > 1:
        raise ValueError(f"A client has one credential, not {' and '.join(given)}")
    api_key, token, client_id, secret = who.get("api_key"), who.get("token"), who.get("client_id"), who.get("client_secret")
    if (client_id is None) != (secret is None):
        raise ValueError("client_id and client_secret belong together")
    if api_key is not None:
        return APIKey(api_key)
    if token is not None:
        return BearerToken(token)
    if client_id is not None and secret is not None:
        return ClientCredentials(client_id, secret, who.get("scopes"))
    return who.get("credential") or Anonymous()
