# SPDX-License-Identifier: MIT
# Random but type-aware ioctls; nothing may hang, leak or splat. The long run is
# `make vm-soak`.
# vm: chips=1 needs=driver,ioctl_fuzz timeout=600
. /tests/tap.sh
. /tests/driver.sh

driver_up >/run/up 2>&1 || {
	fail "the driver is up" "$(cat /run/up)"
	done_testing
}
exec ioctl_fuzz --iterations "${FUZZ_ITERATIONS:-20000}" --threads 2 --seed "${FUZZ_SEED:-1}" \
	--seconds "${FUZZ_SECONDS:-0}"
