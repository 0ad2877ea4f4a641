"""Mends of ministack 1.5.33, applied by the launcher. Each function names the fault and its symptom; `local/README.md` lists them.

A mend that no longer finds what it replaces raises: an upgrade of the engine must be looked at, not hoped for.
"""


class MendError(Exception):
    """The engine's code is not what a mend was written for."""


def before_import() -> None:
    """What has to be in place before ministack's modules are imported."""
    from local.patches import tables

    tables.hold_back_reaper()


def apply() -> None:
    """Apply every mend to the imported engine."""
    from local.patches import gateway, mails, mappings, sockets, stacks, states, tables, workers

    for module in (workers, gateway, mails, mappings, sockets, stacks, states, tables):
        module.apply()


def replaced(source: str, old: str, new: str, count: int = 1) -> str:
    """`source` with `old` replaced; raises `MendError` unless it occurs exactly `count` times."""
    if source.count(old) != count:
        raise MendError(f"expected {count} of: {old[:80]!r}, found {source.count(old)}")
    return source.replace(old, new)
