#!/usr/bin/env python3
"""Computes what visitors-by-hour writes, without Weir. No visitor looks at two pages in the same millisecond.

usage: jobs/visitors-by-hour/recompute.py INPUT-DIRECTORY EXPECTED-DIRECTORY
"""
import json
import pathlib
import sys
from collections import defaultdict

SIZE, SLIDE = 60 * 60_000, 15 * 60_000


def main():
    source, target = map(pathlib.Path, sys.argv[1:])
    windows = defaultdict(list)
    for path in source.glob("*.jsonl"):
        for line in path.open(encoding="utf-8"):
            visit = json.loads(line)
            newest = visit["ts"] // SLIDE * SLIDE
            for start in range(newest, visit["ts"] - SIZE, -SLIDE):
                windows[start, visit["visitor"]].append((visit["ts"], visit["page"]))
    rows = [
        json.dumps({
            "visitor": visitor,
            "pages": len(visits),
            "entry": min(visits)[1],
            "newest": max(visits)[1],
            "since": min(visits)[0],
            "window-start": start,
            "window-end": start + SIZE,
        }, separators=(",", ":"))
        for (start, visitor), visits in windows.items()
    ]
    (target / "output.jsonl").write_text("".join(row + "\n" for row in sorted(rows)), encoding="utf-8")


main()
