"""A small gateway client for tests of hemera-sim: websocket over socket and ssl, JSON, zlib; and a way to start the simulator.
It does only what a test tells it, also wrong things. Standard library only."""
import base64, http.client, json, os, select, signal, socket, ssl, struct, subprocess, sys, tempfile, time, zlib
from urllib.parse import urlparse

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOKEN = 'simulator-token'
AGENT = 'DiscordBot (https://example.org, 1.0)'


def make_stream(path, events=400, guilds=4, members=20, seed=3):
    subprocess.run([sys.executable, os.path.join(ROOT, 'tests/data/corpus/make_stream.py'), '--seed', str(seed), '--events',
                    str(events), '--guilds', str(guilds), '--members', str(members), '--out', path], check=True)
    with open(path, encoding='utf-8') as f:
        return [json.loads(line) for line in f]


def whole_lines(path):
    """The objects of a file that grows while it is read, or whose writer was killed: read at once, as a loop over its lines would take the
    rest of half a line for a line."""
    with open(path, 'rb') as f:
        return [json.loads(line) for line in f.read().split(b'\n')[:-1]]


def shard_of(event, total):
    d = event['d']
    guild = d.get('id') if event['t'] in ('GUILD_CREATE', 'GUILD_UPDATE', 'GUILD_DELETE') else (d or {}).get('guild_id')
    return (int(guild) >> 22) % total if guild else 0


