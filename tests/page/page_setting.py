"""What the tests of the page begin with: a policy, and mail that it decides."""

import os

import leftovers
from browser import Browser
from gatemilter import Gatemilter

SCRIPT = "<script>alert(1)</script>"
IMAGE = '"><img src=x onerror=alert(1)>'
TURNED = "\u202egro.elpmaxe"  # shown from right to left it ends in example.org
LONG = "x" * 240

RULES = """
list our_domains domains { .example.org }
list blocked networks from "blocked.networks"
list subjects strings from "<b>bad<i>.strings"
limit per_client 5/hour per client.network counting recipients

at connect {
  blocked_network: reject 554 5.7.1 "Blocked network: {client.ip}"
                   when client.ip in blocked
}
at mail {
  markup_helo:  reject 550 5.7.1 "No mail from {helo}" when helo ~ /script/
  shadow bare_helo: reject 550 5.5.2 "HELO needs a full host name"
                when helo !~ /[.:]/
  never_holds:  reject 550 5.7.1 "No" when sender.domain == "none.example"
}
at rcpt {
  too_fast:     defer 451 4.7.1 "Wait: {limit.used} of {limit.allowed}"
                when over per_client
  no_relay:     reject 554 5.7.1 "Relaying denied"
                when rcpt.domain not in our_domains
}
at headers {
  bad_subject:  reject 550 5.7.1 "Not {header[\\"Subject\\"]}"
                when header["Subject"] in subjects
}
"""


class Setting:
    """Gatemilter and a browser, and the references of what was refused."""

    def __init__(self, binary, settings="", rules=RULES):
        self._temporary = leftovers.folder()
        self.folder = self._temporary.name
        for name in ("journal", "state", "browser"):
            os.mkdir(os.path.join(self.folder, name))
        self.gate = Gatemilter(
            binary, self.folder,
            f'set journal "{self.folder}/journal" keep 1d max 64MiB\n'
            f'set state "{self.folder}/state"\n{settings}{rules}')
        self.gate.write("blocked.networks", "# known\n192.0.2.0/24\n"
                        "198.51.100.0/24\n")
        self.gate.write("<b>bad<i>.strings", IMAGE + "\n")
        self.browser = None

    def open(self):
        self.gate.start()
        self.browser = Browser(os.path.join(self.folder, "browser"))
        return self

    def close(self):
        if self.browser:
            self.browser.close()
        status = self.gate.stop()
        self._temporary.cleanup()
        if status not in (0, None):
            raise AssertionError(f"gatemilter ended with {status}")

    def play(self):
        """A refusal of each rule: {rule: reference}."""
        session = self.gate.session
        told = {
            "blocked_network": session("198.51.100.9", "mx.spam.example",
                                       "a@spam.example", "b@example.org"),
            "markup_helo": session("203.0.113.1", SCRIPT, "a@spam.example",
                                   "b@example.org"),
            "no_relay": session("203.0.113.2", "mx.spam.example",
                                f"{LONG}@{LONG[:60]}.example",
                                f"{TURNED}@elsewhere.example"),
            "bad_subject": session("203.0.113.3", "mx.spam.example",
                                   f'"<img src=x>{TURNED}"@spam.example',
                                   "b@example.org", {"Subject": IMAGE},
                                   queue_id="4F2Qz71"),
        }
        session("203.0.113.6", "mx.spam.example", "a@spam.example",
                "b@example.org", {"Subject": IMAGE}, queue_id="4F<i>x</i>")
        session("203.0.113.4", "laptop", "a@spam.example", "b@example.org")
        with self.gate.mta() as mta:
            mta.connect("203.0.113.5")
            mta.helo("mx.fast.example")
            mta.mail("a@fast.example")
            for i in range(6):
                told["too_fast"] = mta.rcpt(f"u{i}@example.org")
        return {rule: text[text.rindex("[") + 1:-1]
                for rule, text in told.items()}
