"""The real binary with a policy of the test, below a folder of the test."""

import json
import os
import resource
import subprocess

import leftovers
from browser import await_true, free_port, open_url
from milter_client import Mta


class Gatemilter:
    """Started and stopped by the test; every start is on the same port."""

    def __init__(self, binary, folder, policy, listen="127.0.0.1"):
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self.milter = os.path.join(folder, "milter.sock")
        self.control = f"unix:{folder}/control.sock"
        self.binary = binary
        self.policy = os.path.join(folder, "policy.rules")
        self._process = None
        self.write("policy.rules",
                   f'set socket "unix:{self.milter}"\n'
                   f'set control "{self.control}"\n'
                   f'set metrics "{listen}:{self.port}"\n{policy}')

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w",
                  encoding="utf-8") as file:
            file.write(text)

    def log(self):
        with open(os.path.join(self.folder, "log"), encoding="utf-8",
                  errors="replace") as file:
            return file.read()

    def start(self):
        with open(os.path.join(self.folder, "log"), "wb") as log:
            self._process = leftovers.start(
                [self.binary, "serve", "-c", "policy.rules"],
                cwd=self.folder, stdout=log,
                stderr=log, stdin=subprocess.DEVNULL,
                restore_signals=False)  # SIGXFSZ stays ignored: see limit_disk
        await_true("gatemilter serves", self._ready)
        return self

    def _ready(self):
        if self._process.poll() is not None:
            raise AssertionError(f"gatemilter has ended:\n{self.log()}")
        return " ready on " in self.log()

    def alive(self):
        return self._process is not None and self._process.poll() is None

    def stop(self):
        """Its exit status; None: it did not run."""
        if self._process is None:
            return None
        self._process.terminate()
        try:
            status = self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        self._process = None
        return status

    def limit_disk(self, most=None):
        """Files end at so many bytes, as if the disk were full."""
        hard = resource.RLIM_INFINITY
        resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE,
                         (hard if most is None else most, hard))

    def mta(self):
        return Mta(self.milter)

    def session(self, address, helo, sender, recipient, headers=None,
                queue_id="", name="", user=""):
        """A whole session: the last verdict."""
        with self.mta() as mta:
            for step in (lambda: mta.connect(address, name),
                         lambda: mta.helo(helo),
                         lambda: mta.mail(sender, user),
                         lambda: mta.rcpt(recipient, queue_id),
                         lambda: mta.message(headers or {}, "Hello\r\n",
                                             queue_id)):
                verdict = step()
                if verdict != "continue":
                    break
            return verdict

    def ask(self, path):
        with open_url(self.url + path, timeout=20) as answer:
            return json.load(answer)
