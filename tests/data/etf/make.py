#!/usr/bin/env python3
"""Writes the .etf files of this folder from ../events: a gateway payload of at most 1 KiB for each of 50 events.

NAME.binary.etf has binary keys and ids as strings; NAME.atom.etf atom keys, ids as integers and floats in text form (tag 99) now and then.
The encoder is Python's alone, so that the files are not what the library itself would write.
"""
import json, pathlib, re, struct

HERE = pathlib.Path(__file__).parent
ID = re.compile(r"[1-9][0-9]{14,19}\Z")


def atom(name):
    data = name.encode()
    return bytes((119, len(data))) + data


def binary(text):
    data = text.encode()
    return b"m" + struct.pack(">I", len(data)) + data


def integer(n):
    if 0 <= n < 256:
        return bytes((97, n))
    if -(2**31) <= n < 2**31:
        return b"b" + struct.pack(">i", n)
    size = (abs(n).bit_length() + 7) // 8
    return bytes((110, size, n < 0)) + abs(n).to_bytes(size, "little")


def encode(value, atoms):
    if value is None or isinstance(value, bool):
        return atom({None: "nil", True: "true", False: "false"}[value])
    if isinstance(value, int):
        return integer(value)
    if isinstance(value, float):
        return b"c" + ("%.20e" % value).encode().ljust(31, b"\0") if atoms else b"F" + struct.pack(">d", value)
    if isinstance(value, str):
        return integer(int(value)) if atoms and ID.match(value) else binary(value)
    if isinstance(value, list):
        if not value:
            return b"j"
        return b"l" + struct.pack(">I", len(value)) + b"".join(encode(v, atoms) for v in value) + b"j"
    key = atom if atoms else binary
    return b"t" + struct.pack(">I", len(value)) + b"".join(key(k) + encode(v, atoms) for k, v in value.items())


def main():
    made = 0
    for path in sorted((HERE / ".." / "events").glob("*.json")):
        samples = json.loads(path.read_text())
        for sample in samples if isinstance(samples, list) else [samples]:
            atoms = made % 2 == 1
            payload = {"op": 0, "s": made, "t": path.stem, "d": sample}
            data = b"\x83" + encode(payload, atoms)
            if len(data) <= 1024 and made < 50:
                (HERE / f"{path.stem}.{'atom' if atoms else 'binary'}.etf").write_bytes(data)
                made += 1
                break


main()
