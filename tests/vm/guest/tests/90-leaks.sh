# SPDX-License-Identifier: MIT
# What all the tests before left: nothing that the kernel's leak detector finds.
# vm: chips=1 needs=driver timeout=300
. /tests/tap.sh
. /tests/driver.sh

[ -e /sys/kernel/debug/kmemleak ] || skip_all "this kernel has no kmemleak"
rmmod intaglio 2>/dev/null
for i in 1 2; do
	sleep 6
	echo scan >/sys/kernel/debug/kmemleak
done
cat /sys/kernel/debug/kmemleak >/run/kmemleak
is "$(grep -c '^unreferenced object' /run/kmemleak)" 0 "no unreferenced memory"
[ ! -s /run/kmemleak ] || save /run/kmemleak
done_testing
