#!/usr/bin/env python3
"""examples_test.py BIN: the example programs against the simulator, as README says; embedders under G_DEBUG=fatal-criticals. Prints TAP."""
import os, signal, subprocess, sys, tempfile, threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from sim_client import Simulator, TOKEN, make_stream

programs = sys.argv[1]
factor = float(os.environ.get('HEMERA_TEST_FACTOR', '1'))
n = failed = 0


def check(name, good, detail=''):
    global n, failed
    n += 1
    failed += not good
    print('%s %d %s' % ('ok' if good else 'not ok', n, name), flush=True)
    if not good:
        print('# ' + str(detail)[-2000:].replace('\n', '\n# '))


def start(name, simulator, *arguments, **more):
    env = dict(os.environ, DISCORD_TOKEN=TOKEN, HEMERA_API_URL=simulator.words[1] + '/api/v10', HEMERA_CA_FILE=simulator.ca,
               G_DEBUG='fatal-criticals', **more)
    return subprocess.Popen([os.path.join(programs, name), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, text=True, errors='replace')


def finish(process):
    try:
        out, err = process.communicate(timeout=60 * factor)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        return None, out, err
    return process.returncode, out, err


def until_line(process, mark):
    """What it printed up to a line with the mark, or to its end; a program that prints no such line is killed."""
    too_late = threading.Timer(60 * factor, process.kill)
    too_late.start()
    seen = ''
    for line in process.stdout:
        seen += line
        if mark in line:
            break
    too_late.cancel()
    return seen


with tempfile.TemporaryDirectory() as folder:
    stream = os.path.join(folder, 'stream.jsonl')
    make_stream(stream, events=4000, guilds=8, seed=5)
    with Simulator(os.path.join(programs, 'hemera-sim'), '--stream', stream, '--rate', '500', '--loop', '--identify-spacing-ms', '100', tls=True) as simulator:
        # First: the guilds of a session come at the stream's start.
        code, out, err = finish(start('late-loop', simulator))
        check('a loop that starts late gets all in its own context', code == 0, (code, err))
        code, out, err = finish(start('embed', simulator))
        check('embed gets its events and closes', code == 0 and len(out.splitlines()) >= 100, (code, err))
        session_file = os.path.join(folder, 'sessions')
        for more in ({}, {'SESSION_FILE': session_file}, {'SESSION_FILE': session_file}):
            code, out, err = finish(start('reconnect', simulator, **more))
            seqs = [int(word) for word in out.split() if word != 'closed']
            check('a gateway that is connected again goes on where it stood' + (', with a file' if more else ''), code == 0
                  and out.split().count('closed') == 3 and len(seqs) >= 180 and seqs == list(range(seqs[0], seqs[0] + len(seqs))), (code, out, err))
        code, out, err = finish(start('reconnect', simulator, 'end', SESSION_FILE=session_file))
        check('after an end it begins anew', code == 0 and out.split().count('1') == 2, (code, out, err))
        for name in ('stopped with Ctrl-C', 'started again'):
            bot = start('ping', simulator)
            first = until_line(bot, ': ')
            bot.send_signal(signal.SIGINT)
            code, out, err = finish(bot)
            check('ping ' + name, code == 0 and ': ' in first, (code, first + out[-300:], err))
        # Its loop never runs, so nobody could join the threads that read its files.
        ends = [finish(start('early-exit', simulator, TSAN_OPTIONS='report_thread_leaks=0'))[::2] for _ in range(20)]
        check('a process may end while its gateway connects', ends == [(0, '')] * 20, [end for end in ends if end != (0, '')][:1])
        check('the token is in no output', TOKEN not in out + err)
        check('no violations', simulator.violations() == [], simulator.violations())
    if os.path.exists(os.path.join(programs, 'event-mallocs')):  # not under sanitizers, which have a malloc of their own
        make_stream(stream, events=16000, guilds=8, seed=5)
        for rate in ('0', '4000'):
            with Simulator(os.path.join(programs, 'hemera-sim'), '--stream', stream, '--rate', rate, tls=True) as simulator:
                program = start('event-mallocs', simulator)
                code, out, err = finish(program)
                print('# ' + out.strip())
                check('at most two mallocs from socket to typed handler, rate ' + rate, code == 0, (code, out, err))
    code, out, err = finish(subprocess.Popen([os.path.join(programs, 'counter')], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
    check('counter crashes and is restarted', code == 0 and out.splitlines() == ['counter says 1', 'counter says 2',
          'no answer: The server ended: {too_many,3}', 'counter says 1', 'counter says 2'], (code, out))
    code, out, err = finish(subprocess.Popen([os.path.join(programs, 'ping')], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                             env={k: v for k, v in os.environ.items() if k != 'DISCORD_TOKEN'}))
    check('ping without a token says so', code == 2 and 'DISCORD_TOKEN' in err, (code, err))
print('1..%d' % n)
sys.exit(failed > 0)
