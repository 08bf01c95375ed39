# SPDX-License-Identifier: Apache-2.0
"""What many small tenants cost in objects and requests: `bench/bucket tenants`."""
import http.client
import json
import random
import threading
import time

from gateway import between, requests
from server import Server

NS = 10**9
SENDERS = 25
WORDS = ['cart', 'paid', 'login', 'retry', 'timeout', 'stock', 'parcel', 'queue', 'worker', 'cache']


def options(parser):
    parser.add_argument('--tenants', type=int, default=1000)
    parser.add_argument('--minutes', type=float, default=60)
    parser.add_argument('--lines', type=float, default=3, help='of a tenant in a minute, each a push of its own')
    parser.add_argument('--ack', default='disk', choices=['disk', 'bucket'])


class Sender(threading.Thread):
    """Every so-manieth tenant sends a line when its turn comes."""

    def __init__(self, server, number, of, args, until):
        super().__init__(daemon=True)
        self.server, self.number, self.of, self.args, self.until = server, number, of, args, until
        self.random = random.Random(number)
        self.lines, self.raw, self.late_s, self.refused, self.by_tenant = 0, 0, 0.0, 0, {}

    def line(self, tenant):
        r = self.random
        return json.dumps({'level': r.choice(['info', 'info', 'info', 'warn', 'error']), 'tenant': tenant,
                           'msg': f'{r.choice(WORDS)} {r.choice(WORDS)} {r.randrange(10**6)}', 'status': r.choice([200, 404, 500]),
                           'trace_id': f'{r.getrandbits(128):032x}', 'took_ms': round(r.expovariate(0.04), 3),
                           'user': f'u{r.randrange(5000)}', 'path': f'/v1/{r.choice(WORDS)}/{r.randrange(1000)}'})

    def run(self):
        connection = http.client.HTTPConnection('127.0.0.1', self.server.port, timeout=60)
        mine = range(self.number, self.args.tenants, self.of)
        every, due = 60 / self.args.lines / len(mine), time.time()
        while True:
            for tenant in mine:
                due += every * self.random.uniform(0.5, 1.5)
                if due > self.until:
                    return
                time.sleep(max(0, due - time.time()))
                self.late_s = max(self.late_s, time.time() - due)
                line = self.line(tenant)
                body = json.dumps({'streams': [{'stream': {'app': f'a{self.random.randrange(3)}', 'env': 'prod'},
                                                'values': [[str(time.time_ns()), line]]}]})
                connection.request('POST', '/loki/api/v1/push', body,
                                   {'Content-Type': 'application/json', 'X-Scope-OrgID': f't{tenant}'})
                answer = connection.getresponse()
                answer.read()
                self.refused += answer.status != 204
                if answer.status == 204:
                    self.lines, self.raw = self.lines + 1, self.raw + len(line)
                    self.by_tenant[tenant] = self.by_tenant.get(tenant, 0) + 1


def kinds(gateway):
    """Objects of the bucket by their first folder."""
    found = {}
    for entry in gateway.admin('bucket', 'list', f'--bucket={gateway.at["BUCKET"]}', '--max-entries=1000000'):
        kind = entry['name'].split('/')[0]
        found[kind] = found.get(kind, 0) + 1
    return found


def count(server, tenant, begin):
    connection = http.client.HTTPConnection('127.0.0.1', server.port, timeout=60)
    connection.request('GET', f'/loki/api/v1/query?query=sum(count_over_time(%7Benv%3D%22prod%22%7D%5B'
                       f'{int(time.time() - begin) + 60}s%5D))', headers={'X-Scope-OrgID': f't{tenant}'})
    result = json.loads(connection.getresponse().read())['data']['result']
    return int(result[0]['value'][1]) if result else 0


def tenants(gateway, directory, args):
    server = Server(args.binary, directory, [*gateway.settings(), '--auth_enabled=true', f'--store.ack={args.ack}'])
    before, begin, cpu = requests(server), time.time(), server.cpu_s()
    senders = [Sender(server, n, SENDERS, args, begin + args.minutes * 60) for n in range(SENDERS)]
    print(f'{args.tenants} tenants, {args.lines} lines a minute each, {args.minutes} minutes, store.ack: {args.ack}')
    for sender in senders:
        sender.start()
    while any(sender.is_alive() for sender in senders):
        time.sleep(min(600, args.minutes * 15))
        print(f'  after {(time.time() - begin) / 60:5.1f} min: {server.total("cordwood_segments_published_total"):.0f} segments '
              f'published, {server.total("cordwood_merges_total"):.0f} merges, {server.metric("cordwood_segments"):.0f} segments '
              f'now; {between(before, requests(server))}', flush=True)
    hours, cpu = (time.time() - begin) / 3600, server.cpu_s() - cpu
    sent, raw = between(before, requests(server)), sum(sender.raw for sender in senders)
    lines, refused = sum(sender.lines for sender in senders), sum(sender.refused for sender in senders)
    print(f'{lines} lines in as many pushes, {raw / 1e6:.1f} MB raw; refused {refused}; late by {max(s.late_s for s in senders):.1f} '
          f's at most; server CPU {cpu:.0f} s; RSS peak {server.peak_bytes / 1e6:.0f} MB')
    for op, number in sent.items():
        print(f'  {op:<12}{number:>8}   {number / hours:10.1f} an hour   {number / raw * 1e9:12.0f} a GB raw')
    print(f'  all         {sum(sent.values()):>8}   {sum(sent.values()) / hours:10.1f} an hour   {sum(sent.values()) / raw * 1e9:12.0f} '
          f'a GB raw')
    print(f'  objects in the bucket: {kinds(gateway)}, {gateway.objects()[1] / 1e6:.2f} MB; segments published '
          f'{server.total("cordwood_segments_published_total"):.0f}')
    wrong = []
    for tenant in range(0, args.tenants, max(1, args.tenants // 50)):
        want = sum(sender.by_tenant.get(tenant, 0) for sender in senders)
        if (got := count(server, tenant, begin)) != want:
            wrong.append(f'tenant {tenant}: {got} lines, not {want}')
    server.stop()
    return wrong
