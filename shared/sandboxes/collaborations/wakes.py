"""Wake the worker that moves collaborations on (queue `sandbox-messages`). A wake that is lost, late or doubled does no harm: what is to be
done is in the tables, and the job of each minute looks at every collaboration that has not ended."""

from shared.core import queues


def wake_collaboration(collaboration_id: str) -> None:
    queues.send("sandbox_messages_queue", {"collaboration": collaboration_id})
