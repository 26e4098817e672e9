#!/bin/sh
# SPDX-License-Identifier: MIT
# Build and run the DMA bench: run.sh [default|small]... BUILD_DIR is created; SEED and COUNT are
# passed on.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
model=$(cd "$here/../../.." && pwd)
build=${BUILD_DIR:-build/dma}
verilator=${VERILATOR:-verilator}
mkdir -p "$build"
build=$(cd "$build" && pwd)
[ $# -gt 0 ] || set -- default small

status=0
for config; do
	bytes=128
	[ "$config" = default ] || bytes=32
	dir=$build/$config
	mkdir -p "$dir"
	$verilator --cc --exe --build -Wall -Wno-SYNCASYNCNET -O3 -fno-reloop --assert --x-assign unique \
		--x-initial unique --Mdir "$dir" --prefix Vtb_dma -GMemBytes=$bytes -GLanes=$((bytes / 4)) \
		-CFLAGS "-std=gnu++17 -O2 -Wall -I$model/spec/gen -DTB_HEADER='\"Vtb_dma.h\"' \
		-DTB_CLASS=Vtb_dma -DTB_NAME='\"$config\"' -DTB_MEM_BYTES=$bytes" --top-module ig1_dma \
		"$model/spec/gen/ig1_pkg.sv" "$model/rtl/dma/ig1_dma.sv" "$here/tb_dma.cc" \
		>"$dir/build.log" 2>&1 || { cat "$dir/build.log"; exit 1; }
	"$dir/Vtb_dma" || status=1
done
exit $status
