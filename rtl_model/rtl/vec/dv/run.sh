#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Builds and runs the benches of the compute blocks: run.sh [vec|tile]...
# Each in the configurations and with both bodies of the leaves; the two bodies must take the same
# cycles for the same commands. TAP on standard output. Environment: rtl/dv/bench.sh; CONFIGS also
# has medium; SPEED=N measures simulation speed with N commands.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
. "$here/../../dv/bench.sh"

objs=
bench_objects "$here/bench_ref.c" "$ref/tests/blocks.c"
bench_libs "$ref"/*.c "$gen/ig1_tables.c" "$rtl"/prim/dpi/prim_dpi*.c
bench_runtime

build() { # unit config body
	case $2 in
	medium) # no product's, but its own way through every parameter
		lanes=16 tiles=4 rows=4 cols=3 scratch=524288 groups=64
		;;
	*)
		lanes=$(config_value "$2" Lanes)
		tiles=$(config_value "$2" Tiles)
		rows=$(config_value "$2" Rows)
		cols=$(config_value "$2" Columns)
		scratch=$(config_value "$2" ScratchBytes)
		groups=$((16 * lanes))
		[ "$2" = default ] || groups=32
		;;
	esac
	args="-GLanes=$lanes -GScratchBytes=$scratch"
	if [ "$1" = tile ]; then
		args="$args -GTiles=$tiles -GRows=$rows -GColumns=$cols -GColGroups=$groups"
	fi
	gates=
	if [ "$3" = gates ]; then
		gates="$rtl/prim/gates/prim_vec_gates_pkg.sv $rtl/prim/gates/prim_tile_gates_pkg.sv"
	fi
	# shellcheck disable=SC2086
	bench_build "$1-$2-$3" "tb_$1" "$rtl/$1/dv/tb_$1.cc" \
		"-DCFG_LANES=$lanes -DCFG_NAME=\"$2\" -DCFG_BODY=\"$3\"" \
		$args -y "$rtl/prim/$3" -y "$rtl/prim/common" -y "$rtl/vec" -y "$rtl/mem" -y "$rtl/tile" \
		"$rtl/prim/common/prim_dpi_pkg.sv" "$rtl/prim/common/prim_vec_pkg.sv" \
		"$rtl/prim/common/prim_tile_pkg.sv" $gates "$rtl/vec/ig1_vec_pkg.sv" "$rtl/$1/dv/tb_$1.sv"
}

echo "TAP version 13"
for unit in ${*:-vec tile}; do
	for config in $CONFIGS; do
		for body in $BODIES; do
			build "$unit" "$config" "$body"
			bench_run "$unit-$config-$body" "$unit $config $body"
		done
		case $BODIES in
		*\ *) bench_same "$unit-$config-gates" "$unit-$config-dpi" "$unit $config" ;;
		esac
	done
done
bench_end
