#!/usr/bin/env python3
"""Computes what late-events writes when one thread reads the files, without Weir.

A file's first reading is newer than all before it: one thread reads files in the order of their first readings, each to
its end, and meanwhile event time stands still at its first reading. So it is certain which readings are late.

usage: jobs/late-events/recompute.py INPUT-DIRECTORY EXPECTED-DIRECTORY
"""
import json
import pathlib
import sys
from collections import defaultdict

MINUTE, LATENESS = 60_000, 4 * 60_000


def main():
    source, target = map(pathlib.Path, sys.argv[1:])
    totals, panes = defaultdict(int), defaultdict(int)
    waiting, results, late = set(), [], []

    def fire(start, device):
        value = {"minute": start, "steps": totals[start, device], "pane": panes[start, device]}
        results.append(json.dumps({"key": device, "value": value}, separators=(",", ":")))

    def fire_until(watermark):
        for start, device in [key for key in waiting if key[0] + MINUTE - 1 <= watermark]:
            waiting.remove((start, device))
            fire(start, device)

    uploads = [path.read_text(encoding="utf-8").splitlines() for path in source.glob("*.jsonl")]
    for number, lines in enumerate(sorted(uploads, key=lambda lines: json.loads(lines[0])["ts"])):
        # Nothing is late before something was read.
        watermark = json.loads(lines[0])["ts"] - 1 if number > 0 else float("-inf")
        fire_until(watermark)
        for line in lines:
            reading = json.loads(line)
            device, start = reading["device"], reading["ts"] // MINUTE * MINUTE
            end = start + MINUTE
            if end - 1 + LATENESS <= watermark:
                late.append(json.dumps({"time": reading["ts"], "key": device, "record": line}, separators=(",", ":")))
                continue
            totals[start, device] += reading["steps"]
            if end - 1 <= watermark:
                panes[start, device] += 1
                fire(start, device)
            else:
                waiting.add((start, device))
    fire_until(float("inf"))

    for name, lines in [("steps", results), ("late", late)]:
        (target / f"{name}.jsonl").write_text("".join(line + "\n" for line in sorted(lines)), encoding="utf-8")


main()
