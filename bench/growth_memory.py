# SPDX-License-Identifier: Apache-2.0
"""What streams and tenants take of memory: `bench/growth streams` and `bench/growth tenants`."""
import http.client
import json
import os
import time

from queries import NS
from server import Server

LINES = 4  # of a stream


def options_of_streams(parser):
    parser.add_argument('--streams', type=int, default=100_000)


def options_of_tenants(parser):
    parser.add_argument('--tenants', type=int, default=10_000)


def line(number):
    return json.dumps({'level': 'info', 'msg': f'request {number} served', 'status': 200, 'took_ms': number % 977})


def push(connection, streams, tenant=None):
    headers = {'Content-Type': 'application/json', **({'X-Scope-OrgID': tenant} if tenant else {})}
    connection.request('POST', '/loki/api/v1/push', json.dumps({'streams': streams}), headers)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 204:
        raise SystemExit(f'{answer.status}: {body.decode(errors="replace")}')


def stream(number, at_ns):
    labels = {'app': f'app-{number % 40}', 'namespace': f'team-{number % 200}', 'env': 'production', 'cluster': 'eu-west-1a',
              'pod': f'app-{number % 40}-{number * 2654435761 % 2**32:08x}-{number:06d}', 'container': 'main'}
    return {'stream': labels, 'values': [[str(at_ns + i), line(number + i)] for i in range(LINES)]}


def files_open(server):
    return len(os.listdir(f'/proc/{server.process.pid}/fd'))


class Watched:
    """A server whose memory is told against what it was when it was empty."""

    def __init__(self, directory, args, settings):
        self.make = lambda: Server(args.binary, directory, settings)
        self.server = self.make()
        time.sleep(3)
        self.empty_bytes, self.empty_files = self.server.rss_bytes(), files_open(self.server)
        print(f'empty: RSS {self.empty_bytes / 1e6:.1f} MB, {self.empty_files} files open')

    def tell(self, when, count, what):
        self.server.wait_idle()
        time.sleep(35)  # what little is free is given back after half a minute
        more = self.server.rss_bytes() - self.empty_bytes
        print(f'{when:<24} RSS {self.server.rss_bytes() / 1e6:7.1f} MB, {more / count:7.0f} bytes a {what}; '
              f'{files_open(self.server) - self.empty_files} files more open', flush=True)

    def lives(self, count, what):
        """Tells it as they came, published, and started again."""
        self.tell('as they came', count, what)
        self.server.post('/flush')
        self.tell('published, idle', count, what)
        self.server.stop()
        self.server = self.make()
        self.tell(f'started again ({self.server.ready_s:.1f} s)', count, what)


def streams(directory, args):
    watched = Watched(directory, args, ['--limits_config.max_global_streams_per_user=0', '--memory.kept_results=0B'])
    connection = http.client.HTTPConnection('127.0.0.1', watched.server.port, timeout=120)
    now = int(time.time() - 60) * NS
    for first in range(0, args.streams, 500):
        push(connection, [stream(number, now) for number in range(first, min(first + 500, args.streams))])
    watched.lives(args.streams, 'stream')
    return count_lines(watched.server, args.streams * LINES)


def count_lines(server, want, tenant=None):
    headers = {'X-Scope-OrgID': tenant} if tenant else {}
    connection = http.client.HTTPConnection('127.0.0.1', server.port, timeout=120)
    connection.request('GET', '/loki/api/v1/query?query=sum(count_over_time(%7Benv%3D%22production%22%7D%5B1h%5D))', headers=headers)
    result = json.loads(connection.getresponse().read())['data']['result']
    got = int(result[0]['value'][1]) if result else 0
    return [] if got == want else [f'{got} lines, not {want}' + (f' of {tenant}' if tenant else '')]


def tenants(directory, args):
    watched = Watched(directory, args, ['--auth_enabled=true', '--memory.kept_results=0B'])
    connection = http.client.HTTPConnection('127.0.0.1', watched.server.port, timeout=120)
    now = int(time.time() - 60) * NS
    for number in range(args.tenants):
        push(connection, [stream(number, now)], f'tenant-{number}')
    watched.lives(args.tenants, 'tenant')
    wrong = []
    for number in range(0, args.tenants, max(1, args.tenants // 50)):
        wrong += count_lines(watched.server, LINES, f'tenant-{number}')
    return wrong
