#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The command-line tools as a script sees them: test_tools.py MAKETOY TOOL...

Speaks TAP. Runs on the reference model with the toy model.
"""

import array
import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback

TOOLS = {}
DIR = ""
ENV = dict(os.environ, ACCEL_BACKEND="ref")


def path(name):
    return os.path.join(DIR, name)


def call(tool, *args, code=0, **kw):
    p = subprocess.run([TOOLS[tool], *args], capture_output=True, text=True, env=ENV, timeout=60,
                       check=False, **kw)
    assert p.returncode == code, f"{tool} {args}: exit {p.returncode}, not {code}: {p.stderr}"
    return p


def floats(name):
    a = array.array("f")
    a.frombytes(open(path(name), "rb").read())
    return a


def rows(name, vocab=64):
    a = floats(name)
    assert len(a) % vocab == 0
    return [a[i:i + vocab] for i in range(0, len(a), vocab)]


def argmax(row):
    return max(range(len(row)), key=lambda i: (row[i], -i))


def test_help_and_usage():
    for tool in TOOLS:
        p = call(tool, "--help")
        assert p.stdout.startswith("Usage: " + tool) and not p.stderr
        p = call(tool, "--version")
        assert tool in p.stdout
        p = call(tool, "--no-such-option", code=2)
        assert p.stderr and not p.stdout
    for args in (["-p", "a"], ["toy.accel"], ["x", "y", "-p", "a"], ["x", "-p", "a", "-n", "no"],
                 ["x", "-p", "a", "--tokens", "1"], ["x", "-p", "a", "--all-logits"],
                 ["x", "-p", "a", "--temp", "-1"], ["x", "--tokens", "1", "--stop", "a"]):
        call("accel-run", *args, code=2)
    toy = path("toy.accel")
    for ids in ("1,x", "64", "-1", "1 2", ""):
        call("accel-run", toy, "--tokens=" + ids, code=2)
    call("accel-run", toy, "-p", "a", "--chunk", "99", code=2)
    call("accel-perplexity", toy, code=2)
    call("accel-perplexity", toy, "-f", toy, "--ctx", "9999", code=2)
    call("accel-bench", toy, "--pp", "9999", code=2)
    call("accel-bench", toy, "--batch", "99", "--pp", "0", "--tg", "4", code=2)


def test_exit_codes():
    toy = path("toy.accel")
    p = call("accel-run", toy, "-p", "a", "--backend", "nothing", code=3)
    assert "nothing" in p.stderr
    p = call("accel-run", toy, "-p", "a", "--mask", path("other.accel"), code=4)
    assert "output.weight" in p.stderr
    p = call("accel-run", path("missing.accel"), "-p", "a", code=5)
    assert "missing.accel" in p.stderr
    data = bytearray(open(toy, "rb").read())
    data[4096 + 64] ^= 1
    open(path("bad.accel"), "wb").write(data)
    p = call("accel-run", path("bad.accel"), "-p", "a", code=5)
    assert "bad.accel" in p.stderr and "rom" in p.stderr
    open(path("text.accel"), "w").write("hello\n" * 1000)
    call("accel-run", path("text.accel"), "-p", "a", code=5)
    call("accel-run", toy, "-f", path("missing.txt"), code=5)
    call("accel-run", toy, "-p", "a", "--chat", code=5)
    call("accel-perplexity", toy, "-f", path("missing.txt"), code=5)
    call("accel-perplexity", toy, "-f", path("short.txt"), code=5)
    p = call("accel-run", toy, "--tokens", ",".join(["5"] * 101), code=1)
    assert "context" in p.stderr


def test_run_prints_ids_and_json():
    toy = path("toy.accel")
    p = call("accel-run", toy, "--tokens", "1,5,9", "-n", "30", "--ignore-eos")
    ids = [int(x) for x in p.stdout.strip().split(",")]
    assert len(ids) == 30 and not p.stderr
    j = json.loads(call("accel-run", toy, "--tokens", "1,5,9", "-n", "30", "--ignore-eos",
                        "--json").stdout)
    assert j["tokens"] == ids and j["stop_reason"] == "length" and j["prompt_tokens"] == 3
    assert j["backend"] == "ref" and j["counters"]["emits"] == 30 and j["cycle_exact"] is False
    j = json.loads(call("accel-run", toy, "--tokens", "1,5,9", "-n", "1000", "--ignore-eos",
                        "--json").stdout)
    assert j["stop_reason"] == "context" and len(j["tokens"]) == 98
    j = json.loads(call("accel-run", toy, "--tokens", "1,5,9", "-n", "1000", "--ctx", "20",
                        "--ignore-eos", "--json").stdout)
    assert len(j["tokens"]) == 18


def test_logits_rows():
    toy = path("toy.accel")
    common = [toy, "--tokens", "1,5,9,4", "-n", "12", "--ignore-eos", "--json"]
    plain = json.loads(call("accel-run", *common).stdout)
    j = json.loads(call("accel-run", *common, "--logits", path("l.f32")).stdout)
    assert j["tokens"] == plain["tokens"]
    r = rows("l.f32")
    assert [argmax(x) for x in r] == j["tokens"]
    call("accel-run", *common, "--logits", path("a.f32"), "--all-logits", "--chunk", "2")
    a = rows("a.f32")
    assert len(a) == 3 + 12 and a[3:] == r
    call("accel-run", toy, "--tokens", "1,5,9,4", "-n", "0", "--logits", path("a.f32"),
         "--all-logits")
    assert rows("a.f32") == a[:4]
    p = call("accel-run", *common, "--logits", "/dev/full", code=1)
    assert "/dev/full" in p.stderr


def test_text_and_stop():
    toy = path("toy.accel")
    common = [toy, "-p", "the cat", "-n", "40", "--ignore-eos"]
    text = call("accel-run", *common).stdout
    assert text.endswith("\n")
    text = text[:-1]
    j = json.loads(call("accel-run", *common, "--json").stdout)
    assert j["text"] == text and len(j["tokens"]) == 40
    stop = text[10:13]
    j = json.loads(call("accel-run", *common, "--stop", "zzzz", "--stop", stop, "--json").stdout)
    assert j["text"] == text[:text.index(stop)] and j["stop_reason"] == "stop"
    assert call("accel-run", *common, "--stop", stop).stdout == j["text"] + "\n"
    assert call("accel-run", *common, "--echo").stdout == "the cat" + text + "\n"
    open(path("p.txt"), "w").write("the cat")
    assert call("accel-run", toy, "-f", path("p.txt"), *common[3:]).stdout == text + "\n"
    assert call("accel-run", toy, "-f", "-", *common[3:], input="the cat").stdout == text + "\n"


def test_sampling_is_reproducible():
    toy = path("toy.accel")
    common = [toy, "--tokens", "1,5", "-n", "40", "--ignore-eos", "--temp", "1.5", "--top-k", "40",
              "--top-p", "0.95"]
    a = call("accel-run", *common, "--seed", "3").stdout
    assert a == call("accel-run", *common, "--seed", "3").stdout
    assert a != call("accel-run", *common, "--seed", "4").stdout
    assert a != call("accel-run", *common[:6]).stdout


def test_trace_is_json():
    toy = path("toy.accel")
    call("accel-run", toy, "--tokens", "1,5,9", "-n", "4", "--ignore-eos", "--trace",
         path("t.json"))
    t = json.load(open(path("t.json")))["traceEvents"]
    rows_ = {e["args"]["name"] for e in t if e["name"] == "thread_name"}
    assert {"tile", "vec", "dma"} <= rows_
    x = [e for e in t if e["ph"] == "X"]
    assert len(x) == 1 + 2 * 17 + 1 + 4 * 18
    assert {"embedding", "attention", "argmax"} <= {e["name"] for e in x}
    assert all(e["dur"] > 0 and e["tid"] in (1, 2, 3) for e in x)
    assert {e["args"]["job"] for e in x} == {0, 1}


def test_perplexity():
    toy = path("toy.accel")
    j = json.loads(call("accel-perplexity", toy, "-f", path("text.txt"), "--block", "20", "--nll",
                        path("nll.f32"), "--json").stdout)
    v = floats("nll.f32")
    assert len(v) == j["tokens"] == j["scored"] > 100
    assert abs(sum(v) / len(v) - j["mean_nll"]) < 1e-6
    assert abs(math.exp(j["mean_nll"]) - j["perplexity"]) < 1e-9
    w = json.loads(call("accel-perplexity", toy, "-f", path("text.txt"), "--ctx", "20",
                        "--json").stdout)
    assert w["tokens"] == j["tokens"] + 1  # BOS
    assert w["scored"] == w["tokens"] // 20 * 9
    # By hand, from accel-run's logits of the first block.
    words = open(path("text.txt")).read()
    ids = json.loads(call("accel-run", toy, "-p", words[:40], "-n", "0", "--json", "--logits",
                          path("b.f32"), "--all-logits").stdout)
    r = rows("b.f32")
    assert len(r) == ids["prompt_tokens"]
    p = call("accel-perplexity", toy, "-f", path("text.txt"), "--block", "20")
    assert p.stdout.startswith("perplexity %.4f" % j["perplexity"])
    row = r[0]
    z = math.log(sum(math.exp(x) for x in row))
    assert min(abs(z - x - v[0]) for x in row) < 1e-5


def test_bench():
    toy = path("toy.accel")
    j = json.loads(call("accel-bench", toy, "--pp", "20,50", "--tg", "16", "--batch", "1,5", "-r",
                        "3", "--depth", "10", "--json").stdout)
    assert [t["test"] for t in j["tests"]] == ["pp20 @ d10", "pp50 @ d10", "tg16 @ d10",
                                               "tg16 x5 @ d10"]
    for t in j["tests"]:
        assert t["repetitions"] == 3 and len(t["wall_seconds"]) == 3
        assert t["wall_tokens_per_s"] > 0 and t["macs_per_token"] > 0
        assert "modelled_tokens_per_s" not in t  # the reference model has no time
    assert j["tests"][0]["jobs_per_repetition"] == 4
    out = call("accel-bench", toy, "--pp", "20", "--tg", "0", "-r", "2").stdout
    assert "| pp20 " in out


def test_smi():
    j = json.loads(call("accel-smi", "--json").stdout)
    names = [b["backend"] for b in j["backends"]]
    assert "ref" in names and "null" in names
    j = json.loads(call("accel-smi", "--json", "--backend", "ref", "--mask",
                        path("toy.accel")).stdout)
    d = j["backends"][0]["devices"][0]
    assert d["model"] == "toy" and d["config"] == "small" and len(d["mask_id"]) == 64
    assert d["sram_bytes"] == 64 * 4096 and d["jobs_done"] == 0
    assert call("accel-smi", "--best-backend").stdout.strip() == "ref"
    assert "toy" in call("accel-smi", "--mask", path("toy.accel"), "--backend", "ref").stdout
    call("accel-smi", "--backend", "nothing", code=3)


def test_interrupt_keeps_what_was_done():
    p = subprocess.Popen([TOOLS["accel-run"], path("endless.accel"), "--tokens", "1,5", "-n", "9",
                          "--watchdog", str(1 << 60), "--json"], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True, env=ENV)
    time.sleep(0.5)
    assert p.poll() is None
    p.send_signal(signal.SIGINT)
    out, _ = p.communicate(timeout=30)
    assert p.returncode == 1, p.returncode
    j = json.loads(out)
    assert j["stop_reason"] == "interrupted" and j["tokens"] == []
    # Without the option the watchdog ends it.
    p = call("accel-run", path("endless.accel"), "--tokens", "1,5", "-n", "9", code=1)
    assert "watchdog" in p.stderr


def main():
    global DIR
    for tool in sys.argv[2:]:
        TOOLS[os.path.basename(tool)] = tool
    tests = [(n, f) for n, f in globals().items() if n.startswith("test_")]
    print(f"1..{len(tests)}")
    failed = 0
    with tempfile.TemporaryDirectory() as DIR:
        subprocess.run([sys.argv[1], path("toy.accel")], check=True)
        subprocess.run([sys.argv[1], path("other.accel"), "1", "change"], check=True)
        subprocess.run([sys.argv[1], path("endless.accel"), "1", "endless"], check=True)
        open(path("text.txt"), "w").write("the cat sat on the mat and the rat ran to the hat " * 8)
        open(path("short.txt"), "w").write("a cat")
        for i, (name, f) in enumerate(tests, 1):
            try:
                f()
                print(f"ok {i} - {name[5:]}", flush=True)
            except Exception:  # pylint: disable=broad-except
                failed += 1
                print(f"not ok {i} - {name[5:]}")
                print("".join("# " + x + "\n" for x in traceback.format_exc().split("\n")),
                      flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
