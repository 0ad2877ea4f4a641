"""The agent whose model writes, and under whose name the ledger has the calls."""

from typing import Final

AGENT: Final = "prd"
