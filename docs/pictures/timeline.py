#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Draws a trace of accel-run --trace as SVG: timeline.py TRACE.json OUT.svg

The token, one row per engine, coloured by the part of the model; below it one layer, enlarged.
"""

import json
import sys
from xml.sax.saxutils import escape

WIDTH, LEFT, ROW, GAP = 1100, 60, 26, 6
ENGINES = ["tile", "vec", "dma"]
PARTS = [  # first match in a command's name
    ("norm", "#8da0cb"), ("rope", "#e78ac3"), ("kv_store", "#a6761d"), ("softmax", "#fc8d62"),
    ("attn", "#fc8d62"), ("ffn", "#66c2a5"), ("output", "#e5c494"), ("logits", "#e5c494"),
]


def colour(name):
    for part, c in PARTS:
        if part in name:
            return c
    return "#b3b3b3"


def rows(events, names, y0, t0, t1, out, label):
    scale = (WIDTH - LEFT - 10) / (t1 - t0)
    out.append(f'<text x="{LEFT}" y="{y0 - 6}" class="h">{escape(label)}</text>')
    for i, engine in enumerate(ENGINES):
        y = y0 + i * (ROW + GAP)
        out.append(f'<text x="8" y="{y + 17}">{engine}</text>')
        out.append(f'<rect x="{LEFT}" y="{y}" width="{WIDTH - LEFT - 10}" height="{ROW}" fill="#f4f4f4"/>')
    for e in events:
        a, b = max(e["ts"], t0), min(e["ts"] + e["dur"], t1)
        if names[e["tid"]] not in ENGINES or b <= a:
            continue
        y = y0 + ENGINES.index(names[e["tid"]]) * (ROW + GAP)
        x, w = LEFT + (a - t0) * scale, max(0.5, (b - a) * scale)
        out.append(f'<rect x="{x:.2f}" y="{y}" width="{w:.2f}" height="{ROW}" fill="{colour(e["name"])}" '
                   f'stroke="#555" stroke-width="0.3"><title>{escape(e["name"])} {escape(e["args"]["op"])}: '
                   f'{round(e["dur"] * 1000)} cycles</title></rect>')
    y = y0 + len(ENGINES) * (ROW + GAP) + 10
    for k in range(11):
        x = LEFT + k * (WIDTH - LEFT - 10) / 10
        out.append(f'<text x="{x:.0f}" y="{y}" class="t">{round((t1 - t0) * 100 * k)}</text>')
    return y + 30


def main():
    doc = json.load(open(sys.argv[1], encoding="utf-8"))
    events = [e for e in doc["traceEvents"] if e["ph"] == "X" and e["tid"]]
    names = {e["tid"]: e["args"]["name"] for e in doc["traceEvents"]
             if e["ph"] == "M" and e["name"] == "thread_name"}
    assert doc["otherData"]["complete"] and doc["otherData"]["jobs"] == 1
    t0, t1 = 0, max(e["ts"] + e["dur"] for e in events)
    layer = [e for e in events if e["name"].startswith("layer.2/")]
    out = []
    y = rows(events, names, 40, t0, t1, out, f"one token: {round((t1 - t0) * 1000)} cycles")
    if layer:
        a, b = min(e["ts"] for e in layer), max(e["ts"] + e["dur"] for e in layer)
        y = rows(layer, names, y + 10, a, b, out, f"layer 2 of it: {round((b - a) * 1000)} cycles")
    x = LEFT
    for part, c in dict((p, c) for p, c in PARTS if p in ("norm", "rope", "attn", "ffn", "output")).items():
        out.append(f'<rect x="{x}" y="{y - 12}" width="14" height="14" fill="{c}"/>'
                   f'<text x="{x + 20}" y="{y}">{part}</text>')
        x += 110
    with open(sys.argv[2], "w", encoding="utf-8", newline="\n") as f:
        f.write('<!-- SPDX-License-Identifier: MIT -->\n'
                f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y + 12}" '
                f'viewBox="0 0 {WIDTH} {y + 12}">\n<style>text{{font:12px sans-serif;fill:#222}}'
                '.h{font-weight:bold}.t{font-size:10px;fill:#666}</style>\n'
                f'<rect width="{WIDTH}" height="{y + 12}" fill="white"/>\n' + "\n".join(out) + "\n</svg>\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
