"""End to end: messages a second of a private Postfix, smtp-source to
discard(8), with each filter behind it. Needs root."""

import os
import pathlib
import signal
import socket
import subprocess
import time

from doors.filters import HERE, PATIENCE, Failure, cpu_of
from doors.sections import (
    LOOP, MESSAGES, NATIVE, POOL, THREADS, all_filters,
)

ROOT = HERE.parent.parent
CASE = "Postfix, smtp-source -s 16, 10 KB, discard"
NONE = "no milter"
MTA_CPU = "CPU of Postfix, µs a message"
FILTER_CPU = "CPU of the filter, µs a message"
IDLE = "idle, µs a message"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def smtp_source():
    """The command, and the environment that it needs."""
    tree = ROOT / "build/mta/postfix"
    if pathlib.Path("/usr/lib/postfix/sbin/master").exists():
        tree = pathlib.Path("/")
    program = tree / "usr/sbin/smtp-source"
    if not program.exists():
        raise Failure(f"no {program}: sudo contrib/deps --mta")
    machine = os.uname().machine
    folders = ("usr/lib/postfix", f"usr/lib/{machine}-linux-gnu")
    libraries = ":".join(str(tree / folder) for folder in folders)
    environment = dict(os.environ, LD_LIBRARY_PATH=libraries)
    return str(program), environment


class Postfix:
    """One that asks the filter, or none."""

    def __init__(self, bench, asked):
        self.asked = asked
        self.name = asked.name if asked else NONE
        self.dir = bench.path("postfix")
        self.port = free_port()
        settings = [
            f"{kind}_transport=discard:" for kind in ("default", "local", "relay")
        ]
        # No pause of a second when mail comes in faster than it goes out.
        settings += ["in_flow_delay=0"]
        if asked:
            settings += [f"smtpd_milters=unix:{asked.socket}"]
        command = [ROOT / "tests/mta/private-postfix", "--no-milter"]
        command += [self.dir, self.port, *settings]
        self.log = bench.path("postfix.log")
        with open(self.log, "wb") as out:
            self.process = subprocess.Popen(
                [str(word) for word in command], stdin=subprocess.DEVNULL,
                stdout=out, stderr=out, start_new_session=True,
            )
        self._await("does not serve", self._answers)

    def _answers(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def _await(self, what, condition):
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if self.process.poll() is not None or time.monotonic() > deadline:
                text = self.log.read_text(errors="replace")
                raise Failure(f"Postfix, {self.name}: {what}\n{text}")
            time.sleep(0.02)

    def _empty(self):
        folders = ("incoming", "active")
        return not any(
            any((self.dir / "queue" / folder).iterdir()) for folder in folders
        )

    def send(self, messages):
        """Messages a second; the queue is empty afterwards."""
        program, environment = smtp_source()
        command = [program, "-s", "16", "-l", "10240", "-m", str(messages)]
        command += ["-f", "news@news.example", "-t", "bob@example.org"]
        command += [f"127.0.0.1:{self.port}"]
        begin = time.monotonic()
        done = subprocess.run(command, env=environment, capture_output=True,
                              text=True)
        seconds = time.monotonic() - begin
        if done.returncode != 0 or done.stderr:
            raise Failure(f"smtp-source, {self.name}: {done.stderr}")
        self._await("the queue does not empty", self._empty)
        return messages / seconds

    def cpu(self):
        """Seconds that all of it has used: master(8), and what it started."""
        master = self.process.pid
        seconds = sum(cpu_of(master))
        children = pathlib.Path(f"/proc/{master}/task/{master}/children")
        for child in children.read_text().split():
            try:
                seconds += cpu_of(child)[0]
            except FileNotFoundError:
                pass  # has ended since: the next one counts it
        return seconds

    def stop(self):
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait()


def idle():
    """Seconds that all processors together had nothing to do."""
    fields = pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()
    return (int(fields[4]) + int(fields[5])) / os.sysconf("SC_CLK_TCK")


def take_messages(results, mta, messages):
    before = mta.cpu(), mta.asked.cpu() if mta.asked else 0
    rested = idle()
    results.add(CASE, MESSAGES, mta.name, mta.send(messages))
    results.add(CASE, IDLE, mta.name, (idle() - rested) / messages * 1e6)
    used = (mta.cpu() - before[0]) / messages * 1e6
    results.add(CASE, MTA_CPU, mta.name, used)
    if not mta.asked:
        return
    used = (mta.asked.cpu() - before[1]) / messages * 1e6
    if used == 0:
        raise Failure(f"Postfix did not ask {mta.name}")
    results.add(CASE, FILTER_CPU, mta.name, used)


def postfix(bench, plan, results):
    """Nothing is pinned: the filter competes with Postfix, as at users'."""
    if os.geteuid() != 0:
        raise Failure("section postfix: needs root to start Postfix")
    everywhere = ",".join(map(str, sorted(os.sched_getaffinity(0))))
    pinned, bench.filter_cores = bench.filter_cores, everywhere
    mtas = []
    try:
        filters = all_filters(bench, plan, "inbound")
        every = bench.record(filters[-1], "inbound")
        filters.append(bench.floor(LOOP, every, all_steps=True))
        filters.append(bench.floor(THREADS))
        for each in [None, *filters]:
            mtas.append(Postfix(bench, each))
        for mta in mtas:
            mta.send(200)  # warm
        for order in plan.rounds(mtas):
            for mta in order:
                take_messages(results, mta, plan.messages)
    finally:
        bench.filter_cores = pinned
        for mta in mtas:
            mta.stop()
        bench.stop_all()
    results.bound_ratio("8", CASE, MESSAGES, NATIVE, LOOP, least=0.95)
    results.bound_ratio("8", CASE, MESSAGES, NATIVE, POOL, least=1)
