#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Builds and runs the benches of the compute blocks: run.sh [vec|tile]...
# Each in both configurations and with both bodies of the leaves; the two bodies must take the same
# cycles for the same commands. TAP on standard output.
#
# BUILD_DIR (default: a temporary folder), SEED (1), COUNT (2000), CONFIGS (default small;
# medium is there too), BODIES (gates dpi), JOBS (1), SPEED=N measures simulation speed with N
# commands, SANITIZE=1 builds with the address and undefined behaviour sanitizers.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
rtl=$(cd "$here/../.." && pwd)
ref=$(cd "$rtl/../ref" && pwd)
gen=$(cd "$rtl/../spec/gen" && pwd)
: "${SEED:=1}" "${COUNT:=2000}" "${CONFIGS:=default small}" "${BODIES:=gates dpi}" "${JOBS:=1}"
: "${CC:=cc}" "${CFLAGS:=-O2}"
export SEED COUNT
san=
if [ -n "${SANITIZE:-}" ]; then
	san="-fsanitize=address,undefined -fno-sanitize-recover=all"
fi
if [ -z "${BUILD_DIR:-}" ]; then
	BUILD_DIR=$(mktemp -d)
	trap 'rm -rf "$BUILD_DIR"' EXIT
fi
mkdir -p "$BUILD_DIR/c"

# The C side: reference model, DPI bodies.
objs=
for src in "$ref"/*.c "$gen"/ig1_tables.c "$rtl"/prim/dpi/prim_dpi_*.c "$here"/bench_ref.c; do
	obj=$BUILD_DIR/c/$(basename "$src" .c).o
	objs="$objs $obj"
	if [ ! -e "$obj" ] || [ -n "$(find "$src" "$ref" "$gen" "$rtl/prim/dpi" -name '*.[ch]' -newer "$obj" | head -n 1)" ]; then
		$CC -std=gnu11 $CFLAGS $san -g -Wall -Wextra -Werror -ffp-contract=off -I"$ref" -I"$gen" \
			-I"$rtl/prim/dpi" -c "$src" -o "$obj"
	fi
done

params() { # unit config
	case $2 in
	default) lanes=32 tiles=8 rows=8 cols=8 scratch=524288 groups=512 ;;
	# no product's, but its own way through every parameter
	medium) lanes=16 tiles=4 rows=4 cols=3 scratch=524288 groups=64 ;;
	small) lanes=8 tiles=2 rows=4 cols=2 scratch=262144 groups=32 ;;
	*) echo "unknown configuration $2" >&2; exit 2 ;;
	esac
	args="-GLanes=$lanes -GScratchBytes=$scratch"
	if [ "$1" = tile ]; then
		args="$args -GTiles=$tiles -GRows=$rows -GColumns=$cols -GColGroups=$groups"
	fi
}

build() { # unit config body
	dir=$BUILD_DIR/$1-$2-$3
	params "$1" "$2"
	gates=
	if [ "$3" = gates ]; then
		gates="$rtl/prim/gates/prim_vec_gates_pkg.sv $rtl/prim/gates/prim_tile_gates_pkg.sv"
	fi
	pkgs="$gen/ig1_pkg.sv $gen/ig1_numbers_pkg.sv $rtl/prim/common/prim_dpi_pkg.sv
		$rtl/prim/common/prim_vec_pkg.sv $rtl/prim/common/prim_tile_pkg.sv $gates $rtl/vec/ig1_vec_pkg.sv"
	# the numbers' package is shared, no one uses all of it
	# shellcheck disable=SC2086
	verilator --cc --exe --build -j "$JOBS" --assert -Wall -Wno-UNUSEDPARAM \
		--x-assign unique --x-initial unique $args -y "$rtl/prim/$3" -y "$rtl/prim/common" \
		-y "$rtl/vec" -y "$rtl/mem" -y "$rtl/tile" --top-module "tb_$1" --Mdir "$dir" \
		-LDFLAGS "-pthread $san" -CFLAGS "-std=gnu++17 $san -Wall -Wextra -I$ref -I$gen -I$rtl/prim/dpi -I$here" \
		-CFLAGS "-DCFG_LANES=$lanes -DCFG_NAME='\"$2\"' -DCFG_BODY='\"$3\"'" \
		-MAKEFLAGS "OPT_FAST=-O2 OPT_SLOW=-O1 OPT_GLOBAL=-O2" \
		$pkgs "$rtl/$1/dv/tb_$1.sv" "$rtl/$1/dv/tb_$1.cc" $objs >"$dir.log" 2>&1 || {
		cat "$dir.log" >&2
		exit 1
	}
}

tests=0
status=0

result() { # "ok" or "not ok", text
	tests=$((tests + 1))
	echo "$1 $tests - $2"
	if [ "$1" != ok ]; then
		status=1
	fi
}

run() { # unit config body: one TAP stream from all programs
	out=$BUILD_DIR/$1-$2-$3
	code=0
	"$out/Vtb_$1" >"$out.tap" || code=$?
	while IFS= read -r line; do
		case $line in
		"TAP version"* | 1..*) ;;
		"ok "*) result ok "$1 $2 $3: ${line#ok * - }" ;;
		"not ok "*) result "not ok" "$1 $2 $3: ${line#not ok * - }" ;;
		*) echo "$line" ;;
		esac
	done <"$out.tap"
	if [ "$code" != 0 ] || ! grep -q '^ok 2' "$out.tap"; then
		result "not ok" "$1 $2 $3: exit code $code"
	fi
	grep '^# cycles at work' "$out.tap" >"$out.cyc" || :
}

echo "TAP version 13"
for unit in ${*:-vec tile}; do
	for config in $CONFIGS; do
		for body in $BODIES; do
			build "$unit" "$config" "$body"
			run "$unit" "$config" "$body"
		done
		if [ "$BODIES" = "gates dpi" ] || [ "$BODIES" = "dpi gates" ]; then
			same="$unit $config: both bodies take the same cycles"
			if cmp -s "$BUILD_DIR/$unit-$config-gates.cyc" "$BUILD_DIR/$unit-$config-dpi.cyc"; then
				result ok "$same"
			else
				result "not ok" "$same"
			fi
		fi
	done
done
echo "1..$tests"
exit $status
