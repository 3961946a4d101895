#!/usr/bin/env python3
"""models_test.py EVENTS_TEST SAMPLES GENERATOR CORPUS [SEED]: every typed accessor against JSON's own values, in JSON and in ETF: the sample
events, events of the stream generator, and both with members dropped, nulled, doubled, of wrong types or unknown values. What the accessors
see is worked out here from the schema alone. Also: the generated files are what the generator writes. Prints TAP."""
import base64, copy, json, os, random, struct, subprocess, sys, tempfile

program, samples, generator, corpus = sys.argv[1:5]
seed = int(sys.argv[5]) if len(sys.argv) > 5 else 1
sys.path.insert(0, os.path.dirname(generator))
import generate

with open(os.path.join(os.path.dirname(generator), 'schema.json'), encoding='utf-8') as f:
    models = generate.collect(json.load(f))


# ---- what accessors are to see ---------------------------------------------------------------------------------------------------------

def is_int(v):
    return isinstance(v, int) and not isinstance(v, bool)


def snowflake(v):
    if is_int(v):
        return v if 0 <= v < 2**64 else 0
    if isinstance(v, str) and v.isascii() and v.isdigit():
        return int(v) if int(v) < 2**64 else 0
    return 0


def text(v):
    if isinstance(v, bool):
        return 'true' if v else 'false'  # atoms
    if is_int(v):
        return str(v) if -2**63 <= v < 2**63 else None
    return v.split('\0')[0] if isinstance(v, str) else None


def seen(v, field):
    """A value as its accessor gives it; None: absent, null or of another type."""
    kind, inner = generate.kind(field['type'])
    if kind in ('SNOWFLAKE', 'BITFIELD'):
        number = snowflake(v)
        return number if field['type'] == 'bitfield' else str(number)
    if kind == 'STRING':
        return text(v)
    if kind == 'INTEGER':
        return v if is_int(v) and -2**63 <= v < 2**63 else 0
    if kind == 'NUMBER':
        return float(v) if is_int(v) or isinstance(v, float) else 0.0
    if kind == 'BOOLEAN':
        return v if isinstance(v, bool) else False
    if kind == 'OBJECT':
        return expect(v, inner) if isinstance(v, dict) else None
    if kind == 'OBJECTS':
        return [expect(e, inner) if isinstance(e, dict) else None for e in v] if isinstance(v, list) else []
    return v


def expect(value, model):
    out = {}
    for key, field in models[model].items():
        if key in value and value[key] is None and field.get('nullable'):
            out[key] = None
        elif key in value or not field.get('optional'):
            out[key] = seen(value.get(key), field)
    return out


# ---- what they are given ---------------------------------------------------------------------------------------------------------------

WRONG = [None, True, False, 0, -1, 7, 255, 2**31, 2**53 + 1, 2**63 - 1, -2**63, 2**64 - 1, 2**64, -2**70, 1.5, -0.5, '', 'x', '0',
         '18446744073709551615', '18446744073709551616', '-1', ' 1', '1e3', 'nil', 'null', 'true', 'a\0b', 'ä\U0001f600', [], {}, [1, 2], [300, None, {}], {'id': 5}]


def mutate(rng, value, model):
    """Changes some members in place, anywhere in the models inside."""
    for key, field in models[model].items():
        if rng.random() < 0.06:
            value[key] = copy.deepcopy(rng.choice(WRONG))
        elif rng.random() < 0.04:
            value.pop(key, None)
        inner = generate.kind(field['type'])[1]
        below = value.get(key)
        for v in below if isinstance(below, list) else [below]:
            if inner and isinstance(v, dict):
                mutate(rng, v, inner)
    return value


ATOMS = {None: b'nil', True: b'true', False: b'false'}


def atom(rng, name):
    return rng.choice([b'w' + bytes([len(name)]), b'd' + struct.pack('>H', len(name)), b'v' + struct.pack('>H', len(name))]) + name


