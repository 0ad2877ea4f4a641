"""A Lambda function with its own role, environment and log group, made from its entry in `infra.needs`."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aws_cdk import Tags, Token, aws_iam, aws_lambda, aws_logs
from aws_cdk.aws_s3_assets import Asset
from constructs import Construct

from infra.data import Data
from infra.exemptions import exempt
from infra.names import DEPLOYMENT_ROLES, GSIS, STAGE_NAME, pascal_case
from infra.needs import AREAS, BEHIND_GATEWAYS, FUNCTIONS, Access, Needs
from infra.queues import QUEUES
from infra.release import Deployed, release
from infra.settings import Settings, SettingsError
from infra.stack import PlatformStack, trusts

_READ = ["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"]
_WRITE = [
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "dynamodb:DeleteItem",
    "dynamodb:BatchWriteItem",
    "dynamodb:ConditionCheckItem",
]
_ASK_GITHUB = ("github", "github_worker")
_SECRETS = {"seal": ["kms:Encrypt"], "unseal": ["kms:Decrypt"], "both": ["kms:Encrypt", "kms:Decrypt"]}
_ENVIRONMENT = 4096  # bytes of all variables of a function: Lambda's limit
_REFERENCE = 128  # bytes of a value that only the deployment knows: the address of a queue has about 100
_NAMES = {"CADRE_DEAD_LETTER_QUEUES": 81}  # names of queues, which have at most 80 characters, and a comma
Statement = dict[str, Any]


def allow(actions: list[str], *resources: str, **more: Any) -> Statement:
    """A policy statement; `more` may hold its Condition."""
    return {"Effect": "Allow", "Action": actions, "Resource": list(resources), **more}


@dataclass
class Grants:
    """The policy statements of a function's role and the variables of its environment."""

    statements: list[Statement] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    wildcards: dict[str, str] = field(default_factory=dict)  # resource as cdk-nag writes it -> why it has a wildcard

    def add(self, statement: Statement, **environment: str) -> None:
        self.statements.append(statement)
        self.environment |= {f"CADRE_{name.upper()}": value for name, value in environment.items()}

    def wildcard(self, resource: str, reason: str) -> None:
        self.wildcards[resource] = reason

    def include(self, more: "Grants") -> None:
        self.statements += more.statements
        self.environment |= more.environment
        self.wildcards |= more.wildcards


