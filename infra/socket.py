"""The WebSocket API: one for the seven documented endpoints. `$connect` reads the documented path from the query."""

import json

from aws_cdk import CfnOutput, Fn, aws_apigatewayv2
from constructs import Construct

from infra.exemptions import exempt
from infra.function import Functions, may_invoke
from infra.names import STAGE_NAME
from infra.stack import PlatformStack

ROUTES = {"$connect": "ConnectRoute", "$disconnect": "DisconnectRoute", "$default": "DefaultRoute"}
# No query string anywhere: it may carry a token
ACCESS_LOG = {
    "requestId": "$context.requestId",
    "connectionId": "$context.connectionId",
    "route": "$context.routeKey",
    "event": "$context.eventType",
    "status": "$context.status",
    "ip": "$context.identity.sourceIp",
    "time": "$context.requestTime",
    "error": "$context.integrationErrorMessage",
}


class Socket(PlatformStack):
    """Made before the other functions, because they post to it: so the functions behind its routes live here too."""

    def __init__(self, scope: Construct, functions: Functions, *, present: bool) -> None:
        settings = functions.settings
        super().__init__(scope, settings, "socket", "the WebSocket API")
        self.api = aws_apigatewayv2.CfnApi(
            self,
            "Api",
            name=settings.stack_name("socket"),
            protocol_type="WEBSOCKET",
            # Contracts disagree on the selecting field, so nothing is selected: the ws function dispatches
            route_selection_expression="$request.body.type",
        )
        self.endpoint = Fn.join(
            "", ["https://", self.api.ref, ".execute-api.", self.region, ".", self.url_suffix, f"/{STAGE_NAME}"]
        )
        functions.socket_api = self.api.ref
        before, known, after = settings.socket_endpoint.partition("{api}")
        functions.socket_endpoint = Fn.join("", [before, self.api.ref, after]) if known else before or self.endpoint
        self.stage = aws_apigatewayv2.CfnStage(
            self,
            "Stage",
            api_id=self.api.ref,
            stage_name=STAGE_NAME,
            auto_deploy=True,
            access_log_settings=aws_apigatewayv2.CfnStage.AccessLogSettingsProperty(
                destination_arn=self.logs("AccessLogs").attr_arn, format=json.dumps(ACCESS_LOG)
            ),
            default_route_settings=aws_apigatewayv2.CfnStage.RouteSettingsProperty(
                throttling_rate_limit=settings.throttle_rate, throttling_burst_limit=settings.throttle_burst
            ),
        )
        if present:
            self._routes(functions)
        CfnOutput(self, "SocketApiId", value=self.api.ref)
        CfnOutput(self, "SocketStage", value=STAGE_NAME)

    def _routes(self, functions: Functions) -> None:
        function = functions.make(self, "ws")
        integration = aws_apigatewayv2.CfnIntegration(
            self,
            "Integration",
            api_id=self.api.ref,
            integration_type="AWS_PROXY",
            integration_uri=Fn.join(
                "",
                [
                    "arn:",
                    self.partition,
                    ":apigateway:",
                    self.region,
                    ":lambda:path/2015-03-31/functions/",
                    function.attr_arn,
                    "/invocations",
                ],
            ),
        )
        for key, title in ROUTES.items():
            route = aws_apigatewayv2.CfnRoute(
                self,
                title,
                api_id=self.api.ref,
                route_key=key,
                authorization_type="NONE",
                target=Fn.join("/", ["integrations", integration.ref]),
            )
            exempt(
                route,
                "AwsSolutions-APIG4",
                "The ws function checks the token itself: one contract sends it as its first message.",
            )
        source = Fn.join(
            "", ["arn:", self.partition, ":execute-api:", self.region, ":", self.account, ":", self.api.ref, f"/{STAGE_NAME}/*"]
        )
        may_invoke(self, "MayInvoke", function, function.attr_arn, "apigateway.amazonaws.com", source)
