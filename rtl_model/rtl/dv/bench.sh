# SPDX-License-Identifier: MIT
# Shared by the unit benches' run.sh, which source it with $here set to their folder: where things are, how
# a bench is built, and one TAP stream out of several programs.
#
# BUILD_DIR (default: a temporary folder), SEED, COUNT and SPEED (for the programs), CONFIGS (small
# default; some benches know more), BODIES (gates dpi), JOBS (1), VERILATOR, CC, CXX, SANITIZE=1.
# RUNTIME is an archive of Verilator's runtime, LIBS are archives of the C behind the benches: the
# build has both. Without them they are compiled here, once for all benches of a run.
# shellcheck shell=sh disable=SC2034

model=$(cd "$here/../../.." && pwd)
rtl=$model/rtl
ref=$model/ref
gen=$model/spec/gen
verilator=${VERILATOR:-verilator}
vroot=${VERILATOR_ROOT:-$($verilator --getenv VERILATOR_ROOT)}
: "${SEED:=1}" "${CONFIGS:=small default}" "${BODIES:=gates dpi}" "${JOBS:=1}" "${CC:=cc}" "${CXX:=g++}"
export SEED
san=
if [ -n "${SANITIZE:-}" ]; then
	san="-fsanitize=address,undefined -fno-sanitize-recover=all"
fi
if [ -z "${BUILD_DIR:-}" ]; then
	BUILD_DIR=$(mktemp -d)
	trap 'rm -rf "$BUILD_DIR"' EXIT
fi
mkdir -p "$BUILD_DIR/c"
BUILD_DIR=$(cd "$BUILD_DIR" && pwd)

# What C and C++ see. Assertions are on: verilated code checks VM_ASSERT itself.
flags="-O2 $san -g1 -Wall -Wextra -ffp-contract=off -fno-strict-aliasing -I$rtl/dv -I$ref -I$gen -I$rtl/prim/dpi
	-isystem $vroot/include -isystem $vroot/include/vltstd"

bench_objects() { # C sources: their objects are added to $objs
	for src; do
		obj=$BUILD_DIR/c/$(basename "$src" .c).o
		objs="${objs:-} $obj"
		if [ ! -e "$obj" ] || [ -n "$(find "$src" "$ref" "$gen" "$rtl/prim/dpi" "$rtl/dv" -name '*.[ch]' \
			-newer "$obj" | head -n 1)" ]; then
			# shellcheck disable=SC2086
			$CC -std=gnu11 $flags -Werror -c "$src" -o "$obj"
		fi
	done
}

bench_libs() { # C sources that $LIBS has
	if [ -n "${LIBS:-}" ]; then
		objs="${objs:-} $LIBS"
	else
		bench_objects "$@"
	fi
}

bench_runtime() {
	if [ -n "${RUNTIME:-}" ]; then
		runtime=$RUNTIME
		return
	fi
	runtime=
	for file in verilated verilated_dpi verilated_threads; do
		obj=$BUILD_DIR/c/$file.o
		[ -f "$vroot/include/$file.cpp" ] || continue
		# shellcheck disable=SC2086
		[ -e "$obj" ] || $CXX -std=gnu++17 $flags -w -c "$vroot/include/$file.cpp" -o "$obj"
		runtime="$runtime $obj"
	done
}

config_value() { # configuration, parameter: its value in the specification
	key=$(echo "$1" | sed 's/./\U&/')$2
	value=$(sed -n "s/^ *localparam [^=]* $key = \([^;]*\);.*/\1/p" "$gen/ig1_pkg.sv" | sed "s/.*'h/0x/")
	if [ -z "$value" ]; then
		echo "no configuration $1 with $2" >&2
		exit 2
	fi
	echo $((value))
}

bench_build() { # name, top module, bench source, C++ definitions, Verilator's arguments...
	name=$1
	dir=$BUILD_DIR/$1
	top=$2
	source=$3
	defs=$4
	shift 4
	mkdir -p "$dir"
	# -fno-reloop: Verilator 5.006 uses the loop variable of a wide signal sampled for an assertion
	# before it declares it. The numbers' package is shared, no one uses all of it.
	{
		$verilator --cc --assert -Wall -Wno-SYNCASYNCNET -Wno-UNUSEDPARAM -fno-reloop \
			--x-assign unique --x-initial unique --prefix Vtb --top-module "$top" --Mdir "$dir" \
			-CFLAGS "-ffp-contract=off $san" "$gen/ig1_pkg.sv" "$gen/ig1_numbers_pkg.sv" "$@" &&
		make -s -C "$dir" -f Vtb.mk -j"$JOBS" CXX="$CXX" OPT_FAST=-O2 OPT_SLOW=-O0 Vtb__ALL.a &&
		# shellcheck disable=SC2086
		$CXX -std=gnu++17 $flags -I"$dir" $defs -DVM_TRACE=0 -DVM_COVERAGE=0 -DVM_SC=0 "$source" \
			"$dir/Vtb__ALL.a" $objs $runtime -pthread -lm -o "$dir/bench"
	} >"$dir.log" 2>&1 || {
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

bench_run() { # name, what to call it: the program's tests become tests of one stream
	tap=$BUILD_DIR/$1.tap
	code=0
	"$BUILD_DIR/$1/bench" >"$tap" || code=$?
	while IFS= read -r line; do
		case $line in
		"TAP version"* | 1..*) ;;
		"ok "*) result ok "$2: ${line#ok * - }" ;;
		"not ok "*) result "not ok" "$2: ${line#not ok * - }" ;;
		*) echo "$line" ;;
		esac
	done <"$tap"
	plan=$(sed -n 's/^1\.\.\([0-9]*\).*/\1/p' "$tap")
	if [ "$code" != 0 ] || [ "$(grep -c '^ok ' "$tap")" != "$plan" ]; then
		result "not ok" "$2: exit code $code, $(grep -c '^ok ' "$tap") of $plan tests passed"
	fi
	grep '^# .*cycles' "$tap" >"$BUILD_DIR/$1.cycles" || :
}

bench_same() { # names of two, what to call them: they took the same cycles
	if [ -s "$BUILD_DIR/$1.cycles" ] && cmp -s "$BUILD_DIR/$1.cycles" "$BUILD_DIR/$2.cycles"; then
		result ok "$3: both bodies take the same cycles"
	else
		result "not ok" "$3: both bodies take the same cycles"
	fi
}

bench_end() {
	echo "1..$tests"
	exit "$status"
}
