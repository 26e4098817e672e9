# SPDX-License-Identifier: MIT
# libaccel's conformance suite, the same as for the other back ends.
# vm: chips=1 needs=driver,conformance timeout=900 mask=toy
. /tests/tap.sh
. /tests/driver.sh

ok "the driver is up" driver_up || done_testing
program env ACCEL_TEST_BACKEND=drm ACCEL_TEST_SLOW=1 CMOCKA_MESSAGE_OUTPUT=TAP conformance
quiet "the conformance suite"
done_testing
