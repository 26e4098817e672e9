# SPDX-License-Identifier: MIT
"""User-mode Linux of the backports' kernel source with driver/ linked into it, built once.

  .cache/uml/linux-KEY    the source, keyed by the shared tree that it links to
  .cache/uml/VARIANT-KEY  a build folder (O=) of it

The source is that of tests/vm/source. A build folder is used by one
process at a time (flock); after an edit of driver/ kbuild compiles what changed.
"""

import contextlib
import fcntl
import hashlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[1]
CACHE = pathlib.Path(os.environ.get("UML_CACHE", TOP / ".cache/uml"))
DRIVER = pathlib.Path(os.environ.get("UML_DRIVER", TOP / "driver"))
BUILD_TIMEOUT = 7200
PROGRESS_SECONDS = 30

# What a build folder is configured with; `module` has the driver as a module, for the fast loop.
VARIANTS = {
    "kunit": ["uml.config"],
    "kasan": ["uml.config", "kasan.config"],
    "module": ["uml.config"],
    "kasan-module": ["uml.config", "kasan.config"],
}
# UML's allocator cannot have its own poison and KASAN's at once.
KASAN_ARGS = ["slab_debug=-"]
# Whose objects are mostly equal, if it is built.
SEEDS = {"module": "kunit", "kasan-module": "kasan"}


class Failed(Exception):
    """The message says what failed and what to look at."""


def say(text):
    print("# " + text, file=sys.stderr, flush=True)


def _progress(log, start):
    """A line for who waits: how long, and what the log's last line is."""
    lines = log.read_text(errors="replace").splitlines() or [""]
    say("%d s, %d lines in %s: %s" % (time.monotonic() - start, len(lines), log, lines[-1].strip()))


def run(cmd, log, timeout, **kw):
    """Runs cmd into the file log; Failed with the log's end. Says every half minute how far it is."""
    start = time.monotonic()
    with open(log, "w") as out:
        child = subprocess.Popen(cmd, stdin=subprocess.DEVNULL, stdout=out,
                                 stderr=subprocess.STDOUT, start_new_session=True, **kw)
        try:
            code = None
            while code is None:
                try:
                    code = child.wait(min(PROGRESS_SECONDS, max(0.0, start + timeout - time.monotonic())))
                except subprocess.TimeoutExpired:
                    if time.monotonic() >= start + timeout:
                        code = "none after %d s" % timeout
                    else:
                        _progress(pathlib.Path(log), start)
        finally:
            # With all its children, also when this process is interrupted.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
    if code:
        tail = open(log, errors="replace").read()[-6000:]
        raise Failed("%s: exit code %s; all of it in %s\n%s" %
                     (" ".join(map(str, cmd)), code, log, tail))


@contextlib.contextmanager
def locked(path):
    """Holds the lock file path; whoever waits says so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another run that holds %s" % path)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _edit(path, text):
    """Replaces a file that is a hard link to the shared tree's."""
    tmp = path.with_name(path.name + ".new")
    tmp.write_text(text)
    tmp.rename(path)


def _link_driver(tree):
    """One line each in Kconfig and Makefile of drivers/accel, and the folder itself."""
    accel = tree / "drivers/accel"
    line = 'source "drivers/accel/intaglio/Kconfig"\n'
    text = (accel / "Kconfig").read_text()
    if line not in text:
        head, end, tail = text.rpartition("\nendif")
        if not end:
            raise Failed("%s/Kconfig does not end as expected" % accel)
        _edit(accel / "Kconfig", head.rstrip("\n") + "\n" + line + end + tail)
    line = "obj-$(CONFIG_DRM_ACCEL_INTAGLIO)\t+= intaglio/\n"
    text = (accel / "Makefile").read_text()
    if line not in text:
        # Some releases end this file without a newline.
        _edit(accel / "Makefile", text.rstrip("\n") + "\n" + line)
    link = accel / "intaglio"
    if not link.is_symlink() or os.readlink(link) != str(DRIVER):
        link.unlink(missing_ok=True)
        link.symlink_to(DRIVER)


