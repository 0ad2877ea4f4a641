"""Seals a workspace's audit trail on the deployed stack as the job does some minutes later: `... tests.stack.audit_sealer <workspace>`.

The job waits until whoever may still write has written (`shared/insight/audit/marking.py`); nobody writes here any more.
"""

import sys
from datetime import timedelta

import time_machine

from shared.core import clock
from shared.insight.audit.marking import HORIZON
from shared.insight.audit.rows import workspace_tenant
from shared.insight.audit.sealing import seal

if __name__ == "__main__":
    with time_machine.travel(clock.now() + timedelta(seconds=HORIZON + 1)):
        print(seal(workspace_tenant(sys.argv[1])))
