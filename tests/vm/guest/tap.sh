# SPDX-License-Identifier: MIT
# Functions for the guest's tests. A test is `. /tests/tap.sh`, then ok/is/match/skip lines, then
# done_testing. Everything a failing command printed becomes its diagnostics.
# shellcheck shell=sh

TAP_COUNT=0
TAP_FAILED=0

result() {
	TAP_COUNT=$((TAP_COUNT + 1))
	[ "$1" = ok ] || TAP_FAILED=$((TAP_FAILED + 1))
	echo "$1 $TAP_COUNT - $2"
}

diag() {
	sed 's/^/# /'
}

pass() {
	result ok "$1"
}

# fail DESCRIPTION [TEXT]: a failure, with an explanation
fail() {
	result "not ok" "$1"
	[ -z "${2:-}" ] || echo "$2" | diag
}

# ok DESCRIPTION COMMAND...: the command succeeds
ok() {
	_desc=$1
	shift
	if "$@" >/run/tap.out 2>&1; then
		result ok "$_desc"
	else
		_code=$?
		result "not ok" "$_desc"
		echo "# '$*' returned $_code"
		tail -n 20 /run/tap.out | diag
		return 1
	fi
}

# fails DESCRIPTION COMMAND...: the command exits with a failure, but is not killed by a signal
fails() {
	_desc=$1
	shift
	"$@" >/run/tap.out 2>&1
	_code=$?
	if [ "$_code" -ne 0 ] && [ "$_code" -lt 128 ]; then
		result ok "$_desc"
	else
		result "not ok" "$_desc"
		echo "# '$*' returned $_code"
		tail -n 20 /run/tap.out | diag
		return 1
	fi
}

# is GOT WANTED DESCRIPTION
is() {
	if [ "$1" = "$2" ]; then
		result ok "$3"
	else
		result "not ok" "$3"
		printf 'got:    %s\nwanted: %s\n' "$1" "$2" | diag
		return 1
	fi
}

# match TEXT EXTENDED-REGEX DESCRIPTION
match() {
	if printf '%s\n' "$1" | grep -qE -e "$2"; then
		result ok "$3"
	else
		result "not ok" "$3"
		printf '%s\n' "$1" | tail -n 8 | diag
		echo "# has no match of: $2"
		return 1
	fi
}

# same FILE FILE DESCRIPTION: byte for byte
same() {
	if cmp "$1" "$2" >/run/tap.out 2>&1; then
		result ok "$3"
	else
		result "not ok" "$3"
		diag </run/tap.out
		return 1
	fi
}

# program COMMAND...: a program that speaks TAP itself; its points are this test's, and that it keeps
# its plan and ends well, or with a failure among them, is one more.
program() {
	_plan=none _points=$TAP_COUNT _bad=$TAP_FAILED
	rm -f /run/tap.pipe
	mkfifo /run/tap.pipe
	# It may leave processes behind that have the pipe, so the last line says that it ended.
	{
		"$@" 2>&1
		printf '\n##end %d\n' $?
	} >/run/tap.pipe &
	while IFS= read -r _line; do
		case $_line in
		"ok "[0-9]*) result ok "${_line#ok *[0-9] - }" ;;
		"not ok "[0-9]*) result "not ok" "${_line#not ok *[0-9] - }" ;;
		1..*) _plan=${_line#1..} ;;
		"##end "*) break ;;
		?*) printf '%s\n' "$_line" ;;
		esac
	done </run/tap.pipe
	_code=${_line#"##end "}
	_points=$((TAP_COUNT - _points))
	[ "$_code" -ge 128 ] || [ "$TAP_FAILED" -eq "$_bad" ] || _code=0
	is "$_points results, exit status $_code" "$_plan results, exit status 0" "$1 ends as planned"
}

skip() {
	TAP_COUNT=$((TAP_COUNT + 1))
	echo "ok $TAP_COUNT - $1 # SKIP $2"
}

skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}

done_testing() {
	echo "1..$TAP_COUNT"
	[ "$TAP_FAILED" -eq 0 ]
	exit
}

# poll SECONDS COMMAND...: until the command succeeds; on a busy host for longer
poll() {
	_end=$(($(cut -d . -f 1 /proc/uptime) + $1 * $(cat /tests/scale 2>/dev/null || echo 1)))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(cut -d . -f 1 /proc/uptime)" -lt "$_end" ] || return 1
		sleep 0.1
	done
}

# host WORDS...: asks the machine outside (unplug N, plug N, kill N, restart N, wakeup, chip N
# COMMAND) and waits for the answer, which it prints without its "ok"; empty lines only wake the machine
host() {
	until mkdir /run/host.lock 2>/dev/null; do
		sleep 0.1
	done
	(
		echo "##vm host $*" >/dev/ttyS1
		_answer=
		while [ -z "$_answer" ]; do
			read -r _answer </dev/ttyS1 || break
		done
		case $_answer in
		ok*) echo "${_answer#ok}" ;;
		*)
			echo "host $*: $_answer"
			exit 1
			;;
		esac
	)
	_code=$?
	rmdir /run/host.lock
	return $_code
}

# save FILE...: hands files to the machine outside, under the test's name
save() {
	_name=$(basename "$0" .sh)
	_at=$(cat /run/disk.at 2>/dev/null || echo 0)
	for _file in "$@"; do
		mkdir -p "/run/save/$_name"
		cat "$_file" >"/run/save/$_name/$(basename "$_file")"
	done
	tar -cf /run/save.tar -C /run/save "$_name"
	dd if=/run/save.tar of=/dev/vda bs=512 seek="$_at" conv=fsync 2>/dev/null
	echo $((_at + ($(stat -c %s /run/save.tar) + 511) / 512)) >/run/disk.at
	rm -rf /run/save /run/save.tar
}