def source():
    """Path of the kernel source with the driver in it: hard links to the shared tree."""
    shared = subprocess.run([TOP / "tests/vm/source", "7.x"], stdout=subprocess.PIPE, text=True)
    if shared.returncode:
        raise Failed("tests/vm/source failed: no kernel source")
    shared = pathlib.Path(shared.stdout.strip().splitlines()[-1])
    # Another driver gets a tree of its own: the link in it is everybody's.
    seed = shared.name + (str(DRIVER) if "UML_DRIVER" in os.environ else "")
    key = hashlib.sha256(seed.encode()).hexdigest()[:10]
    tree = CACHE / ("linux-" + key)
    with locked(CACHE / "source.lock"):
        if not tree.exists():
            tmp = CACHE / "linux.tmp"
            shutil.rmtree(tmp, ignore_errors=True)
            tmp.parent.mkdir(parents=True, exist_ok=True)
            run(["cp", "-al", shared, tmp], CACHE / "source.log", 600)
            tmp.rename(tree)
        _link_driver(tree)
    return tree


class Build:
    """A build folder, to be used inside `with`, which holds its lock."""

    def __init__(self, variant="kunit", folder=None):
        self.variant = variant
        self.source = source()
        self.folder = pathlib.Path(folder).resolve() if folder else \
            CACHE / ("%s-%s" % (variant, self.source.name.partition("-")[2]))
        self._lock = contextlib.ExitStack()

    def __enter__(self):
        self._lock.enter_context(locked(self.folder.with_name(self.folder.name + ".lock")))
        if not (self.folder / "linux").exists():
            self._seed()
        return self

    def __exit__(self, *exc):
        self._lock.close()

    def _seed(self):
        """Starts from the folder of the KUnit kernel if that is built."""
        seed = SEEDS.get(self.variant, self.variant)
        other = CACHE / ("%s-%s" % (seed, self.source.name.partition("-")[2]))
        if other != self.folder and other.exists():
            # One that is being built is waited for.
            with locked(other.with_name(other.name + ".lock")):
                if (other / "linux").exists():
                    say("starting from a copy of %s" % other)
                    shutil.copytree(other, self.folder, symlinks=True, dirs_exist_ok=True)
                    return
        self.folder.mkdir(parents=True, exist_ok=True)
        say("building the UML kernel once; some minutes")

    def configs(self):
        """The Kconfig fragments, the driver's last."""
        paths = [HERE / name for name in VARIANTS[self.variant]]
        driver = DRIVER / ".kunitconfig"
        if not driver.exists():
            raise Failed("%s is missing" % driver)
        if not self.variant.endswith("module"):
            return paths + [driver]
        # The same options, the driver as a module and without its tests.
        text = driver.read_text().replace("CONFIG_DRM_ACCEL_INTAGLIO=y",
                                          "CONFIG_DRM_ACCEL_INTAGLIO=m")
        text = "".join(line for line in text.splitlines(True) if "KUNIT_TEST=" not in line)
        path = self.folder / "module.config"
        path.write_text(text)
        return paths + [path]

    def kunit(self, *args):
        """kunit.py's command line."""
        tool = [sys.executable, "tools/testing/kunit/kunit.py", args[0], "--build_dir", self.folder]
        for path in self.configs():
            tool += ["--kunitconfig", path]
        return tool + list(args[1:])

    def build(self):
        """Configures, if something about that changed, and compiles; seconds it took."""
        start = time.monotonic()
        env = dict(os.environ, KBUILD_BUILD_TIMESTAMP="@0")
        log = self.folder / "build.log"
        config = hashlib.sha256()
        for path in [*self.configs(), DRIVER / "Kconfig"]:
            config.update(path.read_bytes())
        # Objects of another tree's driver may be newer than this one's sources.
        built = self.folder / "driver-tree"
        if not built.exists() or built.read_text() != str(DRIVER.resolve()):
            shutil.rmtree(self.folder / "drivers/accel/intaglio", ignore_errors=True)
            built.write_text(str(DRIVER.resolve()))
        done = self.folder / "configured"
        if not done.exists() or done.read_text() != config.hexdigest():
            run(self.kunit("config"), log, 300, cwd=self.source, env=env)
        run(["make", "ARCH=um", "O=%s" % self.folder, "--jobs=%d" % (os.cpu_count() or 1)], log,
            BUILD_TIMEOUT, cwd=self.source, env=env)
        done.write_text(config.hexdigest())
        return time.monotonic() - start
