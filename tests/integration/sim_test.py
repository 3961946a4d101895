#!/usr/bin/env python3
"""hemera-sim under a client that shares no code with it: streams, sessions, requests, REST, hostile clients. Usage: sim_test.py BIN-FOLDER.
Prints TAP."""
import json, os, shutil, signal, socket, ssl, subprocess, time

import sim_etf
from sim_rig import *


# ---- the normal way

def whole_stream(query, tls):
    with sim(tls=tls) as s:
        c = s.connect(query=query).identify()
        seen = dispatches(c.until(lambda p: p['s'] == len(EVENTS)))
        assert [n for n, _, _ in seen] == list(range(1, len(EVENTS) + 1))
        assert [(t, d) for _, t, d in seen[1:]] == expected(0, 1)
        first = seen[0][2]
        assert first['user'] == EVENTS[0]['d']['user'] and first['guilds'] == EVENTS[0]['d']['guilds']
        assert 'shard' not in first and first['resume_gateway_url'].startswith('wss' if tls else 'ws')
        c.close()
        assert s.stop() == 0
        summary = s.log('summary')[0]
        assert (summary['events'], summary['violations']) == (len(EVENTS), 0), summary


def shards_split():
    with sim('--shards', '4', '--max-concurrency', '4') as s:
        total = 0
        for shard in range(4):
            want = expected(shard, 4)
            c = s.connect().identify(shard=(shard, 4))
            seen = dispatches(c.until(lambda p: p['s'] == len(want) + 1))
            assert [(t, d) for _, t, d in seen[1:]] == want
            assert seen[0][2]['shard'] == [shard, 4]
            assert all((int(g['id']) >> 22) % 4 == shard for g in seen[0][2]['guilds'])
            total += len(want)
        assert total == len(EVENTS) - 1


def crc_of_session():
    import zlib
    with sim() as s:
        c = s.connect().identify()
        seen = dispatches(c.until(lambda p: p['s'] == len(EVENTS)))
        s.stop()
        crc = zlib.crc32(''.join(f'{n} {t}\n' for n, t, _ in seen).encode())
        assert s.log('session')[0]['crc'] == crc


def resume_exact():
    with sim() as s:
        c = s.connect().identify()
        first = dispatches(c.until(lambda p: p['s'] == 150))
        c.drop()
        r = s.connect(c.resume_url).resume(c.session, 150)
        rest = dispatches(r.until(lambda p: p['s'] == len(EVENTS) + 1))
        assert [n for n, _, _ in first + rest] == list(range(1, len(EVENTS) + 2))
        news = [(t, d) for _, t, d in (first + rest)[1:]]
        at = [t for t, _ in news].index('RESUMED', max(i for i, (t, _) in enumerate(news) if t == 'RESUMED'))
        assert news[:at] + news[at + 1:] == expected(0, 1)
        assert s.log('resume')[0]['host'] == 'resume' and s.violations() == []


def resume_same_bytes_after_many():
    with sim('--rate', '2000') as s:
        c = s.connect().identify()
        got = {}
        for _ in range(8):
            for n, t, d in dispatches(c.until(lambda p: p['s'] is not None and p['s'] > len(got) + 20)):
                assert n not in got or got[n] == (t, d)
                got[n] = (t, d)
            session, seq = c.session, c.seq
            c.drop()
            c = s.connect(c.resume_url if hasattr(c, 'resume_url') else None).resume(session, seq)
        assert sorted(got) == list(range(1, len(got) + 1))
        assert s.violations() == []


def takeover():
    with bare() as s:
        old = ready(s)
        new = s.connect().resume(old.session, 1)
        assert new.until(lambda p: p['t'] == 'RESUMED')
        assert old.closed() == 4006


def new_identify_ends_old_session():
    with bare('--identify-spacing-ms', '0') as s:
        old = ready(s)
        ready(s)
        assert old.closed() == 4006
        assert s.wait_log('gap')[0]['reason'] == 'new identify'


