# SPDX-License-Identifier: Apache-2.0
"""Questions to one day of logs and to many: `bench/growth days`."""
import hashlib
import json
import os
import time

from queries import NS, RANGE, lines, median, quantile, total
from sending import generate
from server import Server

DAY = 86_400
HOUR = 3600


def options(parser):
    parser.add_argument('--gb', type=float, default=1, help='raw, of a day')
    parser.add_argument('--days', type=int, default=10)
    parser.add_argument('--runs', type=int, default=100)


def fill(server, args, days):
    """Sends these days, by their first seconds; what was sent of the last."""
    begin, raw = time.monotonic(), 0
    for day in days:
        truth = generate(server, '--start', day, '--span', DAY, '--seed', day << 32, '--lines', int(args.gb * 1e9 / 257))
        raw += truth['raw_bytes']
    server.post('/flush')
    server.wait_merged(20)
    print(f'{raw / 1e9:.2f} GB raw, {len(days)} UTC days: sent, published and merged after {time.monotonic() - begin:.0f} s, '
          f'{server.metric("cordwood_segments"):.0f} segments, {server.metric("cordwood_segment_bytes") / 1e6:.0f} MB', flush=True)
    return truth


def over_everything(truth, start, end):
    """By name: path and parameters of a run, and what tells that its answer is right."""
    ids, apps = sorted(truth['traces'].items()), sorted(truth['lines_by_app'])
    bounds = {'start': start * NS, 'end': end * NS}
    trace = lambda run: ids[(run * 37 + 11) % len(ids)]

    def log(query, limit=1000):
        return RANGE, {'query': query, 'limit': limit, **bounds}
    return {
        'a trace, by /api/v1/traces': lambda run: (f'/api/v1/traces/{trace(run)[0]}', {}, lambda a: len(a['lines']) == trace(run)[1]),
        'a trace id, |=': lambda run: (*log('{env="bench"} |= "%s"' % trace(run)[0]), lambda a: lines(a) == trace(run)[1]),
        'an absent trace id, |=': lambda run: (*log('{env="bench"} |= "%s"' % hashlib.md5(b'%d' % run).hexdigest()),
                                               lambda a: lines(a) == 0),
        'an absent word, |=': lambda run: (*log(f'{{env="bench"}} |= "kraken{run}quake"'), lambda a: lines(a) == 0),
        'last 100 lines of an app': lambda run: (*log('{app="%s"}' % apps[run % len(apps)], 100), lambda a: lines(a) == 100),
    }


def of_an_hour(truth, last_day):
    apps = sorted(truth['lines_by_app'])
    app = lambda run: apps[run % len(apps)]

    def hour(run):
        begin = last_day + run % 23 * HOUR
        return {'start': begin * NS, 'end': (begin + HOUR) * NS}

    def log(run, query):
        return RANGE, {'query': query, 'limit': 100, **hour(run)}, lambda a: lines(a) == 100

    def metric(run, query):
        return RANGE, {'query': query, 'step': 60, **hour(run)}, lambda a: total(a) > 0
    return {
        'last 100 lines of an app': lambda run: log(run, '{app="%s"}' % app(run)),
        '| json | http_status >= 500 per minute': lambda run: metric(
            run, 'sum by (app) (count_over_time({env="bench"} | json | __error__="" | http_status >= 500 [1m]))'),
        'volume by level per minute': lambda run: metric(
            run, 'sum by (level, detected_level) (count_over_time({env="bench"} | drop __error__ [1m]))'),
        'p99 of took_ms per minute, one app': lambda run: metric(
            run, 'quantile_over_time(0.99, {app="%s"} | json | __error__="" | unwrap took_ms [1m]) by (app)' % app(run)),
        'a regex per minute': lambda run: metric(
            run, f'sum(count_over_time({{env="bench"}} |~ "handled in {run % 9 + 1}[0-9]{{4}} us" [1m]))'),
        'series': lambda run: ('/loki/api/v1/series', {'match[]': '{env="bench"}', **hour(run)}, lambda a: len(a['data']) > 0),
        'values of a label': lambda run: ('/loki/api/v1/label/app/values', hour(run), lambda a: len(a['data']) == len(apps)),
    }


def ask_by_turns(title, kinds, servers, runs):
    print(f'\n{title}: p50 / p99 of {runs}, ms')
    wrong = []
    for name, make in kinds.items():
        times = [[] for _ in servers]
        for run in range(-3, runs):  # the first ones open what is asked for
            for mine, (server, question) in zip(times, zip(servers, make)):
                path, params, right = question(run % 1000)
                begin = time.perf_counter()
                body = server.get(path, **params)
                took_ms = (time.perf_counter() - begin) * 1e3
                if run >= 0:
                    mine.append(took_ms)
                if not right(json.loads(body)):
                    wrong.append(f'{name}, run {run}')
        few, many = (median(mine) for mine in times)
        print(f'  {name:<42}' + '   '.join(f'{median(mine):8.2f} / {quantile(mine, 0.99):8.2f}' for mine in times) +
              f'   {many / few:5.2f}x', flush=True)
    return wrong


def days(directory, args):
    last = int(time.time() - 7200) // DAY * DAY - DAY
    servers, truth = [], None
    for name, count in (('few', 1), ('many', args.days)):
        os.makedirs(os.path.join(directory, name))
        server = Server(args.binary, os.path.join(directory, name), ['--memory.kept_results=0B', '--merge.quiet_after=5s'])
        truth = fill(server, args, [last - day * DAY for day in reversed(range(count))])
        servers.append(server)
    starts = [last, last - (args.days - 1) * DAY]
    both = [over_everything(truth, start, last + DAY) for start in starts]
    wrong = ask_by_turns(f'over everything: one day, {args.days} days', {name: [one[name] for one in both] for name in both[0]},
                         servers, args.runs)
    hour = of_an_hour(truth, last)
    wrong += ask_by_turns(f'one hour: one day stored, {args.days} days', {name: [hour[name]] * 2 for name in hour}, servers, args.runs)
    for server in servers:
        print(f'RSS {server.rss_bytes() / 1e6:.0f} MB, peak {server.peak_bytes / 1e6:.0f}')
        server.stop()
    return wrong
