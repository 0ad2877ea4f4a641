"""The SQS queues and how their messages are consumed. Each line makes a queue, its dead-letter queue and an alarm."""

from dataclasses import dataclass

_DAY = 86_400


@dataclass(frozen=True)
class QueueSpec:
    """How one queue is consumed."""

    consumer: str  # a folder of functions/
    batch: int  # messages in one call of the consumer
    concurrency: int  # calls of the consumer at the same time
    max_receives: int  # a message that failed so often goes to the dead-letter queue
    retention: int  # seconds
    fifo: bool = False
    delay: int = 0  # seconds for which a message may be sent ahead of its time
    puts_off: bool = False  # the consumer may say when a message that it has failed comes again
    hurries: bool = True  # an alarm looks at how old its oldest message is; dead letters have theirs anyhow
    by_rules: bool = False  # rules of EventBridge may send to it too


QUEUES = {
    # run_worker only starts the state machine: ten calls at a time are enough
    "agent-runs": QueueSpec("run_worker", batch=5, concurrency=10, max_receives=5, retention=4 * _DAY),
    # FIFO: the messages of one topic arrive in the order in which they were sent. A push that is ten minutes old helps nobody
    "ws-live": QueueSpec("ws_pusher", batch=10, concurrency=50, max_receives=3, retention=600, fifo=True),
    "ws-push": QueueSpec("ws_pusher", batch=10, concurrency=20, max_receives=3, retention=600),
    # Mails, and what became of them: EventBridge puts bounces and complaints here (infra/mail.py)
    "emails": QueueSpec("mailer", batch=10, concurrency=5, max_receives=8, retention=4 * _DAY, by_rules=True),
    # FIFO with the webhook as the group: one call at a time for a webhook, so that a receiver that hangs takes one of the fifty places
    "webhook-delivery": QueueSpec("webhook_worker", batch=1, concurrency=50, max_receives=5, retention=4 * _DAY, fifo=True),
    "webhook-retry": QueueSpec("webhook_worker", batch=10, concurrency=2, max_receives=5, retention=4 * _DAY, delay=900),
    # FIFO with the repository as the group: what one sends is worked off in order, and its flood takes one of the twenty places
    "github-events": QueueSpec(
        "github_worker", batch=1, concurrency=20, max_receives=10, retention=4 * _DAY, fifo=True, puts_off=True
    ),
    # One message each: the consumers of the last two work on it until their time-out is near, and send the rest as a new message
    "exports": QueueSpec("export_worker", batch=1, concurrency=5, max_receives=3, retention=_DAY),
    # Wakes: what waits is in the table. Delays are for acknowledgements (2 to 8 s), time-outs and short lives
    "sandbox-messages": QueueSpec("message_worker", batch=10, concurrency=20, max_receives=5, retention=4 * _DAY, delay=900),
    # One message each: a review asks a model, and so does a sandbox
    "model-calls": QueueSpec("model_worker", batch=1, concurrency=20, max_receives=5, retention=4 * _DAY, hurries=False),
    "cascade": QueueSpec("cascade_worker", batch=1, concurrency=4, max_receives=10, retention=14 * _DAY),
}
