# SPDX-License-Identifier: MIT
# Allocations fail at random under probe and under a session: errors, but no splat, leak or hang.
# vm: chips=1 needs=driver,accel-run timeout=600
. /tests/tap.sh
. /tests/driver.sh

fail=/sys/kernel/debug/failslab
[ -d $fail ] || skip_all "this kernel has no failslab"
ok "the driver is up" driver_up || done_testing
chip=$(chip)
echo Y >$fail/task-filter
echo N >$fail/ignore-gfp-wait
echo 0 >$fail/verbose
echo -1 >$fail/times

# failing INTERVAL COMMAND...: in a process of which one allocation in so many fails
failing() {
	echo 100 >$fail/probability
	echo "$1" >$fail/interval
	shift
	sh -c 'echo 1 >/proc/self/make-it-fail; "$@"' sh "$@"
	_code=$?
	echo 0 >$fail/probability
	return $_code
}

bad=0
good=0
for interval in 3 5 7 11 17 29 53 97 151 211 401 797; do
	[ ! -e "$PCI/$chip/driver" ] || echo "$chip" >$DRV/unbind
	if failing $interval sh -c "echo $chip >$DRV/bind" 2>/dev/null; then
		good=$((good + 1))
	else
		bad=$((bad + 1))
	fi
done
[ $bad -gt 0 ]
is $? 0 "some probes failed ($bad failed, $good did not)"
ok "a probe without failures works" driver_up
equal short "after failed probes"

bad=0
for interval in 13 31 67 127 257 509 1021; do
	failing $interval timeout 60 accel-run /models/model.accel --backend drm --tokens 1,2,3 -n 4 \
		--ignore-eos >/dev/null 2>&1
	code=$?
	[ $code -eq 0 ] || bad=$((bad + 1))
	[ $code -lt 128 ] || fail "interval $interval: the session ends" "exit status $code"
done
pass "$bad of 7 sessions got an error"
equal short "after failed sessions"
done_testing
