"""The notes below the tables in RESULTS.md: how each was measured, and why a figure misses its budget."""

NOTES = {
    "method": """
Ratios transfer to other machines, times do not. Starts are judged by instructions (callgrind). CPU is user + system, never the clock;
what is compared takes turns, figures are medians, and a ratio is the median of the ratios of neighbours, so that a busy machine slows both
sides. Neighbouring runs differ by 5 %. AWS is answered inside the process with recorded bytes, so no emulator is measured. The
two parts on the local stack are clock times on loopback. Nothing here decides in CI: tests count (round trips in `tests/areas`,
imported modules in `tests/unit/test_imports.py`).

`bare boto3` is `bench/bare.py`: one client, `json`, no framework, no validation, no caller, no rate limit, no log line. At a cold
start it has boto3 as pip installs it, with the same kind of bytecode; a mark of its own shows it with the botocore that we ship.
""",
    "cold": """
A new interpreter that sees nothing but the deployed package for this processor (`infra.bundling`, unpacked; `-I -S`) imports
the function and answers its first request, an authenticated GET of its first contract. Instructions of that process under
callgrind less those of an interpreter that does nothing; they repeat to four digits (the order of sets moves them by 1 %), and
the verdict is by them. CPU is beside them, five rounds. The interpreter's end is left out, since a function does not end then.
`modules` is what is loaded in the end. Workers are imported only.

**No API function is a defect; ten of twelve are within the target, `cards` and `runs` miss it by 0.02 and 0.04.**
What is left is FastAPI, Pydantic and
PynamoDB putting their classes together, which is no compiling and cannot be kept: importing FastAPI with what it needs is half of
a start (its OpenAPI models 104 M, OpenTelemetry's API, which it imports without asking, 43 M), the store with botocore and PynamoDB
a fifth, the application's routes 2.3 M each. A framework of our own would not need it, and whoever reads this code would pay for it.
On AWS, SnapStart (Python 3.12 and newer, published versions) restores the memory after all of this; `snapStart` names the functions
that have it, for about 3.90 USD a month and version of 1 GB (docs/deploying.md).

What was done, in instructions of `cards` (bare: 900 M):

| lever | M instructions | ÷ bare |
|---|---|---|
| before: no collection while importing, models built at first use, no `pydantic.v1`, one session, pruned data | 1,891 | 2.10 |
| bytecode in one file; texts and regular expressions compiled when the package is made (decision 41) | 1,350 | 1.50 |
| botocore's handlers of the services that have a client, and not of all | 1,300 | 1.44 |
| expressions of Python's own library recorded too | 1,289 | 1.43 |
| service models with only the operations that some source names | 1,275 | 1.42 |
| tried without effect before: shallow imports first (`urllib3.util.url`, `botocore.session`) | 0 | |
| not taken: FastAPI's three `model_rebuild()` calls undone while it is imported: patching a foreign class | -2.6 % | |

One request that leads nowhere and the DynamoDB client are made while the function starts (`LambdaHandler.warm_up`): the same CPU, at a
time when Lambda gives a function a whole processor.
""",
    "warm": """
The whole handler, event to answer, in one process: 15 rounds of 100 requests (20 of the list). `trips` is how many calls to
DynamoDB the request makes; the bare twin makes one, of the same row or rows. `÷ bare, trip for trip` divides by that many bare
calls: it is what the platform itself costs beside botocore.

**All four miss their targets, which assumed one round trip.** A call of botocore takes about 220 µs of CPU with our client (370
to 470 with boto3's defaults), and signing is more than a third of it. Reading a card takes four calls (who calls and how often,
the card, its comments, its activities), writing one takes three (who, what it depends on, the transaction), so botocore alone
is two to three times the bare handler's single call before any of our code runs. Trip for trip, reads are below the bare
handler and writes above it: the transaction of a new card writes the card with its event, the board's counts and the checks of
lane and project, where the bare handler puts one item of five texts. The list of a hundred cards costs about half of the bare
handler's, which only unpacks the same rows; its target of 0.3 was set on rows of 0.7 KB, these have 3.

What was done: the claims of a token that was verified are kept, its age and its session asked each time (-100 µs, PyJWT looks at each
of its thousand characters); the User-Agent is given to botocore instead of put together twice a call (-20 % of every request,
`shared/core/aws.py`); a page is read without the attributes that only indexes and the stream use, almost half of its bytes (-15
% of the list, `fetch_all(..., to_show=True)`); JSON texts of our own are read without `json.loads`' preparations (a fifth to
two fifths of the time of each). Tried without effect: `account_id_endpoint_mode`, legacy retries, checksums, request
compression (1 to 2 % each).
""",
    "trips": """
On moto, counted at botocore (exact). Units by the published formula from the sizes of the rows that were read and written: a
strongly consistent read 1 per 4 KB and an eventually consistent one 0.5, a write 1 per KB, transactions twice, a write more for
each index of a row (each index entry is counted as written, also where an update leaves it as it was: an upper bound). A
missing row of a batch costs nothing here and half or one unit on AWS. Trips are calls one after the other; what is read ahead at
the same time stands behind a `+`. The access record is read with a request's first rows; one request in four to twenty takes
one trip more, for the next lease of the caller's requests or the workspace's, which is not shown. The budget is one trip for
a row by its id, two for a list, a row with collections and a change, four for a login; where an operation has more, the last
column says what for. `tests/areas/test_trips.py` holds every operation of agentworks to it.
""",
    "close": """
The real job in calls of 40 seconds, botocore included; a table in this process answers in place of the network, keeps what is
written and evaluates no condition. Half of the workspaces used three agents on twenty days (23 sums to read), every tenth is
on the pro plan, a tenth share organizations. Trips and write units are exact (units as above: rows written twice over in
transactions, each index once); CPU is this machine's. Minutes and calls add 5 ms for every trip, which is assumed and not
measured. What came out is added up: one invoice for each that owes something, the ledger's sums, numbers without gaps.
""",
    "terminal": """
The deployed local stack, everything in it real: a run's writer appends a line every tenth of a second, twenty lines; the time
from `write` to the viewer's socket. Up to 75 ms of it are the writer's own window, in which lines are collected for one post.
All viewers are in one process beside the stack on the same cores.
""",
    "requests": """
Kept-alive connections on loopback through the front door, the engine's gateway and the function's process, five seconds an
operation. Engine, functions, door and client share this machine's cores: this says what a developer can expect of `make run`,
not what Lambda does.
""",
}
