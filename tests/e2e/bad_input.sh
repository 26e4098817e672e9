#!/bin/sh
# SPDX-License-Identifier: MIT
# accel-run and a user's mistakes: prompts, tokens, files and chips that do not fit. Every one gets its
# exit code and a message that names what is wrong.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/tap.sh"
accelc=$INTAGLIO_BUILD_ROOT/compiler/accelc
run=$INTAGLIO_BUILD_ROOT/tools/accel-run
perplexity=$INTAGLIO_BUILD_ROOT/tools/accel-perplexity
bench=$INTAGLIO_BUILD_ROOT/tools/accel-bench
models=$INTAGLIO_SOURCE_ROOT/models
export ACCEL_BACKEND=ref
cd "$work" || exit 1
for m in "$models"/*.gguf; do
	"$accelc" compile "$m" -o "$(basename "$m" .gguf).accel"
done
image=tinyqwen2-Q8_0.accel

# json FILE EXPRESSION: true for the object in the file, which is valid UTF-8
json() {
	python3 -c 'import json, sys
j = json.loads(open(sys.argv[1], "rb").read().decode("utf-8"))
sys.exit(not eval(sys.argv[2]))' "$1" "$2"
}

invalid_prompt() {
	# not UTF-8: two bytes that never occur, an overlong form, a surrogate, a cut character
	printf 'Once \377\376\300\257 upon\355\240\200 \342\202' >bytes.txt
	"$run" $image -f bytes.txt -n 4 --json >a.json &&
		"$run" $image -p "$(cat bytes.txt)" -n 4 --json >b.json &&
		"$run" $image -f bytes.txt -n 1 --echo >echo || return 1
	json a.json 'j["prompt_tokens"] >= 13 and len(j["tokens"]) == 4' &&
		json b.json 'j["tokens"] == json.load(open("a.json"))["tokens"]' &&
		head -c 20 echo >echo20 && head -c 20 bytes.txt | cmp - echo20 &&
		exits 5 'less than one window' "$perplexity" $image -f bytes.txt
}

# Very hot: lone bytes of characters among the tokens
invalid_output() {
	for seed in 1 2 3; do
		"$run" $image -p "$(printf 'a\200')" -n 60 --temp 900 --seed $seed --ignore-eos --json >u.json &&
			json u.json 'any(131 <= t < 259 for t in j["tokens"]) and "\ufffd" in j["text"]' ||
			return 1
	done
}

invalid_names() {
	python3 "$here/gguf_edit.py" "$models/tinyqwen2-Q8_0.gguf" name.gguf \
		'general.name=str:bad \xff\xfe\xc0 name' || return 1
	odd=$(printf 'od\377d')
	cp name.gguf "$odd.gguf"
	"$accelc" compile "$odd.gguf" -o "$odd.accel" && "$accelc" verify "$odd.accel" || return 1
	"$accelc" info "$odd.accel" --json >i.json && json i.json 'j["model"]["name"][:4] == "bad "' &&
		"$run" "$odd.accel" -p a -n 2 --json >r.json && json r.json 'j["model"][:4] == "bad "' &&
		"$run" "$odd.accel" -p a -n 2 --trace t.json >/dev/null && json t.json 'len(j) > 1' &&
		"$bench" "$odd.accel" --pp 4 --tg 4 -r 1 --json >b.json &&
		json b.json 'j["model"][:4] == "bad "' &&
		exits 5 "no such file" "$run" "$odd$odd.accel" -p a
}

# A tokenizer with pieces that are no UTF-8
invalid_vocabulary() {
	sed "$(printf 's/lily/l\\xff\\xfey/g;s/the/t\\xc0e/')" "$models/tinyqwen2-Q8_0.gguf" >vocab.gguf
	cmp -s vocab.gguf "$models/tinyqwen2-Q8_0.gguf" && return 1
	got=0
	"$accelc" compile vocab.gguf -o vocab.accel 2>v.err || got=$?
	case $got in
	0) "$run" vocab.accel -p "then the $(printf 't\300e')" -n 20 --json >v.json && json v.json '"text" in j' ;;
	5) grep -q 'token' v.err ;;
	*) return 1 ;;
	esac
}

unknown_tokens() {
	for ids in 99999999 512 -1 99999999999999999999999 4294967297 1,2,512; do
		exits 2 'entry [13] is not an id below 512' "$run" $image --tokens="$ids" -n 3 || return 1
	done
	exits 2 'no comma after entry 1' "$run" $image --tokens=1x -n 3
}

beyond_context() {
	yes 'once upon a time' | head -n 400 >long.txt
	exits 1 'prompt has [0-9]+ tokens, the context 512' "$run" $image -f long.txt -n 3 &&
		exits 1 'prompt has 513 tokens, the context 512' "$run" $image \
			--tokens "$(yes 5 | head -n 513 | paste -sd,)" &&
		exits 1 'context 20' "$run" $image -f long.txt --ctx 20 || return 1
	# the last prompt that fits leaves one step, and the run ends there
	"$run" $image --tokens "$(yes 5 | head -n 512 | paste -sd,)" -n 9 --ignore-eos --json >full.json &&
		json full.json 'j["stop_reason"] == "context" and len(j["tokens"]) == 1' &&
		"$run" $image -p a -n 100000 --ignore-eos --json >full.json &&
		json full.json 'j["stop_reason"] == "context"' &&
		exits 2 "context is 512" "$perplexity" $image -f long.txt --ctx 513
}

mismatch() {
	exits 4 "tensor 'blk.0.attn_q.weight' .*format" \
		"$run" tinyqwen3-Q8_0.accel --mask tinyqwen3-Q4_0.accel -p a &&
		exits 4 "tensor 'token_embd.weight' .*shape" \
			"$run" tinyqwen3-Q8_0.accel --mask tinyqwen2-Q8_0.accel -p a || return 1
	# one block of one tensor in the middle
	python3 - "$models/tinyqwen3-Q8_0.gguf" other.gguf <<-'END'
	import sys
	d = bytearray(open(sys.argv[1], "rb").read())
	d[len(d) * 2 // 3] ^= 1
	open(sys.argv[2], "wb").write(d)
	END
	"$accelc" compile other.gguf -o other.accel || return 1
	first=$(
		"$accelc" info tinyqwen3-Q8_0.accel --json >x.json
		"$accelc" info other.accel --json >y.json
		python3 -c 'import json
a, b = (json.load(open(n))["tensors"] for n in ("x.json", "y.json"))
print([x["name"] for x, y in zip(a, b) if x["crc"] != y["crc"]][0])'
	)
	[ -n "$first" ] && exits 4 "tensor '$first' .*(weights|bytes|content|contents|values)" \
		"$run" tinyqwen3-Q8_0.accel --mask other.accel -p a
}

mismatch_sim() {
	exits 4 "tensor 'blk.0.attn_q.weight' .*format" \
		"$run" tinyqwen3-Q8_0.accel --mask tinyqwen3-Q4_0.accel --backend sim -p a
}

# 500 images with flipped bits, other bytes, cut or stretched: refused with the file's name, or, where
# nothing that counts was hit, the same text
damaged_images() {
	python3 - "$run" $image <<-'END'
	import random, subprocess, sys
	run, image = sys.argv[1:]
	data = open(image, "rb").read()
	rng = random.Random(11)
	cmd = [run, "bad.accel", "--tokens", "1,5,9", "-n", "4", "--ignore-eos"]
	want = subprocess.run([run, image] + cmd[2:], capture_output=True, check=True).stdout
	refused = same = 0
	for n in range(500):
	    d = bytearray(data)
	    kind = rng.randrange(10)
	    if kind == 0:
	        d = d[:rng.randrange(len(d))]
	    elif kind == 1:
	        d += bytes(rng.randrange(1, 5000))
	    else:
	        for _ in range(rng.randint(1, 4)):
	            at = rng.randrange(4096 if kind < 6 else len(d))
	            d[at] = rng.choice([0, 1, 0x7f, 0x80, 0xff, d[at] ^ 1 << rng.randrange(8)])
	    open("bad.accel", "wb").write(d)
	    r = subprocess.run(cmd, capture_output=True, text=True, errors="replace")
	    if r.returncode == 5 and "bad.accel" in r.stderr:
	        refused += 1
	    # the header's own mask id, which is compared with the chip's before anything else
	    elif r.returncode == 4 and "mask ids differ" in r.stderr:
	        refused += 1
	    elif r.returncode == 0 and r.stdout.encode() == want:
	        same += 1
	    else:
	        sys.exit("mutation %d (kind %d): exit %d, %r %r" % (n, kind, r.returncode, r.stdout, r.stderr))
	print(refused, "refused,", same, "not hit")
	sys.exit(refused < 250 or not same)
	END
}

full_outputs() {
	for option in --logits --trace; do
		exits 1 '/dev/full' "$run" $image -p a -n 3 $option /dev/full || return 1
	done
	got=0
	"$run" $image -p a -n 3 >/dev/full 2>f.err || got=$?
	[ $got -eq 1 ] && grep -q 'standard output' f.err
}

unknown_chat() {
	exits 5 'no chat template' "$run" $image -p a --chat || return 1
	for t in '{{ messages }}' ''; do
		python3 "$here/gguf_edit.py" "$models/tinyqwen2-Q8_0.gguf" chat.gguf \
			"tokenizer.chat_template=str:$t" && "$accelc" compile chat.gguf -o chat.accel || return 1
		exits 5 'chat template' "$run" chat.accel -p a --chat || return 1
	done
	python3 "$here/gguf_edit.py" "$models/tinyqwen2-Q8_0.gguf" chat.gguf \
		'tokenizer.chat_template=str:{{ messages }} <x>' && "$accelc" compile chat.gguf -o chat.accel &&
		exits 5 'none of the known markers: .*<\|im_start\|> \(ChatML\).*\[INST\] \(Mistral\)' \
			"$run" chat.accel -p a --chat || return 1
	python3 "$here/gguf_edit.py" "$models/tinyqwen2-Q8_0.gguf" chat.gguf \
		"tokenizer.chat_template=str:{% for m in messages %}<|im_start|>{{ m.role }}" &&
		"$accelc" compile chat.gguf -o chat.accel &&
		"$run" chat.accel -p "Hello" --chat -n 4 --json >c.json && json c.json 'len(j["tokens"]) == 4'
}

try "bytes that are no UTF-8 in the prompt are tokens" invalid_prompt
try "JSON output is valid UTF-8 whatever tokens come" invalid_output
try "file and model names that are no UTF-8" invalid_names
try "a vocabulary that is no UTF-8" invalid_vocabulary
try "unknown tokens are refused by number" unknown_tokens
try "prompts beyond the context are refused" beyond_context
try "a model that is not in the chip: the first differing tensor" mismatch
if [ "$INTAGLIO_SIM" = 1 ]; then
	try "the same on the simulated chip" mismatch_sim
else
	skip "the same on the simulated chip" "$INTAGLIO_SIM_MISSING"
fi
try "damaged images are refused" damaged_images
try "outputs on a full device" full_outputs
try "chat templates of no known form are refused" unknown_chat
done_testing
