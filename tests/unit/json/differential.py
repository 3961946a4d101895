"""Random JSON values through hemera-etf, against Python's json and a printer of Erlang's text after OTP's rules.

usage: differential.py HEMERA_ETF JSON_VERDICT COUNT [SEED]

Prints TAP. Values: COUNT of them from JSON to ETF and back, and to text; and COUNT mutated texts, of which Python and we must refuse
the same ones. A failure prints the seed and the value.
"""
import json
import math
import os
import random
import struct
import subprocess
import sys

PROGRAM, VERDICT, COUNT = sys.argv[1], sys.argv[2], int(sys.argv[3])
SEED = int(sys.argv[4]) if len(sys.argv) > 4 else random.SystemRandom().randrange(1 << 32)
rng = random.Random(SEED)
tests = failures = 0
if hasattr(sys, "set_int_max_str_digits"):
    sys.set_int_max_str_digits(0)


def ok(good, name, detail=""):
    global tests, failures
    tests += 1
    failures += not good
    print(f"{'ok' if good else 'not ok'} {tests} {name}")
    if not good:
        print(f"# seed {SEED} {detail}"[:2000])


# ---- values ---------------------------------------------------------------------------------------------------------------------------

ALPHABETS = ["abcxyz_019", "\0\1\b\t\n\f\r\x1f\x7f\"\\/", "äßéñ", "日本語אבג", "😀🦊𝓒\U0010ffff", "\ud7ff\ue000\ufffd\uffff"]


def random_text():
    kind = rng.randrange(8)
    if kind == 0:
        return ""
    if kind < 5:
        return "".join(rng.choice(ALPHABETS[0]) for _ in range(rng.randrange(1, 12)))
    return "".join(rng.choice(rng.choice(ALPHABETS)) for _ in range(rng.randrange(1, 20)))


def random_integer():
    kind = rng.randrange(6)
    if kind == 0:
        return rng.randrange(-300, 300)
    if kind == 1:
        return rng.choice((-1, 1)) * (1 << rng.randrange(0, 130)) + rng.randrange(-2, 3)
    if kind == 2:
        return rng.choice((-1, 1)) * 10 ** rng.randrange(0, 45) + rng.randrange(-2, 3)
    if kind == 3:
        return rng.getrandbits(64)
    if kind == 4 and rng.randrange(20) == 0:
        return rng.choice((-1, 1)) * rng.getrandbits(rng.randrange(1, 9000))
    return rng.randrange(-(1 << 63), 1 << 63)


def random_float():
    kind = rng.randrange(5)
    if kind == 0:
        return rng.uniform(-10, 10)
    if kind == 1:
        return rng.choice((0.0, -0.0, 1.0, 1e5, 1e15, 1e16, 1e22, 1e23, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308,
                           0.1, 1e-4, 1e-5, 123456.0, 2.0 ** 53, 2.0 ** 53 - 1, 2.0 ** -1017))
    if kind == 2:
        return round(rng.uniform(-1e6, 1e6), rng.randrange(6))
    while True:
        value = struct.unpack(">d", rng.randbytes(8))[0]
        if math.isfinite(value):
            return value


def random_value(depth=0):
    kind = rng.randrange(12 if depth < 5 else 8)
    if kind < 2:
        return rng.choice((None, True, False))
    if kind < 4:
        return random_integer()
    if kind < 5:
        return random_float()
    if kind < 8:
        return random_text()
    n = rng.choice((0, 1, 2, 3, 5, 14)) if rng.randrange(30) else 40
    if kind < 10:
        if rng.randrange(5) == 0:
            return [rng.randrange(256) for _ in range(n)]
        return [random_value(depth + 1) for _ in range(n)]
    return {random_text(): random_value(depth + 1) for _ in range(n)}


def deep_value():
    value = random_text()
    for _ in range(rng.randrange(10, 500)):
        value = [value] if rng.randrange(2) else {"": value}
    return value


# ---- what they must look like --------------------------------------------------------------------------------------------------------


