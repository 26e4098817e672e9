# SPDX-License-Identifier: MIT
# Runtime power management, and system sleep in the middle of a session.
# vm: chips=1 needs=driver,accel-run timeout=600
. /tests/tap.sh
. /tests/driver.sh

ok "the driver is up" driver_up || done_testing
chip=$(chip)
power=$PCI/$chip/power

asleep() {
	[ "$(cat "$power/runtime_status")" = suspended ]
}

ok "an idle chip goes to sleep" poll 20 asleep
before=$(cat "$power/runtime_active_time")
cat "$PCI/$chip/mask_id" "$PCI/$chip/fw_version" "$(debugfs "$chip")/state" >/dev/null
ok "reading sysfs and debugfs does not wake it" asleep
equal short "it wakes for work"
ok "and sleeps again" poll 20 asleep
# Reads all that asks an awake chip; afterwards, whether it sleeps.
asleep_despite_readers() {
	cat "$PCI/$chip/telemetry" "$PCI/$chip"/hwmon/hwmon*/*_input "$(debugfs "$chip")/fw_log" >/dev/null 2>&1
	! command -v accel-smi >/dev/null || accel-smi --json >/dev/null 2>&1
	asleep
}
delay=$(cat "$power/autosuspend_delay_ms")
echo 5000 >"$power/autosuspend_delay_ms"
equal short "it wakes for work again"
match "$(cat "$PCI/$chip/telemetry" 2>&1)" '^clock_mhz [1-9]' "telemetry of a chip that is awake"
ok "and sleeps although it is read several times a second" poll 40 asleep_despite_readers
echo "$delay" >"$power/autosuspend_delay_ms"
[ "$(cat "$power/runtime_active_time")" -gt "$before" ]
is $? 0 "its time awake is accounted"

state=$(debugfs "$chip")/state
busy() {
	grep -q '^queue [0-9].* submitted [1-9]' "$state"
}

# What sleeps in the middle of a session needs one.
session() {
	infer endless /run/s.tokens /run/s.logits 2>/run/s.err &
	user=$!
	ok "$1: a process has jobs on the chip" poll 60 busy
	ok "$1: and is at work" pidof accel-run
}

# Devices are suspended for five seconds and come back; the CPU stays.
if [ -e /sys/power/pm_test ] && grep -qw mem /sys/power/state; then
	session "pm_test"
	ok "pm_test: devices sleep and wake" sh -c 'echo devices >/sys/power/pm_test; echo mem >/sys/power/state'
	echo none >/sys/power/pm_test
	ok "pm_test: the session is at work still" kill -0 $user
	ok "pm_test: the session goes on" wait $user || diag </run/s.err
	same /run/s.tokens /ref/endless.tokens "pm_test: tokens"
	same /run/s.logits /ref/endless.logits "pm_test: logits, byte for byte"
else
	skip "pm_test" "this kernel has no pm_test"
fi

# The whole machine sleeps to idle. QEMU's clock raises no ACPI event, so that a byte on the serial port
# wakes it; in UML the clock does.
wakeup=/sys/class/tty/ttyS1/power/wakeup
alarm() {
	if [ -e $wakeup ]; then
		echo enabled >$wakeup
		host wakeup
	else
		echo 0 >/sys/class/rtc/rtc0/wakealarm
		echo +3 >/sys/class/rtc/rtc0/wakealarm
	fi
}

# On a busy host the wakeup can come while devices still go to sleep: the kernel gives up with EBUSY, and
# who asked asks again, as sleep daemons do. A device that refuses says so in the log and is not asked.
sleep_to_idle() {
	for _try in 1 2 3 4; do
		_mark=$(stat -c %s /run/kmsg)
		alarm || return 1
		echo freeze >/sys/power/state && return
		sleep 0.2
		tail -c +$((_mark + 1)) /run/kmsg | grep -E 'PM: |intaglio' | sed 's/^[^;]*;//' | tail -n 8
		! tail -c +$((_mark + 1)) /run/kmsg | grep -E 'failed to (suspend|freeze)( late| noirq)?( async)?: error' ||
			return 1
	done
	return 1
}

if [ ! -e $wakeup ] && [ ! -e /sys/class/rtc/rtc0/wakealarm ]; then
	skip "s2idle" "nothing wakes this machine"
elif grep -qw freeze /sys/power/state; then
	session "s2idle"
	ok "s2idle: the machine sleeps and wakes" sleep_to_idle
	ok "s2idle: the session is at work still" kill -0 $user
	ok "s2idle: the session goes on" wait $user || diag </run/s.err
	same /run/s.tokens /ref/endless.tokens "s2idle: tokens"
	same /run/s.logits /ref/endless.logits "s2idle: logits, byte for byte"
else
	skip "s2idle" "this kernel does not sleep to idle"
fi
quiet "sleep"
done_testing
