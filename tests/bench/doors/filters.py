"""The filters that are measured, and the load on them."""

import json
import os
import pathlib
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent.parent
PATIENCE = 30  # seconds


class Failure(Exception):
    """A program did not do what it is for; the text says which and what."""


def cpu_of(pid):
    """Seconds that the process has used, and those of its children that have
    ended (and theirs)."""
    stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    ticks = [int(each) for each in stat.rpartition(")")[2].split()[11:15]]
    second = os.sysconf("SC_CLK_TCK")
    return (ticks[0] + ticks[1]) / second, (ticks[2] + ticks[3]) / second


class Filter:
    """A program that listens on a unix socket, until stop()."""

    def __init__(self, name, command, path, ready, log, do_nothing=False):
        self.name, self.socket, self.do_nothing = name, path, do_nothing
        self.log = log
        with open(log, "wb") as out:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )
        deadline = time.monotonic() + PATIENCE
        while not self._is_ready(ready):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.process.kill()
                text = log.read_text(errors="replace")
                raise Failure(f"{name} does not serve:\n{text}")
            time.sleep(0.01)
        os.chmod(path, 0o666)  # Postfix asks, too

    def _is_ready(self, word):
        """Without a word (its log is off): somebody answers."""
        if word:
            return word in self.log.read_bytes()
        with socket.socket(socket.AF_UNIX) as visitor:
            return visitor.connect_ex(str(self.socket)) == 0

    @property
    def pid(self):
        return self.process.pid

    def cpu(self):
        return cpu_of(self.pid)[0]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + PATIENCE
        while self.process.poll() is None and time.monotonic() < deadline:
            self._knock()
            time.sleep(0.01)
        self.process.kill()
        self.process.wait()

    def _knock(self):
        """libmilter looks whether it shall stop when somebody connects."""
        with socket.socket(socket.AF_UNIX) as visitor:
            visitor.setblocking(False)
            try:
                visitor.connect(str(self.socket))
            except OSError:
                pass


class Bench:
    """Programs of one build, on the given cores; a folder for what they
    leave. Ends what it started when it is left."""

    def __init__(self, build, load_cores, filter_cores):
        self.build = pathlib.Path(build).resolve()
        self.load_cores, self.filter_cores = load_cores, filter_cores
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="gatemilter-bench-"))
        self.work.chmod(0o755)
        self.running = []
        self.count = 0
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop_all()
        shutil.rmtree(self.work)

    def path(self, name):
        """A name in the folder that was not there before."""
        self.count += 1
        return self.work / f"{self.count}-{name}"

    def program(self, name):
        return str(self.build / name)

    def start(self, name, command, path, ready=b"ready\n", do_nothing=False):
        pinned = ["taskset", "-c", self.filter_cores, *map(str, command)]
        log = self.path(f"{name}.log")
        started = Filter(name, pinned, path, ready, log, do_nothing)
        self.running.append(started)
        return started

    def door(self, door, policy="ten.rules", settings=(), ready=b" ready on "):
        path = self.path(f"{door}.sock")
        wanted = [
            f'socket "unix:{path}" mode 666',
            f'control "unix:{self.path("control.sock")}"',
            f"door {door}",
            *settings,
        ]
        command = [self.program("gatemilter"), "serve", "-c", HERE / policy]
        for setting in wanted:
            command += ["--set", setting]
        return self.start(f"gatemilter {door}", command, path, ready)

    def unobserved(self, policy="ten.rules"):
        """The native door, with nobody who looks on."""
        path = self.path("unobserved.sock")
        command = [self.program("unobserved"), path, HERE / policy]
        return self.start("unobserved", command, path)

    def floor(self, program, record=None, all_steps=None):
        """Those of libmilter have all steps on without a record; floor_loop,
        if the recorded filter has."""
        if all_steps is None:
            all_steps = record is None
        path = self.path(f"{program}.sock")
        command = [self.program(program), path] + [record] * (record is not None)
        every = " all steps" if all_steps else ""
        return self.start(
            program + every, command, path, do_nothing=program != "floor_loop"
        )

    def record(self, of, mix):
        """What the filter answers to one session of the mix."""
        path = self.path(f"{mix}.record")
        self.load(of, mix, "--record", path)
        return path

    def load_command(self, on, mix, *options):
        command = ["taskset", "-c", self.load_cores, self.program("mta_load")]
        command += ["--socket", on.socket, "--mix", HERE / f"{mix}.mix"]
        command += ["--pid", on.pid, "--json", *options]
        command += ["--do-nothing"] * on.do_nothing
        return [str(word) for word in command]

    def load(self, on, mix, *options):
        done = subprocess.run(
            self.load_command(on, mix, *options), capture_output=True, text=True
        )
        return self.figures(on, mix, done.returncode, done.stdout, done.stderr)

    @staticmethod
    def figures(on, mix, status, out, told):
        if status != 0:
            log = on.log.read_text(errors="replace")[-2000:]
            raise Failure(f"{on.name}, {mix}: {told}\n{log}")
        return json.loads(out)

    def stop(self, which):
        self.running.remove(which)
        which.stop()

    def stop_all(self):
        for each in self.running[:]:
            self.stop(each)
