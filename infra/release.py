"""How a function is called, and how calls go over to its new version: at once, or little by little by CodeDeploy."""

from dataclasses import dataclass

from aws_cdk import CfnCodeDeployLambdaAliasUpdate, CfnUpdatePolicy, Fn, aws_cloudwatch, aws_codedeploy, aws_iam, aws_lambda

from infra.exemptions import exempt
from infra.stack import PlatformStack, trusts

LIVE = "live"  # the alias that everything calls, where there are versions
_POLICY = "iam::aws:policy/service-role/AWSCodeDeployRoleForLambdaLimited"


@dataclass(frozen=True)
class Deployed:
    """A function and what calls it by: itself, or its alias."""

    function: aws_lambda.CfnFunction
    name: str  # in metrics
    arn: str
    target: str  # name or ARN
    qualifier: str = "$LATEST"


def release(scope: PlatformStack, title: str, function: aws_lambda.CfnFunction, stamp: str, *, answers: bool) -> Deployed:
    """The function as callers see it. With versions, a new `stamp` makes a new one, and callers call the alias.
    `answers`: it answers requests, also when it fails."""
    name = function.ref
    if not scope.settings.versions:
        return Deployed(function, name, function.attr_arn, name)
    version = aws_lambda.CfnVersion(scope, f"{title}Version{stamp}", function_name=name)
    alias = aws_lambda.CfnAlias(scope, f"{title}Live", function_name=name, function_version=version.attr_version, name=LIVE)
    if scope.settings.gradual_shift:
        alias.cfn_options.update_policy = _shift(scope, title, name, version.attr_version, answers=answers)
    arn = alias.ref
    return Deployed(function, name, arn, arn, Fn.select(7, Fn.split(":", arn)))


def _shift(scope: PlatformStack, title: str, name: str, version: str, *, answers: bool) -> CfnUpdatePolicy:
    """CodeDeploy moves the alias, and back when the new version fails: errors of the old one do not stop its repair."""
    alarm = aws_cloudwatch.CfnAlarm(
        scope,
        f"{title}NewErrors",
        alarm_description=f"Cadre {scope.settings.stage}: the new version of {title} fails; its deployment goes back",
        metrics=_failures(name, version, answers=answers),
        evaluation_periods=1,
        threshold=1,
        comparison_operator="GreaterThanOrEqualToThreshold",
        treat_missing_data="notBreaching",
    )
    application, role = _application(scope)
    group = aws_codedeploy.CfnDeploymentGroup(
        scope,
        f"{title}Shift",
        application_name=application,
        service_role_arn=role,
        deployment_config_name=f"CodeDeployDefault.Lambda{scope.settings.gradual_shift}",
        deployment_style=aws_codedeploy.CfnDeploymentGroup.DeploymentStyleProperty(
            deployment_type="BLUE_GREEN", deployment_option="WITH_TRAFFIC_CONTROL"
        ),
        alarm_configuration=aws_codedeploy.CfnDeploymentGroup.AlarmConfigurationProperty(
            enabled=True, alarms=[aws_codedeploy.CfnDeploymentGroup.AlarmProperty(name=alarm.ref)]
        ),
        auto_rollback_configuration=aws_codedeploy.CfnDeploymentGroup.AutoRollbackConfigurationProperty(
            enabled=True, events=["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"]
        ),
    )
    return CfnUpdatePolicy(
        code_deploy_lambda_alias_update=CfnCodeDeployLambdaAliasUpdate(
            application_name=application, deployment_group_name=group.ref
        )
    )


def _failures(name: str, version: str, *, answers: bool) -> list[aws_cloudwatch.CfnAlarm.MetricDataQueryProperty]:
    """The calls of a version that raised, and if it answers requests also those that it answered with 500: no errors to Lambda."""
    of_lambda = {"FunctionName": name, "Resource": Fn.join(":", [name, LIVE]), "ExecutedVersion": version}
    counted = {"errors": ("AWS/Lambda", "Errors", of_lambda)}
    if answers:  # `shared.edge.http.log` writes it
        counted["failures"] = ("Cadre", "failures", {"function": name, "version": version})
    alarm = aws_cloudwatch.CfnAlarm
    queries = [
        alarm.MetricDataQueryProperty(
            id=key,
            return_data=False,
            metric_stat=alarm.MetricStatProperty(
                metric=alarm.MetricProperty(
                    namespace=namespace,
                    metric_name=metric,
                    dimensions=[alarm.DimensionProperty(name=one, value=value) for one, value in dimensions.items()],
                ),
                period=60,
                stat="Sum",
            ),
        )
        for key, (namespace, metric, dimensions) in counted.items()
    ]
    return [*queries, alarm.MetricDataQueryProperty(id="all", expression=" + ".join(f"FILL({key}, 0)" for key in counted))]


def _application(scope: PlatformStack) -> tuple[str, str]:
    """CodeDeploy's application of a stack, and the ARN of its role; made for the stack's first function."""
    if made := scope.node.try_find_child("Releases"):
        role = scope.node.find_child("ReleasesRole")
    else:
        made = aws_codedeploy.CfnApplication(scope, "Releases", compute_platform="Lambda")
        role = aws_iam.CfnRole(
            scope,
            "ReleasesRole",
            assume_role_policy_document=trusts("codedeploy.amazonaws.com"),
            managed_policy_arns=[Fn.join("", ["arn:", scope.partition, f":{_POLICY}"])],
        )
        exempt(role, f"AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:{_POLICY}]", "CodeDeploy's own policy, for Lambda alone.")
    assert isinstance(made, aws_codedeploy.CfnApplication)  # noqa: S101 - a name of this module
    assert isinstance(role, aws_iam.CfnRole)  # noqa: S101 - the same
    return made.ref, role.attr_arn