class Simulator:
    """hemera-sim as a child; log() reads its log."""

    def __init__(self, program, *options, tls=False):
        self.dir = tempfile.TemporaryDirectory()
        self.log_file = os.path.join(self.dir.name, 'log')
        arguments = [program, '--log', self.log_file, '--dir', self.dir.name] + ([] if tls else ['--plain']) + list(options)
        self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
        words = self.process.stdout.readline().split()
        assert words and words[0] == 'listening', words
        self.words = words
        self.address = urlparse(words[1])
        self.ca = words[2][3:] if len(words) > 2 else None

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        status = self.stop()
        self.dir.cleanup()
        assert kind or status == 0, f'the simulator ended with {status}'  # a sanitizer's finding too

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.output = self.process.communicate(timeout=60)[0]
        return self.process.returncode

    def log(self, event=None):
        return [line for line in whole_lines(self.log_file) if event is None or line['event'] == event]

    def wait_log(self, event, count=1, seconds=60):
        end = time.monotonic() + seconds
        while len(self.log(event)) < count and time.monotonic() < end:
            time.sleep(0.02)
        return self.log(event)

    def violations(self):
        return [(line['what'], line['code']) for line in self.log('violation')]

    def context(self):
        return ssl.create_default_context(cafile=self.ca) if self.ca else None

    def get(self, path, token=TOKEN, agent=AGENT, timeout=60):
        kind = http.client.HTTPSConnection if self.ca else http.client.HTTPConnection
        extra = {'context': self.context()} if self.ca else {}
        connection = kind(self.address.hostname, self.address.port, timeout=timeout, **extra)
        headers = {'User-Agent': agent} if agent else {'User-Agent': ''}
        if token:
            headers['Authorization'] = 'Bot ' + token
        try:
            connection.request('GET', path, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read(), dict(answer.getheaders())
        finally:
            connection.close()

    def url(self):
        return json.loads(self.get('/api/v10/gateway', token=None)[1])['url']

    def connect(self, url=None, **more):
        return Client(url or self.url(), self.context(), **more)


class Closed(Exception):
    def __init__(self, code):
        super().__init__(code)
        self.code = code


class Client:
    """One gateway websocket."""

    def __init__(self, url, context=None, query='v=10&encoding=json', target=None, hello=True, receive_buffer=None):
        where = urlparse(url)
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(10)
        self.socket.connect((where.hostname, where.port))
        if context:
            self.socket = context.wrap_socket(self.socket, server_hostname=where.hostname)
        self.buffer = b''
        self.query = query
        self.inflate = zlib.decompressobj() if 'compress=zlib-stream' in query else None
        self.packed = b''
        self.text = b''
        self.seq = None
        self.session = None
        self.code = None
        self.beats = 0
        self.raw = []
        self.frame_count = 0
        self.next_beat = None
        self.socket.sendall((f'GET {target or "/?" + query} HTTP/1.1\r\nHost: {where.hostname}\r\nUpgrade: websocket\r\n'
                             'Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n'
                             f'Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n\r\n').encode())
        head = b''
        while b'\r\n\r\n' not in head:
            part = self.socket.recv(4096)
            if not part:
                raise Closed(None)
            head += part
        head, _, self.buffer = head.partition(b'\r\n\r\n')
        self.status = int(head.split()[1])
        if self.status == 101 and hello:
            self.hello = self.receive()
            assert self.hello['op'] == 10, self.hello

    # ---- out

    def send_frame(self, opcode, data, final=True, masked=True, reserved=0):
        head = bytes([(128 if final else 0) | reserved | opcode])
        size = len(data)
        flag = 128 if masked else 0
        if size < 126:
            head += bytes([flag | size])
        elif size < 65536:
            head += bytes([flag | 126]) + struct.pack('>H', size)
        else:
            head += bytes([flag | 127]) + struct.pack('>Q', size)
        key = os.urandom(4)
        if masked:
            head += key
            data = bytes(byte ^ key[i & 3] for i, byte in enumerate(data))
        self.socket.sendall(head + data)

    def send(self, op, d):
        self.send_frame(1, json.dumps({'op': op, 'd': d}).encode())

    def send_raw(self, data, opcode=1):
        self.send_frame(opcode, data)

    def identify(self, shard=None, **changes):
        d = {'token': TOKEN, 'intents': 53608447, 'properties': {'os': 'linux', 'browser': 'test', 'device': 'test'}}
        if shard:
            d['shard'] = list(shard)
        d.update(changes)
        self.send(2, {key: value for key, value in d.items() if value is not KeyError})
        return self

    def resume(self, session, seq, token=TOKEN):
        self.session, self.seq = session, seq
        self.send(6, {'token': token, 'session_id': session, 'seq': seq})
        return self

    def beat(self, d='seq'):
        self.send(1, self.seq if d == 'seq' else d)

    # ---- in

    def _read(self, size):
        while len(self.buffer) < size:
            part = self.socket.recv(65536)
            if not part:
                raise Closed(self.code)
            self.buffer += part
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    def frame(self):
        first, second = self._read(2)
        assert second < 128, 'a masked frame from the server'
        size = second
        if size == 126:
            size = struct.unpack('>H', self._read(2))[0]
        elif size == 127:
            size = struct.unpack('>Q', self._read(8))[0]
        self.frame_count += 1
        return first & 15, bool(first & 128), self._read(size)

    def message(self):
        """The next payload's bytes, decompressed. Raises Closed with the code at the end."""
        while True:
            opcode, final, data = self.frame()
            if opcode == 8:
                self.code = struct.unpack('>H', data[:2])[0] if len(data) >= 2 else 1005
                try:
                    self.send_frame(8, data[:2])
                except OSError:
                    pass
                raise Closed(self.code)
            if opcode == 9:
                self.send_frame(10, data)
            if opcode in (9, 10):
                continue
            self.text += data
            if not final:
                continue
            whole, self.text = self.text, b''
            if not self.inflate:
                return zlib.decompress(whole) if opcode != 0 and whole[:1] == b'\x78' else whole
            self.packed += whole
            if self.packed.endswith(b'\0\0\xff\xff'):
                whole, self.packed = self.packed, b''
                return self.inflate.decompress(whole)

    def receive(self, timeout=60):
        self.socket.settimeout(timeout)
        data = self.message()
        if 'encoding=etf' in self.query:
            self.raw.append(data)
            return data
        value = json.loads(data)
        if value['op'] == 0:
            self.seq = value['s']
            if value['t'] == 'READY':
                self.session = value['d']['session_id']
                self.resume_url = value['d']['resume_gateway_url']
        return value

    def until(self, test, timeout=60):
        """Payloads up to and with the first that passes."""
        seen = []
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            seen.append(self.receive(max(0.05, end - time.monotonic())))
            if test(seen[-1]):
                return seen
        raise TimeoutError([(p['op'], p['t']) for p in seen[-5:]])

    def closed(self, timeout=60):
        """Reads to the end; the close code, None for none."""
        self.socket.settimeout(timeout)
        try:
            while True:
                self.message()
        except Closed as error:
            return error.code
        except (ConnectionError, ssl.SSLError):
            return 'reset'

    def quiet(self, seconds):
        """True when nothing comes for so long."""
        return not self.buffer and not select.select([self.socket], [], [], seconds)[0]

    def close(self, code=1000):
        try:
            self.send_frame(8, struct.pack('>H', code))
            self.closed(2)
        except OSError:
            pass
        self.socket.close()

    def drop(self):
        self.socket.close()


class Tap:
    """Prints TAP; a test is a function."""

    def __init__(self):
        self.count = self.failed = 0

    def run(self, name, function, *arguments):
        self.count += 1
        started = time.monotonic()
        try:
            function(*arguments)
            print(f'ok {self.count} {name} # {time.monotonic() - started:.2f} s', flush=True)
        except BaseException as error:  # a test's failure, whatever it is, must not end the program
            if isinstance(error, KeyboardInterrupt):
                raise
            self.failed += 1
            import traceback
            print(f'not ok {self.count} {name}', flush=True)
            for line in traceback.format_exc().splitlines():
                print('# ' + line)

    def end(self):
        print(f'1..{self.count}')
        sys.exit(1 if self.failed else 0)
