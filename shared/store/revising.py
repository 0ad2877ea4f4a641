"""A change of a few fields, for when two make one at the same time."""

import random
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from shared.core.errors import Conflict
from shared.store.rows import Entity
from shared.store.writing import Operation, write

E = TypeVar("E", bound=Entity)
_TRIES = 5  # four writers of one row are through after four rounds; jitter doubles from 10 ms


def revise(load: Callable[[], E], change: Callable[[E], Sequence[Operation]]) -> E:
    """Load an entity, change it, write; start over from what stands there now when somebody else wrote in between.

    `change` alters the entity and answers the operations of the write (`save(entity)` among them), or none where nothing is to be
    done. It runs once a try, so it must not act on anything but the entity. Raises Conflict("version") after five tries.
    """
    for attempt in range(_TRIES):
        entity = load()
        operations = change(entity)
        if not operations:
            return entity
        try:
            write(*operations)
        except Conflict as conflict:
            if conflict.reason != "version" or attempt == _TRIES - 1:
                raise
            time.sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311 - jitter, not a secret
        else:
            return entity
    raise AssertionError("unreachable")  # the last try returns or raises
