#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills a loaded server again and again and checks that it kept its word.

usage: soak.py --binary build/cordwood [--kills 50 | --minutes 60] [--seed 1] [--writers 3]

Writers push numbered lines to a stream each and try a batch again until it is acknowledged, so every batch may have
been stored before its answer was lost.  After every kill the server opens the same directory.  At the end each stream
must hold exactly the acknowledged lines, each once, in order; a batch that was never acknowledged may be missing.
Lines go out of order, share times and repeat, as a retrying client's do.
"""
import argparse
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

BASE_NS = 1_795_000_000_000_000_000


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def request(url, data=None, timeout=30):
    headers = {'Content-Type': 'application/json'} if data is not None else {}
    with urllib.request.urlopen(urllib.request.Request(url, data=data, headers=headers), timeout=timeout) as answer:
        return answer.read()


# Small segments, merged as soon as there are two: what is killed shall be merging now and then.
EAGER = {'CORDWOOD_STORE_GENERATION_AGE': '500ms', 'CORDWOOD_MERGE_FAN_IN': '2', 'CORDWOOD_MERGE_OWN_SEGMENT_SIZE': '1KB',
         'CORDWOOD_MERGE_MAX_REWRITES': '20', 'CORDWOOD_MERGE_QUIET_AFTER': '200ms'}


class Server:
    def __init__(self, binary, directory):
        self.binary, self.directory = binary, directory
        self.port = free_port()
        self.url = f'http://127.0.0.1:{self.port}'
        self.process = None

    def start(self):
        log = open(self.directory + '/server.log', 'a')
        self.process = subprocess.Popen([self.binary, 'serve', '--data-dir', self.directory + '/data', '--http-listen',
                                         f'127.0.0.1:{self.port}'], stderr=log, env={**os.environ, **EAGER})
        deadline = time.monotonic() + 60
        while True:
            try:
                if request(self.url + '/ready', timeout=2) == b'ready\n':
                    return
            except OSError:
                pass
            if self.process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f'the server did not come up: see {log.name}')
            time.sleep(0.01)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def merges(self):
        with open(self.directory + '/server.log') as log:
            return sum('msg="segments merged"' in line for line in log)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(timeout=120) != 0:
            sys.exit(f'the server ended with {self.process.returncode}')


class Writer(threading.Thread):
    """One stream; `acknowledged` holds (time, line) of every row whose batch was answered 204."""

    def __init__(self, server, number, seed, stop):
        super().__init__(daemon=True)
        self.server, self.number, self.stop_event = server, number, stop
        self.random = random.Random(seed * 1000 + number)
        self.acknowledged, self.pending, self.failures = [], None, 0
        self.next_line = 0

    def batch(self):
        rows = []
        for _ in range(self.random.randint(1, 200)):
            late_ns = self.random.choice([0, 0, 0, self.random.randint(0, 200_000)])
            # Eight lines share a time; some come late.
            when = BASE_NS + max(0, self.next_line // 8 * 1000 - late_ns)
            rows.append((when, json.dumps({'n': self.next_line, 'level': self.random.choice(['info', 'error']),
                                           'msg': 'x' * self.random.randint(0, 200)})))
            self.next_line += 1
        return rows

    def run(self):
        while not self.stop_event.is_set():
            self.pending = self.pending or self.batch()
            body = json.dumps({'streams': [{'stream': {'app': 'soak', 'writer': str(self.number)},
                                            'values': [[str(t), line] for t, line in self.pending]}]}).encode()
            try:
                request(self.server.url + '/loki/api/v1/push', body)
            except urllib.error.HTTPError as e:
                self.failures += 1
                if e.code not in (429, 500, 503):
                    sys.exit(f'push answered {e.code}: {e.read()[:300]}')
                time.sleep(0.02)
                continue
            except OSError:
                time.sleep(0.01)
                continue
            self.acknowledged.extend(self.pending)
            self.pending = None


def read_stream(server, number):
    """Every row of a writer's stream, oldest first, paged by time with the last time asked again."""
    rows, start, limit = [], BASE_NS, 5000
    while True:
        params = urllib.parse.urlencode({'query': f'{{app="soak", writer="{number}"}}', 'start': start,
                                         'end': BASE_NS + 10**15, 'limit': limit, 'direction': 'forward'})
        answer = json.loads(request(server.url + '/loki/api/v1/query_range?' + params, timeout=120))
        page = sorted(((int(t), line) for s in answer['data']['result'] for t, line in s['values']), key=lambda r: r[0])
        last = page[-1][0] if page else None
        if len(page) < limit:
            return rows + page
        if last == start:
            sys.exit(f'more than {limit} rows of writer {number} share the time {start}')
        rows += [r for r in page if r[0] < last]
        start = last


def check(server, writer):
    want = sorted(writer.acknowledged, key=lambda r: r[0])  # stable: order of arrival within a time
    maybe = set(writer.pending or [])
    got = read_stream(server, writer.number)
    wanted = set(want)
    problems = []
    if len(got) != len(set(got)):
        problems.append(f'{len(got) - len(set(got))} rows stand twice')
    missing = wanted - set(got)
    if missing:
        problems.append(f'{len(missing)} acknowledged rows are missing, the first {min(missing)}')
    foreign = set(got) - wanted - maybe
    if foreign:
        problems.append(f'{len(foreign)} rows were never sent, the first {min(foreign)}')
    if not problems:
        # A time's rows may stand in several result streams (levels): compare times in order and sets within them.
        if [t for t, _ in got] != sorted(t for t, _ in got):
            problems.append('rows out of order')
    return [f'writer {writer.number}: {p}' for p in problems], len(want)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--binary', required=True)
    parser.add_argument('--kills', type=int, default=0)
    parser.add_argument('--minutes', type=float, default=0)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--writers', type=int, default=3)
    args = parser.parse_args()
    rng = random.Random(args.seed)
    directory = tempfile.mkdtemp(prefix='cordwood-soak-')
    server = Server(args.binary, directory)
    server.start()
    stop = threading.Event()
    writers = [Writer(server, n, args.seed, stop) for n in range(args.writers)]
    for writer in writers:
        writer.start()
    deadline = time.monotonic() + args.minutes * 60
    kills = 0
    while kills < args.kills or time.monotonic() < deadline:
        # Merging begins a second after the start.
        time.sleep(rng.uniform(0.05, 0.6) if rng.random() < 0.8 else rng.uniform(1, 1.3))
        if rng.random() < 0.3:
            threading.Thread(target=flush, args=(server,), daemon=True).start()
            time.sleep(rng.uniform(0, 0.1))
        server.kill()
        kills += 1
        server.start()
    stop.set()
    for writer in writers:
        writer.join(timeout=60)
    problems, rows = [], 0
    for when in ('after the last kill', 'after a stop and a start'):
        rows = 0
        for writer in writers:
            found, count = check(server, writer)
            problems += [f'{when}: {p}' for p in found]
            rows += count
        server.stop()
        server.start()
    server.stop()
    print(f'{kills} kills, {rows} acknowledged rows, {sum(w.failures for w in writers)} refused pushes, '
          f'{server.merges()} merges, seed {args.seed}')
    for problem in problems:
        print(problem)
    if problems:
        print(f'data kept in {directory}')
        sys.exit(1)
    shutil.rmtree(directory)


def flush(server):
    try:
        request(server.url + '/flush', b'')
    except OSError:
        pass


if __name__ == '__main__':
    main()
