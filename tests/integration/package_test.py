#!/usr/bin/env python3
"""package_test.py SOURCE BUILD: what is installed: the export list against the headers, and a program outside the tree that builds with
pkg-config and with CMake's package files. Prints TAP."""
import os, re, shutil, subprocess, sys, tempfile

source, build = map(os.path.abspath, sys.argv[1:])
n = failed = 0


def check(name, good, detail=''):
    global n, failed
    n += 1
    failed += not good
    print('%s %d %s' % ('ok' if good else 'not ok', n, name))
    if not good:
        print('# ' + str(detail).replace('\n', '\n# '))


def run(*args, **kwargs):
    done = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, **kwargs)
    return done.returncode == 0, done.stdout.decode(errors='replace')


def declared(prefix):
    """What the public headers declare with HEMERA_API."""
    names = set()
    for folder, _, files in os.walk(os.path.join(prefix, 'include', 'hemera')):
        for name in files:
            with open(os.path.join(folder, name), encoding='utf-8') as f:
                text = re.sub(r'/\*.*?\*/', '', f.read(), flags=re.S)
            names |= set(re.findall(r'\bHEMERA_API\s+(?!G_DECLARE)[^;{]*?\b(hemera_\w+)\s*(?:\(|;|\[)', text))
            for low in re.findall(r'HEMERA_API\s+G_DECLARE_FINAL_TYPE \(\w+, (\w+),', text):
                names.add(low + '_get_type')
    return names


with open(os.path.join(source, 'README.md'), encoding='utf-8') as f:
    shown = re.search(r'```c\n(.*?)```', f.read(), flags=re.S).group(1)
with open(os.path.join(source, 'examples', 'ping.c'), encoding='utf-8') as f:
    check('the bot of README.md is examples/ping.c', f.read().split('\n', 1)[1] == shown)

prefix = tempfile.mkdtemp(prefix='hemera-install-')
try:
    good, text = run('cmake', '--install', build, '--prefix', prefix)
    check('install', good, text)
    library = next((os.path.join(d, 'libhemera.so') for d, _, f in os.walk(prefix) if 'libhemera.so' in f), '')
    exported = set(re.findall(r'\w+ [A-Z] (\w+)', subprocess.run(['nm', '-D', '--defined-only', library], stdout=subprocess.PIPE).stdout.decode()))
    wanted = declared(prefix)
    check('exports are what the headers declare', exported == wanted and len(wanted) > 100,
          'exported and not declared: %s\ndeclared and not exported: %s' % (sorted(exported - wanted), sorted(wanted - exported)))
    for program in ('hemera-tail', 'hemera-etf', 'hemera-sim'):
        good, text = run(os.path.join(prefix, 'bin', program), '--version', env=dict(os.environ, LD_LIBRARY_PATH=os.path.dirname(library)))
        check(program + ' is installed and runs', good, text)

    work = os.path.join(prefix, 'user')
    os.mkdir(work)
    shutil.copy(os.path.join(source, 'examples', 'ping.c'), work)
    env = dict(os.environ, PKG_CONFIG_PATH=os.path.join(os.path.dirname(library), 'pkgconfig'))
    good, text = run('sh', '-c', 'cc -Wall -Werror ping.c -o ping $(pkg-config --cflags --libs hemera)', cwd=work, env=env)
    check('a program builds with pkg-config', good, text)
    with open(os.path.join(work, 'CMakeLists.txt'), 'w') as f:
        f.write('cmake_minimum_required(VERSION 3.20)\nproject(user C)\nfind_package(PkgConfig)\n'
                'pkg_check_modules(GLIB REQUIRED IMPORTED_TARGET glib-2.0)\nfind_package(hemera 0.1 REQUIRED)\n'
                'add_executable(ping ping.c)\ntarget_link_libraries(ping hemera::hemera)\n')
    good, text = run('sh', '-c', 'cmake -G Ninja -S . -B b -DCMAKE_PREFIX_PATH=%s && cmake --build b' % prefix, cwd=work)
    check('a program that has a GLIB of its own builds with the CMake package', good, text)
finally:
    shutil.rmtree(prefix)
print('1..%d' % n)
sys.exit(failed > 0)
