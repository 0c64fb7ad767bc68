"""A made-up day of a mail server, as the file in the folder of `set state`
keeps it (proto/state.proto), and some mail of its last minutes."""

import math
import random
import time
import zlib

STAGES = ("connect", "helo", "mail", "rcpt", "data", "headers", "message")
ACTIONS = ("accept", "reject", "defer", "discard", "quarantine", "add", "set",
           "remove", "log", "ban")
# Of every 100 refusals; stage, rule, action, shadow, share, what its course
# has: a "wave" comes and goes, "office" hours, "bursts", "steady".
COURSES = (
    ("connect", "blocked_network", "reject", False, 34, "steady"),
    ("connect", "too_many", "defer", False, 15, "bursts"),
    ("mail", "forged_helo", "reject", False, 9, "wave"),
    ("mail", "bare_helo", "reject", True, 13, "steady"),
    ("mail", "disposable", "reject", False, 7, "office"),
    ("rcpt", "no_relay", "reject", False, 26, "wave"),
    ("rcpt", "user_too_fast", "defer", False, 3, "office"),
    ("headers", "one_from", "reject", False, 2, "office"),
    ("message", "tag_bulk", "add", False, 22, "office"),
)
TOPS = {
    "client": (("198.51.100.23", 31), ("198.51.100.77", 22),
               ("203.0.113.41", 13), ("2001:db8:bad:7::/64", 9),
               ("203.0.113.90", 6), ("203.0.113.18", 4)),
    "sender": (("spam.example", 27), ("eu.mailinator.example", 16),
               ("bulk.news.example", 9), ("tempmail.example", 6),
               ("bank-login.example", 5)),
    "rcpt": (("elsewhere.example", 24), ("example.org", 19),
             ("freemail.example", 8), ("example.net", 5)),
    "user": (("bob", 2), ("scanner", 1)),
    "rule": (),
}


def varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def field(number, value):
    """Of a protobuf message: a number, or bytes, text, another message."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value) if value else b""
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def course(draw, kind, share, minute):
    """About how many in this minute; a day has 1,440 of them."""
    hour = minute / 60 % 24
    weight = {
        "steady": 1.0,
        "office": 0.15 + 1.6 * max(0.0, math.sin((hour - 6) / 14 * math.pi)),
        "wave": 0.35 + 1.3 * (1 + math.sin(minute / 97 + share)) / 2,
        "bursts": 5.0 if math.sin(minute / 23 + share) > 0.93 else 0.25,
    }[kind]
    mean = share * weight * (0.75 + 0.5 * draw.random()) / 9
    whole = int(mean)
    return whole + (draw.random() < mean - whole)


def tally(draw, kind, share, now):
    """A Tally of the 24 hours until `now` (in minutes)."""
    counts = [course(draw, kind, share, now - 1439 + i) for i in range(1440)]
    in_ten = now % 10 + 1  # the ten minutes under way
    ends = [1440 - in_ten - 10 * i for i in range(143)]
    tens = [sum(counts[max(0, end - 10):end]) for end in reversed(ends)]
    tens.append(sum(counts[1440 - in_ten:]))
    minutes = counts[-60:]
    return (field(1, sum(tens) * 9) + field(2, sum(minutes)) +
            field(3, sum(tens)) + field(4, now * 60_000_000) +
            field(5, b"".join(varint(n) for n in minutes)) +
            field(6, b"".join(varint(n) for n in tens)))


def histogram(total, bounds=((5, 41), (10, 38), (20, 15), (50, 5), (100, 1))):
    parts = [(up_to, total * share // 100) for up_to, share in bounds]
    return (b"".join(field(1, field(1, up_to) + field(2, count))
                     for up_to, count in parts) +
            field(2, sum(up_to * count for up_to, count in parts)))


def statistics(draw, now):
    rules = [field(1, field(1, STAGES.index(stage) + 1) + field(2, rule) +
                   field(3, ACTIONS.index(action) + 1) +
                   field(4, int(shadow)) + field(5, 1) +
                   field(6, tally(draw, kind, share, now)))
             for stage, rule, action, shadow, share, kind in COURSES]
    counters = [field(3, field(1, name) + field(2, tally(draw, kind, share,
                                                         now)))
                for name, share, kind in (("connections", 300, "office"),
                                          ("messages", 170, "office"),
                                          ("recipients", 260, "office"))]
    events = [field(4, histogram(total * 1000))
              for total in (410, 400, 330, 350, 0, 240, 230)]
    return b"".join(rules + counters + events) + field(6, now * 60_000_000)


def top_slices(draw, now):
    slices = []
    for period, length, many, scale in (("hour", 10, 7, 1), ("day", 60, 25, 6)):
        for number in range(now // length - many + 1, now // length + 1):
            sketches = b""
            for kind, keys in TOPS.items():
                found = sorted(((int(share * scale * (0.6 + draw.random())),
                                 key) for key, share in keys), reverse=True)
                sketches += field(3, field(1, kind) + b"".join(
                    field(2, field(1, key) + field(2, count))
                    for count, key in found if count))
            slices.append(field(2, field(1, period) + field(2, number) +
                                sketches))
    return b"".join(slices)


def state(seed=7):
    """The bytes of the file."""
    draw = random.Random(seed)
    now = int(time.time() // 60)
    data = (field(1, statistics(draw, now)) + top_slices(draw, now) +
            field(3, int(time.time() * 1_000_000)))
    return b"gatemilter state 1\n%08x\n" % zlib.crc32(data) + data


# Sessions of the last minutes: client, its name, HELO, sender, recipient, user,
# Subject.
MAIL = (
    ("203.0.113.5", "mx.partner.example", "mx.partner.example",
     "anna@partner.example", "bob@example.org", "", "Minutes of Monday"),
    ("198.51.100.23", "", "mx.spam.example", "win@spam.example",
     "bob@example.org", "", ""),
    ("203.0.113.41", "", "mail.example.org", "it@bank-login.example",
     "carol@example.org", "", ""),
    ("203.0.113.90", "", "laptop", "a@sender.example", "bob@example.org", "",
     "Re: lunch"),
    ("203.0.113.18", "host18.pool.example", "host18.pool.example",
     "a@spam.example", "b@elsewhere.example", "", ""),
    ("203.0.113.27", "mx.news.example", "mx.news.example",
     "letter@bulk.news.example", "dave@example.net", "", "Our offers"),
    ("2001:db8:bad:7::1", "", "mx.spam.example", "x@spam.example",
     "bob@example.org", "", ""),
    ("203.0.113.61", "out.tempmail.example", "out.tempmail.example",
     "qz81@eu.mailinator.example", "carol@example.org", "", ""),
)
