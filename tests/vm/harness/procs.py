# SPDX-License-Identifier: MIT
"""Child processes that never outlive the harness."""

import ctypes
import os
import signal
import subprocess

PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None, use_errno=True)
children = []


def bind_to(parent):
    """In the child: die with the harness, also when that is killed outright."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def start(argv, **kwargs):
    """A child in a session of its own, so that an interrupt reaches only the harness."""
    parent = os.getpid()
    child = subprocess.Popen(argv, start_new_session=True, preexec_fn=lambda: bind_to(parent),
                             **kwargs)
    children.append(child)
    return child


def stop(child, grace=2.0):
    """SIGTERM, then SIGKILL to the whole group. Returns the exit status."""
    for sig, wait in ((signal.SIGTERM, grace), (signal.SIGKILL, 5.0)):
        if child.poll() is not None:
            break
        try:
            os.killpg(child.pid, sig)
        except ProcessLookupError:
            pass
        try:
            child.wait(wait)
        except subprocess.TimeoutExpired:
            pass
    if child in children:
        children.remove(child)
    return child.returncode


def stop_all():
    for child in list(children):
        stop(child, 0.5)


def leave(number, _frame):
    raise SystemExit(128 + number)


def exit_on_signals():
    """SIGTERM and SIGHUP end like an interrupt does: `finally` blocks run."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)
