"""Runs a command, and kills it and all that it started when the test ends.

  guard.py PID COMMAND...

PID is the test. A browser's processes survive the driver that started them, and
some leave its process group: here each of them becomes a child of this process
when its parent ends, and is killed then."""

import ctypes
import os
import signal
import subprocess
import sys

from leftovers import signal_at_death_of

PR_SET_CHILD_SUBREAPER = 36


def children():
    with open(f"/proc/self/task/{os.getpid()}/children",
              encoding="ascii") as file:
        return [int(pid) for pid in file.read().split()]


def kill_all():
    while pids := children():
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def main(test, *command):
    ended = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
    signal.pthread_sigmask(signal.SIG_BLOCK, ended)
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    signal_at_death_of(int(test), signal.SIGTERM)
    child = subprocess.Popen(
        command, preexec_fn=lambda: signal.pthread_sigmask(
            signal.SIG_UNBLOCK, ended))
    while signal.sigwait(ended) == signal.SIGCHLD and child.poll() is None:
        pass
    kill_all()


if __name__ == "__main__":
    main(*sys.argv[1:])
