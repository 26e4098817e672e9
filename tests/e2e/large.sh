#!/bin/sh
# SPDX-License-Identifier: MIT
# A model of eight billion random weights on the large chip: compiled within a bound of memory beside
# the mapped files, opened, run for tokens on `ref`. Wants 15 GB of disk below TMPDIR, whose rate it tells.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/tap.sh"
accelc=$INTAGLIO_BUILD_ROOT/compiler/accelc
limit=262144 # KiB of private writable memory, touched or not; mapped files are not in it
cd "$work" || exit 1

free=$(df -Pk . | awk 'NR == 2 { print $4 }')
if [ "$free" -lt 15000000 ]; then
	skip "eight billion weights" "15 GB of free disk wanted in $(dirname "$work")"
	done_testing
	exit
fi

# timed FILE COMMAND...: its seconds go into FILE
timed() {
	into=$1
	shift
	start=$(date +%s)
	"$@" || return 1
	echo $(($(date +%s) - start)) >"$into"
}

writes() {
	"$INTAGLIO_BUILD_ROOT/tests/models/mksynth" layers=32 width=4096 heads=32 kv-heads=8 ff=14336 \
		vocab=128256 context=4096 type=Q4_0 large.gguf && [ "$(stat -c %s large.gguf)" -gt 4500000000 ]
}

refuses() {
	exits 1 'needs 45[0-9]{8} bytes.*5 such chips in a row .*layers 0-5, .* or 8 side by side' \
		"$accelc" compile large.gguf -o small.accel && [ ! -e small.accel ]
}

compiles() {
	ulimit -d $limit && timed compile.s "$accelc" compile large.gguf --chip large -o large.accel
}

# What a compiler that did nothing would take.
copies() {
	timed copy.s sh -c 'cp large.gguf copy && sync copy'
	code=$?
	rm -f copy
	return $code
}

runs() {
	timed run.s "$INTAGLIO_BUILD_ROOT/tools/accel-run" large.accel --backend ref --tokens 1,2 -n 2 \
		--ignore-eos --logits large.f32 --all-logits || return 1
	python3 - large.f32 <<-'END'
		import array, math, sys
		logits = array.array("f", open(sys.argv[1], "rb").read())
		assert len(logits) % 128256 == 0 and len(logits) >= 2 * 128256, len(logits)
		assert all(map(math.isfinite, logits)) and max(logits) - min(logits) > 1e-3
	END
}

try "mksynth writes eight billion weights" writes
try "a smaller chip is refused, with how many of them would do" refuses
try "accelc compiles them in $((limit / 1024)) MiB beside the mapped files" compiles
[ ! -s compile.s ] || echo "# $(stat -c %s large.gguf) bytes compiled in $(cat compile.s) s"
copies && echo "# copied and on disk in $(cat copy.s) s"
try "ref runs tokens of them" runs
[ ! -s run.s ] || echo "# opened, and four tokens run, in $(cat run.s) s"
done_testing
