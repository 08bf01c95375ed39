# SPDX-License-Identifier: Apache-2.0
"""Questions beside merging: `bench/growth merging`."""
import json
import time

from growth_days import DAY, HOUR, of_an_hour, over_everything
from queries import median, quantile
from sending import generate
from server import Server


def options(parser):
    parser.add_argument('--gb', type=float, default=2, help='raw, of one day')
    parser.add_argument('--runs', type=int, default=300, help='questions of each kind before, and after')


WARM_RUNS = 5  # that open what is asked for, and do not count


def ask(server, kinds, rounds):
    """Every kind by turns, as long as `rounds` says; milliseconds by kind, and what was wrong."""
    times, wrong, run = {name: [] for name in kinds}, [], 0
    while rounds(run):
        for name, make in kinds.items():
            path, params, right = make(run % 1000)
            begin = time.perf_counter()
            body = server.get(path, **params)
            times[name].append((time.perf_counter() - begin) * 1e3)
            if not right(json.loads(body)):
                wrong.append(f'{name}, run {run}')
        run += 1
    return times, wrong


def merging(directory, args):
    day = int(time.time() - 7200) // DAY * DAY - DAY
    settings = ['--memory.kept_results=0B', '--store.generation_size=64MB']
    server = Server(args.binary, directory, [*settings, '--merge.enabled=false'])
    truth = generate(server, '--start', day, '--span', DAY, '--seed', 77, '--lines', int(args.gb * 1e9 / 257))
    server.post('/flush')
    server.wait_idle()
    segments = server.metric('cordwood_segments')
    kinds = {**{f'{name}, all': make for name, make in over_everything(truth, day, day + DAY).items()},
             **{f'{name}, one hour': make for name, make in of_an_hour(truth, day).items()}}
    quiet_runs = lambda run: run < WARM_RUNS + args.runs
    before, wrong = ask(server, kinds, quiet_runs)
    server.stop()

    server = Server(args.binary, directory, [*settings, '--merge.quiet_after=0s'])
    merges, last_change, last_at = None, 0, time.monotonic()

    def still_merging(run):
        nonlocal merges, last_change, last_at
        now = server.total('cordwood_merges_total'), server.metric('cordwood_segments')
        if now != merges:
            merges, last_change, last_at = now, run, time.monotonic()
        return time.monotonic() - last_at < 60  # a merge that pauses takes long
    beside, more = ask(server, kinds, still_merging)
    beside = {name: times[:last_change] for name, times in beside.items()}  # nothing was merged any more after it
    wrong += more
    after, more = ask(server, kinds, quiet_runs)
    wrong += more
    print(f'{segments:.0f} segments, {server.metric("cordwood_segments"):.0f} once merged; p50 / p99 in ms of {args.runs} before and '
          f'after, {last_change - WARM_RUNS} beside merging')
    for name in kinds:
        times = [one[name][WARM_RUNS:] for one in (before, beside, after)]
        p99 = [quantile(one, 0.99) for one in times]
        print(f'  {name:<54}' + '   '.join(f'{median(one):7.2f} / {worst:7.2f}' for one, worst in zip(times, p99)) +
              f'   {p99[1] / max(p99[0], p99[2]):5.2f}x')
    server.stop()
    return wrong
