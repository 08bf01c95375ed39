# SPDX-License-Identifier: Apache-2.0
"""A dashboard of twenty panels over the generated logs, and users who look at it as Grafana does: every panel of a refresh is
asked for at once, over connections that stay open, with the parameters and headers of Grafana's data source."""
import http.client
import random
import threading
import time
import urllib.parse

NS = 10**9
PLUGIN = {'X-Loki-Response-Encoding-Flags': 'categorize-labels', 'Accept-Encoding': 'gzip'}
BROWSER = {'Accept-Encoding': 'gzip'}
# An hour in panels about 500 points wide: 7.2 s, which Grafana rounds to 5 s.
STEP_S = 5
API = '/loki/api/v1/'


def logs(name, query, limit=1000):
    return name, lambda app, start, end: (
        'query_range', {'query': query.replace('$app', app), 'direction': 'backward', 'start': start, 'end': end,
                        'step': f'{STEP_S * 1000}ms', 'limit': limit}, PLUGIN)


def graph(name, query):
    text = query.replace('$__auto', f'{STEP_S}s')
    return name, lambda app, start, end: (
        'query_range', {'query': text.replace('$app', app), 'direction': 'backward', 'start': start, 'end': end,
                        'step': f'{STEP_S * 1000}ms'}, PLUGIN)


def stat(name, query):
    return name, lambda app, start, end: (
        'query', {'query': query.replace('$app', app), 'direction': 'backward', 'time': end}, PLUGIN)


def resource(name, path, **params):
    return name, lambda app, start, end: (
        path, {**{key: value.replace('$app', app) for key, value in params.items()}, 'start': start, 'end': end}, BROWSER)


PANELS = dict([
    logs('logs of an app', '{app="$app"}'),
    logs('errors of an app, | json', '{app="$app"} | json | level="error"'),
    logs('lines with a phrase', '{app="$app"} |= "upstream gave up"'),
    logs('slow requests, | logfmt', '{app="$app"} | logfmt | status >= 500', 100),
    graph('volume by level, app', 'sum by (level, detected_level) (count_over_time({app="$app"} | drop __error__[$__auto]))'),
    graph('volume by level, all', 'sum by (level, detected_level) (count_over_time({env="bench"} | drop __error__[$__auto]))'),
    graph('lines per minute', 'sum(count_over_time({app="$app"}[1m]))'),
    graph('bytes by app', 'sum by (app) (bytes_rate({env="bench"}[$__auto]))'),
    graph('rate by status, | json', 'sum by (http_status) (rate({app="$app"} | json | __error__="" [$__auto]))'),
    graph('failures, | json', 'sum(count_over_time({app="$app"} | json | http_status >= 500 [$__auto]))'),
    graph('p99 of took_ms', 'quantile_over_time(0.99, {app="$app"} | json | __error__="" | unwrap took_ms [$__auto]) by (app)'),
    graph('mean of took_ms by method',
          'avg_over_time({app="$app"} | json | __error__="" | unwrap took_ms [$__auto]) by (http_method)'),
    graph('lines with a word, per app', 'sum by (app) (count_over_time({env="bench"} |= "breaker" [$__auto]))'),
    stat('top users of an app', 'topk(10, sum by (user) (count_over_time({app="$app"} | json | __error__="" [1h])))'),
    stat('errors in the last hour', 'sum(count_over_time({app="$app"} | json | level="error" [1h]))'),
    stat('busiest apps', 'topk(5, sum by (app) (count_over_time({env="bench"}[1h])))'),
    resource('labels', 'labels'),
    resource('values of app', 'label/app/values'),
    resource('series of an app', 'series', **{'match[]': '{app="$app"}'}),
    resource('volume by app', 'index/volume', query='{env="bench"}', targetLabels='app'),
])
assert len(PANELS) == 20


class Client:
    """One connection that stays open; `call` gives status and milliseconds."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection('127.0.0.1', port, timeout=120)

    def call(self, path, params, headers):
        begin = time.perf_counter()
        self.connection.request('GET', API + path + '?' + urllib.parse.urlencode(params), headers=headers)
        answer = self.connection.getresponse()
        body = answer.read()
        return answer.status, (time.perf_counter() - begin) * 1e3, body


class User:
    """Refreshes the dashboard until told to stop, each time with an own app or, every other time, with the common one."""

    def __init__(self, port, apps, number, refresh_s, results):
        self.port, self.apps, self.refresh_s, self.results = port, apps, refresh_s, results
        self.dice = random.Random(number)
        self.stopping = threading.Event()
        self.go = threading.Barrier(len(PANELS) + 1)
        self.app, self.end = apps[0], 0
        self.threads = [threading.Thread(target=self.panel, args=(name,), daemon=True) for name in PANELS]
        self.threads.append(threading.Thread(target=self.refresh, daemon=True))
        for thread in self.threads:
            thread.start()

    def refresh(self):
        due = time.monotonic() + self.dice.random() * self.refresh_s
        while not self.stopping.wait(max(0, due - time.monotonic())):
            self.app = self.dice.choice(self.apps) if self.dice.random() < 0.5 else self.apps[0]
            self.end = time.time_ns() // 10**6 * 10**6  # Grafana's times are of milliseconds
            self.go.wait()
            self.go.wait()
            due += self.refresh_s
        self.go.abort()

    def panel(self, name):
        client = Client(self.port)
        while True:
            try:
                self.go.wait()
                path, params, headers = PANELS[name](self.app, self.end - 3600 * NS, self.end)
                status, took_ms, body = client.call(path, params, headers)
                self.results.append((name, status, took_ms, len(body), body[:200] if status != 200 else b''))
                self.go.wait()
            except threading.BrokenBarrierError:
                return
            except OSError as error:
                self.results.append((name, 0, float('nan'), 0, str(error).encode()))
                client = Client(self.port)

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(timeout=130)
