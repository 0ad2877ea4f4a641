"""The WebSocket API, one for the seven documented endpoints: the documented path is in the query string of `$connect`."""

import json

from aws_cdk import CfnOutput, Fn, aws_apigatewayv2
from constructs import Construct

from infra.exemptions import exempt
from infra.function import Functions, may_invoke
from infra.names import STAGE_NAME
from infra.stack import PlatformStack

ROUTES = {"$connect": "ConnectRoute", "$disconnect": "DisconnectRoute", "$default": "DefaultRoute"}
# Without the query string, which may hold a token
ACCESS_LOG = {
    "requestId": "$context.requestId",
    "connectionId": "$context.connectionId",
    "route": "$context.routeKey",
    "event": "$context.eventType",
    "status": "$context.status",
    "ip": "$context.identity.sourceIp",
    "error": "$context.integrationErrorMessage",
}


class Socket(PlatformStack):
    """The WebSocket API and its function `ws`. It comes before the other functions, which need its address to post messages."""

    def __init__(self, scope: Construct, functions: Functions) -> None:
        settings = functions.settings
        super().__init__(scope, settings, "socket", "the WebSocket API")
        self.api = aws_apigatewayv2.CfnApi(
            self,
            "Api",
            name=settings.stack_name("socket"),
            protocol_type="WEBSOCKET",
            # The contracts name different fields: the function ws itself selects what to do with a message
            route_selection_expression="$request.body.type",
        )
        self.endpoint = Fn.join(
            "", ["https://", self.api.ref, ".execute-api.", self.region, ".", self.url_suffix, f"/{STAGE_NAME}"]
        )
        functions.socket_api = self.api.ref
        before, variable, after = settings.socket_endpoint.partition("{api}")
        functions.socket_endpoint = Fn.join("", [before, self.api.ref, after]) if variable else before or self.endpoint
        self.stage = aws_apigatewayv2.CfnStage(
            self,
            "Stage",
            api_id=self.api.ref,
            stage_name=STAGE_NAME,
            auto_deploy=True,
            access_log_settings=aws_apigatewayv2.CfnStage.AccessLogSettingsProperty(
                destination_arn=self.logs("AccessLines", rare=True).attr_arn, format=json.dumps(ACCESS_LOG)
            ),
            default_route_settings=aws_apigatewayv2.CfnStage.RouteSettingsProperty(
                throttling_rate_limit=settings.throttle_rate, throttling_burst_limit=settings.throttle_burst
            ),
        )
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
            integration_uri=self.invocation_uri(function.arn),
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
                "The function ws checks the token: one contract sends it in its first message.",
            )
        source = self.arn("execute-api", self.api.ref, f"/{STAGE_NAME}/*")
        may_invoke(self, "MayInvoke", function.arn, "apigateway.amazonaws.com", source)
