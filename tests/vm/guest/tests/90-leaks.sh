# SPDX-License-Identifier: MIT
# What all the tests of this boot left: nothing that the kernel's leak detector finds, no DMA mapping.
# vm: chips=1 needs=driver timeout=300
. /tests/tap.sh
. /tests/driver.sh

leaks=/sys/kernel/debug/kmemleak
[ -e $leaks ] || skip_all "this kernel has no kmemleak"
ok "the driver goes" sh -c '[ ! -e /sys/module/intaglio ] || rmmod intaglio'
# An object counts once a scan has not found it and it is five seconds old.
for i in 1 2; do
	sleep 6
	echo scan >$leaks
done
cat $leaks >/run/kmemleak
is "$(grep -c '^unreferenced object' /run/kmemleak)" 0 "no unreferenced memory"
[ ! -s /run/kmemleak ] || save /run/kmemleak
lspci -D -n -d ::1200 | cut -d ' ' -f 1 >/run/chips
ok "the kernel lists DMA mappings" test -e /sys/kernel/debug/dma-api/dump
grep -F -f /run/chips /sys/kernel/debug/dma-api/dump >/run/dma
is "$(wc -l </run/dma)" 0 "no DMA mapping" || diag </run/dma
# A second look starts from zero.
echo clear >$leaks
done_testing
