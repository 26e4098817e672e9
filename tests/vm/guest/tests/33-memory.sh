# SPDX-License-Identifier: MIT
# What a process makes the driver allocate is charged to its control group: one that wants all memory
# meets its own limit, and nobody else notices.
# vm: chips=1 needs=driver,accel-run,hoard timeout=300
# The kernel tells at length whom it kills in that group.
# vm-allow: Call Trace:
. /tests/tap.sh
. /tests/driver.sh

groups=/run/cgroup
limit=$((96 << 20))
mkdir -p $groups
mount -t cgroup2 none $groups 2>/dev/null && grep -qw memory $groups/cgroup.controllers ||
	skip_all "this kernel has no control groups for memory"
echo +memory >$groups/cgroup.subtree_control

# value GROUP NAME: a number of the group's memory.events
value() {
	sed -n "s/^$2 //p" "$groups/$1/memory.events"
}

ok "the driver is up" driver_up || done_testing
equal short "before"
counts >/run/before
for what in tables buffers; do
	mkdir $groups/$what
	echo $limit >$groups/$what/memory.max
	timeout 250 sh -c "echo \$\$ >$groups/$what/cgroup.procs && exec hoard $what" >/run/hoard.out 2>&1
	code=$?
	match $code '^(0|137)$' "$what: refused or killed" || diag </run/hoard.out
	peak=$(cat $groups/$what/memory.peak)
	ok "$what: the group had what it may have ($peak of $limit)" test "$peak" -gt $((limit / 10 * 9))
	ok "$what: and met its limit ($(value $what max) times)" test "$(value $what max)" -gt 0
	ok "$what: nobody else was killed" sh -c "[ \$(dmesg | grep -c 'Out of memory: Killed') -eq 0 ]"
	ok "$what: it is all free again" poll 30 sh -c "[ \$(cat $groups/$what/memory.current) -lt $((limit / 4)) ]"
done
counts >/run/after
ok "memory, SRAM, contexts and references are as before" diff /run/before /run/after
equal short "after"
umount $groups
done_testing
