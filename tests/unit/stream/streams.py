"""Writes a zlib stream and the payloads that it holds, made by Python's zlib, for the inflater's differential test.

usage: streams.py SEED COUNT FILE
FILE: for each payload a 4-byte big-endian length and its bytes, then the length 0, then the stream to the end of the file.
"""
import random
import struct
import sys
import zlib


def payload(rng):
    kind = rng.randrange(10)
    if kind == 0:
        return rng.randbytes(rng.randrange(1, 3000))
    if kind == 1:
        return b"\0\0\xff\xff" * rng.randrange(1, 50)
    if kind == 2:
        return bytes([rng.randrange(256)]) * rng.randrange(1, 200000)
    if kind == 3:
        return rng.randbytes(rng.randrange(1, 40)) + b"\0\0\xff\xff"
    return b"".join(rng.choice((b'{"id":"', b'","t":', b"null", b"\x83t\0\0\0", str(rng.random()).encode())) for _ in range(rng.randrange(1, 200)))


def main():
    rng = random.Random(int(sys.argv[1]))
    payloads = [payload(rng) for _ in range(int(sys.argv[2]))]
    compressor = zlib.compressobj(rng.randrange(0, 10), zlib.DEFLATED, 15, rng.randrange(1, 10), rng.randrange(0, 5))
    stream = b""
    for p in payloads:
        stream += compressor.compress(p) + compressor.flush(zlib.Z_FULL_FLUSH if rng.randrange(20) == 0 else zlib.Z_SYNC_FLUSH)
    with open(sys.argv[3], "wb") as out:
        for p in payloads:
            out.write(struct.pack(">I", len(p)) + p)
        out.write(struct.pack(">I", 0) + stream)


main()
