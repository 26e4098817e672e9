# SPDX-License-Identifier: MIT
# intaglio.ko comes and goes; it drives no chip without the right firmware.
# vm: chips=1 needs=driver
. /tests/tap.sh
. /tests/driver.sh

ok "modprobe loads the driver" modprobe intaglio || done_testing
chip=$(chip)
is "$(basename "$(readlink "$PCI/$chip/driver")")" intaglio "it drives the chip"
ok "there is a node" poll 10 test -c "$(node "$chip")"
is "$(stat -c %t "$(node "$chip")")" 105 "of DRM's accel major, 261"
match "$(cat $PCI/$chip/mask_id)" '^[0-9a-f]{64}$' "sysfs tells the mask"
match "$(cat $PCI/$chip/fw_version)" '^[0-9]+\.[0-9]+\.[0-9]+ abi [0-9]+\.[0-9]+$' "and the firmware"
match "$(cat $PCI/$chip/model)" . "and the model"
match "$(cat "$(debugfs "$chip")/state")" '^reset failed: 0$' "debugfs tells its state"
match "$(lspci -vv -s "$chip")" 'MSI-X: Enable\+' "MSI-X is in use"
match "$(lspci -vv -s "$chip")" 'Kernel driver in use: intaglio' "lspci names the driver"

ok "rmmod unloads it" rmmod intaglio
ok "the node is gone" test ! -e /dev/accel/accel0
match "$(lspci -vv -s "$chip")" 'MSI-X: Enable-' "MSI-X is off"
for i in 1 2 3; do
	ok "load $i" modprobe intaglio
	ok "unload $i" rmmod intaglio
done
quiet "loads and unloads"

# refused NAME REGEX: a probe fails, says why, and leaves nothing on
refused() {
	log_mark
	ok "$1: the module loads" modprobe intaglio
	ok "$1: it does not drive the chip" test ! -e "$PCI/$chip/driver"
	ok "$1: there is no node" test ! -e /dev/accel/accel0
	match "$(warnings)" "$2" "$1: the log says why"
	match "$(lspci -vv -s "$chip")" 'MSI-X: Enable-' "$1: MSI-X is off"
	ok "$1: unload" rmmod intaglio
}

firmware=$(find /lib/firmware/ -type f -name 'ig1*')
mv "$firmware" /run/firmware
refused "no firmware" 'no firmware '
head -c 20 /run/firmware >"$firmware"
refused "less than a header" 'bad size'
head -c 2000 /run/firmware >"$firmware"
refused "a firmware that is cut off" 'bad image_bytes'
# The upper half of its second word is the ABI's major number.
{
	head -c 6 /run/firmware
	printf '\377\177'
	tail -c +9 /run/firmware
} >"$firmware"
refused "a firmware of another ABI" 'ABI 32767\.[0-9]+, the driver speaks '
{
	head -c -1 /run/firmware
	printf '\252'
} >"$firmware"
refused "a firmware with a wrong byte" 'bad crc32'
mv /run/firmware "$firmware"
log_mark
ok "the right firmware: load" modprobe intaglio
ok "the right firmware: there is a node" poll 10 test -c "$(node "$chip")"
ok "the right firmware: unload" rmmod intaglio
quiet "the right firmware"
done_testing
