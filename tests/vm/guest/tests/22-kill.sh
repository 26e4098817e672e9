# SPDX-License-Identifier: MIT
# A process killed in the middle of its jobs leaves nothing behind.
# vm: chips=1 needs=driver,accel-run,fence_hold timeout=240
. /tests/tap.sh
. /tests/driver.sh

ok "the driver is up" driver_up || done_testing
chip=$(chip)
state=$(debugfs "$chip")/state

busy() {
	grep -q '^queue [0-9].* submitted [1-9]' "$state"
}

idle() {
	! grep -q '^queue ' "$state"
}

equal short "before"
ok "no queue is left by a process that ended" poll 10 idle
counts >/run/before
ok "free SRAM and host memory can be counted" \
	sh -c 'grep -q sram_free_bytes /run/before && grep -q chip_host_bytes /run/before'
is "$(grep -cE "$OBJECTS" /run/before)" 6 "and so can contexts, page tables and mappings"
for try in 1 2 3; do
	infer endless /run/k.tokens /run/k.logits 2>/run/k.err &
	victim=$!
	ok "try $try: a process has jobs on the chip" poll 60 busy
	sleep 0.$try
	[ "$try" -gt 1 ] || grep -E "$OBJECTS" "$state" >/run/during
	ok "try $try: one runs" poll 20 working "$state"
	# The shell's child is a subshell: its program dies too.
	killall -KILL accel-run
	wait $victim
	is $? 137 "try $try: it is killed"
	ok "try $try: its queue goes" poll 20 idle
done
# A job that never ends by itself is surely killed in its middle, and one waits behind it.
sleep 1000 | fence_hold >/run/k.out 2>/run/k.err &
ok "endless: a process has jobs on the chip" poll 60 grep -q ready /run/k.out || diag </run/k.err
ok "endless: one runs" poll 20 working "$state"
killall -KILL fence_hold sleep
wait $!
is $? 137 "endless: it is killed"
ok "endless: its queues go" poll 20 idle
counts >/run/after
grep -vxFf /run/before /run/during >/run/differ
is "$(wc -l </run/differ)" 6 "a process changed each of these counts" || diag </run/differ
ok "memory, SRAM, contexts and references are as before" diff /run/before /run/after
ok "nobody has the node open" sh -c '! ls -l /proc/[0-9]*/fd 2>/dev/null | grep /dev/accel'
equal short "after"
quiet "killing"
done_testing
