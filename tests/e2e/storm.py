#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Four MTAs, cables between each two, messages from each to each; meanwhile
any process of any of them is killed, and any cable is pulled out or its
connections are reset, at random.  In the end each message has been delivered
once or reported once, counted from the audit logs of all four.

    storm.py                300 messages (the test suite)
    storm.py -n 10000       the whole of it
    storm.py -s NUMBER      another seed"""

import argparse
import collections
import os
import random
import re
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..'))

from e2e.mtadtest import DOMAINS, address, until        # noqa: E402
from e2e.network import Network, available              # noqa: E402

NAMES = 'alpha', 'beta', 'gamma', 'delta'
LINES = ['retry 1s to 2s', 'recover yes memory 2s',
         'delay 1s timeout 15s keep 10m', 'open timeout 3s',
         'transfer timeout 6s', 'checkpoint 16 window 3', 'associations 4',
         'alternate after 2 failures', 'attempts 0', 'idle 5s']
SIZES = 10, 2000, 2000, 40000, 300000
FIELD = re.compile(r' ([a-z-]+)=(?:"((?:[^"\\]|\\.)*)"|(\S+))')


def fields(line):
    out = collections.defaultdict(list)
    for name, quoted, plain in FIELD.findall(' ' + line):
        out[name].append(quoted or plain)
    return out


def audit(node):
    """Lines of its audit log, each key once."""
    seen = {}
    where = os.path.join(node.spool, 'audit')
    for name in sorted(os.listdir(where)):
        with open(os.path.join(where, name), errors='replace') as file:
            for line in file:
                if line.endswith('\n'):
                    found = fields(line)
                    seen[found['key'][0]] = found
    return list(seen.values())


class Storm:
    def __init__(self, net, seed):
        self.net = net
        self.random = random.Random(seed)
        self.over = threading.Event()
        self.counts = collections.Counter()
        self.lock = threading.Lock()    # of what the weather does

    def configure(self):
        for i, a in enumerate(NAMES):
            for b in NAMES[i + 1:]:
                self.net.cable(a, b)
        for a in NAMES:
            others = [b for b in NAMES if b != a]
            lines = ['route "%s" via "%s" %s' % (
                DOMAINS[b], b, ' '.join('via "%s"' % c for c in others
                                        if c != b)) for b in others]
            self.net[a].configure(
                *(self.net.peer(a, b, *LINES, route=False) for b in others),
                lines=['limit loops 20', 'poison after 0'] + lines)
        self.net.start()

    def submit(self, name, n):
        """Again and again until spoold says that it is durable; one that
        said nothing before it died may have it."""
        rng = random.Random('%s %d' % (name, n))
        done = 0
        while done < n:
            to = rng.choice([b for b in NAMES if b != name])
            try:
                self.net[name].inject(address(to), rng.choice(SIZES),
                                      min(5, n - done))
                done += min(5, n - done)
            except Exception:           # killed meanwhile
                time.sleep(0.3)

    def kill(self):
        node = self.net[self.random.choice(NAMES)]
        role = self.random.choice(('rtsd', 'rtsd', 'spoold', 'spoold',
                                   'mtad'))
        if role == 'mtad':
            pids = node.pids()
            node.kill('mtad')
            node.wait_children_gone(pids)
            node.start(ready=False)
        else:
            node.kill(role)
        self.counts[role] += 1

    def cut(self):
        a, b = self.random.sample(NAMES, 2)
        if self.random.random() < 0.6:
            self.net.reset(a, b)
            self.counts['reset'] += 1
            return
        self.net.plug(a, b, False)
        self.counts['pulled out'] += 1
        threading.Timer(self.random.uniform(0.2, 9),
                        lambda: self.net.plug(a, b, True)).start()

    def weather(self):
        while not self.over.wait(self.random.uniform(0.05, 0.6)):
            try:
                self.random.choice((self.kill, self.cut))()
            except Exception as error:
                print('weather: %s' % error, flush=True)

    def calm(self):
        """All cables in, all processes there, and nothing left to do."""
        time.sleep(9.5)
        for i, a in enumerate(NAMES):
            for b in NAMES[i + 1:]:
                self.net.plug(a, b, True)

        def left():
            total = 0
            for node in self.net:
                try:
                    s = node.mtactl('show', 'summary')
                except Exception:
                    return None
                total += s['queued'] + s['held'] + s['deferred'] + \
                    s['transfers']
            return total
        until(lambda: left() == 0, 240, 'empty queues', 0.3)

    def run(self, n):
        threads = [threading.Thread(target=self.submit, args=(
            name, n // len(NAMES))) for name in NAMES]
        weather = threading.Thread(target=self.weather)
        for thread in threads + [weather]:
            thread.start()
        for thread in threads:
            thread.join()
        time.sleep(3)
        self.over.set()
        weather.join()
        self.calm()

    def count(self):
        """What the logs say became of each message: (submitted, wrong)."""
        submitted, ends = {}, collections.Counter()
        files = collections.Counter()
        for node in self.net:
            for line in audit(node):
                event, = line['event']
                if line['type'][0] == 'report' or event not in (
                        'submit', 'deliver', 'non-deliver'):
                    continue
                mts_id, = line['mts-id']
                if event == 'submit':
                    submitted[mts_id] = node.name
                else:
                    ends[mts_id] += len(line['recipient'])
                    files[node.name] += event == 'deliver'
        wrong = ['%s of %s: %d ends' % (mts_id, who, ends[mts_id])
                 for mts_id, who in submitted.items() if ends[mts_id] != 1]
        wrong += ['%s: nobody submitted it' % mts_id for mts_id in ends
                  if mts_id not in submitted]
        for node in self.net:
            have = len(node.delivered())
            if have != files[node.name]:
                wrong.append('%s: %d deliveries in the log, %d there' % (
                    node.name, files[node.name], have))
        return len(submitted), wrong


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument('-n', '--number', type=int, default=300)
    ap.add_argument('-s', '--seed', type=int, default=1984)
    ap.add_argument('-k', '--keep', action='store_true',
                    help='print the logs when something is wrong')
    args = ap.parse_args()
    if not available():
        print('no network namespaces here: nothing tried')
        print('Ran 1 test in 0 s\n\nOK (skipped=1)')
        return 0
    start = time.monotonic()
    with Network(*NAMES) as net:
        storm = Storm(net, args.seed)
        storm.configure()
        try:
            storm.run(args.number)
            submitted, wrong = storm.count()
        except TimeoutError as error:
            submitted, wrong = 0, [str(error)]
        if wrong and args.keep:
            for node in net:
                print('--- %s\n%s' % (node.name, node.log()))
    for line in wrong:
        print('FAILED ' + line)
    print('%d messages in %.0f s: %s' % (
        submitted, time.monotonic() - start, ', '.join(
            '%d %s' % (n, what) for what, n in sorted(
                storm.counts.items()))))
    print('%d passed, %d failed' % (submitted - len(wrong), len(wrong)))
    return 1 if wrong or submitted < args.number // len(NAMES) * len(NAMES) \
        else 0


if __name__ == '__main__':
    sys.exit(main())