def etf(rng, v, model=None, ids=False):
    """As Discord and others write: ids as strings or integers, keys as atoms or binaries, now and then one twice."""
    if v is None or isinstance(v, bool):
        return atom(rng, rng.choice([b'nil', b'null']) if v is None else ATOMS[v])
    if ids and isinstance(v, str) and v.isascii() and v.isdigit() and str(int(v)) == v and rng.random() < 0.7:
        v = int(v)
    if isinstance(v, int):
        if 0 <= v < 256 and rng.random() < 0.8:
            return b'a' + bytes([v])
        if -2**31 <= v < 2**31 and rng.random() < 0.8:
            return b'b' + struct.pack('>i', v)
        digits = abs(v).to_bytes((abs(v).bit_length() + 7) // 8, 'little')
        return b'n' + bytes([len(digits), v < 0]) + digits
    if isinstance(v, float):
        return b'F' + struct.pack('>d', v)
    if isinstance(v, str):
        return b'm' + struct.pack('>I', len(v.encode())) + v.encode()
    if isinstance(v, list):
        if v and all(is_int(e) and 0 <= e < 256 for e in v) and rng.random() < 0.5:
            return b'k' + struct.pack('>H', len(v)) + bytes(v)
        return (b'l' + struct.pack('>I', len(v)) + b''.join(etf(rng, e, model) for e in v) if v else b'') + b'j'
    pairs = []
    for key, e in v.items():
        field = models[model].get(key) if model else None
        kind, inner = generate.kind(field['type']) if field else ('VIEW', None)
        name = atom(rng, key.encode()) if key and key.isascii() and rng.random() < 0.5 else etf(rng, key)
        pairs.append(name + etf(rng, e, inner, kind in ('SNOWFLAKE', 'BITFIELD')))
        if field and kind != 'VIEW' and rng.random() < 0.02:
            pairs.append(name + etf(rng, rng.choice(WRONG)))  # the first one counts
    return b't' + struct.pack('>I', len(pairs)) + b''.join(pairs)


# ---- the test --------------------------------------------------------------------------------------------------------------------------

n = failed = 0


def check(name, good, detail=''):
    global n, failed
    n += 1
    failed += not good
    print('%s %d %s' % ('ok' if good else 'not ok', n, name))
    if not good:
        print('# ' + detail[:4000].replace('\n', '\n# '))


def same(a, b):
    """1, 1.0 and True are three values."""
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float) and is_int(b) and a.is_integer():
        return a == b  # %.17g of a whole number
    return type(a) is type(b) and a == b


def difference(want, got, at='d'):
    if isinstance(want, dict) and isinstance(got, dict):
        return next((difference(want.get(k), got.get(k), at + '.' + k) for k in sorted(want.keys() | got.keys())
                     if (k in want) != (k in got) or not same(want[k], got[k])), '')
    if isinstance(want, list) and isinstance(got, list) and len(want) == len(got):
        return next((difference(w, g, '%s[%d]' % (at, i)) for i, (w, g) in enumerate(zip(want, got)) if not same(w, g)), '')
    return '%s: want %s, got %s' % (at, json.dumps(want), json.dumps(got))


def hold(name, events, write):
    """All of @events, written by @write, in one run of the program."""
    lines = ''.join('%s\t%s\n' % (event, write(event, value)) for event, value in events)
    run = subprocess.run([program, 'dump'], input=lines.encode(), stdout=subprocess.PIPE, timeout=300)
    got = [json.loads(line) for line in run.stdout.decode().split('\n')[:-1]]
    bad = ['%s %s' % (event, difference(expect(value, generate.EVENTS[event]), g))
           for (event, value), g in zip(events, got) if not same(expect(value, generate.EVENTS[event]), g)]
    check('%s: %d events' % (name, len(events)), run.returncode == 0 and len(got) == len(events) and not bad,
          'status %d, %d answers of %d\n%s' % (run.returncode, len(got), len(events), '\n'.join(bad[:5])))


def as_etf(rng):
    return lambda event, value: base64.b64encode(b'\x83' + etf(rng, value, generate.EVENTS[event])).decode()


def as_json(event, value):
    return json.dumps(value)


written = []
for event in generate.EVENTS:
    with open(os.path.join(samples, event + '.json'), encoding='utf-8') as f:
        written += [(event, value) for value in json.load(f)]
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, 'stream')
    subprocess.run([sys.executable, os.path.join(corpus, 'make_stream.py'), '--seed', str(seed), '--events', '2000', '--guilds', '3', '--members', '12',
                    '--out', path], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with open(path, encoding='utf-8') as f:
        stream = [(e['t'], e['d']) for e in map(json.loads, f) if e['t'] in generate.EVENTS]
rng = random.Random(seed)
print('# seed %d' % seed)
hold('samples in JSON', written, as_json)
hold('samples in ETF', written, as_etf(rng))
hold('a stream in JSON', stream, as_json)
hold('a stream in ETF', stream, as_etf(rng))
hostile = [(event, mutate(rng, copy.deepcopy(value), generate.EVENTS[event])) for event, value in written * 40 + stream[:300]]
hold('hostile events in JSON', hostile, as_json)
hold('hostile events in ETF', hostile, as_etf(rng))
check('generated files are fresh', subprocess.run([sys.executable, generator, '--check'], timeout=60).returncode == 0)
print('1..%d' % n)
sys.exit(failed > 0)
