"""How a command is declared: every one takes the same options, and ends with an exit status."""

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ai_agents import errors
from cadre_cli import profiles
from cadre_cli.output import Output
from cadre_cli.problems import LOG_IN_AGAIN, CommandError, Exit, exit_of

if TYPE_CHECKING:
    from cadre_cli.session import Session

_Json = Annotated[bool, typer.Option("--json", help="Write JSON, for scripts; errors too.")]
_Profile = Annotated[
    str | None,
    typer.Option("--profile", envvar="CADRE_PROFILE", help="The login to use.", metavar="NAME", autocompletion=profiles.names),
]
_Url = Annotated[str | None, typer.Option("--url", envvar="CADRE_URL", help="The platform, if not that of the last login.")]


@dataclass
class Context:
    """What every command is given: what was typed, and what to write to."""

    profile: str | None
    url: str | None
    output: Output

    @cached_property
    def session(self) -> "Session":
        from cadre_cli.session import open_session  # with the client: half a second that help does not need

        return open_session(self.profile, self.url)

    @property
    def log_in(self) -> str:
        """Return what helps whom the platform does not know."""
        from ai_agents.credentials import APIKey

        with_key = "session" in self.__dict__ and isinstance(self.session.credential, APIKey)
        return "Set CADRE_API_KEY to a key of this platform, or unset it and use: cadre login" if with_key else LOG_IN_AGAIN

    def close(self) -> None:
        if "session" in self.__dict__:
            self.session.close()


Command = Callable[..., None]


def check_id(value: str) -> str:
    """Refuse what is no id, and would be another address."""
    if not value.strip("."):
        raise typer.BadParameter("An id is missing")
    return value


def given(**values: Any) -> Any:
    """Return what was given: a field that is left out has the platform's default."""
    return {name: value for name, value in values.items() if value is not None}


def command(app: typer.Typer, name: str | None = None) -> Callable[[Command], Command]:
    """Declare a command of `app`. The function's first parameter is the Context; typer sees the common options in its place."""

    def declare(function: Command) -> Command:
        @functools.wraps(function)
        def run(*, profile: str | None, url: str | None, as_json: bool, **given: Any) -> None:
            context = Context(profile, url, Output(as_json))
            try:
                function(context, **given)
            except (CommandError, errors.AIAgentsError) as error:
                context.output.error(error, context.log_in)
                raise typer.Exit(exit_of(error)) from None
            except BrokenPipeError:
                raise  # whoever reads has enough; the shell's own way to end is kept
            except OSError as error:  # of the folder in which logins are kept
                context.output.error(CommandError(f"{error.filename}: {error.strerror}"))
                raise typer.Exit(Exit.FAILED) from None
            except KeyboardInterrupt:
                raise typer.Exit(Exit.INTERRUPTED) from None
            finally:
                context.close()

        own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
        run.__signature__ = inspect.Signature([one.replace(kind=one.KEYWORD_ONLY) for one in own] + _COMMON)  # type: ignore[attr-defined]
        run.__annotations__ = {one.name: one.annotation for one in [*own, *_COMMON]}
        app.command(name)(run)
        return function

    return declare


_COMMON = [
    inspect.Parameter("profile", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=_Profile),
    inspect.Parameter("url", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=_Url),
    inspect.Parameter("as_json", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=_Json),
]
