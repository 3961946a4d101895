#!/usr/bin/env python3
"""tail_test.py BIN [--only WORD] [--slow]

What hemera-tail's command line promises, against hemera-sim: exit codes, fatal closes, the token's secrecy, the session file, sends from
standard input, REST faults. --slow also waits a minute for the end of a send window. Prints TAP."""
import argparse, base64, json, os, signal, sys, tempfile, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from endtoend import FACTOR, PACE, TOKEN, Proof, Run, Stream, Tap, shard_of

QUICK = ['--identify-spacing-ms', 100]
RETRY = ['--backoff-base-ms', 50, '--backoff-cap-ms', 300]
ALL_INTENTS = 53608447
SECRET = 'MTIzNDU2Nzg5MDEyMzQ1Njc4.GhTkQp.s3cr3t-of_the-bot-0123456789abcdef'


class Tests:
    def __init__(self, args, folder):
        self.bin = args.bin
        self.slow = args.slow
        self.folder = folder
        self.stream = Stream(folder, 3000, 21)
        self.guild = next(e['d']['id'] for e in self.stream.lines if e['t'] == 'GUILD_CREATE')

    def run(self, *options, **more):
        return Run(self.bin, '--stream', self.stream.path, '--log-dispatch', *QUICK, *options, **more)

    def refused(self, status, *options, text='', **more):
        """Ends at once with the status, one clear line, and nothing on standard output."""
        with Run(self.bin, '--stream', self.stream.path) as run:
            tail = run.tail(*options, **more)
            got = tail.wait(10)
            assert got == status, (options, got, tail.errors())
            assert tail.text() == '' and text in tail.errors() and tail.errors().strip(), (options, tail.errors())
            run.check_sound()
            assert not run.simulator.log('connection')

    # ---- exit codes

    def max_events(self):
        for count in (1, 2, 137):
            with self.run('--shards', 4, '--max-concurrency', 4) as run:
                tail = run.tail('--max-events', count, '--output', 'json', *QUICK)
                assert tail.wait(15) == 0
                dispatches = [m for m in tail.messages('event_received') if m['op'] == 0]
                assert len(dispatches) == count, len(dispatches)
                assert tail.text().endswith('}\n')
                run.check_sound()
                codes = {e['received_code'] for e in run.simulator.wait_log('closed', len(run.simulator.log('connection'))) if e['shard'] >= 0}
                assert codes == {1000}, codes
                assert not run.simulator.violations()

    def timeout(self):
        with self.run('--rate', 5) as run:
            started = time.monotonic()
            tail = run.tail('--timeout', 2, '--output', 'json', *QUICK)
            assert tail.wait(10) == 3, tail.errors()
            assert time.monotonic() - started >= 2
            run.check_sound()

    def timeout_without_answer(self):
        """Never early: timers that are rounded to whole seconds would be, in some of these."""
        with self.run('--rest-fault', 'stall:9') as run:
            for _ in range(4):
                time.sleep(0.2)
                started = time.monotonic()
                assert run.tail('--timeout', 1).wait(8) == 3
                assert time.monotonic() - started >= 1

    def signals(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.run('--rate', 200) as run:
                tail = run.tail('--output', 'json', *QUICK)
                tail.until(lambda messages: len(messages) > 50)
                tail.process.send_signal(number)
                assert tail.wait(10) == 0, tail.errors()
                assert [e['received_code'] for e in run.simulator.wait_log('closed')] == [1000]
                run.check_sound()

    def usage(self):
        for options in (['--no-such'], ['word'], ['--encoding', 'xml'], ['--compress', 'brotli'], ['--compress', 'payload'],
                        ['--encoding', 'json', '--compress', 'payload'], ['--compress', 'zstd-stream'], ['--output', 'html'],
                        ['--shards', '0-3'], ['--shards', '4', '--total-shards', '4'], ['--shards', '0,0', '--total-shards', '4'],
                        ['--shards', '3-1', '--total-shards', '4'], ['--shards', '', '--total-shards', '4'], ['--shards', 'a', '--total-shards', '2'],
                        ['--total-shards', '-1'], ['--total-shards', 'x'], ['--max-events', '-1'], ['--max-events', 'x'], ['--timeout', '-1'],
                        ['--intents', 'GUILD_NOTHING'], ['--intents', '-1'], ['--api-url', 'ftp://127.0.0.1/'], ['--api-url', 'nonsense'],
                        ['--cache'], ['--cache-snapshot', '/dev/null'], ['--node', 'a@b'], ['--ca-file'], ['--chaos-kills', '-1']):
            self.refused(2, *options, text='hemera-tail: ')
        self.refused(2, '--record', '/nonexistent/file', text='/nonexistent/file')

    def files_that_are_not_there(self):
        with Run(self.bin, '--stream', self.stream.path) as run:
            tail = run.tail('--ca-file', '/nonexistent.pem')
            assert tail.wait(10) == 2 and '/nonexistent.pem' in tail.errors(), tail.errors()
            tail = run.tail('--session-file', '/nonexistent/sessions', '--max-events', 20, *QUICK)  # a bot without a memory is still a bot
            assert tail.wait(10) == 0 and '/nonexistent/sessions' in tail.errors(), tail.errors()

    def session_file_unwritable(self):
        """Tried every two seconds, told once and at the end."""
        with self.run('--rate', 20) as run:
            tail = run.tail('--session-file', '/nonexistent/sessions', '--timeout', 6, *QUICK)
            assert tail.wait(15) == 3 and tail.errors().count('/nonexistent/sessions') == 2, tail.errors()

    def session_file_of_another_total(self):
        with self.run('--rate', 200) as run:
            sessions = ['--session-file', os.path.join(run.folder, 'sessions'), '--max-events', 50, *QUICK]
            assert run.tail('--total-shards', 1, *sessions).wait(10) == 0
            tail = run.tail('--total-shards', 2, *sessions)
            assert tail.wait(10) == 0 and 'sessions are of 1 shards, but there are 2 now' in tail.errors(), tail.errors()
            assert not run.simulator.log('resume')

    def unset_token(self):
        self.refused(2, token=None, text='DISCORD_TOKEN')
        self.refused(2, token='', text='DISCORD_TOKEN')
        self.refused(2, '--token-env', 'OTHER_TOKEN', text='OTHER_TOKEN')
        self.refused(2, token='with\nnewline', text='token')

    def token_of_another_variable(self):
        with self.run() as run:
            assert run.tail('--token-env', 'OTHER_TOKEN', '--max-events', 5, *QUICK, token=None, env={'OTHER_TOKEN': TOKEN}).wait(10) == 0

    def help_and_version(self):
        for option in ('--help', '--version'):
            with Run(self.bin) as run:
                tail = run.tail(option, token=None)
                assert tail.wait(5) == 0 and 'hemera-tail' in tail.text() and tail.errors() == ''

    def some_shards(self):
        with self.run('--shards', 4, '--max-concurrency', 4) as run:
            tail = run.tail('--shards', '1,3', '--total-shards', 4, '--max-events', 300, '--output', 'json', *QUICK)
            assert tail.wait(15) == 0, tail.errors()
            assert {m['shard'] for m in tail.messages('event_received')} == {1, 3}
            assert {e['shard'] for e in run.simulator.log('identify')} == {1, 3}

    def closed_pipe(self):
        with self.run('--rate', 300) as run:
            import subprocess
            environment = dict(os.environ, DISCORD_TOKEN=TOKEN)
            process = subprocess.Popen([os.path.join(self.bin, 'hemera-tail'), '--api-url', run.simulator.words[1] + '/api/v10', '--ca-file',
                                        run.simulator.ca, '--output', 'json'], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                       stdin=subprocess.DEVNULL, env=environment)
            try:
                process.stdout.readline()
                process.stdout.close()
                assert process.wait(timeout=10 * FACTOR) == 1
            finally:
                process.kill()
                process.wait()

    # ---- fatal closes

    def fatal(self, code, words, *options, simulator=(), siblings=True):
        faults = [] if simulator else ['--faults', f'close-{code}:1']
        with self.run('--shards', 2, '--max-concurrency', 2, '--rate', 3000, *(simulator or faults)) as run:
            tail = run.tail('--output', 'json', *QUICK, *options)
            assert tail.wait(20) == 4, (tail.process.returncode, tail.errors())
            messages = tail.messages()
            told = [m for m in messages if m['type'] in ('disconnecting', 'shard_disconnected')]
            shard = told[0]['shard']
            told = [m for m in told if m['shard'] == shard]
            assert [m['type'] for m in told][:2] == ['disconnecting', 'shard_disconnected'], told
            assert told[0]['code'] == told[1]['code'] == code and told[1]['will_restart'] is False, told
            for text in (told[0]['reason'], told[1]['error'], tail.errors()):
                for word in words:
                    assert word in text, (word, text)
            assert str(code) in told[1]['error']
            assert not [m for m in messages if m['type'] == 'restarted']
            run.check_sound()

    def fatal_4004(self):
        self.fatal(4004, ['token'])

    def fatal_table(self):
        for code, word in ((4010, 'shard'), (4011, 'sharding'), (4012, 'version'), (4013, 'intents')):
            self.fatal(code, [word])

    def intents_are_named(self):
        self.fatal(4013, ['GUILDS', 'GUILD_MESSAGES'], '--intents', 'GUILDS,GUILD_MESSAGES')
        self.fatal(4014, ['GUILD_PRESENCES', 'MESSAGE_CONTENT'], '--intents', 'GUILDS,GUILD_PRESENCES,MESSAGE_CONTENT',
                   simulator=['--disallow-intents', str(1 << 8)])
        with self.run('--disallow-intents', str(1 << 8)) as run:
            assert run.tail('--max-events', 5, *QUICK).wait(10) == 0  # the default asks for none that is privileged

    def unauthorized(self):
        with self.run() as run:
            for options in ({'token': 'wrong-token'}, {}):
                tail = run.tail(**options) if options else None
                if tail:
                    assert tail.wait(10) == 4 and '401' in tail.errors() and 'token' in tail.errors(), tail.errors()
                    assert tail.text() == ''
        with self.run('--rest-fault', '401') as run:
            assert run.tail().wait(10) == 4
            run.check_sound()

    # ---- the token

    def token_is_nowhere(self):
        marks = [SECRET, SECRET[5:40], SECRET.split('.')[2], base64.b64encode(SECRET.encode()).decode()[:40], SECRET.encode().hex()[:60]]

        def search(where, data):
            for mark in marks:
                assert mark.encode() not in data, f'the token is in {where}'

        def check(run, tail):
            for path in [tail.out_path, tail.err_path] + [os.path.join(run.folder, name) for name in ('record', 'sessions')]:
                if os.path.exists(path):
                    with open(path, 'rb') as f:
                        search(path, f.read())

        for name, encoding, faults, token, status, rest in (
                ('good', 'etf', 'corrupt:3,op9-false:1,reset:2', SECRET, 0, []), ('good json', 'json', 'corrupt:3,op9-false:1', SECRET, 0, []),
                ('4004', 'etf', 'close-4004:1', SECRET, 4, []), ('401', 'etf', '', SECRET + '-old', 4, []),
                ('500', 'etf', '', SECRET, 3, ['--rest-fault', '500:99']), ('html', 'etf', '', SECRET, 1, ['--rest-fault', 'html:99'])):
            with self.run('--rate', 1000, '--faults', faults, '--token', SECRET, *rest, '-v') as run:
                compress = ['--compress', 'none'] if encoding == 'json' else []
                tail = run.tail('--output', 'json', '--encoding', encoding, *compress, '--record', os.path.join(run.folder, 'record'), '--session-file',
                                os.path.join(run.folder, 'sessions'), *(['--max-events', 2500] if status == 0 else ['--timeout', 2] if status == 3 else []),
                                *QUICK, *RETRY, '--chaos-kill', 0.3, '--chaos-kills', 5, token=token, stdin=True,
                                env={'G_MESSAGES_DEBUG': 'all', 'HEMERA_DEBUG': 'all', 'LWS_LOG': '65535'})
                tail.write('{"shard":0,"op":3,"d":{"since":null,"activities":[],"status":"idle","afk":false}}\nnonsense\n')
                seen = 0
                while tail.process.poll() is None:
                    try:
                        with open(f'/proc/{tail.process.pid}/cmdline', 'rb') as f:
                            search('cmdline', f.read())
                            seen += 1
                        with open(f'/proc/{tail.process.pid}/comm', 'rb') as f:
                            search('comm', f.read())
                    except (FileNotFoundError, ProcessLookupError):
                        break
                    time.sleep(0.02)
                    assert seen < 3000 * FACTOR, 'does not end'
                assert tail.wait(5) == status and seen > 0, (name, tail.process.returncode, tail.errors()[-1500:])
                assert tail.errors(), name
                check(run, tail)
                tail.process.stdin.close()

    def token_in_the_wrong_place(self):
        """A token as an argument is refused, and not repeated."""
        tail_options = ['--token', SECRET]
        with Run(self.bin) as run:
            tail = run.tail(*tail_options)
            assert tail.wait(5) == 2 and SECRET not in tail.errors()

    # ---- the session file

    def chain(self, *steps, at_least_once=False, at_once=False, encoding='etf'):
        """Runs after each other with one session file; a step ends a run, the last one runs to the end of the stream."""
        # A process cannot know when the one before it identified.
        spacing = ['--identify-spacing-ms', 1] if at_once else []
        with self.run('--shards', 2, '--max-concurrency', 2, '--rate', int(600 / PACE), '--heartbeat-interval', int(500 * FACTOR), '--heartbeat-grace-ms', 5000,
                      '--exit-when-done', '--seed', 4, *spacing) as run:
            sessions = os.path.join(run.folder, 'sessions')
            compress = ['--compress', 'none'] if encoding == 'json' else []
            common = ['--output', 'json', '--encoding', encoding, *compress, '--session-file', sessions, *QUICK, *RETRY]
            for step in steps:
                step(run, common)
                assert os.stat(sessions).st_mode & 0o777 == 0o600, oct(os.stat(sessions).st_mode)
                assert os.listdir(run.folder).count('sessions') == 1
            tail = run.tail(*common)
            run.wait_done(40)
            assert tail.terminate() == 0
            run.check_sound()
            proof = Proof(self.stream, run.simulator.log(), [t.messages() for t in run.tails], 2, at_least_once=at_least_once)
            print(f'# {proof}')
            proof.check()
            assert proof.counts() == 0, proof
            if not at_once:
                assert proof.sessions == 2 and len(run.simulator.log('resume')) >= 2 * len(steps), proof
            codes = {e['received_code'] for e in run.simulator.log('closed') if e['shard'] >= 0}
            assert 1000 not in codes, codes
            return proof

    @staticmethod
    def terminated(run, common):
        tail = run.tail(*common)
        tail.until(lambda messages: len(messages) > 250)
        assert tail.terminate() == 0, tail.errors()

    @staticmethod
    def after_some(run, common):
        tail = run.tail('--max-events', 313, *common)
        assert tail.wait(20) == 0, tail.errors()
        assert sum(1 for m in tail.messages('event_received') if m['op'] == 0) == 313

    @staticmethod
    def killed(run, common):
        tail = run.tail(*common)
        tail.until(lambda messages: len(messages) > 250 and os.path.exists(os.path.join(run.folder, 'sessions')))
        time.sleep(0.3)
        tail.kill()

    def session_file(self):
        proof = self.chain(self.terminated, self.after_some, self.terminated)
        assert proof.doubled == 0

    def session_file_json(self):
        self.chain(self.after_some, self.terminated, encoding='json')

    def session_file_after_a_kill(self):
        self.chain(self.killed, self.killed, at_least_once=True)

    def session_file_at_once(self):
        """Ended before much came: --max-events 1 is one READY alone, and the other shard may not have its own yet."""
        def one(run, common):
            assert run.tail('--max-events', 1, *common).wait(10) == 0
        self.chain(one, one, self.terminated, at_once=True)

    def session_file_broken(self):
        for content in (b'', b'\0\xff' * 50, b'{"version":99}', b'[' * 100000):
            with self.run() as run:
                path = os.path.join(run.folder, 'sessions')
                with open(path, 'wb') as f:
                    f.write(content)
                tail = run.tail('--session-file', path, '--max-events', 3, *QUICK)
                status = tail.wait(10)
                assert status in (0, 1, 2) and tail.errors(), (content[:20], status)
                run.check_sound()

    # ---- standard input

    def with_input(self, *options, tail=()):
        run = self.run('--rate', 20, *options)
        return run, run.tail('--output', 'json', '--intents', ALL_INTENTS, *QUICK, *tail, stdin=True)

    @staticmethod
    def line(op, d, shard=0):
        return json.dumps({'shard': shard, 'op': op, 'd': d}) + '\n'

    def voice(self, number=0):
        return self.line(4, {'guild_id': self.guild, 'channel_id': None, 'self_mute': bool(number % 2), 'self_deaf': False})

    PRESENCE = {'since': None, 'activities': [{'name': 'hemera', 'type': 0}], 'status': 'online', 'afk': False}

    def sends_wait_for_ready(self):
        run, tail = self.with_input('--rest-fault', '500:2', tail=RETRY)
        with run:
            tail.write(self.line(3, self.PRESENCE) + self.voice())
            messages = tail.until(lambda messages: len([m for m in messages if m['type'] == 'sent' and m['op'] in (3, 4)]) == 2 and messages)
            ready = next(i for i, m in enumerate(messages) if m.get('t') == 'READY')
            sent = [i for i, m in enumerate(messages) if m['type'] == 'sent' and m['op'] in (3, 4)]
            assert ready < min(sent), (ready, sent)
            tail.until(lambda messages: [m for m in messages if m.get('t') == 'VOICE_STATE_UPDATE' and m['d'].get('guild_id') == self.guild])
            assert tail.terminate() == 0 and not run.simulator.violations(), run.simulator.violations()

    def bad_lines(self):
        run, tail = self.with_input()
        with run:
            bad = ['nonsense', '[]', '{"shard":0}', '{"shard":0,"op":3}', '{"shard":"a","op":3,"d":{}}', '{"shard":9,"op":4,"d":{}}', '{"shard":0,"op":2,"d":{}}',
                   '{"shard":0,"op":1,"d":null}', '{"shard":0,"op":6,"d":{}}', '{"shard":0,"op":999,"d":{}}', '{"shard":-1,"op":3,"d":{}}', '{"shard":0,"op":3,"d":{}} x',
                   '{"shard":0,"op":3,"d":{"a":1,"a":2}}', '[' * 5000, 'x' * 70000, '{"shard":0,"op":4,"d":{"guild_id":"' + 'x' * 5000 + '"}}']
            tail.write('\n'.join(bad) + '\n' + b'\xff\xfe\n'.decode('latin1'))
            tail.write(self.voice())
            messages = tail.until(lambda messages: [m for m in messages if m['type'] == 'sent' and m['op'] == 4] and messages)
            messages = tail.until(lambda messages: len([m for m in messages if m['type'] == 'error_received']) >= len(bad) + 1 and messages)
            errors = [m for m in messages if m['type'] == 'error_received']
            assert len(errors) == len(bad) + 1, [m['error'][:80] for m in errors]
            assert any('4096' in m['error'] for m in errors), errors
            assert all(len(m['error']) < 500 for m in errors)
            assert tail.terminate() == 0 and not run.simulator.violations(), run.simulator.violations()
            run.check_sound()

    def end_of_input(self):
        run, tail = self.with_input()
        with run:
            tail.write(self.voice().rstrip('\n'))  # the last line need not end
            tail.process.stdin.close()
            tail.until(lambda messages: [m for m in messages if m['type'] == 'sent' and m['op'] == 4])
            before = len(tail.messages())
            tail.until(lambda messages: len(messages) > before + 10)
            assert tail.terminate() == 0

    def members(self):
        run, tail = self.with_input()
        with run:
            tail.write(self.line(8, {'guild_id': self.guild, 'query': '', 'limit': 0, 'nonce': 'n1'}))
            tail.write(self.line(8, {'guild_id': int(self.guild), 'user_ids': ['1'], 'nonce': 'n2'}))
            chunks = tail.until(lambda messages: len(c := [m['d'] for m in messages if m.get('t') == 'GUILD_MEMBERS_CHUNK']) >= 2 and c)
            assert {c['nonce'] for c in chunks} == {'n1', 'n2'} and all(c['guild_id'] == self.guild for c in chunks)
            create = next(e['d'] for e in self.stream.lines if e['t'] == 'GUILD_CREATE' and e['d']['id'] == self.guild)
            assert len(next(c for c in chunks if c['nonce'] == 'n1')['members']) == len(create['members'])
            assert tail.terminate() == 0 and not run.simulator.violations(), run.simulator.violations()

    def burst(self):
        run, tail = self.with_input('--heartbeat-interval', 4000, '--heartbeat-grace-ms', 10000)
        with run:
            tail.until(lambda messages: [m for m in messages if m.get('t') == 'READY'])
            tail.write(''.join(self.voice(n) for n in range(130)))
            tail.until(lambda messages: len([m for m in messages if m['type'] == 'sent' and m['op'] == 4]) >= 90)
            before = len(tail.messages())
            tail.until(lambda messages: [m for m in messages[before:] if m.get('op') == 11])  # beats have their reserve
            sent = [m['op'] for m in tail.messages('sent')]
            assert sent.count(4) < 120 and len(sent) <= 120, (sent.count(4), len(sent))
            if self.slow:
                tail.until(lambda messages: len([m for m in messages if m['type'] == 'sent' and m['op'] == 4]) == 130, 70)
            assert not [m for m in tail.messages('error_received')]
            assert tail.terminate() == 0 and not run.simulator.violations(), run.simulator.violations()
            run.check_sound()

    def presence_burst(self):
        run, tail = self.with_input()
        with run:
            tail.until(lambda messages: [m for m in messages if m.get('t') == 'READY'])
            tail.write(''.join(self.line(3, dict(self.PRESENCE, status=status)) for status in ['idle', 'dnd'] * 15))
            tail.until(lambda messages: len([m for m in messages if m['type'] == 'sent' and m['op'] == 3]) >= 4)
            time.sleep(1)
            assert 4 <= len([m for m in tail.messages('sent') if m['op'] == 3]) <= 5
            assert tail.terminate() == 0 and not run.simulator.violations(), run.simulator.violations()

    # ---- REST

    def rest_survived(self):
        for name in ('429', '500:2', '502:2', 'stall', 'truncated'):
            with self.run('--rest-fault', name) as run:
                tail = run.tail('--max-events', 5, '--rest-timeout-ms', 800, *QUICK, *RETRY)
                assert tail.wait(15) == 0, (name, tail.process.returncode, tail.errors())
                assert tail.errors().count('\n') > 1, tail.errors()
                assert not run.simulator.violations(), (name, run.simulator.violations())
                run.check_sound()

    def rest_refused(self):
        for name, word in (('html', ''), ('big', ''), ('no-url', 'url'), ('zero-shards', 'shard'), ('zero-concurrency', 'concurrency'), ('403', '403')):
            with self.run('--rest-fault', name + ':99') as run:
                tail = run.tail('--timeout', 6, *RETRY)
                status = tail.wait(12)
                assert status == 1 and word in tail.errors() and tail.text() == '', (name, status, tail.errors())
                print(f'# {name}: {tail.errors().strip().splitlines()[-1][:160]}')
                run.check_sound()

    def rest_is_not_there(self):
        with self.run() as run:
            tail = run.tail('--timeout', 2, *RETRY, url='https://127.0.0.1:9/api/v10')
            assert tail.wait(10) == 3 and '127.0.0.1' in tail.errors(), tail.errors()
            with open(os.path.join(self.bin, 'hemera-tail'), 'rb') as f:
                if b'__tsan_init' in f.read():
                    return  # TSan does not see how GLib's own threads for names hand over: it would report GLib
            tail = run.tail('--timeout', 2, *RETRY, url='https://host.invalid/api/v10')
            assert tail.wait(10) == 3 and 'host.invalid' in tail.errors(), tail.errors()

    def unknown_authority(self):
        with self.run() as run:
            from endtoend import Tail
            tail = Tail(self.bin, run.folder, None, '--api-url', run.simulator.words[1] + '/api/v10', '--timeout', 2, *RETRY, name='untrusted')
            run.tails.append(tail)
            assert tail.wait(10) in (1, 3) and 'certificate' in tail.errors(), tail.errors()
            assert tail.text() == ''
            assert not run.simulator.log('rest')


GROUPS = {
    'exit': ('max_events', 'timeout', 'timeout_without_answer', 'signals', 'usage', 'files_that_are_not_there', 'unset_token', 'token_of_another_variable',
             'help_and_version', 'some_shards', 'closed_pipe'),
    'fatal': ('fatal_4004', 'fatal_table', 'intents_are_named', 'unauthorized'),
    'token': ('token_is_nowhere', 'token_in_the_wrong_place'),
    'sessions': ('session_file', 'session_file_json', 'session_file_after_a_kill', 'session_file_at_once', 'session_file_broken',
                 'session_file_unwritable', 'session_file_of_another_total'),
    'input': ('sends_wait_for_ready', 'bad_lines', 'end_of_input', 'members', 'burst', 'presence_burst'),
    'rest': ('rest_survived', 'rest_refused', 'rest_is_not_there', 'unknown_authority'),
}


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument('bin')
    parser.add_argument('--only', default='')
    parser.add_argument('--slow', action='store_true')
    args = parser.parse_args()
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        tests = Tests(args, folder)
        for group, names in GROUPS.items():
            for name in names:
                if args.only in f'{group}/{name}':
                    tap.run(f'/tail/{group}/{name}', getattr(tests, name))
    tap.end()


if __name__ == '__main__':
    main()
