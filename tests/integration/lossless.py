#!/usr/bin/env python3
"""lossless.py BIN [--events N] [--each N] [--ending N] [--encoding etf|json] [--seed N] [--rate N] [--keep FOLDER]

Four shards play a seeded stream through every fault: what the subscriber saw against what the simulator sent, event by event. Without
arguments a small run of both encodings, for the suite; the full campaign is --events 50000 --each 20 --ending 5 --encoding etf (and
json). Prints TAP."""
import argparse, copy, os, sys, tempfile, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from endtoend import FACTOR, PACE, Proof, Run, Stream, Tap

RESUMABLE = ['op7', 'op9-true', 'reset', 'silence', 'corrupt', 'slow-read'] + [
    f'close-{code}' for code in (4000, 4001, 4002, 4008, 1000, 1001, 1011)]
ENDING = ['op9-false', 'close-4007', 'close-4009']
COMPRESS = {'etf': 'zlib-stream', 'json': 'none'}
SHARDS = 4


def simulator_options(stream, args):
    faults = [f'{name}:{args.each}' for name in RESUMABLE] + [f'{name}:{args.ending}' for name in ENDING]
    return ['--stream', stream.path, '--shards', SHARDS, '--max-concurrency', SHARDS, '--identify-spacing-ms', 300,
            '--rate', int(args.rate / PACE), '--heartbeat-interval', int(600 * PACE), '--heartbeat-grace-ms', int(3000 * FACTOR), '--slow-read-ms', 500,
            '--faults', ','.join(faults), '--lose-on-gap', 3, '--seed', args.seed, '--log-dispatch', '--exit-when-done']


def tail_options(encoding):
    return ['--encoding', encoding, '--compress', COMPRESS[encoding], '--output', 'json', '--identify-spacing-ms', 300,
            '--backoff-base-ms', 20, '--backoff-cap-ms', 200]


def play(args, stream, encoding):
    """A whole run; its proof, and the messages for whoever wants to break it."""
    started = time.monotonic()
    with Run(args.bin, *simulator_options(stream, args), keep=args.keep and os.path.join(args.keep, encoding)) as run:
        tail = run.tail(*tail_options(encoding))
        run.wait_done(args.seconds)
        messages = tail.messages()
        assert tail.terminate() == 0
        run.check_sound()
        log = run.simulator.log()
    proof = Proof(stream, log, [messages], SHARDS)
    print(f'# {encoding} + {COMPRESS[encoding]}: {proof}')
    print('# faults: ' + ', '.join(f'{name} {count}' for name, count in sorted(proof.faults.items())))
    print(f'# {time.monotonic() - started:.1f} s', flush=True)
    return proof, log, messages


def every_event(args, stream, encoding, kept):
    proof, log, messages = play(args, stream, encoding)
    kept[encoding] = (log, messages)
    for name, count in [(name, args.each) for name in RESUMABLE] + [(name, args.ending) for name in ENDING]:
        if proof.faults.get(name, 0) != count:
            proof.problem(f'{name}: {proof.faults.get(name, 0)} of {count} happened')
    proof.check()
    # Each of these sessions ended when all it had was sent: its bounds are exact.
    assert proof.counts() == len(ENDING) * args.ending, proof
    assert proof.died == 0, proof
    # The next fault may come before a replay is at its end.
    assert 0 < proof.resumes <= proof.sim_resumes <= proof.attempts, proof
    assert proof.restarts == args.each, proof  # corrupt is the one that crashes


# ---- the checker is not trusted either

def broken(stream, kept, break_it):
    log, messages = kept
    messages, log = copy.copy(messages), copy.copy(log)
    break_it(log, messages)
    return Proof(stream, log, [messages], SHARDS)


def dispatch_places(messages, shard=2):
    return [i for i, m in enumerate(messages) if m['type'] == 'event_received' and m['op'] == 0 and m['shard'] == shard
            and m['t'] not in ('READY', 'RESUMED')]


def checker_sees(stream, kept):
    log, messages = next(iter(kept.values()))
    places = dispatch_places(messages)
    at, after = places[len(places) // 2], places[len(places) // 2 + 1]
    gap = next(i for i, m in enumerate(messages) if m['type'] == 'gap')

    def drop(log, messages):
        del messages[at]

    def drop_last(log, messages):
        del messages[places[-1]]

    def double(log, messages):
        messages.insert(after, messages[at])

    def swap(log, messages):
        messages[at], messages[after] = messages[after], messages[at]

    def change(log, messages):
        messages[at] = dict(messages[at], d=dict(messages[at]['d'], id=7))

    def rename(log, messages):
        messages[at] = dict(messages[at], t='OTHER')

    def no_gap(log, messages):
        del messages[gap]

    def two_gaps(log, messages):
        messages.insert(gap, messages[gap])

    def wrong_gap(log, messages):
        messages[gap] = dict(messages[gap], last_seq=messages[gap]['last_seq'] - 1)

    def violation(log, messages):
        log.append({'event': 'violation', 'what': 'made up'})

    def other_line(log, messages):
        i = next(i for i, e in enumerate(log) if e['event'] == 'dispatch' and e['line'] > 100)
        log[i] = dict(log[i], line=log[i]['line'] + 1)

    for break_it in (drop, drop_last, double, swap, change, rename, no_gap, two_gaps, wrong_gap, violation, other_line):
        proof = broken(stream, (log, messages), break_it)
        assert proof.problems, break_it.__name__ + ' is not seen'
        try:
            proof.check()
        except AssertionError:
            continue
        raise AssertionError(break_it.__name__ + ' passes the check')
    assert not broken(stream, (log, messages), lambda log, messages: None).problems


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument('bin')
    parser.add_argument('--events', type=int, default=6000)
    parser.add_argument('--each', type=int, default=2)
    parser.add_argument('--ending', type=int, default=1)
    parser.add_argument('--rate', type=int, default=1000, help='events a second: faults shall find a stream that runs')
    parser.add_argument('--encoding', choices=['etf', 'json'])
    parser.add_argument('--seed', type=int, default=11)
    parser.add_argument('--seconds', type=float, default=0, help='time limit of a run')
    parser.add_argument('--keep', help='folder that keeps log and output')
    args = parser.parse_args()
    args.seconds = args.seconds or 60 + args.events / args.rate + 12 * args.each
    kept = {}
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        stream = Stream(folder, args.events, args.seed)
        for encoding in [args.encoding] if args.encoding else ['etf', 'json']:
            tap.run(f'/lossless/{encoding}/every_event_once_in_order', every_event, args, stream, encoding, kept)
        if kept:
            tap.run('/lossless/checker/sees_what_is_wrong', checker_sees, stream, kept)
    tap.end()


if __name__ == '__main__':
    main()
