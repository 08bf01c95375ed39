# SPDX-License-Identifier: Apache-2.0
"""What plain tools make of the same lines on this machine, now."""
import os
import subprocess
import time


def cpu_of_children():
    now = os.times()
    return now.children_user + now.children_system


def wall_of(command):
    begin = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return time.perf_counter() - begin


def yardsticks(raw_file, rare_phrase):
    size = os.path.getsize(raw_file)
    before = cpu_of_children()
    subprocess.run(['zstd', '-1', '-q', '-f', raw_file, '-o', raw_file + '.zst'], check=True)
    cpu_s = cpu_of_children() - before
    out = {'zstd -1, MB per CPU-second': size / 1e6 / cpu_s,
           'zstd -1, raw : packed': size / os.path.getsize(raw_file + '.zst')}
    os.remove(raw_file + '.zst')
    out['rg -c over the raw file, ms'] = wall_of(['rg', '-c', rare_phrase, raw_file]) * 1e3
    # jq is slow: a part of the JSON lines, scaled.
    sample = raw_file + '.json'
    with open(raw_file, 'rb') as lines, open(sample, 'wb') as out_file:
        taken = 0
        for line in lines:
            if line.startswith(b'{'):
                out_file.write(line)
                taken += len(line)
            if taken > 20e6:
                break
    out['jq over JSON lines, MB per second'] = taken / 1e6 / wall_of(['jq', '-c', 'select(.http.status >= 500)', sample])
    os.remove(sample)
    block = bytes(256 << 20)
    begin = time.perf_counter()
    copy = bytearray(block)
    out['memory copy, MB per second'] = len(copy) / 1e6 / (time.perf_counter() - begin)
    return out