def erlang_float(value):
    """float_to_list(F, [short]): plain or scientific, whichever is shorter, plain on a tie, always scientific from 2^53 on."""
    sign = "-" if math.copysign(1, value) < 0 else ""
    mantissa, exponent = ("%r" % abs(value)), 0
    if "e" in mantissa:
        mantissa, exponent = mantissa.split("e")[0], int(mantissa.split("e")[1])
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    if not digits.strip("0"):
        return sign + "0.0"
    point = len(whole) + exponent - (len(whole + fraction) - len(digits))  # value = 0.DIGITS * 10^point
    digits = digits.rstrip("0")
    scientific = f"{digits[0]}.{digits[1:] or '0'}e{point - 1}"
    if point <= 0:
        plain = "0." + "0" * -point + digits
    elif point >= len(digits):
        plain = digits + "0" * (point - len(digits)) + ".0"
    else:
        plain = digits[:point] + "." + digits[point:]
    return sign + (scientific if abs(value) >= 2.0 ** 53 or len(scientific) < len(plain) else plain)


def erlang_text(value):
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return erlang_float(value)
    if isinstance(value, str):
        return "<<" + ",".join(map(str, value.encode())) + ">>"
    if isinstance(value, list):
        return "[" + ",".join(map(erlang_text, value)) + "]"
    pairs = sorted(value.items(), key=lambda pair: pair[0].encode())
    return "#{" + ",".join(erlang_text(k) + " => " + erlang_text(v) for k, v in pairs) + "}"


def json_text(value, safe_ids=False):
    """What json.dumps() gives without ASCII escapes and spaces, but with Erlang's floats."""
    if isinstance(value, float):
        return erlang_float(value)
    if safe_ids and isinstance(value, int) and abs(value) > 2 ** 53 - 1:
        return f'"{value}"'
    if isinstance(value, list):
        return "[" + ",".join(json_text(v, safe_ids) for v in value) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(json.dumps(k, ensure_ascii=False) + ":" + json_text(v, safe_ids) for k, v in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)


def decode_etf(data):
    """The terms that come from JSON, each tag by itself; an oracle for bytes that no program of ours reads back."""
    at = 1

    def take(n):
        nonlocal at
        at += n
        if at > len(data):
            raise ValueError("truncated")
        return data[at - n:at]

    def term():
        tag = take(1)[0]
        if tag == 97:
            return take(1)[0]
        if tag == 98:
            return struct.unpack(">i", take(4))[0]
        if tag in (110, 111):
            size = take(1)[0] if tag == 110 else struct.unpack(">I", take(4))[0]
            sign = take(1)[0]
            return (-1 if sign else 1) * int.from_bytes(take(size), "little")
        if tag == 70:
            return struct.unpack(">d", take(8))[0]
        if tag == 119:
            return {b"nil": None, b"true": True, b"false": False}[take(take(1)[0])]
        if tag == 109:
            return take(struct.unpack(">I", take(4))[0]).decode()
        if tag == 106:
            return []
        if tag == 108:
            value = [term() for _ in range(struct.unpack(">I", take(4))[0])]
            if take(1)[0] != 106:
                raise ValueError("improper list")
            return value
        if tag == 116:
            n = struct.unpack(">I", take(4))[0]
            value = {term(): term() for _ in range(n)}
            if len(value) != n:
                raise ValueError("duplicate key")
            return value
        raise ValueError(f"tag {tag}")

    value = term()
    if data[0] != 131 or at != len(data):
        raise ValueError("framing")
    return value


def same(a, b):
    return json_text(a) == json_text(b)


# ---- the program ----------------------------------------------------------------------------------------------------------------------


def frames_of(items):
    return b"".join(struct.pack(">I", len(item)) + item for item in items)


def split_frames(data):
    items, at = [], 0
    while at < len(data):
        size = struct.unpack_from(">I", data, at)[0]
        items.append(data[at + 4:at + 4 + size])
        at += 4 + size
    return items


