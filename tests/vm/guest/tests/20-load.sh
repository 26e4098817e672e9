# SPDX-License-Identifier: MIT
# intaglio.ko comes and goes.
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
done_testing
