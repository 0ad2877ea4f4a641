"""Who calls: a bearer token, agentworks' session cookie, or an API key; then whether they may call this often.

One round trip: the access record of the caller answers at once whether the session is alive, how many requests are left, and which
workspaces and organizations the caller belongs to (`shared.people.access.records`).
"""

from dataclasses import replace

from starlette.exceptions import HTTPException
from starlette.requests import Request

from shared.core.actor import Actor
from shared.core.errors import Forbidden, Unauthenticated
from shared.core.keys import fingerprint
from shared.core.limits import RateRule
from shared.core.plans import FREE
from shared.core.settings import origin_of, settings
from shared.core.situations import Situation
from shared.edge.http.call import Call
from shared.edge.http.operation import Operation
from shared.people.access import quota_leases, records, tokens

_SAFE = {"GET", "HEAD", "OPTIONS"}


async def authenticate(operation: Operation, request: Request, call: Call) -> None:
    """Fill `call.actor`, count the request, and note in `call.rate_status` where its rate limit stands.

    Raises Unauthenticated, Forbidden (a cookie from another site) or RateLimited.
    """
    contract = operation.contract

    def rules_for(plan: str) -> tuple[RateRule, ...]:
        return contract.rate_rules(operation.rate_class, plan) if operation.limited else ()

    if operation.public:
        rules = rules_for(FREE) if operation.rate_class else ()
        call.rate_status = records.count_anonymous(await _subject(operation, request, call), rules) if rules else None
        return
    key = request.headers.get("x-api-key") if contract.api_keys else None
    if key is not None:
        actor, call.plan, call.rate_status = records.authenticate_key(key, rules_for)
    else:
        claims = tokens.read(_token(operation, request), tokens.ACCESS)
        call.plan = claims.plan
        actor, call.rate_status = records.authenticate(claims, rules_for(claims.plan))
    call.actor = _counted_by_workspace(actor, operation, call)


def _counted_by_workspace(actor: Actor, operation: Operation, call: Call) -> Actor:
    """The actor, whose request will also count for the workspaces that it turns out to be about, where the contract limits those."""
    rule = operation.contract.workspace_rule
    if rule is None or not operation.limited:
        return actor
    entered: set[str] = set()

    def enter(ws_id: str) -> None:
        if ws_id not in entered:
            entered.add(ws_id)
            taken = quota_leases.PROCESS_LEASES.count(ws_id, rule)
            if call.rate_status is None or taken.remaining < call.rate_status.remaining:
                call.rate_status = taken

    return replace(actor, on_enter_workspace=enter)


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
            raise Unauthenticated(Situation.TOKEN_INVALID, "The Authorization header must be `Bearer <token>`")
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
