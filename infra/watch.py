"""Alarms, which all notify one SNS topic, and the dashboard."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from aws_cdk import Fn, aws_cloudwatch, aws_sns, aws_xray
from constructs import Construct

from infra.backend import Backend
from infra.data import Data
from infra.exemptions import exempt
from infra.function import Functions
from infra.names import STAGE_NAME, pascal_case
from infra.needs import BEHIND_GATEWAYS, FUNCTIONS, TRACED
from infra.queues import QUEUES
from infra.release import Deployed
from infra.rest_api import RestApi
from infra.settings import Settings
from infra.socket import Socket
from infra.stack import PlatformStack

# Thresholds of alarms, for each period of 5 minutes unless the name has another unit
FUNCTION_ERRORS_LIMIT = 5
API_SERVER_ERRORS = 10
REQUEST_P99_MS = 3000
STREAM_LAG_MS = 60_000
QUEUE_AGE = 300  # seconds that the oldest message has waited, beyond its delay
# Of all mails of the account: from these rates on AWS reviews it, and pauses its sending at 10 % and 0.5 %
MAIL_BOUNCE_RATE = 0.05
MAIL_COMPLAINT_RATE = 0.001
_PERIOD = 300  # seconds
_MAIL_PERIOD = 3600  # seconds: SES publishes its rates a few times an hour
_LETTERS_PERIOD = 900  # seconds: the job looks every five minutes, and the alarm does not go off and on in between


@dataclass(frozen=True)
class Metric:
    """A CloudWatch metric and its statistic."""

    namespace: str
    name: str
    dimensions: Mapping[str, str] = field(default_factory=dict)
    statistic: str = "Sum"


WORKERS_ALONE = tuple(name for name in FUNCTIONS if name not in BEHIND_GATEWAYS)
# Of all functions of the account and region: an alarm for each would say the same, at 0.10 USD a month
FUNCTION_ERRORS = Metric("AWS/Lambda", "Errors")
THROTTLES = Metric("AWS/Lambda", "Throttles")
BOUNCES = Metric("AWS/SES", "Reputation.BounceRate", statistic="Maximum")
COMPLAINTS = Metric("AWS/SES", "Reputation.ComplaintRate", statistic="Maximum")


class Watch(PlatformStack):
    """The SNS topic, the alarms and the dashboard."""

    def __init__(
        self,
        scope: Construct,
        settings: Settings,
        functions: Functions,
        data: Data,
        backend: Backend,
        socket: Socket,
        apis: Mapping[str, RestApi],
    ) -> None:
        super().__init__(scope, settings, "watch", "alarms and the dashboard")
        self.topic_arn = self._topic(settings.alarm_email)
        self._alarm("FunctionErrors", FUNCTION_ERRORS, FUNCTION_ERRORS_LIMIT)
        self._alarm("Throttles", THROTTLES, 1)
        self._queues(data, backend)
        self._tables(data)
        self._apis(apis)
        projector = {"FunctionName": functions.by_name["stream_projector"].name}
        self._alarm("StreamLag", Metric("AWS/Lambda", "IteratorAge", projector, "Maximum"), STREAM_LAG_MS)
        self._alarm("SocketErrors", Metric("AWS/ApiGateway", "ExecutionError", {"ApiId": socket.api.ref}), API_SERVER_ERRORS)
        # Parts of jobs (functions/scheduled) and rollbacks: written only if something failed, by `shared.core.logs.metric`
        self._alarm("WorkFailed", Metric("Cadre", "failed", {"stage": settings.stage}), 1)
        if not settings.local:
            self._alarm("MailBounceRate", BOUNCES, MAIL_BOUNCE_RATE, period=_MAIL_PERIOD)
            self._alarm("MailComplaintRate", COMPLAINTS, MAIL_COMPLAINT_RATE, period=_MAIL_PERIOD)
            self._sampling()
        self._dashboard(functions.by_name, data, backend, socket, apis)

    def _sampling(self) -> None:
        """Trace a share of the requests. X-Ray's own rule records the first request of every second, and so all of a quiet stage: up to 5
        USD a million."""
        aws_xray.CfnSamplingRule(
            self,
            "Sampling",
            sampling_rule=aws_xray.CfnSamplingRule.SamplingRuleProperty(
                rule_name=self.settings.stack_name("")[:32],
                priority=100,
                fixed_rate=TRACED,
                reservoir_size=0,
                service_name=f"{self.settings.stack_name('')}*",
                service_type="*",
                host="*",
                http_method="*",
                url_path="*",
                resource_arn="*",
                version=1,
            ),
        )

    def _topic(self, email: str) -> str:
        """The ARN, read once: each attribute of a construct is a request to the CDK's Node process."""
        topic = aws_sns.CfnTopic(self, "Alarms")
        arn = topic.ref
        exempt(topic, "AwsSolutions-SNS2", "Alarm names only; CloudWatch cannot publish to a topic under the AWS-managed key.")
        aws_sns.CfnTopicPolicy(
            self,
            "AlarmsPolicy",
            topics=[arn],
            policy_document={
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Sid": "OnlyTls",
                        "Effect": "Deny",
                        "Principal": {"AWS": "*"},
                        "Action": "sns:Publish",
                        "Resource": arn,
                        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                    },
                    {
                        "Sid": "Alarms",
                        "Effect": "Allow",
                        "Principal": {"Service": "cloudwatch.amazonaws.com"},
                        "Action": "sns:Publish",
                        "Resource": arn,
                        "Condition": {"StringEquals": {"aws:SourceAccount": self.account}},
                    },
                ],
            },
        )
        if email:
            aws_sns.CfnSubscription(self, "AlarmsMail", topic_arn=arn, protocol="email", endpoint=email)
        return arn

    def _alarm(self, name: str, metric: Metric, threshold: float, *, periods: int = 1, period: int = _PERIOD) -> None:
        percentile = metric.statistic.startswith("p")
        aws_cloudwatch.CfnAlarm(
            self,
            name,
            alarm_description=f"Cadre {self.settings.stage}: {name}",
            namespace=metric.namespace,
            metric_name=metric.name,
            dimensions=[
                aws_cloudwatch.CfnAlarm.DimensionProperty(name=key, value=value) for key, value in metric.dimensions.items()
            ],
            statistic=None if percentile else metric.statistic,
            extended_statistic=metric.statistic if percentile else None,
            period=period,
            evaluation_periods=periods,
            datapoints_to_alarm=periods,
            threshold=threshold,
            comparison_operator="GreaterThanOrEqualToThreshold",
            treat_missing_data="notBreaching",
            alarm_actions=[self.topic_arn],
            ok_actions=[self.topic_arn],
        )

    def _queues(self, data: Data, backend: Backend) -> None:
        letters = Metric("Cadre", "dead_letters", {"stage": self.settings.stage}, "Maximum")  # of all queues, if there are any
        self._alarm("DeadLetters", letters, 1, period=_LETTERS_PERIOD)
        dead = {"QueueName": backend.schedule_dead.attr_queue_name}
        self._alarm("ScheduleDeadLetters", Metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", dead, "Maximum"), 1)
        for name, queue in data.queues.items():
            if not QUEUES[name].hurries:
                continue
            oldest = Metric("AWS/SQS", "ApproximateAgeOfOldestMessage", {"QueueName": queue.queue.attr_queue_name}, "Maximum")
            self._alarm(f"{pascal_case(name)}Age", oldest, QUEUE_AGE + QUEUES[name].delay)

    def _tables(self, data: Data) -> None:
        for name, table in data.tables.items():
            for metric in ("ReadThrottleEvents", "WriteThrottleEvents"):
                self._alarm(f"{name.capitalize()}{metric}", Metric("AWS/DynamoDB", metric, {"TableName": table.ref}), 1)

    def _apis(self, apis: Mapping[str, RestApi]) -> None:
        for name in apis:
            dimensions = self._dimensions(name)
            self._alarm(f"{name.capitalize()}ServerErrors", Metric("AWS/ApiGateway", "5XXError", dimensions), API_SERVER_ERRORS)
        # of all contracts together: the metric that the lines of requests make anyway
        times = Metric("Cadre", "duration_ms", {"stage": self.settings.stage}, "p99")
        self._alarm("Slow", times, REQUEST_P99_MS, periods=3)

    def _dashboard(
        self,
        functions: Mapping[str, Deployed],
        data: Data,
        backend: Backend,
        socket: Socket,
        apis: Mapping[str, RestApi],
    ) -> None:
        widgets = [
            self._graph("Requests", [Metric("AWS/ApiGateway", "Count", self._dimensions(name)) for name in apis]),
            # of all contracts together: each has an alarm of its own, and 50 metrics of a dashboard cost nothing
            self._graph("Server errors", [Metric("Cadre", "server_errors", {"stage": self.settings.stage})]),
            self._graph("Latency p99", [Metric("AWS/ApiGateway", "Latency", self._dimensions(name), "p99") for name in apis]),
            self._graph("Errors of functions", [FUNCTION_ERRORS]),
            self._graph(
                "Duration of workers p99",
                [Metric("AWS/Lambda", "Duration", {"FunctionName": functions[name].name}, "p99") for name in WORKERS_ALONE],
            ),
            self._graph(
                "Queues",
                [
                    Metric("AWS/SQS", "ApproximateAgeOfOldestMessage", {"QueueName": queue.queue.attr_queue_name}, "Maximum")
                    for name, queue in data.queues.items()
                    if not QUEUES[name].delay  # there messages wait on purpose
                ],
            ),
            self._graph(
                "Tables",
                [
                    Metric("AWS/DynamoDB", kind, {"TableName": table.ref})
                    for table in data.tables.values()
                    for kind in ("ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits")
                ],
            ),
            self._graph(
                "Sockets",
                [Metric("AWS/ApiGateway", kind, {"ApiId": socket.api.ref}) for kind in ("ConnectCount", "MessageCount")],
            ),
            self._graph("Mails that come back", [BOUNCES, COMPLAINTS]),
            self._graph(
                "Agent runs",
                [
                    Metric("AWS/States", kind, {"StateMachineArn": backend.machine.ref})
                    for kind in ("ExecutionsStarted", "ExecutionsFailed")
                ],
            ),
        ]
        for number, widget in enumerate(widgets):
            widget |= {"x": number % 3 * 8, "y": number // 3 * 6, "width": 8, "height": 6}
        aws_cloudwatch.CfnDashboard(self, "Dashboard", dashboard_body=self.to_json_string({"widgets": widgets}))

    def _graph(self, title: str, metrics: list[Metric]) -> dict[str, object]:
        lines = [
            [
                metric.namespace,
                metric.name,
                *(part for pair in metric.dimensions.items() for part in pair),
                {"stat": metric.statistic},
            ]
            for metric in metrics
        ]
        return {
            "type": "metric",
            "properties": {
                "title": title,
                "metrics": lines,
                "period": _PERIOD,
                "region": Fn.ref("AWS::Region"),
                "view": "timeSeries",
            },
        }

    def _dimensions(self, contract: str) -> dict[str, str]:
        """The metrics' dimensions. `ApiName` is the title of the imported OpenAPI document."""
        return {"ApiName": self.settings.stack_name(contract), "Stage": STAGE_NAME}
