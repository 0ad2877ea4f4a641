"""REST APIs: whole OpenAPI bodies, import into the existing API, binary responses, errors in the contract's format."""

import contextvars
import time
from typing import Any

from ministack.services import apigateway_v1
from ministack.services.cloudformation import provisioners

_METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "ANY")
_RESPONSES = "x-amazon-apigateway-gateway-responses"
_BINARY = "x-amazon-apigateway-binary-media-types"
_ANY = "x-amazon-apigateway-any-method"

_failed: contextvars.ContextVar[bool] = contextvars.ContextVar("failed", default=False)


def apply() -> None:
    """Apply this module's patches."""
    import_any_method()
    import_integrations()
    import_extensions()
    import_in_place()
    answer_without_body()
    match_every_type()
    shape_failures()
    fill_in_request_time()


def import_any_method() -> None:
    """Fault: `x-amazon-apigateway-any-method` in a Body is skipped. Symptom: such paths answer 403."""
    import_path = apigateway_v1._import_path_item

    def importing(api_id: str, path: str, item: dict[str, Any], *rest: Any) -> None:
        import_path(api_id, path, {key: value for key, value in item.items() if key != _ANY}, *rest)
        if _ANY in item:
            resource = next(r for r in apigateway_v1._resources[api_id].values() if r["path"] == path)
            apigateway_v1._import_operation(api_id, resource["id"], "ANY", item[_ANY], *rest)

    apigateway_v1._import_path_item = importing


def import_integrations() -> None:
    """Fault: of an integration in a Body only type, method and URI are read, not its templates and responses.

    Symptom: a MOCK answers `200 {}` to every preflight request, so browsers may send no request.
    """
    import_operation = apigateway_v1._import_operation

    def importing(api_id: str, resource_id: str, method: str, operation: dict[str, Any], *rest: Any) -> None:
        import_operation(api_id, resource_id, method, operation, *rest)
        definition = (operation or {}).get("x-amazon-apigateway-integration") or {}
        integration = apigateway_v1._resources[api_id][resource_id]["resourceMethods"][method].get("methodIntegration")
        if not integration:
            return
        for key in ("requestTemplates", "requestParameters", "passthroughBehavior", "contentHandling", "timeoutInMillis"):
            if key in definition:
                integration[key] = definition[key]
        for pattern, response in (definition.get("responses") or {}).items():
            chosen = {**response, "selectionPattern": "" if pattern == "default" else pattern}
            apigateway_v1._put_integration_response(api_id, resource_id, method, str(response["statusCode"]), chosen)

    apigateway_v1._import_operation = importing


def answer_without_body() -> None:
    """Fault: a MOCK without a template answers `{}`. Symptom: a 204 with a body, which HTTP does not allow."""
    mock = apigateway_v1._invoke_mock_v1

    def mocking(integration: dict[str, Any]) -> Any:
        status, headers, body = mock(integration)
        return status, headers, b"" if body == b"{}" else body

    apigateway_v1._invoke_mock_v1 = mocking


def import_extensions() -> None:
    """Fault: gateway responses and binary media types written in a Body are skipped.

    Symptom: errors for unknown paths have API Gateway's format instead of the contract's; attachments are damaged.
    """
    import_api = apigateway_v1._import_rest_api

    def importing(spec: dict[str, Any], base: dict[str, Any] | None = None) -> Any:
        base = dict(base or {})
        base["binaryMediaTypes"] = base.get("binaryMediaTypes") or spec.get(_BINARY) or []
        api_id = import_api(spec, base)
        _put_responses(api_id, spec)
        return api_id

    apigateway_v1._import_rest_api = importing


def _put_responses(api_id: str, spec: dict[str, Any]) -> None:
    for kind, response in (spec.get(_RESPONSES) or {}).items():
        status, _headers, body = apigateway_v1._put_gateway_response(api_id, kind, response)
        if status >= 400:
            raise ValueError(f"{_RESPONSES} {kind}: {body!r}")


def import_in_place() -> None:
    """Fault: a changed Body makes a new API with a new id. Symptom: each change of a route changes every URL."""
    handlers = provisioners._RESOURCE_HANDLERS["AWS::ApiGateway::RestApi"]
    update = handlers["update"]

    def updating(physical_id: str, old: dict[str, Any], new: dict[str, Any], *rest: Any, **named: Any) -> Any:
        body = new.get("Body")
        if isinstance(body, dict) and old.get("Body") and body != old["Body"]:
            _import_again(physical_id, body, new)
            old = {**old, "Body": body}
        return update(physical_id, old, new, *rest, **named)

    handlers["update"] = updating


def _import_again(api_id: str, spec: dict[str, Any], props: dict[str, Any]) -> None:
    root = next(r for r in apigateway_v1._resources[api_id].values() if r["path"] == "/")
    root["resourceMethods"] = {}
    apigateway_v1._resources[api_id] = {root["id"]: root}
    apigateway_v1._authorizers_v1[api_id] = {}
    apigateway_v1._rest_apis[api_id]["binaryMediaTypes"] = props.get("BinaryMediaTypes") or spec.get(_BINARY) or []
    schemes = apigateway_v1._import_security_schemes(api_id, spec)
    for path, item in (spec.get("paths") or {}).items():
        apigateway_v1._import_path_item(api_id, path, item, schemes, spec.get("security"))
    _put_responses(api_id, spec)


def match_every_type() -> None:
    """Fault: `*/*` as binary media type does not match a request without Accept or Content-Type.

    Symptom: a download by a client that names no type is base64 text.
    """
    matches = apigateway_v1._media_type_matches

    def matching(media_type: str | None, configured: list[str] | None) -> bool:
        return "*/*" in (configured or []) or bool(matches(media_type, configured))

    apigateway_v1._media_type_matches = matching


def shape_failures() -> None:
    """Fault: a function that raises, or returns no valid response, gives a 502 with the exception's text.

    Symptom: an error body in no contract's format. API Gateway answers 502 through the DEFAULT_5XX response, without the text.
    """
    shape, render = apigateway_v1._lambda_proxy_response, apigateway_v1._gateway_error_response
    invoke = apigateway_v1._invoke_lambda_proxy_v1

    def shaping(result: Any) -> Any:
        response, error = shape(result)
        _failed.set(bool(error) or not isinstance(response, dict) or (bool(result.get("error")) and not result.get("throttle")))
        return response, error

    async def invoking(*args: Any, **kwargs: Any) -> Any:
        _failed.set(False)
        answer = await invoke(*args, **kwargs)
        if _failed.get():
            return apigateway_v1._GatewayError("DEFAULT_5XX", "Internal server error")
        return answer

    def rendering(error: Any, request: Any) -> Any:
        status, headers, body = render(error, request)
        if error.response_type == "DEFAULT_5XX" and _failed.get() and status == 500:
            status = 502
        return status, headers, body

    apigateway_v1._lambda_proxy_response = shaping
    apigateway_v1._invoke_lambda_proxy_v1 = invoking
    apigateway_v1._gateway_error_response = rendering


def fill_in_request_time() -> None:
    """Fault: `$context.requestTime` and `$context.requestTimeEpoch` stay as they are written in a gateway response.

    Symptom: an error whose timestamp is the name of a variable.
    """
    render = apigateway_v1._gateway_error_response

    def rendering(error: Any, request: Any) -> Any:
        status, headers, body = render(error, request)
        now = time.time()
        clock = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now))
        body = body.replace(b"$context.requestTimeEpoch", str(int(now * 1000)).encode())
        return status, headers, body.replace(b"$context.requestTime", clock.encode())

    apigateway_v1._gateway_error_response = rendering