def run(arguments, items):
    result = subprocess.run([PROGRAM, "--frames"] + arguments, input=frames_of(items), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if result.returncode != 0:
        ok(False, " ".join(arguments), result.stderr.decode(errors="replace"))
        return None
    return result.stdout


def check(name, wanted, got, values):
    for i, (w, g) in enumerate(zip(wanted, got)):
        if w != g:
            ok(False, name, f"value {json_text(values[i])}\n# wanted {w!r}\n# got    {g!r}")
            return
    ok(len(wanted) == len(got), f"{name} ({len(wanted)} values)", f"{len(got)} of {len(wanted)}")


def write_any(value):
    """The value as any writer might: escaped or raw, dense or with spaces."""
    separators = rng.choice(((",", ":"), (", ", ": "), (" ,\r\n", "\t: ")))
    text = json.dumps(value, ensure_ascii=rng.random() < 0.5, separators=separators, indent=rng.choice((None, None, None, 1)))
    return (rng.choice(("", " ", "\n\t")) + text + rng.choice(("", " ", "\r\n"))).encode()


def compare_values():
    values = [deep_value() if rng.randrange(50) == 0 else random_value() for _ in range(COUNT)]
    texts = [write_any(value) for value in values]
    out = run(["--from", "json", "--to", "etf"], texts)
    if out is not None:
        etf = split_frames(out)
        sys.setrecursionlimit(20000)
        check("etf holds the value", [json_text(v) for v in values], [json_text(decode_etf(e)) for e in etf], values)
        out = run(["--from", "etf", "--to", "json"], etf)
        if out is not None:
            back = split_frames(out)
            check("etf to json gives python's text", [json_text(v).encode() for v in values], back, values)
            ok(all(same(v, json.loads(b)) for v, b in zip(values, back)), "python reads it back equal")
        out = run(["--from", "etf", "--to", "json", "--safe-ids"], etf)
        if out is not None:
            check("safe ids", [json_text(v, True).encode() for v in values], split_frames(out), values)
        out = run(["--from", "etf", "--to", "text"], etf)
        if out is not None:
            check("etf to text", [erlang_text(v).encode() for v in values], out.split(b"\n")[:-1], values)
    out = run(["--from", "json", "--to", "text"], texts)
    if out is not None:
        check("json to text", [erlang_text(v).encode() for v in values], out.split(b"\n")[:-1], values)


# ---- texts that are no JSON -----------------------------------------------------------------------------------------------------------


def strict(data):
    """Whether Python takes it, made as strict as RFC 8259 with exact keys, finite floats and whole surrogate pairs."""

    def pairs(items):
        if len({k for k, _ in items}) != len(items):
            raise ValueError("duplicate key")
        return dict(items)

    def finite(text):
        if not math.isfinite(float(text)):
            raise ValueError("infinity")
        return float(text)

    def constant(text):
        raise ValueError(text)

    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=pairs, parse_float=finite, parse_constant=constant)
        json.dumps(value, ensure_ascii=False).encode("utf-8")
        return True
    except (ValueError, RecursionError):
        return False


SPLICES = [b"\\ud800", b"\\udc00", b"\\ud83d\\ude00", b"\\u0000", b"\0", b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xef\xbb\xbf",
           b"01", b"1.", b".5", b"1e", b"-", b"-0", b"+1", b"1e400", b"-1E-400", b"NaN", b"Infinity", b"nul", b"true", b"[", b"]", b"{", b"}", b",",
           b":", b'"', b"\\", b"\\x", b"\\u12", b"//", b"/**/", b"'", b"\t", b"\n", b"\v", b"\xc2\xa0", b'"a":1,"a":2', b'"a":1,"\\u0061":2', b"{}[]"]


def mutate(text):
    data = bytearray(text)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(5)
        if kind == 0 and at < len(data):
            data[at] = rng.randrange(256)
        elif kind == 1:
            del data[at:at + rng.randrange(1, 4)]
        elif kind == 2:
            data[at:at] = rng.choice(SPLICES)
        elif kind == 3:
            del data[at:]
        elif data:
            start = rng.randrange(len(data))
            data[at:at] = data[start:start + rng.randrange(1, 20)]
    return bytes(data)


def compare_verdicts():
    texts = [mutate(write_any(random_value(rng.randrange(3, 6)))) for _ in range(COUNT)] + SPLICES
    wanted = bytes(b"01"[strict(text)] for text in texts)
    result = subprocess.run([VERDICT], input=frames_of(texts), stdout=subprocess.PIPE)
    got = result.stdout
    for text, w, g in zip(texts, wanted, got):
        if w != g:
            ok(False, "mutated texts", f"{text!r}: python {chr(w)}, hemera {chr(g)}")
            return
    ok(len(wanted) == len(got), f"mutated texts: {len(wanted)}, of which {wanted.count(b'1')} are JSON")


compare_values()
compare_verdicts()
print(f"1..{tests}")
sys.exit(failures > 0)
