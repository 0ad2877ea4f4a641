"""Says whether an address gets mail: `python -m tools.mail ada@example.com --stage prod` (or `make mail EMAIL=... STAGE=prod`).

With `--lift` mail is sent to it again. docs/operations.md has the details.
"""

import sys

from tools.deployment import Deployment, ToolError, parser


def main(arguments: list[str] | None = None) -> int:
    """Returns 2 for an error."""
    options = parser("mail", "Says whether an address gets mail.")
    options.add_argument("email", help="an address, with or without an account")
    options.add_argument("--lift", action="store_true", help="send mail to it again")
    chosen = options.parse_args(arguments)
    try:
        Deployment(chosen.stage, chosen.deployment).use_tables()
    except ToolError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"{_execute(chosen.email, lift=chosen.lift)}\n")
    return 0


def _execute(email: str, *, lift: bool) -> str:
    """Do what was asked and return what to print."""
    from shared.channels.mail import addresses

    refused = addresses.find_refused(email)
    if refused is None:
        return f"{email} gets mail"
    if lift:
        addresses.lift(email)
        return f"{email} gets mail again"
    return f"{email} gets no mail: {refused.reason} at {refused.at}"


if __name__ == "__main__":
    sys.exit(main())
