"""One module for each agent role, with `work(brief) -> Plan`; a module is imported when its role is needed."""

from collections.abc import Callable
from importlib import import_module

from shared.agents.providers.embedded.brief import Brief
from shared.agents.providers.embedded.plan import Plan

ROLES = frozenset(
    {
        "architect",
        "ceo_copilot",
        "deployment",
        "dev_backend",
        "dev_frontend",
        "devops",
        "documentation",
        "mvp_scope",
        "planner",
        "prd",
        "qa",
        "refactor",
        "research",
        "storyboard_ux",
        "strategy",
        "troubleshooter",
    }
)
ALIASES = {"docs": "documentation", "design_ux": "storyboard_ux", "code_standards": "refactor"}


def strategy_for(role: str) -> Callable[[Brief], Plan]:
    """Return the strategy of a role; an unknown role gets the general strategy."""
    name = ALIASES.get(role, role)
    module = import_module(f"{__name__}.{name if name in ROLES else 'general'}")
    work: Callable[[Brief], Plan] = module.work
    return work
