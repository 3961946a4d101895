#!/usr/bin/env python3
"""What examples/run shows: a simulator, hemera-tail with four shards on it, faults and kills; then what the subscriber saw is held against
what the simulator sent. The last line is the result; the exit status is 0 when nothing is lost and nothing doubled."""
import argparse, collections, json, os, signal, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
CORPUS = os.path.join(os.path.dirname(HERE), 'tests', 'data', 'corpus', 'make_stream.py')
TOKEN = 'simulator-token'
RATE = 60  # events a second: what a person can watch
SHARDS = 4


def largest_share(stream):
    """How many events the busiest shard gets: each shard has an equal part of the rate, so this one is the last to end."""
    shares = collections.Counter()
    for event in read_lines(stream):
        d = event['d']
        guild = d.get('id' if event['t'] in ('GUILD_CREATE', 'GUILD_UPDATE', 'GUILD_DELETE') else 'guild_id') if isinstance(d, dict) else None
        shares[(int(guild or 0) >> 22) % SHARDS] += 1
    return max(shares.values())


def read_lines(path):
    """The whole lines of a JSONL file that may still be growing."""
    try:
        with open(path, encoding='utf-8') as f:
            return [json.loads(line) for line in f.read().split('\n')[:-1]]
    except FileNotFoundError:
        return []


def sent_by(log):
    return [(e['session'], e['s'], e['t']) for e in read_lines(log) if e['event'] == 'dispatch']


def seen_in(record):
    """Events as (session, s, t), restarts, resumes."""
    session, seen, restarts, resumes = {}, [], 0, 0
    for m in read_lines(record):
        if m['type'] == 'event_received' and m['op'] == 0:
            if m['t'] == 'READY':
                session[m['shard']] = m['d']['session_id']
            seen.append((session.get(m['shard']), m['s'], m['t']))
        restarts += m['type'] == 'restarted'
        resumes += m['type'] == 'state' and m['from'] == 'resuming' and m['to'] == 'active'
    return seen, restarts, resumes


def stop(process):
    if process is not None and process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--bin', required=True)
    parser.add_argument('--seconds', type=int, default=30)
    parser.add_argument('--seed', type=int, default=7)
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    simulator = tail = None
    with tempfile.TemporaryDirectory(prefix='hemera-demo-') as folder:
        stream, log, record, errors = (os.path.join(folder, name) for name in ('stream.jsonl', 'sim.log', 'tail.jsonl', 'tail.err'))
        events = max(args.seconds, 5) * RATE
        subprocess.run([sys.executable, CORPUS, '--seed', str(args.seed), '--events', str(events), '--guilds', '12', '--out', stream],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        rate = -(-largest_share(stream) * SHARDS // max(args.seconds, 5))
        try:
            simulator = subprocess.Popen(
                [os.path.join(args.bin, 'hemera-sim'), '--dir', folder, '--token', TOKEN, '--shards', str(SHARDS), '--max-concurrency', str(SHARDS),
                 '--identify-spacing-ms', '500', '--heartbeat-interval', '1500', '--stream', stream, '--rate', str(rate),
                 '--fault-every', '3000', '--slow-read-ms', '1000', '--op7-close-ms', '1000', '--seed', str(args.seed),
                 '--log', log, '--log-dispatch'], stdout=subprocess.PIPE)
            words = simulator.stdout.readline().decode().split()
            if words[:1] != ['listening']:
                sys.exit('the simulator did not start')
            print('simulator %s: %d shards, %d events, a fault every 3 s, an actor killed every 4 s\n' % (words[1], SHARDS, events), flush=True)
            tail = subprocess.Popen(
                [os.path.join(args.bin, 'hemera-tail'), '--api-url', words[1] + '/api/v10', '--ca-file', words[2].partition('=')[2],
                 '--token-env', 'HEMERA_DEMO_TOKEN', '--identify-spacing-ms', '500', '--backoff-base-ms', '200', '--backoff-cap-ms', '2000',
                 '--chaos-kill', '4', '--chaos-seed', str(args.seed), '--output', 'pretty', '--record', record],
                stdin=subprocess.DEVNULL, stderr=open(errors, 'wb'), env=dict(os.environ, HEMERA_DEMO_TOKEN=TOKEN))
            deadline, quiet_since, last = time.monotonic() + args.seconds + 60, time.monotonic(), -1
            while time.monotonic() < deadline and tail.poll() is None and simulator.poll() is None:
                time.sleep(0.5)
                sent = len(sent_by(log))
                if sent != last:
                    quiet_since, last = time.monotonic(), sent
                elif sent >= events and time.monotonic() - quiet_since > 1 and len(seen_in(record)[0]) >= sent:
                    break
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C leaves nothing behind either
            stop(tail)
            stop(simulator)
        seen, restarts, resumes = seen_in(record)
        sent, count = collections.Counter(sent_by(log)), collections.Counter(seen)
        lost, doubled = sent - count, sum(n - 1 for n in count.values())
        if tail.returncode != 0 or lost:
            with open(errors, encoding='utf-8', errors='replace') as f:
                sys.stderr.write(f.read()[-4000:])
        print('\nevents %d, lost %d, doubled %d, restarts %d, resumes %d' % (len(seen), sum(lost.values()), doubled, restarts, resumes))
        return 1 if lost or doubled or not seen or tail.returncode != 0 else 0


if __name__ == '__main__':
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
