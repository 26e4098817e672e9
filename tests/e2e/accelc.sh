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

# compiles_alike CHIP: the images of NAME.accel and NAME-small.accel stay for the tests below
compiles_alike() {
	for m in "$models"/*.gguf; do
		n=$(basename "$m" .gguf)
		[ "$1" = default ] || n=$n-$1
		"$accelc" compile "$m" --chip "$1" -o "$n.accel" &&
			"$accelc" compile "$m" --chip "$1" -o again &&
			cmp "$n.accel" again && "$accelc" verify "$n.accel" || return 1
	done
}

round_trips() {
	[ "$(ls *.accel | wc -l)" -eq $(($(ls "$models"/*.gguf | wc -l) * 2)) ] || return 1
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

# edited KEY=TYPE:VALUE...: edited.gguf is the model with other keys
edited() {
	python3 "$here/gguf_edit.py" "$model" edited.gguf "$@"
}

tokenizers() {
	edited tokenizer.ggml.model=str:t5 &&
		exits 0 "left out: the tokenizer, tokenizer.ggml.model is 't5'; .*ids only" \
			"$accelc" compile edited.gguf -o edited.accel &&
		"$accelc" verify edited.accel &&
		edited tokenizer.ggml.model &&
		exits 0 'left out: the tokenizer, the model has none' \
			"$accelc" compile edited.gguf -o edited.accel &&
		edited tokenizer.ggml.model=str:rwkv &&
		exits 5 "tokens\\[[0-9]+\\]: '\\\\': broken escape" \
			"$accelc" compile edited.gguf -o edited.accel &&
		LC_ALL=C sed 's/\(\x01\x00\x00\x00\x00\x00\x00\x00\)\\/\1\x7f/' edited.gguf >rwkv.gguf &&
		"$accelc" compile rwkv.gguf -o edited.accel 2>edited.err && [ ! -s edited.err ] &&
		edited tokenizer.ggml.model=str:gpt2 tokenizer.ggml.pre=str:nonsense &&
		exits 5 "'nonsense'; supported: default, .*deepseek-llm.*, minimax-m2" \
			"$accelc" compile edited.gguf -o edited.accel
}

too_big() {
	# 2^20 positions: rope tables and scores exceed the small chip
	"$here/gguf_edit.py" "$model" long.gguf qwen2.context_length=u32:1048576 &&
		exits 1 'needs [0-9]+ .*has [0-9]+' "$accelc" compile long.gguf -o big.accel --chip small &&
		grep -q small exits.err && [ ! -e big.accel ]
}

# 71 MiB of weights: more than the small chip's ROM, not more than the default one's
too_big_rom() {
	"$INTAGLIO_BUILD_ROOT/tests/models/mksynth" layers=1 width=1024 heads=16 kv-heads=16 ff=64 \
		vocab=32768 context=32 big.gguf || return 1
	exits 1 'weight ROM: needs [0-9]+ bytes, chip .small. has 67108864' \
		"$accelc" compile big.gguf -o big.accel --chip small && [ ! -e big.accel ] || return 1
	needs=$(sed -n 's/.*needs \([0-9]*\) bytes.*/\1/p' exits.err)
	[ "$needs" -gt 67108864 ] && "$accelc" compile big.gguf -o big.accel || return 1
	"$accelc" info big.accel --json >big.json && python3 -c "import json
rom = [s['bytes'] for s in json.load(open('big.json'))['sections'] if s['type'] == 'rom']
assert rom == [$needs], rom" || return 1
	rm big.gguf big.accel
}

# A tmpfs of 128 KiB in a mount namespace of its own, for other users than root in one of users too.
private_tmpfs() {
	if [ "$(id -u)" -eq 0 ]; then
		unshare -m sh -c "mount -t tmpfs -o size=128k tmpfs full && $1"
	else
		unshare -rm sh -c "mount -t tmpfs -o size=128k tmpfs full && $1"
	fi
}