class Functions:
    """Makes functions in any stack, and grants each the resources that it needs."""

    def __init__(self, settings: Settings, data: Data, package: Path) -> None:
        self.settings, self.data, self.package = settings, data, package
        self.socket_api: str = ""  # the API's id, set by `infra.socket`
        self.socket_endpoint: str = settings.socket_endpoint
        self.sandbox_runtime: str = ""  # the ARN, if sandboxes run on AWS, set by `infra.platform`
        self.by_name: dict[str, Deployed] = {}
        self.roles: dict[str, aws_iam.CfnRole] = {}
        self._assets: dict[str, Asset] = {}
        _check_concurrency(settings.reserved_concurrency)
        _snapshots(settings.snap_start)

    def make(self, scope: PlatformStack, name: str, more: Grants | None = None) -> Deployed:
        """The function of `functions/<name>`. `more` holds grants that only the caller knows (the state machine, a stream)."""
        needs = FUNCTIONS[name]
        title = pascal_case(name)
        grants = self._grants(scope, needs)
        if more:
            grants.include(more)
        logs = scope.logs(f"{title}Logs")
        grants.add(allow(["logs:CreateLogStream", "logs:PutLogEvents"], logs.attr_arn))
        # X-Ray's actions accept no resource
        grants.add(allow(["xray:PutTraceSegments", "xray:PutTelemetryRecords"], "*"))
        grants.wildcard("*", "Actions that accept no resource: X-Ray's, and CloudWatch's for its figures.")
        role = self._role(scope, title, grants)
        environment = self._environment(name, grants)
        _check_environment(name, environment)
        held = self._held(scope, name, environment, role, logs)
        stamp = self._stamp(scope, held)
        function = aws_lambda.CfnFunction(
            scope,
            title,
            **held,
            # without this, Lambda stops a chain of messages that comes back to its function after 16 rounds
            recursive_loop="Allow" if feeds_itself(name) else None,
            description=f"Cadre: {name} {stamp}".rstrip(),  # Lambda makes no version of what did not change
            reserved_concurrent_executions=self.settings.reserved_concurrency.get(name),
        )
        if self.settings.runtime != "python3.14":
            exempt(function, "AwsSolutions-L1", "The runtime is the Python that compiled the package: bytecode must match.")
        Tags.of(function).add("area", name)
        Tags.of(role).add("area", name)
        Tags.of(logs).add("area", name)
        self.by_name[name] = release(scope, title, function, stamp, answers=name in AREAS)
        self.roles[name] = role
        return self.by_name[name]

    def _held(
        self,
        scope: PlatformStack,
        name: str,
        environment: dict[str, str],
        role: aws_iam.CfnRole,
        logs: aws_logs.CfnLogGroup,
    ) -> dict[str, Any]:
        """The properties that a version of the function holds."""
        needs, asset, snapshots = FUNCTIONS[name], self._asset(scope), name in _snapshots(self.settings.snap_start)
        return {
            "handler": f"functions.{name}.handler.handler",
            "runtime": self.settings.runtime,
            "architectures": [self.settings.architecture],
            "role": role.attr_arn,
            "code": aws_lambda.CfnFunction.CodeProperty(s3_bucket=asset.s3_bucket_name, s3_key=asset.s3_object_key),
            "memory_size": needs.memory,
            "timeout": needs.timeout,
            # Active begins traces: where a request comes in. A worker goes on with the trace that its message or its execution brings
            "tracing_config": aws_lambda.CfnFunction.TracingConfigProperty(
                mode="Active" if name in BEHIND_GATEWAYS else "PassThrough"
            ),
            "logging_config": aws_lambda.CfnFunction.LoggingConfigProperty(
                log_format="JSON",
                log_group=logs.ref,
                application_log_level=self._passing_level(),
                system_log_level="WARN",  # START, END and REPORT lines cost more than our one line for each request
            ),
            "environment": aws_lambda.CfnFunction.EnvironmentProperty(variables=environment),
            "snap_start": aws_lambda.CfnFunction.SnapStartProperty(apply_on="PublishedVersions") if snapshots else None,
        }

    def _stamp(self, scope: PlatformStack, held: dict[str, Any]) -> str:
        """A hash that changes with what a version of the function holds, and with nothing else; empty without versions."""
        if not self.settings.versions:
            return ""
        return hashlib.sha256(json.dumps(scope.resolve(held), sort_keys=True).encode()).hexdigest()[:12]

    def _passing_level(self) -> str:
        """What Lambda lets through. Never less than INFO: requests' lines have that level and hold the metrics. The process itself leaves
        out the rest (`shared.core.logs`)."""
        return "DEBUG" if self.settings.log_level == "DEBUG" else "INFO"

    def _asset(self, scope: PlatformStack) -> Asset:
        if scope.node.path not in self._assets:
            self._assets[scope.node.path] = Asset(scope, "Package", path=str(self.package))
        return self._assets[scope.node.path]

    def _role(self, scope: Construct, title: str, grants: Grants) -> aws_iam.CfnRole:
        role = aws_iam.CfnRole(
            scope,
            f"{title}Role",
            assume_role_policy_document=trusts("lambda.amazonaws.com"),
            policies=[
                aws_iam.CfnRole.PolicyProperty(
                    policy_name="needs", policy_document={"Version": "2012-10-17", "Statement": grants.statements}
                )
            ],
        )
        for resource, reason in grants.wildcards.items():
            exempt(role, f"AwsSolutions-IAM5[Resource::{resource}]", reason)
        return role

    def _environment(self, name: str, grants: Grants) -> dict[str, str]:
        provider, model = self.settings.first_model
        edge_keys = self.data.accepted_edge_keys if name in BEHIND_GATEWAYS else ""
        return {
            "CADRE_STAGE": self.settings.stage,
            "CADRE_LOG_LEVEL": self.settings.log_level,
            # No code reads it: a changed variable makes Lambda start new processes
            **({} if self.settings.kept_start else {"CADRE_KEPT": "off"}),
            **({"REVISION": self.settings.revision} if self.settings.revision else {}),
            # Not the name alone: Powertools drops every line of a log whose name contains this, as `shared.runs` contains `runs`
            "POWERTOOLS_SERVICE_NAME": f"cadre-{name}",
            "POWERTOOLS_METRICS_NAMESPACE": "Cadre",
            "PYDANTIC_DISABLE_PLUGINS": "__all__",  # looking for plugins reads every package's metadata at import
            "CADRE_PUBLIC_URL": self.settings.url,
            "CADRE_ISSUER": self.settings.issuer or self.settings.url,
            **({"CADRE_APP_URL": self.settings.app_url} if self.settings.app_url else {}),
            **({"CADRE_AGENTWORKS_URL": self.settings.url_of("agentworks")} if "agentworks" in self.settings.domains else {}),
            **({"CADRE_GITHUB_API": self.settings.github_api} if self.settings.github_api and name in _ASK_GITHUB else {}),
            **({"CADRE_ALLOWED_ORIGINS": ",".join(origins)} if (origins := self._origins()) else {}),
            **({"CADRE_EDGE_KEYS": edge_keys} if edge_keys else {}),
            **({"CADRE_DEFAULT_PROVIDER": provider, "CADRE_DEFAULT_MODEL": model} if provider else {}),
            **grants.environment,
        }

    def _origins(self) -> list[str]:
        """The origins that may send cookies and receive the result of a sign-in: never `*`."""
        return [origin for origin in self.settings.allowed_origins if origin != "*"]

    def _grants(self, scope: PlatformStack, needs: Needs) -> Grants:
        grants, data = Grants(), self.data
        for table, access in (("core", needs.core), ("telemetry", needs.telemetry), ("ephemeral", needs.ephemeral)):
            self._grant_table(grants, table, access)
        if needs.files != "none":
            writes = ["s3:PutObject"] if needs.files == "write" else []
            actions = ["s3:GetObject", *writes] + (["s3:DeleteObject"] if needs.files != "read" else [])
            grants.add(allow(actions, f"{data.files.attr_arn}/*"), files_bucket=data.files.ref)
            grants.wildcard(
                "<Files.Arn>/*", "Objects get their names while the platform runs; the services check to whom they belong."
            )
        if needs.files == "clear":
            grants.add(allow(["s3:ListBucket"], data.files.attr_arn))
        if needs.signs:
            grants.add(allow(["secretsmanager:GetSecretValue"], data.signing.attr_id), signing_secret=data.signing.attr_id)
        if needs.signs_for_clients:
            grants.add(
                allow(["kms:Sign", "kms:GetPublicKey"], data.client_key.attr_arn), client_token_key=data.client_key.attr_arn
            )
        if needs.secrets != "none":
            grants.add(allow(_SECRETS[needs.secrets], data.secrets.attr_arn), secrets_key=data.secrets.attr_arn)
        for name in needs.sends:
            queue = data.queues[name].queue
            grants.add(allow(["sqs:SendMessage"], queue.attr_arn), **{_queue_setting(name): queue.ref})
        if needs.probes:
            self._grant_probing(grants)
        if needs.figures:
            # accepts no resource, and no condition on a namespace; cdk-nag's exception for "*" is that of X-Ray (`make`)
            grants.add(allow(["cloudwatch:GetMetricData"], "*"))
        if needs.posts:
            self._grant_posting(scope, grants)
        if needs.mails:
            self._grant_mail(scope, grants)
        if needs.bills:
            self._grant_billing(grants)
        if needs.oauth:
            self._grant_oauth(grants)
        if needs.github_app and (arn := self.settings.github_app_secret_arn):
            grants.add(allow(["secretsmanager:GetSecretValue"], arn), github_app_secret=arn)
        if needs.deploys:
            # roles that customers made for this: each trusts us with its project's id, and none of ours has this name
            grants.add(allow(["sts:AssumeRole"], f"arn:{scope.partition}:iam::*:role/{DEPLOYMENT_ROLES}*"))
            grants.wildcard(
                f"arn:<AWS::Partition>:iam::*:role/{DEPLOYMENT_ROLES}*",
                "Customers' accounts are known when they name their role.",
            )
        if needs.models != "none":
            self._grant_models(grants, calls=needs.models == "call")
        if needs.embeds:
            self._grant_embeddings(grants)
        return grants

    def _grant_table(self, grants: Grants, name: str, access: Access) -> None:
        if access == "none":
            return
        table = self.data.tables[name]
        arn = table.attr_arn
        grants.environment[f"CADRE_{name.upper()}_TABLE"] = table.ref
        grants.add(allow(_READ + (_WRITE if access == "write" else []), arn))
        indexes = {"core": GSIS, "ephemeral": GSIS[:1]}.get(name, ())
        if indexes:
            grants.add(allow(["dynamodb:Query"], *(f"{arn}/index/{index}" for index in indexes)))

    def _grant_probing(self, grants: Grants) -> None:
        for name, each in self.data.queues.items():
            grants.add(allow(["sqs:GetQueueAttributes"], each.queue.attr_arn), **{_queue_setting(name): each.queue.ref})
        grants.add(allow(["s3:ListBucket"], self.data.files.attr_arn), files_bucket=self.data.files.ref)

    def _grant_posting(self, scope: PlatformStack, grants: Grants) -> None:
        grants.environment["CADRE_SOCKET_ENDPOINT"] = self.socket_endpoint
        grants.add(
            allow(
                ["execute-api:ManageConnections"],
                scope.arn("execute-api", self.socket_api, f"/{STAGE_NAME}/*/@connections/*"),
            )
        )
        grants.wildcard(
            scope.arn_in_findings("execute-api", f"<Api>/{STAGE_NAME}/*/@connections/*"),
            "API Gateway names each connection when it opens.",
        )

    def _grant_mail(self, scope: PlatformStack, grants: Grants) -> None:
        sender = self.settings.mail_sender
        resources = [scope.arn("ses", f"identity/{identity}") for identity in (sender, sender.partition("@")[2])]
        if name := self.data.configuration_set:
            resources.append(scope.arn("ses", "configuration-set/", name))
            grants.environment["CADRE_MAIL_CONFIGURATION_SET"] = name
        grants.add(
            allow(["ses:SendEmail", "ses:SendRawEmail"], *resources, Condition={"StringEquals": {"ses:FromAddress": sender}}),
            mail_sender=sender,
        )

    def _grant_oauth(self, grants: Grants) -> None:
        """The secret with our client ids at sign-in providers."""
        settings = self.settings
        if settings.oauth_secret_arn:
            grants.add(
                allow(["secretsmanager:GetSecretValue"], settings.oauth_secret_arn), oauth_secret=settings.oauth_secret_arn
            )

    def _grant_billing(self, grants: Grants) -> None:
        """The seller that invoices name, and the payment gateway's keys."""
        settings = self.settings
        for name in ("seller_name", "seller_address", "seller_country", "seller_tax_id"):
            if value := getattr(settings, name):
                grants.environment[f"CADRE_{name.upper()}"] = value
        if settings.payment_secret_arn:
            grants.add(
                allow(["secretsmanager:GetSecretValue"], settings.payment_secret_arn), payment_secret=settings.payment_secret_arn
            )

    def _grant_embeddings(self, grants: Grants) -> None:
        """The service that turns texts into vectors, if another than the embedded one is chosen."""
        settings = self.settings
        service, _, _ = settings.embeddings.partition(":")
        if settings.embeddings:
            grants.environment["CADRE_EMBEDDINGS"] = settings.embeddings
        if service in ("bedrock", "openai") and settings.provider_secret_arn:
            grants.add(
                allow(["secretsmanager:GetSecretValue"], settings.provider_secret_arn),
                provider_secret=settings.provider_secret_arn,
            )
        if service == "bedrock" and settings.bedrock_model_arns:
            grants.add(allow(["bedrock:InvokeModel"], *settings.bedrock_model_arns))

    def _grant_models(self, grants: Grants, *, calls: bool) -> None:
        settings = self.settings
        if settings.provider_secret_arn:
            grants.add(
                allow(["secretsmanager:GetSecretValue"], settings.provider_secret_arn),
                provider_secret=settings.provider_secret_arn,
            )
        if calls and settings.bedrock_model_arns:
            grants.add(allow(["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"], *settings.bedrock_model_arns))
        for name in ("price_multiplier", "price_step_micros"):
            grants.environment[f"CADRE_{name.upper()}"] = getattr(settings, name)


