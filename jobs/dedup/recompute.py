#!/usr/bin/env python3
"""Computes what dedup writes, without Weir: of payments with the same terminal and number that were sent less than ten
minutes after the first of them only that one.

usage: jobs/dedup/recompute.py INPUT-DIRECTORY EXPECTED-DIRECTORY
"""
import json
import pathlib
import sys

WITHIN = 10 * 60_000


def main():
    source, target = map(pathlib.Path, sys.argv[1:])
    groups = {}
    for path in source.glob("*.jsonl"):
        for line in path.open(encoding="utf-8"):
            payment = json.loads(line)
            if payment["cents"] > 0:
                groups.setdefault((payment["terminal"], payment["number"]), []).append(payment)
    rows = []
    for payments in groups.values():
        first = None
        for payment in sorted(payments, key=lambda payment: payment["sent"]):
            if first is None or payment["sent"] - first >= WITHIN:
                first = payment.pop("sent")
                rows.append(json.dumps(payment, separators=(",", ":")))
    (target / "output.jsonl").write_text("".join(row + "\n" for row in sorted(rows)), encoding="utf-8")


main()
