#!/usr/bin/env python3
"""capture.py HEMERA_SIM FOLDER EVENTS: what a gateway sends on one ETF + zlib-stream connection: FOLDER/wire (compressed messages) and
FOLDER/frames (payloads), each behind a 4-byte length, and FOLDER/stream.jsonl, the events."""
import os, struct, sys, zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'integration'))
from sim_client import Simulator, make_stream

program, folder, events = sys.argv[1], sys.argv[2], int(sys.argv[3])
stream = os.path.join(folder, 'stream.jsonl')
make_stream(stream, events=events, guilds=20, members=200, seed=7)
with Simulator(program, '--stream', stream, '--heartbeat-interval', '600000') as simulator:
    client = simulator.connect(query='v=10&encoding=etf&compress=zlib-stream', hello=False)
    inflate = zlib.decompressobj()
    with open(os.path.join(folder, 'wire'), 'wb') as wire, open(os.path.join(folder, 'frames'), 'wb') as frames:
        def take():
            data, final = b'', False
            while not final:
                opcode, final, part = client.frame()
                if opcode == 8:
                    sys.exit('closed: %r' % part)
                if opcode == 9:
                    client.send_frame(10, part)
                if opcode < 8:
                    data += part
                else:
                    final = False
            payload = inflate.decompress(data)
            wire.write(struct.pack('>I', len(data)) + data)
            frames.write(struct.pack('>I', len(payload)) + payload)
        take()  # HELLO
        key = lambda text: b'm' + struct.pack('>I', len(text)) + text.encode()
        identify = {'token': key('simulator-token'), 'intents': b'b' + struct.pack('>i', 53608447),
                    'properties': b't\0\0\0\3' + b''.join(key(k) + key('x') for k in ('os', 'browser', 'device'))}
        client.send_frame(2, b'\x83t\0\0\0\2' + key('op') + b'a\2' + key('d') + b't' + struct.pack('>I', len(identify))
                          + b''.join(key(k) + v for k, v in identify.items()))
        for _ in range(events):
            take()
    client.socket.close()
