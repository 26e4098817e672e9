# SPDX-License-Identifier: MIT
# The device goes while files are open and jobs are queued.
# vm: chips=1 needs=driver,accel-run,unplugged timeout=300
. /tests/tap.sh
. /tests/driver.sh

ok "the driver is up" driver_up || done_testing
chip=$(chip)
state=$(debugfs "$chip")/state

busy() {
	grep -q '^queue [0-9].* submitted [1-9]' "$state"
}

start() {
	infer endless /run/u.tokens /run/u.logits 2>/run/u.err &
	user=$!
	ok "$1: a process has jobs on the chip" poll 60 busy
	ok "$1: and one runs" poll 20 working "$state"
}

ended() {
	wait $user
	code=$?
	if [ $code -gt 0 ] && [ $code -lt 128 ]; then
		pass "$1: the process gets an error"
	else
		fail "$1: the process gets an error" "exit status $code; $(tail -n 3 /run/u.err)"
	fi
}

# A file that stays open across everything.
exec 7<>"$(node "$chip")"

start unbind
fails "unbind: the module is in use" rmmod intaglio
ok "unbind" sh -c "echo $chip >$DRV/unbind"
ended unbind
is "$(node "$chip")" "" "unbind: the node is gone"
ok "unbind: bind again" sh -c "echo $chip >$DRV/bind"
ok "unbind: the node is back" poll 20 sh -c "ls $PCI/$chip/accel/"
state=$(debugfs "$chip")/state
equal short "unbind: afterwards"

start remove
ok "remove" sh -c "echo 1 >$PCI/$chip/remove"
ended remove
ok "remove: rescan" sh -c 'echo 1 >/sys/bus/pci/rescan'
ok "remove: the driver takes it again" poll 20 sh -c "ls $PCI/$chip/accel/"
state=$(debugfs "$chip")/state
equal short "remove: afterwards"
ok "unbind: every call fails, jobs end with ENODEV, mappings stay" unplugged "$DRV/unbind" "$chip"
ok "unbind: bind" sh -c "echo $chip >$DRV/bind"
ok "unbind: there is a node" poll 20 sh -c "ls $PCI/$chip/accel/"
ok "remove: every call fails, jobs end with ENODEV, mappings stay" unplugged "$PCI/$chip/remove" 1
ok "remove: rescan again" sh -c 'echo 1 >/sys/bus/pci/rescan'
ok "remove: there is a node" poll 20 sh -c "ls $PCI/$chip/accel/"
state=$(debugfs "$chip")/state
equal short "unbind, remove: afterwards"
quiet "unbind, remove"

start surprise
ok "surprise: the link drops under it" host chip 0 link-down
ok "surprise: remove" sh -c "echo 1 >$PCI/$chip/remove"
ended surprise
ok "surprise: the link is back" host chip 0 clear
ok "surprise: rescan" sh -c 'echo 1 >/sys/bus/pci/rescan'
ok "surprise: the driver takes it again" poll 20 sh -c "ls $PCI/$chip/accel/"
state=$(debugfs "$chip")/state
equal short "surprise: afterwards"
log_mark

fails "rmmod with the first file still open is refused" rmmod intaglio
exec 7>&-
ok "rmmod once it is closed" poll 10 rmmod intaglio
ok "load again" driver_up
equal short "after it all"
quiet "after it all"
done_testing
