"""The topics that can be subscribed to."""


def terminal_topic(run_id: str, card_id: str | None) -> str:
    """Return the topic of a run's logs and status. The runs of a card share one topic, because a terminal belongs to a card."""
    return f"card:{card_id}" if card_id else f"run:{run_id}"


def workspace_topic(ws_id: str) -> str:
    """Return the topic of all events in a workspace, for every contract that shows them."""
    return f"ws:{ws_id}"


def workspace_of(topic: str) -> str | None:
    """Return the workspace whose events a topic has; None for another topic."""
    return topic.removeprefix("ws:") if topic.startswith("ws:") else None


def sandbox_topic(sandbox_id: str, channel: str) -> str:
    """Return the topic of one channel of a sandbox: messages, events or metrics. Its log is that of a run (`terminal_topic`)."""
    return f"sbx:{sandbox_id}:{channel}"


def collaboration_topic(collaboration_id: str, channel: str) -> str:
    """Return the topic of one channel of a collaboration: messages or events."""
    return f"col:{collaboration_id}:{channel}"


SYSTEM_TOPIC = "system"
"""The topic of what concerns the whole platform."""
