"""The command `cadre`: all its commands, in the order in which `--help` shows them."""

from typing import Annotated

import typer

from cadre_cli import __version__, account, board, delivery, runs

_HELP = """Cadre on the command line.

Log in with `cadre login`, then see your projects, cards and agents, let an agent work on a card, build and deploy.

Exit status: 0 done, 1 failed, 2 wrong usage, 3 not logged in, 4 not found, 5 not allowed, 6 conflict, 7 unavailable (try again).
"""

app = typer.Typer(
    name="cadre",
    help=_HELP,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
projects = typer.Typer(help="Projects: list, create, show.", no_args_is_help=True)
cards = typer.Typer(help="Cards of a project's board: list, create, show, move.", no_args_is_help=True)


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=lambda asked: _show_version() if asked else None, help="Show it.")
    ] = False,
) -> None: ...


def _show_version() -> None:
    typer.echo(f"cadre {__version__}")
    raise typer.Exit


account.declare(app)
app.add_typer(projects, name="projects")
app.add_typer(cards, name="cards")
board.declare(projects, cards)
runs.declare(app)
delivery.declare(app)


def main() -> None:
    app()
