# SPDX-License-Identifier: Apache-2.0
"""How long a server with an empty disk takes until it is ready, the bucket full: `bench/bucket recovery`."""
import os
import shutil
import subprocess
import sys
import time

from server import Server

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUCKET = os.path.join(ROOT, 'build/bench/recovery_bench')


def options(parser):
    parser.add_argument('--segments', type=int, default=10_000)
    parser.add_argument('--latency', type=int, default=20, help='ms that each answer of the bucket waits')
    parser.add_argument('--days', type=int, default=30)
    parser.add_argument('--streams', type=int, default=200, help='of a day')
    parser.add_argument('--tenants', type=int, default=160)
    parser.add_argument('--starts', type=int, default=3)


class Double:
    """The tests' bucket in a process of its own."""

    def __init__(self, args):
        numbers = [args.segments, args.latency, args.days, args.streams, args.tenants]
        self.process = subprocess.Popen([BUCKET, 'serve', *map(str, numbers)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        for line in self.process.stdout:
            if line.startswith('bucket '):
                self.at = line.split()[1:]
                return
            print(line, end='')
        sys.exit('the bucket did not start')

    def settings(self):
        endpoint, bucket, prefix, region, key, secret, node = self.at
        aws = {'bucketnames': bucket, 'endpoint': endpoint, 'region': region, 'access_key_id': key,
               'secret_access_key': secret, 's3forcepathstyle': 'true'}
        return ['--storage=s3', f'--storage_config.object_prefix={prefix}', f'--store.node={node}', '--merge.enabled=false',
                *(f'--storage_config.aws.{name}={value}' for name, value in aws.items())]

    def requests(self):
        """By kind, since it was asked before."""
        self.process.stdin.write('\n')
        self.process.stdin.flush()
        words = self.process.stdout.readline().split()
        return dict(zip(words[::2], map(int, words[1::2])))

    def stop(self):
        self.process.stdin.close()
        self.process.wait(timeout=60)


def recovery(directory, args):
    begin = time.monotonic()
    double = Double(args)
    print(f'the bucket is full after {time.monotonic() - begin:.0f} s; each answer waits {args.latency} ms', flush=True)
    wrong = []
    for _ in range(args.starts):
        shutil.rmtree(os.path.join(directory, 'data'), ignore_errors=True)
        double.requests()
        server = Server(args.binary, directory, double.settings())
        ready, cpu, sent = server.ready_s, server.cpu_s(), double.requests()
        segments = server.metric('cordwood_segments')
        print(f'ready after {ready:.2f} s and {cpu:.1f} s of CPU, {segments:.0f} segments, RSS {server.rss_bytes() / 1e6:.0f} MB, '
              f'requests {sent}', flush=True)
        if segments != args.segments or sent.get('get', 0) > args.segments + 20:
            wrong.append(f'{segments:.0f} segments by {sent}')
        if ready > 10:
            wrong.append(f'ready after {ready:.2f} s')
        server.stop()
        server = Server(args.binary, directory, double.settings())
        print(f'  once more, the disk full: ready after {server.ready_s:.2f} s, requests {double.requests()}', flush=True)
        server.stop()
    double.stop()
    return wrong
