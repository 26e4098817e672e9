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
# judged COMMAND LINE...: what `program` makes of it
judged() {
	(
		TAP_COUNT=0 TAP_FAILED=0
		program sh -c "$1"
		echo "$TAP_COUNT points, $TAP_FAILED bad"
	) | tail -n 1
}
is "$(judged 'echo "ok 1 - a"; echo 1..1')" "2 points, 0 bad" "a program's points are the test's"
is "$(judged 'echo "not ok 1 - a"; echo 1..1; exit 1')" "2 points, 1 bad" "its failures count once"
is "$(judged 'echo "ok 1 - a"; echo 1..2')" "2 points, 1 bad" "a point too few is a failure"
is "$(judged 'echo "ok 1 - a"; echo 1..1; exit 1')" "2 points, 1 bad" "so is its exit status"
is "$(judged 'echo "ok 1 - a"; echo 1..1; kill -9 $$')" "2 points, 1 bad" "or its death"
is "$(judged 'sleep 99 & echo "ok 1 - a"; echo 1..1')" "2 points, 0 bad" "what it leaves running is not waited for"
killall sleep
echo "saved in a guest" >/run/note
ok "a file is handed out" save /run/note
done_testing
