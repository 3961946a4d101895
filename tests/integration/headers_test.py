#!/usr/bin/env python3
"""headers_test.py SOURCE BUILD: the public headers are the manual: each compiles alone under the strictest warnings of an application, in C
and in C++, and the examples in their comments compile as they stand. Prints TAP."""
import concurrent.futures, glob, os, re, shutil, subprocess, sys, tempfile

source, build = map(os.path.abspath, sys.argv[1:3])
folders = [os.path.join(source, 'include'), os.path.join(build, 'include')]
flags = ['-I' + f for f in folders] + [f.replace('-I', '-isystem', 1) for f in subprocess.run(
    ['pkg-config', '--cflags', 'glib-2.0', 'gobject-2.0', 'gio-2.0'], stdout=subprocess.PIPE, check=True).stdout.decode().split()]
STRICT = ['-Wall', '-Wextra', '-Wpedantic', '-Wconversion', '-Wsign-conversion', '-Wshadow', '-Wundef', '-Wcast-qual', '-Werror']
C = ['cc', '-x', 'c', '-std=c11', '-Wstrict-prototypes', '-Wmissing-prototypes']
CXX = ['g++', '-x', 'c++', '-std=c++11']
n = failed = 0


def check(name, good, detail=''):
    global n, failed
    n += 1
    failed += not good
    print('%s %d %s' % ('ok' if good else 'not ok', n, name), flush=True)
    if not good:
        print('# ' + detail[-3000:].replace('\n', '\n# '))


def compiles(command, text):
    run = subprocess.run(command + flags + ['-fsyntax-only', '-'], input=text.encode(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
    return run.returncode == 0, run.stdout.decode(errors='replace')


headers = sorted('hemera/' + os.path.relpath(h, os.path.join(f, 'hemera')) for f in folders
                 for h in glob.glob(os.path.join(f, 'hemera/**/*.h'), recursive=True))
for language, command in (('C', C), ('C++', CXX)):
    if shutil.which(command[0]) is None:
        check('every header compiles alone in %s # SKIP no %s' % (language, command[0]), True)
        continue
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        done = list(pool.map(lambda h: compiles(command + STRICT, '#include <%s>\ntypedef int unit;\n' % h), headers))
    check('every header compiles alone in ' + language, len(headers) > 90 and all(good for good, _ in done), ''.join(out for good, out in done if not good))

# What stands around the examples, where a reader thinks it up: declarations, and variables.
AROUND = {
    'actor.h': ('', 'HemeraSystem *system = hemera_system_get_default (NULL);'),
    'gateway.h': ('', 'GError *error = NULL; GMainLoop *loop = g_main_loop_new (NULL, FALSE);'),
    'gateway-api-options.h': ('', 'GError *error = NULL;'),
    'server.h': ('typedef struct { gint64 by; } Count; HEMERA_DECLARE_MESSAGE (Count, count) typedef struct { gint64 value; } Total, Counter;'
                 'HEMERA_DECLARE_MESSAGE (Total, total) void on_total (GObject *, GAsyncResult *, gpointer);',
                 'HemeraSystem *system = hemera_system_get_default (NULL);'),
    'supervisor.h': ('extern const HemeraServerClass store_class, worker_class;', 'HemeraSystem *system = hemera_system_get_default (NULL);'),
    'term-builder.h': ('', 'GError *error = NULL; HemeraTerm *term;'),
}
examples = 0
for path in sorted(glob.glob(os.path.join(folders[0], 'hemera/*.h'))):
    with open(path, encoding='utf-8') as f:
        comment = f.read().split('*/')[0]
    lines = re.findall(r'^ \*(?:   (.*))?$', comment, flags=re.M)
    name = os.path.basename(path)
    outside, inside, block = [], [], False
    for line in lines:
        if not block and not line.startswith(' ') and re.match(r'static |typedef |HEMERA_D', line):
            block = True
        (outside if block else inside).append(line)
        if block and (line == '}' or line.endswith(';') and not line.startswith(' ') or re.match(r'HEMERA_DECLARE', line)):
            block = False
    if not ''.join(outside + inside).strip():
        continue
    examples += 1
    declared, variables = AROUND.get(name, ('', ''))
    text = '#include <hemera/hemera.h>\n%s\n%s\nvoid example (void);\nvoid example (void)\n{\n%s\n%s\n}\n' % (
        declared, '\n'.join(outside), variables, '\n'.join('' if line == '...' else line for line in inside))
    good, out = compiles(C[:3] + ['-std=gnu17', '-Wall', '-Wextra', '-Werror', '-Wno-unused-parameter', '-Wno-missing-field-initializers',
                                  '-Wno-unused-variable', '-Wno-unused-but-set-variable'], text)
    check('the example of ' + name, good, out + text)
check('there are examples', examples >= 7, str(examples))
print('1..%d' % n)
sys.exit(failed > 0)
