# SPDX-License-Identifier: MIT
# What people and monitors see: fdinfo, accel-smi, hwmon, counters.
# vm: chips=1 needs=driver,accel-run,accel-smi timeout=240
. /tests/tap.sh
. /tests/driver.sh

ok "the driver is up" driver_up || done_testing
chip=$(chip)
state=$(debugfs "$chip")/state

busy() {
	grep -q '^queue [0-9].* submitted [1-9]' "$state"
}

idle() {
	! grep -q '^queue ' "$state"
}

infer endless /run/o.tokens /run/o.logits 2>/run/o.err &
ok "a process has jobs on the chip" poll 60 busy
pid=$(pidof accel-run | cut -d ' ' -f 1)
info=
for fd in /proc/"$pid"/fd/*; do
	case $(readlink "$fd") in
	/dev/accel/*) info=/proc/$pid/fdinfo/${fd##*/} ;;
	esac
done
ok "it has the node open" test -n "$info" || done_testing
cat "$info" >/run/fdinfo.1
sleep 2
cat "$info" >/run/fdinfo.2
text=$(cat /run/fdinfo.2)
match "$text" '^drm-driver:[[:space:]]*intaglio$' "fdinfo: the driver"
match "$text" "^drm-pdev:[[:space:]]*$chip\$" "fdinfo: the chip"
match "$text" '^drm-client-id:[[:space:]]*[0-9]+$' "fdinfo: the client"
match "$text" '^drm-engine-[a-z]+:[[:space:]]*[0-9]+ ns$' "fdinfo: engines"
match "$text" '^drm-cycles-[a-z]+:[[:space:]]*[0-9]+$' "fdinfo: cycles"
match "$text" '^drm-total-[a-z]+:[[:space:]]*[0-9]+( KiB| MiB)?$' "fdinfo: memory"
grew=0
for line in $(grep -o '^drm-cycles-[a-z]*' /run/fdinfo.2); do
	one=$(sed -n "s/^$line:[[:space:]]*//p" /run/fdinfo.1)
	two=$(sed -n "s/^$line:[[:space:]]*//p" /run/fdinfo.2)
	[ "$two" -le "$one" ] || grew=1
done
is $grew 1 "fdinfo: cycles grow while it works"
save /run/fdinfo.2

ok "accel-smi runs" accel-smi
match "$(accel-smi 2>&1)" "$pid" "accel-smi names the process"
accel-smi --prometheus >/run/prometheus
text=$(cat /run/prometheus)
device=$(node "$chip")
device=${device##*/}
match "$text" '^# TYPE [a-z_]+ (counter|gauge)$' "accel-smi --prometheus: types"
match "$text" "^accel_device_info\\{device=\"$device\",pci=\"$chip\",.*\\} 1\$" \
	"accel-smi --prometheus: this chip"
match "$text" "^accel_device_counter_total\\{device=\"$device\",counter=\"cycles\"\\} [1-9][0-9]*\$" \
	"accel-smi --prometheus: its cycles"
accel-smi --json >/run/smi.json
save /run/prometheus /run/smi.json
# A chip without jobs sleeps, and the first process may have come to its end meanwhile.
killall -KILL accel-run 2>/dev/null
wait
ok "the chip is idle" poll 20 idle
infer endless /run/o.tokens /run/o.logits 2>/run/o.err &
ok "another process has jobs on the chip" poll 60 busy
match "$(cat $PCI/$chip/telemetry)" '^clock_mhz [1-9][0-9]*$' "sysfs: telemetry while it works"
found=
for dir in $PCI/$chip/hwmon/hwmon*; do
	[ "$(cat "$dir/name" 2>/dev/null)" = intaglio ] && found=$dir
done
ok "hwmon is there" test -n "$found"
[ -z "$found" ] || match "$(cat "$found"/*_input 2>&1)" '^[0-9]+$' "hwmon gives numbers"
killall -KILL accel-run
wait
done_testing
