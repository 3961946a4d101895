"""The sample events through hemera-etf and through OTP: JSON to ETF that Erlang reads, ETF that Erlang wrote to JSON and text.

usage: events.py HEMERA_ETF EVENTS_FOLDER ESCRIPT
Prints TAP.
"""
import glob
import json
import os
import struct
import subprocess
import sys
import tempfile

PROGRAM, EVENTS, ESCRIPT = sys.argv[1:4]
tests = failures = 0


def ok(good, name, detail=""):
    global tests, failures
    tests += 1
    failures += not good
    print(f"{'ok' if good else 'not ok'} {tests} {name}")
    if not good:
        print(f"# {detail}"[:1000])


def run(arguments, data):
    result = subprocess.run([PROGRAM] + arguments, input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if result.returncode != 0:
        ok(False, " ".join(arguments), result.stderr.decode(errors="replace"))
    return result.stdout


def frames_of(items):
    return b"".join(struct.pack(">I", len(item)) + item for item in items)


def split_frames(data):
    items, at = [], 0
    while at < len(data):
        size = struct.unpack_from(">I", data, at)[0]
        items.append(data[at + 4:at + 4 + size])
        at += 4 + size
    return items


def exact(text):
    """Comparable, with 1 and 1.0 apart, keys in any order."""
    return json.dumps(json.loads(text), sort_keys=True)


def main():
    texts = []
    for path in sorted(glob.glob(os.path.join(EVENTS, "*.json"))):
        with open(path, "rb") as file:
            samples = file.read()
        lines = [line.rstrip(b",") for line in samples.split(b"\n")[1:-1] if line not in (b"[", b"]", b"")]
        if [json.loads(line) for line in lines] != json.loads(samples):
            ok(False, "one sample a line", path)
        texts += lines + [samples]
    ok(len(texts) > 300, f"{len(texts)} texts")

    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "terms")
        etf = run(["--frames", "--from", "json", "--to", "etf"], frames_of(texts))
        with open(file, "wb") as out:
            out.write(etf)
        ok(subprocess.run(["escript", ESCRIPT, file]).returncode == 0, "erlang reads every term")
        erlang = {suffix: open(f"{file}.{suffix}", "rb").read() for suffix in ("text", "etf", "zip")}

    wanted = [exact(text) for text in texts]
    for name, source in (("our etf", etf), ("erlang's etf", erlang["etf"]), ("erlang's compressed etf", erlang["zip"])):
        back = split_frames(run(["--frames", "--from", "etf", "--to", "json"], source))
        ok([exact(text) for text in back] == wanted, f"{name} to json")
        ok(run(["--frames", "--from", "etf", "--to", "text"], source) == erlang["text"], f"{name} to text")
        ok(split_frames(run(["--frames", "--from", "etf", "--to", "etf"], source))[0][:1] == b"\x83", f"{name} to etf")
    ok(run(["--frames", "--from", "json", "--to", "text"], frames_of(texts)) == erlang["text"], "json to text")
    safe = run(["--frames", "--from", "json", "--to", "json", "--safe-ids"], frames_of(texts))
    ok(all(abs(number) < 2 ** 53 for text in split_frames(safe) for number in integers(json.loads(text))), "safe ids are safe")
    whole = [text for text in texts if text.startswith(b"[")][0]
    ok(exact(run(["--from", "json", "--to", "json"], whole)) == exact(whole), "one term without frames")
    print(f"1..{tests}")
    return failures > 0


def integers(value):
    if isinstance(value, int):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from integers(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from integers(item)


sys.exit(main())
