# SPDX-License-Identifier: MIT
# Three chips at once, one process each.
# vm: chips=3 needs=driver,accel-run,queues timeout=300
. /tests/tap.sh
. /tests/driver.sh

ok "the driver is up" driver_up || done_testing
ok "three nodes" poll 20 test -c /dev/accel/accel2
users=
states=
for n in 0 1 2; do
	infer endless /run/$n.tokens /run/$n.logits --device $n 2>/run/$n.err &
	users="$users $!"
	states="$states $(debugfs "$(chip $((n + 1)))")/state"
done
# shellcheck disable=SC2086
ok "each chip has a queue, at the same time" poll 60 sessions 1 $states
n=0
for user in $users; do
	ok "chip $n: the process ends well" wait "$user" || diag </run/$n.err
	same /run/$n.tokens /ref/endless.tokens "chip $n: tokens"
	same /run/$n.logits /ref/endless.logits "chip $n: logits, byte for byte"
	n=$((n + 1))
done
for n in 1 2 3; do
	jobs=$(host chip $((n - 1)) status | grep -o 'interrupts=[0-9]*' | cut -d = -f 2)
	[ "${jobs:-0}" -gt 0 ]
	is $? 0 "chip $((n - 1)) did work"
done

ok "a buffer of the first chip works in jobs of the second, and back" queues prime

# One of them goes; the others do not notice.
infer endless /run/e.tokens /run/e.logits --device 0 2>/run/e.err &
user=$!
state=$(debugfs "$(chip 1)")/state
ok "a process has jobs on the first chip" poll 60 sessions 1 "$state"
ok "and is at work" pidof accel-run
ok "the last chip is removed" sh -c "echo 1 >$PCI/$(chip 3)/remove"
ok "a session on the first goes on" wait $user || diag </run/e.err
same /run/e.tokens /ref/endless.tokens "with the right tokens"
quiet "three chips"
ok "rmmod with two chips" rmmod intaglio
done_testing
