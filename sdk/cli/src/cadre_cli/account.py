"""Who you are: login, logout, whoami, profiles."""

from contextlib import suppress
from typing import Annotated

import typer

from ai_agents import errors
from cadre_cli import profiles
from cadre_cli.commands import Context, command
from cadre_cli.output import Columns
from cadre_cli.problems import NotLoggedIn

_WHO: Columns = {
    "Name": "name", "E-mail": "email", "Platform": "url", "Organization": "organization", "Profile": "profile", "Scopes": "scopes",
}  # fmt: skip


def declare(app: typer.Typer) -> None:
    command(app)(login)
    command(app)(logout)
    command(app)(whoami)
    command(app, "profiles")(list_profiles)


def login(
    context: Context,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the address instead of opening it.")] = False,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The port on this machine to which the browser comes back. 0: any free one.")
    ] = 0,
    scope: Annotated[
        list[str] | None, typer.Option(help="Allow only this, for example projects:read; repeat it for more.")
    ] = None,
) -> None:
    """Log in with a browser.

    On a machine without one, forward a port (ssh -L 7777:127.0.0.1:7777 HOST) and use --no-browser --port 7777.
    """
    from cadre_cli.login import log_in, log_out

    url = profiles.clean_url(context.url or _known_url(context.profile))
    name = context.profile or profiles.name_for(url)
    profiles.check_name(name)
    before = profiles.load(name)
    profile = log_in(url, scopes=scope or [], port=port, browser=not no_browser, say=context.output.say)
    profiles.save(name, profile)
    profiles.make_current(name)
    if before is not None:
        with suppress(errors.AIAgentsError):  # its platform may be gone; the new login is good all the same
            log_out(before)
    if context.output.as_json:
        context.output.one({"profile": name, "url": url, "email": profile.email, "organization": profile.organization}, {})
    else:
        context.output.say(f"Logged in at {url} as {profile.email}.")


def _known_url(name: str | None) -> str:
    """Return the address of the profile that is meant, so that a login which has ended is renewed where it was."""
    profile = profiles.load(profiles.choose(name, None))
    return profile.url if profile else profiles.DEFAULT_URL


def logout(context: Context) -> None:
    """End the login here and at the platform."""
    from cadre_cli.login import log_out
    from cadre_cli.session import KeptTokens

    session = context.session
    if not isinstance(session.credential, KeptTokens):
        raise NotLoggedIn("CADRE_API_KEY is no login: nothing to end")
    try:
        log_out(session.credential.profile)
    finally:
        profiles.remove(session.name)
    if context.output.as_json:
        context.output.one({"profile": session.name, "logged_out": True}, {})
    else:
        context.output.say(f"Logged out of {session.url}.")


def whoami(context: Context) -> None:
    """Show who you are, where, and what you allowed."""
    from cadre_cli.login import claims_of
    from cadre_cli.session import KeptTokens

    session = context.session
    me = session.board.auth.me()
    who = {"name": me.name, "email": me.email, "url": session.url, "organization": session.organization, "profile": session.name}
    if isinstance(session.credential, KeptTokens):
        who["scopes"] = claims_of(session.credential.profile.access_token)["scope"]
    context.output.one(who, _WHO)


def list_profiles(context: Context) -> None:
    """List your logins; the one that is used without --profile has a mark."""
    current = profiles.choose(context.profile, context.url)
    found = [(name, profiles.load(name)) for name in profiles.names()]
    rows = [
        {"profile": name, "url": one.url, "email": one.email, "organization": one.organization, "current": name == current}
        for name, one in found
        if one is not None
    ]
    shown: Columns = {"Profile": "profile", "Platform": "url", "E-mail": "email", "Current": "current"}
    context.output.rows(rows, shown)
