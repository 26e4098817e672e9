# SPDX-License-Identifier: MIT
# Two threads make, use and destroy the same queue, address space or buffer.
# vm: chips=1 needs=driver,race timeout=300
. /tests/tap.sh
. /tests/driver.sh

driver_up >/run/up 2>&1 || {
	fail "the driver is up" "$(cat /run/up)"
	done_testing
}
exec race --rounds "${RACE_ROUNDS:-100}"
