# SPDX-License-Identifier: MIT
# A program that tries every address space gets a fault each time.
# vm: chips=1 needs=driver,isolation timeout=300
. /tests/tap.sh
. /tests/driver.sh

driver_up >/run/up 2>&1 || {
	fail "the driver is up" "$(cat /run/up)"
	done_testing
}
exec isolation
