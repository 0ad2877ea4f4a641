"""Why a rule of cdk-nag does not hold for a resource, recorded beside it."""

from aws_cdk import Acknowledgment, CfnResource, Validations


def exempt(resource: CfnResource, rule: str, reason: str) -> None:
    """Record why one rule does not hold for one resource. A rule with findings names the finding: `AwsSolutions-IAM5[Resource::*]`."""
    Validations.of(resource).acknowledge(Acknowledgment(id=rule, reason=reason))
