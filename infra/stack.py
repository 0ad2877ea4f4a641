"""The base class of every stack of a deployment."""

from typing import Any

from aws_cdk import CfnResource, Environment, Fn, RemovalPolicy, Stack, Token, aws_logs
from constructs import Construct

from infra.names import LOCAL_ACCOUNT, LOCAL_REGION
from infra.settings import Settings


class PlatformStack(Stack):
    """A stack of one deployment. A local one is bound to the embedded engine's account, so that the CDK CLI cannot deploy it to AWS."""

    def __init__(self, scope: Construct, settings: Settings, part: str, about: str, *, holds_data: bool = False) -> None:
        # the package of a local stack is without dependencies, which AWS does not have
        environment = Environment(account=LOCAL_ACCOUNT, region=LOCAL_REGION) if settings.local else None
        super().__init__(scope, settings.stack_name(part), description=f"Cadre: {about}", env=environment)
        self.termination_protection = holds_data and settings.protected
        self.settings = settings

    def logs(self, name: str, physical_name: str | None = None, *, rare: bool = False) -> aws_logs.CfnLogGroup:
        """A log group with the retention of the settings. A `rare` one costs half: it is read by queries alone and makes no metrics. AWS
        changes this of no group that is there, so a group that becomes rare needs a new name."""
        group = aws_logs.CfnLogGroup(
            self,
            name,
            log_group_name=physical_name,
            retention_in_days=self.settings.log_retention_days,
            log_group_class="INFREQUENT_ACCESS" if rare else None,
        )
        self.keep(group)
        return group

    def keep(self, resource: CfnResource) -> None:
        """Retain a resource that holds data when its stack is deleted, if the settings say so; not one that a deployment had only just
        made when it failed, which would be paid for and found by nobody."""
        kept = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if self.settings.protected else RemovalPolicy.DESTROY
        resource.apply_removal_policy(kept)

    def arn(self, service: str, *resource: str) -> str:
        """The ARN of a resource in this stack's account and region; the parts of `resource` are joined."""
        return Fn.join("", ["arn:", self.partition, f":{service}:", self.region, ":", self.account, ":", *resource])

    def invocation_uri(self, function_arn: str) -> str:
        """The URI by which API Gateway invokes a function."""
        path = ":lambda:path/2015-03-31/functions/"
        return Fn.join("", ["arn:", self.partition, ":apigateway:", self.region, path, function_arn, "/invocations"])

    def arn_in_findings(self, service: str, resource: str) -> str:
        """The same ARN as cdk-nag writes it in findings."""
        region = "<AWS::Region>" if Token.is_unresolved(self.region) else self.region
        account = "<AWS::AccountId>" if Token.is_unresolved(self.account) else self.account
        return f"arn:<AWS::Partition>:{service}:{region}:{account}:{resource}"


def trusts(service: str) -> dict[str, Any]:
    """The trust policy of a role that one AWS service assumes."""
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}],
    }


def only_tls(actions: list[str], resources: list[str]) -> dict[str, Any]:
    """The policy of a resource that refuses requests without TLS."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "OnlyTls",
                "Effect": "Deny",
                "Principal": {"AWS": "*"},
                "Action": actions,
                "Resource": resources,
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ],
    }
