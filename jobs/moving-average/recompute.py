#!/usr/bin/env python3
"""Computes what moving-average writes, without Weir: a sensor's readings lie in one file, and count in its order.

usage: jobs/moving-average/recompute.py INPUT-DIRECTORY EXPECTED-DIRECTORY
"""
import json
import pathlib
import sys
from collections import defaultdict

COUNT, SLIDE = 20, 5


def main():
    source, target = map(pathlib.Path, sys.argv[1:])
    readings = defaultdict(list)
    for path in source.glob("*.jsonl"):
        for line in path.open(encoding="utf-8"):
            reading = json.loads(line)
            readings[reading["sensor"]].append((reading["ts"], reading["tenths"]))
    rows = []
    for sensor, all_readings in readings.items():
        for end in range(SLIDE, len(all_readings) + 1, SLIDE):
            window = all_readings[max(0, end - COUNT):end]
            times, tenths = zip(*window)
            value = {
                "readings": len(tenths),
                "mean": sum(tenths) / len(tenths),
                "highest": max(tenths),
                "start": min(times),
                "end": max(times) + 1,
            }
            rows.append(json.dumps({"key": sensor, "value": value}, separators=(",", ":")))
    (target / "output.jsonl").write_text("".join(row + "\n" for row in sorted(rows)), encoding="utf-8")


main()
