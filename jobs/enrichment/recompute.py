#!/usr/bin/env python3
"""Computes what enrichment writes, without Weir.

usage: jobs/enrichment/recompute.py INPUT-DIRECTORY EXPECTED-DIRECTORY
"""
import csv
import json
import pathlib
import sys

SIZE = 60_000
TABLES = pathlib.Path(__file__).resolve().parent / "tables"


def write(path, rows):
    lines = sorted(json.dumps(row, separators=(",", ":")) for row in rows)
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")


def main():
    source, target = map(pathlib.Path, sys.argv[1:])
    with (TABLES / "pages.csv").open(encoding="utf-8", newline="") as file:
        pages = {row["page"]: row for row in csv.DictReader(file)}
    users = {row["user-id"]: row for row in map(json.loads, (TABLES / "users.json").open(encoding="utf-8"))}
    windows, unknown = {}, []
    for path in source.glob("*.jsonl"):
        for line in path.open(encoding="utf-8"):
            click = json.loads(line)
            page, user = pages.get(click["page"]), users.get(click["user-id"])
            if page is None:
                unknown.append(click)
                continue
            group = windows.setdefault((click["ts"] // SIZE * SIZE, page["section"]), [0, set(), set(), 0])
            group[0] += 1
            group[1].add(page["title"])
            if user is not None:
                group[2].add(user["country"])
            group[3] += click["time-on-page"]
    write(target / "unknown.jsonl", unknown)
    write(target / "sections.jsonl", [
        {
            "section": section,
            "clicks": clicks,
            "titles": len(titles),
            "countries": len(countries),
            "seconds": seconds,
            "window-start": start,
            "window-end": start + SIZE,
        }
        for (start, section), (clicks, titles, countries, seconds) in windows.items()
    ])


main()
