# SPDX-License-Identifier: MIT
# What all the tests of this boot left: nothing that the kernel's leak detector finds, no DMA mapping.
# vm: chips=1 needs=driver timeout=300
. /tests/tap.sh
. /tests/driver.sh

[ -e "$KMEMLEAK" ] || skip_all "this kernel has no kmemleak"
no_leaks
done_testing
