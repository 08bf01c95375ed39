# SPDX-License-Identifier: Apache-2.0
"""Reads of the bucket that a needle takes, counted: `bench/bucket needle`."""
import hashlib
import json
import os
import shutil
import time
import urllib.error

from gateway import between, requests
from queries import median
from sending import generate
from server import Server

DAY = 86_400
NS = 10**9


def options(parser):
    parser.add_argument('--days', type=int, default=5)
    parser.add_argument('--gb', type=float, default=10, help='raw, over all days')
    parser.add_argument('--lives', type=int, default=5, help='servers that are asked one cold question of each kind')
    parser.add_argument('--asked', type=int, default=60, help='questions of each kind for one server more')
    parser.add_argument('--cache', default='64MB')
    parser.add_argument('--set', action='append', default=[], metavar='KEY=VALUE', help='a setting of the servers more')


def fill(server, args, first):
    """A day after the other; the ids of traces and how many lines each has."""
    lines = int(args.gb * 1e9 / 257 / args.days)  # 257 bytes is what a line of the generator has
    ids, raw, begin = [], 0, time.monotonic()
    for day in range(args.days):
        truth = generate(server, '--start', first + day * DAY, '--span', DAY, '--seed', 77 + day << 32, '--lines', lines)
        raw += truth['raw_bytes']
        ids.append(sorted(truth['traces'].items()))
    server.post('/flush')
    server.wait_merged()
    print(f'{raw / 1e9:.2f} GB raw, {lines * args.days} lines, {args.days} UTC days; sent, published and merged after '
          f'{time.monotonic() - begin:.0f} s; {server.metric("cordwood_segments"):.0f} segments of '
          f'{server.metric("cordwood_segment_bytes") / 1e6:.0f} MB; peak RSS {server.peak_bytes / 1e6:.0f} MB', flush=True)
    return ids


class Asker:
    def __init__(self, server, first, days):
        self.server, self.start, self.end = server, first, first + days * DAY
        self.wrong = []

    def counted(self, path, **params):
        before, begin = requests(self.server), time.perf_counter()
        try:
            answer = json.loads(self.server.get(path, **params))
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
            answer = {'lines': []}
        took_ms = (time.perf_counter() - begin) * 1e3
        return answer, took_ms, between(before, requests(self.server))

    def check(self, name, got, want):
        if got != want:
            self.wrong.append(f'{name}: {got} lines, not {want}')

    def by_filter(self, trace, want):
        answer, took, sent = self.counted('/loki/api/v1/query_range', query='{env="bench"} |= "%s"' % trace, limit=5000,
                                          start=self.start * NS, end=self.end * NS)
        streams = answer['data']['result']
        self.check(trace, sum(len(s['values']) for s in streams), want)
        cordwood = answer['data']['stats']['cordwood']
        return took, sent, cordwood['blocksOpened'], len({s['stream']['app'] for s in streams}), cordwood.get('indexReads', 0)

    def by_trace(self, trace, want):
        answer, took, sent = self.counted(f'/api/v1/traces/{trace}')
        self.check(trace, len(answer['lines']), want)
        return took, sent, None, len({line['stream']['app'] for line in answer['lines']}), None


def show(name, rows):
    """One line for a kind of question."""
    took = [r[0] for r in rows]
    gets = [r[1].get('get', 0) for r in rows]
    others = sorted({op for r in rows for op in r[1] if op != 'get'})
    blocks = [r[2] for r in rows if r[2] is not None]
    print(f'  {name:<34}{len(rows):>4} asked  p50 {median(took):7.1f}  max {max(took):7.1f} ms   GETs p50 {median(gets):.0f}, '
          f'max {max(gets)}   ' + (f'blocks opened p50 {median(blocks):.0f}, max {max(blocks)}   ' if blocks else '') +
          f'apps in the answer p50 {median([r[3] for r in rows]):.0f}, max {max(r[3] for r in rows)}' +
          (f'   others: {others}' if others else ''), flush=True)


def judge(name, rows, days, wrong):
    """At most one locating read a day, and two for each block with an answer."""
    over = []
    for _, sent, blocks, apps, _ in rows:
        gets, most = sent.get('get', 0), days + 2 * (apps if blocks is None else blocks)
        if gets > most:
            over.append(f'{gets} where {most} are allowed')
    print(f'      beyond one read a day and two a block: {len(over)} of {len(rows)}', *over[:3])
    if over:
        wrong.append(f'{name}: {len(over)} of {len(rows)} take too many reads')


def needle(gateway, directory, args):
    settings = [*gateway.settings(), f'--store.cache_size={args.cache}', '--merge.quiet_after=5s',
                *(f'--{one}' for one in args.set)]
    # Days that are over by more than an hour: what is merged then is merged.
    first = (int(time.time()) - 7200) // DAY * DAY - args.days * DAY
    server = Server(args.binary, directory, settings)
    ids = fill(server, args, first)
    tables, table_bytes = (server.metric(f'cordwood_day_id_{what}_total') for what in ('tables', 'table_bytes'))
    server.stop()
    objects, stored = gateway.objects()
    print(f'in the bucket: {objects} objects, {stored / 1e6:.1f} MB; common id tables of days: {tables:.0f}, {table_bytes / 1e6:.1f} MB')
    wrong, cold = [], {'|= a trace id': [], '/api/v1/traces/{id}': [], '|= an absent id': [], 'traces, absent': []}
    picked = [ids[i % args.days][(i * 37 + 11) % len(ids[i % args.days])] for i in range(4 * (args.lives + args.asked))]

    def life(names, each):
        nonlocal server
        shutil.rmtree(os.path.join(directory, 'data'))
        server = Server(args.binary, directory, settings)
        asker = Asker(server, first, args.days)
        rows = {name: [] for name in names}
        opened = between({}, requests(server))
        for turn in range(each):
            for name in names:
                trace, want = picked.pop()
                if 'absent' in name:
                    trace, want = hashlib.md5(trace.encode()).hexdigest(), 0
                rows[name].append((asker.by_filter if '|=' in name else asker.by_trace)(trace, want))
        wrong.extend(asker.wrong)
        ready = server.ready_s
        server.stop()
        return rows, ready, opened
    for _ in range(args.lives):
        for name in cold:
            rows, ready, opened = life([name], 1)
            cold[name] += rows[name]
    print(f'an empty disk: ready after {ready:.2f} s, requests {opened}')
    print('the first question of a server with an empty disk')
    for name, rows in cold.items():
        show(name, rows)
        judge(name, rows, args.days, wrong)
    rows, _, _ = life(list(cold), args.asked)
    print('one server, another id each time')
    for name in cold:
        show(name, rows[name])
        judge(name, rows[name], args.days, wrong)
    return wrong
