#!/bin/sh
# SPDX-License-Identifier: MIT
# Verilate the chip into static libraries.
#
#   build_model.sh model CONFIG BODY OUT    libig1_sim_CONFIG_BODY.a, e.g. default dpi
#   build_model.sh runtime OUT              libig1_sim_runtime.a: Verilator's runtime and sim.cpp
#   build_model.sh lint CONFIG BODY         verilator --lint-only -Wall
#
# OUT is the library; its objects stay in OUT.dir. Environment: VERILATOR, CXX, SIM_TRACE=1 (FST
# tracing, in both libraries), SIM_VFLAGS (more Verilator flags), SIM_OPT (compiler optimisation of
# the model), JOBS.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
model=$(cd "$here/.." && pwd)
verilator=${VERILATOR:-verilator}
cxx=${CXX:-g++}
opt=${SIM_OPT:--O2}
vroot=${VERILATOR_ROOT:-$($verilator --getenv VERILATOR_ROOT)}

# Wide words are set and copied all the time; g++ does that with string instructions, which cost a
# seventh of the whole speed.
inline="-mmemset-strategy=unrolled_loop:1024:noalign,libcall:-1:noalign
	-mmemcpy-strategy=unrolled_loop:1024:noalign,libcall:-1:noalign"
if $cxx $inline -x c++ -S -o /dev/null /dev/null >/dev/null 2>&1; then
	opt="$opt $(echo $inline)"
fi

trace_flags=
fst=0
if [ "${SIM_TRACE:-0}" = 1 ]; then
	trace_flags=--trace-fst
	fst=1
fi

sources() { # config body
	rtl=$model/rtl
	echo "$model/spec/gen/ig1_pkg.sv $model/spec/gen/ig1_numbers_pkg.sv"
	for dir in common "$2"; do
		find "$rtl/prim/$dir" -name '*_pkg.sv' | sort
	done
	for dir in mcu host tile vec; do
		find "$rtl/$dir" -maxdepth 1 -name '*_pkg.sv' | sort
	done
	for dir in top host mem dma seq mcu vec tile prim/common "prim/$2"; do
		echo "-y $rtl/$dir"
	done
	# leaves with one body only
	[ "$2" = gates ] || echo "-y $rtl/prim/gates"
	echo "--top-module ig1_top_$1 $rtl/top/ig1_top_$1.sv"
}

# The headers and flags that every C++ file here sees.
cxxflags="-std=gnu++17 -O2 -fPIC -Wall -ffp-contract=off -fno-strict-aliasing -DVM_TRACE_FST=$fst
	-DVM_TRACE=$fst -DVM_COVERAGE=0 -DVM_SC=0
	-isystem $vroot/include -isystem $vroot/include/vltstd
	-I$here -I$model/ref -I$model/spec/gen -I$model/rtl/prim/dpi"

archive() { # out objects...
	out=$1
	shift
	rm -f "$out.new"
	ar rcsD "$out.new" "$@"
	mv "$out.new" "$out"
}

case ${1:-} in
lint)
	# shellcheck disable=SC2046
	exec $verilator --lint-only -Wall ${SIM_VFLAGS:-} $(sources "$2" "$3")
	;;
runtime)
	out=$2
	dir=$out.dir
	mkdir -p "$dir"
	for file in verilated verilated_dpi verilated_threads; do
		[ -f "$vroot/include/$file.cpp" ] || continue
		$cxx $cxxflags -w -c "$vroot/include/$file.cpp" -o "$dir/$file.o"
	done
	if [ $fst = 1 ]; then
		$cxx $cxxflags -w -I"$vroot/include/gtkwave" -c "$vroot/include/verilated_fst_c.cpp" \
			-o "$dir/verilated_fst_c.o"
	fi
	$cxx $cxxflags -Wextra -Werror -c "$here/sim.cpp" -o "$dir/sim.o"
	archive "$out" "$dir"/*.o
	;;
model)
	config=$2
	body=$3
	out=$4
	dir=$out.dir
	name=${config}_$body
	index=$(awk -v name="$config" '/ig1_configs\[IG1_CONFIGS\]/ { on = 1; next }
		on && /^}/ { exit }
		on { if (index($0, "\"" name "\"")) print n + 0; n++ }' "$model/spec/gen/ig1_chip.h")
	bytes=$(sed -n "s/.*$(echo "$config" | sed 's/./\U&/')MemBytes = \([0-9]*\);.*/\1/p" \
		"$model/spec/gen/ig1_pkg.sv")
	dpi=0
	[ "$body" = gates ] || dpi=1
	mkdir -p "$dir"
	# SYNCASYNCNET: assertions look at the asynchronous resets at the clock edge, on purpose; the
	# lint, which has no assertions, keeps the warning.
	# -fno-reloop: Verilator 5.006 uses the loop variable of a wide signal sampled for an assertion
	# before it declares it.
	# shellcheck disable=SC2046
	$verilator --cc --build-jobs 1 --assert -Wall -Wno-SYNCASYNCNET -O3 -fno-reloop --x-assign fast --x-initial unique \
		--prefix "Vig1_$name" --Mdir "$dir" -CFLAGS "-fPIC -ffp-contract=off" $trace_flags ${SIM_VFLAGS:-} \
		$(sources "$config" "$body")
	make -s -C "$dir" -f "Vig1_$name.mk" -j"${JOBS:-1}" CXX="$cxx" OPT_FAST="$opt" OPT_SLOW=-O1 \
		"Vig1_${name}__ALL.a" >/dev/null
	$cxx $cxxflags -Wextra -I"$dir" "-DSIM_CLASS=Vig1_$name" \
		"-DSIM_HEADER=\"Vig1_$name.h\"" "-DSIM_NAME=ig1_sim_$name" "-DSIM_CONFIG=$index" \
		"-DSIM_BODY_DPI=$dpi" "-DSIM_MEM_BYTES=$bytes" \
		-c "$here/sim_variant.cpp" -o "$dir/sim_variant.o"
	objects=$(ar t "$dir/Vig1_${name}__ALL.a" | sed "s|^|$dir/|")
	# shellcheck disable=SC2086
	archive "$out" $objects "$dir/sim_variant.o"
	;;
*)
	sed -n '3,12s/^# \{0,1\}//p' "$0" >&2
	exit 2
	;;
esac
