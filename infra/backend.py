"""The Lambda functions, the state machine, the consumers of queues and of the stream, and the schedules."""

import json
import re
from collections.abc import Callable
from typing import Any

from aws_cdk import ArnFormat, CfnOutput, Fn, aws_events, aws_iam, aws_lambda, aws_sqs, aws_stepfunctions
from constructs import Construct

from infra import agent_run, build_and_deploy, deployment, sandbox_lifecycle
from infra.builder import builder, may_build
from infra.data import Data, dead_letters
from infra.exemptions import exempt
from infra.function import Functions, Grants, allow, may_invoke
from infra.names import pascal_case
from infra.needs import FUNCTIONS
from infra.queues import QUEUES
from infra.release import Deployed
from infra.routes import Code
from infra.schedules import calls
from infra.stack import PlatformStack, trusts

ANSWER = ["states:SendTaskSuccess", "states:SendTaskFailure"]
_STREAM_MAX_AGE = 21_600  # seconds of retries before events go to the dead-letter queue; the stream itself keeps them for 24 h


class Backend(PlatformStack):
    """Every function but `ws`, with what invokes it."""

    def __init__(self, scope: Construct, functions: Functions, data: Data, code: Code) -> None:
        super().__init__(scope, functions.settings, "functions", "the functions and what sets them going", holds_data=True)
        self.functions, self.data = functions, data
        self.stream_dead = dead_letters(self, "StreamDead")
        self.schedule_dead = dead_letters(self, "ScheduleDead", by_rules=True)
        self.machine = self._machine("AgentRun", "RunSteps", functions.make(self, "run_steps"), agent_run.definition)
        # The machine invokes run_steps, and run_steps answers the machine: a separate policy avoids a circle of the two resources
        aws_iam.CfnPolicy(
            self,
            "RunStepsAnswers",
            policy_name="answers",
            roles=[functions.roles["run_steps"].ref],
            policy_document={"Version": "2012-10-17", "Statement": [allow(ANSWER, self.machine.ref)]},
        )
        steps = functions.make(self, "deploy_steps")
        self.deployments = self._machine("Deployment", "DeploySteps", steps, deployment.definition)
        self.builder = None if functions.settings.local else builder(self)
        steps = functions.make(self, "delivery_steps", self._machine_grants("delivery_steps"))
        self.operations = self._machine("BuildAndDeploy", "DeliverySteps", steps, build_and_deploy.definition)
        steps = functions.make(self, "sandbox_steps", self._runtime_grants())
        self.sandboxes = self._machine("SandboxLifecycle", "SandboxSteps", steps, sandbox_lifecycle.definition)
        for area in code.areas:
            made = functions.make(self, area, self._machine_grants(area))
            # also where APIs call an alias: this stack is deployed first, and may not take back what they still import
            self.export_value(made.function.attr_arn)
        for consumer in dict.fromkeys(spec.consumer for spec in QUEUES.values()):
            self._consume(consumer)
        self._consume_stream()
        self._schedule()
        self._lost_executions(self.machine, self.deployments, self.operations, self.sandboxes)

    def _runtime_grants(self) -> Grants:
        """The rights to start, to ask and to end the machines of sandboxes, if they run on AWS."""
        grants = Grants()
        if runtime := self.functions.sandbox_runtime:
            actions = ["bedrock-agentcore:InvokeAgentRuntime", "bedrock-agentcore:StopRuntimeSession"]
            grants.add(allow(actions, runtime, f"{runtime}/runtime-endpoint/DEFAULT"), sandbox_runtime=runtime)
        return grants

    def _machine_grants(self, name: str) -> Grants:
        """The rights to start, stop, see and answer executions of the machines."""
        grants, verbs = Grants(), FUNCTIONS[name].machine
        if FUNCTIONS[name].starts_deployments:
            grants.add(allow(["states:StartExecution"], self.deployments.ref), deployment_machine=self.deployments.ref)
        if FUNCTIONS[name].sandboxes:
            grants.add(allow(["states:StartExecution"], self.sandboxes.ref), sandbox_lifecycle_machine=self.sandboxes.ref)
        self._grant_operations(grants, FUNCTIONS[name].operations)
        builds = FUNCTIONS[name].builds
        if builds != "none" and self.builder is not None:
            grants.include(may_build(self, self.builder, runs=builds == "run"))
        if not verbs:
            return grants
        arn = self.machine.ref
        if "start" in verbs:
            grants.add(allow(["states:StartExecution"], arn))
        if "stop" in verbs:
            grants.add(allow(["states:StopExecution", "states:DescribeExecution"], self._executions(self.machine)))
            grants.wildcard(
                self.arn_in_findings("states", "execution:<AgentRun.Name>:*"), "Executions get their names when they start."
            )
        if "answer" in verbs:
            grants.add(allow(ANSWER, arn))
        grants.environment["CADRE_AGENT_RUN_MACHINE"] = arn
        return grants

    def _grant_operations(self, grants: Grants, verbs: tuple[str, ...]) -> None:
        if not verbs:
            return
        arn = self.operations.ref
        grants.add(allow(["states:StartExecution"], arn), build_and_deploy_machine=arn)
        if "see" in verbs:
            grants.add(allow(["states:DescribeExecution"], self._executions(self.operations)))
            grants.wildcard(
                self.arn_in_findings("states", "execution:<BuildAndDeploy.Name>:*"), "Executions get their names when they start."
            )

    def _executions(self, machine: aws_stepfunctions.CfnStateMachine) -> str:
        return self.format_arn(
            service="states",
            resource="execution",
            resource_name=f"{machine.attr_name}:*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )

    def _machine(
        self, name: str, function: str, steps: Deployed, definition: Callable[[str, str], dict[str, Any]]
    ) -> aws_stepfunctions.CfnStateMachine:
        """A state machine whose every task invokes one function."""
        role = aws_iam.CfnRole(
            self,
            f"{name}Role",
            assume_role_policy_document=trusts("states.amazonaws.com"),
            policies=[
                aws_iam.CfnRole.PolicyProperty(
                    policy_name="needs",
                    policy_document={
                        "Version": "2012-10-17",
                        "Statement": [
                            allow(["lambda:InvokeFunction"], steps.arn),
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
            name,
            role_arn=role.attr_arn,
            state_machine_type="STANDARD",
            definition_string=json.dumps(definition(f"${{{function}}}", "${Partition}")),
            definition_substitutions={function: steps.arn, "Partition": self.partition},
            logging_configuration=aws_stepfunctions.CfnStateMachine.LoggingConfigurationProperty(
                level="ALL",
                include_execution_data=False,
                destinations=[
                    aws_stepfunctions.CfnStateMachine.LogDestinationProperty(
                        cloud_watch_logs_log_group=aws_stepfunctions.CfnStateMachine.CloudWatchLogsLogGroupProperty(
                            log_group_arn=self.logs(f"{name}Logs").attr_arn
                        )
                    )
                ],
            ),
            tracing_configuration=aws_stepfunctions.CfnStateMachine.TracingConfigurationProperty(enabled=True),
        )
        # cfn-lint knows only the partition `aws` in a definition, and ours is filled in
        machine.add_metadata("cfn-lint", {"config": {"ignore_checks": ["E3601"]}})
        CfnOutput(self, f"{name}Arn", value=machine.ref)
        return machine

    def _consume(self, consumer: str) -> None:
        """A worker and the queues that it consumes."""
        names = [name for name, spec in QUEUES.items() if spec.consumer == consumer]
        grants = self._machine_grants(consumer)
        grants.add(
            allow(
                ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
                *(self.data.queues[name].queue.attr_arn for name in names),
            )
        )
        if put_off := [self.data.queues[name].queue.attr_arn for name in names if QUEUES[name].puts_off]:
            grants.add(allow(["sqs:ChangeMessageVisibility"], *put_off))
        function = self.functions.make(self, consumer, grants)
        for name in names:
            aws_lambda.CfnEventSourceMapping(
                self,
                f"{pascal_case(name)}Source",
                function_name=function.target,
                event_source_arn=self.data.queues[name].queue.attr_arn,
                batch_size=QUEUES[name].batch,
                function_response_types=["ReportBatchItemFailures"],
                scaling_config=aws_lambda.CfnEventSourceMapping.ScalingConfigProperty(
                    maximum_concurrency=QUEUES[name].concurrency
                ),
            )

    def _consume_stream(self) -> None:
        """`stream_projector` on the stream of `core`: only rows with an event, in order for each entity."""
        table = self.data.tables["core"]
        dead = self.stream_dead
        grants = self._machine_grants("stream_projector")
        grants.add(allow(["dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:DescribeStream"], table.attr_stream_arn))
        grants.add(allow(["dynamodb:ListStreams"], "*"))  # names no stream, so it accepts no resource
        grants.add(allow(["sqs:SendMessage"], dead.attr_arn))
        function = self.functions.make(self, "stream_projector", grants)
        aws_lambda.CfnEventSourceMapping(
            self,
            "StreamProjectorSource",
            function_name=function.target,
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

    def _schedule(self) -> None:
        """The function `scheduled` and a rule for the jobs of the same times. A call that fails three times becomes a dead letter."""
        dead = self.schedule_dead
        grants = self._machine_grants("scheduled")
        grants.add(allow(["sqs:SendMessage"], dead.attr_arn))
        watched = [*(queue.dead for queue in self.data.queues.values()), self.stream_dead]
        grants.add(
            allow(["sqs:GetQueueAttributes"], *(queue.attr_arn for queue in watched)),
            dead_letter_queues=",".join(Fn.select(5, Fn.split(":", queue.attr_arn)) for queue in watched),
        )
        for queue in self.data.queues.values():  # the deployment before imports them, and that stack is deployed first
            self.data.export_value(queue.dead.ref)
        function = self.functions.make(self, "scheduled", grants)
        aws_lambda.CfnEventInvokeConfig(
            self,
            "ScheduledInvoke",
            function_name=function.name,
            qualifier=function.qualifier,
            maximum_retry_attempts=2,
            maximum_event_age_in_seconds=3600,
            destination_config=aws_lambda.CfnEventInvokeConfig.DestinationConfigProperty(
                on_failure=aws_lambda.CfnEventInvokeConfig.OnFailureProperty(destination=dead.attr_arn)
            ),
        )
        for expression, jobs in calls().items():
            self._rule(expression, jobs, function, dead)

    def _lost_executions(self, *machines: aws_stepfunctions.CfnStateMachine) -> None:
        """An execution that could not even record its failure becomes a dead letter, with its name and its cause. One rule costs nothing,
        alarms on the metrics of each machine 0.20 USD a month. A job goes on with what it left."""
        pattern = {
            "source": ["aws.states"],
            "detail-type": ["Step Functions Execution Status Change"],
            "detail": {"status": ["FAILED", "TIMED_OUT"], "stateMachineArn": [machine.ref for machine in machines]},
        }
        aws_events.CfnRule(
            self,
            "LostExecutions",
            description="Cadre: executions that failed or timed out",
            event_pattern=pattern,
            targets=[aws_events.CfnRule.TargetProperty(id="letters", arn=self.schedule_dead.attr_arn)],
        )

    def _rule(self, expression: str, jobs: list[str], function: Deployed, dead: aws_sqs.CfnQueue) -> None:
        """Invokes the function with `{"detail": {"jobs": [...]}}`."""
        name = pascal_case(re.sub(r"\W+", "-", expression))
        detail = json.dumps({"jobs": jobs})
        rule = aws_events.CfnRule(
            self,
            f"Jobs{name}",
            schedule_expression=expression,
            description=f"Cadre, {expression}: {', '.join(jobs)}",
            targets=[
                aws_events.CfnRule.TargetProperty(
                    id="scheduled",
                    arn=function.arn,
                    input_transformer=aws_events.CfnRule.InputTransformerProperty(
                        input_paths_map={"id": "$.id", "time": "$.time"},
                        input_template=f'{{"id": <id>, "time": <time>, "detail-type": "jobs", "detail": {detail}}}',
                    ),
                    dead_letter_config=aws_events.CfnRule.DeadLetterConfigProperty(arn=dead.attr_arn),
                    retry_policy=aws_events.CfnRule.RetryPolicyProperty(
                        maximum_event_age_in_seconds=3600, maximum_retry_attempts=8
                    ),
                )
            ],
        )
        may_invoke(self, f"MayRun{name}", function.arn, "events.amazonaws.com", rule.attr_arn)
