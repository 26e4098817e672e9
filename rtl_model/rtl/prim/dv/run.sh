#!/bin/sh
# SPDX-License-Identifier: MIT
# Build and run the leaf benches: run.sh [gates|dpi]... BUILD_DIR is created; SEED and COUNT are
# passed on. Exits with the first failure.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
model=$(cd "$here/../../.." && pwd)
build=${BUILD_DIR:-build/prim}
cc=${CC:-cc}
mkdir -p "$build"
build=$(cd "$build" && pwd)

[ $# -gt 0 ] || set -- gates dpi

leaves="prim_fp32_mul prim_fp32_add prim_fp32_mad prim_fp32_max prim_i2f prim_f16_f32
	prim_fp32_to_i8"
vroot=$(verilator --getenv VERILATOR_ROOT)
cflags="-std=gnu11 -O2 -ftree-vectorize -ffp-contract=off -Wall -Wextra -Werror"

for body; do
	dir="$build/$body"
	mkdir -p "$dir"
	files="$model/spec/gen/ig1_numbers_pkg.sv $model/spec/gen/ig1_pkg.sv
		$model/rtl/prim/common/prim_tile_pkg.sv $model/rtl/prim/gates/prim_tile_gates_pkg.sv
		$model/rtl/prim/gates/prim_tile_dot.sv"
	for leaf in $leaves; do
		files="$files $model/rtl/prim/$body/$leaf.sv"
	done
	files="$files $here/prim_leaves_tb.sv"
	$cc $cflags -I"$model/spec/gen" -c "$model/ref/tests/blocks.c" -o "$dir/blocks.o"
	objects="$dir/blocks.o"
	if [ "$body" = dpi ]; then
		$cc $cflags -I"$model/spec/gen" -I"$model/ref" -I"$vroot/include/vltstd" \
			-c "$model/rtl/prim/dpi/prim_dpi.c" -o "$dir/prim_dpi.o"
		objects="$objects $dir/prim_dpi.o"
	fi
	verilator --lint-only -Wall --top-module prim_leaves_tb $files
	verilator --cc --exe --build -Wall -O3 --x-assign unique --assert --Mdir "$dir/obj" \
		-CFLAGS "-O2 -ffp-contract=off -Wall -I$model/spec/gen -I$model/ref" \
		--top-module prim_leaves_tb $files "$here/tb_leaves.cc" $objects >"$dir/build.log" 2>&1 ||
		{ cat "$dir/build.log"; exit 1; }
	echo "body: $body" >&2
	"$dir/obj/Vprim_leaves_tb"
done
