#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""accel-smi on made-up /sys and /proc trees: test_smi.py ACCEL-SMI. Speaks TAP."""

import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import traceback

SMI = ""

FDINFO = """pos:	0
flags:	0100002
mnt_id:	25
ino:	400
drm-driver:	intaglio
drm-client-id:	7
drm-pdev:	0000:01:00.0
drm-engine-npu:	1500000000 ns
drm-cycles-npu:	1500000000
drm-maxfreq-npu:	1000000000 Hz
intaglio-jobs:	42
intaglio-jobs-faulted:	1
intaglio-counter-macs:	99
drm-total-memory:	8192 KiB
drm-shared-memory:	0
drm-active-memory:	0
drm-resident-memory:	4 MiB
"""


class Tree:
    def __init__(self):
        self.root = tempfile.mkdtemp(prefix="accel-smi-")

    def write(self, path, data):
        path = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(data if isinstance(data, bytes) else data.encode())

    def device(self, number, pci, driver="intaglio", **attributes):
        base = f"sys/devices/pci0000:00/{pci}"
        for name, value in attributes.items():
            self.write(f"{base}/{name.replace('__', '/')}", value)
        os.makedirs(os.path.join(self.root, base), exist_ok=True)
        os.symlink(f"../../../bus/pci/drivers/{driver}", os.path.join(self.root, base, "driver"))
        node = os.path.join(self.root, f"sys/class/accel/accel{number}")
        os.makedirs(node)
        os.symlink(f"../../../devices/pci0000:00/{pci}", os.path.join(node, "device"))

    def process(self, pid, name, fds):
        self.write(f"proc/{pid}/comm", name + b"\n" if isinstance(name, bytes) else name + "\n")
        for fd, text in fds.items():
            self.write(f"proc/{pid}/fdinfo/{fd}", text)

    def run(self, *args, code=0):
        p = subprocess.run([SMI, "--root", self.root, *args], capture_output=True, timeout=60,
                           check=False)
        assert p.returncode == code, f"exit {p.returncode}: {p.stderr.decode()}"
        return p.stdout.decode()

    def json(self):
        return json.loads(self.run("--json", "--backend", "ref"))["nodes"]

    def gone(self):
        shutil.rmtree(self.root)


def small_tree():
    t = Tree()
    t.device(10, "0000:02:00.0", model="second\n")
    t.device(0, "0000:01:00.0", model="toy\n", model_arch="llama\n", mask_id="ab" * 32 + "\n",
             fw_version="1.2.3 abi 1.1\n",
             telemetry="clock_mhz 1000\npower_mw 2500\ntemp_mc 45000\nload_permille 125\n",
             hwmon__hwmon3__temp1_input="1\n")
    t.device(1, "0000:03:00.0", driver="ivpu", model="not ours\n")
    t.process(100, "accel-run", {3: FDINFO, 4: FDINFO, 0: "pos:\t0\nflags:\t02\n"})
    t.process(101, "child", {3: FDINFO})  # inherited
    t.process(99, 'a"b\\c\n', {5: FDINFO.replace("client-id:\t7", "client-id:\t8")})
    t.process(102, "other", {3: FDINFO.replace("intaglio\n", "i915\n")})
    t.write("proc/self/fdinfo/3", FDINFO)
    t.write("proc/1000", "a file")
    return t


def test_devices_and_processes():
    t = small_tree()
    n = t.json()
    assert [x["node"] for x in n] == ["/dev/accel/accel0", "/dev/accel/accel10"]
    assert n[0]["pci"] == "0000:01:00.0" and n[0]["model"] == "toy" and n[0]["arch"] == "llama"
    assert n[0]["mask_id"] == "ab" * 32 and n[0]["firmware"] == "1.2.3 abi 1.1"
    assert n[0]["clock_hz"] == 10**9 and n[0]["power_mw"] == 2500
    assert n[0]["temperature_mc"] == 45000 and n[0]["load_permille"] == 125
    assert "clock_hz" not in n[1] and n[1]["processes"] == []
    p = n[0]["processes"]
    assert [(x["pid"], x["client"]) for x in p] == [(99, 8), (100, 7)] or \
        [(x["pid"], x["client"]) for x in p] == [(99, 8), (101, 7)]
    x = p[1]
    assert x["busy_ns"] == 1500000000 and x["cycles"] == 1500000000 and x["jobs_done"] == 42
    assert x["jobs_faulted"] == 1 and x["memory_bytes"] == 8 << 20
    assert x["resident_bytes"] == 4 << 20 and x["shared_bytes"] == 0
    text = t.run("--backend", "ref")
    assert "2.5 W" in text and "45.0 C" in text and "12.5 % busy" in text and "asleep" in text
    t.gone()


