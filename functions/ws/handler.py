"""ws: the routes of every socket: `$connect`, `$disconnect`, and each message of a client (`$default`).

A socket's URL has no path at the gateway, so the edge puts the documented one into the query:
`/?path=/api/cards/{id}/terminal&token=`. Responses have a status and nothing else; messages to a client are posted to its
connection.
"""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from functions.ws import agentworks, aintandem, omoios, sandboxes
from functions.ws.endpoint import MESSAGES, ConnectRequest, Endpoint, contract_or_default
from shared.channels.sockets import connections
from shared.channels.sockets.fanout import disconnect
from shared.core import logs, start
from shared.core.aws import busy_error
from shared.core.edge_keys import HEADER, require_edge
from shared.core.errors import CadreError, NotFound, RateLimited, Unauthenticated, Upstream
from shared.core.situations import Situation
from shared.edge.contracts import contract as get_contract
from shared.people.access import records, tokens

logger = logs.start()
ENDPOINTS: tuple[Endpoint, ...] = (
    agentworks.TERMINAL,
    agentworks.WORKSPACE_EVENTS,
    omoios.EVENTS,
    aintandem.SANDBOX,
    aintandem.COLLABORATION,
    aintandem.SYSTEM,
    Endpoint("orchestrator.ws", "/v1/ws"),
)
_BY_NAME = {endpoint.name: endpoint for endpoint in (*ENDPOINTS, sandboxes.LINK)}


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    about = event["requestContext"]
    connection_id, kind = about["connectionId"], about["eventType"]
    if kind == "CONNECT":
        return {"statusCode": _connect(event, connection_id)}
    if kind == "DISCONNECT":
        _leave(connection_id)
    else:
        _message(connection_id, event.get("body") or "")
    return {"statusCode": 200}


def _connect(event: dict[str, Any], connection_id: str) -> int:
    """Return the status of the handshake: 200, or that of the error."""
    query: Mapping[str, str] = event.get("queryStringParameters") or {}
    path = query.get("path") or "/"
    name = query.get("contract") or "agentworks"
    headers = {key.lower(): value for key, value in (event.get("headers") or {}).items()}
    try:
        require_edge(headers.get(HEADER, ""))
        endpoint, parameters = _find(path, query.get("contract"))
        name = endpoint.contract
        kinds = tokens.ACCESS if endpoint.connect_sandbox is None else tokens.ACCESS | tokens.SANDBOX
        claims = tokens.read(_token(headers, query), kinds)
        if endpoint.connect_sandbox is not None and claims.kind in tokens.SANDBOX:
            endpoint.connect_sandbox(connection_id, claims, parameters)
            logger.info("a sandbox has connected", extra={"actor": claims.user_id, "connection": connection_id})
            return 200
        if endpoint.connect is None:
            raise Upstream(Situation.UNAVAILABLE, "This socket is not served yet")
        # a handshake counts as a request, so that nobody connects again and again to be counted anew (`MESSAGES`)
        actor, _ = records.authenticate(claims, get_contract(name).rate_rules("", claims.plan))
        lists = event.get("multiValueQueryStringParameters") or {key: [value] for key, value in query.items()}
        endpoint.connect(ConnectRequest(connection_id, actor, parameters, lists))
    except (CadreError, BotoCoreError, ClientError) as error:
        problem = error if isinstance(error, CadreError) else busy_error(error)
        if problem is None:
            raise
        status = contract_or_default(name).problem(problem).status
        logger.info("a socket was refused", extra={"status": status, "reason": type(error).__name__, "connection": connection_id})
        return status
    logger.info("a socket opened", extra={"endpoint": endpoint.name, "actor": actor.id, "connection": connection_id})
    return 200


def _leave(connection_id: str) -> None:
    connection = connections.get_connection(connection_id)
    if connection is None:
        return
    leave = _BY_NAME[connection.endpoint].leave
    if leave is not None:
        leave(connection)
    connections.close_connection(connection)


def _message(connection_id: str, text: str) -> None:
    connection = connections.get_connection(connection_id)
    if connection is None:
        return  # it was closed while the message was on its way
    endpoint = _BY_NAME[connection.endpoint]
    if not endpoint.may_send(connection):
        disconnect(connection_id)
        return
    try:
        records.count_anonymous(f"messages#{connection_id}", [endpoint.messages or MESSAGES])
    except RateLimited as error:
        if endpoint.refuse is not None:
            endpoint.refuse(connection, error)
        disconnect(connection_id)
        return
    if endpoint.message is not None:
        endpoint.message(connection, text)


def _find(path: str, contract: str | None) -> tuple[Endpoint, dict[str, str]]:
    for endpoint in ENDPOINTS:
        parameters = endpoint.match(path)
        if parameters is not None and contract in (None, endpoint.contract):
            return endpoint, parameters
    raise NotFound("endpoint")


def _token(headers: Mapping[str, str], query: Mapping[str, str]) -> str:
    if token := query.get("token"):
        return token
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated
    return token.strip()


start.finish()
