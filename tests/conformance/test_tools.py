#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The command-line tools as a script sees them: test_tools.py MAKETOY TOOL...

Speaks TAP. Runs on the reference model with the toy model.
"""

import array
import json
import math
import os
import pty
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
import traceback

TOOLS = {}
MAKETOY = ""
DIR = ""
ENV = dict(os.environ, ACCEL_BACKEND="ref")
PROGRAMS = 1  # jobs before any other: the SRAM takes the decode program, there is no room for more


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
    for n in ("-5", " -5", "x", "", "1.5", "2147483648", "99999999999999999999"):
        p = call("accel-run", "x", "-p", "a", "-n" + n if n else "-n=", code=2)
        assert "-n: '" in p.stderr and "is not a whole number from 0 to 2147483647" in p.stderr
    p = call("accel-run", "x", "-p", "a", "--seed", " -1", code=2)
    assert "--seed: ' -1' is not a whole number" in p.stderr
    p = call("accel-run", "x", "-p", "a", "--temp", "nan", code=2)
    assert "--temp: 'nan' is not a number from 0 to 1000" in p.stderr
    for ids in ("1,x", "64", "-1", "1 2", ""):
        call("accel-run", toy, "--tokens=" + ids, code=2)
    call("accel-run", toy, "-p", "a", "--chunk", "99", code=2)
    call("accel-perplexity", toy, code=2)
    call("accel-perplexity", toy, "-f", toy, "--ctx", "9999", code=2)
    call("accel-bench", toy, "--pp", "9999", code=2)
    call("accel-bench", toy, "--batch", "99", "--pp", "0", "--tg", "4", code=2)


def test_exit_codes():
    toy = path("toy.accel")
    for tool, args in (("accel-run", [toy, "-p", "a"]), ("accel-bench", [toy]), ("accel-smi", []),
                       ("accel-perplexity", [toy, "-f", path("text.txt")])):
        p = call(tool, *args, "--backend", "nothing", code=2)
        assert "'nothing'" in p.stderr and "drm, sim, ref and null" in p.stderr
    p = call("accel-run", toy, "-p", "a", "--device", "7", code=3)
    assert "7" in p.stderr
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


def trace(name):
    """Events of commands, the span of the token, what else the file says."""
    t = json.load(open(path(name)))
    assert {e["args"]["name"] for e in t["traceEvents"] if e["name"] == "thread_name"} >= \
        {"tile", "vec", "dma"}
    x = [e for e in t["traceEvents"] if e["ph"] == "X" and e["tid"]]
    spans = [e for e in t["traceEvents"] if e["ph"] == "X" and not e["tid"]]
    return x, spans, t["otherData"]


def test_trace_is_of_one_token():
    toy = path("toy.accel")
    for options in ([], ["--temp", "1"], ["--logits", path("l.f32")]):
        host = bool(options)
        plain = call("accel-run", toy, "--tokens", "1,5,9", "-n", "5", "--ignore-eos", *options)
        for token in (2, 1, 4, 5):
            p = call("accel-run", toy, "--tokens", "1,5,9", "-n", "5", "--ignore-eos", *options,
                     "--trace", path("t.json"),
                     *(["--trace-token", str(token)] if token != 2 else []))
            assert p.stdout == plain.stdout and not p.stderr  # it changes nothing
            x, spans, other = trace("t.json")
            # 17 commands of the model, and argmax or the logits for the host; the columns are
            # loaded once in a job: before the first token, with the host's help before each
            assert len(x) == (1 if host or token == 1 else 0) + 17 + 1
            assert {"embedding", "attention", "logits.store" if host else "argmax"} <= \
                {e["name"] for e in x}
            assert [e["name"] for e in x].count("output") == 1
            assert all(e["dur"] > 0 and e["tid"] in (1, 2, 3) for e in x)
            assert len({(e["tid"], e["args"]["command"]) for e in x}) == len(x)
            span, = spans
            assert span["name"] == f"token {token}"
            assert span["dur"] == max(e["ts"] + e["dur"] for e in x) >= 19
            steps = 1 if host else token
            assert span["args"]["steps_of_job"] == steps
            assert span["args"]["job_emits"] == (0 if host else steps)
            assert span["args"]["job_macs"] >= steps * 32 * 64
            assert "job_cycles" not in span["args"]  # the reference model has no time
            assert other["jobs"] == 1 and other["complete"]


def test_trace_of_what_there_is():
    """Without a number it is the second token, else the only one; jobs have 64 steps at most."""
    toy = path("toy.accel")
    for more in (["-n", "1"], ["-n", "9", "--ctx", "3"], ["-n", "1", "--temp", "1"]):
        call("accel-run", toy, "--tokens", "1,5,9", "--ignore-eos", "--trace", path("t.json"),
             *more)
        x, spans, other = trace("t.json")
        assert len(x) == 19 and spans[0]["name"] == "token 1" and other["complete"]
    for token, steps in ((64, 64), (65, 1), (67, 3)):
        call("accel-run", toy, "--tokens", "1,5,9", "--ignore-eos", "-n", "70", "--trace",
             path("t.json"), "--trace-token", str(token))
        x, spans, _ = trace("t.json")
        assert spans[0]["args"]["steps_of_job"] == steps and spans[0]["name"] == f"token {token}"
        assert len(x) == 18 + (steps == 1) and min(e["ts"] for e in x) <= 1


def test_trace_of_everything():
    toy = path("toy.accel")
    call("accel-run", toy, "--tokens", "1,5,9", "-n", "4", "--ignore-eos", "--trace",
         path("t.json"), "--trace-token", "all")
    x, spans, other = trace("t.json")
    assert len(x) == 1 + 2 * 17 + 1 + 4 * 18 and not spans
    assert {e["args"]["job"] for e in x} == {0, 1}
    assert other["jobs"] == 2 and other["complete"]


def test_trace_that_cannot_be():
    toy = path("toy.accel")
    common = [toy, "--tokens", "1,5,9", "--trace", path("t.json")]
    for token in ("0", "-1", "each", ""):
        call("accel-run", *common, "--trace-token=" + token, code=2)
    p = call("accel-run", *common, "-n", "4", "--trace-token", "5", code=2)
    assert "token 5 is not generated with -n 4" in p.stderr
    call("accel-run", *common, "-n", "0", code=2)
    # the context ends before
    p = call("accel-run", *common, "-n", "20", "--ctx", "8", "--ignore-eos", "--trace-token", "9",
             code=1)
    assert "t.json: nothing, the run ended before token 9" in p.stderr
    x, spans, other = trace("t.json")
    assert not x and not spans and not other["complete"]


def test_outputs_are_not_inputs():
    toy = path("toy.accel")
    before = open(toy, "rb").read()
    common = ["accel-run", toy, "-f", path("text.txt"), "-n", "2"]
    os.symlink(toy, path("link.accel"))
    for option in ("--logits", "--trace"):
        for name in ("toy.accel", "text.txt", "link.accel"):
            p = call(*common, option, path(name), code=2)
            assert option in p.stderr and "the same file as" in p.stderr
    # not there yet, there already, by another name
    os.mkdir(path("d"))
    for other in ("one", "d/../one"):
        for _ in range(2):
            p = call(*common, "--logits", path("one"), "--trace", path(other), code=2)
            assert "the same file as" in p.stderr
    call("accel-run", toy, "-p", "a", "-n", "2", "--logits", "/dev/null", "--trace", "/dev/null")
    call("accel-perplexity", toy, "-f", path("text.txt"), "--block", "9", "--nll", toy, code=2)
    call("accel-perplexity", toy, "-f", path("text.txt"), "--block", "9", "--nll", path("text.txt"),
         code=2)
    assert open(toy, "rb").read() == before and open(path("text.txt")).read().startswith("the cat")


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
        assert t["cpu_tokens_per_s"] > 0
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
    call("accel-smi", "--backend", "nothing", "--best-backend", code=2)


class OnTerminal:
    """A run with a terminal as standard error. Once `text` was seen there, or on its output, it is
    sent a signal."""

    def __init__(self, tool, *args, text=None, on="terminal", sig=signal.SIGINT, code=0):
        ours, theirs = pty.openpty()
        p = subprocess.Popen([TOOLS[tool], *args], stdout=subprocess.PIPE, stderr=theirs, env=ENV)
        os.close(theirs)
        seen = {"terminal": b"", "output": b""}
        files = {ours: "terminal", p.stdout.fileno(): "output"}
        deadline = time.monotonic() + 60
        sent = False
        while files:
            assert time.monotonic() < deadline, f"{tool} {args}: no end: {seen}"
            for fd in select.select(list(files), [], [], 1)[0]:
                try:
                    data = os.read(fd, 65536)
                except OSError:  # a terminal without a writer
                    data = b""
                if not data:
                    del files[fd]
                else:
                    seen[files[fd]] += data
            if text and not sent and text.encode() in seen[on]:
                p.send_signal(sig)
                sent = True
        os.close(ours)
        assert p.wait(timeout=30) == code, (p.returncode, seen)
        p.stdout.close()
        assert sent or not text
        self.out = seen["output"].decode()
        # the progress line is cleared, what counts stands behind it
        *lines, self.err = seen["terminal"].decode().replace("\r\n", "\n").split("\x1b[K")
        self.lines = [x.strip("\r") for x in lines[1:]]


class Interrupted(OnTerminal):
    """One that ends because of the signal."""

    def __init__(self, *args, **kw):
        super().__init__(*args, code=1, **kw)


class OnBoth:
    """A run with a terminal as both outputs."""

    def __init__(self, tool, *args):
        ours, theirs = pty.openpty()
        p = subprocess.Popen([TOOLS[tool], *args], stdout=theirs, stderr=theirs, env=ENV)
        os.close(theirs)
        self.seen = ""
        while True:
            try:
                data = os.read(ours, 65536)
            except OSError:
                data = b""
            if not data:
                break
            self.seen += data.decode(errors="replace")
        os.close(ours)
        assert p.wait(timeout=30) == 0, self.seen


def test_progress_of_a_run():
    ids = [1 + i % 60 for i in range(80)]
    args = [path("toy.accel"), "--tokens", ",".join(map(str, ids)), "-n", "6", "--ignore-eos"]
    plain = call("accel-run", *args)
    assert not plain.stderr
    p = OnTerminal("accel-run", *args)
    # the toy model's jobs have 5 tokens; the last one of the prompt starts the decoding
    assert p.lines == ["prompt 0/79", "prompt 65/79"], p.lines
    assert p.out == plain.stdout and "80 prompt tokens, 6 generated" in p.err
    p = OnTerminal("accel-run", *args, "--chunk", "3")
    assert p.lines == ["prompt 0/79", "prompt 66/79"] and p.out == plain.stdout, p.lines
    # the same jobs, as counters and logits tell
    want = json.loads(call("accel-run", *args, "--json", "--logits", path("p.f32"),
                           "--all-logits").stdout)
    logits = rows("p.f32")
    p = OnTerminal("accel-run", *args, "--json", "--logits", path("p.f32"), "--all-logits")
    got = json.loads(p.out)
    assert p.lines == ["prompt 0/79", "prompt 65/79", ""] + \
        [f"tokens {i}/6" for i in range(1, 7)], p.lines
    assert p.err == "" and rows("p.f32") == logits and len(logits) == 79 + 6
    for key in want:
        assert key.startswith("wall_") or got[key] == want[key], key
    # a prompt that stands on the same terminal stays
    assert "\x1b" not in OnBoth("accel-run", path("toy.accel"), "-p", "the cat", "--echo").seen


def test_interrupted_prompt():
    # between the parts the run ends like in one: the step of token 42 never does
    subprocess.run([MAKETOY, path("or.accel"), "1", "42"], check=True)
    ids = [1] * 66 + [42] + [1] * 13
    args = [path("or.accel"), "--tokens", ",".join(map(str, ids)), "-n", "9", "--watchdog",
            str(1 << 60)]
    for sig in (signal.SIGINT, signal.SIGTERM):
        p = Interrupted("accel-run", *args, text="prompt 65/79", sig=sig)
        assert "interrupted: 65 of 80 prompt tokens stored, none of 9 generated\n" in p.err, p.err
        assert p.lines == ["prompt 0/79", "prompt 65/79"] and p.out == "\n"
    p = Interrupted("accel-run", *args, "--json", text="prompt 65/79")
    j = json.loads(p.out)
    assert j["stop_reason"] == "interrupted" and j["tokens"] == []
    # generated tokens
    args, ids = stalling()
    p = Interrupted("accel-run", *args, "--json", text=f"tokens {len(ids)}/40")
    assert json.loads(p.out)["tokens"] == ids
    assert p.err == f"accel-run: interrupted: {len(ids)} of 40 tokens\n", p.err


def await_job(p, number):
    """Until a program with ACCEL_DEBUG=submit tells that it submits that job."""
    for line in p.stderr:
        if f"job {number}: context" in line:
            return
    raise AssertionError("no such job")


def stalling():
    """A model that never ends the step after the eighth token or so, and the tokens up to it."""
    ids = json.loads(call("accel-run", path("toy.accel"), "--tokens", "1,5", "-n", "40",
                          "--ignore-eos", "--json").stdout)["tokens"]
    at = next(i for i in range(5, 40) if ids[i] not in ids[:i] + [1, 5])
    subprocess.run([MAKETOY, path("stall.accel"), "1", str(ids[at])], check=True)
    return [path("stall.accel"), "--tokens", "1,5", "-n", "40", "--ignore-eos", "--watchdog",
            str(1 << 60)], ids[:at + 1]


def test_interrupted_run():
    args, ids = stalling()
    text = ",".join(map(str, ids))
    p = Interrupted("accel-run", *args, text=text, on="output")
    assert p.out == text + "\n"
    assert f"interrupted: {len(ids)} of 40 tokens\n" in p.err
    assert f"2 prompt tokens, {len(ids)} generated (interrupted); wall clock: first token" in p.err
    # the host chooses: a job per token; rows are written
    p = Interrupted("accel-run", *args, "--logits", path("i.f32"), text=text, on="output")
    assert p.out == text + "\n" and f"i.f32: {len(ids)} rows\n" in p.err
    assert [argmax(r) for r in rows("i.f32")] == ids
    # SIGTERM is the same, and --json has the tokens
    p = Interrupted("accel-run", *args, "--echo", text=text, on="output", sig=signal.SIGTERM)
    assert p.out == text + "\n"
    ENV["ACCEL_DEBUG"] = "submit"
    try:
        # the library tells when the decoding begins; its tokens take no time
        p = Interrupted("accel-run", *args, "--stats", "--json", "--logits", path("i.f32"),
                        text=f"job {len(ids) + 2}: context", on="terminal")
    finally:
        del ENV["ACCEL_DEBUG"]
    j = json.loads(p.out)
    assert j["tokens"] == ids and j["stop_reason"] == "interrupted"
    assert j["wall_tokens_per_s"] > 0 and j["counters"]["cycles"] is None


def test_interrupted_before_the_first_token():
    p = subprocess.Popen([TOOLS["accel-run"], path("endless.accel"), "--tokens", "1,5", "-n", "9",
                          "--watchdog", str(1 << 60), "--json"], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True, env=dict(ENV, ACCEL_DEBUG="submit"))
    await_job(p, PROGRAMS + 2)
    p.send_signal(signal.SIGINT)
    out, err = p.communicate(timeout=30)
    assert p.returncode == 1, p.returncode
    j = json.loads(out)
    assert j["stop_reason"] == "interrupted" and j["tokens"] == []
    assert j["wall_first_token_s"] is None and j["wall_tokens_per_s"] is None
    assert err.endswith("\naccel-run: interrupted: 1 of 2 prompt tokens stored, none of 9 "
                        "generated\n"), err
    # Without the option the watchdog ends it.
    p = call("accel-run", path("endless.accel"), "--tokens", "1,5", "-n", "9", code=1)
    assert "watchdog" in p.stderr


def test_interrupted_trace():
    args, ids = stalling()
    text = ",".join(map(str, ids))
    # done before
    p = Interrupted("accel-run", *args, "--trace", path("i.json"), text=text, on="output")
    assert p.out == text + "\n" and "i.json" not in p.err
    x, _, other = trace("i.json")
    assert len(x) == 18 and other["complete"]
    # in the middle of it, and before it
    for n in (len(ids) + 1, len(ids) + 2):
        for more in ([], ["--logits", path("i.f32")]):
            p = Interrupted("accel-run", *args, "--trace", path("i.json"), "--trace-token", str(n),
                            *more, text=text, on="output")
            x, spans, other = trace("i.json")
            assert p.out == text + "\n"
            assert not x and not spans and not other["complete"]
            assert f"i.json: nothing, the run ended before token {n}\n" in p.err
    # of everything, as far as it goes
    p = Interrupted("accel-run", *args, "--trace", path("i.json"), "--trace-token", "all",
                    text=text, on="output")
    x, spans, other = trace("i.json")
    assert len(x) == 1 + 17 + 1 + 18 * len(ids) and not other["complete"]
    assert "i.json: the run as far as it went\n" in p.err


def test_interrupted_perplexity():
    # token "or" (42) is in a later piece of 20 only
    subprocess.run([MAKETOY, path("or.accel"), "1", "42"], check=True)
    toy = path("toy.accel")
    words = "the cat sat in the hat and a hen ran at the ant then sat in " * 2
    before = json.loads(call("accel-run", toy, "-p", words, "-n", "0",
                             "--json").stdout)["prompt_tokens"]
    done = before // 20
    assert done >= 3 and 3 < before % 20 < 17
    open(path("or.txt"), "w").write(words + "or for more " * 8)
    for rule, left in (("--block", "blocks"), ("--ctx", "windows")):
        args = ["-f", path("or.txt"), rule, "20", "--watchdog", str(1 << 60)]
        whole = json.loads(call("accel-perplexity", toy, *args, "--json").stdout)
        total = -(-whole["tokens"] // 20) if rule == "--block" else whole["tokens"] // 20
        assert total > done and whole["interrupted"] is False
        more = ["--nll", path("i.f32")] if rule == "--block" else []
        p = Interrupted("accel-perplexity", path("or.accel"), *args, *more, "--json",
                        text=f" {done}/{total}")
        j = json.loads(p.out)
        assert j["interrupted"] is True and j["tokens"] == whole["tokens"]
        assert j["scored"] == (20 if more else 9) * done < whole["scored"]
        assert f"accel-perplexity: interrupted: {done} of {total} {left}\n" in p.err
        assert abs(math.exp(j["mean_nll"]) - j["perplexity"]) < 1e-9
        if more:
            v = floats("i.f32")
            assert len(v) == j["scored"] and abs(sum(v) / len(v) - j["mean_nll"]) < 1e-6
        p = Interrupted("accel-perplexity", path("or.accel"), *args, text=f" {done}/{total}")
        assert p.out.startswith("perplexity %.4f" % j["perplexity"])
        assert f"{j['scored']} of {j['tokens']} tokens" in p.out
    # nothing done: nothing known
    open(path("or.txt"), "w").write("or for more " * 20)
    for more in ([], ["--json"]):
        p = subprocess.Popen([TOOLS["accel-perplexity"], path("or.accel"), "-f", path("or.txt"),
                              "--ctx", "20", "--watchdog", str(1 << 60), *more],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                             env=dict(ENV, ACCEL_DEBUG="submit"))
        await_job(p, PROGRAMS + 1)
        p.send_signal(signal.SIGINT)
        out, err = p.communicate(timeout=30)
        assert p.returncode == 1 and "interrupted: 0 of " in err, (p.returncode, err)
        if more:
            j = json.loads(out)
            assert j["scored"] == 0 and j["interrupted"] is True
            assert j["perplexity"] is j["mean_nll"] is j["standard_error"] is None
        else:
            assert out.startswith("perplexity - +/- - (") and "mean nll -)" in out, out


def test_bench_of_a_window():
    """A repetition overwrites what going back needs: it is fed again, outside of what is measured."""
    window = path("window.accel")
    subprocess.run([MAKETOY, window, "1", "window"], check=True)
    common = ["--pp", "0", "--tg", "60", "--depth", "30", "--batch", "1,2", "-r", "3", "--json"]
    got = json.loads(call("accel-bench", window, *common).stdout)["tests"]
    plain = json.loads(call("accel-bench", path("toy.accel"), *common).stdout)["tests"]
    for a, b in zip(got, plain):
        assert a["repetitions"] == 3
        for key in ("jobs_per_repetition", "macs_per_token", "commands_per_token"):
            assert a[key] == b[key] and a[key] > 0, (key, a, b)


def test_interrupted_bench():
    # somewhere in 10000 repetitions
    common = ["accel-bench", path("toy.accel"), "--pp", "20", "--tg", "60", "-r", "10000"]
    for more in ([], ["--batch", "4"], ["--depth", "30"]):
        p = Interrupted(*common, *more, "--json", text="tg60" if not more else "pp20")
        j = json.loads(p.out)
        assert j["interrupted"] is True and 1 <= len(j["tests"]) <= 2
        last = j["tests"][-1]
        assert last["repetitions"] == len(last["wall_seconds"]) < 10000
        assert f"accel-bench: interrupted: {last['test']} has {last['repetitions']} of 10000 " \
            f"repetitions, {2 - len(j['tests'])} tests not begun\n" in p.err, p.err
        for t in j["tests"]:
            if t["repetitions"]:  # figures of those alone
                assert t["macs_per_token"] >= 32 * 64 and t["wall_tokens_per_s"] > 0
                assert t["commands_per_token"] > 20
    # the second test has no repetition at all
    common = ["accel-bench", path("endless.accel"), "--pp", "20", "--tg", "10,12", "-r", "2",
              "--watchdog", str(1 << 60)]
    for more in ([], ["--json"]):
        p = subprocess.Popen([TOOLS[common[0]], *common[1:], *more], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True, env=dict(ENV, ACCEL_DEBUG="submit"))
        await_job(p, PROGRAMS + 13)  # 4 jobs of a prompt, three times; the next one has no end
        p.send_signal(signal.SIGINT)
        out, err = p.communicate(timeout=30)
        assert p.returncode == 1, (p.returncode, err)
        assert "interrupted: tg10 has 0 of 2 repetitions, 1 tests not begun\n" in err, err
        if more:
            a, b = json.loads(out)["tests"]
            assert a["repetitions"] == 2 and a["macs_per_token"] > 0
            assert b["repetitions"] == 0 and b["wall_seconds"] == []
            unknown = [k for k in b if k not in ("test", "prompt_tokens", "generated_tokens",
                                                 "batch", "depth", "repetitions", "wall_seconds")]
            assert len(unknown) == 9 and all(b[k] is None for k in unknown), b
        else:
            assert re.search(r"^\| tg10 +\| +- \+/- +- \| +- \| +- \|$", out, re.M), out


def main():
    global DIR, MAKETOY
    MAKETOY = os.path.abspath(sys.argv[1])
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
