"""`python -m bench [NAME] [--json] [--quick]`."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from bench import report

CLAIMS = {
    "query": "a governed answer, from question to receipt, against the plain GROUP BY in DuckDB",
    "decision": "decisions a second, with 1,000 and 100,000 agreements, against cedarpy and pycasbin",
    "journal": "durable facts a second, one and 200 callers at a time, against a commit per fact in sqlite3",
    "period": "dividing one income among up to 1 million members, against Decimal and a row for each",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one benchmark, or lists them all."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Runs one benchmark; without NAME, lists them."
    )
    parser.add_argument("name", nargs="?", choices=CLAIMS, metavar="NAME")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    parser.add_argument("--quick", action="store_true", help="small sizes: to see that it runs, not for figures")
    chosen = parser.parse_args(arguments)
    if chosen.name is None:
        for name, claim in CLAIMS.items():
            print(f"{name:10}{claim}")
        return 0
    try:
        module = importlib.import_module(f"bench.{chosen.name}")
    except ModuleNotFoundError as error:
        print(f"`{error.name}` is not installed: pip install 'usufruct[bench]'", file=sys.stderr)
        return 1
    results = module.run(chosen.quick)
    report.show(chosen.name, results, as_json=chosen.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
