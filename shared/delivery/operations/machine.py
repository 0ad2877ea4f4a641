"""Executions of the BuildAndDeploy machine, and the job that looks after operations whose execution is gone."""

from functools import partial
from typing import Any, Final

from shared.core import aws, clock, machines
from shared.core.settings import settings
from shared.delivery.operations.requesting import deployment_of
from shared.delivery.operations.rows import OVERDUE_DEPLOYING, UNFINISHED, OperationRow
from shared.delivery.operations.steps import OperationEnded, Step, finish, release, run_step
from shared.store import fetch, fetch_indexed, process_all, sweep, update_with_retry

MOST_LAUNCHES: Final = 3
"""Executions that may be lost before the operation fails."""
_PAGE: Final = 100


def client() -> Any:
    return aws.short_call_client("stepfunctions", within=10)


def start(operation_id: str, launch: int = 0) -> str:
    """Start the execution of an operation, or find the one that exists already; return its ARN."""
    machine = settings().need("build_and_deploy_machine")
    name = f"operation-{operation_id}" + (f"-{launch}" if launch else "")
    return machines.start_execution(client(), machine, name, {"operation_id": operation_id})


def is_running(execution: str) -> bool:
    return machines.is_execution_running(client(), execution)


def sweep_operations(until: float) -> int:
    """Look after unfinished operations of which nothing was heard; return how many. Stops at `until` (`time.monotonic`)."""
    over, read = ("0", f"{clock.epoch():012d}"), partial(fetch_indexed, OperationRow)
    rows = sweep(OperationRow, UNFINISHED, [UNFINISHED], until, index=3, between=over, limit=_PAGE, read=read)
    return process_all(UNFINISHED, rows, look_after, lambda row: f"{OperationRow.NAME} {row.id}")


def _follow(operation: OperationRow) -> int:
    """End an operation whose deployment has ended, should its event be lost; else look again later."""
    deployment = deployment_of(operation)
    if deployment is None or finish(deployment):
        return 1

    def change(current: OperationRow) -> None:
        if not current.ended:
            current.postpone(OVERDUE_DEPLOYING)

    update_with_retry(lambda: fetch(OperationRow, operation.id) or operation, change)
    return 0


def look_after(operation: OperationRow) -> int:
    """Release an operation that has ended; give one whose execution is gone another one, at most MOST_LAUNCHES times."""
    if operation.ended:
        release(operation.id)
        return 1
    if operation.handed_over:
        return _follow(operation)
    if operation.execution and is_running(operation.execution):
        return 0
    if operation.launches >= MOST_LAUNCHES:
        run_step("fail", Step(operation.id, str(operation.execution), {"error": {"Error": "BuildLost"}}))
        return 1

    def read() -> OperationRow:
        current = fetch(OperationRow, operation.id)
        if current is None or current.ended or current.execution != operation.execution:
            raise OperationEnded
        return current

    def change(current: OperationRow) -> None:
        current.launches += 1
        current.execution = None
        current.postpone()

    try:
        relaunched = update_with_retry(read, change)
    except OperationEnded:
        return 0
    start(operation.id, int(relaunched.launches))
    return 1
