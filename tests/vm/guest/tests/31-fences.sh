# SPDX-License-Identifier: MIT
# Fences in descriptors of their own outlive the device. Whoever asks for their names calls into the
# driver, so the module stays as long as they do.
# vm: chips=1 needs=driver,accel-run,fence_hold timeout=180
. /tests/tap.sh
. /tests/driver.sh

ok "the driver is up" driver_up || done_testing
chip=$(chip)
mkfifo /run/hold.in
fence_hold </run/hold.in >/run/hold.out 2>/run/hold.err &
holder=$!
exec 8>/run/hold.in

lines() {
	[ "$(wc -l </run/hold.out)" -ge "$1" ]
}

# names NUMBER: the three lines of the NUMBERth answer, a word and two numbers each
names() {
	echo names >&8
	poll 20 lines $((1 + $1 * 4)) || return 1
	sed -n "$(($1 * 4 - 2)),$(($1 * 4))p" /run/hold.out
}

# Kernels since 6.17 know no names of a fence that has signalled.
ended='(drm_sched intaglio[a-z-]*|detached-driver signaled-timeline)'
ok "a process keeps three fences" poll 60 lines 1 || {
	diag </run/hold.err
	done_testing
}
text=$(names 1)
match "$(echo "$text" | sed -n 1p)" "^$ended 1\$" "the name of a job that has ended"
match "$(echo "$text" | sed -n 2p)" "^$ended 1\$" "of an operation that has ended"
match "$(echo "$text" | sed -n 3p)" '^drm_sched intaglio[a-z-]* 0$' "of a job that waits"

ok "unbind" sh -c "echo $chip >$DRV/unbind"
text=$(names 2)
match "$(echo "$text" | sed -n 1p)" "^$ended 1\$" "unbound: the first name"
match "$(echo "$text" | sed -n 2p)" "^$ended 1\$" "unbound: the second"
match "$(echo "$text" | sed -n 3p)" "^$ended -19\$" "unbound: the job that waited has ended with ENODEV"
echo close >&8
text=$(names 3)
match "$(echo "$text" | sed -n 3p)" "^$ended -19\$" "the node is closed: the names are still there"
ok "nobody has the node open" sh -c '! ls -l /proc/[0-9]*/fd 2>/dev/null | grep /dev/accel'
fails "rmmod: the fences keep the module" rmmod intaglio
text=$(names 4)
is "$(echo "$text" | grep -cE "^$ended (1|-19)\$")" 3 "and their names"
ok "bind again" sh -c "echo $chip >$DRV/bind"
equal short "beside them"
text=$(names 5)
is "$(echo "$text" | grep -cE "^$ended (1|-19)\$")" 3 "their names again"
echo drop >&8
exec 8>&-
ok "the process ends" wait $holder || diag </run/hold.err
ok "rmmod once they are gone" poll 10 rmmod intaglio
ok "load again" driver_up
equal short "after it all"
quiet "fences"
done_testing
