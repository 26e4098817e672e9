#!/bin/sh
# SPDX-License-Identifier: MIT
# The shipped models on chips whose leaves are gates: the same tokens and logits as the reference model.
# CHIPS are the configurations (small), TOKENS how many are written (2).
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/tap.sh"
build=$INTAGLIO_BUILD_ROOT
n=${TOKENS:-2}
cd "$work" || exit 1

same_bytes() { # image
	for side in ref gates; do
		run=$build/tools/accel-run
		backend=ref
		if [ $side = gates ]; then
			run=$run-gates
			backend=sim
		fi
		"$run" "$1" --backend $backend -n "$n" --tokens 1,403,407 --ignore-eos --logits $side.f32 \
			--all-logits >$side.ids || return 1
	done
	cat gates.ids
	cmp ref.ids gates.ids && cmp ref.f32 gates.f32 && [ -s gates.f32 ]
}

for m in "$INTAGLIO_SOURCE_ROOT"/models/*.gguf; do
	name=$(basename "$m" .gguf)
	for chip in ${CHIPS:-small}; do
		"$build/compiler/accelc" compile "$m" --chip "$chip" -o "$name-$chip.accel"
		try "$name: gates = ref on the $chip chip, $n tokens" same_bytes "$name-$chip.accel"
	done
done
done_testing
