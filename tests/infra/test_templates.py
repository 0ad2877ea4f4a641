"""Rules over all resources of a type, on the templates of a platform with everything in it."""

import json
import logging
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from infra.gateway_errors import RESPONSES
from infra.names import CONTRACTS, STAGE_NAME, TABLES
from infra.needs import AREAS, FUNCTIONS, TRACED, WORKERS
from infra.queues import QUEUES
from infra.samples import PROD
from infra.schedules import SCHEDULES
from infra.settings import LOG_LEVELS
from shared.channels.exports import jobs
from shared.store import IN_INDEXES
from tests.infra import planned
from tests.infra.conftest import Resource, Templates

# Actions that AWS gives no resource level: only these may be allowed on "*"
NO_RESOURCE_LEVEL = {
    "cloudwatch:GetMetricData",
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "dynamodb:ListStreams",
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
}
# Properties that fix a physical name: two deployments in one account would collide
PHYSICAL_NAMES = {
    "AWS::DynamoDB::Table": "TableName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::IAM::Role": "RoleName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::SecretsManager::Secret": "Name",
    "AWS::StepFunctions::StateMachine": "StateMachineName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SES::ConfigurationSet": "Name",
    "AWS::Events::Rule": "Name",
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::CloudWatch::Dashboard": "DashboardName",
}
TAGGED = (
    "AWS::DynamoDB::Table",
    "AWS::S3::Bucket",
    "AWS::SQS::Queue",
    "AWS::Lambda::Function",
    "AWS::IAM::Role",
    "AWS::Logs::LogGroup",
    "AWS::SecretsManager::Secret",
    "AWS::StepFunctions::StateMachine",
    "AWS::SNS::Topic",
    "AWS::ApiGateway::RestApi",
    "AWS::ApiGateway::Stage",
    "AWS::CloudFront::Distribution",
    "AWS::CloudWatch::Alarm",
)


def statements(role: Resource) -> Iterator[dict[str, Any]]:
    for policy in role.properties.get("Policies", []):
        yield from policy["PolicyDocument"]["Statement"]


def logical(value: Any) -> str:
    """The resource that an intrinsic function points at, in this stack or another's exports."""
    if "Fn::GetAtt" in value:
        return str(value["Fn::GetAtt"][0])
    return str(value.get("Ref") or value["Fn::ImportValue"])


def tags(resource: Resource) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in resource.properties.get("Tags", [])}


def test_every_area_and_worker_is_a_function(prod: Templates) -> None:
    handlers = sorted(function.properties["Handler"] for function in prod.of("AWS::Lambda::Function"))
    assert handlers == sorted(f"functions.{name}.handler.handler" for name in {**AREAS, **WORKERS})


def test_every_function_has_a_role_and_a_log_group_of_its_own(prod: Templates) -> None:
    functions = prod.of("AWS::Lambda::Function")
    assert max(Counter(f"{one.stack}/{logical(one.properties['Role'])}" for one in functions).values()) == 1
    assert max(Counter(f"{one.stack}/{logical(one.properties['LoggingConfig']['LogGroup'])}" for one in functions).values()) == 1


def test_every_function_runs_as_the_package_was_made(prod: Templates) -> None:
    for function in prod.of("AWS::Lambda::Function"):
        properties = function.properties
        assert properties["Architectures"] == ["arm64"]
        begins = tags(function)["area"] in {*AREAS, "ws"}  # elsewhere a trace is brought along, or says nothing
        assert properties["TracingConfig"] == {"Mode": "Active" if begins else "PassThrough"}
        assert properties["LoggingConfig"]["LogFormat"] == "JSON"
        assert properties["Environment"]["Variables"]["PYDANTIC_DISABLE_PLUGINS"] == "__all__"
        assert properties["Environment"]["Variables"]["CADRE_STAGE"] == "prod"
        assert "AWS_ENDPOINT_URL" not in properties["Environment"]["Variables"]


@pytest.fixture
def functions_with(tmp_path: Path) -> Callable[..., list[dict[str, Any]]]:
    """The properties of two functions, an area and a worker, in a deployment with these settings."""
    from aws_cdk import App

    from infra.data import Data
    from infra.function import Functions
    from infra.stack import PlatformStack

    def make(**changes: Any) -> list[dict[str, Any]]:
        settings = replace(PROD, **changes)
        app = App(analytics_reporting=False, outdir=str(tmp_path))
        stack = PlatformStack(app, settings, "functions", "some of the functions")
        functions = Functions(settings, Data(app, settings), planned.PACKAGE)
        for name in ("projects", "mailer"):
            functions.make(stack, name)
        app.synth()
        resources = json.loads((tmp_path / f"{stack.stack_name}.template.json").read_text())["Resources"].values()
        return [one["Properties"] for one in resources if one["Type"] == "AWS::Lambda::Function"]

    return make


@pytest.mark.parametrize("level", [*LOG_LEVELS, "warning"])
def test_lambda_takes_every_log_level_and_lets_the_metrics_pass(functions_with: Callable[..., Any], level: str) -> None:
    for properties in functions_with(log_level=level):
        logging_config = properties["LoggingConfig"]
        assert logging_config["ApplicationLogLevel"] in {"DEBUG", "INFO"}  # a line with metrics is of level INFO
        assert (logging_config["ApplicationLogLevel"] == "DEBUG") == (level in {"DEBUG", "TRACE"})
        assert properties["Environment"]["Variables"]["CADRE_LOG_LEVEL"] in logging.getLevelNamesMapping()


def test_a_revision_starts_every_function_anew(functions_with: Callable[..., Any]) -> None:
    revisions = [[one["Environment"]["Variables"].get("REVISION") for one in functions_with(revision=r)] for r in ("", "1", "2")]
    assert revisions == [[None, None], ["1", "1"], ["2", "2"]]


