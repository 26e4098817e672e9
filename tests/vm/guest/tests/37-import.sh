# SPDX-License-Identifier: MIT
# Buffers that another driver has exported.
# vm: chips=1 needs=driver,foreign timeout=120
. /tests/tap.sh
. /tests/driver.sh

[ -e /dev/udmabuf ] || skip_all "this kernel has no udmabuf"
ok "the driver is up" driver_up || done_testing
counts >/run/before
ok "memory of a memfd in the chip's jobs" foreign
counts >/run/after
ok "nothing is left of it" diff /run/before /run/after
done_testing
