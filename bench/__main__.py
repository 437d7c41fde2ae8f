"""`python -m bench [NAME | --all] [--json] [--quick]`."""

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
    """Runs one benchmark or all, or lists them."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Runs benchmarks; without NAME, lists them.")
    parser.add_argument("name", nargs="?", choices=CLAIMS, metavar="NAME")
    parser.add_argument("--all", action="store_true", help="run all of them, one after another")
    parser.add_argument("--json", action="store_true", help="print one JSON object, on one line, instead of a table")
    parser.add_argument("--quick", action="store_true", help="small sizes: to see that it runs, not for figures")
    chosen = parser.parse_args(arguments)
    names = list(CLAIMS) if chosen.all else [chosen.name] if chosen.name else []
    if not names:
        for name, claim in CLAIMS.items():
            print(f"{name:10}{claim}")
    return max((_run(name, chosen.quick, chosen.json) for name in names), default=0)


def _run(name: str, quick: bool, as_json: bool) -> int:
    try:
        module = importlib.import_module(f"bench.{name}")
    except ModuleNotFoundError as error:
        print(f"{name}: `{error.name}` is not installed: pip install 'usufruct[bench]'", file=sys.stderr)
        return 1
    report.show(name, module.run(quick), as_json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
