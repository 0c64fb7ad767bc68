"""End to end: messages a second of a private Postfix, smtp-source to
discard(8), with each filter behind it. Needs root."""

import os
import pathlib
import signal
import socket
import subprocess
import time

from doors.filters import HERE, PATIENCE, Failure
from doors.sections import LOOP, MESSAGES, NATIVE, POOL, all_filters

ROOT = HERE.parent.parent
CASE = "Postfix, smtp-source -s 16, 10 KB, discard"
NONE = "no milter"


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
    """One that asks the filter on a unix socket, or none."""

    def __init__(self, bench, name, path):
        self.name = name
        self.dir = bench.path("postfix")
        self.port = free_port()
        settings = [
            f"{kind}_transport=discard:" for kind in ("default", "local", "relay")
        ]
        # No pause of a second when mail comes in faster than it goes out.
        settings += ["in_flow_delay=0"]
        if path is not None:
            settings += [f"smtpd_milters=unix:{path}"]
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

    def stop(self):
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait()


def postfix(bench, plan, results):
    """Nothing is pinned: the filter competes with Postfix, as at users'."""
    if os.geteuid() != 0:
        raise Failure("section postfix: needs root to start Postfix")
    everywhere = ",".join(map(str, sorted(os.sched_getaffinity(0))))
    pinned, bench.filter_cores = bench.filter_cores, everywhere
    mtas = []
    try:
        mtas.append(Postfix(bench, NONE, None))
        filters = all_filters(bench, plan, "inbound")
        for each in filters:
            mtas.append(Postfix(bench, each.name, each.socket))
        for mta in mtas:
            mta.send(200)  # warm
        before = [each.ticks() for each in filters]
        for order in plan.rounds(mtas):
            for mta in order:
                results.add(CASE, MESSAGES, mta.name, mta.send(plan.messages))
        for each, ticks in zip(filters, before, strict=True):
            if each.ticks() == ticks:
                raise Failure(f"Postfix did not ask {each.name}")
    finally:
        bench.filter_cores = pinned
        for mta in mtas:
            mta.stop()
        bench.stop_all()
    results.bound_ratio("8", CASE, MESSAGES, NATIVE, LOOP, least=0.95)
    results.bound_ratio("8", CASE, MESSAGES, NATIVE, POOL, least=1)
