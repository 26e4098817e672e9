# SPDX-License-Identifier: MIT
# The machine itself: what the other tests rely on.
# vm: chips=0 only=qemu
. /tests/tap.sh

match "$(uname -r)" '^[67]\.[0-9]+\.' "a kernel of the right age"
is "$(stat -c %F /dev/null)" "character special file" "devtmpfs is mounted"
ok "the result disk is there" test -b /dev/vda
ok "debugfs is mounted" grep -q ' /sys/kernel/debug ' /proc/mounts
for module in drm gpu_sched drm_exec drm_gpuvm drm_shmem_helper; do
	ok "the stock module $module loads" modprobe "$module"
done
match "$(cat /proc/devices)" '^ *261 accel$' "DRM has its accel major number"
match "$(lspci -n)" '^00:10\.0 0604: ' "the hot-plug port is there"
echo "saved in a guest" >/run/note
ok "a file is handed out" save /run/note
done_testing
