#!/usr/bin/env python3
"""Computes what sessions writes, without Weir: sorts each visitor's records and cuts where they are half an hour apart.

usage: jobs/sessions/recompute.py INPUT-DIRECTORY EXPECTED-DIRECTORY
"""
import json
import pathlib
import sys
from collections import defaultdict

GAP = 30 * 60_000


def sessions(visits):
    """Lists of visits, each less than the gap behind the one before."""
    session = []
    for visit in sorted(visits):
        if session and visit[0] - session[-1][0] >= GAP:
            yield session
            session = []
        session.append(visit)
    yield session


def main():
    source, target = map(pathlib.Path, sys.argv[1:])
    visits = defaultdict(list)
    for path in source.glob("*.jsonl"):
        for line in path.open(encoding="utf-8"):
            record = json.loads(line)
            visits[record["visitor"]].append((record["ts"], record["page"]))
    rows = []
    for visitor, all_visits in visits.items():
        for session in sessions(all_visits):
            (begin, entry), (end, exit_page) = session[0], session[-1]
            value = {
                "pages": len(session),
                "entry": entry,
                "exit": exit_page,
                "duration": end - begin,
                "start": begin,
                "end": end + GAP,
            }
            rows.append(json.dumps({"key": visitor, "value": value}, separators=(",", ":")))
    (target / "output.jsonl").write_text("".join(row + "\n" for row in sorted(rows)), encoding="utf-8")


main()
