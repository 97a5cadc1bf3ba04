#!/usr/bin/env python3
"""Computes what real-time-analytics alerts, without Weir.

usage: jobs/real-time-analytics/recompute.py INPUT-DIRECTORY EXPECTED-DIRECTORY
"""
import json
import pathlib
import sys
from collections import Counter

MINUTE = 60_000


def main():
    source, target = map(pathlib.Path, sys.argv[1:])
    counts = Counter()
    for path in source.glob("*.jsonl"):
        for line in path.open(encoding="utf-8"):
            event = json.loads(line)
            counts[event["ts"] // MINUTE * MINUTE, event["user-id"]] += 1
    alerts = [
        json.dumps({
            "time": start + MINUTE,
            "job": "real-time-analytics",
            "window": {"start": start, "end": start + MINUTE},
            "arguments": ["High activity", user],
        }, separators=(",", ":"))
        for (start, user), count in counts.items()
        if count > 100
    ]
    (target / "output.jsonl").write_text("".join(line + "\n" for line in sorted(alerts)), encoding="utf-8")


main()
