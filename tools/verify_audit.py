"""Check an exported audit trail without the platform: `python -m tools.verify_audit FILE`, a file of `GET /export/audit-trail?proof=true`.

Prints what was found. Ends with 0 if the trail is as it was sealed, with 1 if not, with 2 if there is no such file. It needs nothing but
the file; whoever has kept the hash of a block (`--hash`) also learns that the chain is the one that they knew.
"""

import argparse
import sys
from pathlib import Path

from shared.insight.audit.proof import check_export


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="tools.verify_audit", description="Check an exported audit trail.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--hash", help="the hash of a block that is known from elsewhere")
    given = parser.parse_args(arguments)
    try:
        text = given.file.read_bytes()
    except OSError as error:
        print(error, file=sys.stderr)
        return 2
    report = check_export(text)
    faults = list(report.faults)
    if given.hash and f'"hash":"{given.hash}"' not in text.decode(errors="replace"):
        faults.append(f"no block has the hash {given.hash}: this is another chain")
    for fault in faults:
        print(fault)
    print(f"{report.entries} entries in {report.blocks} blocks; the last block's hash is {report.last_hash}")
    print("NOT as it was sealed" if faults else "as it was sealed")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
