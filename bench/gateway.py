# SPDX-License-Identifier: Apache-2.0
"""Ceph's S3 gateway (tests/s3/radosgw.sh, as root) as a server's home, and what a server asks of it."""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SCRIPT = os.path.join(ROOT, 'tests/s3/radosgw.sh')


class Gateway:
    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix='cordwood-radosgw-')
        done = subprocess.run([SCRIPT, 'start', self.directory], stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            self.stop()
            sys.exit('the gateway did not start')
        self.at = dict(re.findall(r'CORDWOOD_S3_(\w+)=(\S+)', done.stdout))

    def settings(self):
        """Of a server whose home it is."""
        aws = {'bucketnames': self.at['BUCKET'], 'endpoint': self.at['ENDPOINT'], 'region': 'us-east-1',
               'access_key_id': self.at['KEY'], 'secret_access_key': self.at['SECRET'], 's3forcepathstyle': 'true'}
        return ['--storage=s3', *(f'--storage_config.aws.{name}={value}' for name, value in aws.items())]

    def admin(self, *arguments):
        done = subprocess.run(['radosgw-admin', *arguments], capture_output=True, text=True, check=True,
                              env={**os.environ, 'CEPH_CONF': f'{self.directory}/ceph.conf'})
        return json.loads(done.stdout)

    def objects(self):
        """How many objects the bucket has, and their bytes."""
        usage = self.admin('bucket', 'stats', f'--bucket={self.at["BUCKET"]}')['usage'].get('rgw.main', {})
        return usage.get('num_objects', 0), usage.get('size_actual', 0)

    def process(self):
        """The gateway's own; the monitor, the manager and the store behind it go on."""
        return int(open(f'{self.directory}/pids').read().split()[-1])

    def freeze(self):
        os.kill(self.process(), signal.SIGSTOP)

    def thaw(self):
        os.kill(self.process(), signal.SIGCONT)

    def stop(self):
        subprocess.run([SCRIPT, 'stop', self.directory], check=False)
        shutil.rmtree(self.directory, ignore_errors=True)


def requests(server):
    """Requests that the server has sent to the bucket, by operation and answer."""
    found = re.findall(r'^cordwood_s3_requests_total\{([^}]*)\} (\S+)', server.get('/metrics').decode(), re.M)
    out = {}
    for labels, value in found:
        of = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        out[of['op'], of['code']] = int(float(value))
    return out


def between(before, after):
    """What came in between, by operation."""
    out = {}
    for (op, code), count in after.items():
        more = count - before.get((op, code), 0)
        if more:
            name = op if code.startswith('2') else f'{op} ({code})'
            out[name] = out.get(name, 0) + more
    return dict(sorted(out.items()))
