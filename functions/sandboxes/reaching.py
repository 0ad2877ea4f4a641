"""What sandboxes ask of hosts outside, through the platform: none of them has a way of its own. An addition to aintandem's document."""

import base64
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints

from shared.core.actor import Permission
from shared.core.situations import Situation
from shared.edge.contracts.base import Request, Shape
from shared.edge.contracts.fields import Form
from shared.edge.http.call import Caller
from shared.edge.http.routing import Routes
from shared.sandboxes.egress import asking

MAX_HEADERS = 32_000  # bytes of all names and values
HeaderName = Annotated[str, Field(max_length=200), Form(r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$", "Should be the name of a header")]
HeaderValue = Annotated[str, Field(max_length=8_000), Form(r"^[\t -~]*$", "Should be characters of ASCII, without line ends")]


def _short(headers: dict[str, str]) -> dict[str, str]:
    if sum(len(name) + len(value) for name, value in headers.items()) > MAX_HEADERS:
        raise ValueError(f"Should have at most {MAX_HEADERS:,} bytes")
    return headers


class AskHost(Request):
    """`${NAME}` in the value of a header stands for the workspace's secret of this name."""

    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] = "GET"
    url: Annotated[str, StringConstraints(min_length=1, max_length=2_048)]
    headers: Annotated[dict[HeaderName, HeaderValue], Field(max_length=50), AfterValidator(_short)] = {}
    body: Annotated[str, Field(max_length=1_000_000)] | None = None


class HostAnswer(Shape):
    """`encoding` is base64 where the body is no text in UTF-8. `truncated`: it was longer than a megabyte."""

    status: int
    headers: dict[str, str]
    body: str
    encoding: Literal["text", "base64"]
    truncated: bool


def publish(routes: Routes) -> None:
    """Add the operation of this module to those of the area."""
    own: dict[str, Any] = {"permission": Permission.AGENT_RUN, "addition": True, "for_sandboxes": True, "secret": True}
    routes.post("/sandboxes/{sandbox_id}/egress", "sandboxes.egress", errors=(Situation.EXTERNAL_SERVICE_UNAVAILABLE,), **own)(
        ask
    )


async def ask(sandbox_id: str, body: AskHost, caller: Caller) -> HostAnswer:
    """Ask a host of the sandbox's `allowed_hosts`: https alone, no redirect is followed, 20 seconds and a megabyte at most."""
    asked = asking.Asked(body.method, body.url, body.headers, (body.body or "").encode())
    answer = asking.ask(caller, sandbox_id, asked)
    text, encoding = _shown(answer.body, is_cut=answer.is_cut)
    return HostAnswer.model_validate(
        {"status": answer.status, "headers": answer.headers, "body": text, "encoding": encoding, "truncated": answer.is_cut}
    )


def _shown(body: bytes, *, is_cut: bool) -> tuple[str, str]:
    try:
        return body.decode(), "text"
    except UnicodeDecodeError as error:
        if is_cut and error.start >= len(body) - 4:  # the cut went through a character
            return body[: error.start].decode(), "text"
        return base64.b64encode(body).decode(), "base64"
