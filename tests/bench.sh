#!/bin/sh
# SPDX-License-Identifier: MIT
# make bench: the figures of README.md and docs/accuracy.md as Markdown tables, with the commands that
# give them. Wall-clock figures depend on the machine; cycles and accuracy do not.
#
#   bench.sh BUILD [accuracy|speed|compile]...
set -eu
build=$1
shift
[ $# -gt 0 ] || set -- accuracy compile speed
root=$(cd "$(dirname "$0")/.." && pwd)
accelc=$build/compiler/accelc
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
ACCEL_FIRMWARE=${ACCEL_FIRMWARE-$build/firmware/ig1-fw.bin}
export ACCEL_FIRMWARE

. "$root/tests/accuracy/bounds.sh"

# model file, reference: the shipped ones, then the others of a folder of further models
models() {
	shared=${INTAGLIO_SHARED_MODELS-$root/../shared/models}
	for f in "$root"/models/*.gguf; do
		n=$(basename "$f" .gguf)
		echo "$f $root/tests/data/reference/${n%-*}/$n.json"
	done
	for f in "$shared"/own/*.gguf "$shared"/fetched/*.gguf; do
		n=$(basename "$f" .gguf)
		reference=$(dirname "$f")/reference/${n%-*}/$n.json
		[ -f "$f" ] && [ ! -f "$root/models/$n.gguf" ] && [ -f "$reference" ] || continue
		echo "$f $reference"
	done
}

# What the references of a vocabulary without BOS put in front of a text.
bos() {
	case $1 in
	rwkv7-*) echo "--bos 0" ;;
	esac
}

accuracy() {
	echo
	echo "Accuracy against llama.cpp on the same file (back end ref; sim gives the same bytes):"
	echo
	header=--header
	models | while read -r file reference; do
		"$accelc" compile "$file" -o "$work/m.accel"
		"$build/tests/accuracy/accel-accuracy" $header --backend ref -r "$reference" \
			$(bounds "$(basename "$file" .gguf)") $(bos "$(basename "$file" .gguf)") \
			"$work/m.accel" || touch "$work/beyond"
		header=
	done
}

compile() {
	echo
	echo "accelc compile FILE -o OUT (best of 5; GNU time's maximum resident set):"
	echo
	echo "| model | file bytes | weight ROM | constant ROM | ROM / file | seconds | MiB |"
	echo "|---|---|---|---|---|---|---|"
	models | while read -r file reference; do
		python3 - "$accelc" "$file" "$work/m.accel" <<-'END'
		import json, os, resource, subprocess, sys, time
		accelc, model, out = sys.argv[1:]
		best = 1e9
		for _ in range(5):
		    t = time.perf_counter()
		    subprocess.run([accelc, "compile", model, "-o", out], check=True)
		    best = min(best, time.perf_counter() - t)
		rss = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
		info = json.loads(subprocess.run([accelc, "info", out, "--json"], check=True,
		                                 capture_output=True).stdout)
		size = {s["type"]: s["bytes"] for s in info["sections"] if s["type"] in ("rom", "crom")}
		total = os.path.getsize(model)
		print("| %s | %d | %d | %d | %.2f | %.3f | %.1f |" % (
		    os.path.basename(model)[:-5], total, size["rom"], size["crom"],
		    (size["rom"] + size["crom"]) / total, best, rss))
		END
	done
}

speed() {
	for n in tinyqwen3-Q8_0 tinyqwen3-Q4_0 tinyqwen2-Q8_0; do
		"$accelc" compile "$root/models/$n.gguf" -o "$work/$n.accel"
		for backend in ref sim; do
			echo
			echo "accel-bench $n.accel --backend $backend:"
			echo
			options=
			[ $backend = ref ] || options="--pp 64 --tg 64 -r 1"
			"$build/tools/accel-bench" "$work/$n.accel" --backend $backend $options ||
				echo "not measured"
		done
	done
	echo
	echo "accel-bench-gates tinyqwen3-Q8_0.accel --backend sim (gates for leaves; minutes to build):"
	echo
	# seconds per token: processor time beside wall clock, since the machine may be busy for minutes
	ninja -C "$build" --quiet tools/accel-bench-gates >&2 &&
		"$build/tools/accel-bench-gates" "$work/tinyqwen3-Q8_0.accel" --backend sim \
			--pp 4 --tg 4 -r 1 --json >"$work/gates.json" &&
		jq -r '"| test | wall-clock tokens/s | by processor time | cycles/token |",
			"|---|---|---|---|", (.tests[] | "| \(.test) | \(.wall_tokens_per_s) | " +
			"\(.cpu_tokens_per_s) | \(.cycles_per_token) |")' "$work/gates.json" ||
		echo "not measured"
}

for part; do
	$part
done
if [ -e "$work/beyond" ]; then
	echo "a model's accuracy is beyond the bounds" >&2
	exit 1
fi
