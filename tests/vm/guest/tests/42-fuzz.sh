# SPDX-License-Identifier: MIT
# Random but type-aware ioctls; nothing may hang, leak or splat. The long run is
# `make vm-soak`.
# vm: chips=1 needs=driver,accel-smi,ioctl_fuzz timeout=600
. /tests/tap.sh
. /tests/driver.sh

ok "the driver is up" driver_up || done_testing
leaks_nothing ioctl_fuzz --iterations "${FUZZ_ITERATIONS:-20000}" --threads 2 --seed "${FUZZ_SEED:-1}" \
	--seconds "${FUZZ_SECONDS:-0}"
done_testing
