#!/usr/bin/env python3
"""Computes what top-products writes, without Weir.

usage: jobs/top-products/recompute.py INPUT-DIRECTORY EXPECTED-DIRECTORY
"""
import json
import pathlib
import sys
from collections import Counter, defaultdict

SIZE, SLIDE = 10 * 60_000, 2 * 60_000


def main():
    source, target = map(pathlib.Path, sys.argv[1:])
    counts, totals = Counter(), defaultdict(Counter)
    for path in source.glob("*.jsonl"):
        for line in path.open(encoding="utf-8"):
            sale = json.loads(line)
            newest = sale["ts"] // SLIDE * SLIDE
            for start in range(newest, sale["ts"] - SIZE, -SLIDE):
                counts[start, sale["category"]] += 1
                totals[start, sale["category"]][sale["product"]] += sale["cents"]
    rows = []
    for (start, category), products in totals.items():
        ranked = sorted(products.items(), key=lambda item: (-item[1], item[0]))
        value = {"from": start, "sales": counts[start, category], "top": ranked[:3]}
        rows.append(json.dumps({"key": category, "value": value}, separators=(",", ":")))
    (target / "output.jsonl").write_text("".join(row + "\n" for row in sorted(rows)), encoding="utf-8")


main()
