"""The notes below the tables in RESULTS.md: how each was measured, and why a figure misses its budget."""

NOTES = {
    "method": """
Ratios transfer to other machines, times do not. Starts and warm requests are judged by instructions (callgrind). CPU is user +
system, never the clock; what is compared takes turns, figures are medians, and a ratio is the median of the ratios of neighbours, so
that a busy machine slows both
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
The whole handler, event to answer, with recorded answers of AWS in a process of its own. Instructions decide: callgrind
counts five requests after some that warm up, and repeats to two per cent. CPU is the median of 15 rounds of 100 requests (20
of the list), which a busy machine moves by a fifth. `trips` are calls of DynamoDB one after the other, `beside` those that
are read ahead at the same time; each costs instructions. The bare twin makes one call, of the same row or rows, with boto3's
own client. What comes after botocore's `before-send` (sockets, TLS) is on neither side.

| before (twenty requests counted) | M instructions | bare | ÷ bare |
|---|---|---|---|
| get one card | 7.72 | 4.04 | 1.91 |
| list 100 cards | 57.30 | 143.67 | 0.40 |
| create a card | 9.18 | 2.91 | 3.16 |
| move a card | 9.34 | 2.91 | 3.21 |

What was done since: **calls are shorter** ([decision 43](../docs/decisions/0043-shorter-calls-of-dynamodb.md)): 1.87 M
instructions each before, 0.97 M now, with botocore's own signature (0.37 M; it was 0.54), retries, errors and connections;
boto3's default client needs 3.7 M for a row of 30 attributes. **Rows are written by an encoder of each model**, and JSON
texts by one encoder for all: a card 0.33 M, it was 0.52. Empty lists and maps of a row are not parsed. Fewer calls came
before that: a card was read with four calls, one after the other, and written with three.

No request is a defect; those over their target say why here. The list reads 100 cards of 33 attributes (0.1 M each to decode,
so 10 M of it), looks at the same 100 rows of the index to sort them, and Pydantic validates and writes the page. A get makes
three calls at once where the bare handler makes one. A change pays for two calls (1.9 M), for the update of the board's
counts with its conditions, which PynamoDB writes (1.0 M), for the row with its condition (0.7 M) and, before that, its making
(0.23 M), and for FastAPI, Mangum, the pipeline and the log line (1.3 M, a request that reads nothing).

Done earlier: the claims of a token that was verified are kept, its age and its session asked each time (-100 µs); the
User-Agent is given to botocore instead of put together twice a call (`shared/core/aws.py`); a page is read without the
attributes that only indexes and the stream use, almost half of its bytes (-15 % of the list, `fetch_all(..., to_show=True)`).
Tried without effect: `account_id_endpoint_mode`, legacy retries, checksums, request compression (1 to 2 % each).
""",
    "trips": """
On moto, counted at botocore (exact). Units by the published formula from the sizes of the rows that were read and written: a
strongly consistent read 1 per 4 KB and an eventually consistent one 0.5, a write 1 per KB, transactions twice, of the
larger of the old row and the new one, and a write for each index entry that it makes or changes, two where its key changes. A
missing row of a batch costs what a small one does. Trips are calls one after the other; what is read ahead at
the same time stands behind a `+`. The access record is read with a request's first rows; one request in four to twenty takes
one trip more, for the next lease of the caller's requests or the workspace's, which is not shown. The budget is one trip for
a row by its id, two for a list, a row with collections and a change, four for a login; where an operation has more, the last
column says what for. `tests/areas/test_trips.py` holds every operation of every contract to it.
""",
    "growth": """
A page of fifty of each list, with 100, 1,000 and 10,000 entries in it; a terminal has ten lines for each. Trips are calls one after
the other, and behind the `+` those that are read beside them; units as above. CPU is the whole request with replayed answers, on
this machine. Runs, comments, documents and projects are counted in blocks of 500
([decision 45](../docs/decisions/0045-long-lists-are-counted-in-blocks.md)): a page at any depth reads the block that holds it.
The total of a card's activities is counted by the index: a count shows no rows here and is one unit, on DynamoDB it is about 30 for
each thousand.
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
    "webhooks": """
The deployed local stack, everything in it real. First attempt: from the answer to the request that makes a feature until the
receiver has the event of one webhook, one after the other: the stream, the projector, a queue and the worker. Deliveries a second: the
features are made one after the other while five webhooks are told of each, so the requests are in it.
""",
    "requests": """
Kept-alive connections on loopback through the front door, the engine's gateway and the function's process, five seconds an
operation. Engine, functions, door and client share this machine's cores: this says what a developer can expect of `make run`,
not what Lambda does.
""",
    "prices": """
List prices of us-east-1 in November 2026 (`bench/prices.py` names each with its page), without free tiers and discounts. Units of
DynamoDB and messages are counted on moto, of a card with 2 KB of description, labels, a tag, an assignee and custom fields that
moves between lanes without an agent; the times of functions, the bytes of log lines and the seconds that a model takes are stated there.
Events come one by one: with traffic a call of the projector has up to a hundred of them, and of the pusher ten. The
same program on the code of before the card had two rows, with every request of a quiet stage traced: 19.85, 28.82 and 30.03 USD for the
moves (14 write units for the request, 7 and 17 read units for its event, each event sent to a queue), 0.00147 for the run, 14.08
for the idle stage.

**The request and the viewer miss their targets.** Of the request's price 3.50 are the gateway, 1.21 the edge, 0.74 log lines
and traces: 9 USD leave 3.55 for the table and the function, which take 5.90. What a kilobyte of the card's row costs is
2 write units, 1.25 USD: 1.9 KB are two of them, and one is out of reach ([decision 39](../docs/decisions/0039-a-card-is-two-rows.md)
has the bytes). A changed place in a lane is 2 more in the index, the board's counts are 2. A viewer adds three requests of a FIFO
queue, a message and a call of the pusher.
""",
}
