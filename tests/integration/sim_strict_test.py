#!/usr/bin/env python3
"""hemera-sim under a client that does something wrong: each wrong gives Discord's close code and a violation in the log. Usage:
sim_strict_test.py BIN-FOLDER. Prints TAP."""
import json, struct, time, zlib

import sim_etf
from sim_rig import *

# ---- strictness: each gives a close code and a violation

def strict(code, what, act, *options, sent_ready=False, query='v=10&encoding=json'):
    with bare('--identify-spacing-ms', '0', *options) as s:
        c = ready(s, query=query) if sent_ready else s.connect(query=query, hello='etf' not in query)
        act(c)
        got = c.closed()
        assert got == code, got
        assert (what, code) in s.violations(), s.violations()


def identify(**changes):
    return lambda c: c.identify(**changes)


def raw(text, opcode=1):
    return lambda c: c.send_raw(text if isinstance(text, bytes) else text.encode(), opcode)


def etf_raw(data):
    def act(c):
        c.message()
        c.send_raw(data, 2)
    return act


def twice(*action):
    def act(c):
        for one in action:
            one(c)
    return act


def masks(c):
    c.send_frame(1, b'{}', masked=False)


STRICT = [
    ('wrong-token', 4004, 'token', identify(token='x')),
    ('token-with-prefix', 4004, 'token', identify(token='Bot ' + TOKEN)),
    ('no-token', 4002, 'identify_payload', identify(token=KeyError)),
    ('no-properties', 4002, 'identify_payload', identify(properties=KeyError)),
    ('old-properties', 4002, 'identify_payload', identify(properties={'$os': 'a', '$browser': 'b', '$device': 'c'})),
    ('shard-out-of-range', 4010, 'shard', identify(shard=(4, 4))),
    ('shard-not-a-pair', 4010, 'shard', identify(shard=(1, 2, 3))),
    ('no-intents', 4013, 'intents', identify(intents=KeyError)),
    ('unknown-intents', 4013, 'intents', identify(intents=1 << 17)),
    ('intents-as-text', 4013, 'intents', identify(intents='1')),
    ('bad-presence', 4002, 'identify_payload', identify(presence={'status': 'online'})),
    ('unknown-op', 4001, 'unknown_op', lambda c: c.send(5, None)),
    ('no-json', 4002, 'decode', raw('{"op":')),
    ('key-twice', 4002, 'decode', raw('{"op":1,"op":1,"d":null}')),
    ('no-d', 4002, 'envelope', raw('{"op":1}')),
    ('op-as-text', 4002, 'envelope', raw('{"op":"1","d":null}')),
    ('no-object', 4002, 'envelope', raw('[1]')),
    ('compressed-json', 4002, 'decode', raw(zlib.compress(b'{"op":1,"d":null}'), 2)),
    ('over-4096', 4002, 'payload_too_big', raw(json.dumps({'op': 1, 'd': None, 'x': 'y' * 4096}))),
    ('huge-frame', 4002, 'payload_too_big', lambda c: c.socket.sendall(b'\x81\xff' + struct.pack('>Q', 1 << 40) + b'abcd')),
    ('presence-before-identify', 4003, 'not_identified', lambda c: c.send(3, {})),
    ('resume-without-seq', 4002, 'resume_payload', lambda c: c.send(6, {'token': TOKEN, 'session_id': 'x'})),
    ('resume-wrong-token', 4004, 'token', lambda c: c.resume('x', 1, token='y')),
    ('beat-as-text', 4002, 'heartbeat_payload', lambda c: c.beat('7')),
    ('unmasked', 1002, 'websocket', masks),
    ('reserved-bits', 1002, 'websocket', lambda c: c.send_frame(1, b'{}', reserved=0x40)),
    ('stray-continuation', 1002, 'websocket', lambda c: c.send_frame(0, b'{}')),
    ('half-close-code', 1002, 'websocket', lambda c: c.send_frame(8, b'x')),
    ('close-code-of-no-frame', 1002, 'websocket', lambda c: c.send_frame(8, struct.pack('>H', 1005))),
    ('close-code-too-small', 1002, 'websocket', lambda c: c.send_frame(8, struct.pack('>H', 999))),
    ('close-reason-no-utf8', 1002, 'websocket', lambda c: c.send_frame(8, struct.pack('>H', 1000) + b'\xff')),
    ('long-control', 1002, 'websocket', lambda c: c.send_frame(9, b'x' * 126)),
    ('padded-length', 1002, 'websocket', lambda c: c.socket.sendall(b'\x81\xfe\0\x02\0\0\0\0{}')),
    ('padded-long-length', 1002, 'websocket', lambda c: c.socket.sendall(b'\x81\xff' + struct.pack('>Q', 2) + b'\0\0\0\0{}')),
]
STRICT_READY = [
    ('identify-twice', 4005, 'identified_twice', identify()),
    ('resume-when-active', 4005, 'resume_after_identify', lambda c: c.resume(c.session, 1)),
    ('beat-from-the-future', 4007, 'heartbeat_seq', lambda c: c.beat(99)),
    ('presence-incomplete', 4001, 'presence_payload', lambda c: c.send(3, {'status': 'online'})),
    ('voice-incomplete', 4001, 'voice_payload', lambda c: c.send(4, {'guild_id': '1'})),
    ('members-incomplete', 4001, 'members_payload', lambda c: c.send(8, {'guild_id': '1'})),
    ('soundboard-incomplete', 4001, 'soundboard_payload', lambda c: c.send(31, {})),
    ('channel-info-incomplete', 4001, 'channel_info_payload', lambda c: c.send(43, {'guild_id': '1'})),
]
ATOM_KEY = b'\x83t\0\0\0\x01w\x02op' + b'a\x01'
STRICT_ETF = [
    ('atom-keys', 4002, 'atom_key', etf_raw(ATOM_KEY)),
    ('compressed', 4002, 'compressed', etf_raw(b'\x83P\0\0\0\x02' + zlib.compress(b'a\x01'))),
    ('tuple', 4002, 'decode', etf_raw(b'\x83h\x01a\x01')),
    ('truncated', 4002, 'decode', etf_raw(sim_etf.encode({'op': 1, 'd': None})[:-1])),
    ('trailing', 4002, 'decode', etf_raw(sim_etf.encode({'op': 1, 'd': None}) + b'j')),
    ('no-version', 4002, 'decode', etf_raw(sim_etf.encode({'op': 1, 'd': None})[1:])),
    ('text-frame', 4002, 'text_frame', twice(lambda c: c.message(), raw(sim_etf.encode({'op': 1, 'd': None})))),
    ('json', 4002, 'decode', etf_raw(b'{"op":1,"d":null}')),
]


