#!/usr/bin/env python3
"""Computes what order-payments writes, without Weir: every pair of an order and a payment of its till and number, paid
from five minutes before the order to half an hour behind it, both included.

usage: jobs/order-payments/recompute.py INPUT-DIRECTORY EXPECTED-DIRECTORY
"""
import json
import pathlib
import sys

FROM, TO = -5 * 60_000, 30 * 60_000


def records(source, name):
    for path in source.glob(f"{name}-*.jsonl"):
        with path.open(encoding="utf-8") as lines:
            yield from map(json.loads, lines)


def main():
    source, target = map(pathlib.Path, sys.argv[1:])
    orders = {}
    for order in records(source, "orders"):
        orders.setdefault((order["till"], order["number"]), []).append(order)
    rows = []
    for payment in records(source, "payments"):
        for order in orders.get((payment["till"], payment["order"]), []):
            after = payment["ts"] - order["ts"]
            if payment["cents"] > 0 and FROM <= after <= TO:
                row = {
                    "till": order["till"],
                    "number": order["number"],
                    "owed": order["cents"],
                    "paid": payment["cents"],
                    "by": payment["by"],
                    "after": after,
                }
                rows.append(json.dumps(row, separators=(",", ":")))
    (target / "output.jsonl").write_text("".join(row + "\n" for row in sorted(rows)), encoding="utf-8")


main()
