"""The resources of one deployment, by their logical ids.

The commands use the caller's AWS credentials and region; those of the local engine are in a file (AWS_SHARED_CREDENTIALS_FILE).
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress

import boto3
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

from infra.names import PROJECT, TABLES, stack_name

_HINT = "Set the credentials and the region of the account; while `make run` runs: AWS_SHARED_CREDENTIALS_FILE=.cadre/credentials"


class ToolError(RuntimeError):
    """The command cannot be executed; the text says why."""


def parser(command: str, description: str) -> argparse.ArgumentParser:
    """Return a parser with the options that name a deployment."""
    made = argparse.ArgumentParser(prog=f"python -m tools.{command}", description=description)
    made.add_argument("--stage", default="local", help="local, dev or prod")
    made.add_argument("--deployment", default=PROJECT)
    return made


def execute(command: Callable[[], Iterable[str]]) -> int:
    """Print the lines that a command returns, or why it cannot be executed; returns 2 for an error."""
    try:
        sys.stdout.writelines(f"{line}\n" for line in command())
    except (ToolError, BotoCoreError, ClientError) as error:
        sys.stderr.write(f"{error}\n")
        if isinstance(error, NoRegionError | NoCredentialsError):
            sys.stderr.write(f"{_HINT}\n")
        return 2
    return 0


class Missing(ToolError):
    """The deployment has no such stack, or the stack no such resource."""


class Deployment:
    """One stage of one deployment."""

    def __init__(self, stage: str, deployment: str) -> None:
        self.stage, self.deployment = stage, deployment

    def find(self, part: str, name: str) -> str:
        """Return the physical id of a resource. Raises ToolError."""
        stack = stack_name(self.stage, part, self.deployment)
        try:
            response = boto3.client("cloudformation").describe_stack_resource(StackName=stack, LogicalResourceId=name)
        except ClientError as error:
            kind = Missing if error.response["Error"]["Code"] == "ValidationError" else ToolError
            raise kind(f"{stack} has no {name}: {error.response['Error']['Message']}") from error
        physical: str = response["StackResourceDetail"]["PhysicalResourceId"]
        return physical

    def function(self, name: str) -> str:
        """Return a function as its queues call it: its alias, where there are versions (`infra.release`). Raises ToolError."""
        with suppress(Missing):
            return self.find("functions", f"{name}Live")
        return self.find("functions", name)

    def use_tables(self) -> None:
        """Let the code of the platform, which is imported after this, use the tables of this deployment."""
        for name in TABLES:
            os.environ[f"CADRE_{name.upper()}_TABLE"] = self.find("data", name.capitalize())
