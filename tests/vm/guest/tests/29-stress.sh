# SPDX-License-Identifier: MIT
# A program that knows nothing of the driver opens, polls, maps and closes the node.
# vm: chips=1 needs=driver,accel-run timeout=180
. /tests/tap.sh
. /tests/driver.sh

ok "the driver is up" driver_up || done_testing
ok "stress-ng --dev" stress-ng --dev 2 --dev-file "$(node "$(chip)")" --timeout 10s --temp-path /tmp
equal short "afterwards"
ok "nothing holds the module" poll 10 rmmod intaglio
quiet "stress-ng"
done_testing