def rate_goes_on_without_connection():
    with sim('--rate', '1000') as s:
        c = ready(s)
        c.drop()
        time.sleep(0.3)
        r = s.connect().resume(c.session, c.seq)
        r.until(lambda p: p['t'] == 'RESUMED' and p['s'] > c.seq + 100)


def replay_limit_stops_production():
    with sim('--replay-limit', '60') as s:
        c = s.connect().identify()
        c.until(lambda p: p['s'] == 60)
        assert c.quiet(0.2)
        c.beat()
        c.until(lambda p: p['s'] == 120)
        assert c.quiet(0.2)


def resume_beyond_replay_limit():
    with sim('--replay-limit', '40') as s:
        c = s.connect().identify()
        for last in (40, 80, 120, 160):
            c.until(lambda p: p['s'] == last)
            c.beat()
        c.drop()
        r = s.connect().resume(c.session, 5)
        assert r.receive()['op'] == 9
        assert s.wait_log('gap')[0]['reason'] == 'beyond the replay limit'


def resume_window():
    with bare('--resume-window-ms', '200') as s:
        c = ready(s)
        c.drop()
        assert s.wait_log('gap')[0]['reason'] == 'resume window'
        r = s.connect().resume(c.session, 1)
        answer = r.receive()
        assert (answer['op'], answer['d']) == (9, False)


def client_1000_ends_session(code):
    with bare() as s:
        c = ready(s)
        c.close(code)
        assert s.wait_log('gap')[0]['reason'] == 'closed by the client'


def client_4000_keeps_session():
    with bare() as s:
        c = ready(s)
        c.close(4000)
        s.connect().resume(c.session, 1).until(lambda p: p['t'] == 'RESUMED')
        closed = s.log('closed')[0]
        assert (closed['received_code'], closed['sent_code']) == (4000, 4000), closed


def exit_when_done():
    with sim('--exit-when-done', '--shards', '2', '--max-concurrency', '2') as s:
        clients = [s.connect().identify(shard=(i, 2)) for i in range(2)]
        for i, c in enumerate(clients):
            c.until(lambda p: p['s'] == len(expected(i, 2)) + 1)
        time.sleep(0.1)
        assert s.process.poll() is None
        for c in clients:
            c.beat()
        assert [c.closed() for c in clients] == [1001, 1001]
        assert s.process.wait(60) == 0
        assert s.process.stdout.read().startswith(f'summary events {len(EVENTS) + 1} sessions 2 resumes 0 faults 0 violations 0')


def loops():
    with sim('--loop') as s:
        ready(s).until(lambda p: p['s'] is not None and p['s'] > 2 * len(EVENTS))


def sigint_ends_well():
    with bare(tls=True) as s:
        c = ready(s)
        s.process.send_signal(signal.SIGINT)
        assert c.closed() == 1001
        assert s.process.wait(60) == 0


def resident_kib(process):
    with open(f'/proc/{process.pid}/status') as f:
        return int([line for line in f if line.startswith('VmRSS')][0].split()[1])


def back_pressure():
    """A client that does not read holds the stream up: what the simulator keeps for it stops growing."""
    with sim('--loop') as s:
        c = s.connect(receive_buffer=4096).identify()
        sizes = [resident_kib(s.process)]
        while len(sizes) < 3 or abs(sizes[-1] - sizes[-3]) > 500:
            time.sleep(0.5)
            sizes.append(resident_kib(s.process))
            assert len(sizes) < 20 and sizes[-1] - sizes[0] < 20000, sizes
        c.until(lambda p: p['s'] is not None and p['s'] > 3 * len(EVENTS))


def hundred_connections():
    with bare('--shards', '100', '--max-concurrency', '100', tls=True) as s:
        url = s.url()
        clients = [s.connect(url).identify(shard=(i, 100)) for i in range(100)]
        for c in clients:
            c.until(lambda p: p['t'] == 'READY')
        for c in clients:
            c.beat()
        for c in clients:
            c.until(lambda p: p['op'] == 11)
        assert s.violations() == []


