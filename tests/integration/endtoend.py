"""hemera-tail against hemera-sim, and the proof of what came through.

A Run starts both on loopback; Proof reads the simulator's log, the stream's file and the tail's output and accounts for every event of
every shard. It trusts neither: the stream's file says which events a shard must get and in which order, the log says which session and
s each was given, the output says what arrived. Standard library only."""
import json, os, shutil, signal, subprocess, sys, tempfile, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from sim_client import ROOT, TOKEN, Simulator, Tap, shard_of, whole_lines

FACTOR = float(os.environ.get('HEMERA_TEST_FACTOR', '1'))  # of time limits: sanitized builds are slower
PACE = 1 + (FACTOR - 1) / 4  # of what the tests themselves do
SAFE = 2 ** 53 - 1


# ---- streams

class Stream:
    """A file of make_stream.py, in memory."""

    def __init__(self, folder, events, seed, guilds=20, members=10):
        self.path = os.path.join(folder, f'stream-{events}-{seed}.jsonl')
        subprocess.run([sys.executable, os.path.join(ROOT, 'tests/data/corpus/make_stream.py'), '--seed', str(seed), '--events',
                        str(events), '--guilds', str(guilds), '--members', str(members), '--out', self.path], check=True)
        with open(self.path, encoding='utf-8') as f:
            self.lines = [json.loads(line) for line in f]

    def lines_of(self, shard, total):
        """Numbers (from 1) of the lines that a shard gets."""
        return [n for n, event in enumerate(self.lines, 1) if event['t'] != 'READY' and shard_of(event, total) == shard]


def canonical(value):
    """What the contract says of `d`: integers that a double cannot hold are strings. Types stay apart (1, 1.0, true)."""
    def safe(value):
        if isinstance(value, dict):
            return {key: safe(item) for key, item in value.items()}
        if isinstance(value, list):
            return [safe(item) for item in value]
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) > SAFE:
            return str(value)
        return value
    return json.dumps(safe(value), sort_keys=True, ensure_ascii=False)


# ---- running

class Tail:
    """hemera-tail as a child of the test: standard output and error go to files."""

    def __init__(self, bin_folder, folder, simulator, *options, token=TOKEN, env=None, stdin=False, name='tail', url=None):
        self.out_path = os.path.join(folder, name + '.json')
        self.err_path = os.path.join(folder, name + '.err')
        arguments = [os.path.join(bin_folder, 'hemera-tail')]
        if simulator is not None:
            arguments += ['--api-url', url or f'{simulator.words[1]}/api/v10'] + (['--ca-file', simulator.ca] if simulator.ca else [])
        more = {key: value for key, value in os.environ.items() if key != 'DISCORD_TOKEN'}
        if token is not None:
            more['DISCORD_TOKEN'] = token
        more.setdefault('G_DEBUG', 'fatal-criticals')
        more.update(env or {})
        with open(self.out_path, 'wb') as out, open(self.err_path, 'wb') as err:
            self.process = subprocess.Popen(arguments + [str(option) for option in options], stdout=out, stderr=err, env=more,
                                            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL)

    def write(self, text):
        self.process.stdin.write(text.encode() if isinstance(text, str) else text)
        self.process.stdin.flush()

    def wait(self, seconds):
        """The exit status; a tail that does not end is killed, and that is an error."""
        try:
            return self.process.wait(timeout=seconds * FACTOR)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f'hemera-tail still runs after {seconds * FACTOR} s: {self.errors()[-2000:]}')

    def terminate(self, seconds=10):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        status = self.wait(seconds)
        assert status == 0, f'hemera-tail ended with {status}: {self.report() or self.errors()[-6000:]}'
        return status

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def text(self):
        with open(self.out_path, encoding='utf-8') as f:
            return f.read()

    def errors(self):
        with open(self.err_path, encoding='utf-8', errors='replace') as f:
            return f.read()

    def report(self):
        """What a sanitizer said first: the lines behind it may be many."""
        at = self.errors().find('Sanitizer')
        return self.errors()[max(at - 100, 0):at + 6000] if at >= 0 else ''

    def messages(self, kind=None):
        return [message for message in whole_lines(self.out_path) if kind is None or message['type'] == kind]

    def until(self, test, seconds=15):
        """Waits until the messages so far pass the test; its value."""
        end = time.monotonic() + seconds * FACTOR
        while True:
            value = test(self.messages())
            if value or time.monotonic() > end:
                assert value, f'did not come: {self.errors()[-2000:]}'
                return value
            assert self.process.poll() is None, f'hemera-tail ended with {self.process.returncode}: {self.errors()[-2000:]}'
            time.sleep(0.05)


