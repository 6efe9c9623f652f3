#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The recovery matrix with the power: at a point of a transfer one side, all
three of its processes, ends at once and loses everything that it had not
synced.  Its spoold runs under the library of tests/shim for that, by way of
a script that mtad takes for spoold.

Every run has to end with the message delivered once, identical, and no more
than (window + 1) x checkpoint octets sent again.

    powercut.py             the spread sample of the test suite
    powercut.py -a          everything
    powercut.py -j N        N pairs of mtads at a time
    powercut.py -k TEXT     only points whose name holds TEXT

A point's name is that of matrix.py with the actor power@MTA, or
mode/sync@MTA/N: the power goes at the N-th sync of spoold since its start,
before that sync has done anything.  A mode ending in -file sends a content
that does not fit into a row, one in -long one of twenty checkpoints,
one in -direct one whose end is written past the page cache."""

import argparse
import os
import queue
import random
import shutil
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..'))

from e2e import matrix                              # noqa: E402
from e2e.mtadtest import address, until             # noqa: E402
from e2e.shim import SHIM, ShimMta                  # noqa: E402
from peer.proxy import Point                        # noqa: E402

MODES = ('mono', 'mono-file', 'twa', 'twa-back', 'twa-back-file',
         'n-mono', 'n-mono-file', 'n-twa', 'n-twa-back', 'n-twa-back-file',
         'n-mono-long', 'twa-back-long', 'n-mono-direct', 'twa-back-direct')
MTAS = ('alpha', 'beta')
SYNCS = 30              # of a start and one message, at most
SYNCS_LONG = 60

# A spoold that ended by itself stays away until the power is back: what a
# second one found in the spool would count as durable.
BEFORE = '''if ! mkdir "%(dir)s/up"; then
	exec sleep 60
fi
POWERCUT_DIRS="%(spool)s:%(delivery)s"
export POWERCUT_DIRS
if [ -s "%(dir)s/at" ]; then
	POWERCUT_AT=$(cat "%(dir)s/at")
	export POWERCUT_AT
fi'''


class PoweredMta(ShimMta):
    """One whose power can go."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.up = os.path.join(self.dir, 'up')
        self.at = os.path.join(self.dir, 'at')
        self.cutting = threading.Lock()

    def before(self):
        return BEFORE % {'dir': self.dir, 'spool': self.spool,
                         'delivery': self.delivery}

    def start(self, ready=True, at=None):
        shutil.rmtree(self.up, ignore_errors=True)
        with open(self.at, 'w') as f:
            f.write('' if at is None else str(at))
        return super().start(ready)

    def power_cut(self):
        self.crash()
        subprocess.run([os.path.join(SHIM, 'powercut'), self.spool,
                        self.delivery], check=True, timeout=60)

    def ended(self):
        """spoold has come to the sync that it was to end at."""
        return os.path.exists(self.up) and 'spoold' not in self.pids()

    def kill(self, role, sig=9):
        if role != 'mtad':
            return super().kill(role, sig)
        with self.cutting:
            self.power_cut()
        return True

    def back(self):
        """Starts it if the power went after all was over."""
        with self.cutting:
            if self.proc.poll() is not None:
                self.start()


