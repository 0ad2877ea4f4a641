"""The start of a function: no garbage is collected while its modules are imported, because nothing of theirs is garbage.

`functions` begins it, which Python imports before any handler; each handler's module ends it with its last line.
"""

import gc
import os

ON_LAMBDA = "AWS_LAMBDA_FUNCTION_NAME" in os.environ  # the local engine sets it too


def begin() -> None:
    """Begin the import phase."""
    if ON_LAMBDA:
        gc.disable()


def finish() -> None:
    """End the import phase: turn garbage collection on again, but exclude all existing objects from it."""
    if ON_LAMBDA and not gc.isenabled():
        gc.freeze()
        gc.enable()
