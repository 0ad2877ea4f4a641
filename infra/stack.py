"""What every stack of a deployment has in common."""

from aws_cdk import CfnResource, Environment, RemovalPolicy, Stack, Token, aws_logs
from constructs import Construct

from infra.names import LOCAL_ACCOUNT, LOCAL_REGION
from infra.settings import Settings


class PlatformStack(Stack):
    """A stack of one deployment. Those of a laptop belong to the embedded engine's account: the CDK CLI refuses to put them on AWS,
    where functions without their dependencies would be of no use."""

    def __init__(self, scope: Construct, settings: Settings, part: str, about: str) -> None:
        home = Environment(account=LOCAL_ACCOUNT, region=LOCAL_REGION) if settings.local else None
        super().__init__(scope, settings.stack_name(part), description=f"Cadre: {about}", env=home)
        self.settings = settings

    def logs(self, name: str) -> aws_logs.CfnLogGroup:
        """A log group that forgets after the chosen time."""
        group = aws_logs.CfnLogGroup(self, name, retention_in_days=self.settings.log_retention_days)
        self.keep(group)
        return group

    def keep(self, resource: CfnResource) -> None:
        """Let what holds data outlive its stack where the settings say so."""
        resource.apply_removal_policy(RemovalPolicy.RETAIN if self.settings.protected else RemovalPolicy.DESTROY)

    def arn_as_shown(self, service: str, rest: str) -> str:
        """An ARN of this stack as cdk-nag writes it in findings."""
        region = "<AWS::Region>" if Token.is_unresolved(self.region) else self.region
        account = "<AWS::AccountId>" if Token.is_unresolved(self.account) else self.account
        return f"arn:<AWS::Partition>:{service}:{region}:{account}:{rest}"
