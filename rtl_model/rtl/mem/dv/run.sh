#!/bin/sh
# SPDX-License-Identifier: MIT
# Build and run the memory bench: run.sh [default|small]-[gates|dpi]... BUILD_DIR is created; SEED and
# COUNT are passed on. The gate body's SRAM is made small: its size is a parameter.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
model=$(cd "$here/../../.." && pwd)
build=${BUILD_DIR:-build/mem}
mkdir -p "$build"
build=$(cd "$build" && pwd)
verilator=${VERILATOR:-verilator}
vroot=$($verilator --getenv VERILATOR_ROOT)
cc=${CC:-cc}
[ $# -gt 0 ] || set -- default-dpi small-gates small-dpi default-gates
sram=$((4 * 1024 * 1024))

cflags="-std=gnu11 -O2 -ffp-contract=off -Wall -I$model/ref -I$model/spec/gen -I$model/rtl/prim/dpi"
$cc $cflags -c "$model/ref/mmu.c" -o "$build/mmu.o"
$cc $cflags -c "$here/tb_mmu.c" -o "$build/tb_mmu.o"
$cc $cflags -I"$vroot/include/vltstd" -c "$model/rtl/prim/dpi/prim_dpi_mem.c" -o "$build/prim_dpi_mem.o"

status=0
for what; do
	config=${what%-*}
	body=${what#*-}
	bytes=128
	[ "$config" = default ] || bytes=32
	dpi=0
	[ "$body" = gates ] || dpi=1
	dir=$build/$what
	mkdir -p "$dir"
	$verilator --cc --exe --build -Wall -Wno-SYNCASYNCNET -O3 -fno-reloop --assert --x-assign unique \
		--x-initial unique --Mdir "$dir" --prefix Vtb_mem -GMemBytes=$bytes \
		"-GSramBytes=64'd$sram" -y "$model/rtl/mem" -y "$model/rtl/prim/$body" \
		-CFLAGS "-std=gnu++17 -O2 -Wall -I$model/ref -I$model/spec/gen -I$model/rtl/prim/dpi \
		-DTB_HEADER='\"Vtb_mem.h\"' -DTB_CLASS=Vtb_mem -DTB_NAME='\"$what\"' -DTB_MEM_BYTES=$bytes \
		-DTB_SRAM_BYTES=$sram -DTB_DPI=$dpi" --top-module ig1_mem \
		"$model/spec/gen/ig1_pkg.sv" "$model/rtl/mem/ig1_mem.sv" "$here/tb_mem.cc" \
		"$build/mmu.o" "$build/tb_mmu.o" "$build/prim_dpi_mem.o" >"$dir/build.log" 2>&1 || { cat "$dir/build.log"; exit 1; }
	"$dir/Vtb_mem" || status=1
done
exit $status
