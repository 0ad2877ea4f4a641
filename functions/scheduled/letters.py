"""Look at the dead-letter queues: all of them share one metric, which has the alarm; the line says which queue it is.

An alarm for each would cost 0.10 USD a month. The queue of this function's own dead letters keeps one: nobody else tells that it fails.
"""

from shared.core import aws, logs
from shared.core.settings import settings
from shared.store import process_all


def watch_letters(_: float) -> int:
    """Log each dead-letter queue that has messages, and return how many messages there are."""
    return process_all("dead-letter queues", settings().need("dead_letter_queues").split(","), _look_into, str)


def _look_into(name: str) -> int:
    account = settings().need("cascade_queue").rpartition("/")[0]  # all queues are in one, and an environment has 4 KB
    asked = {"QueueUrl": f"{account}/{name}", "AttributeNames": ["ApproximateNumberOfMessages"]}
    found = int(aws.short_call_client("sqs").get_queue_attributes(**asked)["Attributes"]["ApproximateNumberOfMessages"])
    if found:
        line = {"queue": name, "dead_letters": found}
        logs.write_metrics("dead letters", line | logs.metric("dead_letters", by="queue"))
    return found
