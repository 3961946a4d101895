#!/usr/bin/env python3
"""hemera-sim's faults under a client that does what Discord's documentation says: after every resumable fault each event is seen exactly
once and in order; a session's end is a gap with the bounds that the log names. Usage: sim_faults_test.py BIN-FOLDER. Prints TAP."""
import os, ssl, sys, tempfile, threading, time, zlib

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from sim_client import *

SIM = os.path.join(sys.argv[1], 'hemera-sim')
FOLDER = tempfile.TemporaryDirectory()
STREAM = os.path.join(FOLDER.name, 'stream.jsonl')
EVENTS = make_stream(STREAM, events=3000, guilds=6, members=10, seed=11)
INTERVAL = 0.3
NEW_SESSION = {4003, 4005, 4006, 4007, 4009}
FATAL = {4004, 4010, 4011, 4012, 4013, 4014}


class Bot(threading.Thread):
    """One shard that keeps its session as long as it may."""

    def __init__(self, simulator, url, shard, total, query):
        super().__init__(daemon=True)
        self.simulator, self.url, self.shard, self.total, self.query = simulator, url, shard, total, query
        self.sessions = []  # [id, [(s, t, d)]]
        self.session = None
        self.resume_url = None
        self.gaps = []
        self.fatal = None
        self.connections = 0
        self.stopping = False
        self.error = None

    def run(self):
        try:
            while not self.stopping and self.fatal is None:
                self.connection()
        except BaseException as error:
            if not self.stopping:
                self.error = repr(error)

    def lose(self):
        if self.session:
            self.gaps.append((self.session, self.seq))
        self.session = self.resume_url = None

    def connection(self):
        self.connections += 1
        url, self.resume_url = self.resume_url or self.url, None  # after a failure the base url is tried
        try:
            c = Client(url, self.simulator.context(), query=self.query, hello=False)
            if c.status != 101:
                return time.sleep(0.05)
        except (OSError, Closed):
            return time.sleep(0.05)
        try:
            self.talk(c, url)
        except Closed as closed:
            if closed.code in FATAL:
                self.fatal = closed.code
                self.lose()
            elif closed.code in NEW_SESSION:
                self.lose()
            elif closed.code == 1001 and self.simulator.process.poll() is not None:
                self.stopping = True
        except (OSError, ssl.SSLError):
            pass
        finally:
            c.drop()

    def talk(self, c, url):
        last, acked, next_beat, hello = time.monotonic(), True, None, False
        while True:
            now = time.monotonic()
            if next_beat is None and now - last > 1.5:
                return  # no HELLO, no READY
            if next_beat is not None and now >= next_beat:
                if not acked:
                    return c.send_frame(8, b'\x0f\xa0')  # zombie: 4000
                c.beat(self.seq if self.session else None)
                acked, next_beat = False, now + INTERVAL
            try:
                value = c.receive(max(0.01, (next_beat or now + 0.1) - time.monotonic()))
            except (TimeoutError, socket.timeout):
                if hello and not self.answered and time.monotonic() - last > 1.5:
                    return c.send_frame(8, b'\x0f\xa0')
                continue
            except (zlib.error, json.JSONDecodeError, UnicodeDecodeError):
                return c.send_frame(8, b'\x0f\xa0')
            op = value['op']
            if op == 10:
                hello, self.answered, last = True, False, time.monotonic()
                next_beat = time.monotonic() + INTERVAL / 3
                self.authenticate(c)
            elif op == 11:
                acked = True
            elif op == 1:
                c.beat(self.seq if self.session else None)
            elif op == 7:
                self.resume_url = url
                return c.send_frame(8, b'\x0f\xa0')
            elif op == 9:
                if not value['d']:
                    self.lose()
                return c.send_frame(8, b'\x0f\xa0')
            elif op == 0:
                self.answered = True
                self.take(value)

    def authenticate(self, c):
        if self.session:
            c.resume(self.session, self.seq)
        else:
            c.identify(shard=(self.shard, self.total))

    def take(self, value):
        if value['t'] == 'READY':
            assert self.session is None, 'READY in a session'
            self.session, self.seq = value['d']['session_id'], 0
            self.sessions.append((self.session, []))
            self.base = value['d']['resume_gateway_url']
        assert value['s'] == self.seq + 1, (value['s'], self.seq)
        self.seq = value['s']
        self.resume_url = self.base
        self.sessions[-1][1].append((value['s'], value['t'], value['d']))


def play(faults, *options, tls=False, shards=2, query='v=10&encoding=json&compress=zlib-stream', seconds=40, lost=0, fatal=()):
    with Simulator(SIM, '--stream', STREAM, '--shards', str(shards), '--max-concurrency', str(shards), '--identify-spacing-ms', '0',
                   '--heartbeat-interval', str(int(INTERVAL * 1000)), '--heartbeat-grace-ms', '2000', '--exit-when-done',
                   '--faults', faults, '--seed', '5', '--send-limit', '10000', *options, tls=tls) as s:
        url = s.url()
        bots = [Bot(s, url, i, shards, query) for i in range(shards)]
        for bot in bots:
            bot.start()
        try:
            s.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(('not done', [(b.error, b.sessions and b.sessions[-1][1][-1][:2]) for b in bots], s.log()[-8:]))
        for bot in bots:
            bot.stopping = True
            bot.join(5)
            assert bot.error is None, bot.error
        assert s.process.returncode == 0
        check(s, bots, shards, lost, fatal)
        return s, bots, s.log()


