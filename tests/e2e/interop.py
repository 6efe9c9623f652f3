# SPDX-License-Identifier: ISC
"""A confined mtad and the scripted MTA of tests/peer, in either role.

The daemon is alpha when it calls and beta when it is called; the other one is
the script.  At the end of each test the three processes have to be those that
started, nothing in the log may come from a sanitizer, and the script must
have seen nothing that is against the Recommendations but what the test
allows."""

import concurrent.futures
import os
import re
import sys
import tempfile
import time
import traceback
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..'))

from peer import p2, pcap                               # noqa: E402
from peer.mta import Initiator, Responder               # noqa: E402
from peer.rts import (Aborted, ExceptionReported, Lost, Rejected,  # noqa: E402
                      Released, Timeout, TransportRefused)
from peer.script import Script                          # noqa: E402
from e2e.mtadtest import DOMAINS, MODE, Mta, Peer, address, password, until  # noqa: E402,E501

# What the script speaks is what the daemon is configured for.
if MODE == 'x410-1984':
    from peer import p1                                 # noqa: E402
    SCRIPT_MODE = 'x410'
else:
    from peer import p1_88 as p1                        # noqa: E402
    SCRIPT_MODE = MODE

# What RTSE carries is the MPDU, in normal mode with an EXTERNAL around it.
WRAP = 11 if MODE == 'normal' else 0
x410_only = unittest.skipUnless(MODE.startswith('x410'), 'of X.410 mode')
p1_84_only = unittest.skipUnless(MODE == 'x410-1984', 'of 1984')

ALPHA = {'C': 'GB', 'ADMD': 'GOLD 400', 'PRMD': 'ALPHA', 'S': 'Doe'}
BETA = {'C': 'FR', 'ADMD': 'ATLAS', 'PRMD': 'BETA', 'S': 'Doe'}
DOMAIN = ('GB', 'GOLD 400', 'ALPHA')

# Time limits that make a test of them short.
SHORT = ['retry 1s to 1s', 'delay 1s timeout 20s keep 60s', 'open timeout 2s',
         'associations 1', 'idle 60s']
SMALL = 'checkpoint 1 window 3'
GONE = (Lost, Aborted, Released, Timeout)


