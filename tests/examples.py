"""How many examples a property is tried with: the number it names, or a handful for `make test-quick`."""

import os

QUICK = os.environ.get("CADRE_TEST_QUICK") == "1"
_A_HANDFUL = 5


def examples(number: int) -> int:
    """So many, or a handful."""
    return min(number, _A_HANDFUL) if QUICK else number