def resume_from_the_future():
    with bare() as s:
        c = ready(s)
        c.drop()
        assert s.connect().resume(c.session, 9).closed() == 4007
        assert s.connect().resume(c.session, 1).receive()['op'] == 9


def resume_of_unknown():
    with bare() as s:
        answer = s.connect().resume('nothing', 1).receive()
        assert (answer['op'], answer['d']) == (9, False)


def resume_in_another_encoding():
    with bare() as s:
        c = ready(s)
        c.drop()
        r = s.connect(query='v=10&encoding=etf', hello=False)
        r.message()
        r.send_raw(sim_etf.encode({'op': 6, 'd': {'token': TOKEN, 'session_id': c.session, 'seq': 1}}), 2)
        assert sim_etf.decode(r.message())['op'] == 9
        assert ('resume_encoding', 0) in s.violations()


def identify_after_op9_on_same_socket():
    with bare() as s:
        c = s.connect().resume('nothing', 1)
        assert c.receive()['op'] == 9
        c.identify().until(lambda p: p['t'] == 'READY')
        assert s.violations() == []


def disallowed():
    strict(4014, 'disallowed_intents', identify(), '--disallow-intents', '256')


def sharding_required():
    with sim('--max-guilds', '3') as s:
        assert s.connect().identify().closed() == 4011


def versions():
    with bare() as s:
        for query in ('v=9&encoding=json', 'encoding=json', ''):
            c = s.connect(query=query, hello=False)
            assert c.status == 101 and c.closed() == 4012


def default_encoding_is_json():
    with bare() as s:
        assert s.connect(query='v=10').hello['op'] == 10


def bad_upgrades():
    with bare() as s:
        for target, status in (('?v=10', 400), ('/other?v=10', 404), ('/?v=10&encoding=xml', 400), ('/?v=10&compress=gzip', 400),
                               ('/?v=10&encoding=etf&v=10', 400)):
            c = s.connect(target=target, hello=False)
            assert c.status == status, (target, c.status)


# ---- heartbeats

def beats(options, act, code, what):
    with bare('--heartbeat-interval', '200', '--heartbeat-grace-ms', '2000', *options) as s:
        c = ready(s)
        act(c)
        if code:
            assert c.closed() == code
        assert (what, code) in s.violations() if what else s.violations() == [], s.violations()


def beat_regularly(c):
    for _ in range(6):
        time.sleep(0.19)
        c.beat()
        c.until(lambda p: p['op'] == 11)


def beat_late_then_in_time(c):
    for pause in (0, 0.35, 0.01):
        time.sleep(pause)
        c.beat()
    for _ in range(3):
        c.until(lambda p: p['op'] == 11)


def beat_too_often(c):
    c.beat()
    c.beat()
    c.until(lambda p: p['op'] == 11)
    c.until(lambda p: p['op'] == 11)