def test_more_variables_than_lambda_takes_are_refused_by_name(functions_with: Callable[..., Any]) -> None:
    from infra.settings import SettingsError

    assert functions_with(revision="r" * 64, issuer="https://" + "i" * 1000)
    with pytest.raises(SettingsError, match=r"projects has more than 4096 bytes of variables; the longest are CADRE_ISSUER and"):
        functions_with(issuer="https://" + "i" * 4000)


def test_no_line_of_a_module_is_dropped_for_the_name_of_its_function(prod: Templates) -> None:
    from aws_lambda_powertools.logging.filters import SuppressFilter

    modules = [".".join(path.with_suffix("").parts) for path in Path("shared").rglob("*.py")]
    for function in prod.of("AWS::Lambda::Function"):
        dropping = SuppressFilter(function.properties["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"])
        assert all(dropping.filter(logging.makeLogRecord({"name": name})) for name in modules), function


def test_every_environment_variable_is_one_that_the_platform_reads(prod: Templates) -> None:
    from dataclasses import fields

    from shared.core.settings import Settings

    known = {f"CADRE_{field.name.upper()}" for field in fields(Settings)}
    for function in prod.of("AWS::Lambda::Function"):
        named = {name for name in function.properties["Environment"]["Variables"] if name.startswith("CADRE_")}
        assert named <= known, f"{function}: {named - known}"


def test_no_role_may_do_everything(prod: Templates) -> None:
    for role in prod.of("AWS::IAM::Role"):
        for statement in statements(role):
            assert not [action for action in statement["Action"] if "*" in action], role
            if "*" in statement["Resource"]:
                assert set(statement["Action"]) <= NO_RESOURCE_LEVEL, role


def test_no_role_may_scan_or_delete_a_table(prod: Templates) -> None:
    for role in prod.of("AWS::IAM::Role"):
        allowed = {action for statement in statements(role) for action in statement["Action"]}
        assert not allowed & {"dynamodb:Scan", "dynamodb:DeleteTable", "dynamodb:UpdateTable", "sqs:PurgeQueue"}, role
        # asking whether a bucket is there is the permission to list it: the health check asks, and the purge finds what is to go
        assert "s3:ListBucket" not in allowed or role.name in {"SystemRole", "CascadeWorkerRole", "DeliveryStepsRole"}, role


def test_builds_may_store_artifacts_in_their_own_bucket_and_read_or_delete_nothing(prod: Templates) -> None:
    (policy,) = [one for one in prod.of("AWS::IAM::Policy") if one.name == "BuilderPolicy"]
    said = policy.properties["PolicyDocument"]["Statement"]
    on_files = {action: one["Resource"] for one in said for action in one["Action"] if action.startswith("s3:")}
    bucket = {"Fn::GetAtt": ["Artifacts", "Arn"]}
    folders = {"Fn::Join": ["", [bucket, "/builds/*"]]}
    assert on_files == {"s3:PutObject": [folders], "s3:GetBucketAcl": [bucket], "s3:GetBucketLocation": [bucket]}
    allowed = {action for one in said for action in one["Action"]}
    assert not [action for action in allowed if action.partition(":")[2].startswith(("Get", "List", "Delete", "Describe"))
                and action not in on_files]  # fmt: skip


def test_artifacts_of_builds_go_by_themselves_and_no_version_of_them_stays(prod: Templates) -> None:
    (bucket,) = [one for one in prod.of("AWS::S3::Bucket") if one.name == "Artifacts"]
    rules = {rule["Id"]: rule for rule in bucket.properties["LifecycleConfiguration"]["Rules"]}
    assert (rules["artifacts"]["Prefix"], rules["artifacts"]["ExpirationInDays"]) == ("builds/", 7)
    assert rules["old-versions"]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 7}
    assert rules["unfinished-uploads"]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}


def test_builds_are_started_and_their_artifacts_read_by_one_function_and_stopped_by_those_that_end_operations(
    prod: Templates,
) -> None:
    may: dict[str, set[str]] = {}
    for role in prod.of("AWS::IAM::Role"):
        for statement in statements(role):
            for action in statement["Action"]:
                may.setdefault(action, set()).add(role.name)
    assert may["codebuild:StartBuild"] == may["codebuild:BatchGetReports"] == {"DeliveryStepsRole"}
    assert may["codebuild:StopBuild"] == {"DeliveryStepsRole", "DeliveryRole", "ScheduledRole"}
    reads = [one for role in prod.of("AWS::IAM::Role") for one in statements(role) if "Artifacts" in str(one["Resource"])]
    assert [one["Action"] for one in reads] == [["s3:GetObject"], ["s3:ListBucket"]]


def test_a_function_gets_only_the_variables_of_what_it_may_touch(prod: Templates) -> None:
    mailer = next(one for one in prod.of("AWS::Lambda::Function") if one.name == "Mailer")
    assert not {
        name for name in mailer.properties["Environment"]["Variables"] if name.endswith(("_QUEUE", "_MACHINE", "_SECRET"))
    }
    assert "CADRE_CORE_TABLE" not in mailer.properties["Environment"]["Variables"]


def test_only_runs_explorations_and_validators_reach_models(prod: Templates) -> None:
    reaching = {
        role.name
        for role in prod.of("AWS::IAM::Role")
        if any(action.startswith("bedrock:") for statement in statements(role) for action in statement["Action"])
    }
    assert reaching == {"ExplorationsRole", "RunStepsRole", "ModelWorkerRole"}
    (steps,) = [role for role in prod.of("AWS::IAM::Role") if role.name == "RunStepsRole"]
    (calling,) = [one for one in statements(steps) if "bedrock:InvokeModel" in one["Action"]]
    assert calling["Resource"] == list(PROD.bedrock_model_arns)  # a profile, and its model in every region that it may choose