def check(s, bots, shards, lost, fatal):
    totals = {line['session']: line for line in s.log('session')}
    gaps = {line['session']: line for line in s.log('gap')}
    lost_of = {line['session']: line['lost'] for line in s.log('gap')}
    for bot in bots:
        want = [(e['t'], e['d']) for e in EVENTS[1:] if shard_of(e, shards) == bot.shard]
        for session, seen in bot.sessions:
            crc = zlib.crc32(''.join(f'{n} {t}\n' for n, t, _ in seen).encode())
            assert (totals[session]['crc'], totals[session]['last_s']) == (crc, seen[-1][0]), (totals[session], seen[-1][:2])
            at = 0
            for n, t, d in seen:  # our own READY and RESUMED beside the stream's events, in order
                if at < len(want) and (t, d) == want[at]:
                    at += 1
                else:
                    assert t in ('READY', 'RESUMED'), (n, t)
            want = want[at + (lost_of.get(session, 0)):]
        if not fatal:
            assert want == [], (bot.shard, len(want))
        assert [(session, seq) for session, seq in bot.gaps] == [(k, gaps[k]['last_seq']) for k, _ in bot.sessions if k in gaps]
    assert not [v for v in s.violations() if v[0] not in ('silence_not_noticed',)], s.violations()


def count(log, name):
    return len([line for line in log if line['event'] == 'fault' and line['name'] == name])


def resumable(name, number, *options, **more):
    s, bots, log = play(f'{name}:{number}', *options, **more)
    assert count(log, name) == number, count(log, name)
    assert len([line for line in log if line['event'] == 'ready']) == 2, 'a session was lost'
    return s, bots, log


def with_resumes(name, number, *options, **more):
    s, bots, log = resumable(name, number, *options, **more)
    assert len([line for line in log if line['event'] == 'resume']) >= number


def without_resumes(name, number, *options):
    s, bots, log = resumable(name, number, *options)
    assert not [line for line in log if line['event'] == 'resume']


def ends(name, number, *options, **more):
    s, bots, log = play(f'{name}:{number}', *options, **more)
    assert count(log, name) == number
    assert len([line for line in log if line['event'] == 'gap']) == number
    assert sum(len(bot.gaps) for bot in bots) == number


def fatal_code():
    s, bots, log = play('close-4014:1', fatal=(4014,))
    assert [bot.fatal for bot in bots].count(4014) == 1


def same_seed_same_places():
    def places():
        return sorted((line['shard'], line['name']) for line in play('op7:4,close-4000:4')[2] if line['event'] == 'fault')
    assert places() == places()


def random_in_time():
    with Simulator(SIM, '--stream', STREAM, '--loop', '--rate', '500', '--fault-every', '100', '--fault-kinds', 'op7,reset,close-4000',
                   '--heartbeat-interval', '300') as s:
        bot = Bot(s, s.url(), 0, 1, 'v=10&encoding=json')
        bot.start()
        faults = s.wait_log('fault', 5)
        bot.stopping = True
        s.stop()
        assert len(faults) >= 5 and bot.error is None and s.violations() == []


def everything():
    play('op7:4,op9-true:4,op1:4,reset:4,close-4000:3,close-1001:2,slow-read:2,corrupt:3,silence:1,op9-false:2,close-4009:2,'
         'op7-early:2,upgrade-503:2,no-ready:1,resume-dead:1', '--slow-read-ms', '200', '--rate', '1500', '--resume-dead-ms', '300',
         tls=True, shards=4)


def main():
    tap = Tap()
    for name, number in (('op7', 12), ('op9-true', 12), ('reset', 12), ('close-4000', 6), ('close-4001', 3), ('close-4002', 3),
                         ('close-4008', 3), ('close-1000', 3), ('close-1001', 3), ('close-1012', 3), ('silence', 2), ('op7-early', 4),
                         ('no-hello', 1), ('no-ready', 2), ('upgrade-503', 4), ('resume-dead', 2)):
        tap.run(f'/sim-faults/resumable/{name}', with_resumes, name, number, '--resume-dead-ms', '300')
    for query in ('zlib', 'none'):
        tap.run(f'/sim-faults/resumable/corrupt-{query}', lambda query=query: with_resumes(
            'corrupt', 8, query='v=10&encoding=json' + ('&compress=zlib-stream' if query == 'zlib' else '')))
    tap.run('/sim-faults/resumable/reset-tls', lambda: with_resumes('reset', 12, tls=True))
    tap.run('/sim-faults/no-reconnect/op1', without_resumes, 'op1', 12)
    tap.run('/sim-faults/resumable/slow-read', resumable, 'slow-read', 4, '--slow-read-ms', '150')
    tap.run('/sim-faults/resumable/slow-read-too-slow', with_resumes, 'slow-read', 2, '--slow-read-ms', '900')
    for name in ('op9-false', 'close-4003', 'close-4007', 'close-4009'):
        tap.run(f'/sim-faults/gap/{name}', ends, name, 5)
    tap.run('/sim-faults/gap/events-lost', ends, 'op9-false', 5, '--lose-on-gap', '7')
    tap.run('/sim-faults/gap/rate', ends, 'close-4009', 4, '--rate', '3000')
    tap.run('/sim-faults/fatal', fatal_code)
    tap.run('/sim-faults/seed', same_seed_same_places)
    tap.run('/sim-faults/random-in-time', random_in_time)
    tap.run('/sim-faults/everything', everything)
    tap.end()


if __name__ == '__main__':
    main()
