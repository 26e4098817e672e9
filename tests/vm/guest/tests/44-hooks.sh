# SPDX-License-Identifier: MIT
# The driver's own faults on demand (debugfs): lost interrupts, jobs that do not obey an abort, a chip
# that does not come back from a reset.
# vm: chips=1 needs=driver,accel-run timeout=400
. /tests/tap.sh
. /tests/driver.sh

[ -d /sys/kernel/debug/failslab ] || skip_all "this kernel has no fault injection"
ok "the driver is up" driver_up || done_testing
chip=$(chip)
folder=$(debugfs "$chip")
ok "debugfs has the faults" test -d "$folder/fail_irq" || done_testing

# arm NAME TIMES: the next ones
arm() {
	echo 0 >"$folder/$1/verbose"
	echo 1 >"$folder/$1/interval"
	echo "$2" >"$folder/$1/times"
	echo 100 >"$folder/$1/probability"
}

disarm() {
	echo 0 >"$folder/$1/probability"
}

used_up() {
	[ "$(cat "$folder/$1/times")" -eq 0 ]
}

busy() {
	grep -q '^queue [0-9].* running .* submitted [1-9]' "$folder/state"
}

# Lost interrupts cost time only.
echo 3000 >$PCI/$chip/job_timeout_ms
arm fail_irq 3
equal short "lost interrupts"
ok "lost interrupts: three were" used_up fail_irq
disarm fail_irq

# A job that does not end when it is told to: the chip is reset, and others do not notice. Any job takes
# longer than these limits; the first process has a longer timeout, which is read when a queue is made.
forget_dumps
echo 60000 >$PCI/$chip/job_timeout_ms
infer endless /run/b.tokens /run/b.logits 2>/run/b.err &
b=$!
ok "no abort: a process has jobs on the chip" poll 60 busy
arm fail_abort 1
limit=$(cat $PCI/$chip/job_limit_ms)
echo 20 >$PCI/$chip/job_timeout_ms
echo 1 >$PCI/$chip/job_limit_ms
infer endless /run/a.tokens /run/a.logits 2>/run/a.err &
a=$!
wait $a
code_a=$?
echo 3000 >$PCI/$chip/job_timeout_ms
echo "$limit" >$PCI/$chip/job_limit_ms
ok "no abort: it was refused" used_up fail_abort
disarm fail_abort
[ $code_a -ne 0 ] && [ $code_a -lt 128 ]
is $? 0 "no abort: the process whose job was given up gets an error" || diag </run/a.err
ok "no abort: a core dump is there" has_dump
forget_dumps
ok "no abort: the other process goes on" wait $b || diag </run/b.err
same /run/b.tokens /ref/endless.tokens "no abort: with the right tokens"
match "$(cat "$folder/state")" '^reset failed: 0$' "no abort: the chip is not given up"
equal short "no abort: afterwards"

# The chip is lost: everybody is told, the node goes, a new start brings all back.
infer endless /run/c.tokens /run/c.logits 2>/run/c.err &
c=$!
ok "no reset: a process has jobs on the chip" poll 60 busy
arm fail_reset 1
echo 1 >"$folder/force_reset"
wait $c
code_c=$?
[ $code_c -ne 0 ] && [ $code_c -lt 128 ]
is $? 0 "no reset: the process gets an error" || diag </run/c.err
is "$(node "$chip")" "" "no reset: the node is gone"
ok "no reset: unbind" sh -c "echo $chip >$DRV/unbind"
forget_dumps
ok "no reset: the driver comes up again" driver_up
equal short "no reset: afterwards"
done_testing
