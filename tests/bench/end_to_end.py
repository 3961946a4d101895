#!/usr/bin/env python3
"""end_to_end.py BIN STREAM ROUNDS: CPU time an event of hemera-tail --output none (typed handlers that do nothing) over TLS, ETF and
zlib-stream, from the socket to the handler, connecting and closing included: minimum of rounds. Prints "end_to_end NANOSECONDS"."""
import os, resource, subprocess, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'integration'))
from sim_client import Simulator, TOKEN

programs, stream, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
with open(stream, encoding='utf-8') as f:
    events = sum(1 for _ in f)
best = None
for _ in range(rounds):
    with Simulator(os.path.join(programs, 'hemera-sim'), '--stream', stream, tls=True) as simulator:
        tail = subprocess.Popen([os.path.join(programs, 'hemera-tail'), '--api-url', simulator.words[1] + '/api/v10', '--ca-file', simulator.ca,
                                 '--output', 'none', '--max-events', str(events), '--timeout', '100'], stdin=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL, env=dict(os.environ, DISCORD_TOKEN=TOKEN))
        _, status, used = os.wait4(tail.pid, 0)
        tail.returncode = os.waitstatus_to_exitcode(status)
        if tail.returncode != 0:
            sys.exit('hemera-tail ended with %d' % tail.returncode)
    seconds = used.ru_utime + used.ru_stime
    best = seconds if best is None else min(best, seconds)
print('end_to_end %d' % round(best * 1e9 / events))
