"""An MTA's side of the milter protocol, version 6: sessions as a test says."""

import socket
import struct

ACTIONS, STEPS = 0x1ff, 0x1fffff  # what Postfix 3.7 offers
# Command: the step that leaves it out, and the one that makes it unanswered.
UNASKED = {"C": (0x01, 0x1000), "H": (0x02, 0x2000), "M": (0x04, 0x4000),
           "R": (0x08, 0x8000), "T": (0x200, 0x10000), "L": (0x20, 0x80),
           "N": (0x40, 0x40000), "B": (0x10, 0x80000)}
VERDICTS = {"a": "accept", "c": "continue", "d": "discard", "r": "reject",
            "s": "skip", "t": "tempfail", "y": "reply"}
PATIENCE = 20  # seconds


class Hung(Exception):
    """The milter did not answer in time, or hung up."""


def text(value):
    return value.encode() + b"\0"


class Mta:
    """One connection. Each event gives the verdict; of a reply its text."""

    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(PATIENCE)
        self._socket.connect(path)
        self._send("O", struct.pack("!III", 6, ACTIONS, STEPS))
        command, data = self._receive()
        if command != "O":
            raise Hung(f"negotiation was answered by {command}")
        self._steps = struct.unpack("!III", data[:12])[2]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _send(self, command, data=b""):
        self._socket.sendall(struct.pack("!I", len(data) + 1) +
                             command.encode() + data)

    def _read(self, size):
        data = b""
        while len(data) < size:
            more = self._socket.recv(size - len(data))
            if not more:
                raise Hung("the milter hung up")
            data += more
        return data

    def _receive(self):
        size, = struct.unpack("!I", self._read(4))
        data = self._read(size)
        return chr(data[0]), data[1:]

    def _ask(self, command, data=b"", macros=None):
        left_out, unanswered = UNASKED.get(command, (0, 0))
        if self._steps & left_out:
            return "continue"
        if macros:
            pairs = b"".join(text(k) + text(v) for k, v in macros.items())
            self._send("D", command.encode() + pairs)
        self._send(command, data)
        if self._steps & unanswered:
            return "continue"
        while True:
            answer, data = self._receive()
            if answer in VERDICTS:
                break
        return data[:-1].decode() if answer == "y" else VERDICTS[answer]

    def connect(self, address, name="", port=4711):
        family = b"6" if ":" in address else b"4"
        return self._ask("C", text(name or f"[{address}]") + family +
                         struct.pack("!H", port) + text(address),
                         {"j": "mail.example.org", "v": "Postfix 3.7.11",
                          "_": f"{name or 'unknown'} [{address}]",
                          "{client_name}": name or "unknown",
                          "{client_addr}": address, "{client_ptr}": name})

    def helo(self, name, tls=""):
        return self._ask("H", text(name), {"{tls_version}": tls} if tls else {})

    def mail(self, sender, user=""):
        login = {"{auth_type}": "PLAIN", "{auth_authen}": user} if user else {}
        return self._ask("M", text(f"<{sender}>"), {
            "{mail_addr}": sender, "{mail_host}": "", "{mail_mailer}": "smtp",
            **login})

    def rcpt(self, recipient, queue_id=""):
        macros = {"{rcpt_addr}": recipient, "{rcpt_mailer}": "smtp"}
        if queue_id:
            macros["i"] = queue_id
        return self._ask("R", text(f"<{recipient}>"), macros)

    def message(self, headers, body="Hello\r\n", queue_id=""):
        """From DATA to the end: the first verdict that is not `continue`."""
        queue = {"i": queue_id} if queue_id else None
        events = [("T", b"", queue)]
        events += [("L", text(k) + text(v), None) for k, v in headers.items()]
        events += [("N", b"", queue), ("B", body.encode(), None),
                   ("E", b"", queue)]
        for event in events:
            verdict = self._ask(*event)
            if verdict not in ("continue", "skip"):
                return verdict
        return "continue"

    def close(self):
        try:
            self._send("Q")
        except OSError:
            pass
        self._socket.close()
