# SPDX-License-Identifier: Apache-2.0
"""The questions of the bench.  Each run of one asks with another id, app or range, and each answer is checked against what
the generator says it sent."""
import json
import statistics
import subprocess
import time
import urllib.error

NS = 10**9
RANGE = '/loki/api/v1/query_range'


def total(answer):
    return sum(float(value[1]) for series in answer['data']['result'] for value in series['values'])


def lines(answer):
    return sum(len(stream['values']) for stream in answer['data']['result'])


def by_label(answer, label):
    sums = {}
    for series in answer['data']['result']:
        name = series['metric'].get(label, '')
        sums[name] = sums.get(name, 0) + sum(float(value[1]) for value in series['values'])
    return sums


class Questions:
    """`make(run)` gives path, parameters and a check of the answer: None when it is right, else what is wrong."""

    def __init__(self, truth, start, span, raw_file):
        self.truth, self.start, self.span = truth, start, span
        self.apps = sorted(truth['lines_by_app'])
        self.ids = sorted(truth['traces'].items())
        self.raw_file = raw_file
        self.counted = {}

    def bounds(self, run):
        # Each run looks over another range; all of them hold every line.
        return {'start': (self.start - 60 * (run % 7)) * NS, 'end': (self.start + self.span + 60 * (2 + run)) * NS}

    def metric(self, run, query, check, step='60s'):
        bounds = self.bounds(run)
        return RANGE, {'query': query, 'step': step, **bounds}, check

    def log(self, run, query, want, limit=100):
        def check(answer):
            return None if lines(answer) == want else f'{lines(answer)} lines, not {want}'
        return RANGE, {'query': query, 'limit': limit, **self.bounds(run)}, check

    def trace(self, trace_id, want):
        def check(answer):
            return None if len(answer['lines']) == want else f'{len(answer["lines"])} lines, not {want}'
        return f'/api/v1/traces/{trace_id}', {}, check

    def sums_to(self, want):
        def check(answer):
            return None if total(answer) == want else f'{total(answer)}, not {want}'
        return check

    def lines_matching(self, regex):
        """What rg counts in the raw file."""
        if regex not in self.counted:
            out = subprocess.run(['rg', '-c', regex, self.raw_file], capture_output=True, text=True, check=False).stdout
            self.counted[regex] = int(out or 0)
        return self.counted[regex]

    def all(self):
        truth, apps, ids = self.truth, self.apps, self.ids
        app = lambda run: apps[run * 7 % len(apps)]
        trace = lambda run: ids[run * 13 % len(ids)]
        lookup = '{env="bench"} |= "%s"'
        failed = '| json | __error__="" | http_status >= 500 [1m]'
        p99 = 'quantile_over_time(0.99, {%s} | json | __error__="" | unwrap took_ms [1m]) by (app)'
        points = lambda answer: None if total(answer) > 0 else 'no values'

        def volume_by_app(answer):
            sums = by_label(answer, 'app')
            return None if sums == {name: float(n) for name, n in truth['lines_by_app'].items()} else 'sums differ'

        def top_users(answer):
            return None if answer['data']['result'] else 'no values'

        def regex(run):
            digit = run % 9 + 1
            pattern = f'handled in {digit}[0-9]{{4}} us'
            return self.metric(run, f'sum(count_over_time({{env="bench"}} |~ "{pattern}" [1m]))',
                               self.sums_to(self.lines_matching(pattern)))
        return {
            'a trace, by /api/v1/traces': lambda run: self.trace(*trace(run)),
            'a trace id over everything': lambda run: self.log(run, lookup % trace(run)[0], min(100, trace(run)[1])),
            'an absent trace id': lambda run: self.log(run, lookup % f'{run:032x}', 0),
            'rare phrase, last 100': lambda run: self.log(run, lookup % truth['rare_phrase'], min(truth['rare'], 100)),
            'phrase per minute': lambda run: self.metric(
                run, 'sum(count_over_time({env="bench"} |= "%s" [1m]))' % truth['rare_phrase'], self.sums_to(truth['rare'])),
            'an absent word': lambda run: self.log(run, lookup % f'kraken{run}quake', 0),
            'an absent substring': lambda run: self.log(run, lookup % f'{run}::0?', 0),
            'a regex over everything, per minute': regex,
            'last 100 lines of an app': lambda run: self.log(run, '{app="%s"}' % app(run), 100),
            'last 100 errors of an app, | json': lambda run: self.log(
                run, '{app="%s"} | json | level="error"' % app(run), min(100, truth['failed_by_app'][app(run)])),
            '| json | http_status >= 500 per minute, one app': lambda run: self.metric(
                run, 'sum(count_over_time({app="%s"} %s))' % (app(run), failed), self.sums_to(truth['failed_by_app'][app(run)])),
            'the same over all apps': lambda run: self.metric(
                run, 'sum(count_over_time({env="bench"} %s))' % failed, self.sums_to(sum(truth['failed_by_app'].values()))),
            'volume by level per minute': lambda run: self.metric(
                run, 'sum by (level, detected_level) (count_over_time({env="bench"} | drop __error__ [1m]))',
                self.sums_to(truth['lines'])),
            'the same at 5 s': lambda run: self.metric(
                run, 'sum by (level, detected_level) (count_over_time({env="bench"} | drop __error__ [5s]))',
                self.sums_to(truth['lines']), '5s'),
            'volume by app per minute': lambda run: self.metric(
                run, 'sum by (app) (count_over_time({env="bench"} [1m]))', volume_by_app),
            'p99 of took_ms per minute, one app': lambda run: self.metric(run, p99 % f'app="{app(run)}"', points),
            'the same, all apps': lambda run: self.metric(run, p99 % 'env="bench"', points),
            'top 10 users by bytes, one app': lambda run: self.metric(
                run, 'topk(10, sum by (user) (sum_over_time({app="%s"} | json | __error__="" | unwrap bytes [1h])))' % app(run),
                top_users, '3600s'),
        }


def ask(server, make, runs):
    """Milliseconds sorted, what the last run touched, and the first wrong answer."""
    times, touched, wrong = [], {}, None
    for run in range(runs):
        path, params, check = make(run)
        begin = time.perf_counter()
        try:
            body = server.get(path, **params)
        except urllib.error.HTTPError as error:
            return times, touched, f'{error.code}: {error.read().decode(errors="replace").strip()}'
        times.append((time.perf_counter() - begin) * 1e3)
        answer = json.loads(body)
        wrong = wrong or check(answer)
        if 'data' not in answer:
            continue  # a trace's answer has no statistics
        stats = answer['data']['stats']
        touched = {'rows': stats['summary']['totalLinesProcessed'], **stats.get('cordwood', {})}
    return times, touched, wrong


def quantile(times, q):
    return sorted(times)[min(len(times) - 1, int(q * len(times)))] if times else float('nan')


def median(times):
    return statistics.median(times) if times else float('nan')
