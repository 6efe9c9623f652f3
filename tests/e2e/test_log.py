#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The log: by syslog(3) also after syslogd was started again, one identifier
a line, and one association in detail through all layers."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..'))
from e2e.mtadtest import BUILD, Mta, Peer, address, until   # noqa: E402

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
FAST = ('retry 1s to 2s', 'recover yes', 'idle 1h')
LIMIT = 30


def identifiers():
    with open(os.path.join(SOURCE, 'common', 'event.h')) as f:
        return set(re.findall(r'^\tE\([A-Z_]+,\s+"([a-z-]+)"\)', f.read(),
                              re.M))


# IDENTIFIER *(" " KEY "=" VALUE) [": " WORDS]
LINE = re.compile(r'([a-z-]+)((?: [a-z]+=(?:"[^"]*"|[^ ":]+))*)(?:: .*)?$')


class Syslogd:
    """A /dev with a log of ours in it, for processes within a namespace."""

    def __init__(self, directory):
        self.dev = os.path.join(directory, 'dev')
        self.path = os.path.join(self.dev, 'log')
        self.lines = []
        os.mkdir(self.dev)
        os.chmod(self.dev, 0o755)
        for name in ('null', 'zero', 'random', 'urandom'):
            with open(os.path.join(self.dev, name), 'w'):
                pass
        self.start()

    def start(self):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.setblocking(False)

    def stop(self):
        self.read()
        self.socket.close()
        os.unlink(self.path)

    def read(self):
        while True:
            try:
                self.lines.append(self.socket.recv(8192).decode())
            except BlockingIOError:
                return self.lines

    def within(self):
        """What runs a command so that it sees this /dev."""
        nodes = ''.join('mount --bind /dev/%s %s/%s && ' % (n, self.dev, n)
                        for n in ('null', 'zero', 'random', 'urandom'))
        return ['unshare', '-m', '--propagation', 'private', 'sh', '-c',
                nodes + 'mount --bind %s /dev && exec "$@"' % self.dev, 'sh']


class Syslog(unittest.TestCase):
    def setUp(self):
        self.mta = Mta('alpha')
        self.addCleanup(self.mta.cleanup)
        self.mta.configure()
        self.syslogd = Syslogd(self.mta.dir)
        self.addCleanup(self.syslogd.stop)
        self.pid = None

    def start(self):
        pid_file = os.path.join(self.mta.dir, 'pid')
        subprocess.run(
            self.syslogd.within() +
            [os.path.join(BUILD, 'mtad', 'mtad'), '-f', self.mta.conf, '-L',
             BUILD, '-p', pid_file] + self.mta.flags, check=True,
            timeout=60, stdin=subprocess.DEVNULL)
        with open(pid_file) as f:
            self.pid = int(f.read())
        self.addCleanup(self.stop)

    def stop(self):
        if self.pid is None:
            return
        os.kill(self.pid, signal.SIGTERM)
        until(lambda: not os.path.exists('/proc/%d' % self.pid), LIMIT, 'end')
        self.pid = None

    def children(self):
        with open('/proc/%d/task/%d/children' % (self.pid, self.pid)) as f:
            out = {}
            for pid in f.read().split():
                with open('/proc/%s/comm' % pid) as c:
                    out[c.read().strip()] = int(pid)
            return out

    def said(self, pattern):
        until(lambda: any(re.search(pattern, line)
                          for line in self.syslogd.read()), LIMIT,
              '%s in\n%s' % (pattern, '\n'.join(self.syslogd.lines)))

    def submit(self):
        self.mta.mtactl('submit', '-f', address('alpha'), '-t',
                        address('alpha'), input=b'text')

    def test_syslogd_started_again(self):
        """A child cannot reach it from its chroot; mtad can."""
        self.start()
        self.said(r'^<22>.* mtad\[%d\]: ready mta="alpha"' % self.pid)
        child = self.children()['spoold']
        self.submit()
        self.said(r'^<22>.* spoold\[%d\]: message-submitted message=[0-9A-F]{'
                  r'16} id="' % child)
        self.said(r'^<22>.* spoold\[%d\]: message-delivered ' % child)
        self.syslogd.stop()
        self.submit()               # nobody hears of it, nothing is stopped
        until(lambda: len(self.mta.delivered()) == 2, LIMIT, 'delivery')
        self.syslogd.start()
        self.syslogd.lines.clear()
        self.submit()
        self.said(r'spoold\[%d\]: message-delivered ' % child)
        # what has no level comes from a library, or from nobody knows whom
        self.assertEqual([line for line in self.syslogd.lines
                          if 'output' in line], [])

    def test_last_words(self):
        """What a child said comes before that it is gone."""
        self.start()
        child = self.children()['rtsd']
        os.kill(child, signal.SIGKILL)
        self.said(r'^<20>.* mtad\[\d+\]: process-ended process=rtsd signal=9: '
                  'starting it again')
        until(lambda: self.children().get('rtsd', child) != child, LIMIT,
              'a new rtsd')
        self.stop()
        self.said(r'mtad\[\d+\]: stopping ')
        self.said(r'mtad\[\d+\]: stopped ')


