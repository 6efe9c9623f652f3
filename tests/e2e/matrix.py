#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The recovery matrix: two real mtads and a link that is cut, or a process
that is killed, at every point of a transfer of eight checkpoints.

Every run has to end with the message delivered once, identical, and no more
than (window + 1) x checkpoint octets sent again.

    matrix.py               the spread sample of the test suite
    matrix.py -a            everything
    matrix.py -j N          N pairs of mtads at a time
    matrix.py -k TEXT       only points whose name holds TEXT

A run's point is named  mode/actor/direction/index/place: mode is mono, twa or
twa-back (the responder sends) of X.410-1984 mode, or the same with n- of
normal mode (with -long behind it the message has twenty checkpoints and its
content a file, so that the places of the later ones are foreseen, with -direct
so many octets that the last of them go past the page cache), actor is link or
PROCESS@MTA, direction out is from the side that connected, index counts TSDUs,
CR first; place is before, after, or the octets of the TSDU that still pass."""

import argparse
import contextlib
import os
import queue
import random
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..'))

from e2e.mtadtest import Mta, Peer, address, until  # noqa: E402
from peer.proxy import Point, Proxy                 # noqa: E402

CHECKPOINT, WINDOW = 1024, 3
TEXT = 7 * 1024 + 300           # with head and heading: 8 checkpoints
PLACES = ('before', 0.1, 0.5, 0.9, 'after')
ROLES = ('rtsd', 'spoold', 'mtad')
MODES = ('mono', 'twa', 'twa-back', 'n-mono', 'n-twa', 'n-twa-back',
         'mono-long', 'n-twa-back-long', 'mono-direct', 'n-twa-back-direct')
# Octets of text and KB of a checkpoint for other modes than those.
SIZES = {'-file': (59 * 1024, 8), '-long': (159 * 1024, 8),
         '-direct': (1599 * 1024, 64)}
RUN_TIME = 45                   # s until a run counts as stuck

OPTIONS = ['checkpoint 1 window 3 safe-store 1', 'recover yes memory 1s',
           'delay 1s timeout 30s keep 60s', 'retry 1s to 2s',
           'open timeout 5s', 'associations 1', 'idle 30s']


def split(mode):
    """Without its size, and that."""
    for size in SIZES:
        if mode.endswith(size):
            return mode.removesuffix(size), size
    return mode, ''


class Lane:
    """alpha connects to beta through a proxy; all is used run after run."""

    MTA, text, checkpoint, options = Mta, TEXT, CHECKPOINT, OPTIONS

    def __init__(self, mode, env=None):
        mode, self.size = split(mode)
        if self.size:
            self.text, size = SIZES[self.size]
            self.checkpoint = size * 1024
            self.options = [o.replace('checkpoint 1 ', 'checkpoint %d ' % size)
                            for o in OPTIONS]
        normal = 'normal' if mode.startswith('n-') else None
        # what presentation puts in front of each piece is counted with it
        self.header = 24 if normal else 0
        self.mode = mode = mode.removeprefix('n-')
        self.twa = mode.startswith('twa')
        dialogue = ['dialogue twa'] if self.twa else []
        self.beta = self.MTA('beta', env=env)
        self.proxy = Proxy(self.beta.port).start()
        self.alpha = self.MTA('alpha', env=env)
        # Those with many points kill rtsd so often within seconds, before
        # the message has a name, that its peer is shut out, as it should be.
        lines = ['poison after 0'] if self.size == '-direct' else []
        self.alpha.configure(Peer('beta', self.proxy.port, *self.options,
                                  *dialogue, mode=normal), lines=lines)
        self.beta.configure(Peer('alpha', None, *self.options, *dialogue,
                                 mode=normal), lines=lines)
        self.alpha.start()
        self.beta.start()
        self.sender, self.receiver = (self.beta, self.alpha) \
            if mode == 'twa-back' else (self.alpha, self.beta)
        self.way = 'in' if mode == 'twa-back' else 'out'
        self.seen = set()
        self.kills = {}
        self.length = None
        self.reference = None

    def close(self):
        self.proxy.clear()
        for mta in (self.alpha, self.beta):
            mta.cleanup()
        self.proxy.stop()

    def fresh(self):
        """No association, nothing under way."""
        self.proxy.clear()
        self.proxy.release()
        self.proxy.cut()

        # A lost association of two-way alternate dialogue is recovered even
        # with nothing to send, but not for ever.
        end = time.monotonic() + 25
        again = time.monotonic() + 0.3
        while any(m.mtactl('show', 'associations')
                  for m in (self.alpha, self.beta)):
            if time.monotonic() > end:
                raise TimeoutError('associations do not go: %s' % [
                    m.mtactl('show', 'associations')
                    for m in (self.alpha, self.beta)])
            time.sleep(0.05)
            if time.monotonic() > again:
                self.proxy.cut()
                again = time.monotonic() + 0.3
        # mtad waits longer and longer with a child that dies all the time.
        for mta in (self.alpha, self.beta):
            if self.kills.get(mta, 0) >= 3:
                self.kills[mta] = 0
                mta.stop()
                mta.start()
        self.proxy.cut()
        until(lambda: all(not p.left for p in self.proxy.pairs), 10,
              'no connection')
        self.proxy.pairs.clear()

    def begin(self):
        """Something to send; a responder needs an association first."""
        if self.mode == 'twa-back':
            self.sender.inject(address(self.receiver.name), self.text)
            self.alpha.inject(address('beta', 'Opener'), 10)
        else:
            self.sender.inject(address(self.receiver.name), self.text)

    def arrived(self):
        return [n for n in self.receiver.delivered() if n not in self.seen]

    def quiet(self):
        """Nothing is queued any more on either side."""
        for mta in (self.alpha, self.beta):
            try:
                s = mta.mtactl('show', 'summary')
            except Exception:
                return False
            if s['queued'] or s['transfers']:
                return False
        return True

    def run(self, point, kill=None):
        """None when all is well, else what is wrong."""
        self.fresh()
        before = set(self.receiver.delivered())
        self.seen = before
        killed = []

        def strike(proxy, p):
            role, mta = kill
            if mta.kill(role):
                self.kills[mta] = self.kills.get(mta, 0) + 1
                killed.append((role, mta))

        if point is not None:
            self.proxy.add(point)
            if kill is not None:
                point.call = strike
        self.begin()
        end = time.monotonic() + RUN_TIME
        again = time.monotonic() + 4
        restarted = False
        while True:
            if killed and killed[0][0] == 'mtad' and not restarted:
                restarted = True
                mta = killed[0][1]
                mta.wait_children_gone(killed_children(mta))
                mta.start()
            if self.arrived() and self.quiet():
                break
            if self.mode == 'twa-back' and time.monotonic() > again:
                # A responder waits until the other side has a reason to call.
                # It may be the one that is down at present.
                with contextlib.suppress(subprocess.CalledProcessError):
                    self.alpha.inject(address('beta', 'Opener'), 10)
                again = time.monotonic() + 4
            if time.monotonic() > end:
                return 'stuck: %s\n--- alpha\n%s--- beta\n%s' % (
                    self.proxy_names(), tail(self.alpha), tail(self.beta))
            time.sleep(0.02)
        return self.check(point)

    def check(self, point):
        new = self.arrived()
        if len(new) != 1:
            return 'delivered %d times' % len(new)
        content = self.receiver.content(new[0])
        if self.reference is None:
            self.reference = content
        if content != self.reference:
            return 'content differs'
        sent = self.proxy.data(self.way)
        if self.length is None:
            self.length = sent
        again = sent - self.length
        if again > (WINDOW + 1) * (self.checkpoint + self.header):
            return 'sent again: %d octets\n--- alpha\n%s--- beta\n%s' % (
                again, tail(self.alpha), tail(self.beta))
        return None

    def proxy_names(self):
        return '\n'.join('%d out %s\n  back %s' % (
            p.number, p.out.log, p.back.log) for p in self.proxy.pairs)


def tail(mta, lines=60):
    return '\n'.join(mta.log().splitlines()[-lines:]) + '\n'


def killed_children(mta):
    """After its parent's end they end by themselves; a moment is enough."""
    time.sleep(0.1)
    return {}


