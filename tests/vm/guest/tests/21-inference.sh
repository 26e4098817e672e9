# SPDX-License-Identifier: MIT
# The chip behind the driver gives the reference model's bytes.
# vm: chips=1 needs=driver,accel-run,uapi_example timeout=300
. /tests/tap.sh
. /tests/driver.sh

ok "the driver is up" driver_up || done_testing
chip=$(chip)
for case in $(grep -o '^[a-z]*' /ref/cases); do
	equal "$case" "$case"
done

# Two processes, each with its own context, at the same time: each as if it were alone.
state=$(debugfs "$chip")/state
infer endless /run/a.tokens /run/a.logits 2>/run/a.err &
a=$!
ok "one process has one queue" poll 60 sessions 1 "$state"
infer steady /run/b.tokens /run/b.logits 2>/run/b.err &
b=$!
ok "two have two, at the same time" poll 60 sessions 2 "$state" || diag <"$state"
ok "the first of two processes ends well" wait $a || diag </run/a.err
ok "the second too" wait $b || diag </run/b.err
same /run/a.tokens /ref/endless.tokens "first: tokens"
same /run/a.logits /ref/endless.logits "first: logits, byte for byte"
same /run/b.tokens /ref/steady.tokens "second: tokens"
same /run/b.logits /ref/steady.logits "second: logits, byte for byte"
is "$(uapi_example 2>&1)" 42 "the example of docs/uapi.md runs"
quiet "inference"
done_testing