# ---- wire

def etf(style, query, order='discord', with_erl=False):
    with sim('--etf-style', style, '--key-order', order) as s:
        c = s.connect(query=query, hello=False)
        assert sim_etf.decode(c.message())['op'] == 10
        c.send_raw(sim_etf.encode({'op': 2, 'd': {'token': TOKEN, 'intents': 1, 'shard': [0, 1], 'properties':
                                                  {'os': 'linux', 'browser': 'b', 'device': 'd'}}}), opcode=2)
        frames = [c.message() for _ in EVENTS]
        terms = [sim_etf.decode(frame) for frame in frames]
        for i, (term, event) in enumerate(zip(terms, EVENTS)):
            assert term['op'] == 0 and term['s'] == i + 1 and term['t'] == event['t']
            assert i == 0 or sim_etf.same(term['d'], event['d']), (term['d'], event['d'])
        c.send_raw(sim_etf.encode({'op': 1, 'd': len(EVENTS)}), opcode=2)
        assert sim_etf.decode(c.message()) == {'t': None, 's': None, 'op': 11, 'd': None}
        assert s.violations() == []
        seen = {}
        for frame in frames:
            for tag, count in sim_etf.tags(frame).items():
                seen[tag] = seen.get(tag, 0) + count
        if style == 'discord':
            assert {100, 110, 107, 106, 109, 116} <= seen.keys() and not {115, 118, 119} & seen.keys(), seen
            assert isinstance(terms[1]['d']['id'], int) and isinstance(terms[1]['d']['roles'][0]['permissions'], str)
        elif style == 'binary':
            assert not {100, 115, 118} & seen.keys(), seen
        else:
            assert {100, 115, 118, 119} <= seen.keys(), seen
        if with_erl:
            check_with_erl(frames, terms)


def check_with_erl(frames, terms):
    """OTP reads our bytes; what it writes for them decodes to the same."""
    path = os.path.join(FOLDER.name, 'frames')
    with open(path, 'wb') as f:
        for frame in frames:
            f.write(len(frame).to_bytes(4, 'big') + frame)
    script = ('{ok, B} = file:read_file("%s"), T = [binary_to_term(X) || <<N:32, X:N/binary>> <= B], '
              'ok = file:write_file("%s.out", [[<<(byte_size(Y)):32>>, Y] || Y <- [term_to_binary(X) || X <- T]]), halt().' % (path, path))
    subprocess.run(['erl', '-noshell', '-eval', script], check=True, timeout=60)
    with open(path + '.out', 'rb') as f:
        data = f.read()
    back = []
    while data:
        size = int.from_bytes(data[:4], 'big')
        back.append(sim_etf.decode(data[4:4 + size]))
        data = data[4 + size:]
    assert back == terms


def fragments():
    with sim('--fragment', '100', '--split-messages', '1000') as s:
        c = s.connect(query=PLAIN_ZLIB).identify()
        seen = dispatches(c.until(lambda p: p['s'] == len(EVENTS)))
        assert [(t, d) for _, t, d in seen[1:]] == expected(0, 1)
        assert c.frame_count > 2 * len(EVENTS)


def key_orders():
    with sim('--key-order', 'mixed') as s:
        c = s.connect(hello=False)
        firsts = set()
        c.message()
        c.identify()
        for _ in range(6):
            firsts.add(c.message()[:5])
        assert firsts == {b'{"t":', b'{"op"', b'{"d":'}, firsts


def payload_compression():
    with sim() as s:
        c = s.connect(hello=False)
        c.message()
        c.identify(compress=True)
        opcode, final, data = c.frame()
        assert opcode == 2 and data[:1] == b'\x78'


# ---- requests

def guild():
    return next(e['d'] for e in EVENTS if e['t'] == 'GUILD_CREATE')


