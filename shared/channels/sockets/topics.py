"""What can be subscribed to."""


def terminal_topic(run_id: str, card_id: str | None) -> str:
    """Logs and status of a run: those of a card share one topic, because a terminal belongs to a card."""
    return f"card:{card_id}" if card_id else f"run:{run_id}"


def workspace_topic(ws_id: str) -> str:
    """Whatever happens in a workspace, for every contract that shows it."""
    return f"ws:{ws_id}"
