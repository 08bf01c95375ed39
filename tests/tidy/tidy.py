#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""House rules, held as a test.  Prints every breach as file:line: rule; exit status 1 if there is one.

usage: tidy.py [--compile]     --compile also compiles every source and every header alone, which no build does, with
                               clang's thread-safety analysis as an error.
"""
import concurrent.futures
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# A room may include itself and the rooms named here (design: the drawing of rooms).
ROOMS = {
    'storage/base': [],
    'storage/model': ['storage/base'],
    'storage': ['storage/base', 'storage/model'],
    'index': ['storage', 'storage/base', 'storage/model'],
    'ingest': ['index', 'storage', 'storage/base', 'storage/model'],
    'query': ['index', 'storage', 'storage/base', 'storage/model'],
    'lifecycle': ['index', 'storage', 'storage/base', 'storage/model'],
    'api': ['query', 'ingest', 'lifecycle', 'index', 'storage', 'storage/base', 'storage/model'],
}
# Libraries that stay behind one door: header prefix -> files that may include it.
CONFINED = {
    'xapian.h': r'^index/',
    'sqlite3.h': r'^storage/(catalog|sqlite_|inspect)',
    'boost/': r'^api/http_',
    'spdlog/': r'^storage/base/logger\.cc$',
    'yaml-cpp/': r'^api/',
    'CLI/': r'^api/',
    'curl/': r'^(api|lifecycle)/|^storage/s3_curl\.cc$',
    'openssl/': r'^api/|^storage/s3_hash\.cc$',
    'zstd.h': r'^(storage/base/compression|ingest/)',
    'lz4': r'^(storage/base/compression|ingest/)',
}
# Calls that only the seam behind them may make.
BANNED = [
    (r'(?<![\w:.>])::open\(|\bfopen\(|std::[io]?fstream|std::filesystem', r'^(storage/base/(posix_file_system|run_delay)\.cc|api/.*_command\.cc|api/config.*|api/main\.cc|tests/|bench/)', 'files go through FileSystem'),
    (r'(?<![\w:])::?rename\(|std::rename\(', r'^(storage/base/posix_file_system\.cc|tests/)', 'files go through FileSystem'),
    (r'system_clock::now|steady_clock::now|(?<![\w:.])time\((0|NULL|nullptr)\)|\bgettimeofday\(', r'^(storage/base/clock\.cc|tests/|bench/)', 'time comes from Clock'),
    (r'(?<![\w:.])s?rand\(|std::random_device', r'^(storage/base/random\.cc|tests/|bench/)', 'randomness comes from storage/base/random.h'),
    (r'\b(strcpy|strcat|sprintf|gets|atoi|atol|atof|strtok)\(', r'^$', 'unsafe or unchecked call'),
    (r'catch \(\.\.\.\)', r'^tests/', 'catch what can be thrown, by name'),
    (r'\bGTEST_SKIP\(\)(?!\s*<<)', r'^$', 'a skip says why'),
    (r'\bDISABLED_', r'^$', 'no disabled test'),
    (r'\b(TODO|FIXME|XXX)\b', r'^$', 'finish it or file it'),
    (r'\busing namespace std\b', r'^$', 'no using namespace std'),
]
MAX_LINES = {'.h': 300, '.cc': 600}
MAX_FUNCTION_LINES = 70
MAX_COLUMNS = 120
DRAWER_NAMES = re.compile(r'(^|_)(utils?|helpers?|commons?|misc|managers?)(_|\.|$)')
# path -> reason.  May only shrink.
EXCEPTIONS = {}

breaches = []


def breach(path, line, rule):
    breaches.append(f'{path}:{line}: {rule}')


def tracked():
    out = subprocess.run(['git', 'ls-files', '--cached', '--others', '--exclude-standard'], cwd=ROOT, check=True,
                         capture_output=True, text=True).stdout
    return sorted(f for f in out.splitlines() if os.path.isfile(os.path.join(ROOT, f)))


def room_of(path):
    for room in ('storage/base', 'storage/model'):
        if path.startswith(room + '/'):
            return room
    top = path.split('/')[0]
    return top if top in ROOMS else None


def check_includes(path, lines):
    room = room_of(path)
    for number, line in enumerate(lines, 1):
        m = re.match(r'\s*#\s*include\s+([<"])([^>"]+)[>"]', line)
        if not m:
            continue
        target = m.group(2)
        if m.group(1) == '"' and room:
            other = room_of(target)
            if other and other != room and other not in ROOMS[room]:
                breach(path, number, f'{room} may not include {target}')
        if not path.startswith(('tests/', 'bench/')):
            for prefix, allowed in CONFINED.items():
                if target.startswith(prefix) and not re.search(allowed, path):
                    breach(path, number, f'<{target}> stays behind {allowed}')


def check_lines(path, lines):
    in_raw = False
    for number, line in enumerate(lines, 1):
        if len(line) > MAX_COLUMNS and 'R"' not in line and not in_raw and not path.startswith('tests/'):
            breach(path, number, f'{len(line)} columns, at most {MAX_COLUMNS}')
        if 'R"' in line:
            in_raw = ')"' not in line.split('R"', 1)[1]
        elif in_raw and ')' in line and '"' in line:
            in_raw = False
        code = re.sub(r'"(\\.|[^"\\])*"', '""', line.split('//')[0])
        comment_rules = line if re.search(r'TODO|FIXME|XXX', line) else code
        for pattern, allowed, why in BANNED:
            subject = comment_rules if 'TODO' in pattern else code
            if re.search(pattern, subject) and not (allowed != '^$' and re.search(allowed, path)):
                breach(path, number, f'{why}: {line.strip()[:60]}')


NOT_A_FUNCTION = re.compile(r'\s*(namespace|class|struct|enum|union|if|for|while|switch|do|else|return|case|extern|#|//)\b')


def check_functions(path, lines):
    for indent in ('', '  '):
        start = None
        for number, line in enumerate(lines, 1):
            if start is None:
                starts = line.startswith(indent) and not line[len(indent):].startswith((' ', '}', '#', '/'))
                if starts and line.rstrip().endswith('{') and '(' in ''.join(lines[max(0, number - 4):number]) \
                        and not NOT_A_FUNCTION.match(line) and '= {' not in line:
                    start = number
            elif line.startswith(indent + '}'):
                if number - start - 1 > MAX_FUNCTION_LINES:
                    breach(path, start, f'function of {number - start - 1} lines, at most {MAX_FUNCTION_LINES}')
                start = None


def check_file(path):
    with open(os.path.join(ROOT, path), encoding='utf-8', errors='replace') as f:
        lines = f.read().split('\n')
    extension = os.path.splitext(path)[1]
    if not lines[0].startswith('// SPDX-License-Identifier: Apache-2.0'):
        breach(path, 1, 'first line is the SPDX line')
    if extension == '.h' and '#pragma once' not in lines[:4]:
        breach(path, 1, 'headers have #pragma once')
    if len(lines) - 1 > MAX_LINES[extension] and path not in EXCEPTIONS:
        breach(path, 1, f'{len(lines) - 1} lines, at most {MAX_LINES[extension]}: is it two things?')
    if DRAWER_NAMES.search(os.path.basename(path)):
        breach(path, 1, 'no drawers: name the file for what it does')
    check_includes(path, lines)
    check_lines(path, lines)
    if path not in EXCEPTIONS:
        check_functions(path, lines)


def check_tree(files):
    text = {}
    for f in files:
        if f.endswith(('.cc', '.h')):
            with open(os.path.join(ROOT, f), encoding='utf-8', errors='replace') as handle:
                text[f] = handle.read()
    included = set(re.findall(r'#include "([^"]+)"', '\n'.join(text.values())))
    for f in text:
        if f.endswith('.h') and f not in included:
            breach(f, 1, 'nobody includes this header')
        if f.startswith('tests/') and f.endswith('_test.cc') and f.split('/')[1] not in (
                'storage', 'index', 'ingest', 'query', 'lifecycle', 'api', 'http', 'sim', 'format', 'fuzz', 'concurrent'):
            breach(f, 1, 'a test lies in the folder of its room, or it is not built')
    for room in ('storage', 'index', 'ingest', 'query', 'lifecycle', 'api'):
        readme = os.path.join(ROOT, room, 'README.md')
        if not os.path.exists(readme):
            breach(f'{room}/README.md', 1, 'each room has a README')
    for f in files:
        if '/' not in f and f not in ('CMakeLists.txt', 'README.md', 'LICENSE', 'dev') and not f.startswith('.'):
            breach(f, 1, 'the top level is closed')


def compile_alone(job):
    path, command = job
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return path, done.returncode, done.stderr


def check_compiles(files):
    base = ['clang++-14', '-std=c++20', '-I.', '-fsyntax-only', '-Wthread-safety', '-Werror=thread-safety',
            '-DSPDLOG_FMT_EXTERNAL', '-DSPDLOG_COMPILED_LIB', '-DFMT_SHARED', '-Wno-everything', '-Wthread-safety']
    jobs, seen, headers = [], set(), []
    for f in files:
        if f.startswith(('tests/', 'bench/')):
            continue
        with open(os.path.join(ROOT, f), encoding='utf-8') as handle:
            text = handle.read()
        if '#include <boost/' in text:
            continue  # clang 14 does not know the coroutines that Boost 1.74 offers
        if f.endswith('.h'):
            headers.append(f)
        else:
            jobs.append((f, base + [f]))
            seen.add(re.search(r'#include [<"]([^>"]+)', text).group(1))  # nothing comes before it
    jobs += [(f, base + ['-x', 'c++-header', f]) for f in headers if f not in seen]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, status, stderr in pool.map(compile_alone, jobs):
            if status:
                breach(path, 1, 'does not compile alone:\n' + '\n'.join(stderr.splitlines()[:6]))


def main():
    files = tracked()
    sources = [f for f in files if f.endswith(('.cc', '.h'))]
    for f in sources:
        check_file(f)
    check_tree(files)
    if '--compile' in sys.argv:
        check_compiles(sources)
    for b in breaches:
        print(b)
    print(f'tidy: {len(sources)} files, {len(breaches)} breaches')
    sys.exit(1 if breaches else 0)


if __name__ == '__main__':
    main()
