#!/usr/bin/env python3
"""Checks what is certain of late-events however many threads read: see README.md.

usage: jobs/late-events/check.py INPUT-DIRECTORY OUTPUT-DIRECTORY
"""
import json
import pathlib
import sys
from collections import Counter, defaultdict

MINUTE, LATENESS = 60_000, 4 * 60_000


def lines(folder, pattern):
    return [line for path in folder.glob(pattern) for line in path.read_text(encoding="utf-8").splitlines()]


def main():
    source, output = map(pathlib.Path, sys.argv[1:])
    expected, newest, readings = Counter(), float("-inf"), Counter(lines(source, "*.jsonl"))
    for line in readings.elements():
        reading = json.loads(line)
        expected[reading["device"], reading["ts"] // MINUTE * MINUTE] += reading["steps"]
        newest = max(newest, reading["ts"])

    late = [json.loads(line) for line in lines(output / "late", "part-*")]
    for record in late:
        if record["record"] is None:
            sys.exit(f"late, and not there: {record}")
        reading = json.loads(record["record"])
        if (reading["ts"], reading["device"]) != (record["time"], record["key"]):
            sys.exit(f"not the time and key of its record: {record}")
        if (reading["ts"] // MINUTE + 1) * MINUTE - 1 + LATENESS >= newest:
            sys.exit(f"late, though not even the newest reading is so much newer: {record}")
        expected[record["key"], reading["ts"] // MINUTE * MINUTE] -= reading["steps"]
    unknown = Counter(record["record"] for record in late) - readings
    if unknown:
        sys.exit(f"late more often than it was read: {next(iter(unknown))}")

    panes = defaultdict(list)
    for line in lines(output / "steps", "part-*"):
        result = json.loads(line)
        value = result["value"]
        panes[result["key"], value["minute"]].append((value["pane"], value["steps"]))
    for group, results in panes.items():
        results.sort()
        numbers, steps = zip(*results)
        if list(numbers) != list(range(numbers[0], numbers[0] + len(numbers))) or numbers[0] not in (0, 1):
            sys.exit(f"the panes of {group} aren't in sequence: {numbers}")
        if list(steps) != sorted(set(steps)):
            sys.exit(f"each pane of {group} must add something: {steps}")
    counted = Counter({group: max(results)[1] for group, results in panes.items()})
    for group in expected.keys() | counted.keys():
        if expected[group] != counted[group]:
            sys.exit(f"{group}: {counted[group]} steps were counted in time, {expected[group]} came in time")


main()
