# SPDX-License-Identifier: Apache-2.0
"""The bucket is gone for a while under load: `bench/bucket outage`."""
import http.client
import json
import os
import random
import shutil
import threading
import time
import urllib.error

from gateway import between, requests
from queries import median, quantile
from server import Server

NS = 10**9


def options(parser):
    parser.add_argument('--seconds', type=int, default=600, help='that the gateway stands still')
    parser.add_argument('--before', type=int, default=45, help='seconds of load before that')
    parser.add_argument('--mb', type=float, default=5, help='pushed a second')
    parser.add_argument('--pending', default='10GB', help='store.local_pending_bytes')
    parser.add_argument('--generation-size', default='64MB', help='so that some are published before')


class Clock:
    """Which part of the run it is."""

    def __init__(self):
        self.part = 'before'


class Writer(threading.Thread):
    """One stream of numbered lines; a batch is sent again until it is acknowledged."""
    BATCH = 1000

    def __init__(self, server, number, of, args, clock):
        super().__init__(daemon=True)
        self.server, self.number, self.clock, self.stopping = server, number, clock, False
        self.random = random.Random(number)
        self.next_line, self.acknowledged, self.raw = 0, {}, 0  # lines by ten seconds of their time
        self.ok, self.refused, self.times, self.waits, self.broken = {}, {}, {}, set(), {}
        self.every = of * self.BATCH * 300 / (args.mb * 1e6)

    def batch(self):
        r, values = self.random, []
        for _ in range(self.BATCH):
            line = (f'{{"n":{self.next_line},"level":"{r.choice(("info", "warn", "error"))}","msg":"step {r.randrange(10**7)} of job '
                    f'{r.randrange(10**5)} took {r.randrange(10**6)} us","trace_id":"{r.getrandbits(128):032x}","user":"u'
                    f'{r.randrange(10**5)}","path":"/v1/items/{r.randrange(10**6)}/lines","status":{r.choice((200, 404, 500))},"bytes":'
                    f'{r.randrange(10**5)},"host":"h{r.randrange(40)}","agent":"bench/1.0 (a line of about three hundred bytes)"}}')
            values.append([str(time.time_ns()), line])
            self.next_line += 1
            self.raw += len(line)
        return values

    def run(self):
        due = time.time()
        while not self.stopping:
            due = max(due + self.every, time.time() - 5)  # what was late is not all made good at once
            time.sleep(max(0, due - time.time()))
            values = self.batch()
            self.push(values)
            for at, _ in values:
                key = int(at) // NS // 10
                self.acknowledged[key] = self.acknowledged.get(key, 0) + 1

    def push(self, values):
        body = json.dumps({'streams': [{'stream': {'app': 'outage', 'writer': str(self.number)}, 'values': values}]})
        while True:
            part, begin = self.clock.part, time.perf_counter()
            try:
                connection = http.client.HTTPConnection('127.0.0.1', self.server.port, timeout=60)
                connection.request('POST', '/loki/api/v1/push', body, {'Content-Type': 'application/json'})
                answer = connection.getresponse()
                text = answer.read()
            except OSError as error:
                self.broken[part] = self.broken.get(part, 0) + 1
                print('push: ', error)
                time.sleep(1)
                continue
            self.times.setdefault(part, []).append((time.perf_counter() - begin) * 1e3)
            if answer.status == 204:
                self.ok[part] = self.ok.get(part, 0) + 1
                return
            self.refused[part] = self.refused.get(part, 0) + 1
            self.waits.add((answer.status, answer.getheader('Retry-After'), text[:100]))
            time.sleep(min(float(answer.getheader('Retry-After') or 1), 2))


class Asker(threading.Thread):
    """Two questions each second."""

    def __init__(self, server, clock):
        super().__init__(daemon=True)
        self.server, self.clock, self.stopping, self.times, self.bad = server, clock, False, {}, {}

    def run(self):
        turn = 0
        while not self.stopping:
            now = time.time_ns()
            for name, path, params in [
                    ('last 100', '/loki/api/v1/query_range', {'query': '{app="outage"} |= "error"', 'limit': 100,
                                                              'start': now - 3600 * NS, 'end': now}),
                    ('count of an hour', '/loki/api/v1/query', {'query': f'sum(count_over_time({{app="outage", writer="{turn % 2}"}}[1h]))',
                                                                'time': now})]:
                part, begin = self.clock.part, time.perf_counter()
                try:
                    json.loads(self.server.get(path, **params))
                    self.times.setdefault((name, part), []).append((time.perf_counter() - begin) * 1e3)
                except (OSError, urllib.error.HTTPError) as error:
                    self.bad.setdefault((name, part), []).append(str(error))
            turn += 1
            time.sleep(1)