disk_full() {
	exits 1 'No space' private_tmpfs "'$accelc' compile '$model' -o full/m.accel
		ret=\$?; ls -A full; exit \$ret" || return 1
	[ ! -s exits.out ] || { echo "left: $(cat exits.out)"; return 1; }
	# an older image stays whole
	exits 1 'No space' private_tmpfs "echo old >full/m.accel; '$accelc' compile '$model' -o full/m.accel
		ret=\$?; ls -A full; cat full/m.accel; exit \$ret" || return 1
	[ "$(cat exits.out)" = "m.accel
old" ]
}

file_limit() {
	(ulimit -f 64; trap '' XFSZ; exits 1 . "$accelc" compile "$model" -o limit.accel) || return 1
	[ ! -e limit.accel ] && [ -z "$(find . -name 'limit*')" ]
}

# A compilation that is ended at any time leaves nothing but a whole image.
killed() {
	mkdir killed
	for sig in INT TERM KILL; do
		for after in 0 0.01 0.02 0.03 0.04; do
			timeout -s $sig ${after}1 "$accelc" compile "$models/tinyqwen3-Q8_0.gguf" \
				-o killed/m.accel
			for f in killed/*; do
				[ ! -e "$f" ] || [ "$f" = killed/m.accel ] || { echo "left: $f"; return 1; }
			done
		done
	done
}

odd_files() {
	cp "$model" self.gguf
	exits 2 'that is the model' "$accelc" compile self.gguf -o ./self.gguf &&
		cmp -s self.gguf "$model" || return 1
	mkfifo fifo && exits 5 'not a regular file' timeout 20 "$accelc" compile fifo -o f.accel || return 1
	mkdir -p folder && exits 1 'directory' "$accelc" compile "$model" -o folder || return 1
	for c in "info tinyqwen2-Q8_0.accel" "disasm tinyqwen2-Q8_0.accel" "graph tinyqwen2-Q8_0.accel"; do
		got=0
		"$accelc" $c >/dev/full 2>full.err || got=$?
		[ $got -eq 1 ] && grep -q 'standard output' full.err || { echo "$c: exit $got"; return 1; }
	done
}

# Where -o leads: what cannot be replaced is named, a link is followed.
outputs() {
	mkfifo out.fifo
	for o in /dev/full /dev/null out.fifo; do
		exits 1 "^accelc: $o: not a regular file$" timeout 20 "$accelc" compile "$model" -o $o ||
			return 1
	done
	[ -p out.fifo ] && exits 1 '^accelc: none/m\.accel: create: No such file or directory$' \
		"$accelc" compile "$model" -o none/m.accel &&
		exits 1 '^accelc: folder: create: Is a directory$' "$accelc" compile "$model" -o folder ||
		return 1
	mkdir linked && ln -s linked/m.accel to && ln -s to link && ln -s self.gguf source || return 1
	for twice in new old; do
		"$accelc" compile "$model" -o link && [ -L link ] && [ -L to ] &&
			[ ! -L linked/m.accel ] && cmp linked/m.accel tinyqwen2-Q8_0.accel &&
			[ "$(ls -A linked)" = m.accel ] || { echo "$twice"; return 1; }
	done
	ln -s loop loop && exits 1 'loop: .*symbolic links' "$accelc" compile "$model" -o loop &&
		exits 2 'that is the model' "$accelc" compile self.gguf -o source
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

# The page is well-formed, and any report of a model is the same the second time.
reports() {
	for m in "$models"/*.gguf; do
		for as in text json html; do
			for f in keep q4_0; do
				[ $as = text ] && option= || option=--$as
				"$accelc" report "$m" --tokens 40 --format $f $option -o $f.$as &&
					"$accelc" report "$m" --tokens 40 --format $f $option -o again &&
					cmp $f.$as again || return 1
			done
		done
		python3 - keep.html 5 q4_0.html 6 <<-'END' || return 1
		import sys, xml.etree.ElementTree as tree
		# no plot of errors where there are none, as in all shipped models
		for name, n in zip(sys.argv[1::2], sys.argv[2::2]):
		    page = tree.parse(name).getroot()
		    plots = page.findall(".//svg")
		    assert page.tag == "html" and len(plots) == int(n), (name, len(plots))
		    for p in plots:
		        assert p.findall(".//rect/title"), p.find("title").text
		        # nothing sticks out of it
		        w, h = (float(x) for x in p.get("viewBox").split()[2:])
		        for r in p.iter("rect"):
		            x, y, rw, rh = (float(r.get(k)) for k in ("x", "y", "width", "height"))
		            assert x >= 0 and y >= -0.7 and x + rw <= w + 0.7 and y + rh <= h + 0.1, r.attrib
		END
	done
	# as perplexity over all of the text by another program: a story in one window after BOS
	story=$INTAGLIO_SOURCE_ROOT/tests/data/reference/text_c.txt
	"$accelc" report "$model" --text "$story" --tokens 256 --json -o report.1 &&
		"$INTAGLIO_BUILD_ROOT/tools/accel-perplexity" tinyqwen2-Q8_0.accel --backend ref --json \
			--file "$story" --block 255 --nll story.nll >/dev/null || return 1
	python3 - report.1 story.nll <<-'END'
	import json, math, struct, sys
	a = json.load(open(sys.argv[1]))["accuracy"]
	nll = struct.unpack("<255f", open(sys.argv[2], "rb").read(255 * 4))
	want = math.exp(sum(nll) / 255)
	assert a["scored"] == 255 and abs(a["perplexity_chip"] - want) < 1e-5 * want, (a["perplexity_chip"], want)
	END
}

# Mutations of the head of a real file by the program itself: refused, or compiled and verified. Ten
# thousand go through its library in compiler/tests/test_compile_mutate.c.
mutations() {
	python3 - "$accelc" "$model" <<-'END'
	import random, subprocess, sys
	accelc, model = sys.argv[1:]
	data = open(model, "rb").read()
	rng = random.Random(7)
	refused = compiled = 0
	for n in range(100):
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

try "every model compiles, twice to the same bytes, and verifies" compiles_alike default
try "the same for the small chip" compiles_alike small
try "disasm | as gives every shipped stream of both chips back" round_trips
try "truncated files are refused and leave nothing" truncated
try "an unknown architecture is named with what is supported" unknown_arch
try "ended by a signal it leaves nothing" killed
try "a model as its own output, pipes, folders, full output" odd_files
try "an output that is no file, that links lead to, or where none can be" outputs
try "a missing tensor is named" missing_tensor
try "a missing key is named" missing_key
try "tokenizers: known, unknown, none" tokenizers
try "a model too big says what exceeds what" too_big
try "more weights than the ROM holds: how many, and how many it holds" too_big_rom
mkdir -p full
if private_tmpfs true 2>/dev/null; then
	try "a full disk leaves no partial file" disk_full
else
	skip "a full disk leaves no partial file" "mounting a tmpfs is not allowed, not even in a user namespace"
fi
try "a file size limit leaves no partial file" file_limit
try "a damaged image is refused" damaged_image
try "usage errors exit with 2" usage
try "reports: the same twice, pages well-formed, perplexity as accel-perplexity's" reports
try "mutated models are refused or compile soundly" mutations
done_testing
