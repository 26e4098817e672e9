#!/bin/sh
# SPDX-License-Identifier: MIT
# A second reader for the gate leaves: Yosys reads, elaborates and checks what its Verilog front end
# can. One TAP test per file of prim/gates. Environment: YOSYS, SOURCE (the model's folder).
#
# What the front end cannot read is listed with the reason and skipped; a file in neither list fails.
# Reasons are those of Yosys 0.23.
set -u

model=${SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
gates=$model/rtl/prim/gates
yosys=${YOSYS:-yosys}

readable="prim_f16_f32 prim_fp32_add prim_fp32_mad prim_fp32_max prim_fp32_mul prim_fp32_to_i8"
readable="$readable prim_i2f prim_ram_1rw prim_scratch_ram prim_sram prim_tile_cols prim_tile_scales"

packages="$model/spec/gen/ig1_pkg.sv $model/spec/gen/ig1_numbers_pkg.sv"
packages="$packages $model/rtl/prim/common/prim_tile_pkg.sv $model/rtl/prim/common/prim_vec_pkg.sv"

unreadable() { # file: why it cannot be read, or nothing
	case $1 in
	prim_quant32 | prim_tile_dot | prim_vec_gates_pkg)
		echo "package import" ;;
	prim_vec_alu | prim_vec_lane | prim_vec_reduce)
		echo "needs prim_vec_gates_pkg: package import" ;;
	prim_tile_gates_pkg)
		echo "function automatic void" ;;
	prim_tile_row | prim_tile)
		echo "needs prim_tile_gates_pkg: function automatic void" ;;
	prim_tile_mac)
		echo "needs prim_tile_dot: package import" ;;
	prim_tile_array)
		echo "needs prim_tile_mac and prim_tile_row" ;;
	prim_tile_kv)
		echo "takes more than 40 s: row_q, read at computed indices in a process, becomes registers" ;;
	prim_rom_deq)
		echo "needs prim_rom_word: automatic variable in a process, DPI call" ;;
	esac
}

echo "TAP version 13"
if ! version=$($yosys -V 2>/dev/null); then
	echo "1..0 # SKIP no yosys: nothing but Verilator has read the gate leaves"
	exit 0
fi
echo "# $version"

log=$(mktemp)
trap 'rm -f "$log"' EXIT
tests=0
status=0

result() { # "ok" or "not ok", text
	tests=$((tests + 1))
	echo "$1 $tests - $2"
	[ "$1" = ok ] || status=1
}

read_leaf() { # file
	timeout 120 "$yosys" -q -p "read_verilog -sv $packages $gates/$1.sv
		hierarchy -check -libdir $gates -top $1
		proc
		check -assert" >"$log" 2>&1
}

for name in $readable; do
	code=0
	read_leaf "$name" || code=$?
	if [ "$code" = 0 ]; then
		result ok "$name"
	else
		sed 's/^/# /;$a\' "$log" # and a newline at the end
		result "not ok" "$name: exit code $code"
	fi
done

for file in "$gates"/*.sv; do
	name=$(basename "$file" .sv)
	case " $readable " in
	*" $name "*) continue ;;
	esac
	why=$(unreadable "$name")
	if [ -n "$why" ]; then
		result ok "$name # SKIP not readable: $why"
	else
		result "not ok" "$name is in neither list"
	fi
done
echo "1..$tests"
exit $status
