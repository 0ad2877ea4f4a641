"""The CodeBuild project that runs builds of features. Its source and commit are named with each build; the repository has the buildspec.

What it builds is code of strangers, which has the rights of the role: it may write logs, reports and artifacts, and read nothing.
All builds have one role, so what keeps the artifacts of one from another is that nobody can guess or list where they lie.
"""

from dataclasses import dataclass

from aws_cdk import aws_codebuild, aws_iam, aws_logs, aws_s3

from infra.buckets import bucket, old_versions, unfinished_uploads
from infra.exemptions import exempt
from infra.function import Grants, allow
from infra.stack import PlatformStack, trusts

_MINUTES = 60  # of a build, and of its wait for a place
_AT_A_TIME = 10
_ARTIFACTS = "builds/"
_DAYS = 7  # for which artifacts are kept: they are read once, when their build has ended


@dataclass(frozen=True)
class Builder:
    project: aws_codebuild.CfnProject
    logs: aws_logs.CfnLogGroup
    artifacts: aws_s3.CfnBucket


def builder(stack: PlatformStack) -> Builder:
    """The project with its role, its log and the bucket of its artifacts."""
    logs, artifacts = stack.logs("BuilderLogs"), _artifacts(stack)
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
                allow(["s3:PutObject"], f"{artifacts.attr_arn}/{_ARTIFACTS}*"),
                # CodeBuild asks whose the bucket is, and where, before it stores artifacts (its guide, "service role")
                allow(["s3:GetBucketAcl", "s3:GetBucketLocation"], artifacts.attr_arn),
            ],
        },
    )
    exempt(policy, f"AwsSolutions-IAM5[Resource::{_reports_in_findings(stack)}]", _WHY)
    exempt(policy, f"AwsSolutions-IAM5[Resource::{_ARTIFACTS_IN_FINDINGS}]", _WHY_ARTIFACTS)
    return Builder(project, logs, artifacts)


def _artifacts(stack: PlatformStack) -> aws_s3.CfnBucket:
    expires = aws_s3.CfnBucket.RuleProperty(id="artifacts", status="Enabled", prefix=_ARTIFACTS, expiration_in_days=_DAYS)
    why = "Builds write here, and one function reads; the log of a build says what it stored."
    return bucket(stack, "Artifacts", [unfinished_uploads(days=1), old_versions(days=_DAYS), expires], unlogged=why)


_ARTIFACTS_IN_FINDINGS = f"<Artifacts.Arn>/{_ARTIFACTS}*"
_WHY_ARTIFACTS = "Each build has a folder of its own, whose name is made when the build starts."
_WHY = "A repository names its report groups in its buildspec; all begin with the name of the project."


def may_build(stack: PlatformStack, made: Builder, *, runs: bool) -> Grants:
    """The rights to read the logs of builds and to stop them; who `runs` them may start them, and read what they measured and stored."""
    grants = Grants()
    grants.add(allow(["codebuild:StopBuild", "codebuild:BatchGetBuilds"], made.project.attr_arn), build_project=made.project.ref)
    grants.add(allow(["logs:GetLogEvents"], made.logs.attr_arn))
    if not runs:
        return grants
    grants.add(allow(["codebuild:StartBuild"], made.project.attr_arn))
    grants.add(allow(["codebuild:BatchGetReports"], _reports(stack, made.project)))
    grants.wildcard(_reports_in_findings(stack), _WHY)
    files = made.artifacts.attr_arn
    grants.add(allow(["s3:GetObject"], f"{files}/{_ARTIFACTS}*"), build_artifacts=made.artifacts.ref)
    grants.add(allow(["s3:ListBucket"], files))
    grants.wildcard(_ARTIFACTS_IN_FINDINGS, _WHY_ARTIFACTS)
    return grants


def _reports(stack: PlatformStack, project: aws_codebuild.CfnProject) -> str:
    return stack.arn("codebuild", f"report-group/{project.ref}-*")


def _reports_in_findings(stack: PlatformStack) -> str:
    return stack.arn_in_findings("codebuild", "report-group/<Builder>-*")
