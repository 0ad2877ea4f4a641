"""The account's role for API Gateway's access logs: one for each account and region."""

from aws_cdk import Fn, RemovalPolicy, aws_apigateway, aws_iam
from constructs import Construct

from infra.exemptions import exempt
from infra.settings import Settings
from infra.stack import PlatformStack, trusts


class Account(PlatformStack):
    """The role. It stays when the stack is deleted, because another deployment of the account may use it."""

    def __init__(self, scope: Construct, settings: Settings) -> None:
        super().__init__(scope, settings, "account", "the account's role for API Gateway's logs")
        role = aws_iam.CfnRole(
            self,
            "GatewayLogRole",
            assume_role_policy_document=trusts("apigateway.amazonaws.com"),
            managed_policy_arns=[
                Fn.join("", ["arn:", self.partition, ":iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"])
            ],
        )
        role.apply_removal_policy(RemovalPolicy.RETAIN)
        policy = "arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
        exempt(role, f"AwsSolutions-IAM4[Policy::{policy}]", "API Gateway accepts no role with fewer rights.")
        account = aws_apigateway.CfnAccount(self, "GatewayAccount", cloud_watch_role_arn=role.attr_arn)
        account.apply_removal_policy(RemovalPolicy.RETAIN)
