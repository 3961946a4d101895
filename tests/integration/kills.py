#!/usr/bin/env python3
"""kills.py BIN [--kills N] [--mean SECONDS] [--rate N] [--encoding etf|json] [--seed N] [--keep FOLDER]

Actors of four shards are killed at random moments, two shards for each parser: nothing is lost or doubled, and no kill touches another
shard's connection. And a shard that crashes at each start: back-off, the end of its supervisor, the cool-down. Without arguments a small
run for the suite; the full campaign is --kills 300. Prints TAP."""
import argparse, os, sys, tempfile, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from endtoend import FACTOR, PACE, Proof, Run, Stream, Tap
from lossless import COMPRESS, SHARDS

WAY_UP = ['stopped', 'resolving', 'connecting', 'awaiting_hello']
TIMING = ['--identify-spacing-ms', 300]


def simulator_options(stream, rate, *more):
    return ['--stream', stream.path, '--shards', SHARDS, '--max-concurrency', SHARDS, '--heartbeat-interval', int(2000 * PACE),
            '--heartbeat-grace-ms', int(3000 * FACTOR), '--log-dispatch', '--exit-when-done', '--rate', int(rate / PACE), *TIMING, *more]


def before_the_end(messages):
    """Without what the simulator's own end does to the shards."""
    last = max(i for i, m in enumerate(messages) if m['type'] == 'event_received' and m['op'] == 0)
    return messages[:last + 1]


def play(args, stream, rate, seconds, simulator, tail, encoding='etf', name='kills'):
    with Run(args.bin, *simulator_options(stream, rate, *simulator), keep=args.keep and os.path.join(args.keep, name)) as run:
        process = run.tail('--encoding', encoding, '--compress', COMPRESS[encoding], '--output', 'json', *TIMING, *tail)
        run.wait_done(seconds)
        messages = before_the_end(process.messages())
        assert process.terminate() == 0
        run.check_sound()
        log, errors = run.simulator.log(), process.errors()
    proof = Proof(stream, log, [messages], SHARDS)
    print(f'# {name}, {encoding}: {proof}', flush=True)
    return proof, log, messages, errors


def chaos(args):
    return ['--chaos-kill', args.mean * PACE, '--chaos-kills', args.kills, '--chaos-seed', args.seed, '--backoff-base-ms', 20,
            '--backoff-cap-ms', 200]


def check_kills(args, proof, messages):
    """As many as ordered, in the ordered mix; each that hit a shard which was up is told as a restart, no other."""
    kills = [m for m in messages if m['type'] == 'chaos_kill']
    parsers = sum(1 for m in kills if m['child'] == 'event_parser')
    assert len(kills) == args.kills and parsers == args.kills // 3, (len(kills), parsers)
    hits = [sum(1 for m in kills if m['hit'] and m['shard'] == shard) for shard in range(SHARDS)]
    restarted = [[m['restarts'] for m in messages if m['type'] == 'restarted' and m['shard'] == shard] for shard in range(SHARDS)]
    print(f'# {len(kills)} kills ({parsers} parsers), hits {hits}, restarts {[len(r) for r in restarted]}')
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in restarted), restarted
    return hits, restarted


def check_untouched(messages, log, hits):
    """A shard's states go straight up from each of its own starts, and it starts once more for each kill of its own: then no kill of
    another shard did anything to it. The simulator saw no more connections of it either."""
    for shard in range(SHARDS):
        lives, at, connection = 0, None, None
        for m in messages:
            if m['type'] == 'reconnecting' and m['shard'] == shard:
                raise AssertionError(f'shard {shard} reconnects: {m}')
            if m['type'] != 'state' or m['shard'] != shard:
                continue
            if m['from'] == 'stopped':
                lives, connection = lives + 1, m['connection']
            else:
                assert m['from'] == at, (shard, at, m)
                assert m['connection'] == connection, (shard, connection, m)
            if m['from'] in WAY_UP[:-1]:
                assert m['to'] == WAY_UP[WAY_UP.index(m['from']) + 1], m
            else:
                assert (m['from'], m['to']) in (('awaiting_hello', 'resuming'), ('awaiting_hello', 'awaiting_lease'),
                                                ('awaiting_lease', 'identifying'), ('identifying', 'active'), ('resuming', 'active')), m
            at = m['to']
        assert lives <= hits[shard] + 1, (shard, lives, hits)
        served = [e for e in log if e['event'] in ('ready', 'resume') and e['shard'] == shard]
        assert len(served) <= hits[shard] + 1, (shard, len(served), hits)
        ends = [e for e in log if e['event'] == 'closed' and e['shard'] == shard and e['sent_code'] not in (0, 1001)]
        assert not ends, ends


