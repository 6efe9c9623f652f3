#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The recovery matrix of two cuts: the link is cut in the middle of a
transfer and then once more at every point of the connection that recovers it,
so that PConnect, PAccept, ACTIVITY RESUME, what follows it, and the answers
to all of these get lost.

Every run has to end with the message delivered once, identical, and no more
than (window + 1) x checkpoint octets sent again for each cut.

    twice.py                the spread sample of the test suite
    twice.py -a             everything
    twice.py -j N           N pairs of mtads at a time
    twice.py -k TEXT        only points whose name holds TEXT

A point's name is  mode/TSDU/direction/index/place  with the TSDU after which
the first cut comes and the others as in matrix.py, of the connection that
recovers."""

import argparse
import os
import queue
import random
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..'))

from e2e import matrix                              # noqa: E402
from peer.proxy import Point                        # noqa: E402

MODES = ('mono', 'twa', 'twa-back', 'n-mono', 'n-twa', 'n-twa-back')
FIRST = (('MIP', 2), ('MIP', 5), ('AE', 1))
LENGTH = {'out': 16, 'in': 10}      # TSDUs of the connection that recovers


class Lane(matrix.Lane):
    def cut_twice(self, first, direction, index, place):
        name, nth = first
        if self.mode == 'twa-back' and name == 'AE':
            nth = 1
        self.second = Point(direction, index=index, at=place, connection=2)
        return self.run(Point(self.way, name=name, nth=nth, at='after',
                              connection=1))

    second = None

    def begin(self):
        if self.second is not None:
            self.proxy.add(self.second)
        super().begin()

    def check(self, point):
        # (window + 1) x checkpoint, for each
        if point is None or self.second is None or not self.second.done:
            return super().check(point)
        self.checkpoint *= 2
        try:
            return super().check(point)
        finally:
            self.checkpoint //= 2


def worker(mode, jobs, results):
    lane = None
    while True:
        try:
            job = jobs.get_nowait()
        except queue.Empty:
            break
        _, first, direction, index, place = job
        name = '%s/%s%d/%s/%d/%s' % (mode, *first, direction, index, place)
        try:
            if lane is None:
                lane = Lane(mode)
                why = lane.run(None)
                if why:
                    raise RuntimeError('without any fault: ' + why)
            why = lane.cut_twice(first, direction, index, place)
            reached = lane.second.done
        except Exception as e:
            why, reached = '%s: %s' % (type(e).__name__, e), 0
        results.append((name, why, reached))
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
            results.append(('%s: at its end' % mode, str(e), 0))
            print('FAILED %s: %s' % (mode, e), flush=True)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument('-a', '--all', action='store_true')
    ap.add_argument('-j', '--jobs', type=int, default=4)
    ap.add_argument('-k', '--keyword')
    ap.add_argument('-m', '--modes', default=','.join(MODES))
    ap.add_argument('-n', '--number', type=int, default=60)
    args = ap.parse_args()
    jobs = [(mode, first, direction, index, place)
            for mode in args.modes.split(',')
            for first in FIRST for direction in ('out', 'in')
            for index in range(LENGTH[direction])
            for place in matrix.PLACES]
    if args.keyword:
        jobs = [j for j in jobs if args.keyword in '%s/%s%d/%s/%d/%s' % (
            j[0], *j[1], *j[2:])]
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
    failed = sum(1 for _, why, _ in results if why)
    reached = sum(1 for _, _, done in results if done)
    print('%d runs in %.0f s, %d of them cut twice' % (
        len(results), time.monotonic() - start, reached))
    print('%d passed, %d failed' % (len(results) - failed, failed))
    if len(results) >= 20 and reached < len(results) / 4:
        print('most points were never reached')
        return 1
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