def feeds_itself(name: str) -> bool:
    """Whether messages of this function come back to it, from its own queue or by way of other functions."""
    reached: set[str] = set()
    waiting = [name]
    while waiting:
        consumers = {QUEUES[queue].consumer for queue in FUNCTIONS[waiting.pop()].sends} - reached
        reached |= consumers
        waiting += consumers
    return name in reached


def _queue_setting(name: str) -> str:
    return f"{name.replace('-', '_')}_queue"


def _check_concurrency(reserved: Mapping[str, int]) -> None:
    """Raise SettingsError for a function that does not exist, or has less than its queues ask for: their messages would fail."""
    for name, number in reserved.items():
        if name not in FUNCTIONS:
            raise SettingsError(f"reservedConcurrency: {name!r} is no function; they are {', '.join(sorted(FUNCTIONS))}")
        asked = sum(spec.concurrency for spec in QUEUES.values() if spec.consumer == name)
        if number < max(asked, 1):
            raise SettingsError(f"reservedConcurrency: {name} needs at least {max(asked, 1)}")


def _snapshots(named: tuple[str, ...]) -> tuple[str, ...]:
    """The functions that start from a snapshot. Raises SettingsError for one that no gateway calls: others do not renew their chance."""
    if named == ("all",):
        return BEHIND_GATEWAYS
    for name in named:
        if name not in BEHIND_GATEWAYS:
            raise SettingsError(f"snapStart: {name!r} is not `all` and none of {', '.join(sorted(BEHIND_GATEWAYS))}")
    return named


def _check_environment(name: str, variables: Mapping[str, str]) -> None:
    """Raise SettingsError if a function's variables may be longer than Lambda takes."""
    sizes = {
        variable: len(variable) + (_of_reference(variable, value) if Token.is_unresolved(value) else len(value.encode()))
        for variable, value in variables.items()
    }
    if sum(sizes.values()) > _ENVIRONMENT:
        longest = sorted(sizes, key=sizes.__getitem__)[:-3:-1]
        raise SettingsError(f"{name} has more than {_ENVIRONMENT} bytes of variables; the longest are {' and '.join(longest)}")


def _of_reference(variable: str, value: str) -> int:
    """The most bytes of a value that only the deployment knows."""
    return _NAMES.get(variable, _REFERENCE) * (value.count(",") + 1)


def may_invoke(scope: Construct, name: str, function_arn: str, service: str, source_arn: str) -> None:
    """Let one source invoke one function."""
    aws_lambda.CfnPermission(
        scope, name, action="lambda:InvokeFunction", function_name=function_arn, principal=service, source_arn=source_arn
    )
