#!/usr/bin/env python3
"""churn_test.py BIN [--ms MS] [--seed N]: the program churn against hemera-sim over TLS: gateways and requests that come and
go at any moment while their actors are killed. Each operation ends once, requests fail only when they were cancelled, nothing is left.
What it is for above all is what the sanitizers say of it. Prints TAP."""
import argparse, os, subprocess, sys, tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from endtoend import FACTOR, Stream
from sim_client import TOKEN, Simulator, Tap

SHARDS = 2


def churned(args):
    with tempfile.TemporaryDirectory() as folder:
        stream = Stream(folder, 2000, args.seed)
        with Simulator(os.path.join(args.bin, 'hemera-sim'), '--stream', stream.path, '--loop', '--shards', str(SHARDS), '--max-concurrency',
                       '16', '--identify-spacing-ms', '1', '--session-total', '1000000', '--heartbeat-interval', '700', '--rate', '1000',
                       '--host', 'localhost', '--fault-every', '200', '--fault-kinds', 'op7,op9-true,reset,close-4000,corrupt',
                       tls=True) as simulator:
            url = simulator.words[1].replace('127.0.0.1', 'localhost')
            # Without SSL_CERT_FILE: each manager would read that bundle.
            env = dict({key: value for key, value in os.environ.items() if key != 'SSL_CERT_FILE'}, DISCORD_TOKEN=TOKEN,
                       HEMERA_API_URL=url + '/api/v10', HEMERA_CA_FILE=simulator.ca)
            bot = subprocess.run([os.path.join(args.bin, 'churn'), str(args.ms), str(args.seed)], stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True, errors='replace', env=env, timeout=args.ms / 1000 + 60 * FACTOR)
        print('# ' + bot.stdout.strip(), flush=True)
        assert bot.returncode == 0 and bot.stderr == '', (bot.returncode, bot.stderr[:6000])
        counts = dict(zip(('connects', 'gave_up', 'closes', 'close_failed', 'requests', 'cancelled', 'events'),
                          map(int, bot.stdout.split()[1::2])))
        assert counts['close_failed'] == 0, counts
        for what in ('connects', 'closes', 'requests', 'cancelled', 'events'):
            assert counts[what] > 0, counts


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('bin')
    parser.add_argument('--ms', type=int, default=8000)
    parser.add_argument('--seed', type=int, default=1)
    args = parser.parse_args()
    tap = Tap()
    tap.run('/churn/gateways_and_requests', churned, args)
    tap.end()


if __name__ == '__main__':
    main()
