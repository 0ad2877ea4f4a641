"""What a provider is to us, and what it tells of a person."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Person:
    """Somebody as a provider knows them. `subject` is theirs there, for ever."""

    provider: str
    subject: str
    email: str
    email_verified: bool
    name: str
    avatar_url: str | None = None


@dataclass(frozen=True)
class AuthorizationRequest:
    """What goes to the provider with a browser and must come back, or be shown to it, when the browser returns."""

    redirect_uri: str
    state: str
    verifier: str
    nonce: str


class Provider(Protocol):
    @property
    def name(self) -> str: ...

    def authorization_url(self, request: AuthorizationRequest) -> str:
        """Where the browser goes. Raises Upstream."""

    def fetch_person(self, code: str, request: AuthorizationRequest) -> Person:
        """Exchange the code and learn who it is. Raises Upstream, and Unauthenticated(SIGN_IN_UNVERIFIED) where the provider or
        what it says is not to be believed."""

    @property
    def issuer(self) -> str | None:
        """What it calls itself when it sends the browser back (RFC 9207), if it does."""


@dataclass(frozen=True)
class Client:
    """We, as a provider knows us."""

    id: str
    secret: str
