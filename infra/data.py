"""The resources that hold state: tables, the files bucket, queues, secrets."""

from dataclasses import dataclass
from typing import Any

from aws_cdk import Fn, RemovalPolicy, SecretValue, aws_dynamodb, aws_kms, aws_s3, aws_secretsmanager, aws_sqs
from constructs import Construct

from infra.buckets import bucket, old_versions, unfinished_uploads
from infra.exemptions import exempt
from infra.mail import configuration_set
from infra.names import GSIS, pascal_case
from infra.needs import FUNCTIONS
from infra.queues import QUEUES, QueueSpec
from infra.settings import Settings
from infra.stack import PlatformStack, only_tls
from shared.store import IN_INDEXES

# High throughput: the quota of 300 calls a second is then for each message group, not for the whole queue
_FIFO: dict[str, Any] = {
    "fifo_queue": True,
    "deduplication_scope": "messageGroup",
    "fifo_throughput_limit": "perMessageGroupId",
}
_ROTATION = 2560  # days, the longest that KMS allows
_DEAD_KEEP = 1_209_600  # 14 days, the longest that SQS allows


@dataclass(frozen=True)
class Queue:
    """A queue with its dead-letter queue."""

    name: str
    queue: aws_sqs.CfnQueue
    dead: aws_sqs.CfnQueue


