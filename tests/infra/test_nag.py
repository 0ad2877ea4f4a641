"""cdk-nag has nothing against a platform with everything in it; what it would say is answered beside the resource."""

import pytest

from infra.samples import DEV, EVERYTHING, LOCAL
from infra.settings import Settings
from tests.infra import planned


@pytest.mark.parametrize("settings", [LOCAL, DEV, EVERYTHING], ids=lambda settings: settings.stage)
def test_no_finding_is_left(settings: Settings) -> None:
    from aws_cdk import App

    from infra.nag import findings
    from infra.platform import compose

    app = App(analytics_reporting=False)
    compose(app, settings, planned.code(), planned.PACKAGE)
    assert findings(app) == []


def test_a_new_wildcard_would_be_found() -> None:
    from aws_cdk import App, Stack, aws_iam

    from infra.function import allow, trusts
    from infra.nag import findings

    app = App(analytics_reporting=False)
    aws_iam.CfnRole(
        Stack(app, "stack"),
        "Role",
        assume_role_policy_document=trusts("lambda.amazonaws.com"),
        policies=[
            aws_iam.CfnRole.PolicyProperty(
                policy_name="wide", policy_document={"Version": "2012-10-17", "Statement": [allow(["s3:*"], "*")]}
            )
        ],
    )
    assert len(findings(app)) == 2
