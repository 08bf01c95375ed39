#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds README's bucket policy to what the server asks for: rights.py BINARY DIR

DIR is that of a running radosgw.sh.  A second user gets exactly the policy of README's storage page; with it a server must
take, publish (in parts), merge, give up an upload that another left unfinished, read after a start with an empty disk,
delete and back up.  Then each action is taken away in turn, and something of that must fail.
"""
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

from make_bucket import signed

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BINARY, DIR = sys.argv[1:]
PORT = os.environ.get('CORDWOOD_S3_PORT', '7480')
HOST, BUCKET, USER, KEY, SECRET = f'127.0.0.1:{PORT}', 'cordwood-test', 'limited', 'limitedkey', 'limitedsecret'
OWNER_KEY, OWNER_SECRET = 'cordwoodtest', 'cordwoodtestsecret'
NS = 10**9


def policy_of_readme():
    text = open(os.path.join(ROOT, 'README.md'), encoding='utf-8').read()
    found = re.search(r'^    (\{"Version": "2012-10-17".*?\]\})$', text, re.M | re.S)
    return json.loads(found.group(1))


# What else a client could ask for.
OTHERS = ['GetBucketLocation', 'GetBucketVersioning', 'ListAllMyBuckets', 'ListBucketVersions',
          'ListMultipartUploadParts', 'GetObjectAcl', 'GetObjectTagging', 'GetObjectVersion', 'PutObjectAcl', 'PutObjectTagging',
          'DeleteObjectVersion', 'RestoreObject']


def give(policy, missing):
    """The policy of an identity as that of the bucket, for the limited user alone.  Here objects belong to who made them,
    who may do everything with them: so what the policy does not name is forbidden."""
    others = ([missing] if missing else []) + [f's3:{name}' for name in OTHERS]
    for resource in ['arn:aws:s3:::my-logs', 'arn:aws:s3:::my-logs/*']:
        policy['Statement'].append({'Effect': 'Deny', 'Action': others, 'Resource': resource})
    for statement in policy['Statement']:
        statement['Principal'] = {'AWS': [f'arn:aws:iam:::user/{USER}']}
        statement['Resource'] = statement['Resource'].replace('my-logs', BUCKET)
    status, text = signed('PUT', HOST, f'/{BUCKET}', 'policy=', json.dumps(policy), OWNER_KEY, OWNER_SECRET)
    if status not in (200, 204):
        sys.exit(f'policy refused: {status} {text}')
    time.sleep(1)


class Server:
    def __init__(self, directory, *settings):
        with socket.socket() as s:
            s.bind(('127.0.0.1', 0))
            self.port = s.getsockname()[1]
        self.settings = ['--data-dir', os.path.join(directory, 'data'), '--storage=s3', '--storage_config.object_prefix=logs',
                         *(f'--storage_config.aws.{name}={value}' for name, value in {
                             'bucketnames': BUCKET, 'endpoint': f'http://{HOST}', 'access_key_id': KEY, 'secret_access_key': SECRET,
                             's3forcepathstyle': 'true', 'region': 'us-east-1', 'backoff_config.max_retries': '1'}.items()), *settings]
        self.log = open(os.path.join(directory, 'log'), 'a+', encoding='utf-8')
        self.process = subprocess.Popen([BINARY, 'serve', '--http-listen', f'127.0.0.1:{self.port}', *self.settings],
                                        stderr=self.log)

    def ask(self, method, path, body=None, **params):
        query = '?' + urllib.parse.urlencode(params) if params else ''
        request = urllib.request.Request(f'http://127.0.0.1:{self.port}{path}{query}', data=body, method=method,
                                         headers={'Content-Type': 'application/json'} if body else {})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read()

    def ready(self):
        for _ in range(400):
            try:
                if self.ask('GET', '/ready') == b'ready\n':
                    return True
            except (OSError, http.client.HTTPException):
                if self.process.poll() is not None:
                    return False
            time.sleep(0.05)
        return False

    def metric(self, name):
        found = re.findall(rf'^{name}(?:\{{[^}}]*\}})? (\S+)$', self.ask('GET', '/metrics').decode(), re.M)
        return sum(float(value) for value in found)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=120)
        self.log.close()


def until(what, seconds=20):
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def unfinished_uploads():
    status, text = signed('GET', HOST, f'/{BUCKET}', 'uploads=', '', OWNER_KEY, OWNER_SECRET)
    if status != 200:
        sys.exit(f'uploads not listed: {status} {text}')
    return re.findall(r'<Upload>.*?<Key>(.*?)</Key>.*?<UploadId>(.*?)</UploadId>', text, re.S)


def life(directory):
    """What fails first, or None."""
    settings = ['--merge.quiet_after=1s', '--store.s3_part_size=5MB', '--compactor.retention_enabled=true',
                '--compactor.delete_request_cancel_period=0s', '--store.ack=bucket', '--store.drain_timeout=2s',
                '--store.abandoned_upload_age=3s']
    # As a server that is killed leaves it.
    status, text = signed('POST', HOST, f'/{BUCKET}/logs/segments/node-1/left', 'uploads=', '', OWNER_KEY, OWNER_SECRET)
    if status != 200:
        sys.exit(f'no upload begun: {status} {text}')
    server = Server(directory, *settings)
    try:
        if not server.ready():
            return 'start'
        now = time.time_ns()
        for part in range(2):
            for push in range(8):
                # Random, so that a segment is uploaded in parts.
                values = [[str(now - (part * 8 + push) * 4000 - i), f'{"drop" if i % 2 else "keep"} {os.urandom(500).hex()}']
                          for i in range(1500)]
                try:
                    server.ask('POST', '/loki/api/v1/push', json.dumps({'streams': [{'stream': {'app': 'a'}, 'values': values}]}).encode())
                except urllib.error.HTTPError:
                    return 'push'
            try:
                server.ask('POST', '/flush')
            except urllib.error.HTTPError:
                return 'publish'
            if not until(lambda: server.metric('cordwood_segments_published_total') > part):
                return 'publish'
        if not until(lambda: server.metric('cordwood_merges_total') > 0):
            return 'merge'
        if not until(lambda: not unfinished_uploads()):
            return 'give up an unfinished upload'
        target = f's3://{BUCKET}/logs/backup'
        done = subprocess.run([BINARY, 'backup', target, *server.settings], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            return 'backup'
        server.stop()
        shutil.rmtree(os.path.join(directory, 'data'))
        server = Server(directory, *settings)
        if not server.ready():
            return 'start with an empty disk'
        bounds = {'start': now - 60 * NS, 'end': now + 60 * NS}

        def rows():
            answer = json.loads(server.ask('GET', '/loki/api/v1/query', query='count_over_time({app="a"} |~ "keep|drop" [2m])',
                                           time=now + 60 * NS))
            return int(answer['data']['result'][0]['value'][1])
        if rows() != 24000:
            return 'read'
        server.ask('POST', '/loki/api/v1/delete', query='{app="a"} |= "drop"', start=bounds['start'] // NS, end=now // NS + 1)
        if rows() != 12000 or not until(
                lambda: json.loads(server.ask('GET', '/loki/api/v1/delete'))[0]['status'] == 'processed', 60):
            return 'delete'
        return None
    finally:
        server.stop()


def clean(directory):
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(directory)
    env = {**os.environ, 'CEPH_CONF': f'{DIR}/ceph.conf'}
    for key, upload in unfinished_uploads():
        query = 'uploadId=' + urllib.parse.quote(upload, safe='-_.~')
        signed('DELETE', HOST, f'/{BUCKET}/{urllib.parse.quote(key)}', query, '', OWNER_KEY, OWNER_SECRET)
    for entry in json.loads(subprocess.run(['radosgw-admin', 'bucket', 'list', f'--bucket={BUCKET}', '--max-entries=100000'], env=env,
                                           capture_output=True, text=True, check=True).stdout):
        if entry['name'].startswith('logs/'):
            subprocess.run(['radosgw-admin', 'object', 'rm', f'--bucket={BUCKET}', f'--object={entry["name"]}'], env=env, check=True,
                           capture_output=True)


def main():
    subprocess.run(['radosgw-admin', 'user', 'create', f'--uid={USER}', f'--display-name={USER}', f'--access-key={KEY}',
                    f'--secret-key={SECRET}'], env={**os.environ, 'CEPH_CONF': f'{DIR}/ceph.conf'}, check=True, capture_output=True)
    directory = os.path.join(DIR, 'rights')
    actions = [a for s in policy_of_readme()['Statement'] for a in s['Action']]
    wrong = 0
    for missing in [None, *actions]:
        policy = policy_of_readme()
        for statement in policy['Statement']:
            statement['Action'] = [a for a in statement['Action'] if a != missing]
        policy['Statement'] = [s for s in policy['Statement'] if s['Action']]
        clean(directory)
        give(policy, missing)
        failed = life(directory)
        said = '' if failed is None else [line for line in open(os.path.join(directory, 'log'), encoding='utf-8') if 'error' in line]
        print(f'without {missing}: {failed or "all works"}' if missing else f'the policy of README: {failed or "all works"}', flush=True)
        if said and missing is None:
            print('   ', said[-1].strip()[:400])
        wrong += (failed is not None) == (missing is None)
    sys.exit(1 if wrong else 0)


main()
