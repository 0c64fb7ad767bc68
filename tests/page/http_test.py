#!/usr/bin/env python3
"""Attacks on the HTTP server of the real binary, while mail goes on.

  http_test.py GATEMILTER [unittest's arguments]

Nothing here may hinder the page or a session: during each attack sessions are
played, and each gets its verdict."""

import base64
import os
import resource
import socket
import subprocess
import threading
import time
import unittest

import leftovers
import page_case
from browser import await_true
from gatemilter import Gatemilter

IDLE, REQUEST = 10, 30  # seconds, as gatemilter(8) says
SLOW = 5  # seconds: longer than the slowest event on a loaded machine
RULES = """
at rcpt {
  no_relay: reject 554 5.7.1 "Relaying denied" when rcpt.domain != "example.org"
}
"""


class Mail:
    """Sessions, one after the other, until `stop`."""

    def __init__(self, gate):
        self._gate, self._stop = gate, threading.Event()
        self.played, self.slowest, self.faults = 0, 0, []
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        while not self._stop.wait(0.01):
            began = time.monotonic()
            try:
                for recipient, expected in (
                        ("b@elsewhere.example", "554 5.7.1 Relaying denied"),
                        ("b@example.org", "continue")):
                    told = self._gate.session(
                        "203.0.113.1", "mx.example", "a@b.example", recipient)
                    if not told.startswith(expected):
                        self.faults.append(told)
            except OSError as error:
                self.faults.append(repr(error))
            self.played += 1
            self.slowest = max(self.slowest, time.monotonic() - began)

    def stop(self):
        self._stop.set()
        self._thread.join()


class HttpCase(unittest.TestCase):
    password = ""

    def setUp(self):
        temporary = leftovers.folder()
        self.addCleanup(temporary.cleanup)
        settings = ""
        if self.password:
            settings = 'set web-password from "password"\n'
        self.gate = Gatemilter(page_case.binary(), temporary.name,
                               settings + RULES)
        self.gate.write("password", self.password + "\n")
        os.chmod(os.path.join(temporary.name, "password"), 0o600)
        self.addCleanup(self.gate.stop)
        self.gate.start()
        self.mail = Mail(self.gate)
        self.addCleanup(self.mail.stop)
        self.more_mail()

    def tearDown(self):
        self.more_mail()
        self.mail.stop()
        self.assertEqual(self.mail.faults, [])
        self.assertLess(self.mail.slowest, SLOW)
        self.assertTrue(self.gate.alive())
        self.assertEqual(self.gate.stop(), 0)

    def more_mail(self):
        wanted = self.mail.played + 5
        await_true("sessions go on", lambda: self.mail.played >= wanted)

    def connect(self, source="127.0.0.1"):
        connection = socket.create_connection(
            ("127.0.0.1", self.gate.port), 20, (source, 0))
        self.addCleanup(connection.close)
        return connection

    def status(self, path="", password=None, source="127.0.0.1"):
        """Of the answer to GET, with its headers."""
        lines = [f"GET /{path} HTTP/1.1", "Host: localhost",
                 "Connection: close"]
        if password is not None:
            login = base64.b64encode(f"me:{password}".encode()).decode()
            lines.append(f"Authorization: Basic {login}")
        connection = self.connect(source)
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        return self.answer(connection)

    def answer(self, connection):
        """The status, 0: closed without; and all that came."""
        data = b""
        try:
            while more := connection.recv(65536):
                data += more
        except ConnectionResetError:
            pass
        return (int(data.split()[1]) if data else 0), data.decode()

    def page_answers(self):
        began = time.monotonic()
        for path in ("", "api/stats", "metrics"):
            self.assertEqual(self.status(path)[0], 200, path)
        self.assertLess(time.monotonic() - began, SLOW)