def test_only_auth_reads_the_clients_of_sign_in_providers(prod: Templates) -> None:
    arn = PROD.oauth_secret_arn
    assert {role.name for role in prod.of("AWS::IAM::Role") if arn in json.dumps(role.properties)} == {"AuthRole"}
    variables = {one.name: one.properties["Environment"]["Variables"] for one in prod.of("AWS::Lambda::Function")}
    assert variables["Auth"]["CADRE_OAUTH_SECRET"] == arn
    assert {one["CADRE_AGENTWORKS_URL"] for one in variables.values()} == {"https://api.agentworks.dev/v1"}


def test_only_auth_signs_for_clients_with_a_key_that_nobody_reads(prod: Templates) -> None:
    key = next(one for one in prod.of("AWS::KMS::Key") if one.name == "ClientKey")
    assert (key.properties["KeySpec"], key.properties["KeyUsage"]) == ("RSA_2048", "SIGN_VERIFY")
    allowed = {
        role.name: statement["Action"]
        for role in prod.of("AWS::IAM::Role")
        for statement in statements(role)
        if any(action in ("kms:Sign", "kms:GetPublicKey", "kms:*") for action in statement["Action"])
    }
    assert allowed == {"AuthRole": ["kms:Sign", "kms:GetPublicKey"]}


def test_the_key_for_clients_changes_without_an_outage(prod: Templates, everything: Templates) -> None:
    """What the functions of the last deployment import is still there."""
    assert sorted(key.name for key in everything.of("AWS::KMS::Key") if "Client" in key.name) == ["ClientKey", "ClientKey2"]
    (auth,) = [one for one in everything.of("AWS::Lambda::Function") if one.name == "Auth"]
    assert "ClientKey2" in json.dumps(auth.properties["Environment"]["Variables"]["CADRE_CLIENT_TOKEN_KEY"])
    before = {name for name in prod.stacks["cadre-prod-data"]["Outputs"] if "ClientKey" in name}
    assert before
    assert before <= set(everything.stacks["cadre-prod-data"]["Outputs"])


def test_only_billing_reads_the_keys_of_the_payment_gateway(prod: Templates) -> None:
    arn = PROD.payment_secret_arn
    assert {role.name for role in prod.of("AWS::IAM::Role") if arn in json.dumps(role.properties)} == {
        "BillingRole",
        "ScheduledRole",
    }
    (billing,) = [one for one in prod.of("AWS::Lambda::Function") if one.name == "Billing"]
    variables = billing.properties["Environment"]["Variables"]
    assert (variables["CADRE_PAYMENT_SECRET"], variables["CADRE_SELLER_COUNTRY"]) == (arn, "IE")


def test_everybodys_pages_are_nobodys(prod: Templates) -> None:
    """`*` lets every page call, and lets none use a cookie or be where a sign-in ends."""
    for function in prod.of("AWS::Lambda::Function"):
        assert "CADRE_ALLOWED_ORIGINS" not in function.properties["Environment"]["Variables"]


def test_the_steps_may_answer_the_machine_that_calls_them(prod: Templates) -> None:
    (policy,) = [one for one in prod.of("AWS::IAM::Policy") if one.name == "RunStepsAnswers"]
    assert policy.properties["Roles"] == [{"Ref": "RunStepsRole"}]
    (statement,) = policy.properties["PolicyDocument"]["Statement"]
    assert (statement["Action"], statement["Resource"]) == (
        ["states:SendTaskSuccess", "states:SendTaskFailure"],
        [{"Ref": "AgentRun"}],
    )


def test_every_table_is_under_aws_own_key_and_expires_and_is_billed_by_request(prod: Templates) -> None:
    tables = {table.name: table.properties for table in prod.of("AWS::DynamoDB::Table")}
    assert {name.lower() for name in tables} == set(TABLES)
    for name, properties in tables.items():
        assert "SSESpecification" not in properties, name  # that is the key of KMS, which bills its calls
        assert properties["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}, name
        assert properties["BillingMode"] == "PAY_PER_REQUEST", name
        # what is in `ephemeral` expires; restoring it would bring back revoked sessions
        recoverable = properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]
        assert recoverable == (name != "Ephemeral"), name