def state(server, since):
    return (f'  {time.time() - since:6.0f} s  pending {server.metric("cordwood_local_pending_bytes") / 1e6:8.1f} MB, generations '
            f'{server.metric("cordwood_pending_generations"):.0f}, WAL {server.metric("cordwood_wal_bytes") / 1e6:8.1f} MB, RSS '
            f'{server.rss_bytes() / 1e6:5.0f} MB, breaker {server.metric("cordwood_s3_breaker_open"):.0f}')


def watch(server, seconds, since):
    end = time.time() + seconds
    while time.time() < end:
        time.sleep(min(max(5, seconds / 10), max(0, end - time.time())))
        print(state(server, since), flush=True)


def lines_there(server, writer, first, last):
    """Lines by ten seconds of their time, as the server counts them."""
    out = {}
    for begin in range(first - 1, last + 1, 300):
        end = min(begin + 300, last + 1)
        answer = json.loads(server.get('/loki/api/v1/query_range', query=f'sum(count_over_time({{writer="{writer}"}}[10s]))',
                                       start=(begin + 1) * 10 * NS, end=end * 10 * NS, step='10s'))
        for series in answer['data']['result']:
            for at, value in series['values']:
                out[int(at) // 10 - 1] = int(value)
    return out


def outage(gateway, directory, args):
    server = Server(args.binary, directory, [*gateway.settings(), f'--store.local_pending_bytes={args.pending}',
                                             f'--store.generation_size={args.generation_size}', '--merge.quiet_after=20s'])
    clock, since = Clock(), time.time()
    writers = [Writer(server, n, 2, args, clock) for n in range(2)]
    asker = Asker(server, clock)
    for thread in [*writers, asker]:
        thread.start()
    print(f'{args.mb} MB/s pushed by {len(writers)}, store.local_pending_bytes {args.pending}')
    watch(server, args.before, since)
    asked = requests(server)
    gateway.freeze()
    clock.part = 'away'
    print('the gateway stands still')
    watch(server, args.seconds, since)
    waiting = server.metric('cordwood_local_pending_bytes')
    print(f'the gateway goes on; it was asked {between(asked, requests(server))}')
    clock.part, thawed = 'after', time.time()
    gateway.thaw()
    # Drained when no more waits than what has come in since the last generation began.
    while server.metric('cordwood_pending_generations') > 0:
        if int(time.time() - thawed) % 10 == 0:
            print(state(server, since), flush=True)
        time.sleep(1)
        if time.time() - thawed > 900:
            break
    drained_s = time.time() - thawed
    print(f'{waiting / 1e6:.0f} MB waited; no generation waits {drained_s:.0f} s later, while the load went on')
    watch(server, 15, since)
    for thread in [*writers, asker]:
        thread.stopping = True
    for thread in [*writers, asker]:
        thread.join()
    wrong = []
    for part in ['before', 'away', 'after']:
        times = [t for w in writers for t in w.times.get(part, [])]
        print(f'  {part:<7} pushes accepted {sum(w.ok.get(part, 0) for w in writers)}, refused '
              f'{sum(w.refused.get(part, 0) for w in writers)}, p50 {median(times):.1f} p99 {quantile(times, 0.99):.1f} max '
              f'{max(times, default=0):.0f} ms')
        for name in ['last 100', 'count of an hour']:
            took, bad = asker.times.get((name, part), []), asker.bad.get((name, part), [])
            print(f'  {part:<7} {name}: answered {len(took)}, not {len(bad)}, p50 {median(took):.1f} p99 {quantile(took, 0.99):.1f} ms',
                  *sorted(set(bad))[:3])
    print(f'  refusals: {sorted(set().union(*(w.waits for w in writers)), key=str)}; peak RSS {server.peak_bytes / 1e6:.0f} MB')
    for again in [False, True]:
        for writer in writers:
            times = sorted(writer.acknowledged)
            there = lines_there(server, writer.number, times[0], times[-1])
            if there != writer.acknowledged:
                differing = {t: (there.get(t, 0), writer.acknowledged.get(t, 0)) for t in {*there, *writer.acknowledged}
                             if there.get(t, 0) != writer.acknowledged.get(t, 0)}
                wrong.append(f'writer {writer.number}: {sum(there.values())} lines, not {sum(writer.acknowledged.values())}: '
                             f'{sorted(differing.items())[:5]}')
        print(f'{sum(sum(w.acknowledged.values()) for w in writers)} lines acknowledged, {sum(w.raw for w in writers) / 1e6:.0f} MB raw; all '
              f'{"are" if not wrong else "are NOT"} there, each once{", after a start with an empty disk too" if again else ""}', flush=True)
        if again:
            break
        server.stop()
        shutil.rmtree(os.path.join(directory, 'data'))
        server = Server(args.binary, directory, gateway.settings())
    server.stop()
    return wrong