class Detail(unittest.TestCase):
    def setUp(self):
        self.mtas = [Mta(n) for n in ('alpha', 'beta', 'gamma')]
        for mta in self.mtas:
            self.addCleanup(mta.cleanup)
        alpha, beta, gamma = self.mtas
        alpha.configure(Peer('beta', beta.port, *FAST),
                        Peer('gamma', gamma.port, *FAST))
        beta.configure(Peer('alpha', None, *FAST))
        gamma.configure(Peer('alpha', None, *FAST))
        for mta in reversed(self.mtas):
            mta.start()
        self.alpha = alpha

    def carry(self, length=3000):
        marks = [mta.log_size() for mta in self.mtas]
        before = [len(mta.delivered()) for mta in self.mtas]
        for to in 'beta', 'gamma':
            self.alpha.inject(address(to), length)
        until(lambda: all(len(self.mtas[n].delivered()) == before[n] + 1
                          for n in (1, 2)), LIMIT, 'delivery')
        return [mta.log(mark) for mta, mark in zip(self.mtas, marks)]

    def test_one_peer(self):
        alpha = self.alpha
        for log in self.carry():
            self.assertNotIn(': debug ', log)
        alpha.mtactl('log', 'verbose', 'beta')
        # it is in force when the next association sees it, or this one
        deadline = time.monotonic() + LIMIT
        while ': debug peer=beta' not in (log := self.carry())[0]:
            self.assertLess(time.monotonic(), deadline)
        self.assertNotIn('debug peer=gamma', log[0])
        self.assertNotIn(': debug', log[1])
        alpha.kill('rtsd')
        alpha_log = self.carry()[0]
        # the new rtsd knows, and tells of all layers from the CR on
        for text in ('transport: send CR', 'transport: receive CC, TPDU of ',
                     'reliable transfer: propose, X.410-1984 mode, ',
                     'session: send CN, ', 'session: receive AC, ',
                     'reliable transfer: open, checkpoint ',
                     'session: send AS, ', 'session: send DT, ',
                     'session: receive AEA, ',
                     'reliable transfer: message .* is confirmed'):
            self.assertRegex(alpha_log, 'debug peer=beta association=.* '
                             'role=initiator .*: ' + text)
        self.assertNotIn('debug peer=gamma', alpha_log)
        alpha.mtactl('log', 'brief', 'beta')
        deadline = time.monotonic() + LIMIT
        while ': debug ' in self.carry()[0]:
            self.assertLess(time.monotonic(), deadline)
        with self.assertRaisesRegex(RuntimeError, 'no such peer'):
            alpha.mtactl('log', 'verbose', 'nobody')

    def test_normal_mode(self):
        for mta in self.mtas:
            with open(mta.conf) as f:
                text = f.read()
            mta.write(text.replace('log verbose', '').replace(
                'mode x410-1984', 'mode normal').replace(
                    'recover yes', 'recover yes\n\tlog verbose'))
            mta.mtactl('reload')
            until(lambda m=mta: 'config-reloaded' in m.log(), LIMIT, 'reload')
        for log in self.carry()[:2]:
            for text in ('presentation: contexts 1 ',
                         'association control: mts-transfer',
                         'reliable transfer: open, checkpoint '):
                self.assertIn(text, log)

    def test_all(self):
        self.alpha.mtactl('log', 'verbose')
        deadline = time.monotonic() + LIMIT
        while 'debug peer=gamma' not in (log := self.carry()[0]) or \
                'debug peer=beta' not in log:
            self.assertLess(time.monotonic(), deadline)
        self.alpha.mtactl('log', 'brief')
        deadline = time.monotonic() + LIMIT
        while ': debug ' in self.carry()[0]:
            self.assertLess(time.monotonic(), deadline)


@unittest.skipIf('MTAD_SANITIZED' in os.environ, 'it has lines of its own')
class Lines(unittest.TestCase):
    def test_form(self):
        """Every line of a lively hour has the form that is promised."""
        known = identifiers()
        self.assertGreater(len(known), 80)
        with Mta('alpha') as alpha, Mta('beta') as beta:
            alpha.configure(Peer('beta', beta.port, 'checkpoint 1 window 3',
                                 *FAST), lines=['log verbose'])
            beta.configure(Peer('alpha', None, 'checkpoint 1 window 3',
                                *FAST))
            alpha.start()
            alpha.inject(address('beta'), 100000, n=20)
            until(lambda: 'call-failed' in alpha.log(), LIMIT, 'a failure')
            beta.start()
            for victim in alpha, beta:
                for role in 'rtsd', 'spoold':
                    until(lambda m=victim: len(m.pids()) == 3, LIMIT)
                    victim.kill(role)
            alpha.mtactl('submit', '-f', address('alpha'), '-t',
                         '/C=XX/A=nowhere/S=x/', input=b'text')
            until(lambda: len(beta.delivered()) == 20, 120, 'delivery')
            lines = 0
            for mta in alpha, beta:
                mta.stop()
                for line in mta.log().splitlines():
                    _, _, text = line.partition(']: ')
                    found = LINE.match(text)
                    self.assertTrue(found, line)
                    self.assertIn(found.group(1), known, line)
                    lines += 1
            self.assertGreater(lines, 50)


if __name__ == '__main__':
    unittest.main()
