"""GitHub's API, as one token sees it. `gidgethub` knows the protocol (headers, pages, rate limits), `outbound` the network."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from shared.core import clock, outbound
from shared.core.errors import CadreError, Upstream
from shared.core.settings import settings
from shared.core.situations import Situation

WHO: Final = "GitHub"
MAX_ANSWER: Final = 12_000_000
"""Bytes of an answer: a page of a commit has 300 files, of which GitHub shows patches up to some megabytes."""
Names = Mapping[str, str | list[str]]
"""What fills the variables of a path; a list fills `{/path*}`."""
_ACCEPT = "application/vnd.github+json"
_VERSION = "2022-11-28"
_USUAL_WAIT = 60  # seconds after a refusal for too many requests that does not say how long, as GitHub's guide asks


class Refused(CadreError):
    """GitHub does not accept what was sent; the reason has its own words."""

    def __init__(self, reason: str) -> None:
        super().__init__(Situation.MALFORMED, f"{WHO} refuses this: {reason}"[:500])


class TokenRefused(CadreError):
    """The token is not valid, or no longer."""

    def __init__(self, reason: str = f"{WHO} does not accept the access token of this repository; connect it again") -> None:
        super().__init__(Situation.MALFORMED, reason)


class Denied(CadreError):
    """The token is valid, and does not allow this."""

    def __init__(self, reason: str) -> None:
        super().__init__(Situation.FORBIDDEN, f"The access token does not allow this at {WHO}: {reason}"[:500])


class Missing(CadreError):
    """There is no such thing, or the token may not know of it."""

    def __init__(self) -> None:
        super().__init__(Situation.NOT_FOUND, f"{WHO} has no such thing, or the access token may not see it")


class Moved(CadreError):
    """The repository has another name now."""

    def __init__(self) -> None:
        super().__init__(
            Situation.MALFORMED, f"The repository has another name at {WHO} now; it is looked for within a quarter of an hour"
        )


class TooManyRequests(Upstream):
    """The token has no requests left; `retry_after` is in seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(Situation.PROVIDER_RATE_LIMITED, f"{WHO} allows no more requests at the moment", max(1.0, retry_after))


@dataclass(frozen=True)
class Page:
    """An answer: its data, where the next part of it is, and the tag by which to ask whether it has changed. `data` is None if not."""

    data: Any
    following: str | None = None
    etag: str = ""


@dataclass(frozen=True)
class Github:
    """What one token may do. Paths are below the address of the API; their variables are filled in, escaped, from `names`.

    `reserve` is the share of its requests that is left to others: nothing is asked when fewer are left. `resumes` has the time (epoch
    seconds) from which on there are enough again.
    """

    token: str
    reserve: float = 0.0
    jwt: bool = False
    """Whether it is the app itself that asks."""
    resumes: list[float] = field(default_factory=list, compare=False)

    def get(self, path: str, names: Names | None = None, *, etag: str = "") -> Page:
        """Return what is there. With an `etag`, `data` is None if it has not changed. Raises Missing, Denied, TokenRefused,
        TooManyRequests, Moved and Upstream."""
        return self._ask("GET", path, names, headers={"If-None-Match": etag} if etag else None)

    def pages(self, path: str, names: Names | None = None, *, most: int) -> Iterator[Any]:
        """Yield the data of the pages of a list, `most` of them at most. Raises as `get`."""
        page = self.get(path, names)
        yield page.data
        for _ in range(most - 1):
            if page.following is None:
                return
            page = self.get(page.following)
            yield page.data

    def send(self, method: str, path: str, names: Names | None = None, body: Any = None) -> Any:
        """Create, change or remove something; return the answer. Raises as `get`, and Refused."""
        return self._ask(method, path, names, body=body).data

    def _ask(
        self,
        method: str,
        path: str,
        names: Names | None,
        *,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Page:
        from gidgethub import sansio  # 20 ms, and most requests ask GitHub nothing

        if self.resumes and (wait := self.resumes[-1] - clock.epoch()) > 0:
            raise TooManyRequests(wait)
        base = settings().github_api
        url = sansio.format_url(path, names or {}, base_url=base)
        if not url.startswith(base.rstrip("/") + "/"):  # the next page of a list: the token goes nowhere else
            raise Upstream(Situation.EXTERNAL_SERVICE_UNAVAILABLE, f"{WHO} names an address that is not its own")
        held = {"jwt" if self.jwt else "oauth_token": self.token}
        sent = sansio.create_headers("Cadre", accept=_ACCEPT, **held) | {"x-github-api-version": _VERSION}
        response = outbound.request(WHO, method, url, headers=sent | dict(headers or {}), json=body, max_bytes=MAX_ANSWER)
        if self.reserve and (until := _spent(response.headers, self.reserve)) is not None:
            self.resumes.append(until)
        return _read(response)


def _spent(headers: Mapping[str, str], reserve: float) -> float | None:
    """Return when there are requests again (epoch seconds) if no more are left than are for others; None: there are."""
    limit, remaining, reset = (headers.get(f"x-ratelimit-{name}", "") for name in ("limit", "remaining", "reset"))
    if not (limit.isdecimal() and remaining.isdecimal() and reset.isdecimal()):
        return None
    return float(reset[:12]) if int(remaining[:9]) <= int(limit[:9]) * reserve else None


def _read(response: outbound.Response) -> Page:
    """Return the page in a response. Raises the error that it is."""
    import gidgethub
    from gidgethub import sansio

    if response.status == 304:
        return Page(None, etag=response.headers.get("etag", ""))
    if response.status in (403, 429) and (wait := _wait(response.headers, response.body)) is not None:
        raise TooManyRequests(wait)
    try:
        data, _, following = sansio.decipher_response(response.status, response.headers, response.body)
    except gidgethub.RedirectionException:
        raise Moved from None
    except (gidgethub.InvalidField, gidgethub.ValidationError, gidgethub.BadRequestUnknownError) as error:
        raise Refused(str(error)) from None
    except gidgethub.BadRequest as error:
        raise _bad_request(int(error.status_code), str(error)) from None
    except (gidgethub.HTTPException, ValueError) as error:  # 5xx, and what is neither JSON nor text
        raise Upstream(Situation.EXTERNAL_SERVICE_UNAVAILABLE, f"{WHO} answered {response.status}") from error
    return Page(data, following, response.headers.get("etag", ""))


def _bad_request(status: int, reason: str) -> CadreError:
    if status == 401:
        return TokenRefused()
    if status == 403:
        return Denied(reason)
    if status in (404, 410):
        return Missing()
    return Refused(reason)


def _wait(headers: Mapping[str, str], body: bytes) -> float | None:
    """Return the seconds to wait after a refusal for too many requests; None: it was refused for another reason."""
    asked = headers.get("retry-after", "")
    if asked.isascii() and asked.isdecimal():
        return float(asked[:9])
    if b"secondary rate limit" in body:  # GitHub's guide: a minute, if it does not say how long
        return _USUAL_WAIT
    if headers.get("x-ratelimit-remaining") == "0":
        reset = headers.get("x-ratelimit-reset", "")
        return max(1.0, float(reset[:12]) - clock.epoch()) if reset.isdecimal() else _USUAL_WAIT
    return None
