"""The five wire formats; what is inside them is in `shared.edge.views`. Each is loaded when it is asked for."""

from importlib import import_module

from shared.edge.contracts.base import Contract

NAMES = ("agentworks", "enterprise", "aintandem", "orchestrator", "omoios")


def contract(name: str) -> Contract:
    """The contract object by its name."""
    if name not in NAMES:
        raise LookupError(f"There is no contract {name!r}; there are {', '.join(NAMES)}")
    found: Contract = getattr(import_module(f"shared.edge.contracts.{name}"), name.upper())
    return found
