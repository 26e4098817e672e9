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

# measure TITLE COMMAND...: its table, or the note that there is none, which fails the whole
measure() {
	echo
	echo "$1:"
	echo
	shift
	"$@" || {
		echo "not measured"
		touch "$work/unmeasured"
	}
}

# Seconds by processor time beside wall clock, since the machine may be busy for minutes; MACs of a cycle
# against those of the chip CONFIG, all columns and the one that a lone sequence uses.
from_json() { # CONFIG COMMAND...
	config=$1
	shift
	"$@" --json >"$work/bench.json" && python3 - "$work/bench.json" "$config" <<-'END'
		import json, sys
		lanes = {"default": (8 * 8 * 32, 8), "small": (2 * 4 * 32, 2)}[sys.argv[2]]
		print("| test | depth | wall-clock tokens/s | by processor time | cycles/token | MACs of all columns | of one |")
		print("|---|---|---|---|---|---|---|")
		for t in json.load(open(sys.argv[1]))["tests"]:
		    print("| %s | %d | %.3g | %.3g | %.0f | %.1f %% | %.1f %% |" % (
		        t["test"], t["depth"], t["wall_tokens_per_s"], t["cpu_tokens_per_s"],
		        t["cycles_per_token"], 100 * t["macs_per_cycle"] / (lanes[0] * lanes[1]),
		        100 * t["macs_per_cycle"] / lanes[0]))
		END
}

speed() {
	for n in tinyqwen3-Q8_0 tinyqwen3-Q4_0 tinyqwen2-Q8_0; do
		"$accelc" compile "$root/models/$n.gguf" -o "$work/$n.accel"
		measure "accel-bench $n.accel --backend ref" \
			"$build/tools/accel-bench" "$work/$n.accel" --backend ref
		measure "accel-bench $n.accel --backend sim --pp 64 --tg 64 -r 1" from_json default \
			"$build/tools/accel-bench" "$work/$n.accel" --backend sim --pp 64 --tg 64 -r 1
	done
	n=tinyqwen3-Q8_0
	measure "accel-bench $n.accel --backend sim --pp 0 --tg 200 --depth 256 -r 1" from_json default \
		"$build/tools/accel-bench" "$work/$n.accel" --backend sim --pp 0 --tg 200 --depth 256 -r 1
	shape="layers=6 width=288 heads=6 kv-heads=6 ff=768 vocab=32000 context=256 type=Q8_0 tied=1"
	ninja -C "$build" --quiet tests/models/mksynth tools/accel-bench-gates >&2 || :
	"$build/tests/models/mksynth" $shape "$work/15m.gguf" &&
		"$accelc" compile "$work/15m.gguf" -o "$work/15m.accel" || :
	measure "mksynth $shape 15m.gguf; accel-bench 15m.accel --backend ref --pp 128 --tg 128" \
		"$build/tools/accel-bench" "$work/15m.accel" --backend ref --pp 128 --tg 128
	"$accelc" compile "$root/models/$n.gguf" --chip small -o "$work/small.accel"
	measure "accel-bench-gates $n.accel --backend sim --pp 4 --tg 4 -r 1 (gates for leaves), --chip small" \
		from_json small \
		"$build/tools/accel-bench-gates" "$work/small.accel" --backend sim --pp 4 --tg 4 -r 1
	measure "accel-bench-gates $n.accel --backend sim --pp 4 --tg 4 -r 1" from_json default \
		"$build/tools/accel-bench-gates" "$work/$n.accel" --backend sim --pp 4 --tg 4 -r 1
}

for part; do
	$part
done
if [ -e "$work/unmeasured" ]; then
	echo "a figure was not measured" >&2
	exit 1
fi
if [ -e "$work/beyond" ]; then
	echo "a model's accuracy is beyond the bounds" >&2
	exit 1
fi
