#!/usr/bin/env python3
"""models_test.py EVENTS_TEST SAMPLES GENERATOR: every typed accessor against the sample events: what the accessors see is the sample less
the fields that the schema does not know. Also: the generated files are what the generator writes. Prints TAP."""
import json, os, subprocess, sys

program, samples, generator = sys.argv[1:]
sys.path.insert(0, os.path.dirname(generator))
import generate

with open(os.path.join(os.path.dirname(generator), 'schema.json'), encoding='utf-8') as f:
    models = generate.collect(json.load(f))


def expect(value, model):
    """The part of a sample that accessors can give back."""
    out = {}
    for key, field in models[model].items():
        if key not in value:
            if not field.get('optional'):
                out[key] = absent(field)
            continue
        v = value[key]
        kind, inner = generate.kind(field['type'])
        if v is None and not field.get('nullable'):
            v = absent(field)
        elif kind == 'OBJECT' and isinstance(v, dict):
            v = expect(v, inner)
        elif kind == 'OBJECTS' and isinstance(v, list):
            v = [expect(e, inner) for e in v]
        out[key] = v
    return out


def absent(field):
    kind, _ = generate.kind(field['type'])
    if field['type'] == 'bitfield:string' or kind == 'SNOWFLAKE':
        return '0'
    return {'INTEGER': 0, 'BITFIELD': 0, 'NUMBER': 0, 'BOOLEAN': False, 'OBJECTS': []}.get(kind)


n = failed = 0
for event, model in generate.EVENTS.items():
    with open(os.path.join(samples, event + '.json'), encoding='utf-8') as f:
        values = json.load(f)
    text = ''.join('%s\t%s\n' % (event, json.dumps(v)) for v in values)
    run = subprocess.run([program, 'dump'], input=text.encode(), stdout=subprocess.PIPE, timeout=60)
    seen = [json.loads(line) for line in run.stdout.decode().split('\n')[:-1]]
    for i, value in enumerate(values):
        n += 1
        want = expect(value, model)
        good = run.returncode == 0 and i < len(seen) and seen[i] == want
        failed += not good
        print('%s %d %s sample %d' % ('ok' if good else 'not ok', n, event, i))
        if not good:
            print('# want %s\n# got  %s' % (json.dumps(want, sort_keys=True), json.dumps(seen[i], sort_keys=True) if i < len(seen) else None))
n += 1
fresh = subprocess.run([sys.executable, generator, '--check'], timeout=60).returncode == 0
failed += not fresh
print('%s %d generated files are fresh' % ('ok' if fresh else 'not ok', n))
print('1..%d' % n)
sys.exit(failed > 0)
