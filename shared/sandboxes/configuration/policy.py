"""The collaboration policy of a workspace: which sandbox may send what to which other one.

allow_all    everything may be sent; a rule that asks for an approval is kept
allow_list   only what a rule allows
deny_list    everything but what a rule names
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

ALLOW_ALL, ALLOW_LIST, DENY_LIST = "allow_all", "allow_list", "deny_list"
MODES: Final = (ALLOW_ALL, ALLOW_LIST, DENY_LIST)
ANY: Final = "*"


@dataclass(frozen=True)
class Rule:
    """`senders` and `recipients` are names of sandboxes, or `*`; no `message_types`: all of them."""

    senders: tuple[str, ...] = (ANY,)
    recipients: tuple[str, ...] = (ANY,)
    message_types: tuple[str, ...] = ()
    approval_required: bool = False

    def concerns(self, sender: str, recipient: str, message_type: str) -> bool:
        return (
            _named(sender, self.senders)
            and _named(recipient, self.recipients)
            and (not self.message_types or message_type in self.message_types)
        )


@dataclass(frozen=True)
class Policy:
    mode: str = ALLOW_ALL
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True)
class Decision:
    """Whether a message may be sent, whether somebody must approve it first, and the number of the rule that decided (from 1)."""

    allowed: bool
    approval: bool = False
    rule: int | None = None


def decide(policy: Policy, sender: str, recipient: str, message_type: str) -> Decision:
    """Return what the policy says of a message from one sandbox to another, both by name. The first rule that concerns it decides.

    An answer to a request goes the way back that the request came: who sends it does not ask.
    """
    for number, rule in enumerate(policy.rules, 1):
        if rule.concerns(sender, recipient, message_type):
            return Decision(policy.mode != DENY_LIST, rule.approval_required, number)
    return Decision(policy.mode != ALLOW_LIST)


def policy_of(settings: Mapping[str, Any]) -> Policy:
    """Return the policy in a workspace's settings."""
    stored = settings.get("collaboration_policy") or {}
    if isinstance(stored, str):
        return Policy(stored)
    rules = tuple(
        Rule(tuple(one["from"]), tuple(one["to"]), tuple(one["message_types"]), one["approval_required"])
        for one in stored.get("rules", ())
    )
    return Policy(stored.get("mode", ALLOW_ALL), rules)


def policy_to_store(mode: str, rules: Sequence[Rule]) -> dict[str, Any]:
    """Return a policy as a workspace's settings hold it."""
    stored = [
        {
            "from": list(one.senders),
            "to": list(one.recipients),
            "message_types": list(one.message_types),
            "approval_required": one.approval_required,
        }
        for one in rules
    ]
    return {"mode": mode, "rules": stored}


def _named(name: str, names: Sequence[str]) -> bool:
    return ANY in names or name.casefold() in (one.casefold() for one in names)
