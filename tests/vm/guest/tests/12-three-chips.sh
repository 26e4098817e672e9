# SPDX-License-Identifier: MIT
# Three chips on three ports.
# vm: chips=3 only=qemu
. /tests/tap.sh

is "$(lspci -n -d ::1200 | wc -l)" 3 "three chips are on the bus"
is "$(lspci -n -d ::1200 | cut -d ' ' -f 1 | sort -u | wc -l)" 3 "each has its own address"
is "$(cat /sys/bus/pci/devices/0000:0[123]:00.0/vendor | sort -u | wc -l)" 1 "all of one vendor"
ok "the middle one is removed" sh -c 'echo 1 >/sys/bus/pci/devices/0000:02:00.0/remove'
is "$(lspci -n -d ::1200 | wc -l)" 2 "two are left"
ok "sysfs rescans" sh -c 'echo 1 >/sys/bus/pci/rescan'
is "$(lspci -n -d ::1200 | wc -l)" 3 "three are back"
done_testing
