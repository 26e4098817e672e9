# SPDX-License-Identifier: MIT
# Each allocation of a probe fails once, and so does each of the first ones of random ioctls: what was
# done before is undone, and afterwards everything works.
# vm: chips=1 needs=driver,accel-run,ioctl_fuzz timeout=900
# vmalloc() tells of its failures with a trace; every complaint that counts has a line of its own.
# vm-allow: Call Trace:
# The kernel's own: it removes files of an interrupt that register_irq_proc() could not make.
# vm-allow: WARNING: fs/proc/generic.c:[0-9]+ at remove_proc_entry
. /tests/tap.sh
. /tests/driver.sh

[ -e /proc/self/fail-nth ] || skip_all "this kernel has no fail-nth"
ok "the driver is up" driver_up || done_testing
chip=$(chip)

# Only what the driver asks for, or somebody on its behalf: code of modules is above this address.
text=$(cat /sys/module/intaglio/sections/.text)
# drm_minor_alloc() of 7.3 puts an error pointer if it cannot make its device; that is not this driver's.
# shellcheck disable=SC2046
set -- $(sort /proc/kallsyms | sed -n '/ drm_minor_alloc$/{s/ .*//p;n;s/ .*//p}')
for dir in failslab fail_page_alloc fail_usercopy; do
	at=/sys/kernel/debug/$dir
	echo "${text%??????}000000" >$at/require-start
	echo 0xffffffffff000000 >$at/require-end
	echo "0x$1" >$at/reject-start
	echo "0x$2" >$at/reject-end
	echo 0 >$at/verbose
	[ ! -e $at/ignore-gfp-wait ] || echo N >$at/ignore-gfp-wait
done
echo N >/sys/kernel/debug/fail_page_alloc/ignore-gfp-highmem
echo 0 >/sys/kernel/debug/fail_page_alloc/min-order

# bind N: probe with its Nth allocation failing; what is left of N goes to /run/left
bind() {
	(
		echo "$1" >/proc/self/fail-nth
		echo "$chip" >$DRV/bind
		code=$?
		read -r left </proc/self/fail-nth
		echo 0 >/proc/self/fail-nth
		echo "$left" >/run/left
		exit $code
	) 2>/dev/null
}

# All the early ones; the later ones cost a start of the chip each, so in growing steps.
n=1
bad=0
good=0
while :; do
	[ ! -e "$PCI/$chip/driver" ] || echo "$chip" >$DRV/unbind
	if bind $n; then
		good=$((good + 1))
	else
		bad=$((bad + 1))
	fi
	[ "$(cat /run/left)" -eq 0 ] || break
	n=$((n + 1 + n / ${NTH_STEP:-12}))
	[ $n -lt 20000 ] || break
done
[ $n -gt 50 ] && [ $n -lt 20000 ]
is $? 0 "a probe makes less than $n allocations"
[ $bad -gt 10 ]
is $? 0 "probes with one failure: $bad failed, $good went on without"
ok "a probe without failures works" driver_up
equal short "after the probes"

for dir in failslab fail_page_alloc fail_usercopy; do
	echo 0 >/sys/kernel/debug/$dir/require-start
	echo 0xffffffffffffffff >/sys/kernel/debug/$dir/require-end
done
ioctl_fuzz --iterations "${NTH_ITERATIONS:-6000}" --threads 2 --seed 7 --fail 30 >/run/fuzz 2>&1
is $? 0 "ioctls with a failure in every other one"
diag </run/fuzz
ok "nothing holds the module" poll 20 rmmod intaglio
ok "the driver comes up" driver_up
equal short "after the ioctls"
done_testing
