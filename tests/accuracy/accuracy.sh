#!/bin/sh
# SPDX-License-Identifier: MIT
# The shipped models against llama.cpp's results for the same files, within the bounds of bounds.sh.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../e2e/tap.sh"
. "$here/bounds.sh"
accelc=$INTAGLIO_BUILD_ROOT/compiler/accelc
accuracy=$INTAGLIO_BUILD_ROOT/tests/accuracy/accel-accuracy
data=$INTAGLIO_SOURCE_ROOT/tests/data/reference
cd "$work" || exit 1

within() {
	"$accelc" compile "$INTAGLIO_SOURCE_ROOT/models/$1.gguf" -o "$1.accel" &&
		"$accuracy" $(bounds "$1") --backend ref -r "$data/${1%-*}/$1.json" "$1.accel"
}

# the bounds would notice another model
notices() {
	exits 1 'ratio|top-1' "$accuracy" $(bounds tinyqwen3-Q8_0) --backend ref \
		-r "$data/tinyqwen2/tinyqwen2-Q8_0.json" tinyqwen3-Q8_0.accel
}

for m in "$INTAGLIO_SOURCE_ROOT"/models/*.gguf; do
	name=$(basename "$m" .gguf)
	try "$name: perplexity within 1 %, top-1 as asked" within "$name"
done
try "the bounds notice another model" notices
done_testing