class Lane(matrix.Lane):
    MTA = PoweredMta

    def fresh(self):
        self.proxy.clear()
        time.sleep(0.02)        # one that has just been reached
        self.alpha.back()
        self.beta.back()
        super().fresh()

    def submit(self):
        """In the background; a list that gets whether it was taken."""
        result = []

        def work():
            try:
                self.sender.inject(address(self.receiver.name), self.text)
                result.append(True)
            except subprocess.CalledProcessError:
                result.append(False)
        threading.Thread(target=work, daemon=True).start()
        return result

    def poke(self):
        """A responder waits until the other side has a reason to call."""
        def work():
            try:
                self.alpha.inject(address('beta', 'Opener'), 10)
            except subprocess.CalledProcessError:
                pass
        if self.mode == 'twa-back':
            threading.Thread(target=work, daemon=True).start()

    def at_sync(self, name, n):
        """None when all is well, else what is wrong."""
        mta = getattr(self, name)
        self.fresh()
        self.seen = set(self.receiver.delivered())
        mta.stop()
        mark = mta.log_size()
        mta.start(ready=False, at=n)
        until(lambda: mta.ended() or ': ready mta=' in mta.log(mark), 20,
              'started or ended')
        # mtactl hangs as long as there is no spoold to answer it.
        cut, over = threading.Event(), threading.Event()

        def watch():
            while not over.wait(0.01):
                if mta.ended():
                    mta.power_cut()
                    cut.set()
                    mta.start()
                    return
        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            return self.wait_for_one()
        finally:
            over.set()
            watcher.join()
            if not cut.is_set():        # it was not to come so far
                mta.stop()
                mta.start()

    def wait_for_one(self):
        taken = self.submit()
        self.poke()
        poked = time.monotonic()
        end = poked + matrix.RUN_TIME
        while time.monotonic() < end:
            if taken and self.quiet():
                if self.arrived():
                    return self.check(None)
                if not taken[0]:        # it is not known to anybody
                    taken = self.submit()
            if time.monotonic() - poked > 4:
                self.poke()
                poked = time.monotonic()
            time.sleep(0.02)
        return 'stuck: %s\n--- alpha\n%s--- beta\n%s' % (
            self.proxy_names(), matrix.tail(self.alpha),
            matrix.tail(self.beta))


def points(modes, syncs):
    """(mode, name, function of a Lane)"""
    shapes = {}
    for mode in modes:
        # as many checkpoints, and the same TSDUs
        base = mode.removesuffix('-file')
        if base not in shapes:
            shapes[base] = list(matrix.points([base], ['power@' + m
                                                       for m in MTAS]))
        for _, actor, direction, index, place in shapes[base]:
            def strike(lane, actor=actor, direction=direction, index=index,
                       place=place):
                point = Point(direction, index=index, at=place, action='go')
                return lane.run(point, ('mtad', getattr(lane, actor[6:])))
            yield mode, '%s/%s/%s/%d/%s' % (mode, actor, direction, index,
                                            place), strike
        for who in MTAS:
            for n in range(1, 1 + (SYNCS_LONG if mode.endswith(
                    ('-long', '-direct')) else syncs)):
                yield mode, '%s/sync@%s/%d' % (mode, who, n), \
                    lambda lane, who=who, n=n: lane.at_sync(who, n)


def worker(mode, jobs, results):
    lane = None
    while True:
        try:
            _, name, run = jobs.get_nowait()
        except queue.Empty:
            break
        try:
            if lane is None:
                lane = Lane(mode)
                why = lane.run(None)
                if why:
                    raise RuntimeError('without any fault: ' + why)
            why = run(lane)
        except Exception as e:
            why = '%s: %s' % (type(e).__name__, e)
        results.append((name, why))
        if why:
            print('FAILED %s: %s' % (name, why), flush=True)
            if lane is not None:
                try:
                    lane.close()
                except AssertionError as e:
                    print(e, flush=True)
                lane = None
        elif len(results) % 50 == 0:
            print('%d runs' % len(results), flush=True)
    if lane is not None:
        try:
            lane.close()
        except AssertionError as e:     # what sanitizers had to say
            results.append(('%s: at its end' % mode, str(e)))
            print('FAILED %s: %s' % (mode, e), flush=True)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument('-a', '--all', action='store_true')
    ap.add_argument('-j', '--jobs', type=int, default=4)
    ap.add_argument('-k', '--keyword')
    ap.add_argument('-m', '--modes', default=','.join(MODES))
    ap.add_argument('-n', '--number', type=int, default=60)
    args = ap.parse_args()
    jobs = list(points(args.modes.split(','), SYNCS))
    if args.keyword:
        jobs = [j for j in jobs if args.keyword in j[1]]
    if not args.all and len(jobs) > args.number:
        jobs = random.Random(19840000).sample(jobs, args.number)
    results, threads, start = [], [], time.monotonic()
    per = {}
    for job in jobs:
        per.setdefault(job[0], queue.Queue()).put(job)
    for mode, q in per.items():
        for _ in range(max(1, round(args.jobs * q.qsize() / len(jobs)))):
            t = threading.Thread(target=worker, args=(mode, q, results))
            t.start()
            threads.append(t)
    for t in threads:
        t.join()
    failed = sum(1 for _, why in results if why)
    print('%d runs in %.0f s' % (len(results), time.monotonic() - start))
    print('%d passed, %d failed' % (len(results) - failed, failed))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