def beat_null_late(c):
    c.beat()
    c.beat(None)
    c.until(lambda p: p['op'] == 11)
    c.until(lambda p: p['op'] == 11)


def beat_null_after_resume(seq, violations):
    """Who resumes after nothing at all has no number to tell yet; with another number there is one."""
    with bare() as s:
        c = ready(s)
        c.drop()
        r = s.connect().resume(c.session, seq)
        r.beat(None)
        r.until(lambda p: p['op'] == 11)
        assert s.violations() == violations, s.violations()


def beat_before_identify():
    with bare() as s:
        c = s.connect()
        c.beat(None)
        assert c.receive()['op'] == 11
        assert s.violations() == []


# ---- limits

def send_rate():
    with bare('--heartbeat-interval', '600000') as s:
        c = ready(s)
        for _ in range(119):
            c.beat()
        assert len(c.until(lambda p: p['op'] == 11)) == 1
        c.beat()
        assert c.closed() == 4008
        assert ('send_rate', 4008) in s.violations()


def presence_rate():
    good = {'since': None, 'activities': [{'name': 'x', 'type': 0}], 'status': 'online', 'afk': False}
    with bare() as s:
        c = ready(s)
        for _ in range(6):
            c.send(3, good)
        c.beat()
        c.until(lambda p: p['op'] == 11)
        assert s.violations() == [('presence_rate', 0)] and len(s.log('request')) == 5


def identify_spacing():
    with bare('--shards', '4', '--max-concurrency', '2', '--identify-spacing-ms', '2000') as s:
        for shard in (0, 1):
            s.connect().identify(shard=(shard, 4)).until(lambda p: p['t'] == 'READY')
        c = s.connect().identify(shard=(2, 4))
        answer = c.receive()
        assert (answer['op'], answer['d']) == (9, False)
        assert s.violations() == [('identify_spacing', 0)]
        time.sleep(2)
        c.identify(shard=(2, 4)).until(lambda p: p['t'] == 'READY')


def session_starts():
    with bare('--session-total', '5', '--session-remaining', '1', '--identify-spacing-ms', '0', '--shards', '2') as s:
        first = s.connect().identify(shard=(0, 2))
        first.until(lambda p: p['t'] == 'READY')
        assert s.connect().identify(shard=(1, 2)).closed() == 4004
        assert first.closed() == 4004
        assert s.get('/api/v10/gateway/bot')[0] == 401
        assert ('session_starts_exhausted', 4004) in s.violations()


def session_starts_refill():
    with bare('--session-total', '5', '--session-remaining', '0', '--session-reset-after-ms', '5000') as s:
        limit = json.loads(s.get('/api/v10/gateway/bot')[1])['session_start_limit']
        assert limit['remaining'] == 0 and 0 < limit['reset_after'] <= 5000
        time.sleep(limit['reset_after'] / 1000 + 0.1)
        limit = json.loads(s.get('/api/v10/gateway/bot')[1])['session_start_limit']
        assert limit['remaining'] == 5


def main():
    tap = Tap()
    for name, code, what, act in STRICT:
        tap.run('/sim/strict/' + name, strict, code, what, act)
    for name, code, what, act in STRICT_READY:
        tap.run('/sim/strict/' + name, lambda code=code, what=what, act=act: strict(code, what, act, sent_ready=True))
    for name, code, what, act in STRICT_ETF:
        tap.run('/sim/strict/etf-' + name, lambda code=code, what=what, act=act: strict(code, what, act, query='v=10&encoding=etf'))
    for test in (resume_from_the_future, resume_of_unknown, resume_in_another_encoding, identify_after_op9_on_same_socket, disallowed,
                 sharding_required, versions, default_encoding_is_json, bad_upgrades):
        tap.run('/sim/strict/' + test.__name__.replace('_', '-'), test)
    tap.run('/sim/beat/regular', beats, [], beat_regularly, 0, None)
    tap.run('/sim/beat/late-then-in-time', beats, [], beat_late_then_in_time, 0, None)
    tap.run('/sim/beat/none', beats, [], lambda c: None, 4000, 'heartbeat_late')
    tap.run('/sim/beat/too-often', beats, [], beat_too_often, 0, 'heartbeat_early')
    tap.run('/sim/beat/null-late', beats, [], beat_null_late, 0, 'heartbeat_null')
    tap.run('/sim/beat/null-after-resume-at-0', beat_null_after_resume, 0, [])
    tap.run('/sim/beat/null-after-resume-at-1', beat_null_after_resume, 1, [('heartbeat_null', 0)])
    tap.run('/sim/beat/before-identify', beat_before_identify)
    for test in (send_rate, presence_rate, identify_spacing, session_starts, session_starts_refill):
        tap.run('/sim/limit/' + test.__name__.replace('_', '-'), test)
    tap.end()


if __name__ == '__main__':
    main()
