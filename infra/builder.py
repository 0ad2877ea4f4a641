"""The CodeBuild project that runs builds of features. Its source and commit are named with each build; the repository has the buildspec.

What it builds is code of strangers: its role may write its own log and its own reports, and nothing of the platform.
"""

from dataclasses import dataclass

from aws_cdk import aws_codebuild, aws_iam, aws_logs

from infra.exemptions import exempt
from infra.function import Grants, allow
from infra.stack import PlatformStack, trusts

_MINUTES = 60  # of a build, and of its wait for a place
_AT_A_TIME = 10


@dataclass(frozen=True)
class Builder:
    project: aws_codebuild.CfnProject
    logs: aws_logs.CfnLogGroup


def builder(stack: PlatformStack) -> Builder:
    """The project with its role and its log."""
    logs = stack.logs("BuilderLogs")
    role = aws_iam.CfnRole(stack, "BuilderRole", assume_role_policy_document=trusts("codebuild.amazonaws.com"))
    project = aws_codebuild.CfnProject(
        stack,
        "Builder",
        service_role=role.attr_arn,
        artifacts=aws_codebuild.CfnProject.ArtifactsProperty(type="NO_ARTIFACTS"),
        environment=aws_codebuild.CfnProject.EnvironmentProperty(
            type="ARM_CONTAINER",
            compute_type="BUILD_GENERAL1_SMALL",
            image="aws/codebuild/amazonlinux-aarch64-standard:3.0",
            privileged_mode=False,
        ),
        source=aws_codebuild.CfnProject.SourceProperty(type="GITHUB", location="https://github.com/aws/aws-cdk.git"),
        encryption_key=f"arn:{stack.partition}:kms:{stack.region}:{stack.account}:alias/aws/s3",
        timeout_in_minutes=_MINUTES,
        queued_timeout_in_minutes=_MINUTES,
        concurrent_build_limit=_AT_A_TIME,
        logs_config=aws_codebuild.CfnProject.LogsConfigProperty(
            cloud_watch_logs=aws_codebuild.CfnProject.CloudWatchLogsConfigProperty(status="ENABLED", group_name=logs.ref)
        ),
        description="Cadre: builds of features; each names its own source",
    )
    policy = aws_iam.CfnPolicy(
        stack,
        "BuilderPolicy",
        policy_name="needs",
        roles=[role.ref],
        policy_document={
            "Version": "2012-10-17",
            "Statement": [
                allow(["logs:CreateLogStream", "logs:PutLogEvents"], logs.attr_arn),
                allow(
                    [
                        "codebuild:CreateReportGroup",
                        "codebuild:CreateReport",
                        "codebuild:UpdateReport",
                        "codebuild:BatchPutTestCases",
                        "codebuild:BatchPutCodeCoverages",
                    ],
                    _reports(stack, project),
                ),
            ],
        },
    )
    exempt(policy, f"AwsSolutions-IAM5[Resource::{_reports_in_findings(stack)}]", _WHY)
    return Builder(project, logs)


_WHY = "A repository names its report groups in its buildspec; all begin with the name of the project."


def may_build(stack: PlatformStack, made: Builder) -> Grants:
    """The rights to start, stop and read builds."""
    grants = Grants()
    grants.add(
        allow(["codebuild:StartBuild", "codebuild:StopBuild", "codebuild:BatchGetBuilds"], made.project.attr_arn),
        build_project=made.project.ref,
    )
    grants.add(allow(["codebuild:BatchGetReports"], _reports(stack, made.project)))
    grants.wildcard(_reports_in_findings(stack), _WHY)
    grants.add(allow(["logs:GetLogEvents"], made.logs.attr_arn))
    return grants


def _reports(stack: PlatformStack, project: aws_codebuild.CfnProject) -> str:
    return stack.arn("codebuild", f"report-group/{project.ref}-*")


def _reports_in_findings(stack: PlatformStack) -> str:
    return stack.arn_in_findings("codebuild", "report-group/<Builder>-*")
