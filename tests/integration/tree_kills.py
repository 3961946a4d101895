#!/usr/bin/env python3
"""tree_kills.py BIN [--kills N] [--ms MS] [--seed N]: the program tree-kills against hemera-sim: shards, parsers, the gateway actor, the
session store and the identify broker are killed under slow subscriptions; every event that the simulator made comes once, and the stream
comes to its end: no kill leaves a shard waiting for credit. Prints TAP."""
import argparse, os, signal, subprocess, sys, tempfile, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from endtoend import FACTOR, Stream
from sim_client import TOKEN, Simulator, Tap

SHARDS = 4


def killed(args):
    rate = 400 / FACTOR
    with tempfile.TemporaryDirectory() as folder:
        stream = Stream(folder, int(rate * args.kills * args.ms * FACTOR / 1000 * 1.2), args.seed)
        simulator = Simulator(os.path.join(args.bin, 'hemera-sim'), '--stream', stream.path, '--shards', str(SHARDS), '--max-concurrency',
                              str(SHARDS), '--identify-spacing-ms', '300', '--heartbeat-interval', str(int(1000 * FACTOR)), '--rate',
                              str(int(rate)), '--heartbeat-grace-ms', str(int(3000 * FACTOR)), '--log-dispatch', '--exit-when-done', tls=True)
        env = dict(os.environ, DISCORD_TOKEN=TOKEN, HEMERA_API_URL=simulator.words[1] + '/api/v10', HEMERA_CA_FILE=simulator.ca)
        with open(os.path.join(folder, 'err'), 'w+b') as err:
            bot = subprocess.Popen([os.path.join(args.bin, 'tree-kills'), str(args.kills), str(int(args.ms * FACTOR)), str(args.seed)],
                                   stdout=subprocess.PIPE, stderr=err, env=env)
            try:
                end = time.monotonic() + (args.kills * args.ms / 1000 * 2 + 40) * FACTOR
                while simulator.process.poll() is None and bot.poll() is None and time.monotonic() < end:
                    time.sleep(0.05)
                came_through = simulator.process.poll() is not None
                bot.send_signal(signal.SIGTERM)
                output = bot.communicate(timeout=40 * FACTOR)[0].decode()
            finally:
                bot.kill()
                simulator.stop()
            err.seek(0)
            errors = err.read().decode(errors='replace')
        made = len(simulator.log('dispatch'))
        simulator.dir.cleanup()
        print(f'# {output.strip()}; made {made}', flush=True)
        report = errors.find('Sanitizer')
        assert report < 0, errors[max(report - 100, 0):report + 6000]
        assert came_through, 'the stream stopped: ' + errors[-3000:]
        assert bot.returncode == 0, errors[-3000:]
        words = output.split()
        assert int(words[1]) == made and int(words[2]) == made, (output, made)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('bin')
    parser.add_argument('--kills', type=int, default=30)
    parser.add_argument('--ms', type=int, default=400)
    parser.add_argument('--seed', type=int, default=1)
    args = parser.parse_args()
    tap = Tap()
    tap.run('/tree_kills/whole_tree/nothing_lost_or_stuck', killed, args)
    tap.end()


if __name__ == '__main__':
    main()
