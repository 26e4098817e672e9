# SPDX-License-Identifier: MIT
# Two threads make, use and destroy the same queue, address space or buffer.
# vm: chips=1 needs=driver,accel-smi,race timeout=300
. /tests/tap.sh
. /tests/driver.sh

ok "the driver is up" driver_up || done_testing
leaks_nothing race --rounds "${RACE_ROUNDS:-100}"
done_testing
