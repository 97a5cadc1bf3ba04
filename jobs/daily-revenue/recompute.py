#!/usr/bin/env python3
"""Computes what daily-revenue writes, without Weir.

usage: jobs/daily-revenue/recompute.py INPUT-DIRECTORY EXPECTED-DIRECTORY
"""
import datetime
import json
import pathlib
import sys
from collections import defaultdict

DAY, OFFSET = 86_400_000, 15 * 3_600_000
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def main():
    source, target = map(pathlib.Path, sys.argv[1:])
    days = defaultdict(list)
    for path in source.glob("*.jsonl"):
        for line in path.open(encoding="utf-8"):
            order = json.loads(line)
            if order["state"] == "returned":
                continue
            moment = datetime.datetime.fromisoformat(order["at"].replace("Z", "+00:00"))
            time = (moment - EPOCH) // datetime.timedelta(milliseconds=1)
            start = (time - OFFSET) // DAY * DAY + OFFSET
            days[start, order["shop"]] += order["lines"]
    rows = []
    for (start, shop), lines in days.items():
        cents = [line["cents"] for line in lines]
        if not cents:
            continue
        rows.append(json.dumps({
            "shop": shop,
            "lines": len(cents),
            "products": len({line["product"] for line in lines}),
            "revenue": sum(cents),
            "mean": sum(cents) / len(cents),
            "least": min(cents),
            "largest": sorted(cents, reverse=True)[:3],
            "window-start": start,
            "window-end": start + DAY,
        }, separators=(",", ":"), ensure_ascii=False))
    (target / "output.jsonl").write_text("".join(row + "\n" for row in sorted(rows)), encoding="utf-8")


main()
