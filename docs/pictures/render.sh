#!/bin/sh
# SPDX-License-Identifier: MIT
# Renders the README's pictures from a build: render.sh BUILD. Needs graphviz.
set -eu
build=$1
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$build/compiler/accelc" compile "$here/../../models/tinyqwen3-Q8_0.gguf" -o "$work/m.accel"
"$build/tools/accel-run" "$work/m.accel" -p "Once upon a time" -n 8 --backend sim \
	--trace "$work/trace.json" --trace-token 8 >/dev/null
python3 "$here/timeline.py" "$work/trace.json" "$here/timeline.svg"
# the first layer and what surrounds it, left to right
"$build/compiler/accelc" graph "$work/m.accel" | awk '
	/label="layer\.[1-9]/ { split($1, n, " "); drop[$1] = 1; next }
	/->/ { to = $3; sub(/;$/, "", to); if (drop[$1] || drop[to]) next }
	{ sub(/rankdir=TB/, "rankdir=LR"); print }' | dot -Tsvg |
	sed '1a <!-- SPDX-License-Identifier: MIT -->' >"$here/graph.svg"
