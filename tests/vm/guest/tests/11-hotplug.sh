# SPDX-License-Identifier: MIT
# Removal and return of the chip, without a driver of ours. QEMU 11.1 aborts when it unplugs any
# vfio-user device that has MSI-X (vfio_user_msix_teardown runs after its regions are gone), so the
# machine's own unplugging is not used: the bus loses the device through sysfs, or its link drops.
# vm: chips=1 only=qemu
. /tests/tap.sh

chip=/sys/bus/pci/devices/0000:01:00.0

gone() {
	[ ! -e "$chip" ]
}

ok "the chip is there" test -e $chip
ok "sysfs removes it" sh -c "echo 1 >$chip/remove"
ok "it is gone" gone
ok "sysfs rescans" sh -c 'echo 1 >/sys/bus/pci/rescan'
is "$(cat $chip/class)" 0x120000 "it is back"
ok "its memory has an address" sh -c "head -n 1 $chip/resource | grep -qv '^0x0*  *0x0* '"

ok "the simulator can be asked" host chip 0 status
match "$(host chip 0 status)" 'client=1' "and serves this machine"
before=$(setpci -s 01:00.0 VENDOR_ID.l)
ok "the link drops" host chip 0 link-down
is "$(od -An -tx4 -N 4 $chip/config | tr -d " ")" ffffffff "config space reads as ones"
ok "the bus removes it" sh -c "echo 1 >$chip/remove"
ok "the link is back" host chip 0 clear
ok "sysfs rescans" sh -c 'echo 1 >/sys/bus/pci/rescan'
is "$(setpci -s 01:00.0 VENDOR_ID.l)" "$before" "it is back"
done_testing
