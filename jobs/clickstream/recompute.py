#!/usr/bin/env python3
"""Computes what clickstream writes, without Weir: every event goes into each window that holds it.

usage: jobs/clickstream/recompute.py INPUT-DIRECTORY EXPECTED-DIRECTORY
"""
import json
import pathlib
import sys

SIZE, SLIDE = 300_000, 30_000


def main():
    source, target = map(pathlib.Path, sys.argv[1:])
    windows = {}
    for path in source.glob("*.jsonl"):
        for line in path.open(encoding="utf-8"):
            event = json.loads(line)
            newest = event["ts"] // SLIDE * SLIDE
            for start in range(newest, event["ts"] - SIZE, -SLIDE):
                group = windows.setdefault((start, event["user-id"]), [0, set(), 0])
                group[0] += 1
                group[1].add(event["page"])
                group[2] += event["time-on-page"]
    rows = [
        json.dumps({
            "user-id": user,
            "count": count,
            "unique-pages": len(pages),
            "duration": duration,
            "window-start": start,
            "window-end": start + SIZE,
        }, separators=(",", ":"))
        for (start, user), (count, pages, duration) in windows.items()
    ]
    (target / "output.jsonl").write_text("".join(row + "\n" for row in sorted(rows)), encoding="utf-8")


main()
