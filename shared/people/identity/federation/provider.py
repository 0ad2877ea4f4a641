"""The interface of a sign-in provider, and what it returns about a person."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Person:
    """A person as the provider knows them. `subject` is the provider's permanent id of the person."""

    provider: str
    subject: str
    email: str
    email_verified: bool
    name: str
    avatar_url: str | None = None


@dataclass(frozen=True)
class AuthorizationRequest:
    """The values of one sign-in: sent to the provider with the browser, and needed again when the browser returns."""

    redirect_uri: str
    state: str
    verifier: str
    nonce: str


class Provider(Protocol):
    @property
    def name(self) -> str: ...

    def authorization_url(self, request: AuthorizationRequest) -> str:
        """Return the URL to which the browser is sent. Raises Upstream."""

    def fetch_person(self, code: str, request: AuthorizationRequest) -> Person:
        """Exchange the code and return who signed in. Raises Upstream, and Unauthenticated(SIGN_IN_UNVERIFIED) if the provider
        refuses the code or its response cannot be trusted."""

    @property
    def issuer(self) -> str | None:
        """The identifier that the provider sends along when it redirects the browser back (RFC 9207); None if it sends none."""


@dataclass(frozen=True)
class Client:
    """Our registration at a provider."""

    id: str
    secret: str