def test_the_core_table_has_its_stream_and_four_indexes(prod: Templates) -> None:
    core = next(table.properties for table in prod.of("AWS::DynamoDB::Table") if table.name == "Core")
    assert core["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    for index in core["GlobalSecondaryIndexes"]:
        name = index["IndexName"]
        assert [key["AttributeName"] for key in index["KeySchema"]] == [f"{name}PK", f"{name}SK"]
        assert index["Projection"] == {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(IN_INDEXES)}
    assert [index["IndexName"] for index in core["GlobalSecondaryIndexes"]] == ["GSI1", "GSI2", "GSI3", "GSI4"]
    projected = sum(len(index["Projection"]["NonKeyAttributes"]) for index in core["GlobalSecondaryIndexes"])
    assert projected <= 100  # DynamoDB's limit of all indexes together


HOLDS_DATA = ("AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::SecretsManager::Secret")


@pytest.mark.parametrize("kind", HOLDS_DATA)
def test_what_holds_data_stays_in_production_and_goes_on_a_laptop(prod: Templates, local: Templates, kind: str) -> None:
    holding = [resource for resource in prod.of(kind) if "EdgeKey" not in resource.name]  # made anew with a new stack
    kept = "Retain" if kind == "AWS::DynamoDB::Table" else "RetainExceptOnCreate"  # a table refuses its deletion even then
    assert {resource.body["DeletionPolicy"] for resource in holding} == {kept}
    assert {resource.body["UpdateReplacePolicy"] for resource in holding} == {"Retain"}
    assert {resource.body["DeletionPolicy"] for resource in local.of(kind)} == {"Delete"}


def test_queues_stay_in_production_with_the_work_that_is_in_them(prod: Templates, local: Templates) -> None:
    assert {queue.body["DeletionPolicy"] for queue in prod.of("AWS::SQS::Queue")} == {"RetainExceptOnCreate"}
    assert {queue.body["DeletionPolicy"] for queue in local.of("AWS::SQS::Queue")} == {"Delete"}


def test_the_stacks_that_hold_data_refuse_termination_in_production_only(prod: Templates, local: Templates) -> None:
    assert prod.protected == {one.stack for kind in (*HOLDS_DATA, "AWS::SQS::Queue") for one in prod.of(kind)}
    assert prod.protected == {"cadre-prod-data", "cadre-prod-functions"}
    assert local.protected == set()


def test_tables_refuse_deletion_in_production_only(prod: Templates, local: Templates) -> None:
    assert all(table.properties["DeletionProtectionEnabled"] for table in prod.of("AWS::DynamoDB::Table"))
    assert not any(table.properties["DeletionProtectionEnabled"] for table in local.of("AWS::DynamoDB::Table"))


def test_the_bucket_is_private_encrypted_and_versioned(prod: Templates) -> None:
    for bucket in prod.of("AWS::S3::Bucket"):
        assert set(bucket.properties["PublicAccessBlockConfiguration"].values()) == {True}
        assert bucket.properties["BucketEncryption"]
        assert bucket.properties["VersioningConfiguration"] == {"Status": "Enabled"}
        assert all(rule["Status"] == "Enabled" for rule in bucket.properties["LifecycleConfiguration"]["Rules"])


@pytest.mark.parametrize(
    ("policies", "kind", "field"),
    [
        ("AWS::S3::BucketPolicy", "AWS::S3::Bucket", "Bucket"),
        ("AWS::SQS::QueuePolicy", "AWS::SQS::Queue", "Queues"),
        ("AWS::SNS::TopicPolicy", "AWS::SNS::Topic", "Topics"),
    ],
)
def test_nothing_is_reached_without_tls(prod: Templates, policies: str, kind: str, field: str) -> None:
    refusing = set()
    for policy in prod.of(policies):
        denied = [one for one in policy.properties["PolicyDocument"]["Statement"] if one["Effect"] == "Deny"]
        assert denied[0]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        named = policy.properties[field]
        refusing |= {f"{policy.stack}/{one['Ref']}" for one in (named if isinstance(named, list) else [named])}
    assert refusing == {f"{one.stack}/{one.name}" for one in prod.of(kind)}


def test_every_queue_has_a_dead_letter_queue_or_is_one(prod: Templates) -> None:
    queues = prod.of("AWS::SQS::Queue")
    working = [queue for queue in queues if "RedrivePolicy" in queue.properties]
    assert {queue.name for queue in working} == {"".join(part.capitalize() for part in name.split("-")) for name in QUEUES}
    for queue in queues:
        assert queue.properties["SqsManagedSseEnabled"] is True
        if queue in working:
            assert logical(queue.properties["RedrivePolicy"]["deadLetterTargetArn"]) == f"{queue.name}Dead"
            assert 3 <= queue.properties["RedrivePolicy"]["maxReceiveCount"] <= 10
            if queue.name == "Exports":  # after this try the export says that it has failed
                assert queue.properties["RedrivePolicy"]["maxReceiveCount"] == jobs.MAX_ATTEMPTS
        else:
            assert queue.name.endswith("Dead"), queue
            assert queue.properties["MessageRetentionPeriod"] == 1_209_600


def test_a_message_stays_hidden_longer_than_its_function_runs(prod: Templates) -> None:
    hidden = {queue.name: queue.properties.get("VisibilityTimeout", 30) for queue in prod.of("AWS::SQS::Queue")}
    timeouts = {one.name: one.properties["Timeout"] for one in prod.of("AWS::Lambda::Function")}
    for queue, function in (
        ("AgentRuns", "RunWorker"),
        ("WsLive", "WsPusher"),
        ("WsPush", "WsPusher"),
        ("Emails", "Mailer"),
        ("Cascade", "CascadeWorker"),
    ):
        assert hidden[queue] >= 6 * timeouts[function]


def test_every_source_reports_partial_failures(prod: Templates) -> None:
    for source in prod.of("AWS::Lambda::EventSourceMapping"):
        assert source.properties["FunctionResponseTypes"] == ["ReportBatchItemFailures"], source


def test_the_stream_is_read_with_its_failures_set_aside(prod: Templates) -> None:
    stream = next(one.properties for one in prod.of("AWS::Lambda::EventSourceMapping") if one.name == "StreamProjectorSource")
    assert stream["BisectBatchOnFunctionError"] is True
    assert stream["MaximumRecordAgeInSeconds"] < 86_400  # before the stream itself forgets
    assert stream["MaximumRetryAttempts"] > 0
    assert logical(stream["DestinationConfig"]["OnFailure"]["Destination"]) == "StreamDead"
    assert json.loads(stream["FilterCriteria"]["Filters"][0]["Pattern"]) == {
        "dynamodb": {"NewImage": {"event_id": {"S": [{"exists": True}]}}}
    }


def test_every_job_is_called_by_one_rule_which_keeps_what_it_cannot_deliver(prod: Templates) -> None:
    called = []
    for rule in prod.of("AWS::Events::Rule"):
        if "ScheduleExpression" not in rule.properties:
            continue
        (target,) = rule.properties["Targets"]
        assert logical(target["DeadLetterConfig"]["Arn"]) == "ScheduleDead"
        template = target["InputTransformer"]["InputTemplate"].replace("<id>", '"1"').replace("<time>", '"t"')
        jobs = json.loads(template)["detail"]["jobs"]
        assert {SCHEDULES[job] for job in jobs} == {rule.properties["ScheduleExpression"]}
        called += jobs
    assert sorted(called) == sorted(planned.code().jobs)
    (invoke,) = prod.of("AWS::Lambda::EventInvokeConfig")
    assert logical(invoke.properties["DestinationConfig"]["OnFailure"]["Destination"]) == "ScheduleDead"


def test_bounces_and_complaints_of_our_mails_come_back(prod: Templates, local: Templates) -> None:
    (mails,) = prod.of("AWS::SES::ConfigurationSet")
    (destination,) = prod.of("AWS::SES::ConfigurationSetEventDestination")
    assert destination.properties["ConfigurationSetName"] == {"Ref": mails.name}
    events = destination.properties["EventDestination"]
    assert (events["Enabled"], events["MatchingEventTypes"]) == (True, ["bounce", "complaint"])
    (rule,) = [one for one in prod.of("AWS::Events::Rule") if one.name == "MailEventsRule"]
    pattern = rule.properties["EventPattern"]
    assert (pattern["source"], pattern["detail-type"]) == (["aws.ses"], ["Email Bounced", "Email Complaint Received"])
    assert pattern["detail"]["mail"]["tags"] == {"ses:configuration-set": [{"Ref": mails.name}]}
    (target,) = rule.properties["Targets"]
    assert logical(target["Arn"]) == "Emails"
    source = next(one for one in prod.of("AWS::Lambda::EventSourceMapping") if one.name == "EmailsSource")
    assert logical(source.properties["FunctionName"]) == "Mailer"
    assert "AWS::SES" not in json.dumps(local.stacks)


def test_the_mailer_sends_with_the_configuration_set_and_no_other(prod: Templates) -> None:
    (mailer,) = [one for one in prod.of("AWS::Lambda::Function") if one.name == "Mailer"]
    assert "Mails" in json.dumps(mailer.properties["Environment"]["Variables"]["CADRE_MAIL_CONFIGURATION_SET"])
    (role,) = [one for one in prod.of("AWS::IAM::Role") if one.name == "MailerRole"]
    (sends,) = [one for one in statements(role) if "ses:SendEmail" in one["Action"]]
    assert [json.dumps(one).rpartition(":ses:")[2].count("configuration-set/") for one in sends["Resource"]] == [0, 0, 1]
    assert "Mails" in json.dumps(sends["Resource"][2])


def test_rates_of_bounces_and_complaints_have_alarms(prod: Templates, local: Templates) -> None:
    watched = {one.name: one.properties for one in prod.of("AWS::CloudWatch::Alarm") if one.properties["Namespace"] == "AWS/SES"}
    assert {name: (one["MetricName"], one["Threshold"]) for name, one in watched.items()} == {
        "MailBounceRate": ("Reputation.BounceRate", 0.05),
        "MailComplaintRate": ("Reputation.ComplaintRate", 0.001),
    }
    assert all(one["AlarmActions"] and not one.get("Dimensions") for one in watched.values()), "they are rates of the account"
    assert not [one for one in local.of("AWS::CloudWatch::Alarm") if one.properties["Namespace"] == "AWS/SES"]


def test_whoever_puts_work_back_into_its_own_queue_is_not_taken_for_a_loop(prod: Templates) -> None:
    """Lambda ends such a chain after 16 rounds unless it is told."""
    allowed = {tags(one)["area"] for one in prod.of("AWS::Lambda::Function") if one.properties.get("RecursiveLoop") == "Allow"}
    feeding = {name for name, needs in FUNCTIONS.items() if name in {QUEUES[queue].consumer for queue in needs.sends}}
    assert (
        allowed
        == feeding
        == {"ws_pusher", "cascade_worker", "export_worker", "webhook_worker", "github_worker", "message_worker"}
    )


@pytest.mark.parametrize("queue", ["ScheduleDead", "Emails", "EmailsDead"])
def test_rules_of_this_account_may_send_to_their_queues(prod: Templates, queue: str) -> None:
    policy = next(one for one in prod.of("AWS::SQS::QueuePolicy") if one.name == f"{queue}Policy")
    (allowed,) = [one for one in policy.properties["PolicyDocument"]["Statement"] if one["Effect"] == "Allow"]
    assert (allowed["Principal"], allowed["Action"]) == ({"Service": "events.amazonaws.com"}, ["sqs:SendMessage"])
    source = json.dumps(allowed["Condition"]["ArnLike"]["aws:SourceArn"])
    assert ":events:" in source
    assert "AWS::AccountId" in source
    assert source.endswith(':rule/*"]]}')


def test_every_log_group_forgets(prod: Templates) -> None:
    for group in prod.of("AWS::Logs::LogGroup"):
        assert group.properties["RetentionInDays"] == PROD.log_retention_days, group


def test_the_log_groups_that_gateways_would_make_themselves_are_there_before_them(prod: Templates) -> None:
    for stage in prod.of("AWS::ApiGateway::Stage"):
        (settings,) = stage.properties["MethodSettings"]
        assert settings["LoggingLevel"] == "ERROR"
        assert "ExecutionLogs" in stage.body["DependsOn"]
        name = prod.stacks[stage.stack]["Resources"]["ExecutionLogs"]["Properties"]["LogGroupName"]
        assert name == {"Fn::Join": ["", ["API-Gateway-Execution-Logs_", {"Ref": "Api"}, "/v1"]]}


@pytest.mark.parametrize("kind", TAGGED)
def test_everything_says_whose_it_is(prod: Templates, kind: str) -> None:
    for resource in prod.of(kind):
        assert {"project": "cadre", "stage": "prod", "deployment": "cadre"}.items() <= tags(resource).items(), resource


def test_functions_say_their_area_and_apis_their_contract(prod: Templates) -> None:
    assert {tags(one)["area"] for one in prod.of("AWS::Lambda::Function")} == {*AREAS, *WORKERS}
    assert {tags(one)["contract"] for one in prod.of("AWS::ApiGateway::RestApi")} == {contract.name for contract in CONTRACTS}


def test_two_deployments_fit_into_one_account(prod: Templates) -> None:
    for resource in prod.resources:
        name = PHYSICAL_NAMES.get(resource.type)
        fixed = isinstance(resource.properties.get(name or ""), str)  # a name that is made of an API's id is that API's alone
        assert not fixed, f"{resource}: {name} is fixed"


def test_no_stack_is_near_the_limits(prod: Templates) -> None:
    for name, template in prod.stacks.items():
        assert len(template["Resources"]) < 400, name  # CloudFormation's limit is 500
        assert len(json.dumps(template)) < 800_000, name  # and 1 MB
        assert len(template.get("Outputs", {})) < 150, name  # and 200


# -- REST


def test_every_route_is_in_its_api_exactly_once(prod: Templates) -> None:
    from infra.routes import gateway_paths

    documented = ("get", "post", "put", "patch", "delete")
    for contract in CONTRACTS:
        routes = [route for route in planned.code().routes if route.contract == contract.name]
        paths = gateway_paths(routes)
        template = prod.stacks[f"cadre-prod-api-{contract.name}"]
        body = template["Resources"]["Api"]["Properties"]["Body"]
        imported = {
            (method.upper(), path): operation["x-amazon-apigateway-integration"]["uri"]["Fn::Join"][1]
            for path, item in body["paths"].items()
            for method, operation in item.items()
            if method in documented
        }
        assert set(imported) == {(route.method, paths[route.path]) for route in routes}
        assert len(imported) == len(routes)
        for route in routes:
            title = "".join(part.capitalize() for part in route.area.split("_"))
            assert f"ExportsOutputFnGetAtt{title}Arn" in json.dumps(imported[route.method, paths[route.path]])


def test_every_path_answers_a_browsers_preflight(prod: Templates) -> None:
    from infra.rest_api import ANY, METHODS  # here: the CDK takes seconds to load (see test_edge)

    for api in prod.of("AWS::ApiGateway::RestApi"):
        for path, item in api.properties["Body"]["paths"].items():
            answer = item["options"]["x-amazon-apigateway-integration"]
            assert answer["contentHandling"] == "CONVERT_TO_TEXT", path  # else it fails where every body is binary
            methods = answer["responses"]["default"]["responseParameters"]["method.response.header.Access-Control-Allow-Methods"]
            named = {method.upper() for method in item if method not in ("parameters", ANY)}
            assert set(methods.strip("'").split(",")) == (named if named != {"OPTIONS"} else {*METHODS, "OPTIONS"})


def test_whatever_is_asked_a_function_answers(prod: Templates) -> None:
    """Wrong methods go to the path's own function, which knows the others; what has no path goes to `system`."""
    from infra.rest_api import ANY, METHODS

    for api in prod.of("AWS::ApiGateway::RestApi"):
        paths = api.properties["Body"]["paths"]
        assert {"/", "/{proxy+}"} <= set(paths)
        for path, item in paths.items():
            uri = json.dumps(item[ANY]["x-amazon-apigateway-integration"]["uri"])
            beside = {
                json.dumps(item[method]["x-amazon-apigateway-integration"]["uri"]) for method in item if method.upper() in METHODS
            }
            assert uri in beside if beside else "FnGetAttSystemArn" in uri, path


def test_every_api_may_call_exactly_the_functions_it_names(prod: Templates) -> None:
    for contract in CONTRACTS:
        resources = prod.stacks[f"cadre-prod-api-{contract.name}"]["Resources"].values()
        allowed = {json.dumps(one["Properties"]["FunctionName"]) for one in resources if one["Type"] == "AWS::Lambda::Permission"}
        assert len(allowed) == len({route.area for route in planned.code().routes if route.contract == contract.name})
        for one in resources:
            if one["Type"] == "AWS::Lambda::Permission":
                assert one["Properties"]["SourceArn"]["Fn::Join"][1][-1] == "/v1/*"


def test_every_stage_names_its_contract_and_throttles(prod: Templates) -> None:
    for stage in prod.of("AWS::ApiGateway::Stage"):
        assert stage.properties["Variables"] == {"contract": stage.stack.removeprefix("cadre-prod-api-")}
        assert stage.properties["StageName"] == "v1"
        assert stage.properties["TracingEnabled"] is True
        (settings,) = stage.properties["MethodSettings"]
        assert settings["ThrottlingRateLimit"] == PROD.throttle_rate
        assert settings["DataTraceEnabled"] is False  # it would log bodies


def test_access_logs_hold_no_query_no_real_path_and_no_header(prod: Templates) -> None:
    formats = [stage.properties["AccessLogSetting"]["Format"] for stage in prod.of("AWS::ApiGateway::Stage")]
    formats += [stage.properties["AccessLogSettings"]["Format"] for stage in prod.of("AWS::ApiGatewayV2::Stage")]
    assert len(formats) == len(CONTRACTS) + 1
    for text in formats:
        logged = set(json.loads(text).values())
        assert not logged & {"$context.path", "$context.requestOverride.path"}
        assert not [one for one in logged if "querystring" in one.lower() or "header" in one.lower() or "apikey" in one.lower()]


def test_the_gateways_own_answers_have_each_contracts_shape(prod: Templates) -> None:
    from shared.edge.contracts import contract as contract_named

    for contract in CONTRACTS:
        shape = contract_named(contract.name).error_model
        body = prod.stacks[f"cadre-prod-api-{contract.name}"]["Resources"]["Api"]["Properties"]["Body"]
        responses = body["x-amazon-apigateway-gateway-responses"]
        assert set(responses) == set(RESPONSES)
        for properties in responses.values():
            text = properties["responseTemplates"]["application/json"]
            assert "$context.requestId" in text
            shape.model_validate_json(text)
        statuses = {kind: int(properties["statusCode"]) for kind, properties in responses.items()}
        assert statuses["MISSING_AUTHENTICATION_TOKEN"] == 404  # an unknown path, and not a lie about tokens
        assert statuses["THROTTLED"] == 429
        assert statuses["REQUEST_TOO_LARGE"] == 413


def test_outputs_say_where_each_api_is(prod: Templates) -> None:
    for contract in CONTRACTS:
        outputs = prod.stacks[f"cadre-prod-api-{contract.name}"]["Outputs"]
        assert {"ApiId", "Stage", "Contract"} <= set(outputs)
        assert outputs["Contract"]["Value"] == contract.name
    assert {"SocketApiId", "SocketStage"} <= set(prod.stacks["cadre-prod-socket"]["Outputs"])


def test_a_deployment_changes_with_its_routes() -> None:
    from infra.rest_api import deployment_stamp

    routes = list(planned.code().routes)
    functions = {area: area for area in AREAS}
    before = deployment_stamp("omoios", routes, functions, ("*",))
    assert deployment_stamp("omoios", routes, functions, ("*",)) == before
    assert deployment_stamp("omoios", routes[1:], functions, ("*",)) != before
    assert deployment_stamp("omoios", routes, functions, ("https://a.dev",)) != before
    assert deployment_stamp("omoios", routes, functions | {"auth": "another"}, ("*",)) != before


# -- watching


def test_everything_that_can_fail_has_an_alarm(prod: Templates) -> None:
    watched: dict[str, set[str]] = {}
    of_all = set()
    for alarm in prod.of("AWS::CloudWatch::Alarm"):
        assert alarm.properties["AlarmActions"], alarm
        if alarm.properties.get("Dimensions", []) in ([], [{"Name": "stage", "Value": "prod"}]):
            of_all.add((alarm.properties["Namespace"], alarm.properties["MetricName"]))
        for dimension in alarm.properties.get("Dimensions", []):
            value = dimension["Value"]
            name = value if isinstance(value, str) else logical(value)
            watched.setdefault(alarm.properties["MetricName"], set()).add(name)
    # functions of the account and region; of the stage the times of requests, parts of jobs, and queues whose letters a job counts
    of_stage = {("Cadre", name) for name in ("duration_ms", "failed", "dead_letters")}
    assert of_stage | {("AWS/Lambda", "Errors"), ("AWS/Lambda", "Throttles")} <= of_all
    assert "ExecutionError" in watched
    assert {name.rpartition("ScheduleDead")[1] for name in watched["ApproximateNumberOfMessagesVisible"]} == {"ScheduleDead"}
    assert len(watched["ApproximateAgeOfOldestMessage"]) == sum(one.hurries for one in QUEUES.values())
    assert len(watched["WriteThrottleEvents"]) == len(watched["ReadThrottleEvents"]) == len(TABLES)
    assert "IteratorAge" in watched
    assert {f"cadre-prod-{contract.name}" for contract in CONTRACTS} <= watched["5XXError"]


def test_every_dead_letter_queue_is_looked_at_by_the_job_that_has_the_alarm(prod: Templates) -> None:
    """All but the job's own, which has an alarm for itself."""
    (scheduled,) = [one for one in prod.of("AWS::Lambda::Function") if one.name == "Scheduled"]
    (role,) = [one for one in prod.of("AWS::IAM::Role") if one.name == "ScheduledRole"]
    (asks,) = [one for one in statements(role) if one["Action"] == ["sqs:GetQueueAttributes"]]
    looked_at = json.dumps(scheduled.properties["Environment"]["Variables"]["CADRE_DEAD_LETTER_QUEUES"])
    dead = {queue.name for queue in prod.of("AWS::SQS::Queue") if "RedrivePolicy" not in queue.properties} - {"ScheduleDead"}
    assert len(dead) == len(QUEUES) + 1
    for name in dead:
        assert name in looked_at
        assert name in json.dumps(asks["Resource"])
    assert len(asks["Resource"]) == len(dead)
    (alarm,) = [one.properties for one in prod.of("AWS::CloudWatch::Alarm") if one.name == "DeadLetters"]
    assert (alarm["Namespace"], alarm["MetricName"], alarm["Threshold"]) == ("Cadre", "dead_letters", 1)
    assert SCHEDULES["letters"] == "rate(5 minutes)"
    assert alarm["Period"] >= 600  # one call of the job is in each at least, so that it does not end while there are letters


def test_an_execution_that_could_not_record_its_failure_becomes_a_letter(prod: Templates, local: Templates) -> None:
    for templates in (prod, local):
        (rule,) = [one.properties for one in templates.of("AWS::Events::Rule") if one.name == "LostExecutions"]
        detail = rule["EventPattern"]["detail"]
        assert detail["status"] == ["FAILED", "TIMED_OUT"]  # one that is stopped is no fault
        machines = {machine.name for machine in templates.of("AWS::StepFunctions::StateMachine")}
        assert {one["Ref"] for one in detail["stateMachineArn"]} == machines
        (target,) = rule["Targets"]
        assert logical(target["Arn"]) == "ScheduleDead"  # which has an alarm and takes from rules


def test_a_part_of_a_job_that_fails_has_an_alarm(prod: Templates, local: Templates) -> None:
    for templates in (prod, local):
        (alarm,) = [one for one in templates.of("AWS::CloudWatch::Alarm") if one.name == "WorkFailed"]
        assert (alarm.properties["Namespace"], alarm.properties["MetricName"], alarm.properties["Threshold"]) == (
            "Cadre",
            "failed",
            1,
        )
        (stage,) = alarm.properties["Dimensions"]  # of all its jobs
        assert stage == {"Name": "stage", "Value": "prod" if templates is prod else "local"}


def test_nothing_that_a_rule_sends_is_lost(prod: Templates) -> None:
    """What a target does not take goes to a dead-letter queue that takes it from rules."""
    taking = {
        queue["Ref"]
        for policy in prod.of("AWS::SQS::QueuePolicy")
        for queue in policy.properties["Queues"]
        if "events.amazonaws.com" in json.dumps(policy.properties["PolicyDocument"])
    }
    for rule in prod.of("AWS::Events::Rule"):
        for target in rule.properties["Targets"]:
            if logical(target["Arn"]).endswith("Dead"):
                assert logical(target["Arn"]) in taking, rule
                continue
            assert logical(target["DeadLetterConfig"]["Arn"]) in taking, rule
            assert logical(target["DeadLetterConfig"]["Arn"]).endswith("Dead"), rule


# -- the edge


def test_the_edge_has_an_origin_for_each_api_and_asks_for_tls(prod: Templates) -> None:
    (distribution,) = prod.of("AWS::CloudFront::Distribution")
    config = distribution.properties["DistributionConfig"]
    assert {origin["Id"] for origin in config["Origins"]} == {*(contract.name for contract in CONTRACTS), "socket"}
    assert {origin["CustomOriginConfig"]["OriginProtocolPolicy"] for origin in config["Origins"]} == {"https-only"}
    assert config["Aliases"] == ["api.agentworks.dev", "api.aintandem.com"]
    assert config["ViewerCertificate"]["MinimumProtocolVersion"] == "TLSv1.2_2021"
    assert config["DefaultCacheBehavior"]["ViewerProtocolPolicy"] == "https-only"


def test_dns_records_are_made_for_names_of_the_hosted_zone_only(prod: Templates) -> None:
    """Route 53 refuses others, which are pointed at the edge by hand."""
    assert {one.properties["Name"] for one in prod.of("AWS::Route53::RecordSet")} == {"api.agentworks.dev"}


def test_the_edge_proves_itself_to_every_area(prod: Templates, local: Templates) -> None:
    """By a value that CloudFormation fills in: the templates hold where it is, and not what it is."""
    (distribution,) = prod.of("AWS::CloudFront::Distribution")
    sent = {json.dumps(origin["OriginCustomHeaders"]) for origin in distribution.properties["DistributionConfig"]["Origins"]}
    ((header,),) = map(json.loads, sent)
    assert header["HeaderName"] == "X-Cadre-Edge"
    assert "{{resolve:secretsmanager:" in json.dumps(header["HeaderValue"])
    asking = accepted_edge_keys(prod)
    assert set(asking) == {*AREAS, "ws"}
    assert all(value == header["HeaderValue"] for value in asking.values())
    assert "CADRE_EDGE_KEYS" not in json.dumps(local.stacks)


def accepted_edge_keys(templates: Templates) -> dict[str, Any]:
    return {
        tags(one)["area"]: one.properties["Environment"]["Variables"]["CADRE_EDGE_KEYS"]
        for one in templates.of("AWS::Lambda::Function")
        if "CADRE_EDGE_KEYS" in one.properties["Environment"]["Variables"]
    }


def test_the_edges_key_changes_without_an_outage(prod: Templates, everything: Templates) -> None:
    """Stacks are deployed one after the other: functions accept the next key before the edge sends it, and the last one after."""
    (distribution,) = everything.of("AWS::CloudFront::Distribution")
    (sent,) = {
        json.dumps(one["OriginCustomHeaders"][0]["HeaderValue"])
        for one in distribution.properties["DistributionConfig"]["Origins"]
    }
    for accepted in map(json.dumps, accepted_edge_keys(everything).values()):
        assert re.findall(r"EdgeKey(\d*)Id", accepted) == ["2", "3"]
    assert re.findall(r"EdgeKey(\d*)Id", sent) == ["3"]
    exported = set(everything.stacks["cadre-prod-data"]["Outputs"])
    before = {name for name in prod.stacks["cadre-prod-data"]["Outputs"] if "EdgeKey" in name}
    assert before
    assert before <= exported  # a stack cannot take back what another one still imports


def test_a_laptop_has_the_same_functions_and_no_edge(local: Templates, prod: Templates) -> None:
    missing = {name.removeprefix("cadre-prod-") for name in prod.stacks} - {
        name.removeprefix("cadre-local-") for name in local.stacks
    }
    assert missing == {"account", "edge"}
    assert len(local.of("AWS::Lambda::Function")) == len(prod.of("AWS::Lambda::Function"))
    assert {one.type for one in local.resources} <= {one.type for one in prod.resources}


def test_a_share_of_the_requests_is_traced_and_not_the_first_of_every_second(prod: Templates, local: Templates) -> None:
    (rule,) = [one.properties["SamplingRule"] for one in prod.of("AWS::XRay::SamplingRule")]
    assert (rule["FixedRate"], rule["ReservoirSize"]) == (TRACED, 0)
    names = [f"cadre-prod-{contract.name}/{STAGE_NAME}" for contract in CONTRACTS]
    assert all(fnmatch(name, rule["ServiceName"]) for name in names)
    assert len(rule["RuleName"]) <= 32  # AWS takes no more
    assert "AWS::XRay" not in json.dumps([*local.stacks.values()])  # the local engine has none
