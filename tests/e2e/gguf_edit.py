#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A copy of a GGUF file with other keys: gguf_edit.py IN OUT KEY=TYPE:VALUE...

TYPE is str (Python escapes are bytes: \\xff) or u32; without =TYPE:VALUE the key is removed. A key
that is not there is added.
"""

import struct
import sys

SIZE = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
STRING, ARRAY, U32 = 8, 9, 4


def skip(d, at, kind):
    """Offset behind a value."""
    if kind == STRING:
        return at + 8 + struct.unpack_from("<Q", d, at)[0]
    if kind == ARRAY:
        kind, n = struct.unpack_from("<IQ", d, at)
        at += 12
        if kind != STRING:
            return at + n * SIZE[kind]
        for _ in range(n):
            at = skip(d, at, STRING)
        return at
    return at + SIZE[kind]


def string(b):
    return struct.pack("<Q", len(b)) + b


def encode(text):
    kind, value = text.split(":", 1)
    if kind == "u32":
        return struct.pack("<II", U32, int(value))
    return struct.pack("<I", STRING) + string(value.encode().decode("unicode_escape")
                                              .encode("latin-1"))


def main():
    d = open(sys.argv[1], "rb").read()
    tensors, n = struct.unpack_from("<QQ", d, 8)
    at, keys, alignment = 24, {}, 32
    for _ in range(n):
        end = skip(d, at, STRING)
        name = d[at + 8:end]
        at = skip(d, end + 4, struct.unpack_from("<I", d, end)[0])
        keys[name] = d[end:at]
        if name == b"general.alignment":
            alignment = struct.unpack_from("<I", d, end + 4)[0]
    infos = at
    for _ in range(tensors):
        at = skip(d, at, STRING)
        at += 4 + 8 * struct.unpack_from("<I", d, at)[0] + 12
    for change in sys.argv[3:]:
        key, _, value = change.partition("=")
        keys.pop(key.encode(), None)
        if value:
            keys[key.encode()] = encode(value)
    out = d[:16] + struct.pack("<Q", len(keys))
    out += b"".join(string(k) + v for k, v in keys.items()) + d[infos:at]
    out += bytes(-len(out) % alignment) + d[at + -at % alignment:]
    open(sys.argv[2], "wb").write(out)


if __name__ == "__main__":
    main()