def members_all():
    with sim('--rate', '1') as s:
        c = ready(s)
        c.send(8, {'guild_id': guild()['id'], 'query': '', 'limit': 0, 'nonce': 'n1', 'presences': True})
        d = c.until(lambda p: p['t'] == 'GUILD_MEMBERS_CHUNK')[-1]['d']
        assert d['members'] == guild()['members'] and d['nonce'] == 'n1' and (d['chunk_index'], d['chunk_count']) == (0, 1)
        assert d['presences'] and all(p in guild()['presences'] for p in d['presences'])
        c.send(8, {'guild_id': guild()['id'], 'query': '', 'limit': 0, 'nonce': 'n2'})
        d = c.until(lambda p: p['t'] == 'RATE_LIMITED')[-1]['d']
        assert d['opcode'] == 8 and 25 < d['retry_after'] <= 30 and d['meta'] == {'guild_id': guild()['id'], 'nonce': 'n2'}


def members_by_id():
    with sim('--rate', '1') as s:
        c = ready(s)
        user = guild()['members'][3]['user']['id']
        c.send(8, {'guild_id': int(guild()['id']), 'user_ids': [user, '1'], 'nonce': 'x' * 33})
        d = c.until(lambda p: p['t'] == 'GUILD_MEMBERS_CHUNK')[-1]['d']
        assert [m['user']['id'] for m in d['members']] == [user] and d['not_found'] == ['1'] and 'nonce' not in d


def members_by_prefix():
    with sim('--rate', '1') as s:
        c = ready(s)
        name = guild()['members'][2]['user']['username']
        c.send(8, {'guild_id': guild()['id'], 'query': name[:3], 'limit': 5})
        d = c.until(lambda p: p['t'] == 'GUILD_MEMBERS_CHUNK')[-1]['d']
        assert name in [m['user']['username'] for m in d['members']] and len(d['members']) <= 5


def members_without_intent():
    with sim('--rate', '1') as s:
        c = s.connect().identify(intents=1)
        c.until(lambda p: p['t'] == 'READY')
        c.send(8, {'guild_id': guild()['id'], 'query': '', 'limit': 0})
        c.beat()
        c.until(lambda p: p['op'] == 11)
        assert s.violations() == [('members_intent', 0)]


def soundboard():
    with sim('--rate', '1') as s:
        c = ready(s)
        c.send(31, {'guild_ids': [guild()['id']]})
        d = c.until(lambda p: p['t'] == 'SOUNDBOARD_SOUNDS')[-1]['d']
        assert d == {'guild_id': guild()['id'], 'soundboard_sounds': guild()['soundboard_sounds']}


def channel_info():
    with sim('--rate', '1') as s:
        c = ready(s)
        c.send(43, {'guild_id': guild()['id'], 'fields': ['status']})
        d = c.until(lambda p: p['t'] == 'CHANNEL_INFO')[-1]['d']
        assert [i['id'] for i in d['channels']] == [i['id'] for i in guild()['channels'] if i['type'] in (2, 13)]


def voice():
    with sim('--rate', '1') as s:
        c = ready(s)
        c.send(4, {'guild_id': guild()['id'], 'channel_id': '5', 'self_mute': True, 'self_deaf': False})
        seen = c.until(lambda p: p['t'] == 'VOICE_SERVER_UPDATE')
        state = [p['d'] for p in seen if p['t'] == 'VOICE_STATE_UPDATE'][0]
        assert state['self_mute'] is True and state['user_id'] == EVENTS[0]['d']['user']['id']


# ---- REST

def rest_answer():
    with bare('--shards', '3', '--max-concurrency', '2') as s:
        status, body, _ = s.get('/api/v10/gateway/bot')
        body = json.loads(body)
        assert status == 200 and body['shards'] == 3
        assert body['session_start_limit']['max_concurrency'] == 2 and body['session_start_limit']['remaining'] == 1000
        ready(s)
        assert json.loads(s.get('/api/v10/gateway/bot')[1])['session_start_limit']['remaining'] == 999


