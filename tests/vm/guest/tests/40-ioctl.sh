# SPDX-License-Identifier: MIT
# Every check of every ioctl, and the plain uses.
# vm: chips=1 needs=driver,ioctl_test timeout=300
. /tests/tap.sh
. /tests/driver.sh

driver_up >/run/up 2>&1 || {
	fail "the driver is up" "$(cat /run/up)"
	done_testing
}
exec ioctl_test
