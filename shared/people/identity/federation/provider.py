"""The interface of a sign-in provider, and what it returns about a person."""

import unicodedata
from dataclasses import dataclass
from typing import Any, Protocol, Self

from shared.core import web_addresses
from shared.core.emails import is_email, normal_email
from shared.core.errors import Upstream
from shared.core.situations import Situation
from shared.core.texts import one_line

_MAX_SUBJECT, _MAX_NAME, _MAX_PICTURE = 255, 100, 2048


@dataclass(frozen=True)
class Person:
    """A person as the provider knows them. `subject` is the provider's permanent id of the person; `email` is empty if the provider
    says no usable address."""

    provider: str
    subject: str
    email: str
    email_verified: bool
    name: str
    avatar_url: str | None = None

    @classmethod
    def read(cls, provider: str, *, subject: Any, email: Any, email_verified: bool, names: tuple[Any, ...], picture: Any) -> Self:
        """Return a person from what the provider sent, none of which is believed to be what it should be. The first of `names` is
        shown. Raises Upstream without a subject."""
        if not isinstance(subject, str) or not 0 < len(subject) <= _MAX_SUBJECT:
            raise Upstream(Situation.EXTERNAL_SERVICE_UNAVAILABLE, f"{provider} does not say who you are")
        address = normal_email(email) if isinstance(email, str) and is_email(email) else ""
        name = next(filter(None, map(_shown_name, names)), address.partition("@")[0])
        return cls(provider, subject, address, email_verified, name[:_MAX_NAME], _picture(picture))


def _shown_name(name: Any) -> str:
    """Return a provider's name of a person as ours, without control characters; empty if nothing is left that can be seen."""
    words = " ".join(name.split()) if isinstance(name, str) else ""
    try:
        return one_line("".join(one for one in words if unicodedata.category(one) not in ("Cc", "Cs"))[:_MAX_NAME])
    except ValueError:
        return ""


def _picture(address: Any) -> str | None:
    usable = isinstance(address, str) and address.startswith("https://") and len(address) <= _MAX_PICTURE
    return address if usable and web_addresses.parse_host(address) is not None else None


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
