"""Who calls: a bearer token, agentworks' session cookie, or an API key; then whether they may call this often.

One round trip: the access record of the caller answers at once whether the session is alive, how many requests are left, and which
workspaces and organizations the caller belongs to (`shared.access.records`).
"""

from starlette.exceptions import HTTPException
from starlette.requests import Request

from shared.access import records, tokens
from shared.core.errors import Forbidden, Unauthenticated
from shared.core.keys import fingerprint
from shared.core.limits import RateRule
from shared.core.settings import origin_of, settings
from shared.http.call import Call
from shared.http.operation import Operation
from shared.store import Taken

_SAFE = {"GET", "HEAD", "OPTIONS"}


async def admit(operation: Operation, request: Request, call: Call) -> Taken | None:
    """Fill `call.actor`, count the request, and answer where its rate limit stands.

    Raises Unauthenticated, Forbidden (a cookie from another site) or RateLimited.
    """
    contract = operation.contract

    def rules_for(plan: str) -> tuple[RateRule, ...]:
        return contract.rate_rules(operation.rate_class, plan) if operation.limited else ()

    if operation.public:
        rules = rules_for("free") if operation.rate_class else ()
        return records.count_anonymous(await _subject(operation, request, call), rules) if rules else None
    key = request.headers.get("x-api-key") if contract.api_keys else None
    if key is not None:
        call.actor, call.plan, taken = records.enter_with_key(key, rules_for)
        return taken
    claims = tokens.read(_token(operation, request), tokens.ACCESS)
    call.plan = claims.plan
    call.actor, taken = records.enter(claims, rules_for(claims.plan))
    return taken


async def _subject(operation: Operation, request: Request, call: Call) -> str:
    """Who an anonymous request is counted for: its address, together with the field of the body that the operation names."""
    subject = f"{operation.contract.name}#{call.client_ip}"
    if operation.counted_by is None:
        return subject
    try:
        body = await request.json()
    except HTTPException:
        return subject  # the endpoint will say what is wrong with the body
    value = body.get(operation.counted_by) if isinstance(body, dict) else None
    return f"{subject}#{fingerprint(value.strip().lower())}" if isinstance(value, str) else subject


def _token(operation: Operation, request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if token:
        if scheme.lower() != "bearer":
            raise Unauthenticated("invalid", "The Authorization header must be `Bearer <token>`")
        return token.strip()
    cookie = operation.contract.cookie
    if cookie and cookie in request.cookies:
        _refuse_foreign_site(request)
        return request.cookies[cookie]
    raise Unauthenticated


def _refuse_foreign_site(request: Request) -> None:
    """Browsers send Origin with every unsafe request to another site: a cookie alone proves nothing then."""
    origin = request.headers.get("origin")
    if request.method in _SAFE or origin is None:
        return
    host = origin_of(origin).partition("://")[2]
    if origin_of(origin) not in settings().origins and (not host or host != request.headers.get("host")):
        raise Forbidden("A session cookie is only accepted from our own pages; send a bearer token instead")
