"""The queue `cascade`: what is left to do for one workspace, as its worker puts it back for itself."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from shared.core.settings import settings
from shared.runs.agent_runs.queue import client


@dataclass(frozen=True)
class Task:
    """`step` is members, projects or purge; `after` the key of the last row that it was through with."""

    workspace: str
    step: str = "members"
    after: dict[str, Any] | None = None


def enqueue(task: Task) -> None:
    client("sqs").send_message(QueueUrl=settings().need("cascade_queue"), MessageBody=json.dumps(asdict(task)))