class Data(PlatformStack):
    """Tables, files, queues and secrets. In production they stay when the stack is deleted."""

    def __init__(self, scope: Construct, settings: Settings) -> None:
        super().__init__(scope, settings, "data", "tables, files, queues, secrets", holds_data=True)
        self.tables = {
            "core": self._table("Core", indexes=GSIS, projected=IN_INDEXES, stream=True),
            "telemetry": self._table("Telemetry"),
            # Sessions and rate limits expire after minutes to days. A restore would bring back revoked sessions
            "ephemeral": self._table("Ephemeral", indexes=("GSI1",), recoverable=False),
        }
        exempt(self.tables["ephemeral"], "AwsSolutions-DDB3", "Its items expire; a restore would bring back revoked sessions.")
        self.files = self._bucket()
        self.queues = {name: self._queue(name, spec) for name, spec in QUEUES.items()}
        self.configuration_set = "" if settings.local else self._mail_events()
        self.signing = aws_secretsmanager.CfnSecret(
            self,
            "Signing",
            description="Cadre: the key that signs tokens",
            generate_secret_string=aws_secretsmanager.CfnSecret.GenerateSecretStringProperty(
                password_length=64, exclude_punctuation=True
            ),
        )
        self.keep(self.signing)
        self.client_key = self._client_keys()
        # The key never leaves KMS, which bills each of the first two rotations as one key more: so they are rare, and one that is needed is
        # made by hand (docs/operations.md). What came before still decrypts
        self.secrets = self._kms_key("Secrets", "secrets of tenants", enable_key_rotation=True, rotation_period_in_days=_ROTATION)
        self.keep(self.secrets)
        self.edge_keys = {} if settings.local else self._edge_keys()
        exempt(self.signing, "AwsSolutions-SMG4", "A new key ends every session; it is changed by hand.")

    def _client_keys(self) -> aws_kms.CfnKey:
        """The key that signs the tokens of OAuth clients. The one before stays, because the functions of the last deployment import it."""
        newest = self.settings.client_key_number
        keys = [self._client_key(number) for number in range(max(newest - 1, 1), newest + 1)]
        for key in keys:
            self.export_value(key.attr_arn)
        return keys[-1]

    def _client_key(self, number: int) -> aws_kms.CfnKey:
        name = "ClientKey" if number == 1 else f"ClientKey{number}"
        key = self._kms_key(name, "signs the tokens of OAuth clients", key_spec="RSA_2048", key_usage="SIGN_VERIFY")
        key.apply_removal_policy(RemovalPolicy.DESTROY)  # its tokens last an hour, and KMS waits for 30 days
        return key

    def _kms_key(self, name: str, use: str, **options: Any) -> aws_kms.CfnKey:
        """A key of KMS that roles may use as their own policies say."""
        account = Fn.join("", ["arn:", self.partition, ":iam::", self.account, ":root"])
        policy = {"Sid": "RolesDecide", "Effect": "Allow", "Principal": {"AWS": account}, "Action": "kms:*", "Resource": "*"}
        document = {"Version": "2012-10-17", "Statement": [policy]}
        return aws_kms.CfnKey(self, name, description=f"Cadre: {use}", key_policy=document, **options)

    def _mail_events(self) -> str:
        queue = self.queues["emails"]
        return configuration_set(self, queue.queue, queue.dead)

    def _edge_keys(self) -> dict[int, str]:
        """The edge's keys by number: references that CloudFormation resolves at deployment. A local deployment has no edge.

        Key `edge_key_number` is the current one, and the one before is still accepted. The one before that is used by nothing, but the
        functions of the last deployment may still import it while this stack is deployed.
        """
        newest = self.settings.edge_key_number
        keys = {number: self._edge_key(number) for number in range(max(newest - 2, 1), newest + 1)}
        for key in keys.values():
            self.export_value(key.attr_id)
        return {number: SecretValue.secrets_manager(key.attr_id).unsafe_unwrap() for number, key in keys.items()}

    def _edge_key(self, number: int) -> aws_secretsmanager.CfnSecret:
        secret = aws_secretsmanager.CfnSecret(
            self,
            "EdgeKey" if number == 1 else f"EdgeKey{number}",
            description="Cadre: what the edge sends with every request",
            generate_secret_string=aws_secretsmanager.CfnSecret.GenerateSecretStringProperty(
                password_length=40, exclude_punctuation=True
            ),
        )
        secret.apply_removal_policy(RemovalPolicy.DESTROY)  # it protects nothing that outlives the stack
        exempt(secret, "AwsSolutions-SMG4", "Functions and edge get a new key in turn, by a deployment with the next number.")
        return secret

    @property
    def edge_key(self) -> str:
        """What the edge sends; empty where there is no edge."""
        return self.edge_keys.get(self.settings.edge_key_number, "")

    @property
    def accepted_edge_keys(self) -> str:
        """What functions accept, separated by commas: the current key and the one before."""
        return ",".join(list(self.edge_keys.values())[-2:])

    def _table(
        self,
        name: str,
        *,
        indexes: tuple[str, ...] = (),
        projected: tuple[str, ...] = (),
        stream: bool = False,
        recoverable: bool = True,
    ) -> aws_dynamodb.CfnTable:
        keys = ["PK", "SK", *(f"{index}{part}" for index in indexes for part in ("PK", "SK"))]
        projection = (
            aws_dynamodb.CfnTable.ProjectionProperty(projection_type="INCLUDE", non_key_attributes=list(projected))
            if projected
            else aws_dynamodb.CfnTable.ProjectionProperty(projection_type="ALL")
        )
        table = aws_dynamodb.CfnTable(
            self,
            name,
            billing_mode="PAY_PER_REQUEST",
            on_demand_throughput=self._ceiling(),
            attribute_definitions=[
                aws_dynamodb.CfnTable.AttributeDefinitionProperty(attribute_name=key, attribute_type="S") for key in keys
            ],
            key_schema=_key_schema(""),
            global_secondary_indexes=[
                aws_dynamodb.CfnTable.GlobalSecondaryIndexProperty(
                    index_name=index,
                    key_schema=_key_schema(index),
                    projection=projection,
                    on_demand_throughput=self._ceiling(),
                )
                for index in indexes
            ]
            or None,
            time_to_live_specification=aws_dynamodb.CfnTable.TimeToLiveSpecificationProperty(attribute_name="ttl", enabled=True),
            point_in_time_recovery_specification=aws_dynamodb.CfnTable.PointInTimeRecoverySpecificationProperty(
                point_in_time_recovery_enabled=recoverable
            ),
            stream_specification=aws_dynamodb.CfnTable.StreamSpecificationProperty(stream_view_type="NEW_AND_OLD_IMAGES")
            if stream
            else None,
            deletion_protection_enabled=self.settings.protected,
        )
        # a new one too: it refuses its deletion, and the deployment could not go back
        table.apply_removal_policy(RemovalPolicy.RETAIN if self.settings.protected else RemovalPolicy.DESTROY)
        return table

    def _ceiling(self) -> aws_dynamodb.CfnTable.OnDemandThroughputProperty | None:
        """What a table or an index may be asked for in a second, so that an error of ours or an attack has a price that is known."""
        reads, writes = self.settings.table_max_reads, self.settings.table_max_writes
        if not (reads or writes):
            return None
        return aws_dynamodb.CfnTable.OnDemandThroughputProperty(
            max_read_request_units=reads or None, max_write_request_units=writes or None
        )

    def _bucket(self) -> aws_s3.CfnBucket:
        cors = aws_s3.CfnBucket.CorsConfigurationProperty(
            cors_rules=[
                aws_s3.CfnBucket.CorsRuleProperty(
                    # presigned uploads and downloads come straight from browsers
                    allowed_methods=["GET", "PUT", "POST"],
                    allowed_origins=list(self.settings.allowed_origins),
                    allowed_headers=["*"],
                    exposed_headers=["ETag"],
                    max_age=3600,
                )
            ]
        )
        rules = [
            unfinished_uploads(days=2),
            old_versions(days=30),
            # uploads that nothing uses: attaching one copies it to another key
            aws_s3.CfnBucket.RuleProperty(id="uploads", status="Enabled", prefix="uploads/", expiration_in_days=1),
            aws_s3.CfnBucket.RuleProperty(id="exports", status="Enabled", prefix="exports/", expiration_in_days=7),
            # responses for repeated requests with the same idempotency key, valid for a day
            aws_s3.CfnBucket.RuleProperty(id="idempotency", status="Enabled", prefix="idempotency/", expiration_in_days=2),
        ]
        why = "Access logs would double the requests; every read is by a presigned URL or a function."
        return bucket(self, "Files", rules, unlogged=why, cors=cors)

    def _queue(self, name: str, spec: QueueSpec) -> Queue:
        title = pascal_case(name)
        dead = dead_letters(self, f"{title}Dead", by_rules=spec.by_rules, fifo=spec.fifo)
        queue = aws_sqs.CfnQueue(
            self,
            title,
            sqs_managed_sse_enabled=True,
            message_retention_period=spec.retention,
            **(_FIFO if spec.fifo else {}),
            # six times the consumer's timeout, as AWS advises: room for the poller's own retries
            visibility_timeout=6 * FUNCTIONS[spec.consumer].timeout,
            redrive_policy={"deadLetterTargetArn": dead.attr_arn, "maxReceiveCount": spec.max_receives},
        )
        self.keep(queue)
        secure(self, f"{title}Policy", queue, by_rules=spec.by_rules)
        return Queue(name, queue, dead)


