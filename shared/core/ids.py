"""Identifiers: UUIDv7 strings, stored bare.

A UUIDv7 sorts by its creation time, so it may stand in a sort key. Contracts that publish prefixed ids (aintandem's
`usr_`, `ws_`, ...) add and strip the prefix at their edge; input is accepted in either form everywhere.
"""

import re
import uuid

import uuid_utils

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z")
_PREFIXED = re.compile(r"(?:[a-z]{2,4}_)?([0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12})\Z")
_NAMESPACE = uuid.UUID("6f0d1f8e-8a3c-5c0e-9a52-5c1d5b0c4a11")


def new_id() -> str:
    """A new UUIDv7, lower case, with hyphens."""
    return str(uuid_utils.uuid7())


def derived_id(*parts: str | int) -> str:
    """The same id for the same parts: what makes a repeated step write the same row instead of a second one."""
    return str(uuid.uuid5(_NAMESPACE, "/".join(str(part) for part in parts)))


def bare_id(value: str) -> str:
    """`ws_0190...` or `0190...` as the stored id. A string that is no id comes back unchanged (and will not be found)."""
    match = _PREFIXED.match(value.lower())
    return str(uuid.UUID(match.group(1))) if match else value


def is_id(value: str) -> bool:
    return _UUID.match(value) is not None