def killed_at_random(args, encoding):
    seconds = args.kills * args.mean * 1.15 + 4
    with tempfile.TemporaryDirectory() as folder:
        stream = Stream(folder, int(args.rate * seconds), args.seed)
        proof, log, messages, _ = play(args, stream, args.rate, seconds * 2 + 20, [], chaos(args), encoding, 'kills-' + encoding)
    proof.check()
    hits, restarted = check_kills(args, proof, messages)
    assert [len(numbers) for numbers in restarted] == hits, (hits, [len(numbers) for numbers in restarted])
    assert proof.sessions == SHARDS and proof.counts() == 0, proof
    assert not [m for m in messages if m['type'] in ('alarm', 'shard_disconnected', 'error_received')]
    check_untouched(messages, log, hits)


def killed_among_faults(args):
    """Kills while sessions end, sockets reset and starts are slow: what the gaps do not tell of must still be there once, in order."""
    seconds = args.kills * args.mean * 1.15 + 4
    each = max(1, args.kills // 20)
    faults = ','.join(f'{name}:{each}' for name in ('op7', 'op9-true', 'close-4000', 'reset', 'silence', 'corrupt', 'op9-false', 'close-4009',
                                                    'resume-dead', 'op7-early', 'upgrade-503', 'op1'))
    with tempfile.TemporaryDirectory() as folder:
        stream = Stream(folder, int(args.rate * seconds), args.seed + 1)
        proof, _, messages, _ = play(args, stream, args.rate, seconds * 3 + 30,
                                     ['--faults', faults, '--seed', args.seed, '--resume-dead-ms', 300], chaos(args), 'etf', 'mixed')
    proof.check()
    check_kills(args, proof, messages)
    assert proof.counts() >= 2 * each, proof


def crashes_at_each_start(args):
    crashes, base, spacing = 7, 200, 50
    with tempfile.TemporaryDirectory() as folder:
        # The stream lasts 12 s, longer than the waits and the cool-down can (8.2 s), and in this one no shard has few events.
        stream = Stream(folder, 3000, 5)
        proof, log, messages, errors = play(
            args, stream, 250, 90, ['--crash-shard', f'2:{crashes}', '--identify-spacing-ms', spacing],
            ['--identify-spacing-ms', spacing, '--backoff-base-ms', base, '--backoff-cap-ms', 60000, '--cool-down-ms', 2000], 'etf', 'crash-loop')
    proof.check()
    assert not [m for m in messages if m['type'] in ('shard_disconnected', 'restarted', 'error_received', 'alarm') and m['shard'] != 2]
    check_untouched([m for m in messages if m.get('shard') != 2], [e for e in log if e.get('shard') != 2], [0, 0, 0, 0])

    # Six crashes in a row are one too many for 5 in 60 s; then the cool-down, the seventh, and it is well.
    kinds = [m['type'] for m in messages if m['shard'] == 2 and m['type'] in ('error_received', 'restarted', 'shard_disconnected')]
    assert kinds == ['error_received', 'restarted'] * 5 + ['error_received', 'shard_disconnected', 'restarted', 'error_received', 'restarted'], kinds
    told = next(m for m in messages if m['type'] == 'shard_disconnected')
    assert told['will_restart'] is True and 'compressed stream' in told['error'], told
    assert [m for m in messages if m['type'] == 'alarm' and m['shard'] == 2 and 'compressed stream' in m['text']]

    at = [e['t_ms'] for e in log if e['event'] == 'fault_greeting' and e['name'] == 'crash']
    waits = [b - a for a, b in zip(at, at[1:])]
    print(f'# waits between the starts {waits} ms; 2000 ms is the cool-down')
    for n, wait in enumerate(waits[:5]):
        bound = base * 2 ** n
        assert wait >= bound / 20, (n, wait, bound)
    assert waits[5] >= 2000, waits
    assert len(at) == crashes

    # The others go on meanwhile.
    down = messages.index(told)
    up = next(i for i, m in enumerate(messages) if m['type'] == 'state' and m['shard'] == 2 and m['to'] == 'active')
    others = {m['shard'] for m in messages[down:up] if m['type'] == 'event_received' and m['op'] == 0}
    assert others >= {0, 1, 3}, others
    # Any reason but shutdown would have had that supervisor, a transient child, started again at once.
    assert errors.count('reached_max_restart_intensity') == 1, errors[-3000:]


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument('bin')
    parser.add_argument('--kills', type=int, default=45)
    parser.add_argument('--mean', type=float, default=0.15)
    parser.add_argument('--rate', type=int, default=600)
    parser.add_argument('--encoding', choices=['etf', 'json'], default='etf')
    parser.add_argument('--seed', type=int, default=5)
    parser.add_argument('--keep', help='folder that keeps logs and outputs')
    args = parser.parse_args()
    tap = Tap()
    tap.run(f'/kills/{args.encoding}/nothing_lost_siblings_untouched', killed_at_random, args, args.encoding)
    tap.run('/kills/among_faults/nothing_lost', killed_among_faults, args)
    tap.run('/kills/crash_loop/backs_off_gives_up_cools_down', crashes_at_each_start, args)
    tap.end()


if __name__ == '__main__':
    main()
