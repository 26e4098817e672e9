#!/bin/sh
# SPDX-License-Identifier: MIT
# accel-run end to end: the chip's RTL gives the reference model's bytes, and both tell the story that
# llama.cpp tells with the same file.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/tap.sh"
accelc=$INTAGLIO_BUILD_ROOT/compiler/accelc
run=$INTAGLIO_BUILD_ROOT/tools/accel-run
models=$INTAGLIO_SOURCE_ROOT/models
cd "$work" || exit 1
n=${TOKENS:-16}

for m in "$models"/*.gguf; do
	name=$(basename "$m" .gguf)
	"$accelc" compile "$m" -o "$name.accel" && "$accelc" compile "$m" --chip small -o "$name-small.accel"
done

# same_bytes IMAGE BACKEND OPTIONS...: tokens and logits equal those of ref on the default chip
same_bytes() {
	image=$1
	backend=$2
	shift 2
	base=${image%-small}
	"$run" "$base.accel" --backend ref -n "$n" --tokens "$prompt" --ignore-eos \
		--logits a.f32 --all-logits >a.ids &&
		"$run" "$image.accel" --backend "$backend" -n "$n" --tokens "$prompt" --ignore-eos \
			--logits b.f32 --all-logits "$@" >b.ids &&
		cmp a.ids b.ids && cmp a.f32 b.f32 && [ -s a.f32 ]
}

# the greedy text of the first prompt, as far as llama.cpp's own choices are clear
story() {
	python3 - "$run" "$1.accel" "$INTAGLIO_SOURCE_ROOT/tests/data/reference/${1%-*}/$1.json" <<-'END'
	import json, subprocess, sys
	run, image, reference = sys.argv[1:]
	for p in json.load(open(reference))["prompts"]:
	    ids = ",".join(map(str, p["prompt_ids"]))
	    r = subprocess.run([run, image, "--backend", "ref", "-n", "64", "--ignore-eos", "--tokens", ids],
	                       capture_output=True, text=True, check=True)
	    got = [int(x) for x in r.stdout.replace(",", " ").split()][-64:]
	    for i, (a, b, margin) in enumerate(zip(got, p["greedy_ids"], p["greedy_margin"])):
	        if a != b:
	            if margin > 0.5:
	                sys.exit("prompt %s: token %d is %d, not %d (margin %g)" % (p["id"], i, a, b, margin))
	            break
	END
}

prompt=1,403,407,261,378,432,398,383,286,263
for m in "$models"/*.gguf; do
	name=$(basename "$m" .gguf)
	try "$name: the reference's tokens wherever its margin is clear" story "$name"
	try "$name: jobs of one token give the same bytes" same_bytes "$name" ref --chunk 1
	try "$name: the small chip gives the same bytes on ref" same_bytes "$name-small" ref
	if [ "$INTAGLIO_SIM" = 1 ]; then
		try "$name: sim = ref" same_bytes "$name" sim
		try "$name: sim = ref on the small chip" same_bytes "$name-small" sim
	else
		skip "$name: sim = ref" "$INTAGLIO_SIM_MISSING"
		skip "$name: sim = ref on the small chip" "$INTAGLIO_SIM_MISSING"
	fi
done
if [ "$INTAGLIO_SIM" = 1 ]; then
	try "a firmware file of one's own" same_bytes "$name" sim \
		--firmware "$INTAGLIO_BUILD_ROOT/firmware/ig1-fw.bin"
else
	skip "a firmware file of one's own" "$INTAGLIO_SIM_MISSING"
fi
done_testing
