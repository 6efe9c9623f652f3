#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""What mtactl -j says of MTAs that run has the members that mtactl(8) lists
for that command, each of them and no others.

usage: MTAD_BUILD=build test_json.py"""

import json
import os
import re
import subprocess
import sys
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, 'tests'))
sys.path.insert(0, os.path.join(TOP, 'tests', 'e2e'))
from mtadtest import BUILD, Mta, Peer, address, until    # noqa: E402
from peer.proxy import Point, Proxy                      # noqa: E402


def documented():
    """{entry: members} of the section JSON; an entry that refers to another
    has what stands there as well."""
    with open(os.path.join(TOP, 'man', 'mtactl.8')) as f:
        page = f.read()
    section = page[page.index('.Ss JSON'):page.index('.Ss Completion')]
    out = {}
    for entry in re.split(r'(?m)^\.It ', section)[1:]:
        head = re.sub(r'\b(Cm|Ar|Fl) ?', '', entry.split('\n')[0]).strip()
        for name in head.replace(' ID', '').split(' , '):
            out[name] = set(re.findall(r'(?m)^\.Va (\w+)', entry))
    return out


def members(value):
    if isinstance(value, dict):
        out = set(value)
        for inner in value.values():
            out |= members(inner)
        return out
    if isinstance(value, list):
        return set().union(*map(members, value)) if value else set()
    return set()


def exceptions():
    """The members that may have two types, as the manual has them."""
    with open(os.path.join(TOP, 'man', 'mtactl.8')) as f:
        page = f.read()
    rule = page[page.index('A member of one name has one type'):]
    return set(re.findall(r'(?m)^\.Va (\w+)',
                          rule[:rule.index('Errors are')]))


# What has two types, and the verbs in which it has the second one; reason is
# a number of X.411 of a recipient and words of a message that is held.
TYPES = {
    'held': 'show summary|top', 'queued': 'show summary|top',
    'associations': 'top', 'transfers': 'top', 'peers': 'top',
    'id': 'show associations|top', 'time': 'track', 'arrival': 'track',
    'delivered': 'track', 'reason': 'track'}


class Live(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.said = documented()
        cls.types = {}

    def note(self, entry, value):
        """The types that members have in that verb."""
        if isinstance(value, list):
            for inner in value:
                self.note(entry, inner)
        elif isinstance(value, dict):
            for name, inner in value.items():
                kind = 'number' if isinstance(inner, float) or \
                    type(inner) is int else type(inner).__name__
                if inner is not None:
                    self.types.setdefault(name, {}).setdefault(
                        kind, set()).add(entry)
                self.note(entry, inner)

    def one_type(self):
        self.assertEqual(exceptions(), set(TYPES))
        for name, kinds in self.types.items():
            if name in TYPES:
                other = set(TYPES[name].split('|'))
                kinds = {k: v - other for k, v in kinds.items()}
            self.assertLessEqual(sum(map(bool, kinds.values())), 1,
                                 (name, kinds))
        self.assertEqual(set(TYPES) - set(self.types), set())

    def same(self, entry, value, also=(), less=()):
        """also: entries that it refers to; less: members not of this case."""
        self.note(entry, value)
        want = set(self.said[entry]).union(*(self.said[e] for e in also))
        self.assertEqual(members(value), want - set(less), entry)

    def test_all(self):
        point = Point('out', name='MIP', nth=8, action='hole')
        with Mta('alpha') as alpha, Mta('beta') as beta, \
                Mta('gamma') as gamma, Proxy(('127.0.0.1',
                                              beta.port)) as proxy:
            beta.configure(Peer('alpha')).start()
            alpha.configure(
                Peer('beta', proxy.port, 'checkpoint 1 window 2'),
                Peer('gamma', gamma.port),
                lines=('audit log keep 2d',)).start()
            ctl = alpha.mtactl

            # one that waits, one that is under way and stays so
            waits = ctl('submit', '-f', address('alpha'), '-t',
                        address('gamma'), input=b'x\n')
            self.same('submit', waits)
            proxy.add(point)
            alpha.inject(address('beta'), 30000)
            until(point.hit.is_set, 60, 'a transfer under way')
            until(lambda: ctl('show', 'transfers'), 60, 'a transfer')

            self.same('show summary', ctl('show', 'summary'))
            self.same('show peers', ctl('show', 'peers'))
            self.same('show associations', ctl('show', 'associations'))
            self.same('show queue', ctl('show', 'queue'))
            self.same('show transfers', ctl('show', 'transfers'))
            self.same('show message', ctl('show', 'message', waits['id']),
                      also=['show queue'])
            self.same('show peer name', ctl('show', 'peer', 'beta'),
                      also=['show peers'])
            self.same('ping', ctl('ping', 'beta', check=False))
            self.same('reload', ctl('reload'))
            self.same('trace', ctl('trace', '-w', '/dev/null', 'beta', '1'))
            self.same('route', ctl('route', address('gamma')))
            self.same('check', ctl('check', '-f', address('alpha'), '-t',
                                   address('gamma')))
            run = subprocess.run(
                [os.path.join(BUILD, 'mtactl', 'mtactl'), '-j', '-s',
                 alpha.socket, 'backup'], stdin=subprocess.DEVNULL,
                capture_output=True, timeout=60, check=True)
            self.same('backup', json.loads(run.stderr))
            for verb in ('hold', 'release', 'retry', 'reroute', 'expire',
                         'remove'):
                self.same(verb, ctl(verb, '-P', 'gamma'))
            for args in (['log', 'verbose'], ['log', 'brief'],
                         ['peer', 'gamma', 'down']):
                if args[0] not in self.said:    # it says no more than ok
                    self.same('others', ctl(*args))

            out = subprocess.run(
                [os.path.join(BUILD, 'mtactl', 'mtactl'), '-j', '-s',
                 alpha.socket, 'top', '-i', '1', '-n', '1'],
                stdin=subprocess.DEVNULL, capture_output=True, timeout=60,
                check=True)
            self.same('top', json.loads(out.stdout), also=[
                'show summary', 'show peers', 'show associations',
                'show transfers'])

            # the audit log: its fields are those of spoold(8)
            with open(os.path.join(TOP, 'man', 'spoold.8')) as f:
                page = f.read()
            audit = page[page.index('.Ss The audit log'):]
            fields = set(re.findall(r'\bVa ([\w-]+)', audit))
            out = subprocess.run(
                [os.path.join(BUILD, 'mtactl', 'mtactl'), '-j', '-s',
                 alpha.socket, 'track', 'since', '1h'], capture_output=True,
                stdin=subprocess.DEVNULL, timeout=60, check=True)
            events = [json.loads(line) for line in out.stdout.splitlines()]
            self.note('track', events)
            self.assertGreater(len(events), 2)
            self.assertEqual(members(events) - fields,
                             {'recipient_list', 'name'})
            proxy.clear()
            proxy.release()
            proxy.cut()
            self.same('others', ctl('stop'))
            self.one_type()
            self.every_verb()

    def every_verb(self):
        """None is left out: what is not here has no JSON, and says so."""
        with open(os.path.join(TOP, 'mtactl', 'completion', 'words')) as f:
            verbs = {line.split('|')[0].split()[0] for line in f
                     if not line.startswith('#') and '|' in line}
        seen = {entry.split()[0] for kinds in self.types.values()
                for entries in kinds.values() for entry in entries}
        self.assertEqual(verbs - seen, {
            'decode', 'stats', 'help', 'restore',       # decode: below
            'log', 'peer', 'stop'})                     # others
        self.assertIn('stats', self.said)
        self.assertIn('help', self.said)

    def test_decode(self):
        value = {}
        for octets in (b'\x0a\x00', b'\x0a\x05\xc1\x01\x00'):
            out = subprocess.run(
                [os.path.join(BUILD, 'mtactl', 'mtactl'), '-j', 'decode',
                 '-'], input=octets, capture_output=True, timeout=60)
            value[out.returncode] = json.loads(out.stdout)
        octets = os.path.join(TOP, 'tests', 'vectors', 'x400-ping-success',
                              'rtorq.ber')
        out = subprocess.run(
            [os.path.join(BUILD, 'mtactl', 'mtactl'), '-j', 'decode',
             octets], capture_output=True, timeout=60, check=True)
        value[2] = json.loads(out.stdout)
        self.same('decode', list(value.values()))


if __name__ == '__main__':
    unittest.main(verbosity=2)
