"""`make nag` says what cdk-nag has against a template. Its run over all templates is a part of `make check`."""


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
