# SPDX-License-Identifier: MIT
# What the tests of the driver share; after tap.sh.
# shellcheck shell=sh

PCI=/sys/bus/pci/devices
DRV=/sys/bus/pci/drivers/intaglio

# What the kernel says from here on is judged by `quiet`; a test begins here.
log_mark() {
	LOG_MARK=$(stat -c %s /run/kmsg)
}
log_mark

# Lines since then that warn (levels 0 to 4 of the kernel, *ERROR* of DRM), of the driver, its devices
# or what is above them. That it is no part of the kernel is none, nor is what UML says at each rescan of
# its host bridge, which does without runtime power management.
warnings() {
	tail -c +$((LOG_MARK + 1)) /run/kmsg | awk -F '[,;]' '/^[0-9]/ && ($1 < 5 || /\*ERROR\*/)' |
		grep -E 'intaglio|accel|drm|pci|0000:0' | grep -v -e taint -e 'but parent (pci0000:00) is not active'
}

# quiet DESCRIPTION: nothing since log_mark warns
quiet() {
	is "$(warnings)" "" "$1: the log has no warning of it"
}

# The PCI addresses of all chips. Not by lspci: it reads config space, see 30-aer.
chips() {
	grep -l '^0x1200' $PCI/*/class | cut -d / -f 6
}

# The first chip's PCI address, whatever its number.
chip() {
	chips | sed -n "${1:-1}p"
}

# The device node of a chip (PCI address): /dev/accel/accelN
node() {
	for _dir in "$PCI/$1"/accel/accel*; do
		[ ! -e "$_dir" ] || echo "/dev/accel/${_dir##*/}"
	done
}

# The debugfs folder of a chip (PCI address)
debugfs() {
	echo "/sys/kernel/debug/accel/$1"
}

# Starts each test from a loaded driver and a working chip, whatever the test before left.
driver_up() {
	host chip 0 clear >/dev/null
	modprobe intaglio 2>&1 || return 1
	_chip=$(chip)
	if [ -z "$_chip" ]; then
		echo 1 >/sys/bus/pci/rescan
		_chip=$(chip)
	fi
	# A chip that the driver gave up starts anew.
	if [ -e "$(debugfs "$_chip")/state" ] &&
		! grep -q '^reset failed: 0$' "$(debugfs "$_chip")/state"; then
		echo "$_chip" >$DRV/unbind
	fi
	[ -e "$PCI/$_chip/driver" ] || echo "$_chip" >$DRV/bind
	# After a recovery that failed the PCI core takes the device for gone until it is found anew.
	if ! [ -e "$PCI/$_chip/driver" ]; then
		echo 1 >"$PCI/$_chip/remove"
		echo 1 >/sys/bus/pci/rescan
		_chip=$(chip)
	fi
	poll 20 test -c "$(node "$_chip")"
}

driver_down() {
	rmmod intaglio
}

# sessions N STATE...: each of these chips (debugfs' state) has N queues, each with jobs. Looks twice: what
# is there both times was there at the same time.
sessions() {
	_n=$1
	shift
	for _state in "$@" "$@"; do
		[ "$(grep -c '^queue [0-9].* running .* submitted [1-9]' "$_state")" -eq "$_n" ] || return 1
	done
}

# working STATE: a job is on the chip right now
working() {
	grep -q '^ring .* inflight [1-9]' "$1"
}

# The core dump that is there: the data of the first
dump() {
	ls /sys/class/devcoredump/*/data 2>/dev/null | head -n 1
}

has_dump() {
	[ -n "$(dump)" ]
}

# Also those of the instances of a chip that was removed and found again: each keeps its own.
forget_dumps() {
	while has_dump; do
		echo 1 >"$(dump)"
	done
}

# A line of accel-run's arguments from /ref/cases
case_args() {
	sed -n "s/^$1 //p" /ref/cases
}

# infer CASE TOKENS LOGITS [ARGUMENT...]: one case on the chip
infer() {
	_case=$1 _tokens=$2 _logits=$3
	shift 3
	# shellcheck disable=SC2046
	accel-run /models/model.accel --backend drm "$@" $(case_args "$_case") --logits "$_logits" \
		>"$_tokens"
}

# equal CASE DESCRIPTION [ARGUMENT...]: the chip answers as the reference model does
equal() {
	_what=$1 _text=$2
	shift 2
	if ! infer "$_what" /run/got.tokens /run/got.logits "$@" 2>/run/got.err; then
		fail "$_text" "accel-run: $(tail -n 5 /run/got.err)"
		return 1
	fi
	same /run/got.tokens "/ref/$_what.tokens" "$_text: tokens"
	same /run/got.logits "/ref/$_what.logits" "$_text: logits, byte for byte"
}

# Lines of debugfs' state that count objects
OBJECTS='^(contexts|address spaces|page tables|DMA mappings|host buffers|free SRAM): '

# What must be the same before and after: used memory and live objects, per chip and in the module.
counts() {
	_at=$(debugfs "$(chip)")
	[ ! -e "$_at/clients" ] || sed 's/^ *//' "$_at/clients"
	grep -E "^queue |$OBJECTS" "$_at/state"
	accel-smi --json 2>/dev/null | tr ',' '\n' | grep -oE '"(sram_free_bytes|chip_host_bytes)": *[0-9]+' || :
	cut -d ' ' -f 1,3 /proc/modules | grep '^intaglio '
}

same_counts() {
	counts >/run/after
	diff /run/before /run/after
}

# leaks_nothing COMMAND...: a program that speaks TAP, on a chip that nobody else uses
leaks_nothing() {
	counts >/run/before
	is "$(grep -cE "$OBJECTS|sram_free_bytes|chip_host_bytes|^intaglio " /run/before)" 9 \
		"memory, live objects and references are counted"
	program "$@"
	# Fences of the last jobs may hold their queue a moment longer.
	poll 5 same_counts
	ok "$1 leaks nothing: memory, SRAM, objects and references are as before" same_counts
}

KMEMLEAK=/sys/kernel/debug/kmemleak

# no_leaks: nothing that the kernel's leak detector finds, and no DMA mapping, once the driver is gone
no_leaks() {
	[ -e $KMEMLEAK ] || return 0
	ok "the driver goes" sh -c '[ ! -e /sys/module/intaglio ] || rmmod intaglio'
	# An object counts once a scan has not found it and it is five seconds old.
	for _i in 1 2; do
		sleep 6
		echo scan >$KMEMLEAK
	done
	cat $KMEMLEAK >/run/kmemleak
	is "$(grep -c '^unreferenced object' /run/kmemleak)" 0 "no unreferenced memory"
	[ ! -s /run/kmemleak ] || save /run/kmemleak
	chips >/run/chips
	ok "the kernel lists DMA mappings" test -e /sys/kernel/debug/dma-api/dump
	grep -F -f /run/chips /sys/kernel/debug/dma-api/dump >/run/dma
	is "$(wc -l </run/dma)" 0 "no DMA mapping" || diag </run/dma
	# A second look starts from zero.
	echo clear >$KMEMLEAK
}
