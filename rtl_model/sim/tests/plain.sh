#!/bin/sh
# SPDX-License-Identifier: MIT
# Two builds of one chip run the same random programs: every one equals the reference model, and what
# both say, with the cycles, is the same. plain.sh COSIM OTHER PROGRAMS
set -u
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo 1..3
n=0
for cosim in "$1" "$2"; do
	n=$((n + 1))
	if SEED=${SEED:-1} COUNT=$3 "$cosim" small_dpi >"$work/$n"; then
		echo "ok $n - $(basename "$cosim"): $3 programs as on the reference model"
	else
		echo "not ok $n - $(basename "$cosim")"
		grep -v '^ok' "$work/$n" | sed 's/^/# /'
	fi
	sed 's/, [0-9]* kHz$//' "$work/$n" >"$work/$n.out"
done
if [ "$(grep -c '^ok' "$work/1.out")" -eq "$3" ] && cmp "$work/1.out" "$work/2.out"; then
	echo "ok 3 - the same programs, faults, stops and cycles"
	tail -n 1 "$work/1.out"
	exit 0
fi
echo "not ok 3 - the two builds differ"
diff "$work/1.out" "$work/2.out" | head -20 | sed 's/^/# /'
exit 1
