# SPDX-License-Identifier: MIT
# A program that tries every address space gets a fault each time.
# vm: chips=1 needs=driver,accel-smi,isolation timeout=300
. /tests/tap.sh
. /tests/driver.sh

ok "the driver is up" driver_up || done_testing
leaks_nothing isolation
done_testing
