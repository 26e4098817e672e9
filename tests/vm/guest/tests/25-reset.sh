# SPDX-License-Identifier: MIT
# Resets from outside: function level reset, a bus error, the driver's own.
# vm: chips=1 needs=driver,accel-run timeout=300
. /tests/tap.sh
. /tests/driver.sh

ok "the driver is up" driver_up || done_testing
chip=$(chip)
folder=$(debugfs "$chip")

busy() {
	grep -q '^queue [0-9].* submitted [1-9]' "$folder/state"
}

# An idle chip sleeps, so its firmware may be stopped; what runs on it afterwards proves the rest.
alive() {
	grep -q '^reset failed: 0$' "$folder/state"
}

# reset NAME COMMAND...: idle first, then under a session. The session may be told of a lost job, but
# the chip and everybody after it must be well.
reset() {
	name=$1
	shift
	ok "$name, idle" "$@"
	ok "$name, idle: the chip is not given up" poll 20 alive
	equal short "$name, idle: afterwards"
	infer endless /run/r.tokens /run/r.logits 2>/run/r.err &
	user=$!
	ok "$name: a process has jobs on the chip" poll 60 busy
	ok "$name, under it" "$@"
	wait $user
	code=$?
	if [ $code -eq 0 ]; then
		same /run/r.tokens /ref/endless.tokens "$name: the session went on with the right bytes"
	elif [ $code -lt 128 ]; then
		pass "$name: the session was told of a lost job"
	else
		fail "$name: the session ends" "exit status $code; $(tail -n 3 /run/r.err)"
	fi
	ok "$name: the chip is not given up" poll 20 alive
	equal short "$name: afterwards"
}

reset "function level reset" sh -c "echo 1 >$PCI/$chip/reset"
reset "forced reset" sh -c "echo 1 >$folder/force_reset"
done_testing
