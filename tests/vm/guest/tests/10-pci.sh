# SPDX-License-Identifier: MIT
# The chip as the PCI core sees it, without a driver of ours.
# vm: chips=1 only=qemu
. /tests/tap.sh

device=
for dir in /sys/bus/pci/devices/*; do
	[ "$(cat "$dir/class")" = 0x120000 ] && device=$(basename "$dir")
done
[ -n "$device" ] || {
	fail "a processing accelerator (class 0x1200) is on the bus" "$(lspci -nn)"
	done_testing
}
pass "a processing accelerator (class 0x1200) is on the bus"
dir=/sys/bus/pci/devices/$device
match "$device" '^0000:01:00\.0$' "it sits behind the first port"

lspci -vvnn -s "$device" >/run/lspci
ok "lspci -vv prints it" test -s /run/lspci
text=$(cat /run/lspci)
match "$text" 'Capabilities: \[[0-9a-f]+\] Power Management version 3' "power management, version 3"
match "$text" 'Capabilities: \[[0-9a-f]+\] Express \(v2\) Endpoint' "a PCI Express endpoint"
match "$text" 'FLReset\+' "function level reset is advertised"
match "$text" 'Capabilities: \[[0-9a-f]+\] MSI-X: Enable. Count=[0-9]+' "MSI-X"
match "$text" 'Region 0: Memory at [0-9a-f]+ .*\[size=' "BAR 0 is memory and has an address"
is "$(grep -c 'unassigned\|<ignored>\|!!!\|\[virtual\]\|rev ff' /run/lspci)" 0 \
	"nothing in it is broken"
is "$(od -An -tx2 -j 0 -N 4 "$dir/config" | tr -d ' ')" \
	"$(sed 's/^0x//' "$dir/vendor" "$dir/device" | tr -d '\n')" "config space reads twice the same"
ok "sysfs offers a reset" test -w "$dir/reset"
match "$(cat "$dir/reset_method")" '\bflr\b' "by function level reset"
ok "function level reset works without a driver" sh -c "echo flr >$dir/reset_method && echo 1 >$dir/reset"
is "$(cat "$dir/class")" 0x120000 "the device is there after its reset"
save /run/lspci
done_testing
