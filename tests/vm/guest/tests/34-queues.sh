# SPDX-License-Identifier: MIT
# Queues beside each other: a job that only runs too long, without any fault injected, is given up by
# the firmware that runs everywhere, and only it; a job of high priority overtakes.
# vm: chips=1 needs=driver,accel-run,queues timeout=300
. /tests/tap.sh
. /tests/driver.sh

ok "the driver is up" driver_up || done_testing
chip=$(chip)
scale=$(cat /tests/scale 2>/dev/null || echo 1)

busy() {
	grep -q '^queue [0-9].* submitted [1-9]' "$(debugfs "$chip")/state"
}

forget_dumps
limit=$(cat $PCI/$chip/job_limit_ms)
timeout=$(cat $PCI/$chip/job_timeout_ms)
echo 1000 >$PCI/$chip/job_timeout_ms
echo $((3000 * scale)) >$PCI/$chip/job_limit_ms
infer steady /run/j.tokens /run/j.logits 2>/run/j.err &
other=$!
ok "limit: another process has jobs on the chip" poll 60 busy
ok "limit: an endless job is given up, without a reset" queues limit
ok "limit: a core dump appears" poll 20 has_dump
data=$(dump)
if [ -n "$data" ]; then
	cat "$data" >/run/limit.coredump
	echo 1 >"$data"
	save /run/limit.coredump
fi
# The lines of a section of the dump
section() {
	sed -n "/^\\[$1\\]/,/^\\[/p" /run/limit.coredump | grep -v '^\['
}
match "$(section device)" '^reason: job timed out$' "limit: [device] has the reason"
match "$(section job)" '^prog_va: 0x100000$' "limit: [job] has the program's address"
match "$(section job)" '^commands: [1-9][0-9]* emitted 0$' "limit: and how far it was"
match "$(section job)" '^watchdog: [1-9]' "limit: and its budget of cycles"
match "$(section translation)" '0x100000' "limit: [translation] has the program's page"
is "$(section program | wc -l)" 4 "limit: [program] has its commands, all four"
match "$(section log)" . "limit: [log] has the firmware's"
ok "limit: the other process ends well" wait $other || diag </run/j.err
same /run/j.tokens /ref/steady.tokens "limit: with the right tokens"
same /run/j.logits /ref/steady.logits "limit: and logits, byte for byte"
echo "$limit" >$PCI/$chip/job_limit_ms
echo "$timeout" >$PCI/$chip/job_timeout_ms

ok "priority: a job overtakes those that wait" queues priority
equal short "afterwards"
done_testing
