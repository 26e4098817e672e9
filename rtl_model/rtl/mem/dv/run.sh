#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds and runs the memory bench in the configurations and with both bodies of the resident SRAM,
# which must take the same cycles. The SRAM is made small: its size is a parameter. TAP on standard
# output. Environment: rtl/dv/bench.sh.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
. "$here/../../dv/bench.sh"
sram=$((4 * 1024 * 1024))

objs=
bench_objects "$ref/mmu.c" "$here/tb_mmu.c" "$rtl/prim/dpi/prim_dpi_mem.c"
bench_runtime

echo "TAP version 13"
for config in $CONFIGS; do
	bytes=$(config_value "$config" MemBytes)
	# little room in one of the two, so that much is replaced
	[ "$config" = default ] && room= || room="-GTlbSets=4 -GTlbWays=2 -GWalkLines=2"
	for body in $BODIES; do
		dpi=0
		[ "$body" = gates ] || dpi=1
		# shellcheck disable=SC2086
		bench_build "mem-$config-$body" ig1_mem "$here/tb_mem.cc" \
			"-DTB_NAME=\"$config-$body\" -DTB_MEM_BYTES=$bytes -DTB_SRAM_BYTES=$sram -DTB_DPI=$dpi" \
			"-GMemBytes=$bytes" "-GSramBytes=64'd$sram" $room -y "$rtl/mem" -y "$rtl/prim/$body" \
			"$rtl/mem/ig1_mem.sv"
		bench_run "mem-$config-$body" "mem $config $body"
	done
	case $BODIES in
	*\ *) bench_same "mem-$config-gates" "mem-$config-dpi" "mem $config" ;;
	esac
done
bench_end