def octets(length, seed=0):
    """Octets of a content; no two places of it are alike."""
    block = b''.join((i * 7919 + seed).to_bytes(4, 'big')
                     for i in range(min(length, 1 << 18) // 4 + 1))
    return (block * (length // len(block) + 1))[:length]


def mpdu_of(content, originator=ALPHA, recipient=BETA, **kw):
    return p1.user_mpdu(originator, [recipient], content, DOMAIN, **kw)


def mpdu_length(length, seed=0, **kw):
    """A UserMPDU of exactly so many octets."""
    size = length
    while True:
        mpdu = mpdu_of(octets(size, seed), **kw)
        if len(mpdu) == length:
            return mpdu
        size -= len(mpdu) - length


class Daemon(Mta):
    """An Mta whose log is asked for."""

    def said(self, text, timeout=10.0):
        """The first line of the log that fits a regular expression."""
        pattern = re.compile('^.*' + text + '.*$', re.M)
        found = until(lambda: pattern.search(self.log()), timeout,
                      'log line %r' % text, 0.02)
        return found.group(0)

    def lines(self, text):
        return re.findall('^.*' + text + '.*$', self.log(), re.M)

    def idle(self, timeout=15.0):
        """Nothing is queued and no transfer is under way."""
        def quiet():
            s = self.mtactl('show', 'summary')
            return not s['queued'] and not s['transfers']
        until(quiet, timeout, 'empty queue of %s' % self.name, 0.05)

    def wait_delivered(self, n, timeout=20.0):
        until(lambda: len(self.delivered()) >= n, timeout,
              '%d deliveries' % n)
        return self.delivered()


class Case(unittest.TestCase):
    def setUp(self):
        self.daemons = []
        self.stores = []
        self.allowed = []
        self.closing = []
        self.restarts = False       # the test kills processes itself

    def tearDown(self):
        for initiator in self.closing:
            initiator.close_connection()
        problems = []
        for daemon, pids in self.daemons:
            if not self.restarts and daemon.pids() != pids:
                problems.append('processes %s, now %s' % (
                    pids, daemon.pids()))
        for store in self.stores:
            problems += [v for v in store.violations
                         if not any(text in v for text in self.allowed)]
        result = self._outcome.result
        bad = problems or any(
            getattr(test, 'test_case', test) is self
            for test, _ in result.failures + result.errors)
        for daemon, _ in self.daemons:
            if bad and 'INTEROP_LOG' in os.environ:
                print('\n--- %s of %s\n%s' % (daemon.name, self.id(),
                                            daemon.log()))
            daemon.cleanup()
        self.assertEqual(problems, [])

    def together(self, function, cases, workers=12):
        """Calls a function with the arguments of each case, several at a
        time; each case has daemons of its own."""
        def call(case):
            try:
                function(*case)
            except Exception:
                return '%s\n%s' % (case, traceback.format_exc())
        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            wrong = [w for w in pool.map(call, cases) if w is not None]
        if wrong:
            self.fail('%d of %d:\n%s' % (len(wrong), len(cases),
                                         '\n'.join(wrong)))

    # The daemon.

    def daemon(self, name, *peers, lines=(), tls='', **kw):
        daemon = Daemon(name, **kw).configure(*peers, lines=lines, tls=tls)
        daemon.start()
        self.daemons.append((daemon, daemon.pids()))
        return daemon

    def caller(self, port, *lines, base=SHORT):
        """Our alpha, with a peer beta at a port."""
        return self.daemon('alpha', Peer('beta', port, *base, *lines))

    def called(self, *lines, base=SHORT):
        """Our beta, that alpha may call."""
        return self.daemon('beta', Peer('alpha', None, *base, *lines))

    # The script.

    def responder(self, *scripts, **kw):
        kw.setdefault('mode', SCRIPT_MODE)
        kw.setdefault('name', 'beta')
        kw.setdefault('password', password('beta'))
        kw.setdefault('credentials', {'alpha': password('alpha')})
        responder = Responder(**kw).start()
        for faults in scripts:
            responder.next(Script(*faults))
        self.addCleanup(responder.stop)
        self.stores.append(responder.store)
        return responder

    def initiator(self, daemon, *faults, port=None, **kw):
        kw.setdefault('mode', SCRIPT_MODE)
        kw.setdefault('name', 'alpha')
        kw.setdefault('password', password('alpha'))
        initiator = Initiator(port or daemon.port, Script(*faults), **kw)
        self.stores.append(initiator.store)
        self.closing.append(initiator)
        return initiator

    # Messages.

    def submit(self, daemon, content, to='beta', priority=None):
        """Submits a ready content and returns its id."""
        with tempfile.NamedTemporaryFile() as file:
            file.write(content)
            file.flush()
            out = daemon.mtactl(
                'submit', '-b', '-f', address(daemon.name), '-t',
                address(to), *(['-p', priority] if priority else []),
                file.name)
        return out['id']

    def content_of(self, message):
        return p1.decode(message.octets).content

    def received(self, responder, *contents, timeout=20.0):
        """The script has these contents, each once."""
        responder.wait(len(contents), timeout=timeout)
        self.same([self.content_of(m) for m in responder.messages], contents)

    def delivered(self, daemon, *contents, timeout=20.0):
        """The daemon has delivered these contents, each once."""
        names = daemon.wait_delivered(len(contents), timeout)
        self.same([daemon.content(name) for name in names], contents)

    def same(self, have, want):
        """Equal but for the order, without printing them."""
        self.assertEqual(sorted(map(len, have)), sorted(map(len, want)))
        self.assertTrue(sorted(have) == sorted(want), 'contents differ')


# beta between alpha and gamma.
GAMMA = {'C': 'DE', 'ADMD': 'DBP', 'PRMD': 'GAMMA', 'S': 'Doe'}
BETA_DOMAIN = ('FR', 'ATLAS', 'BETA')
GAMMA_DOMAIN = ('DE', 'DBP', 'GAMMA')
LINES = [SMALL, 'safe-store 1', 'delay 1s timeout 20s keep 60s']
REPORT, NON_DELIVERY, AUDITED = '11010000', '10101000', '11110000'
newer = unittest.skipIf(MODE == 'x410-1984', 'of 1988')


class Between(Case):
    def three(self, *lines, of_alpha=(), of_gamma=()):
        """beta between two scripts; both take what comes."""
        alpha, gamma = (self.responder(
            name=name, password=password(name),
            credentials={'beta': password('beta')})
            for name in ('alpha', 'gamma'))
        beta = self.daemon(
            'beta', Peer('alpha', alpha.port, *SHORT, *LINES, *of_alpha),
            Peer('gamma', gamma.port, *SHORT, *LINES, *of_gamma),
            lines=lines)
        return alpha, beta, gamma

    def send(self, beta, *mpdus):
        initiator = self.initiator(beta).open()
        for mpdu in mpdus:
            initiator.send(mpdu)
        initiator.close()

    def message(self, *recipients, content=b'\x30\0', **kw):
        return p1.user_mpdu(ALPHA, recipients, content, DOMAIN, **kw)

    def report(self, alpha, n=1):
        alpha.wait(n)
        report = p1.decode(alpha.messages[n - 1].octets)
        self.assertEqual(report.kind, 'report')
        self.assertEqual(report.originator, ALPHA)
        self.assertEqual(report.trace[0][0], BETA_DOMAIN)
        return report

    def about(self, report):
        """(number, None) of deliveries, (number, reason, diagnostic)."""
        return [(r['extension'], None) if 'delivery' in r else
                (r['extension'], r['reason'], r.get('diagnostic'))
                for r in report.recipients]


def main():
    unittest.main(verbosity=2 if sys.stdout.isatty() else 1)


__all__ = [
    'ALPHA', 'AUDITED', 'Aborted', 'BETA', 'BETA_DOMAIN', 'Between', 'Case', 'DOMAIN', 'DOMAINS', 'Daemon',
    'ExceptionReported', 'GAMMA', 'GAMMA_DOMAIN', 'GONE',
    'LINES', 'NON_DELIVERY', 'REPORT', 'Initiator', 'Lost', 'MODE', 'Mta', 'Peer',
    'Rejected', 'Released', 'Responder', 'SHORT', 'SMALL', 'Script',
    'Timeout', 'TransportRefused', 'WRAP', 'address', 'main', 'mpdu_length',
    'mpdu_of', 'octets', 'os', 'p1', 'p2', 're', 'password', 'pcap', 'time',
    'newer', 'p1_84_only', 'unittest', 'until', 'x410_only']