def rest_refusals():
    with bare() as s:
        assert s.get('/api/v10/gateway/bot', token='wrong')[0] == 401
        assert s.get('/api/v10/gateway/bot', token=None)[0] == 401
        assert s.get('/api/v10/gateway', token=None)[0] == 200
        assert s.get('/api/v9/gateway')[0] == 404
        assert s.get('/api/v10/gateway', agent='curl/8')[0] == 403
        assert s.get('/api/v10/gateway', agent='DiscordBot (https://example.org)')[0] == 403
        assert s.violations() == [('user_agent', 0), ('user_agent', 0)]


def rest_faults():
    names = ['429', '500', '502', 'html', 'no-url', 'zero-shards', 'zero-concurrency']
    options = [o for name in names for o in ('--rest-fault', name)]
    with bare(*options, '--rest-fault', 'big', '--rest-fault', '401:2') as s:
        status, body, headers = s.get('/api/v10/gateway/bot')
        assert status == 429 and headers['Retry-After'] == '1' and json.loads(body)['retry_after'] == 1.0
        time.sleep(1.1)
        assert s.get('/api/v10/gateway/bot')[0] == 500
        assert s.get('/api/v10/gateway/bot')[0] == 502
        assert s.get('/api/v10/gateway/bot')[1].startswith(b'<html>')
        assert 'url' not in json.loads(s.get('/api/v10/gateway/bot')[1])
        assert json.loads(s.get('/api/v10/gateway/bot')[1])['shards'] == 0
        assert json.loads(s.get('/api/v10/gateway/bot')[1])['session_start_limit']['max_concurrency'] == 0
        assert len(s.get('/api/v10/gateway/bot')[1]) > 10 << 20
        assert [s.get('/api/v10/gateway/bot')[0] for _ in range(3)] == [401, 401, 200]
        assert s.violations() == []


def rest_too_soon():
    with bare('--rest-fault', '429') as s:
        s.get('/api/v10/gateway/bot')
        s.get('/api/v10/gateway/bot')
        assert s.violations() == [('rest_too_soon', 0)]


def rest_stalls():
    with bare('--rest-fault', 'stall') as s:
        try:
            s.get('/api/v10/gateway/bot', timeout=0.5)
        except (TimeoutError, socket.timeout):
            return
        raise AssertionError('no stall')


# ---- hostile clients

def slow_loris():
    with bare('--handshake-timeout-ms', '300') as s:
        with socket.create_connection((s.address.hostname, s.address.port)) as c:
            c.sendall(b'GET / HTTP/1.1\r\nHost')
            c.settimeout(3)
            try:
                assert c.recv(10) == b''
            except ConnectionError:
                pass


def garbage():
    import random
    rng = random.Random(5)
    for tls in (False, True):
        with bare(tls=tls) as s:
            for _ in range(30):
                with socket.create_connection((s.address.hostname, s.address.port)) as c:
                    c.sendall(rng.randbytes(rng.randrange(1, 3000)))
            for _ in range(30):
                c = s.connect()
                try:
                    for _ in range(5):
                        c.send_frame(rng.choice([1, 2, 9, 10, 8]), rng.randbytes(rng.randrange(0, 100)))
                except OSError:
                    pass
                c.drop()
            for _ in range(30):
                c = s.connect(query='v=10&encoding=etf', hello=False)
                good = bytearray(sim_etf.encode({'op': 2, 'd': {'token': TOKEN, 'intents': 1, 'shard': [0, 1], 'properties': {'os': ''}}}))
                good[rng.randrange(len(good))] = rng.randrange(256)
                c.send_raw(bytes(good), 2)
                c.drop()
            assert ready(s).session
            assert s.stop() == 0


def endless_header():
    with bare() as s:
        with socket.create_connection((s.address.hostname, s.address.port)) as c:
            try:
                for _ in range(200):
                    c.sendall(b'x' * 1000)
                    time.sleep(0.001)
                assert c.recv(10) == b''
            except ConnectionError:
                pass
        assert ready(s).session


