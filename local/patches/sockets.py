"""WebSocket APIs: response bodies are not sent to clients, refusals keep their status, slow clients are disconnected."""

import contextvars
import json
import logging
from typing import Any

from ministack.services import apigateway

_OUTBOX = 2000  # messages waiting for one client; API Gateway drops a client that does not read
_MESSAGE_BYTES = 128 * 1024  # API Gateway's limit of one message

_refusal: contextvars.ContextVar[int] = contextvars.ContextVar("refusal", default=403)

log = logging.getLogger("local.patches")


def apply() -> None:
    """Apply this module's patches."""
    keep_bodies()
    keep_status()
    bound_the_outbox()


def keep_bodies() -> None:
    """Fault: the body a handler returns is sent to the client. Symptom: clients see frames that AWS never sends.

    A handler that raised is answered as API Gateway does.
    """
    invoke = apigateway._invoke_ws_lambda

    async def invoke_without_body(
        api_id: str,
        account: str,
        region: str,
        route: Any,
        stage: str,
        connection: str,
        kind: str,
        message: str,
        *rest: Any,
        **named: Any,
    ) -> Any:
        response = await invoke(api_id, account, region, route, stage, connection, kind, message, *rest, **named)
        if kind == "CONNECT":
            _refusal.set(_status(response))
        if kind != "MESSAGE":
            return response
        if _status(response) != 500:
            return {"statusCode": _status(response)}
        problem = {"message": "Internal server error", "connectionId": connection, "requestId": message}
        return {"statusCode": 500, "body": json.dumps(problem)}

    apigateway._invoke_ws_lambda = invoke_without_body


def _status(response: Any) -> int:
    try:
        return int((response or {}).get("statusCode", 200))
    except (AttributeError, TypeError, ValueError):
        return 500


def keep_status() -> None:
    """Fault: a refused `$connect` always answers 403. Symptom: a client without a token cannot tell 401 from 403 or 429."""
    handle = apigateway.handle_websocket

    async def handling(scope: Any, receive: Any, send: Any, *args: Any, **kwargs: Any) -> None:
        accepted = False

        async def sending(message: dict[str, Any]) -> None:
            nonlocal accepted
            if message["type"] == "websocket.accept":
                accepted = True
            if message["type"] == "websocket.close" and not accepted and 400 <= _refusal.get() < 600:
                accepted = True
                await apigateway._refuse_ws_handshake(scope, send, _refusal.get(), "Forbidden", "", "")
                return
            await send(message)

        await handle(scope, receive, sending, *args, **kwargs)

    apigateway.handle_websocket = handling


def bound_the_outbox() -> None:
    """Fault: messages for a client that does not read pile up without end. Symptom: one client that does not read fills the memory."""
    serve = apigateway.handle_connections_api

    async def serving(method: str, api_id: str, stage: str, connection: str, body: bytes, headers: Any) -> Any:
        known = apigateway._ws_connections.get(connection)
        if method == "POST" and len(body or b"") > _MESSAGE_BYTES:
            return (
                413,
                {"Content-Type": "application/json", "x-amzn-ErrorType": "PayloadTooLargeException"},
                b'{"message":"Payload too large"}',
            )
        if method == "POST" and known and known["outbox"].qsize() >= _OUTBOX:
            log.warning("websocket %s does not read: closed", connection)
            known["close_event"].set()
            apigateway._ws_connections.pop(connection, None)
        return await serve(method, api_id, stage, connection, body, headers)

    apigateway.handle_connections_api = serving
