"""Sets the status of an organization: `python -m tools.organizations acme-corp suspended --stage prod`.

Unless it is active, nothing can be changed in it, through no contract. docs/operations.md has the details.
"""

import sys

from tools.deployment import Deployment, ToolError, execute, parser


def main(arguments: list[str] | None = None) -> int:
    """Returns 2 for an error."""
    options = parser("organizations", "Sets the status of an organization.")
    options.add_argument("organization", help="its id or its slug")
    options.add_argument("status", choices=("active", "inactive", "suspended"))
    chosen = options.parse_args(arguments)
    return execute(lambda: _execute(Deployment(chosen.stage, chosen.deployment), chosen.organization, chosen.status))


def _execute(at: Deployment, id_or_slug: str, status: str) -> list[str]:
    """Do what was asked and return what to print. Raises ToolError."""
    at.use_tables()
    from shared.core.errors import CadreError
    from shared.people.tenancy.organizations import set_status

    try:
        organization = set_status(id_or_slug, status)
    except CadreError as error:
        raise ToolError(f"{id_or_slug}: {error.message}") from error
    return [f"{organization.slug} is {organization.status}"]


if __name__ == "__main__":
    sys.exit(main())
