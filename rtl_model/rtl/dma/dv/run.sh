#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds and runs the DMA bench in the configurations; the block has no leaves. TAP on standard
# output. Environment: rtl/dv/bench.sh.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
. "$here/../../dv/bench.sh"

objs=
bench_runtime

echo "TAP version 13"
for config in $CONFIGS; do
	bytes=$(config_value "$config" MemBytes)
	bench_build "dma-$config" ig1_dma "$here/tb_dma.cc" "-DTB_NAME=\"$config\" -DTB_MEM_BYTES=$bytes" \
		"-GMemBytes=$bytes" "-GLanes=$((bytes / 4))" "$rtl/dma/ig1_dma.sv"
	bench_run "dma-$config" "dma $config"
done
bench_end
