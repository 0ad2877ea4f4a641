"""The queue `cascade`: the remaining work for one workspace, which its worker sends to itself again."""

from dataclasses import asdict, dataclass
from typing import Any

from shared.core import queues


@dataclass(frozen=True)
class Task:
    """`step` is members, projects, sandboxes or purge; `after` is the key of the last finished row."""

    workspace: str
    step: str = "members"
    after: dict[str, Any] | None = None


def enqueue(task: Task) -> None:
    """Send the task. Raises botocore's ClientError or BotoCoreError if the queue does not take it."""
    queues.send("cascade_queue", asdict(task))
