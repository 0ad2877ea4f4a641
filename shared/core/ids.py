"""Identifiers: UUIDv7 strings, stored bare.

A UUIDv7 sorts by its creation time, so it can be part of a sort key. Contracts with prefixed ids (aintandem's `usr_`, `ws_`, ..., the
`ticket-` of omoios' graphs) add the prefix to their responses; every contract accepts ids with and without a prefix.
"""

import os
import random
import re
import uuid

import uuid_utils

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z")
_PREFIXED = re.compile(r"(?:[a-z]{2,4}_|[a-z]{2,12}-)?([0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12})\Z")
_NAMESPACE = uuid.UUID("6f0d1f8e-8a3c-5c0e-9a52-5c1d5b0c4a11")


def _renew_chance() -> None:
    """Begin the process's sequences of random numbers anew: that of ids, and that of pauses."""
    uuid_utils.reseed_rng()
    random.seed()


if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
    # Every process that starts from one snapshot would go on with the same numbers. The module is Lambda's own
    from snapshot_restore_py import register_after_restore  # type: ignore[import-not-found]

    register_after_restore(_renew_chance)


def new_id() -> str:
    """Return a new UUIDv7, in lower case with hyphens."""
    return str(uuid_utils.uuid7())


def derived_id(*parts: str | int) -> str:
    """Return the same id (UUIDv5) for the same parts, so that a repeated step writes the same row and not a second one."""
    return str(uuid.uuid5(_NAMESPACE, "/".join(str(part) for part in parts)))


def bare_id(value: str) -> str:
    """Return the stored form of `ws_0190...`, `ticket-0190...` or `0190...`; what is no id is returned unchanged (no row will match it)."""
    if is_id(value):
        return value
    match = _PREFIXED.match(value.lower())
    return str(uuid.UUID(match.group(1))) if match else value


def is_id(value: str) -> bool:
    return _UUID.match(value) is not None
