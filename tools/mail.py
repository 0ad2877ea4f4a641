"""Says whether an address gets mail: `python -m tools.mail ada@example.com --stage prod` (or `make mail EMAIL=... STAGE=prod`).

With `--lift` mail is sent to it again. docs/operations.md has the details.
"""

import sys

from tools.deployment import Deployment, ToolError, execute, parser


def main(arguments: list[str] | None = None) -> int:
    """Returns 2 for an error."""
    options = parser("mail", "Says whether an address gets mail.")
    options.add_argument("email", help="an address, with or without an account")
    options.add_argument("--lift", action="store_true", help="send mail to it again")
    chosen = options.parse_args(arguments)
    return execute(lambda: [_execute(Deployment(chosen.stage, chosen.deployment), chosen.email, lift=chosen.lift)])


def _execute(at: Deployment, email: str, *, lift: bool) -> str:
    """Do what was asked and return what to print. Raises ToolError."""
    from shared.channels.mail import addresses
    from shared.core.emails import is_email

    if not is_email(email):
        raise ToolError(f"{email} is no e-mail address")
    at.use_tables()
    refused = addresses.find_refused(email)
    if refused is None:
        return f"{email} gets mail"
    if lift:
        addresses.lift(email)
        return f"{email} gets mail again"
    return f"{email} gets no mail: {refused.reason} at {refused.at}"


if __name__ == "__main__":
    sys.exit(main())
