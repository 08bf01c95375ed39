# SPDX-License-Identifier: Apache-2.0
"""The generator of logs, sending to a server."""
import json
import os
import subprocess
import sys

GENERATOR = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'build/bench/bench_generator')


def generator(server, *arguments):
    """Begins to send."""
    command = [GENERATOR, '--url', server.url, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def result_of(process):
    """What it sent, once it is through."""
    out, err = process.communicate()
    if process.returncode != 0:
        sys.exit(err)
    return json.loads(out)


def generate(server, *arguments):
    return result_of(generator(server, *arguments))
