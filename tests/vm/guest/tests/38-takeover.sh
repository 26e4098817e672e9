# SPDX-License-Identifier: MIT
# A chip that its last owner left waiting for a transfer that never ends: probe resets its function.
# vm: chips=1 needs=driver,accel-run timeout=120
. /tests/tap.sh
. /tests/driver.sh

ok "the driver is up" driver_up || done_testing
chip=$(chip)
state=$(debugfs "$chip")/state

busy() {
	grep -q '^queue [0-9].* running .* submitted [1-9]' "$state"
}

infer endless /run/a.tokens /run/a.logits 2>/run/a.err &
job=$!
ok "a process has jobs on the chip" poll 60 busy
ok "a transfer hangs" host chip 0 dma-hang
sleep 1
ok "unbind leaves the chip as it is" sh -c "echo $chip >$DRV/unbind"
wait $job
mark=$(stat -c %s /run/kmsg)
ok "bind" sh -c "echo $chip >$DRV/bind"
match "$(tail -c +"$mark" /run/kmsg)" 'chip does not stop, trying a function-level reset' \
	"the chip did not stop by itself"
equal short "it works again"
done_testing
