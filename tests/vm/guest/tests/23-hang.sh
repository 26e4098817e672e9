# SPDX-License-Identifier: MIT
# The chip stops answering: the driver takes a core dump, gives up the job that hung, resets the chip,
# and everybody else goes on.
# vm: chips=1 needs=driver,accel-run,queues timeout=600
. /tests/tap.sh
. /tests/driver.sh

ok "the driver is up" driver_up || done_testing
chip=$(chip)
state=$(debugfs "$chip")/state

# A chip that does not answer is asked more than once, each time so long (ms). An emulated processor is
# slow to ask; in UML only a busy host is.
patience=3000
if grep -q 'User Mode Linux' /proc/cpuinfo && [ "$(cat /tests/scale)" -lt 5 ]; then
	patience=$((600 * $(cat /tests/scale)))
fi

patient() {
	echo $patience >$PCI/$chip/job_timeout_ms
	echo $patience >/sys/module/intaglio/parameters/fw_timeout_ms
}

busy() {
	[ "$(grep -c '^queue [0-9].* running .* submitted [1-9]' "$state")" -ge "${1:-1}" ]
}

for fault in dma-hang mcu-stuck mcu-lockup; do
	driver_up >/dev/null
	mark=$(stat -c %s /run/kmsg)
	forget_dumps
	patient
	infer endless /run/a.tokens /run/a.logits 2>/run/a.err &
	a=$!
	ok "$fault: a process has jobs on the chip" poll 60 busy
	infer steady /run/b.tokens /run/b.logits 2>/run/b.err &
	b=$!
	ok "$fault: and another one" poll 60 busy 2
	ok "$fault: the fault is injected" host chip 0 $fault
	ok "$fault: a core dump appears" poll 60 has_dump || cat "$state" | diag
	data=$(dump)
	if [ -n "$data" ]; then
		cat "$data" >"/run/$fault.coredump"
		echo 1 >"$data"
		match "$(head -n 1 /run/$fault.coredump)" '^intaglio coredump [0-9]+$' "$fault: it is ours"
		match "$(cat /run/$fault.coredump)" '^reason: ' "$fault: it gives a reason"
		save "/run/$fault.coredump"
	fi
	# A reset of the function ends a transfer that hangs, which nothing else does.
	[ $fault = dma-hang ] || host chip 0 clear >/dev/null
	wait $a
	code_a=$?
	wait $b
	code_b=$?
	[ $code_a -ne 0 ] || [ $code_b -ne 0 ]
	is $? 0 "$fault: the process whose job hung is told"
	[ $code_a -lt 128 ] && [ $code_b -lt 128 ]
	is $? 0 "$fault: by an error, not by a signal"
	if [ $fault = dma-hang ]; then
		# It loses the SRAM, where both had their state.
		match "$(tail -c +"$mark" /run/kmsg)" 'trying a function-level reset' \
			"$fault: the whole function is reset"
		[ $code_a -ne 0 ] && [ $code_b -ne 0 ]
		is $? 0 "$fault: both are told, because the SRAM is lost"
	elif [ $code_a -eq 0 ]; then
		same /run/a.tokens /ref/endless.tokens "$fault: the other one's bytes are right"
	elif [ $code_b -eq 0 ]; then
		same /run/b.tokens /ref/steady.tokens "$fault: the other one's bytes are right"
	else
		fail "$fault: the other one goes on" "$(tail -n 3 /run/a.err /run/b.err)"
	fi
	match "$(cat "$state")" '^reset failed: 0$' "$fault: the chip is not given up"
	equal short "$fault: afterwards"
done

# Who has no memory in the SRAM need not notice that it is lost.
driver_up >/dev/null
patient
program queues hang ". /tests/tap.sh; host chip 0 dma-hang"
equal short "after a bus that hung"

# An interrupt that never comes costs time, nothing else.
ok "irq-lost: the fault is injected" host chip 0 irq-lost 3
equal short "irq-lost"
host chip 0 clear >/dev/null
echo 10000 >/sys/module/intaglio/parameters/fw_timeout_ms
done_testing
