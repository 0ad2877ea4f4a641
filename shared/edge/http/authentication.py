"""Authenticate the caller by a bearer token, agentworks' session cookie, or an API key, and count the request for its rate limits.

The caller's access record (whether the session is alive, to which workspaces and organizations the caller belongs) is read together
with the first rows of the request (`shared.people.access.callers`).
"""

from collections.abc import Callable
from functools import partial

from starlette.requests import Request

from shared.core.actor import Actor
from shared.core.errors import Forbidden, Unauthenticated
from shared.core.keys import API_KEY, fingerprint
from shared.core.limits import RateRule
from shared.core.plans import FREE
from shared.core.scopes import SCOPE_OF
from shared.core.settings import origin_of, settings
from shared.core.situations import Situation
from shared.edge.http.call import Call
from shared.edge.http.operation import Operation
from shared.people.access import quota_leases, records, tokens
from shared.people.access.callers import caller_of_key, caller_of_token
from shared.store import RateStatus

_SAFE = {"GET", "HEAD", "OPTIONS"}
_OWN = {"same-origin", "none"}
"""Values of Sec-Fetch-Site that no other site can cause; `none` is an address that somebody typed or kept."""


async def authenticate(operation: Operation, request: Request, call: Call) -> None:
    """Set `call.actor`, count the request, and set `call.rate_status` to the state of its rate limit.

    Raises Unauthenticated, Forbidden (a cookie from another site) or RateLimited. Whether the session is alive may be decided later, with
    the first rows that are read (`store.ensure_authorized`).
    """
    contract = operation.contract

    def rules_for(plan: str) -> tuple[RateRule, ...]:
        return contract.rate_rules(operation.rate_class, plan) if operation.limited else ()

    if operation.public:
        rules = rules_for(FREE) if operation.rate_class else ()
        call.rate_status = records.count_anonymous(f"{contract.name}#{call.client_ip}", rules)
        if operation.knows_caller:
            call.actor = _known_caller(operation, request)
            call.caller = call.actor.id if call.actor else None
        return

    def admit(actor: Actor) -> None:
        if operation.personal and actor.scopes is not None:
            raise Forbidden("Only a person who is signed in may do this")
        needed = operation.permission
        if needed is not None and actor.scopes is not None and needed not in actor.scopes:  # before it learns what there is
            raise Forbidden(f"This needs the scope {SCOPE_OF[needed]}")

    changes, on_enter = operation.method not in _SAFE, _count_workspaces(operation, call)
    if (key := request.headers.get("x-api-key")) is not None:
        call.actor = caller_of_key(
            key, lambda org_id: rules_for(_plan_of_key(call, org_id)), on_enter, admit, partial(_counted, call), changes=changes
        )
        call.caller, call.credential = call.actor.id, fingerprint(key)
    else:
        kinds = tokens.ACCESS | tokens.SANDBOX if operation.for_sandboxes else tokens.ACCESS
        claims = tokens.read(_token(operation, request), kinds)
        if claims.kind in tokens.SANDBOX:
            _admit_sandbox(claims, request, call, changes=changes)
            return
        call.caller, call.plan = claims.user_id, claims.plan
        call.credential = f"{claims.client_id} {claims.scopes}" if claims.client_id else ""
        call.actor, call.rate_status = caller_of_token(claims, rules_for(claims.plan), on_enter, admit, changes=changes)


def _admit_sandbox(claims: tokens.Claims, request: Request, call: Call, *, changes: bool) -> None:
    from shared.sandboxes.lifecycle.identity import caller_of_sandbox  # few functions have operations for them

    call.caller = claims.user_id
    call.actor, call.rate_status = caller_of_sandbox(claims, request.path_params.get("sandbox_id"), changes=changes)


def _counted(call: Call, status: RateStatus) -> None:
    call.rate_status = status


def _plan_of_key(call: Call, org_id: str) -> str:
    """Note the plan of a key's organization, and return it: a key is older than a token, and does not say it itself."""
    from shared.people.tenancy.plans import plan_of  # only requests with a key need it

    call.plan = plan_of(org_id)
    return call.plan


def _count_workspaces(operation: Operation, call: Call) -> Callable[[str], None] | None:
    """Return what counts the request for each workspace in which its actor acts; None if the contract does not limit workspaces."""
    rule = operation.contract.workspace_rule
    if rule is None or not operation.limited:
        return None
    counted: set[str] = set()

    def count_workspace(ws_id: str) -> None:
        if ws_id not in counted:
            counted.add(ws_id)
            status, _ = quota_leases.PROCESS_LEASES.count(f"RL#ws#{ws_id}", (rule,), ttl=rule.window * 2)
            if call.rate_status is None or status.remaining < call.rate_status.remaining:
                call.rate_status = status

    return count_workspace


def _known_caller(operation: Operation, request: Request) -> Actor | None:
    """Return the person who calls a public operation, if the request has the token of their open session. An OAuth client is nobody here:
    what these operations do is the person's own."""
    try:
        actor, _ = records.authenticate(tokens.read(_token(operation, request), tokens.ACCESS), ())
    except (Unauthenticated, Forbidden):
        return None
    return actor if actor.scopes is None else None


def _token(operation: Operation, request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if token:
        if scheme.lower() != "bearer":
            raise Unauthenticated(Situation.TOKEN_INVALID, "The Authorization header must be `Bearer <token>`")
        if token.strip().startswith(API_KEY):
            raise Unauthenticated(Situation.TOKEN_INVALID, "This is an API key: send it in the header `X-API-Key`")
        return token.strip()
    cookie = operation.contract.cookie
    if cookie and cookie in request.cookies:
        _refuse_foreign_site(request, changes=request.method not in _SAFE or operation.knows_caller)
        return request.cookies[cookie]
    raise Unauthenticated


def _refuse_foreign_site(request: Request, *, changes: bool) -> None:
    """Refuse a cookie that another site sent with a request that `changes` something: browsers send Origin with every unsafe request.
    When they open an address (a GET), only Sec-Fetch-Site or Referer says which page it was; without either nobody knows."""
    origin = request.headers.get("origin")
    if not changes or (request.method not in _SAFE and origin is None):
        return
    if request.method in _SAFE and request.headers.get("sec-fetch-site") in _OWN:
        return
    page = origin_of(origin or request.headers.get("referer", ""))
    host = page.partition("://")[2]
    if page not in settings().origins and (not host or host != request.headers.get("host")):
        raise Forbidden("A session cookie is only accepted from our own pages; send a bearer token instead")
