# SPDX-License-Identifier: MIT
# The chip behind the driver gives the reference model's bytes.
# vm: chips=1 needs=driver,accel-run timeout=300
. /tests/tap.sh
. /tests/driver.sh

# Lines of the kernel's log that warn, of the driver or its device; that it is no part of the kernel is none.
warnings() {
	dmesg -r | sed -n "$(($1 + 1)),\$p" | grep -E '^<[0-4]>' | grep -E "intaglio|accel|${chip#0000:}" | grep -v taint
}

seen=$(dmesg -r | wc -l)
ok "the driver is up" driver_up || done_testing
chip=$(chip)
for case in $(grep -o '^[a-z]*' /ref/cases); do
	equal "$case" "$case"
done

# Two processes, each with its own context, at the same time: each as if it were alone.
infer short /run/a.tokens /run/a.logits 2>/run/a.err &
a=$!
infer long /run/b.tokens /run/b.logits 2>/run/b.err &
b=$!
ok "the first of two processes ends well" wait $a || diag </run/a.err
ok "the second too" wait $b || diag </run/b.err
same /run/a.tokens /ref/short.tokens "first: tokens"
same /run/a.logits /ref/short.logits "first: logits, byte for byte"
same /run/b.tokens /ref/long.tokens "second: tokens"
same /run/b.logits /ref/long.logits "second: logits, byte for byte"
is "$(warnings "$seen")" "" "the kernel's log has no warning of it"
done_testing