class Run:
    """A simulator, one or more tails after each other, and a folder for both that goes away with the run."""

    def __init__(self, bin_folder, *simulator_options, tls=True, keep=None):
        self.bin = bin_folder
        self.folder = keep or tempfile.mkdtemp(prefix='hemera-')
        os.makedirs(self.folder, exist_ok=True)
        self.keep = keep
        self.tails = []
        self.simulator = Simulator(os.path.join(bin_folder, 'hemera-sim'), *[str(option) for option in simulator_options], tls=tls)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for tail in self.tails:
            tail.kill()
        self.simulator.stop()
        if self.keep:
            shutil.copy(self.simulator.log_file, os.path.join(self.folder, 'sim.log'))
        self.simulator.dir.cleanup()
        if not self.keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    def tail(self, *options, **more):
        self.tails.append(Tail(self.bin, self.folder, self.simulator, *options, name=f'tail-{len(self.tails)}', **more))
        return self.tails[-1]

    def wait_done(self, seconds):
        """For a simulator with --exit-when-done: every shard has all of its stream."""
        end = time.monotonic() + seconds * FACTOR
        while self.simulator.process.poll() is None:
            ended = [tail for tail in self.tails if tail.process.poll() is not None]
            assert len(ended) < len(self.tails), f'hemera-tail ended: {self.tails[-1].errors()[-2000:]}'
            assert time.monotonic() < end, f'the stream did not come through in {seconds * FACTOR} s'
            time.sleep(0.05)

    def check_sound(self):
        """Nothing but log lines of the program's own on standard error: no critical, no report of a sanitizer."""
        for tail in self.tails:
            for word in ('Sanitizer', 'runtime error:', 'assertion'):
                assert word not in tail.errors(), tail.errors()[-4000:]


# ---- the proof

