#!/usr/bin/env python3
"""Computes what archive writes, without Weir: a file for each directory.

usage: jobs/archive/recompute.py INPUT-DIRECTORY EXPECTED-DIRECTORY
"""
import datetime
import json
import pathlib
import sys


def main():
    source, target = map(pathlib.Path, sys.argv[1:])
    hours = {}
    for path in source.glob("*.jsonl"):
        for line in path.open(encoding="utf-8"):
            payment = json.loads(line)
            if payment["cents"] <= 0:
                continue
            payment["class"] = "small" if payment["cents"] < 1_000 else "large"
            moment = datetime.datetime.fromtimestamp(payment["sent"] / 1000, datetime.timezone.utc)
            hours.setdefault(moment.strftime("%Y-%m-%dT%H"), []).append(json.dumps(payment, separators=(",", ":")))
    (target / "output").mkdir(exist_ok=True)
    for hour, rows in hours.items():
        (target / "output" / f"{hour}.jsonl").write_text("".join(row + "\n" for row in sorted(rows)), encoding="utf-8")


main()
