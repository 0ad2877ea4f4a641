"""Appoints administrators of the platform: `python -m tools.admin ada@example.com --stage prod` (or `make admin EMAIL=... STAGE=prod`).

With `--revoke` the account is one no longer; without an address it lists who is. docs/operations.md has the details.
"""

import sys

from tools.deployment import Deployment, ToolError, execute, parser


def main(arguments: list[str] | None = None) -> int:
    """Returns 2 for an error."""
    options = parser("admin", "Appoints administrators of the platform.")
    options.add_argument("email", nargs="?", help="the confirmed address of an account; without it: who is an administrator")
    options.add_argument("--revoke", action="store_true", help="the account is no longer an administrator")
    chosen = options.parse_args(arguments)
    if chosen.revoke and not chosen.email:
        options.error("--revoke needs an address")
    return execute(lambda: _execute(Deployment(chosen.stage, chosen.deployment), chosen.email, revoke=chosen.revoke))


def _execute(at: Deployment, email: str | None, *, revoke: bool) -> list[str]:
    """Do what was asked and return what to print. Raises ToolError."""
    at.use_tables()
    from shared.core.errors import CadreError
    from shared.people.identity.administrators import list_administrators, set_administrator

    if not email:
        return sorted(user.email for user in list_administrators())
    try:
        user = set_administrator(email, not revoke)
    except CadreError as error:
        raise ToolError(f"{email}: {error.message}") from error
    return [f"{user.email} is {'no longer' if revoke else 'now'} an administrator of the platform"]


if __name__ == "__main__":
    sys.exit(main())
