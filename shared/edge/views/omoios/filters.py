"""omoios: the filters of a listener, in the order of an event's own three names, and what they may ask for."""

from typing import Final

FILTERS: Final = ("event_types", "entity_types", "entity_ids")

ENTITY_TYPES: Final = frozenset(
    {
        "agent", "alert", "board", "budget", "commit", "discovery", "exploration", "guardian_action", "issue", "memory", "pull_request",
        "task", "thread", "ticket", "workspace",
    }
)  # fmt: skip
EVENT_TYPES: Final = frozenset(
    {
        "AGENT_HEARTBEAT", "AGENT_REGISTERED", "AGENT_STATUS_CHANGED", "BOARD_TICKET_MOVED", "BOARD_WIP_VIOLATION", "COMMIT_COMMENTED",
        "COMMIT_LINKED", "COMMIT_PUSHED", "DESIGN_APPROVED", "DESIGN_GENERATED", "DISCOVERY_MADE", "EXPLORATION_STARTED",
        "GITHUB_ISSUE_CREATED", "GITHUB_PR_MERGED", "GITHUB_PR_OPENED", "GUARDIAN_INTERVENTION", "MEMORY_SAVED", "MEMORY_SEARCHED",
        "MONITORING_UPDATE", "PROJECT_INITIALIZED", "QUESTION_ANSWERED", "QUESTION_GENERATED", "REQUIREMENTS_APPROVED",
        "REQUIREMENTS_GENERATED", "STEERING_ISSUED", "TASK_ASSIGNED", "TASK_COMPLETED", "TASK_CREATED", "TASK_DEPENDENCY_ADDED",
        "TASK_FAILED", "TICKET_APPROVAL_PENDING", "TICKET_APPROVED", "TICKET_BLOCKED", "TICKET_CREATED", "TICKET_REJECTED",
        "TICKET_TIMED_OUT", "TICKET_UNBLOCKED", "TICKET_UPDATED", "VALIDATION_FAILED", "VALIDATION_PASSED",
        "VALIDATION_REVIEW_SUBMITTED", "VALIDATION_STARTED", "agent.handoff.accepted", "agent.handoff.declined",
        "agent.handoff.requested", "agent.message.sent", "alert.acknowledged", "alert.resolved", "alert.triggered", "budget.created",
        "cost.budget.exceeded", "cost.budget.warning",
    }
)  # fmt: skip
"""Each event that listeners are shown. A new one has its line here: a test compares."""
KNOWN: Final = {"event_types": EVENT_TYPES, "entity_types": ENTITY_TYPES}
