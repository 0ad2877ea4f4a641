"""The queue `model-calls`: a task that a validator of the platform has to review."""

from shared.core import queues


def enqueue(task_id: str, validator_id: str) -> None:
    """Send the task to the worker. Raises botocore's ClientError or BotoCoreError if the queue does not take it."""
    queues.send("model_calls_queue", {"task_id": task_id, "validator_id": validator_id})
