"""The five wire formats (their content is in `shared.edge.views`). Each is loaded when it is first used."""

from importlib import import_module

from shared.edge.contracts.base import Contract

NAMES = ("agentworks", "enterprise", "aintandem", "orchestrator", "omoios")


def contract(name: str) -> Contract:
    """Return the contract with this name. Raises LookupError."""
    if name not in NAMES:
        raise LookupError(f"There is no contract {name!r}; there are {', '.join(NAMES)}")
    instance: Contract = getattr(import_module(f"shared.edge.contracts.{name}"), name.upper())
    return instance
