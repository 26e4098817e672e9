# SPDX-License-Identifier: MIT
# Resets from outside: function level reset, a bus error, the driver's own.
# vm: chips=1 needs=driver,accel-run,queues timeout=300
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

# reset NAME FILE: by writing to it; idle, then under jobs: the one that runs and does not end is lost,
# the one behind it is not.
reset() {
	ok "$1, idle" sh -c "echo 1 >$2"
	ok "$1, idle: the chip is not given up" poll 20 alive
	equal short "$1, idle: afterwards"
	ok "$1, under jobs: costs the one that runs, and no other" queues reset "$2"
	ok "$1, under jobs: the chip is not given up" poll 20 alive
	equal short "$1, under jobs: afterwards"
}

reset "function level reset" $PCI/$chip/reset
reset "forced reset" "$folder/force_reset"

# Jobs that end in time are waited for, and the SRAM is kept: a session does not notice.
name="function level reset, under a session"
tokens=80
# shellcheck disable=SC2046
accel-run /models/model.accel --backend drm $(case_args endless | sed "s/-n [0-9]*/-n $tokens/") \
	--logits /run/r.logits >/run/r.tokens 2>/run/r.err &
user=$!
ok "$name: it has jobs on the chip" poll 60 busy
ok "$name" sh -c "echo 1 >$PCI/$chip/reset"
ok "$name: it is at work still" kill -0 $user
ok "$name: and ends well" wait $user || diag </run/r.err
cut -d , -f 1-$tokens /ref/endless.tokens >/run/want.tokens
same /run/r.tokens /run/want.tokens "$name: with the right tokens"
head -c $(($(stat -c %s /ref/endless.logits) / 300 * tokens)) /ref/endless.logits >/run/want.logits
same /run/r.logits /run/want.logits "$name: and logits, byte for byte"
done_testing
