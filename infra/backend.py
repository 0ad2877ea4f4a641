"""The functions: every REST area, every worker that exists, and what sets the workers going."""

import json

from aws_cdk import ArnFormat, CfnOutput, aws_iam, aws_lambda, aws_stepfunctions
from constructs import Construct

from infra.agent_run import definition
from infra.data import Data, dead_letters
from infra.exemptions import exempt
from infra.function import Functions, Grants, allow, trusts
from infra.needs import needs
from infra.queues import QUEUES
from infra.routes import Code
from infra.schedules import schedule
from infra.stack import PlatformStack

ANSWER = ["states:SendTaskSuccess", "states:SendTaskFailure"]
_STREAM_MAX_AGE = 21_600  # seconds of trouble before events are set aside; the stream itself forgets after 24 h


class Backend(PlatformStack):
    def __init__(self, scope: Construct, functions: Functions, data: Data, code: Code) -> None:
        super().__init__(scope, functions.settings, "functions", "the functions and what sets them going")
        self.functions, self.data = functions, data
        self.machine: aws_stepfunctions.CfnStateMachine | None = None
        self.dead: dict[str, str] = {}  # dead-letter queues made here: title -> queue name
        if "run_steps" in code.workers:
            self.machine = self._agent_run(functions.make(self, "run_steps"))
            # The machine calls the steps and the steps answer the machine: what closes the circle is a policy beside the role
            aws_iam.CfnPolicy(
                self,
                "RunStepsAnswers",
                policy_name="answers",
                roles=[functions.roles["run_steps"].ref],
                policy_document={"Version": "2012-10-17", "Statement": [allow(ANSWER, self.machine.ref)]},
            )
        for area in code.areas:
            grants = self._machine_grants(area)
            if key := data.edge_key_value:
                grants.environment["CADRE_EDGE_KEY"] = key
            functions.make(self, area, grants)
        for consumer in dict.fromkeys(work.consumer for work in QUEUES.values()):
            if consumer in code.workers:
                self._consume(consumer)
        if "stream_projector" in code.workers:
            self._project()
        if "scheduled" in code.workers:
            self._clock(code.jobs)

    def _machine_grants(self, name: str) -> Grants:
        """Start, stop and answer runs. Executions are made while the platform runs: their names cannot be listed here."""
        grants, verbs = Grants(), needs(name).machine
        if not self.machine or not verbs:
            return grants
        arn = self.machine.ref
        if "start" in verbs:
            grants.add(allow(["states:StartExecution"], arn))
        if "stop" in verbs:
            executions = self.format_arn(
                service="states",
                resource="execution",
                resource_name=f"{self.machine.attr_name}:*",
                arn_format=ArnFormat.COLON_RESOURCE_NAME,
            )
            grants.add(allow(["states:StopExecution", "states:DescribeExecution"], executions))
            grants.wildcard(
                self.arn_as_shown("states", "execution:<AgentRun.Name>:*"), "Executions are named while the platform runs."
            )
        if "answer" in verbs:
            grants.add(allow(ANSWER, arn))
        grants.environment["CADRE_AGENT_RUN_MACHINE"] = arn
        return grants

    def _agent_run(self, steps: aws_lambda.CfnFunction) -> aws_stepfunctions.CfnStateMachine:
        role = aws_iam.CfnRole(
            self,
            "AgentRunRole",
            assume_role_policy_document=trusts("states.amazonaws.com"),
            policies=[
                aws_iam.CfnRole.PolicyProperty(
                    policy_name="needs",
                    policy_document={
                        "Version": "2012-10-17",
                        "Statement": [
                            allow(["lambda:InvokeFunction"], steps.attr_arn),
                            # log delivery and X-Ray have no resource level
                            allow(
                                [
                                    "logs:CreateLogDelivery",
                                    "logs:GetLogDelivery",
                                    "logs:UpdateLogDelivery",
                                    "logs:DeleteLogDelivery",
                                    "logs:ListLogDeliveries",
                                    "logs:PutResourcePolicy",
                                    "logs:DescribeResourcePolicies",
                                    "logs:DescribeLogGroups",
                                ],
                                "*",
                            ),
                            allow(
                                [
                                    "xray:PutTraceSegments",
                                    "xray:PutTelemetryRecords",
                                    "xray:GetSamplingRules",
                                    "xray:GetSamplingTargets",
                                ],
                                "*",
                            ),
                        ],
                    },
                )
            ],
        )
        exempt(role, "AwsSolutions-IAM5[Resource::*]", "Vended logs and X-Ray accept no resource in these actions.")
        machine = aws_stepfunctions.CfnStateMachine(
            self,
            "AgentRun",
            role_arn=role.attr_arn,
            state_machine_type="STANDARD",
            definition_string=json.dumps(definition("${RunSteps}", "${Partition}")),
            definition_substitutions={"RunSteps": steps.attr_arn, "Partition": self.partition},
            logging_configuration=aws_stepfunctions.CfnStateMachine.LoggingConfigurationProperty(
                level="ALL",
                include_execution_data=False,
                destinations=[
                    aws_stepfunctions.CfnStateMachine.LogDestinationProperty(
                        cloud_watch_logs_log_group=aws_stepfunctions.CfnStateMachine.CloudWatchLogsLogGroupProperty(
                            log_group_arn=self.logs("AgentRunLogs").attr_arn
                        )
                    )
                ],
            ),
            tracing_configuration=aws_stepfunctions.CfnStateMachine.TracingConfigurationProperty(enabled=True),
        )
        CfnOutput(self, "AgentRunArn", value=machine.ref)
        return machine

    def _consume(self, consumer: str) -> None:
        """A worker and the queues it takes from."""
        names = [name for name, work in QUEUES.items() if work.consumer == consumer]
        grants = self._machine_grants(consumer)
        grants.add(
            allow(
                ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
                *(self.data.queues[name].queue.attr_arn for name in names),
            )
        )
        function = self.functions.make(self, consumer, grants)
        for name in names:
            aws_lambda.CfnEventSourceMapping(
                self,
                f"{_title(name.replace('-', '_'))}Source",
                function_name=function.ref,
                event_source_arn=self.data.queues[name].queue.attr_arn,
                batch_size=QUEUES[name].batch,
                function_response_types=["ReportBatchItemFailures"],
                scaling_config=aws_lambda.CfnEventSourceMapping.ScalingConfigProperty(maximum_concurrency=QUEUES[name].at_once),
            )

    def _project(self) -> None:
        """The stream of `core`. Only rows that carry an event; per entity in order; what cannot be read is set aside."""
        table = self.data.tables["core"]
        dead = dead_letters(self, "StreamDead")
        self.dead["StreamDead"] = dead.attr_queue_name
        grants = self._machine_grants("stream_projector")
        grants.add(allow(["dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:DescribeStream"], table.attr_stream_arn))
        grants.add(allow(["dynamodb:ListStreams"], "*"))  # names no stream, so it accepts no resource
        grants.add(allow(["sqs:SendMessage"], dead.attr_arn))
        function = self.functions.make(self, "stream_projector", grants)
        aws_lambda.CfnEventSourceMapping(
            self,
            "StreamProjectorSource",
            function_name=function.ref,
            event_source_arn=table.attr_stream_arn,
            starting_position="TRIM_HORIZON",
            batch_size=100,
            parallelization_factor=4,
            bisect_batch_on_function_error=True,
            function_response_types=["ReportBatchItemFailures"],
            maximum_record_age_in_seconds=_STREAM_MAX_AGE,
            maximum_retry_attempts=10,
            destination_config=aws_lambda.CfnEventSourceMapping.DestinationConfigProperty(
                on_failure=aws_lambda.CfnEventSourceMapping.OnFailureProperty(destination=dead.attr_arn)
            ),
            filter_criteria=aws_lambda.CfnEventSourceMapping.FilterCriteriaProperty(
                filters=[
                    aws_lambda.CfnEventSourceMapping.FilterProperty(
                        pattern=json.dumps({"dynamodb": {"NewImage": {"event_id": {"S": [{"exists": True}]}}}})
                    )
                ]
            ),
        )

    def _clock(self, jobs: frozenset[str]) -> None:
        dead = dead_letters(self, "ScheduleDead", "events.amazonaws.com")
        self.dead["ScheduleDead"] = dead.attr_queue_name
        grants = self._machine_grants("scheduled")
        grants.add(allow(["sqs:SendMessage"], dead.attr_arn))
        schedule(self, self.functions.make(self, "scheduled", grants), dead, jobs)


def _title(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))