def dead_letters(scope: PlatformStack, name: str, *, by_rules: bool = False, fifo: bool = False) -> aws_sqs.CfnQueue:
    """A dead-letter queue. `by_rules`: rules of EventBridge may send to it."""
    queue = aws_sqs.CfnQueue(
        scope, name, sqs_managed_sse_enabled=True, message_retention_period=_DEAD_KEEP, fifo_queue=True if fifo else None
    )
    scope.keep(queue)
    secure(scope, f"{name}Policy", queue, by_rules=by_rules)
    exempt(queue, "AwsSolutions-SQS3", "This is a dead-letter queue.")
    return queue


def secure(scope: PlatformStack, name: str, queue: aws_sqs.CfnQueue, *, by_rules: bool = False) -> None:
    """Refuse requests without TLS, and let this account's rules of EventBridge send. The policy's resource must be the queue, so each
    has its own."""
    policy = only_tls(["sqs:*"], [queue.attr_arn])
    if by_rules:
        policy["Statement"].append(
            {
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": ["sqs:SendMessage"],
                "Resource": [queue.attr_arn],
                "Condition": {"ArnLike": {"aws:SourceArn": scope.arn("events", "rule/*")}},
            }
        )
    aws_sqs.CfnQueuePolicy(scope, name, queues=[queue.ref], policy_document=policy)


def _key_schema(index: str) -> list[aws_dynamodb.CfnTable.KeySchemaProperty | Any]:
    return [
        aws_dynamodb.CfnTable.KeySchemaProperty(attribute_name=f"{index}PK", key_type="HASH"),
        aws_dynamodb.CfnTable.KeySchemaProperty(attribute_name=f"{index}SK", key_type="RANGE"),
    ]
