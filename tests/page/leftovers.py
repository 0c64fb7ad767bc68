"""Processes and folders of a test: they end with it, however it ends."""

import atexit
import ctypes
import os
import signal
import subprocess
import sys
import tempfile

_GUARD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "guard.py")
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)
_started = []


def folder():
    """A TemporaryDirectory. Its name has the id of this process: what a killed
    test left can be told from what is in use."""
    made = tempfile.TemporaryDirectory(prefix=f"gatemilter-page-{os.getpid()}-")
    atexit.register(_end_all)  # before the folder goes
    return made


def signal_at_death_of(parent, number):
    """What a new process calls: it gets the signal when `parent` ends. (The
    kernel means the thread that started it: let that be the main one.)"""
    _libc.prctl(_PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        os._exit(1)


def start(command, **options):
    """A Popen that is killed when this process ends."""
    parent = os.getpid()
    process = subprocess.Popen(
        command, preexec_fn=lambda: signal_at_death_of(parent, signal.SIGKILL),
        **options)
    _started.append(process)
    return process


def start_guarded(command, **options):
    """The same for a command that starts others: `end` ends all of them."""
    process = subprocess.Popen(
        [sys.executable, "-B", _GUARD, str(os.getpid()), *command], **options)
    _started.append(process)
    return process


def end(process):
    """Ends what start_guarded started, and waits until it is gone."""
    process.terminate()
    process.wait()


def _end_all():
    for process in _started:
        if process.poll() is None:
            end(process)


def on_signals():
    """They end the test as Ctrl-C does: what it started goes."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
