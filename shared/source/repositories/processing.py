"""Work off the messages of `github-events`. A message that comes twice changes nothing."""

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from shared.core.errors import CadreError, ConditionFailed, Upstream
from shared.core.situations import Situation
from shared.source.repositories import app
from shared.source.repositories.comments import work_off_comment_here, work_off_comment_there
from shared.source.repositories.github import Denied, Missing, Moved, TokenRefused
from shared.source.repositories.history import RESERVE, work_off_history
from shared.source.repositories.installations import reconcile_app, work_off_installation
from shared.source.repositories.issues import work_off_card, work_off_issue
from shared.source.repositories.messages import drop_payload, payload_of, send
from shared.source.repositories.payloads import Misshapen, require_shape
from shared.source.repositories.pulls import complete_waiting, work_off_pull_request
from shared.source.repositories.pushes import work_off_push
from shared.source.repositories.receiving import repository_in
from shared.source.repositories.reconciling import reconcile
from shared.source.repositories.remarks import work_off_remark
from shared.source.repositories.rows import DISCONNECTED, FAILING, Delivery, Repository
from shared.source.repositories.states import UNSEEN, look_up, note_status, work_off_repository
from shared.source.repositories.work import AgentOfRun, Work, open_repository
from shared.store import delete, update, write

log = logging.getLogger(__name__)

_WORK_OFF: Final[Mapping[str, Callable[[Work, Mapping[str, Any]], None]]] = {
    "issues": work_off_issue,
    "issue_comment": work_off_comment_there,
    "pull_request": work_off_pull_request,
    "commit_comment": work_off_remark,
    "repository": work_off_repository,
}


class _Expired(ConditionFailed):
    """The delivery waited for so long that its row has expired."""


def process(message: Mapping[str, Any], until: float, agent_of_run: AgentOfRun) -> None:
    """Work off a message; what does not fit before `until` (`time.monotonic`) goes back in line. Nothing is done for a repository, a
    project or an organization that is closed. Raises TooManyRequests, Upstream, and whatever is wrong with the message."""
    if "installation" in message:
        work_off_installation(message, until)
        return
    if "app" in message:
        reconcile_app(until)
        return
    repository = open_repository(str(message["repository"]))
    if repository is None:
        drop_payload(message)
        return
    work = Work(repository, until, agent_of_run, message)
    try:
        rest = _work_off(work)
    except Misshapen as error:  # a repetition helps nobody, and those behind it would wait for it
        log.warning("a delivery is skipped", extra={"repository": repository.id, "reason": error.message})
        rest = None
    except (Moved, app.NotConfigured, TokenRefused, Denied, Missing) as error:
        if not _ends_with(work, error):
            return
        rest = None
    if rest is not None:
        send(dict(message) | rest)
        return
    drop_payload(message)
    _mark_done(work)


def _ends_with(work: Work, error: CadreError) -> bool:
    """Note what a refusal says of the repository. Return whether the message is worked off by it; if not, it is in line again, or comes
    again when the repository can be asked."""
    if isinstance(error, Moved):
        _follow(work)
        return False
    if isinstance(error, TokenRefused) and _has_old_token(work.repository):
        reason = "GitHub has withdrawn a token of the app; another one is asked for"
        raise Upstream(Situation.EXTERNAL_SERVICE_UNAVAILABLE, reason) from error
    if isinstance(error, app.NotConfigured | TokenRefused):  # nobody can be asked, today and tomorrow
        note_status(work.repository, DISCONNECTED, error.message)
        _forget(work)
        return False
    if isinstance(error, Denied) and "delivery" in work.message:
        note_status(work.repository, FAILING, error.message)
        _forget(work)
        return False
    # an issue that was removed, or one that the token may not change: a repetition helps nobody
    log.info("a message is dropped", extra={"repository": work.repository.id, "reason": error.message})
    return True


def _has_old_token(repository: Repository) -> bool:
    """Tell whether the token that GitHub refuses was one of the app that this process has kept: then a new one may do."""
    return repository.installation_id is not None and app.forget_token(int(repository.installation_id), int(repository.github_id))


def _follow(work: Work) -> None:
    """Take over the name that GitHub gives the repository now, and put the message in line again. If it is nowhere, the repository is
    disconnected."""
    message = work.message
    if message.get("followed") or look_up(work) is None:
        note_status(work.repository, DISCONNECTED, UNSEEN)
        _forget(work)
        return
    send(dict(message) | {"followed": True})


def _work_off(work: Work) -> dict[str, Any] | None:
    """Return what the message says when it goes back in line; None: it is worked off."""
    message = work.message
    if "card" in message:
        work_off_card(work, message["card"])
    elif "comment" in message:
        work_off_comment_here(work, message["comment"])
    elif "waiting" in message:
        complete_waiting(work, message["waiting"])
    elif "history" in message:
        work.reserve = RESERVE
        rest = work_off_history(work, message["history"])
        return None if rest is None else {"history": rest}
    elif message.get("reconcile"):
        reconcile(work)
    else:
        payload = payload_of(message)
        if repository_in(payload)[0] != int(work.repository.github_id):
            return None  # the project has another repository since
        event = message["event"]
        require_shape(event, payload)
        if event == "push":
            start = work_off_push(work, payload, int(message.get("start", 0)))
            return None if start is None else {"start": start}
        _WORK_OFF[event](work, payload)
    return None


def _mark_done(work: Work) -> None:
    """Note that a delivery was worked off: no repetition of it is put in line again."""
    if "delivery" in work.message:
        with suppress(_Expired):
            write(update(_row(work), [Delivery.done.set(True)], Delivery.pk.exists(), _Expired))


def _forget(work: Work) -> None:
    """Let a delivery be fetched again, when the repository is connected again."""
    drop_payload(work.message)
    if "delivery" in work.message:
        write(delete(_row(work)))


def _row(work: Work) -> Delivery:
    pk, sk = Delivery.key_of(work.repository.id, str(work.message["delivery"]))
    return Delivery(pk=pk, sk=sk)
