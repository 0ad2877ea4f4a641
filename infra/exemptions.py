"""Exemptions from rules of cdk-nag."""

from aws_cdk import Acknowledgment, CfnResource, Validations


def exempt(resource: CfnResource, rule: str, reason: str) -> None:
    """Exempt one resource from one rule. A rule with several findings names one of them: `AwsSolutions-IAM5[Resource::*]`."""
    Validations.of(resource).acknowledge(Acknowledgment(id=rule, reason=reason))
