"""Makes a screenshot's PNG small: 256 colours, well compressed."""

import collections
import os
import struct
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunks(data):
    at = len(SIGNATURE)
    while at < len(data):
        size, = struct.unpack_from("!I", data, at)
        yield data[at + 4:at + 8], data[at + 8:at + 8 + size]
        at += size + 12


def chunk(kind, data):
    return (struct.pack("!I", len(data)) + kind + data +
            struct.pack("!I", zlib.crc32(kind + data)))


def paeth(left, above, corner):
    guess = left + above - corner
    near = (abs(guess - left), abs(guess - above), abs(guess - corner))
    return (left, above, corner)[near.index(min(near))]


def unfilter(kind, row, above, step):
    """A row as it was before the filter (PNG, 9.2)."""
    if kind == 2:
        return bytearray((x + y) & 255 for x, y in zip(row, above))
    if kind:
        for i, value in enumerate(row):
            left = row[i - step] if i >= step else 0
            corner = above[i - step] if i >= step else 0
            guess = (left if kind == 1 else (left + above[i]) // 2
                     if kind == 3 else paeth(left, above[i], corner))
            row[i] = (value + guess) & 255
    return row


def pixels(data):
    """Width, and the rows as lists of (red, green, blue)."""
    parts = list(chunks(data))
    width, _, depth, colour = struct.unpack("!IIBB", parts[0][1][:10])
    assert depth == 8 and colour in (2, 6), "not what Chromium writes"
    step = 3 if colour == 2 else 4
    raw = zlib.decompress(b"".join(d for kind, d in parts if kind == b"IDAT"))
    rows, above, size = [], bytearray(width * step), width * step
    for at in range(0, len(raw), size + 1):
        above = unfilter(raw[at], bytearray(raw[at + 1:at + 1 + size]), above,
                         step)
        rows.append(list(zip(above[0::step], above[1::step], above[2::step])))
    return width, rows


def nearest(colour, palette):
    return min(range(len(palette)), key=lambda i: sum(
        (a - b) ** 2 for a, b in zip(colour, palette[i])))


def pick(counts):
    """256 colours: the most frequent ones that differ from those before."""
    palette = []
    for colour, _ in counts.most_common():
        if len(palette) == 256:
            break
        if not palette or sum(abs(a - b) for a, b in zip(
                colour, palette[nearest(colour, palette)])) > 6:
            palette.append(colour)
    return palette


def shrink(path):
    """The new size in bytes."""
    with open(path, "rb") as file:
        width, rows = pixels(file.read())
    counts = collections.Counter(colour for row in rows for colour in row)
    palette = pick(counts)
    index = {colour: nearest(colour, palette) for colour in counts}
    raw = b"".join(b"\0" + bytes(index[c] for c in row) for row in rows)
    with open(path, "wb") as file:
        file.write(SIGNATURE + chunk(b"IHDR", struct.pack(
            "!IIBBBBB", width, len(rows), 8, 3, 0, 0, 0)) +
            chunk(b"PLTE", bytes(v for c in palette for v in c)) +
            chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND", b""))
    return os.path.getsize(path)
