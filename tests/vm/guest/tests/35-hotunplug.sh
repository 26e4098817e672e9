# SPDX-License-Identifier: MIT
# What IGT's core_hotunplug and device_reset do, by the names of their subtests; tests/vm/README.md
# has the list. The device is well after each: a session has the right bytes.
# vm: chips=1 needs=driver,accel-run timeout=300
. /tests/tap.sh
. /tests/driver.sh

ok "the driver is up" driver_up || done_testing
chip=$(chip)
slot=$PCI/$chip

# The functions are called with the subtest's name.
open() {
	exec 8<>"$(node "$chip")"
}

close() {
	exec 8>&-
}

unbind() {
	ok "$1: unbind" sh -c "echo $chip >$DRV/unbind"
	is "$(node "$chip")" "" "$1: the node is gone"
}

rebind() {
	ok "$1: bind" sh -c "echo $chip >$DRV/bind"
}

unplug() {
	ok "$1: remove" sh -c "echo 1 >$slot/remove"
	ok "$1: the device is gone" test ! -e "$slot"
}

rescan() {
	ok "$1: rescan" sh -c 'echo 1 >/sys/bus/pci/rescan'
}

reset() {
	ok "$1: reset" sh -c "echo 1 >$slot/reset"
}

healthy() {
	ok "$1: there is a node" poll 20 test -c "$(node "$chip")"
	equal short "$1"
}

t=unbind-rebind
unbind $t
rebind $t
healthy $t

t=unplug-rescan
unplug $t
rescan $t
healthy $t

t=hotunbind-rebind
open
unbind $t
close
rebind $t
healthy $t

t=hotunplug-rescan
open
unplug $t
close
rescan $t
healthy $t

t=hotrebind-lateclose
open
unbind $t
rebind $t
healthy "$t: the old file is open"
close
healthy "$t: it is closed"

t=hotreplug-lateclose
open
unplug $t
rescan $t
healthy "$t: the old file is open"
close
healthy "$t: it is closed"

t=reset-bound
reset $t
healthy $t

t=unbind-reset-rebind
unbind $t
reset $t
rebind $t
healthy $t

ok "nothing holds the module" rmmod intaglio
quiet "unplugging"
done_testing
