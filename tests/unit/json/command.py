"""The command line of hemera-etf: exit statuses, error lines, frames, what is written when a term is bad.

usage: command.py HEMERA_ETF
Prints TAP.
"""
import fcntl
import os
import resource
import signal
import struct
import subprocess
import sys
import termios
import threading
import time

PROGRAM = sys.argv[1]
tests = failures = 0


def ok(good, name, detail=""):
    global tests, failures
    tests += 1
    failures += not good
    print(f"{'ok' if good else 'not ok'} {tests} {name}")
    if not good:
        print(f"# {detail}"[:1000])


def run(arguments, data=b"", **options):
    return subprocess.run([PROGRAM] + arguments.split(), input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


def frame(data):
    return struct.pack(">I", len(data)) + data


def gives(name, arguments, data, out):
    result = run(arguments, data)
    ok((result.returncode, result.stdout, result.stderr) == (0, out, b""), name, repr(result))


def refuses(name, arguments, data, offset, out=b""):
    """Exit 1, one line on standard error with the offset, and on standard output only what came before."""
    result = run(arguments, data)
    lines = result.stderr.decode().split("\n")
    ok(result.returncode == 1 and result.stdout == out and len(lines) == 2 and lines[0].startswith("hemera-etf: ")
       and lines[0].endswith(f"at byte {offset}"), name, repr(result))


gives("json to etf", "--from json --to etf", b'{"a":[1,null]}', b"\x83t\0\0\0\1m\0\0\0\1al\0\0\0\2a\1w\3nilj")
gives("etf to json", "--from etf --to json", b"\x83t\0\0\0\1d\0\1al\0\0\0\2a\1d\0\3nilj", b'{"a":[1,null]}')
gives("etf to text", "--from etf --to text", b"\x83h\2d\0\2okk\0\2ab", b"{ok,[97,98]}")
gives("etf to etf", "--from etf --to etf", b"\x83a\1", b"\x83a\1")
gives("json to json", "--from json --to json", b' [1.50, "\\u00e9" ] ', '[1.5,"é"]'.encode())
gives("big id", "--from json --to json", b"18446744073709551615", b"18446744073709551615")
gives("safe ids", "--from json --to json --safe-ids", b"[9007199254740991,9007199254740992,-9007199254740993]",
      b'[9007199254740991,"9007199254740992","-9007199254740993"]')
gives("STRING_EXT is an array", "--from etf --to json", b"\x83k\0\2ab", b"[97,98]")
gives("no frames", "--frames --from json --to etf", b"", b"")
gives("frames to text are lines", "--frames --from json --to text", frame(b"1") + frame(b'["a"]'), b"1\n[<<97>>]\n")
gives("frames to json are frames", "--frames --from etf --to json", frame(b"\x83a\1") + frame(b"\x83j"), frame(b"1") + frame(b"[]"))

refuses("truncated etf", "--from etf --to text", b"\x83h\2a\1", 5)
refuses("empty etf", "--from etf --to text", b"", 0)
refuses("bytes behind etf", "--from etf --to text", b"\x83a\1a", 3)
refuses("bytes behind json", "--from json --to etf", b"1 2", 2)
refuses("json key twice", "--from json --to etf", b'{"a":1,"a":2}', 7)
refuses("a tuple to json", "--from etf --to json", b"\x83l\0\0\0\1h\0j", 6)
refuses("a good frame, then a bad one", "--frames --from json --to text", frame(b"1") + frame(b"[1,"), 3, b"1\n")
refuses("a cut length", "--frames --from json --to text", frame(b"1") + b"\0\0", 7, b"1\n")
refuses("a cut frame", "--frames --from json --to text", frame(b"1") + b"\0\0\0\5[1", 11, b"1\n")
refuses("a frame over the limit", "--frames --from json --to text", frame(b"1") + b"\xff\xff\xff\xff", 5, b"1\n")
refuses("an input over the limit", "--from json --to text", b" " * (16 * 1024 * 1024 + 1), 16 * 1024 * 1024)
refuses("too deep json", "--from json --to text", b"[" * 1000000, 512)
for name, data in (("map key twice", b"\x83t\0\0\0\2a\1a\1b\0\0\0\1a\2"), ("infinity", b"\x83F\x7f\xf0\0\0\0\0\0\0"), ("no version", b"a\1"),
                   ("unknown tag", b"\x83\xff"), ("million levels", b"\x83" + b"l\0\0\0\1" * 1000000)):
    result = run("--from etf --to text", data)
    ok(result.returncode == 1 and result.stdout == b"" and result.stderr.count(b"\n") == 1 and b"at byte " in result.stderr,
       f"refused: {name}", repr(result))

for arguments in ("", "--from etf", "--to json", "--from text --to json", "--from xml --to json", "--from etf --to xml", "--from etf --to json more",
                  "--from etf --to json --nonsense"):
    result = run(arguments)
    ok(result.returncode == 2 and result.stdout == b"" and result.stderr.count(b"\n") == 1, f"usage error: {arguments}", repr(result))
result = run("--help")
ok(result.returncode == 0 and all(option in result.stdout for option in (b"--from", b"--to", b"--frames", b"--safe-ids", b"--version")), "--help")
result = run("--version")
ok(result.returncode == 0 and result.stdout.startswith(b"hemera-etf "), "--version")

# A co-process: each answer comes before the next question.
with subprocess.Popen([PROGRAM, "--frames", "--from", "json", "--to", "text"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
    good = True
    for i in range(3):
        process.stdin.write(frame(str(i).encode()))
        process.stdin.flush()
        good = good and process.stdout.readline() == f"{i}\n".encode()
    process.stdin.close()
    ok(good and process.wait() == 0, "answers frame by frame")



# ---- descriptors as programs inherit them ----


def make_pipe(non_blocking_end):
    ends = os.pipe()
    os.set_blocking(ends[non_blocking_end], False)
    return ends


def waiting(descriptor):
    return struct.unpack("i", fcntl.ioctl(descriptor, termios.FIONREAD, b"\0" * 4))[0]


FILTER = [PROGRAM, "--frames", "--from", "json", "--to", "text"]
reader, writer = make_pipe(0)
with subprocess.Popen(FILTER, stdin=reader, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
    os.close(reader)
    lines = []
    try:
        for i in range(3):  # it finds the pipe empty in between
            os.write(writer, frame(str(i).encode()))
            lines.append(process.stdout.readline())
    except BrokenPipeError:
        pass
    os.close(writer)
    ok(lines == [b"0\n", b"1\n", b"2\n"] and process.wait() == 0, "a non-blocking input that is empty is waited for", process.stderr.read())

COUNT, TEXT = 1000, frame(b'"' + b"x" * 1000 + b'"')
reader, writer = make_pipe(1)
with subprocess.Popen([PROGRAM, "--frames", "--from", "json", "--to", "json"], stdin=subprocess.PIPE, stdout=writer, stderr=subprocess.PIPE) as process:
    os.close(writer)

    def feed():
        try:
            with process.stdin:
                process.stdin.write(TEXT * COUNT)
        except BrokenPipeError:
            pass

    feeder = threading.Thread(target=feed)
    feeder.start()
    while process.poll() is None and waiting(reader) < 32768:
        time.sleep(0.01)
    with open(reader, "rb") as output:
        data = output.read()
    feeder.join()
    ok(data == TEXT * COUNT and process.wait() == 0, "a non-blocking output that is full is waited for", f"{len(data)} bytes")

for arguments, data in (("--from json --to text", b"1"), ("--frames --from json --to text", frame(b"1") * 3), ("--version", b"")):
    for target in (">/dev/full", ">&-"):
        result = subprocess.run(["sh", "-c", f'exec "$0" "$@" {target}', PROGRAM] + arguments.split(), input=data, stderr=subprocess.PIPE)
        ok(result.returncode == 1 and result.stderr.startswith(b"hemera-etf: standard output: "), f"output that cannot be written: {arguments} {target}",
           repr(result))

with subprocess.Popen(FILTER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, restore_signals=False,
                      preexec_fn=lambda: signal.signal(signal.SIGPIPE, signal.SIG_IGN)) as process:
    process.stdout.close()
    process.stdin.write(frame(b"1"))
    process.stdin.flush()
    ok(process.wait() == 1 and b"standard output" in process.stderr.read(), "a reader that left ends the filter, though input stays open")

with subprocess.Popen(FILTER, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
    process.stdin.write(frame(b"1") * COUNT)
    process.stdin.flush()
    for _ in range(COUNT):
        process.stdout.readline()
    with open(f"/proc/{process.pid}/io") as counters:
        reads = next(int(line.split()[1]) for line in counters if line.startswith("syscr"))
    process.stdin.close()
    ok(process.wait() == 0 and reads < COUNT, "small frames cost less than a read each", f"{reads} reads")

# 100 MB of frames in little memory, a sanitizer's store of freed pieces aside.
options = dict(os.environ, ASAN_OPTIONS=":".join(filter(None, (os.environ.get("ASAN_OPTIONS"), "quarantine_size_mb=4"))))
with subprocess.Popen([PROGRAM, "--frames", "--from", "json", "--to", "etf"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                      env=options) as process:
    text = frame(b"[" + b'"x",' * 250000 + b"1]")
    for _ in range(100):
        process.stdin.write(text)
    process.stdin.close()
    process.wait()
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    ok(process.returncode == 0 and peak < 100 * 1024, f"a long stream, at most {peak} KB resident")
print(f"1..{tests}")
sys.exit(failures > 0)
