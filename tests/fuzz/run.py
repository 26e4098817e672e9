#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The fuzz entries in the ordinary tests. Speaks TAP.

  run.py replay MAKETOY MKSYNTH ACCELC ENTRY...  seeds and findings through programs of any compiler
  run.py fuzz MAKETOY MKSYNTH ACCELC SOURCE FOLDER  builds the entries there with Clang's libFuzzer,
                                                 ASan and UBSan, and runs each RUNS times (15000)

Seeds are made here, from small models and images; findings are files in tests/fuzz/corpus/ENTRY/.
A run begins with the seed SEED (1); the same number gives the same inputs. SECONDS instead of RUNS
limits the time of an entry. ONLY=ENTRY,... takes these entries alone. What libFuzzer finds stays in
FOLDER/findings.
"""

import glob
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ENTRIES = ["asm", "cmd", "fdinfo", "fdt", "gguf", "hf", "image", "program", "tokenizer",
           "vfio_user", "vhost_user"]
# Slow entries get their part of the runs.
PART = {"vfio_user": 0.2, "program": 0.4, "vhost_user": 0.3, "tokenizer": 0.5, "image": 0.5}
MAX_LEN = {"gguf": 40000, "hf": 6000, "image": 60000, "program": 8192, "cmd": 1024, "tokenizer": 8192}
SECTION = {"fdt": 3, "program": 4, "tokenizer": 7}
TEXTS = [b"", b"the cat", "Größe, 東京 \U0001f600".encode(), b"\xff\xc0\xaf\xed\xa0\x80 </s><s>",
         b"   \t\n\n1234567 it's  don't"]


def call(*args):
    return subprocess.run(args, check=True, capture_output=True).stdout


def sections(image, kind):
    d = open(image, "rb").read()
    for i in range(struct.unpack_from("<I", d, 12)[0]):
        t, _, at, size = struct.unpack_from("<IIQQ", d, 64 + 32 * i)
        if t == kind:
            yield d[at:at + size]


def vfio_user():
    """A version message, then one of each command, in the records that fuzz_vfio_user.c reads."""
    def record(command, payload, what=0x10):
        m = struct.pack("<HHIII", 1, command, 16 + len(payload), 0, 0) + payload
        return bytes([what]) + struct.pack("<H", len(m)) + m

    access = struct.pack("<QII", 0, 0, 4)
    info = record(4, struct.pack("<4I", 16, 0, 0, 0), 0x11)
    queries = [record(5, struct.pack("<4IQQ", 32, 0, r, 0, 0, 0)) for r in (0, 7)] + \
        [record(7, struct.pack("<4I", 16, 0, i, 0)) for i in range(5)]
    work = [record(2, struct.pack("<IIQQQ", 32, 3, 0, 0x100000, 0x10000), 0x11),
            record(8, struct.pack("<5I", 20, 0x24, 2, 0, 1) + bytes(4), 0x15),
            record(9, access), record(10, access + bytes(4)),
            record(9, struct.pack("<QII", 0, 7, 64)), record(10, struct.pack("<QIIH", 4, 7, 2, 6)),
            record(15, struct.pack("<Q", 1) + struct.pack("<QIIQ", 16, 0, 4, 1)),
            record(16, struct.pack("<II", 16, 0) + bytes(8)), record(13, b""),
            record(3, struct.pack("<IIQQ", 24, 0, 0x100000, 0x10000))]
    return [info + b"".join(queries), info + b"".join(work), b"".join(work), work[0] * 3]


def hf():
    """Model folders, their files as fuzz_hf.c numbers them."""
    def safetensors(*tensors):
        header, data = {}, b""
        for name, dtype, size, *shape in tensors:
            for n in shape:
                size *= n
            header[name] = {"dtype": dtype, "shape": shape,
                            "data_offsets": [len(data), len(data) + size]}
            data += struct.pack("<II", 8, 16) if name.endswith("_shape") else bytes(size)
        text = json.dumps(header).encode()
        return struct.pack("<Q", len(text)) + text + data

    def config(name, **more):
        return {"architectures": [name], "max_position_embeddings": 64, "hidden_size": 8,
                "num_hidden_layers": 1, "intermediate_size": 6, "num_attention_heads": 2,
                "rms_norm_eps": 1e-6, "hidden_act": "silu", **more}

    layer = "model.layers.0."
    experts = layer + "mlp.experts.gate_up_proj"
    split = {"type": "Split", "pattern": {"Regex": "\\p{N}"}, "behavior": "Isolated"}
    added = [{"id": 3, "content": "<s>", "special": True}]
    bpe = {"pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, {"type": "ByteLevel"}]},
           "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]},
           "added_tokens": added, "post_processor": {"type": "TemplateProcessing",
                                                     "single": [{"SpecialToken": {"id": "<s>"}}]}}
    spm = {"normalizer": {"type": "Prepend", "prepend": "\u2581"}, "added_tokens": added,
           "model": {"type": "BPE", "byte_fallback": True, "unk_token": "a",
                     "vocab": {"a": 0, "<0x00>": 1, "ab": 2}, "merges": [["a", "b"]]}}
    query = layer + "self_attn.q_proj.weight"
    text = {**config("", rope_scaling={"type": "mrope"}), "model_type": "qwen3_vl_text"}
    models = [
        ({"architectures": ["Qwen3VLForConditionalGeneration"], "text_config": text}, bpe,
         safetensors(("model.language_model.embed_tokens.weight", "BF16", 2, 5, 8),
                     ("model.visual.merger.weight", "F64", 8, 2))),
        (config("LlamaForCausalLM", quantization_config={"quant_method": "compressed-tensors",
                                                         "format": "pack-quantized"}), spm,
         safetensors((query + "_packed", "I32", 4, 8, 2), (query + "_shape", "I32", 4, 2),
                     (query + "_scale", "BF16", 2, 8, 4), (query + "_zero_point", "I32", 4, 1, 4),
                     (query + "_g_idx", "I32", 4, 16))),
        (config("LlamaForCausalLM", rope_scaling={"rope_type": "yarn", "factor": 4}), spm,
         safetensors(("model.embed_tokens.weight", "BF16", 2, 5, 8),
                     (layer + "self_attn.q_proj.weight", "F32", 4, 8, 8))),
        (config("MixtralForCausalLM", num_local_experts=2, num_experts_per_tok=1), bpe,
         safetensors(*((layer + f"block_sparse_moe.experts.{e}.w1.weight", "F32", 4, 6, 8)
                       for e in range(2)))),
        (config("GptOssForCausalLM", head_dim=4, num_local_experts=2, num_experts_per_tok=1), bpe,
         safetensors((experts + "_blocks", "U8", 1, 2, 6, 2, 16),
                     (experts + "_scales", "U8", 1, 2, 6, 2), (experts + "_bias", "F32", 4, 2, 6)))]
    for conf, tokenizer, weights in models:
        files = [json.dumps(conf).encode(), weights, json.dumps(tokenizer).encode(),
                 b'{"bos_token": "<s>", "chat_template": "x"}', b'{"eos_token_id": [1, 2]}']
        yield b"".join(bytes([k]) + struct.pack("<I", len(f))[:3] + f for k, f in enumerate(files))


def rwkv():
    """A text whose lines have escapes, and a vocabulary: as fuzz_tokenizer.c reads them."""
    tokens = [b"<s>"] + [bytes([k]) for k in range(32, 127)] + [b" the", b"\xe6\x9d", b"\n\n", b"  "]
    blob = b"".join(struct.pack("<IfBBH", len(t), 0, 1 + 2 * (k == 0), k == 0, 0)
                    for k, t in enumerate(tokens)) + b"".join(tokens)
    blob = struct.pack("<IHHQBBHIII6iQ", 0x4b544749, 1, 64, 64 + len(blob), 3, 0, 0, len(tokens), 0,
                       len(b"".join(tokens)), 0, 0, -1, -1, -1, -1, 0) + blob
    text = b"<s>\nthe cat\n\\x00\n\\xe6\\x9d\n\\\\\n\\'s\n\\t \\r\nab\nabc\n" + "東".encode()
    return struct.pack("<H", len(text)) + text + blob


def vhost_user():
    """Messages, memory, interrupts, blocking and kicks, as fuzz_vhost_user.c reads them."""
    requests = b"".join(bytes([0, r, r % 3, 8]) + bytes(8) for r in range(40))
    rings = b"".join(bytes([1, q, 0, 32]) + struct.pack("<QIHH", 0x1000, 64, 2, 1) * 2 +
                     bytes([4, q, 0, 0]) for q in range(3))
    return [requests, rings, rings + bytes([2, 0, 1, 0, 3, 1, 0, 0]) * 4 + rings]


def make_seeds(folder, maketoy, mksynth, accelc):
    """Files in folder/ENTRY/."""
    n = 0

    def add(entry, data):
        nonlocal n
        n += 1
        open(os.path.join(folder, entry, f"seed{n}"), "wb").write(data)

    for entry in ENTRIES:
        os.makedirs(os.path.join(folder, entry))
    with tempfile.TemporaryDirectory() as d:
        images = [os.path.join(d, "toy.accel")]
        call(maketoy, images[0])
        shape = ["layers=1", "width=32", "heads=1", "kv-heads=1", "ff=32", "vocab=270",
                 "context=32"]
        for k, more in enumerate((["arch=llama"], ["arch=qwen2", "bias=7", "type=Q4_0"],
                                  ["arch=qwen3", "tied=1", "type=F16"],
                                  ["scaling=yarn", "factor=2", "original=16", "rope-freqs=1"])):
            gguf = os.path.join(d, f"{k}.gguf")
            call(mksynth, *shape, *more, gguf)
            add("gguf", open(gguf, "rb").read())
            image = os.path.join(d, f"{k}.accel")
            if subprocess.run([accelc, "compile", gguf, "--chip", "small", "-o", image],
                              capture_output=True, check=False).returncode == 0:
                images.append(image)
        assert len(images) > 2, "no synthetic model compiles"
        for k, image in enumerate(images):
            if os.path.getsize(image) < MAX_LEN["image"]:
                add("image", open(image, "rb").read())
            for program in ("prefill", "decode"):
                add("asm", call(accelc, "disasm", image, "--program", program)[:3000])
            for data in sections(image, SECTION["program"]):
                for at in range(0, min(len(data), 40000), 8192):
                    add("program", data[at:at + 8192])
                    add("cmd", data[at:at + 1024])
            for data in sections(image, SECTION["fdt"]):
                add("fdt", data)
            for data in sections(image, SECTION["tokenizer"]):
                for text in TEXTS[k % 2:]:
                    add("tokenizer", struct.pack("<H", len(text)) + text + data)
    add("fdinfo", b"drm-driver:\tintaglio\ndrm-client-id:\t7\ndrm-pdev:\t0000:00:03.0\n"
                  b"drm-engine-tile:\t123456789 ns\ndrm-total-memory:\t64 KiB\n"
                  b"drm-resident-sram:\t12 MiB\n")
    add("fdinfo", b"temperature 41000\nclock 1000000000\njobs 18446744073709551616\n-1 x\n")
    add("tokenizer", rwkv())
    for data in hf():
        add("hf", data)
    for data in vfio_user():
        add("vfio_user", data)
    for data in vhost_user():
        add("vhost_user", data)
    for entry in ENTRIES:
        for path in glob.glob(os.path.join(HERE, "corpus", entry, "*")):
            add(entry, open(path, "rb").read())


class Skip(Exception):
    pass


def replay(seeds, program):
    """The seeds, and each cut short at a few places."""
    entry = re.sub(r"^fuzz_", "", os.path.basename(program))
    files = sorted(glob.glob(os.path.join(seeds, entry, "*")))
    assert files
    for path in list(files):
        data = open(path, "rb").read()
        for k in (1, 5, 9):
            short = f"{path}-{k}"
            open(short, "wb").write(data[:len(data) * k // 10])
            files.append(short)
    p = subprocess.run([program, *files], capture_output=True, text=True, errors="replace",
                       timeout=300, check=False)
    assert p.returncode == 0 and f"{len(files)} inputs, 0 not read" in p.stdout, \
        f"exit {p.returncode}: {p.stderr[-4000:]}"


def clang(folder):
    """What configures a build with libFuzzer."""
    cc = os.environ.get("CLANG", "clang")
    if not shutil.which(cc):
        raise Skip(f"{cc} is not installed")
    probe = os.path.join(folder, "probe")
    p = subprocess.run([cc, "-x", "c", "-", "-o", probe, "-fsanitize=fuzzer,address,undefined"],
                       input="int LLVMFuzzerTestOneInput(const char *d, long n);"
                             "int LLVMFuzzerTestOneInput(const char *d, long n)"
                             "{ return d && n < 0; }", capture_output=True, text=True, check=False)
    if p.returncode:
        raise Skip(f"{cc} cannot link libFuzzer (libclang-rt-dev is not installed?)")
    return cc


def build(source, folder):
    """Where the programs are."""
    cc = clang(folder)
    out = os.path.join(folder, "build")
    env = dict(os.environ, CC=cc, CXX=cc + "++")
    for name in ("CFLAGS", "CXXFLAGS", "LDFLAGS"):
        env.pop(name, None)
    if not os.path.exists(os.path.join(out, "build.ninja")):
        shutil.rmtree(out, ignore_errors=True)
        p = subprocess.run(["meson", "setup", out, source, "-Dfuzz=true", "-Dsim=disabled",
                            "-Ddrm=disabled", "-Doptimization=1", "-Db_lundef=false",
                            "-Dwerror=false", "-Db_sanitize=address,undefined"], env=env, capture_output=True,
                           text=True, check=False)
        assert p.returncode == 0, p.stdout[-3000:] + p.stderr[-3000:]
    p = subprocess.run(["ninja", "-C", out, "-j", str(os.cpu_count() or 1),
                        *[f"tests/fuzz_{e}" for e in ENTRIES]], env=env,
                       capture_output=True, text=True, check=False)
    assert p.returncode == 0, p.stdout[-6000:]
    return os.path.join(out, "tests")


def fuzz(seeds, programs, findings, entry):
    runs = int(os.environ.get("RUNS") or 15000)
    limit = [f"-runs={max(1, int(runs * PART.get(entry, 1)))}"]
    if os.environ.get("SECONDS"):
        limit = ["-max_total_time=" + os.environ["SECONDS"]]
    found = os.path.join(findings, entry) + "-"
    args = [os.path.join(programs, "fuzz_" + entry), *limit,
            "-seed=" + (os.environ.get("SEED") or "1"), "-timeout=20", "-rss_limit_mb=2048",
            f"-max_len={MAX_LEN.get(entry, 4096)}", "-artifact_prefix=" + found,
            os.path.join(seeds, entry)]
    env = dict(os.environ, ASAN_OPTIONS="detect_leaks=1:allocator_may_return_null=1",
               UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1")
    p = subprocess.run(args, capture_output=True, text=True, errors="replace", env=env, check=False)
    last = re.findall(r"^#(\d+)\s.*?cov: (\d+)", p.stderr, re.M)
    assert p.returncode == 0, f"{' '.join(args)}: exit {p.returncode}\n{p.stderr[-6000:]}"
    assert last and int(last[-1][1]) > 20, "nothing was covered:\n" + p.stderr[-2000:]
    print(f"# {entry}: {last[-1][0]} inputs, {last[-1][1]} edges")


def main():
    mode, maketoy, mksynth, accelc = sys.argv[1:5]
    only = [e for e in (os.environ.get("ONLY") or "").split(",") if e]
    with tempfile.TemporaryDirectory() as seeds:
        make_seeds(seeds, maketoy, mksynth, accelc)
        if mode == "replay":
            tests = [(os.path.basename(p), lambda p=p: replay(seeds, p)) for p in sys.argv[5:]]
        else:
            source, folder = sys.argv[5:7]
            findings = os.path.join(folder, "findings")
            os.makedirs(findings, exist_ok=True)
            try:
                programs = build(source, folder)
            except Skip as s:
                print(f"1..0 # SKIP {s}: the fuzz entries do not run")
                return 0
            tests = [("fuzz_" + e, lambda e=e: fuzz(seeds, programs, findings, e))
                     for e in ENTRIES if not only or e in only]
        print(f"1..{len(tests)}", flush=True)
        failed = 0
        for i, (name, f) in enumerate(tests, 1):
            try:
                f()
                print(f"ok {i} - {name}", flush=True)
            except (AssertionError, OSError, subprocess.SubprocessError) as e:
                failed += 1
                print(f"not ok {i} - {name}")
                print("".join("# " + x + "\n" for x in str(e).split("\n")), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
