"""`python -m bench [NAME | --all] [--json] [--quick] [--full]`."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from bench import report

CLAIMS = {
    "query": "a governed answer, from question to receipt, against the plain GROUP BY in DuckDB",
    "private": "count, sum and average by key with epsilon 1, against OpenDP's Polars path and others in their own environments",
    "decision": "decisions a second, with 1,000 and 100,000 agreements, against cedarpy, pycasbin and regopy",
    "consent": "who may be used out of 1 million persons, 1,000 of them within limits, against a row for each in DuckDB",
    "journal": "durable facts a second, alone and published with receipts, against sqlite3 and pymerkle",
    "growth": "appending, proving, publishing and opening as the journal grows, against pymerkle; counting for many",
    "exchange": "governed service calls over HTTP, 250 and 1,100 a second, against a proxy that governs nothing",
    "matching": "private matching of 100,000 persons with 1 million, against openmined-psi and against salted hashes",
    "valuation": "what records add to a training: exact nearest-neighbour values against pydvl and DataScope; attacks",
    "period": "dividing one income among 1 million members, settling 10 million, against Decimal, rows, COPY and Beancount",
    "hours": "1,000,000 shifts against every rule of hours: in columns, in plain Python, with pandas",
    "cover": "levies and entitlements of 1 million persons over 12 months, exact, against openfisca-core for a like rule",
    "shares": "what each of 1,000 holders added to totals of 10 million rows, against the totals alone; and each person's value",
    "skills": "one certificate away among 100,000 open jobs, against trying every certificate; names among 14,000 skills",
    "negotiation": "negotiations between two nodes, from request to FINALIZED, against two programs that keep nothing",
    "allocation": "allocating jobs to 100,000 workers with a certificate, and checking it, against OR-Tools",
    "payout": "orders to the bank of up to 1 million payments, valid by the standard's schema, against sepaxml",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one benchmark or all, or lists them."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Runs benchmarks; without NAME, lists them.")
    parser.add_argument("name", nargs="?", choices=CLAIMS, metavar="NAME")
    parser.add_argument("--all", action="store_true", help="run all of them, one after another")
    parser.add_argument("--json", action="store_true", help="print one JSON object, on one line, instead of a table")
    parser.add_argument("--quick", action="store_true", help="small sizes: to see that it runs, not for figures")
    parser.add_argument(
        "--full", action="store_true", help="the largest sizes too, where a benchmark has some: minutes"
    )
    chosen = parser.parse_args(arguments)
    names = list(CLAIMS) if chosen.all else [chosen.name] if chosen.name else []
    if not names:
        for name, claim in CLAIMS.items():
            print(f"{name:12}{claim}")
    return max((_run(name, chosen.quick, chosen.full, chosen.json) for name in names), default=0)


def _run(name: str, quick: bool, full: bool, as_json: bool) -> int:
    try:
        module = importlib.import_module(f"bench.{name}")
    except ModuleNotFoundError as error:
        print(f"{name}: `{error.name}` is not installed: pip install 'usufruct[bench]'", file=sys.stderr)
        return 1
    more = {"full": True} if full and hasattr(module, "FULL") else {}
    report.show(name, module.run(quick, **more), as_json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
