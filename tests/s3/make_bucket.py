#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Creates a bucket, waiting for its server to come up: make_bucket.py HOST:PORT BUCKET KEY SECRET"""
import hashlib
import hmac
import http.client
import sys
import time


def keyed(by, text):
    return hmac.new(by, text.encode(), hashlib.sha256).digest()


def signed(method, host, path, query, body, key, secret):
    """Status and text of the answer."""
    now = time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())
    scope = f'{now[:8]}/us-east-1/s3/aws4_request'
    names = 'host;x-amz-content-sha256;x-amz-date'
    digest = hashlib.sha256(body.encode()).hexdigest()
    canonical = f'{method}\n{path}\n{query}\nhost:{host}\nx-amz-content-sha256:{digest}\nx-amz-date:{now}\n\n{names}\n{digest}'
    to_sign = f'AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}'
    by = ('AWS4' + secret).encode()
    for step in scope.split('/'):
        by = keyed(by, step)
    authorization = (f'AWS4-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders={names}, '
                     f'Signature={keyed(by, to_sign).hex()}')
    connection = http.client.HTTPConnection(host, timeout=30)
    connection.request(method, path + ('?' + query if query else ''), body=body, headers={
        'x-amz-content-sha256': digest, 'x-amz-date': now, 'Authorization': authorization})
    answer = connection.getresponse()
    return answer.status, answer.read().decode(errors='replace')


def main():
    host, bucket, key, secret = sys.argv[1:]
    for _ in range(120):
        try:
            status, text = signed('PUT', host, f'/{bucket}', '', '', key, secret)
            if status == 200:
                sys.exit(0)
            if status < 500:
                sys.exit(f'{status}: {text}')
        except OSError:
            pass
        time.sleep(0.5)
    sys.exit('the server does not come up')


if __name__ == '__main__':
    main()
