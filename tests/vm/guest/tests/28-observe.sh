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
# While the process lives, which is not for long.
ok "accel-smi runs" sh -c 'accel-smi >/run/smi 2>&1'
match "$(cat /run/smi)" "^ +pid $pid +accel-run +[0-9]+\\.[0-9]+ s busy +[1-9][0-9]* jobs +[1-9][0-9]* KiB\$" \
	"accel-smi: a row with the process, its name, time, jobs and memory"
sleep 1
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

# Tracepoints: each event of a session and of a reset, with its fields.
trace=/sys/kernel/tracing
[ -d $trace/events ] || trace=/sys/kernel/debug/tracing
ok "tracepoints are there" test -d $trace/events/intaglio || done_testing
echo 1 >$trace/events/intaglio/enable
echo 1 >$trace/tracing_on
equal short "with tracepoints on"
# A chip that sleeps is not reset.
echo on >"$PCI/$chip/power/control"
echo 1 >"$(debugfs "$chip")/force_reset"
echo auto >"$PCI/$chip/power/control"
echo 0 >$trace/events/intaglio/enable
cat $trace/trace >/run/trace
echo >$trace/trace
save /run/trace
text=$(grep -o 'ig1_[a-z_]*: .*' /run/trace)
for event in ig1_job_queue ig1_job_run; do
	match "$text" "^$event: accel[0-9]+ context=[0-9]+ priority=[0-9]+ seq=1 prog=0x[0-9a-f]+\$" \
		"$event"
done
match "$text" '^ig1_job_done: accel[0-9]+ context=[0-9]+ seq=[0-9]+ .*cycles=[1-9][0-9]*' ig1_job_done
is "$(echo "$text" | grep -c '^ig1_job_done')" "$(echo "$text" | grep -c '^ig1_job_run')" \
	"as many jobs end as run"
match "$text" '^ig1_bind: accel[0-9]+ vm=[^ ]+ map va=0x[0-9a-f]+ bytes=0x[0-9a-f]+ error=0$' ig1_bind
match "$text" '^ig1_mbox: accel[0-9]+ cmd=[0-9]+ arg=0x[0-9a-f]+ error=0$' ig1_mbox
match "$text" '^ig1_reset: accel[0-9]+ error=0 jobs_ended=0$' ig1_reset
done_testing
