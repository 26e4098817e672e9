# SPDX-License-Identifier: MIT
# TAP for shell tests: source it, call `try NAME COMMAND...` (a function or program), end with `done_testing`.
# A test passes when its command succeeds; what it prints is shown when it fails.
tap_n=0
tap_bad=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

try() {
	tap_n=$((tap_n + 1))
	tap_name=$1
	shift
	if ("$@") >"$work/tap.out" 2>&1; then
		echo "ok $tap_n - $tap_name"
	else
		tap_bad=$((tap_bad + 1))
		echo "not ok $tap_n - $tap_name"
		sed 's/^/# /' "$work/tap.out"
	fi
}

skip() {
	tap_n=$((tap_n + 1))
	echo "ok $tap_n - $1 # SKIP $2"
}

done_testing() {
	echo "1..$tap_n"
	[ "$tap_bad" -eq 0 ]
}

# exits CODE PATTERN COMMAND...: it ends with CODE and says something that matches PATTERN on stderr
exits() {
	want=$1
	pattern=$2
	shift 2
	got=0
	"$@" >"$work/exits.out" 2>"$work/exits.err" || got=$?
	if [ "$got" -ne "$want" ]; then
		echo "exit code $got instead of $want: $*"
		head -5 "$work/exits.err"
		return 1
	fi
	if ! grep -Eq "$pattern" "$work/exits.err"; then
		echo "no '$pattern' in:"
		head -5 "$work/exits.err"
		return 1
	fi
}
