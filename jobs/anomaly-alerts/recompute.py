#!/usr/bin/env python3
"""Computes what anomaly-alerts writes, without Weir: each sensor's readings in the order of its file.

A silence is told by the next reading or by a timer, whichever comes first: here it is one list, without timers.

usage: jobs/anomaly-alerts/recompute.py INPUT-DIRECTORY EXPECTED-DIRECTORY
"""
import json
import pathlib
import sys

SILENCE = 60_000
ENOUGH, FAR = 20, 38


def main():
    source, target = map(pathlib.Path, sys.argv[1:])
    sensors = {}
    for path in sorted(source.glob("*.jsonl")):
        for line in path.open(encoding="utf-8"):
            reading = json.loads(line)
            sensors.setdefault(reading["sensor"], []).append((reading["ts"], reading["tenths"]))
    anomalies, silences = [], []
    for sensor, readings in sensors.items():
        newest, total = readings[0][0], 0
        for count, (time, tenths) in enumerate(readings):
            if time - newest >= SILENCE:
                silences.append((sensor, newest))
            if count >= ENOUGH and abs(tenths * count - total) > FAR * count:
                # Readings aren't negative: rounding down and towards zero is the same.
                anomalies.append({
                    "sensor": sensor, "ts": time, "tenths": tenths, "usual": total // count, "readings": count,
                })
            newest, total = max(newest, time), total + tenths
        silences.append((sensor, newest))
    write(target / "anomalies.jsonl", anomalies)
    write(target / "silences.jsonl", [
        {"job": "anomaly-alerts", "key": sensor, "arguments": ["silent", newest]} for sensor, newest in silences
    ])


def write(path, rows):
    lines = sorted(json.dumps(row, separators=(",", ":")) for row in rows)
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")


main()
