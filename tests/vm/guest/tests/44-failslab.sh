# SPDX-License-Identifier: MIT
# Allocations fail at random under probe and under a session: errors, but no splat, leak or hang.
# vm: chips=1 needs=driver,accel-run timeout=600
# vmalloc() tells of its failures with a trace; every complaint that counts has a line of its own.
# vm-allow: Call Trace:
. /tests/tap.sh
. /tests/driver.sh

fail=/sys/kernel/debug/failslab
pages=/sys/kernel/debug/fail_page_alloc
[ -d $fail ] || skip_all "this kernel has no failslab"
ok "the driver is up" driver_up || done_testing
chip=$(chip)
# drm_minor_alloc() of 7.3 puts an error pointer if it cannot make its device; that is not this driver's.
# shellcheck disable=SC2046
set -- $(sort /proc/kallsyms | sed -n '/ drm_minor_alloc$/{s/ .*//p;n;s/ .*//p}')
for dir in $fail $pages; do
	echo "0x$1" >$dir/reject-start
	echo "0x$2" >$dir/reject-end
	echo Y >$dir/task-filter
	echo N >$dir/ignore-gfp-wait
	echo 0 >$dir/verbose
	echo -1 >$dir/times
done
echo N >$pages/ignore-gfp-highmem
echo 0 >$pages/min-order

# failing FOLDER INTERVAL COMMAND...: in a process of which one allocation in so many fails
failing() {
	_folder=$1
	echo 100 >"$_folder/probability"
	echo "$2" >"$_folder/interval"
	shift 2
	sh -c 'echo 1 >/proc/self/make-it-fail; "$@"' sh "$@"
	_code=$?
	echo 0 >"$_folder/probability"
	return $_code
}

bad=0
good=0
for interval in 3 5 7 11 17 29 53 97 151 211 401 797; do
	[ ! -e "$PCI/$chip/driver" ] || echo "$chip" >$DRV/unbind
	if failing $fail $interval sh -c "echo $chip >$DRV/bind" 2>/dev/null; then
		good=$((good + 1))
	else
		bad=$((bad + 1))
	fi
done
[ $bad -gt 0 ]
is $? 0 "some probes failed ($bad failed, $good did not)"
ok "a probe without failures works" driver_up
equal short "after failed probes"

# sessions FOLDER INTERVAL...
sessions() {
	folder=$1
	shift
	bad=0
	for interval; do
		failing "$folder" "$interval" timeout 120 accel-run /models/model.accel --backend drm \
			--tokens 1,2,3 -n 4 --ignore-eos >/dev/null 2>&1
		code=$?
		[ $code -eq 0 ] || bad=$((bad + 1))
		# A page that is not there when the program needs it ends it by a signal, in any driver.
		case $code in
		124 | 137 | 143) fail "${folder##*/}, interval $interval: the session ends" "$code" ;;
		esac
	done
	[ $bad -gt 0 ]
	is $? 0 "${folder##*/}: some sessions got an error ($bad of $#)"
	equal short "${folder##*/}: after failed sessions"
}

sessions $fail 13 31 67 127 257 509 1021
sessions $pages 5 17 61 127 257 509 1021
done_testing
