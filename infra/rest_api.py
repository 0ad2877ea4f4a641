"""One contract's REST API, made from one OpenAPI body that lists the routes.

The body is one resource with every path and method, so the largest contract (about 190 paths) stays far below CloudFormation's limit
of 500 resources per stack. It holds only what API Gateway needs; `infra.openapi` makes the published documents.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from aws_cdk import CfnOutput, Fn, Tags, aws_apigateway, aws_lambda
from constructs import Construct

from infra.exemptions import exempt
from infra.gateway_errors import RESPONSES, gateway_error
from infra.names import STAGE_NAME, Contract, api_part, pascal_case
from infra.release import Deployed
from infra.routes import Route, gateway_paths
from infra.settings import Settings
from infra.stack import PlatformStack

ALLOWED_HEADERS = (
    "Authorization",
    "Content-Type",
    "Accept",
    "If-Match",
    "If-None-Match",
    "Idempotency-Key",
    "X-API-Key",
    "X-Request-ID",
    "X-Correlation-ID",
    "X-Workspace-ID",
    "X-Organization-ID",
)
# What a function does not say of a request, or cannot. The path's template, and no query string: both may hold one-time tokens
ACCESS_LOG = {
    "requestId": "$context.requestId",
    "ip": "$context.identity.sourceIp",
    "method": "$context.httpMethod",
    "path": "$context.resourcePath",
    "status": "$context.status",
    "latency": "$context.responseLatency",
    "integrationLatency": "$context.integrationLatency",
    "bytes": "$context.responseLength",
    "error": "$context.integration.error",
}
BINARY = ["*/*"]
COMPRESS_FROM = 1400  # bytes: a smaller response fits into one packet
FALLBACK_AREA = "system"  # answers requests that match no path
ANY = "x-amazon-apigateway-any-method"
METHODS = ("DELETE", "GET", "PATCH", "POST", "PUT")
_INTEGRATION_TIMEOUT = 29_000  # ms, the most API Gateway waits


class RestApi(PlatformStack):
    """One contract's REST API with its stage, and the permissions to invoke the areas of its routes."""

    def __init__(
        self,
        scope: Construct,
        settings: Settings,
        contract: Contract,
        routes: Iterable[Route],
        functions: Mapping[str, Deployed],
    ) -> None:
        super().__init__(scope, settings, api_part(contract.name), f"the REST API of {contract.name}")
        self.contract = contract
        mine = [route for route in routes if route.contract == contract.name]
        areas = sorted({route.area for route in mine} | {FALLBACK_AREA})
        Tags.of(self).add("contract", contract.name)
        uris = {area: self.invocation_uri(functions[area].arn) for area in areas}
        name, origins = settings.stack_name(contract.name), settings.allowed_origins
        self.api = aws_apigateway.CfnRestApi(
            self,
            "Api",
            body=openapi_body(contract.name, name, mine, uris, origins),
            endpoint_configuration=aws_apigateway.CfnRestApi.EndpointConfigurationProperty(types=["REGIONAL"]),
            # Every body reaches the functions as the bytes that were sent, with any Accept header
            binary_media_types=BINARY,
            minimum_compression_size=COMPRESS_FROM,
            fail_on_warnings=False,
        )
        exempt(self.api, "AwsSolutions-APIG2", "The functions validate: errors must have the contract's own shape.")
        called = {area: json.dumps(self.resolve(uri)) for area, uri in uris.items()}
        self.stage = self._stage(deployment_stamp(contract.name, mine, called, origins))
        source = self.arn("execute-api", self.api.ref, f"/{STAGE_NAME}/*")
        for area in areas:
            title = pascal_case(area)
            aws_lambda.CfnPermission(
                self,
                f"MayInvoke{title}",
                action="lambda:InvokeFunction",
                function_name=functions[area].arn,
                principal="apigateway.amazonaws.com",
                source_arn=source,
            )
        CfnOutput(self, "ApiId", value=self.api.ref)
        CfnOutput(self, "Stage", value=STAGE_NAME)
        CfnOutput(self, "Contract", value=contract.name)

    @property
    def host(self) -> str:
        return Fn.join("", [self.api.ref, ".execute-api.", self.region, ".", self.url_suffix])

    def _stage(self, stamp: str) -> aws_apigateway.CfnStage:
        # A deployment is a snapshot: CloudFormation makes a new one only if its logical id changes
        deployment = aws_apigateway.CfnDeployment(self, f"Deployment{stamp}", rest_api_id=self.api.ref)
        # API Gateway would make this group itself, by this name, and never forget what is in it
        execution_logs = self.logs("ExecutionLogs", Fn.join("", ["API-Gateway-Execution-Logs_", self.api.ref, "/", STAGE_NAME]))
        stage = aws_apigateway.CfnStage(
            self,
            "StageV1",
            rest_api_id=self.api.ref,
            deployment_id=deployment.ref,
            stage_name=STAGE_NAME,
            variables={"contract": self.contract.name},
            tracing_enabled=True,
            access_log_setting=aws_apigateway.CfnStage.AccessLogSettingProperty(
                destination_arn=self.logs("AccessLines", rare=True).attr_arn, format=json.dumps(ACCESS_LOG, separators=(",", ":"))
            ),
            method_settings=[
                aws_apigateway.CfnStage.MethodSettingProperty(
                    http_method="*",
                    resource_path="/*",
                    metrics_enabled=False,  # per-method metrics cost; the API's own are free
                    logging_level="ERROR",
                    data_trace_enabled=False,
                    throttling_rate_limit=self.settings.throttle_rate,
                    throttling_burst_limit=self.settings.throttle_burst,
                )
            ],
        )
        stage.add_resource_dependency(execution_logs)
        exempt(
            stage,
            "AwsSolutions-APIG3",
            "A firewall costs money without traffic too; webAclArn puts one before all APIs, at the edge.",
        )
        return stage


