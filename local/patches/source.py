"""Replacing text in the engine's embedded source code."""


class PatchError(Exception):
    """The engine's code is not the code that a patch was written for."""


def replaced(source: str, old: str, new: str) -> str:
    """`source` with `old` replaced; raises `PatchError` unless it occurs exactly once."""
    if source.count(old) != 1:
        raise PatchError(f"expected once, found {source.count(old)} times: {old[:80]!r}")
    return source.replace(old, new)
