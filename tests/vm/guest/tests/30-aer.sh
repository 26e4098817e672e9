# SPDX-License-Identifier: MIT
# Bus errors that the kernel's own injector makes: not fatal, then fatal (the port resets the bus).
# Reading config space through the injector breaks a rule of lockdep (7.3: a spinlock below a raw one),
# which then stops looking: nothing else runs in this boot, but its leaks are counted.
# vm: chips=1 needs=driver,accel-run,accel-smi timeout=300 only=qemu boot=own
. /tests/tap.sh
. /tests/driver.sh

modprobe aer_inject 2>/dev/null
[ -e /dev/aer_inject ] || skip_all "this kernel has no /dev/aer_inject"
ok "the driver is up" driver_up || done_testing
chip=$(chip)
state=$(debugfs "$chip")/state

# An idle chip sleeps, so its firmware may be stopped; what runs on it afterwards proves the rest.
alive() {
	grep -q '^reset failed: 0$' "$state"
}

# struct aer_error_inj: bus, device, function, pad, uncorrectable and correctable status, four words
# of header log, domain
inject() {
	bus=$(echo "$chip" | cut -d : -f 2)
	printf '\x'"$bus"'\0\0\0'"$1"'\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0' >/dev/aer_inject
}

told() {
	tail -c +"$mark" /run/kmsg | grep -qE "$1"
}

equal short "before"
counts >/run/before
# Completion timeout, bit 14; then malformed packet, bit 18.
for error in 'not fatal:\0\x40\0\0' 'fatal:\0\0\x04\0'; do
	name=${error%%:*}
	mark=$(stat -c %s /run/kmsg)
	ok "$name: it is injected" inject "${error#*:}"
	ok "$name: the bus reports it" poll 20 told 'AER:.*(device recovery|PCIe Bus Error)'
	ok "$name: recovery succeeds" poll 30 told 'AER: device recovery successful'
	ok "$name: the chip is not given up" poll 20 alive
	equal short "$name: afterwards"
done
poll 5 same_counts
ok "memory, SRAM, objects and references are as before" same_counts
no_leaks
done_testing
