"""One module per agent role, each with `work(brief) -> Plan`; imported when its role is played."""

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
    """The strategy of a role; every role we do not know gets the general one."""
    name = ALIASES.get(role, role)
    module = import_module(f"{__name__}.{name if name in ROLES else 'general'}")
    work: Callable[[Brief], Plan] = module.work
    return work