def test_hwmon_where_there_is_no_telemetry():
    t = Tree()
    t.device(0, "0000:01:00.0", hwmon__hwmon1__temp1_input="51000\n",
             hwmon__hwmon1__power1_input="3250000\n", hwmon__other__temp1_input="7\n")
    n = t.json()
    assert n[0]["temperature_mc"] == 51000 and n[0]["power_mw"] == 3250
    t.gone()


def test_nothing_there():
    t = Tree()
    assert t.json() == []
    assert "accel_device_info{" not in t.run("--prometheus")
    os.makedirs(os.path.join(t.root, "sys/class/accel/accel0"))  # no device behind it
    os.makedirs(os.path.join(t.root, "proc/5/fdinfo"))
    assert t.json() == []
    t.gone()


LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\\\|\\"|\\n)*"'
LINE = re.compile(r'^([a-z][a-z0-9_]*)(?:\{(%s(?:,%s)*)\})? ([-+]?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)$'
                  % (LABEL, LABEL))


def parse(text):
    """{metric: {labels: value}}, by the text format's rules: every sample follows its metric's HELP
    and TYPE; a metric occurs once, and so does a set of labels; counters end in _total, gauges do
    not; names have base units."""
    assert text.endswith("\n") and "\r" not in text and "\n\n" not in text
    metrics, helped, current = {}, None, None
    for line in text.splitlines():
        if line.startswith("# HELP "):
            assert current is None or metrics[current] or helped == current, line
            _, _, helped, what = line.split(" ", 3)
            assert helped not in metrics and len(what) > 5, line
            assert re.fullmatch(r"accel_[a-z0-9_]+", helped), line
        elif line.startswith("# TYPE "):
            _, _, current, kind = line.split(" ")
            assert current == helped and kind in ("gauge", "counter"), line
            assert (kind == "counter") == current.endswith("_total"), line
            assert not re.search(r"_(count|sum|bucket|gauge|counter)$|milli|kilo|micro|nano",
                                 current), line
            metrics[current] = {}
        else:
            m = LINE.match(line)
            assert m and m.group(1) == current, line
            labels = re.findall(r'([a-zA-Z0-9_]+)="((?:[^"\\]|\\.)*)"', m.group(2) or "")
            assert len({name for name, _ in labels}) == len(labels), line
            key = tuple(sorted(labels))
            assert key not in metrics[current], line
            metrics[current][key] = float(m.group(3))
            assert metrics[current][key] >= 0 or not current.endswith("_total"), line
    return metrics


def refused(text):
    try:
        parse(text)
    except AssertionError:
        return True
    return False


def test_the_parser_is_strict():
    good = '# HELP accel_a_total How many there were.\n# TYPE accel_a_total counter\n' \
           'accel_a_total{x="1",y="a\\\\b"} 3\naccel_a_total{x="2",y=""} 4\n'
    assert parse(good)["accel_a_total"][(("x", "2"), ("y", ""))] == 4
    for a, b in (("counter", "gauge"), ("_total", ""), ('",y', '"y'), ('x="2",y=""', 'x="2",y="",'),
                 ('"2"', '"2'), (" 4\n", " 4"), (" 4", "  4"), (" 4", " four"), ("# TYPE", "# TYP"),
                 ('x="2",y=""', 'x="1",y="a\\\\b"'), ('x="2"', 'y="2"'), ("\\\\b", "\\b"),
                 ("# HELP accel_a_total How many there were.\n", ""), (" 3\n", " 3\n\n"),
                 ("accel_a_total{x=\"2\"", "accel_b_total{x=\"2\""), (" 3", " -3")):
        bad = good.replace(a, b)
        assert bad != good and refused(bad), (a, b)


def find(samples, **labels):
    got = [v for k, v in samples.items() if set(labels.items()) <= set(k)]
    assert len(got) == 1, (labels, samples)
    return got[0]


def test_prometheus():
    t = small_tree()
    text = t.run("--prometheus")
    m = parse(text)
    assert find(m["accel_device_info"], device="accel0", model="toy", arch="llama") == 1
    assert find(m["accel_device_power_watts"], device="accel0") == 2.5
    assert find(m["accel_device_temperature_celsius"], device="accel0") == 45
    assert abs(find(m["accel_device_load_ratio"], device="accel0") - 0.125) < 1e-9
    assert len(m["accel_device_power_watts"]) == 1  # the other one sleeps
    assert find(m["accel_process_busy_seconds_total"], client="7") == 1.5
    assert find(m["accel_process_memory_bytes"], client="8") == 8 << 20
    assert find(m["accel_process_jobs_total"], client="8", process='a\\"b\\\\c') == 42
    t.gone()
    return text