class Proof:
    """The account of one run. `faults` are counted by name; `problems` has a line for each thing that is not as it must be."""

    def __init__(self, stream, log, outputs, total, complete=True, at_least_once=False):
        """@outputs: messages of each tail, in order of the runs. @complete: all that was produced must have come. @at_least_once: what
        was printed before a tail was killed may come again in the next."""
        self.stream, self.total, self.complete, self.at_least_once = stream, total, complete, at_least_once
        self.events = self.lost = self.doubled = self.disordered = self.changed = self.foreign = self.died = 0
        self.restarts = self.resumes = self.attempts = self.sessions = 0
        self.problems = []
        self.read_log(log)
        self.read_outputs(outputs)
        for shard in range(total):
            self.check_stream(shard)
            self.check_shard(shard)
        if self.violations:
            self.problem(f'{len(self.violations)} violations, the first: {self.violations[0]}')

    def problem(self, text):
        if len(self.problems) < 200:
            self.problems.append(text)

    def read_log(self, log):
        self.produced = [{} for _ in range(self.total)]  # session -> [(t, line)], s is the place + 1; sessions in order
        self.ends = [{} for _ in range(self.total)]      # session -> entry of the log
        self.violations, self.faults, self.sim_resumes = [], {}, 0
        for entry in log:
            event = entry['event']
            if event == 'dispatch':
                session = self.produced[entry['shard']].setdefault(entry['session'], [])
                if entry['s'] != len(session) + 1:
                    self.problem(f'the simulator gave s {entry["s"]} after {len(session)}')
                session.append((entry['t'], entry['line']))
            elif event == 'gap':
                self.ends[entry['shard']][entry['session']] = entry
            elif event == 'violation':
                self.violations.append(entry)
            elif event == 'fault':
                self.faults[entry['name']] = self.faults.get(entry['name'], 0) + 1
            elif event == 'resume':
                self.sim_resumes += 1

    def read_outputs(self, outputs):
        self.got = [[] for _ in range(self.total)]  # (session, s, t, place) of a dispatch, or ('gap', last_seq)
        session = [None] * self.total
        for messages in outputs:
            for message in messages:
                shard, kind = message.get('shard'), message['type']
                if kind == 'event_received' and message['op'] == 0:
                    if message['t'] == 'READY':
                        session[shard] = message['d'].get('session_id')
                    self.got[shard].append((session[shard], message['s'], message['t'], message['d']))
                    self.events += 1
                elif kind == 'gap':
                    self.got[shard].append(('gap', session[shard], message['last_seq']))
                elif kind == 'restarted':
                    self.restarts += 1
                elif kind == 'state' and message['to'] == 'resuming':
                    self.attempts += 1
                elif kind == 'state' and message['from'] == 'resuming' and message['to'] == 'active':
                    self.resumes += 1

    def check_stream(self, shard):
        """The simulator played the shard's part of the stream, in order, but for what it says was lost with a session."""
        want, at = self.stream.lines_of(shard, self.total), 0
        for session, produced in self.produced[shard].items():
            for t, line in produced:
                if line == 0:
                    continue
                if at >= len(want) or want[at] != line or self.stream.lines[line - 1]['t'] != t:
                    self.problem(f'shard {shard}: the simulator plays line {line} as {t}, the stream has {want[at:at + 1]}')
                    return
                at += 1
            at += self.ends[shard].get(session, {}).get('lost', 0)
        if self.complete and at != len(want):
            self.problem(f'shard {shard}: {at} of {len(want)} lines of the stream were played')

    def check_shard(self, shard):
        where = f'shard {shard}'
        sessions = list(self.produced[shard])
        seen = {session: 0 for session in sessions}  # session -> how far it was delivered
        gaps = {}
        current = -1
        self.sessions += len(sessions)
        for item in self.got[shard]:
            if item[0] == 'gap':
                _, session, last = item
                gaps.setdefault(session, []).append(last)
                continue
            session, s, t, d = item
            if session not in seen:
                self.foreign += 1
                self.problem(f'{where}: {t} {s} of session {session}, which the simulator does not know')
                continue
            place = sessions.index(session) if sessions[current] != session else current
            if place < current:
                self.disordered += 1
                self.problem(f'{where}: {t} {s} of session {place} after session {current}')
            current = max(place, current)
            if s <= seen[session]:
                if not self.at_least_once:
                    self.problem(f'{where}: {t} {s} again')
                self.doubled += 1
            elif s > seen[session] + 1:
                self.disordered += 1
                self.lost += s - seen[session] - 1
                self.problem(f'{where}: {t} {s} after {seen[session]}: {s - seen[session] - 1} are missing')
            seen[session] = max(s, seen[session])
            self.check_content(where, shard, session, s, t, d)
        for place, session in enumerate(sessions):
            self.check_session_end(where, shard, session, seen[session], gaps.pop(session, []), place == len(sessions) - 1)
        for session, told in gaps.items():
            self.problem(f'{where}: gap {told} for session {session}, which the simulator does not know')

    def check_session_end(self, where, shard, session, seen, told, is_last):
        """A session that ended must have its gap, with bounds that agree with the log; one that lives must have none."""
        produced, end = len(self.produced[shard][session]), self.ends[shard].get(session)
        if end is not None and end['last_seq'] != produced:
            self.problem(f'{where}: the log\'s gap says {end["last_seq"]}, {produced} were produced')
        if is_last and not told:
            if self.complete and seen != produced:
                self.lost += produced - seen
                self.problem(f'{where}: {produced - seen} of the last session did not come, from s {seen + 1}')
            return
        if end is None:
            self.problem(f'{where}: a gap was told for session {session}, which lives')
            return
        if seen == 0 and not told:
            return  # it was lost before anything of it came: there is nothing to tell
        if told != [seen]:
            self.problem(f'{where}: session {session} was delivered up to {seen}, its gaps say {told}')
        # What the simulator had handed to a socket may still have died there, with a reset or a kill; that is what the gap tells of.
        self.died += produced - seen

    def check_content(self, where, shard, session, s, t, d):
        produced = self.produced[shard][session]
        if s > len(produced):
            self.foreign += 1
            self.problem(f'{where}: {t} {s} was never produced')
            return
        name, line = produced[s - 1]
        if t != name:
            self.changed += 1
            self.problem(f'{where}: s {s} is {name}, {t} came')
        elif line == 0:
            if t == 'READY' and d.get('session_id') != session:
                self.changed += 1
        elif canonical(d) != self.expected(line):
            self.changed += 1
            self.problem(f'{where}: {t} {s} (line {line}) has another d: {canonical(d)[:300]} instead of {self.expected(line)[:300]}')

    def expected(self, line):
        return canonical(self.stream.lines[line - 1]['d'])

    def counts(self):
        return sum(1 for got in self.got for item in got if item[0] == 'gap')

    def __str__(self):
        return (f'events {self.events}, lost {self.lost}, doubled {self.doubled}, out of order {self.disordered}, changed {self.changed}, '
                f'sessions {self.sessions}, gaps {self.counts()}, died with a session {self.died}, restarts {self.restarts}, '
                f'resumes {self.resumes} (begun {self.attempts}, accepted {self.sim_resumes}), faults {sum(self.faults.values())}, violations {len(self.violations)}')

    def check(self):
        assert not self.problems, str(self) + '\n' + '\n'.join(self.problems[:20])
        assert not (self.lost or self.disordered or self.changed or self.foreign), str(self)
        assert self.at_least_once or not self.doubled, str(self)
        return self