def shape(mode):
    """How many TSDUs go each way in a run without a fault."""
    lane = Lane(mode)
    try:
        why = lane.run(None)
        if why:
            raise SystemExit('%s: without any fault: %s' % (mode, why))
        pair = lane.proxy.pairs[0]
        return {'out': len(pair.out.log), 'in': len(pair.back.log)}, \
            {'out': list(pair.out.log), 'in': list(pair.back.log)}
    finally:
        lane.close()


def points(modes, actors):
    for mode in modes:
        counts, names = shape(mode)
        print('%s: out %s' % (mode, ' '.join(names['out'])))
        print('%s: in %s' % (mode, ' '.join(names['in'])))
        for actor in actors:
            for direction in ('out', 'in'):
                for index in range(counts[direction]):
                    for place in PLACES:
                        if actor != 'link' and place not in (
                                'before', 0.5, 'after'):
                            continue
                        yield (mode, actor, direction, index, place)


def worker(mode, jobs, results):
    lane = None
    while True:
        try:
            job = jobs.get_nowait()
        except queue.Empty:
            break
        _, actor, direction, index, place = job
        name = '%s/%s/%s/%d/%s' % job
        try:
            if lane is None:
                lane = Lane(mode)
                why = lane.run(None)
                if why:
                    raise RuntimeError('without any fault: ' + why)
            kill = None
            if actor != 'link':
                role, who = actor.split('@')
                kill = (role, getattr(lane, who))
            point = Point(direction, index=index, at=place,
                          action='cut' if kill is None else 'go')
            why = lane.run(point, kill)
            if why is None and not point.done:
                why = None      # the point lies past the end of this run
        except Exception as e:
            why = '%s: %s' % (type(e).__name__, e)
        results.append((name, why))
        if why:
            print('FAILED %s: %s' % (name, why), flush=True)
            if lane is not None:
                lane.close()
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
    ap.add_argument('--actors')
    args = ap.parse_args()
    modes = args.modes.split(',')
    actors = args.actors.split(',') if args.actors else ['link'] + [
        '%s@%s' % (r, m) for r in ROLES for m in ('alpha', 'beta')]
    jobs = list(points(modes, actors))
    if args.keyword:
        jobs = [j for j in jobs if args.keyword in '%s/%s/%s/%d/%s' % j]
    if not args.all and len(jobs) > args.number:
        # Spread over all, and not the same at every run of a day.
        jobs = random.Random(19840000).sample(jobs, args.number)
    results, threads, start = [], [], time.monotonic()
    per = {}
    for job in jobs:
        per.setdefault(job[0], queue.Queue()).put(job)
    for mode, q in per.items():
        n = max(1, round(args.jobs * q.qsize() / len(jobs)))
        for _ in range(n):
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
