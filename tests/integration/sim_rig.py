"""What the tests of hemera-sim share: a stream, simulators that play it or nothing, and clients that are ready. The folder of the
programs is the first argument of whoever imports this."""
import os, sys, tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from sim_client import TOKEN, Simulator, Tap, make_stream, shard_of

SIM = os.path.join(sys.argv[1], 'hemera-sim')
FOLDER = tempfile.TemporaryDirectory()
STREAM = os.path.join(FOLDER.name, 'stream.jsonl')
EVENTS = make_stream(STREAM)
PLAIN_ZLIB = 'v=10&encoding=json&compress=zlib-stream'


def sim(*options, **more):
    return Simulator(SIM, '--stream', STREAM, *options, **more)


def bare(*options, **more):
    return Simulator(SIM, *options, **more)


def dispatches(payloads):
    return [(p['s'], p['t'], p['d']) for p in payloads if p['op'] == 0]


def expected(shard, total):
    return [(e['t'], e['d']) for e in EVENTS[1:] if shard_of(e, total) == shard]


def ready(s, **more):
    c = s.connect(**more).identify()
    c.until(lambda p: p['t'] == 'READY')
    return c
