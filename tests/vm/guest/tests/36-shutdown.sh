# SPDX-License-Identifier: MIT
# The machine is switched off while a file is open, a job runs that never ends and another one waits
# behind it. What happens then is judged from outside: that it goes down in time, without a complaint.
# vm: chips=1 needs=driver,fence_hold timeout=120 boot=own
. /tests/tap.sh
. /tests/driver.sh

ok "the driver is up" driver_up || done_testing
chip=$(chip)
state=$(debugfs "$chip")/state
# It outlives this test, as nothing ends it.
sleep 100000 | fence_hold >/run/hold.out 2>/run/hold.err &
ok "a process has the node open" poll 60 grep -q ready /run/hold.out || diag </run/hold.err
ok "a job of it runs" poll 20 working "$state"
is "$(grep -c '^queue [0-9].* submitted 1 completed 0$' "$state")" 1 "it has not ended"
is "$(grep -c '^queue [0-9].* submitted 2 completed 1$' "$state")" 1 "and one of another queue waits"
quiet "jobs that do not end"
done_testing