def openapi_body(
    contract: str, title: str, routes: Iterable[Route], uris: Mapping[str, str], origins: tuple[str, ...]
) -> dict[str, Any]:
    """The OpenAPI document to import: the function of each method, OPTIONS for each path, and the gateway responses.

    Other methods of a path go to the path's function, which answers HEAD and 405; unknown paths go to FALLBACK_AREA. So these errors have
    the contract's exact format, which a gateway response has not: its templates have no ISO time.

    Binary types and gateway responses are in the document too, because each import replaces the whole API.
    """
    routes = list(routes)
    paths: dict[str, dict[str, Any]] = {}
    gateway = gateway_paths(routes)
    for route in routes:
        paths.setdefault(gateway[route.path], {})[route.method.lower()] = _proxy(uris[route.area])
    for route in routes:
        methods = paths[gateway[route.path]]
        methods.setdefault("options", _preflight(sorted(method.upper() for method in methods), origins))
        methods.setdefault(ANY, _proxy(uris[route.area]))
    for path in ("/", "/{proxy+}"):
        methods = paths.setdefault(path, {})
        methods.setdefault("options", _preflight(list(METHODS), origins))
        methods.setdefault(ANY, _proxy(uris[FALLBACK_AREA]))
    for path, methods in paths.items():
        if variables := [part[1:-1].rstrip("+") for part in path.split("/") if part.startswith("{")]:
            methods["parameters"] = [
                {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in variables
            ]
    return {
        "openapi": "3.0.1",
        "info": {"title": title, "version": "1"},
        "x-amazon-apigateway-binary-media-types": BINARY,
        "x-amazon-apigateway-minimum-compression-size": COMPRESS_FROM,
        "x-amazon-apigateway-gateway-responses": {kind: _gateway_response(contract, kind, origins) for kind in RESPONSES},
        "paths": paths,
    }


def _proxy(uri: str) -> dict[str, Any]:
    return {
        "x-amazon-apigateway-integration": {
            "type": "aws_proxy",
            "httpMethod": "POST",
            "uri": uri,
            "timeoutInMillis": _INTEGRATION_TIMEOUT,
        }
    }


def _gateway_response(contract: str, kind: str, origins: tuple[str, ...]) -> dict[str, Any]:
    status, body = gateway_error(contract, kind)
    return {
        "statusCode": str(status),
        "responseParameters": {
            "gatewayresponse.header.Access-Control-Allow-Origin": _origin(origins),
            "gatewayresponse.header.X-Request-ID": "context.requestId",
            "gatewayresponse.header.Cache-Control": "'no-store'",
        },
        "responseTemplates": {"application/json": body},
    }


def _preflight(methods: list[str], origins: tuple[str, ...]) -> dict[str, Any]:
    """The answer to a CORS preflight request, by the gateway itself, without a function."""
    headers = {
        "Access-Control-Allow-Origin": _origin(origins),
        "Access-Control-Allow-Methods": f"'{','.join([*methods, 'OPTIONS'])}'",
        "Access-Control-Allow-Headers": f"'{','.join(ALLOWED_HEADERS)}'",
        "Access-Control-Max-Age": "'7200'",
    }
    return {
        "responses": {
            "204": {
                "description": "Allowed methods and headers",
                "headers": {name: {"schema": {"type": "string"}} for name in headers},
            }
        },
        "x-amazon-apigateway-integration": {
            "type": "mock",
            "requestTemplates": {"application/json": '{"statusCode": 204}'},
            # with binary media type */* a mock fails on a body that is not text
            "contentHandling": "CONVERT_TO_TEXT",
            "responses": {
                "default": {
                    "statusCode": "204",
                    "responseParameters": {f"method.response.header.{name}": value for name, value in headers.items()},
                }
            },
        },
    }


def _origin(origins: tuple[str, ...]) -> str:
    """The header's value: the first origin. The edge replaces it with the request's own origin where several are allowed."""
    return f"'{origins[0]}'"


def deployment_stamp(contract: str, routes: Iterable[Route], uris: Mapping[str, str], origins: tuple[str, ...]) -> str:
    """A hash that changes with everything in the deployed API; `uris` say what is called, a function or its alias."""
    return hashlib.sha256(json.dumps(openapi_body(contract, "", routes, uris, origins)).encode()).hexdigest()[:12]