class Open(HttpCase):
    def test_too_long_requests_are_refused(self):
        for request in (b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
                        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " +
                        b"y" * 1_000_000 + b"\r\n\r\n",
                        b"GET / HTTP/1.1\r\nHost: localhost\r\n" +
                        b"".join(b"X-%d: y\r\n" % i for i in range(5000)),
                        b"POST /api/stats HTTP/1.1\r\nHost: localhost\r\n"
                        b"Content-Length: 1000000000\r\n\r\n" + b"z" * 100_000):
            connection = self.connect()
            try:
                connection.sendall(request)
            except (ConnectionResetError, BrokenPipeError):
                continue  # not even read to its end
            status = self.answer(connection)[0]
            self.assertTrue(status == 0 or 400 <= status < 500, status)
            self.page_answers()

    def test_slow_requests_are_cut(self):
        slow = [self.connect() for _ in range(50)]
        for connection in slow:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ")
        began = time.monotonic()
        while slow and time.monotonic() < began + REQUEST + 30:
            slow = [one for one in slow if self.drips(one)]
            self.page_answers()
            time.sleep(0.5)
        self.assertEqual(slow, [])
        self.assertGreater(time.monotonic() - began, IDLE)

    def drips(self, connection):
        """One byte more; false: the server has closed."""
        try:
            connection.sendall(b"y")
            connection.setblocking(False)
            return connection.recv(1000) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False
        finally:
            connection.settimeout(20)

    def test_answers_that_nobody_reads_hold_nothing_up(self):
        request = b"GET /chart.js HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100
        for _ in range(50):
            self.connect().sendall(request)
        self.page_answers()
        self.more_mail()

    def test_a_thousand_idle_connections(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE,
                        (soft, hard))
        idle = [self.connect() for _ in range(1000)]
        self.page_answers()
        self.more_mail()
        for connection in idle:  # each is closed in its time
            connection.settimeout(IDLE + 20)
            self.assertEqual(self.answer(connection)[0], 0)
        self.page_answers()


class Guarded(HttpCase):
    password = "correct horse"

    def page_answers(self):
        for path in ("", "api/stats", "metrics"):
            self.assertEqual(self.status(path, self.password)[0], 200, path)

    def test_only_the_right_password_opens(self):
        for path in ("", "app.js", "api/stats", "api/why?q=1", "metrics"):
            status, told = self.status(path)
            self.assertEqual(status, 401, path)
            self.assertIn("WWW-Authenticate: Basic", told)
        self.page_answers()

    def test_a_guesser_waits_and_nobody_else(self):
        guesses = [self.status("", f"guess {i}")[0] for i in range(5)]
        self.assertEqual(guesses, [401] * 5)
        # He waits, a second at first. Where this machine stalls as
        # long, the right password is taken: then he guesses again.
        for _ in range(5):
            for _ in range(200):
                self.assertIn(self.status("", "guess")[0], (401, 429))
            status, told = self.status("", self.password)
            self.assertEqual(
                self.status("", self.password, "127.0.0.2")[0], 200)
            if status == 429:
                break
        self.assertEqual(status, 429)
        self.assertIn("Retry-After: ", told)


class Listening(unittest.TestCase):
    def addresses(self, settings):
        """What `check` says of the policy."""
        with leftovers.folder() as folder:
            gate = Gatemilter(page_case.binary(), folder, settings + RULES,
                              listen="0.0.0.0")
            gate.write("password", "secret\n")
            os.chmod(os.path.join(folder, "password"), 0o600)
            check = subprocess.run(
                [gate.binary, "check", gate.policy], text=True,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
            return check.returncode, check.stdout

    def test_an_open_address_needs_a_password(self):
        status, told = self.addresses("")
        self.assertEqual(status, 1)
        self.assertIn("0.0.0.0 is open to other machines, and there is no "
                      "password", told)
        self.assertEqual(
            self.addresses('set web-password from "password"\n')[0], 0)


if __name__ == "__main__":
    page_case.main()
