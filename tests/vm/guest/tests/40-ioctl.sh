# SPDX-License-Identifier: MIT
# Every check of every ioctl, and the plain uses.
# vm: chips=1 needs=driver,accel-smi,ioctl_test timeout=300
. /tests/tap.sh
. /tests/driver.sh

ok "the driver is up" driver_up || done_testing
leaks_nothing ioctl_test
done_testing
