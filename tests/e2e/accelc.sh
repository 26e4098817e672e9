#!/bin/sh
# SPDX-License-Identifier: MIT
# accelc as a user meets it: exit codes and messages for bad input, determinism, round trips.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/tap.sh"
accelc=$INTAGLIO_BUILD_ROOT/compiler/accelc
models=$INTAGLIO_SOURCE_ROOT/models
model=$models/tinyqwen2-Q8_0.gguf
cd "$work" || exit 1

compiles_alike() {
	for m in "$models"/*.gguf; do
		n=$(basename "$m" .gguf)
		"$accelc" compile "$m" -o "$n.accel" && "$accelc" compile "$m" -o again.accel &&
			cmp "$n.accel" again.accel && "$accelc" verify "$n.accel" || return 1
	done
}

round_trips() {
	for f in *.accel; do
		for p in prefill decode; do
			"$accelc" disasm "$f" --program $p >p.txt && [ "$(wc -l <p.txt)" -gt 100 ] &&
				"$accelc" as p.txt -o p.bin && "$accelc" as p.txt -o q.bin &&
				cmp p.bin q.bin || return 1
			# the commands of the image are the assembled ones
			python3 - "$f" p.bin $p <<-'END' || return 1
			import struct, sys
			d = open(sys.argv[1], "rb").read()
			want = open(sys.argv[2], "rb").read()
			arg = {"prefill": 0, "decode": 1}[sys.argv[3]]
			n = struct.unpack_from("<I", d, 12)[0]
			for i in range(n):
			    t, a, off, size = struct.unpack_from("<IIQQ", d, 64 + 32 * i)
			    if t == 4 and a == arg:
			        sys.exit(d[off:off + size] != want)
			sys.exit(1)
			END
		done
	done
}

truncated() {
	for n in 0 3 4 23 24 100 5000 100000 300000; do
		head -c "$n" "$model" >short.gguf
		exits 5 . "$accelc" compile short.gguf -o short.accel || return 1
		[ ! -e short.accel ] || { echo "a file was left at $n"; return 1; }
	done
}

unknown_arch() {
	sed 's/qwen2/qwen9/g' "$model" >arch.gguf
	exits 5 'qwen9' "$accelc" compile arch.gguf -o arch.accel && grep -q llama exits.err
}

missing_tensor() {
	sed 's/blk\.3\.ffn_up\.weight/blk.3.ffn_xx.weight/' "$model" >tensor.gguf
	exits 5 'blk\.3\.ffn_up' "$accelc" compile tensor.gguf -o tensor.accel
}

missing_key() {
	sed 's/qwen2\.block_count/qwen2.block_cxunt/' "$model" >key.gguf
	exits 5 'qwen2\.block_count' "$accelc" compile key.gguf -o key.accel
}

too_big() {
	# 2^20 positions: rope tables and scores exceed the small chip
	python3 - "$model" <<-'END'
	import struct, sys
	d = bytearray(open(sys.argv[1], "rb").read())
	at = d.index(b"qwen2.context_length") + 20
	struct.pack_into("<II", d, at, 4, 1 << 20)
	open("long.gguf", "wb").write(d)
	END
	exits 1 'needs .*has|exceed' "$accelc" compile long.gguf -o big.accel --chip small &&
		grep -q small exits.err && [ ! -e big.accel ]
}

disk_full() {
	mkdir -p full && mount -t tmpfs -o size=128k tmpfs full || return 1
	exits 1 'No space|full' "$accelc" compile "$model" -o full/m.accel
	ret=$?
	left=$(ls -A full)
	umount full
	[ $ret -eq 0 ] && [ -z "$left" ] || { echo "left: $left"; return 1; }
}

file_limit() {
	(ulimit -f 64; trap '' XFSZ; exits 1 . "$accelc" compile "$model" -o limit.accel) || return 1
	[ ! -e limit.accel ] && [ -z "$(find . -name 'limit*')" ]
}

damaged_image() {
	cp tinyqwen2-Q8_0.accel bad.accel
	printf '\377' | dd of=bad.accel bs=1 seek=5000 conv=notrunc 2>/dev/null
	exits 5 'rom|mask' "$accelc" verify bad.accel || return 1
	head -c 100000 tinyqwen2-Q8_0.accel >bad.accel
	exits 5 . "$accelc" info bad.accel
}

usage() {
	exits 2 . "$accelc" compile && exits 2 . "$accelc" nonsense && exits 2 . "$accelc"
}

# 300 mutations of the head of the file through the whole compiler: refused or compiled and verified
mutations() {
	python3 - "$accelc" "$model" <<-'END'
	import random, subprocess, sys
	accelc, model = sys.argv[1:]
	data = open(model, "rb").read()
	rng = random.Random(7)
	refused = compiled = 0
	for n in range(300):
	    d = bytearray(data)
	    for _ in range(rng.randint(1, 4)):
	        at = rng.randrange(20000 if rng.random() < 0.9 else len(d))
	        d[at] = rng.choice([0, 1, 0x7f, 0x80, 0xff, d[at] ^ 1 << rng.randrange(8)])
	    open("mut.gguf", "wb").write(d)
	    r = subprocess.run([accelc, "compile", "mut.gguf", "-o", "mut.accel"], capture_output=True)
	    if r.returncode == 0:
	        compiled += 1
	        v = subprocess.run([accelc, "verify", "mut.accel"], capture_output=True)
	        if v.returncode:
	            sys.exit("mutation %d: verify says %d %s" % (n, v.returncode, v.stderr))
	    elif r.returncode in (1, 5) and r.stderr:
	        refused += 1
	    else:
	        sys.exit("mutation %d: exit %d %s" % (n, r.returncode, r.stderr))
	print(refused, "refused,", compiled, "compiled")
	sys.exit(refused == 0 or compiled == 0)
	END
}

try "every model compiles, twice to the same bytes, and verifies" compiles_alike
try "disasm | as gives every shipped stream back" round_trips
try "truncated files are refused and leave nothing" truncated
try "an unknown architecture is named with what is supported" unknown_arch
try "a missing tensor is named" missing_tensor
try "a missing key is named" missing_key
try "a model too big says what exceeds what" too_big
if [ "$(id -u)" -eq 0 ] && mkdir -p probe && mount -t tmpfs -o size=64k tmpfs probe 2>/dev/null; then
	umount probe
	try "a full disk leaves no partial file" disk_full
else
	skip "a full disk leaves no partial file" "needs root to mount a tmpfs"
fi
try "a file size limit leaves no partial file" file_limit
try "a damaged image is refused" damaged_image
try "usage errors exit with 2" usage
try "mutated models are refused or compile soundly" mutations
done_testing