def test_promtool():
    if not shutil.which("promtool"):
        return "promtool is not installed"
    t = small_tree()
    p = subprocess.run(["promtool", "check", "metrics"], input=t.run("--prometheus"), text=True,
                       capture_output=True, check=False)
    assert p.returncode == 0 and not p.stderr, p.stderr + p.stdout
    t.gone()
    return None


def test_hostile_files():
    """Nothing crashes, the output stays well-formed, nonsense is passed over."""
    t = Tree()
    t.device(0, "0000:01:00.0", model=b"\xff\x00\x1b[31m" + b"x" * 9000, mask_id=b"\n",
             telemetry=b"clock_mhz\nclock_mhz 99999999999999999999\npower_mw -5\ntemp_mc 1 2\n"
                       b"load_permille 1001\n" + b"y" * 9000,
             fw_version=b'"\\\n', hwmon__hwmon0__temp1_input=b"x",
             hwmon__hwmon0__power1_input=b"99999999999999999999999\n")
    for name in ("accel", "accel00x", "accel99999999999", "accel-1", "card0"):
        os.makedirs(os.path.join(t.root, "sys/class/accel", name))
    huge = "drm-driver:\tintaglio\ndrm-pdev:\t0000:01:00.0\n"
    t.process(1, b"\xfe\x01'\"\\", {
        0: huge + "drm-total-memory:\t18446744073709551615 MiB\ndrm-client-id:\t1\n",
        1: huge + "drm-engine-a:\t18446744073709551615 ns\ndrm-engine-c:\t9223372036854775807 ns\n"
           "drm-engine-b:\t5 ns\ndrm-client-id:\t2\n",
        2: huge + "drm-cycles-npu:\t-1\ndrm-cycles-npu:\t1e9\ndrm-cycles-npu:\ndrm-client-id: 3",
        3: b"\x00" * 9000, 4: b"drm-driver", 5: b":\n:::\n\n", 6: huge.encode() + b"z" * 20000,
        7: huge + "drm-resident-memory:\t3 GiB\ndrm-client-id:\t4\n",
    })
    n = t.json()
    assert len(n) == 1
    assert "clock_hz" not in n[0] and "power_mw" not in n[0] and "load_permille" not in n[0]
    assert "temperature_mc" not in n[0]
    by = {x["client"]: x for x in n[0]["processes"]}
    assert by[1]["memory_bytes"] == 0 and by[2]["busy_ns"] == 2**63 - 1
    assert by[3]["cycles"] == 0 and by[4]["resident_bytes"] == 0
    assert all(" " <= c <= "~" for c in by[1]["process"] + n[0]["model"])
    parse(t.run("--prometheus"))
    t.run("--backend", "ref")
    t.gone()


def test_mutated_files():
    rng = random.Random(5)
    t = Tree()
    t.device(0, "0000:01:00.0", model="toy\n", telemetry="clock_mhz 1000\npower_mw 2500\n")
    for pid in range(1, 400):
        data = bytearray(FDINFO.replace("client-id:\t7", f"client-id:\t{pid}").encode())
        for _ in range(rng.randrange(1, 6)):
            at = rng.randrange(len(data))
            data[at:at + rng.randrange(3)] = bytes(rng.randrange(256)
                                                   for _ in range(rng.randrange(3)))
        t.process(pid, "p", {3: bytes(data)})
    assert len(t.json()[0]["processes"]) > 100
    parse(t.run("--prometheus"))
    t.gone()


def test_watch_repeats():
    t = small_tree()
    p = subprocess.Popen([SMI, "--root", t.root, "--prometheus", "--watch", "0.05"],
                         stdout=subprocess.PIPE, text=True)
    seen = 0
    for line in p.stdout:
        seen += line.startswith("# TYPE accel_device_info")
        if seen == 3:
            break
    p.terminate()
    p.stdout.close()
    p.wait(timeout=30)
    assert seen == 3
    t.gone()


def main():
    global SMI
    SMI = os.path.abspath(sys.argv[1])
    tests = [(k[5:], v) for k, v in globals().items() if k.startswith("test_")]
    print(f"1..{len(tests)}")
    failed = 0
    for i, (name, test) in enumerate(tests, 1):
        try:
            why = test()
            skip = f" # SKIP {why}" if name == "promtool" and why else ""
            print(f"ok {i} - {name}{skip}", flush=True)
        except Exception:  # pylint: disable=broad-except
            failed += 1
            print(f"not ok {i} - {name}")
            print("".join("# " + x + "\n" for x in traceback.format_exc().splitlines()), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
