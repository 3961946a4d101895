#!/usr/bin/env python3
"""hostile_test.py BIN

hemera-tail with a gateway that says what it likes, and with standard descriptors that are closed. The gateway here is a few lines over
sockets: JSON, no TLS, no compression. Prints TAP."""
import base64, hashlib, json, os, socket, struct, subprocess, sys, threading

binary = os.path.join(os.path.abspath(sys.argv[1]), 'hemera-tail')
TOKEN = 'MTIz.s3cret.of-the-test'
READY = {'op': 0, 's': 1, 't': 'READY', 'd': {'session_id': 's1', 'user': {'id': '1'}}}
n = failed = 0


class Gateway:
    """Says HELLO and, to each payload with op 2, @payloads: objects, or bytes as they are."""

    def __init__(self, payloads):
        self.payloads, self.connections = payloads, 0
        self.identified = threading.Event()
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            threading.Thread(target=self.serve, args=(self.listener.accept()[0],), daemon=True).start()

    def serve(self, peer):
        try:
            with peer, peer.makefile('rb') as lines:
                head = [line.decode().strip() for line in iter(lines.readline, b'\r\n')]
                key = [line.split(': ', 1)[1] for line in head if line.lower().startswith('sec-websocket-key: ')]
                self.websocket(peer, lines, key[0]) if key else self.answer(peer)
        except (OSError, IndexError, ValueError, struct.error):
            pass

    def answer(self, peer):
        limit = {'total': 1000, 'remaining': 1000, 'reset_after': 0, 'max_concurrency': 1}
        body = json.dumps({'url': f'ws://127.0.0.1:{self.port}', 'shards': 1, 'session_start_limit': limit}).encode()
        peer.sendall(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n' % len(body) + body)

    def websocket(self, peer, lines, key):
        self.connections += 1
        accept = base64.b64encode(hashlib.sha1((key + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').encode()).digest())
        peer.sendall(b'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ' + accept + b'\r\n\r\n')
        self.say(peer, {'op': 10, 'd': {'heartbeat_interval': 41250}})
        while True:
            opcode, size = lines.read(2)
            size &= 127
            size = struct.unpack('>H', lines.read(2))[0] if size == 126 else size
            mask, data = lines.read(4), lines.read(size)
            data = bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))
            if opcode & 15 == 8:
                return
            if json.loads(data)['op'] == 2:
                for payload in self.payloads:
                    self.say(peer, payload)
                self.identified.set()

    def say(self, peer, payload):
        data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        peer.sendall(b'\x81' + (b'\x7f' + struct.pack('>Q', len(data))) + data if len(data) > 65535
                     else b'\x81' + (b'\x7e' + struct.pack('>H', len(data)) if len(data) > 125 else bytes([len(data)])) + data)


def tail(gateway, *options, closed=()):
    environment = dict(os.environ, DISCORD_TOKEN=TOKEN, G_DEBUG='fatal-criticals')

    def close():
        for descriptor in closed:
            os.close(descriptor)
    done = subprocess.run([binary, '--api-url', f'http://127.0.0.1:{gateway.port}', '--encoding', 'json', '--compress', 'none', *options],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, timeout=60, preexec_fn=close)
    assert TOKEN.encode() not in done.stdout + done.stderr
    return done


def closed_input():
    done = tail(Gateway([READY]), '--output', 'json', '--timeout', '2', closed=[0])
    assert done.returncode == 3 and b'error_received' not in done.stdout, done


def closed_output():
    gateway = Gateway([READY])
    done = tail(gateway, '--output', 'json', '--timeout', '10', closed=[1])
    assert done.returncode == 1 and done.stdout == b'', done


def control_characters():
    events = [{'op': 0, 's': 2, 't': 'A\x1b[2J\x9b1m\n\x7f', 'd': {'name': 'x\r\x1b]0;t\x07\u0085y'}}, {'op': 0, 's': 3, 't': 'LAST', 'd': {}}]
    done = tail(Gateway([READY] + events), '--output', 'pretty', '--timeout', '10', '--max-events', '3')
    assert done.returncode == 0, done
    text = done.stdout.decode()
    assert 'LAST' in text and not any(ord(c) < 32 or 127 <= ord(c) < 160 for line in text.split('\n') for c in line), text
    assert len([line for line in text.split('\n') if ' A' in line or 'LAST' in line]) == 2, text


for name, test in [('stdio/closed-input', closed_input), ('stdio/closed-output', closed_output), ('pretty/control-characters', control_characters)]:
    n += 1
    try:
        test()
        print(f'ok {n} /tail/{name}', flush=True)
    except Exception as error:
        failed += 1
        print(f'not ok {n} /tail/{name}\n# ' + repr(error)[-3000:].replace('\n', '\n# '), flush=True)
print(f'1..{n}')
sys.exit(failed > 0)