def usage():
    for options in (['--no-such'], ['--shards', '0'], ['--faults', 'nothing:1'], ['--etf-style', 'x'], ['--rest-fault', 'x'], ['word'],
                    ['--crash-shard', 'x'], ['--crash-shard', '1'], ['--host', 'a"b'], ['--send-window-ms', '-1'], ['--session-remaining', '-7']):
        done = subprocess.run([SIM, *options], capture_output=True, text=True, timeout=60)
        assert done.returncode == 2 and done.stderr.startswith('hemera-sim: ') and not done.stdout, (options, done)
    odd = os.path.join(FOLDER.name, 'odd.jsonl')
    with open(odd, 'w') as f:
        f.write('{"op":0,"s":1,"t":"A\\"B","d":{}}\n')
    for stream in ('/nonexistent', odd):
        done = subprocess.run([SIM, '--stream', stream], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        assert done.returncode == 1 and done.stderr.startswith('hemera-sim: '), done


def certificate_names():
    with bare(tls=True) as s:
        context = s.context()
        for name in ('127.0.0.1', 'localhost', 'gateway.test'):
            with socket.create_connection((s.address.hostname, s.address.port)) as c:
                context.wrap_socket(c, server_hostname=name).close()
        with socket.create_connection((s.address.hostname, s.address.port)) as c:
            try:
                context.wrap_socket(c, server_hostname='other.test')
            except ssl.SSLCertVerificationError:
                return
        raise AssertionError('another name was accepted')


def loopback_only():
    with bare() as s:
        ports = {s.address.port}
        with open('/proc/net/tcp') as f:
            listening = [line.split()[1] for line in f if line.split()[3] == '0A']
        mine = [a for a in listening if int(a.split(':')[1], 16) in ports]
        assert mine and all(a.startswith('0100007F') for a in mine)


def main():
    tap = Tap()
    for tls in (False, True):
        for query in ('v=10&encoding=json', PLAIN_ZLIB):
            tap.run(f'/sim/stream/{"tls" if tls else "plain"}/{"zlib" if "zlib" in query else "none"}', whole_stream, query, tls)
    for test in (shards_split, crc_of_session, resume_exact, resume_same_bytes_after_many, takeover, new_identify_ends_old_session,
                 rate_goes_on_without_connection, replay_limit_stops_production, resume_beyond_replay_limit, resume_window,
                 client_4000_keeps_session, exit_when_done, loops, sigint_ends_well, back_pressure, hundred_connections):
        tap.run('/sim/session/' + test.__name__.replace('_', '-'), test)
    tap.run('/sim/session/client-1000-ends', client_1000_ends_session, 1000)
    tap.run('/sim/session/client-1001-ends', client_1000_ends_session, 1001)
    tap.run('/sim/etf/discord', etf, 'discord', 'v=10&encoding=etf')
    tap.run('/sim/etf/binary', etf, 'binary', 'v=10&encoding=etf&compress=zlib-stream')
    tap.run('/sim/etf/mixed', etf, 'mixed', 'v=10&encoding=etf&compress=zlib-stream', 'mixed')
    if shutil.which('erl'):
        for style in ('discord', 'mixed'):
            tap.run(f'/sim/etf/{style}-read-by-otp', etf, style, 'v=10&encoding=etf', 'mixed', True)
    for test in (fragments, key_orders, payload_compression):
        tap.run('/sim/wire/' + test.__name__.replace('_', '-'), test)
    for area, tests in (('request', (members_all, members_by_id, members_by_prefix, members_without_intent, soundboard, channel_info, voice)),
                        ('rest', (rest_answer, rest_refusals, rest_faults, rest_too_soon, rest_stalls)),
                        ('hostile', (slow_loris, garbage, endless_header)),
                        ('program', (usage, certificate_names, loopback_only))):
        for test in tests:
            tap.run(f'/sim/{area}/{test.__name__.replace("_", "-")}', test)
    tap.end()


if __name__ == '__main__':
    main()
