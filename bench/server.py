# SPDX-License-Identifier: Apache-2.0
"""A server in a directory of its own, watched from outside."""
import glob
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request

TICKS = os.sysconf('SC_CLK_TCK')


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


class Server:
    started_here = []

    def __init__(self, binary, directory, settings=()):
        self.port = free_port()
        self.url = f'http://127.0.0.1:{self.port}'
        self.directory = directory
        self.log = open(os.path.join(directory, 'server.log'), 'a')
        self.process = subprocess.Popen(
            [binary, 'serve', '--data-dir', os.path.join(directory, 'data'),
             '--http-listen', f'127.0.0.1:{self.port}', *settings], stderr=self.log)
        Server.started_here.append(self.process)
        self.peak_bytes = 0
        self.stopping = False
        self.started = time.monotonic()
        self.wait_ready()
        threading.Thread(target=self.watch_memory, daemon=True).start()

    def wait_ready(self):
        while True:
            try:
                if self.get('/ready') == b'ready\n':
                    self.ready_s = time.monotonic() - self.started
                    return
            except OSError:
                if self.process.poll() is not None:
                    sys.exit(f'the server ended: see {self.log.name}')
                time.sleep(0.02)

    def get(self, path, **params):
        query = '?' + urllib.parse.urlencode(params) if params else ''
        with urllib.request.urlopen(self.url + path + query, timeout=120) as answer:
            return answer.read()

    def post(self, path):
        with urllib.request.urlopen(urllib.request.Request(self.url + path, data=b'', method='POST'), timeout=600) as a:
            return a.read()

    def cpu_s(self):
        fields = open(f'/proc/{self.process.pid}/stat').read().rsplit(')', 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def rss_bytes(self):
        for line in open(f'/proc/{self.process.pid}/status'):
            if line.startswith('VmRSS'):
                return int(line.split()[1]) * 1024
        return 0

    def watch_memory(self):
        while not self.stopping:
            try:
                self.peak_bytes = max(self.peak_bytes, self.rss_bytes())
            except OSError:
                return
            time.sleep(0.02)

    def wait_idle(self):
        last, quiet = self.cpu_s(), 0
        while quiet < 4:
            time.sleep(0.25)
            now = self.cpu_s()
            quiet = quiet + 1 if now - last < 0.02 else 0
            last = now

    def wait_merged(self, quiet_s=60):
        """Until neither merges nor segments have changed for so long; merging begins once nothing has come for the quiet time."""
        quiet_since, last = time.monotonic(), None
        while time.monotonic() - quiet_since < quiet_s:
            self.wait_idle()
            now = self.total('cordwood_merges_total'), self.metric('cordwood_segments')
            if now != last:
                quiet_since, last = time.monotonic(), now
            time.sleep(1)

    def metric(self, name):
        for line in self.get('/metrics').decode().splitlines():
            if line.startswith(name + ' '):
                return float(line.split()[-1])
        return float('nan')

    def total(self, name):
        """All series of a metric together."""
        pattern = re.compile(rf'^{name}(?:\{{[^}}]*\}})? (\S+)$', re.M)
        return sum(float(value) for value in pattern.findall(self.get('/metrics').decode()))

    def stop(self):
        self.stopping = True
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=120)


def disk_by_kind(data):
    """Bytes of everything in a data directory, by its first folder or file."""
    sizes = {}
    for path in glob.glob(data + '/**/*', recursive=True):
        if os.path.isfile(path):
            kind = os.path.relpath(path, data).split(os.sep)
            kind = '/'.join(kind[:2]) if kind[0] == 'objects' else kind[0]
            sizes[kind] = sizes.get(kind, 0) + os.path.getsize(path)
    return sizes
