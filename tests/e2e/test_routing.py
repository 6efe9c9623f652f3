#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Routes with several peers, the ladder from one to the next, what a message
becomes when there is no way left, and what mtactl says of it."""

import socket
import threading

from interop import *       # noqa: F401,F403
from peer import apdu
from peer.script import Stall

FAST = ['retry 1s to 1s', 'delay 1s timeout 20s keep 60s', 'open timeout 5s',
        'alternate after 2 failures']
FR = '/C=FR'
TO_FR = '/C=FR/ADMD=ATLAS/PRMD=BETA/S=Doe'
HERE = DOMAINS['alpha']


def via(*names):
    return 'route "%s" %s' % (FR, ' '.join('via "%s"' % n for n in names))


class Routing(Case):
    def absent(self, name):
        """A daemon that is not started, and whose port nobody answers."""
        daemon = Daemon(name)
        self.addCleanup(daemon.cleanup)
        return daemon

    def start(self, daemon, *peers, lines=()):
        daemon.configure(*peers, lines=lines)
        daemon.start()
        return daemon

    def takes_all(self, name):
        """One that delivers what is for FR, too."""
        daemon = self.absent(name)
        return self.start(
            daemon, Peer('alpha', None, *FAST),
            lines=['deliver "%s" to directory "%s"' % (FR, daemon.delivery)])

    def alpha(self, beta, gamma, *lines):
        return self.start(
            self.absent('alpha'), Peer('beta', beta.port, *FAST, route=False),
            Peer('gamma', gamma.port, *FAST), lines=lines)

    def submit_to(self, daemon, to, *more):
        return daemon.mtactl('submit', '-f', address(daemon.name), '-t', to,
                             *more, input=b'Hello\n')['id']

    def rewrite(self, daemon, change):
        with open(daemon.conf) as f:
            text = f.read()
        daemon.write(change(text))

    def envelope(self, daemon, n=0):
        name = os.path.join(daemon.delivery, daemon.delivered()[n].replace(
            '.p2', '.env'))
        until(lambda: os.path.exists(name), 15, name)   # the last of the two
        with open(name) as f:
            return f.read()

    def hop(self, daemon, name):
        answer = daemon.mtactl('route', TO_FR)
        return [h for h in answer['hops'] if h['name'] == name][0]

    def reported(self, daemon):
        """The envelopes of the reports that a daemon has delivered."""
        found = []
        for name in os.listdir(daemon.delivery):
            if name.endswith('.env') and not name.startswith('.'):
                with open(os.path.join(daemon.delivery, name)) as f:
                    text = f.read()
                if 'reported-recipient-name' in text:
                    found.append(text)
        return found

    def test_alternate_and_back_again(self):
        beta, gamma = self.absent('beta'), self.takes_all('gamma')
        alpha = self.alpha(beta, gamma, via('beta', 'gamma'))
        self.submit_to(alpha, TO_FR)
        gamma.wait_delivered(1, 60)
        alpha.said('alternates-used peer=beta: 2 opens failed')
        text = self.envelope(gamma)
        self.assertIn('action=rerouted; previous=' + DOMAINS['beta'], text)
        self.assertFalse(self.hop(alpha, 'beta')['usable'])
        self.assertTrue(self.hop(alpha, 'gamma')['chosen'])
        # it is called although nothing is queued for it
        self.start(beta, Peer('alpha', None, *FAST))
        alpha.said('alternates-not-used peer=beta', 60)
        self.assertTrue(self.hop(alpha, 'beta')['chosen'])
        self.submit_to(alpha, TO_FR)
        beta.wait_delivered(1, 60)
        self.assertNotRegex(self.envelope(beta), 'rerouted')
        self.assertEqual(len(gamma.delivered()), 1)
        alpha.idle(60)

    def test_a_peer_that_is_down_has_alternates(self):
        """By the operator, at once, and back."""
        beta, gamma = self.absent('beta'), self.takes_all('gamma')
        self.start(beta, Peer('alpha', None, *FAST))
        alpha = self.alpha(beta, gamma, via('beta', 'gamma'))
        alpha.mtactl('peer', 'beta', 'down')
        self.submit_to(alpha, TO_FR)
        gamma.wait_delivered(1, 60)
        alpha.mtactl('peer', 'beta', 'up')
        self.submit_to(alpha, TO_FR)
        beta.wait_delivered(1, 60)

    def test_expiry_is_reported_to_the_originator(self):
        beta, gamma = self.absent('beta'), self.absent('gamma')
        alpha = self.absent('alpha')
        self.start(gamma, Peer('alpha', alpha.port, *FAST),
                   lines=['route "%s" via "alpha"' % FR])
        self.start(alpha, Peer('beta', beta.port, *FAST),
                   Peer('gamma', gamma.port, *FAST),
                   lines=['expire urgent 1h normal 3s non-urgent 1d'])
        self.submit_to(gamma, TO_FR, '-p', 'urgent')
        self.submit_to(gamma, TO_FR)
        until(lambda: self.reported(gamma), 90, 'a report')
        self.assertEqual(len(self.reported(gamma)), 1)
        self.assertRegex(self.reported(gamma)[0],
                         'reason=1 .unable-to-transfer.; '
                         'diagnostic=5 .maximum-time-expired.')
        until(lambda: [m['priority'] for m in alpha.mtactl('show', 'queue')]
              == ['urgent'], 60, 'only the urgent one left')

    def test_a_held_message_expires_too(self):
        """Without a route; the report comes to us."""
        alpha = self.absent('alpha')
        self.start(alpha, lines=['expire normal 2s'])
        self.submit_to(alpha, TO_FR)
        alpha.said('message-held .*: no route')
        until(lambda: self.reported(alpha), 90, 'a report')
        until(lambda: alpha.mtactl('show', 'queue') == [], 60, 'nothing left')

    def test_urgent_is_retried_sooner(self):
        """Each priority has its own ladder, to the same dead peer."""
        calls = []
        dead = self.listener(calls.append)
        alpha = self.absent('alpha')
        self.start(alpha, Peer('beta', dead, *FAST[1:3],
                               'retry urgent 1s to 1s normal 1h to 2h '
                               'non-urgent 2h to 2h'))
        for priority in ('non-urgent', 'normal'):
            self.submit_to(alpha, TO_FR, '-p', priority)
        until(lambda: calls, 60, 'a call')

        def waits():
            return [p for p in alpha.mtactl('show', 'peers')
                    if p['retry_in'] > 2000]
        until(waits, 60, 'and then it waits for the longer time')
        n = len(calls)
        urgent = self.submit_to(alpha, TO_FR, '-p', 'urgent')
        until(lambda: len(calls) >= n + 4, 60, 'one call after the other')
        alpha.mtactl('remove', urgent)
        until(waits, 60, 'the others wait for their time')

    def test_urgent_opens_sooner(self):
        """Each priority has its own threshold: while a message does not come
        to an end, what is not urgent waits behind it, what is goes."""
        over = threading.Event()
        beta = self.responder()
        beta.next(Script(Stall('out', name='AEA', until=over)))
        self.addCleanup(over.set)
        alpha = self.absent('alpha')
        self.start(alpha, Peer(
            'beta', beta.port, *FAST[:3], 'associations 4',
            'threshold urgent 1 normal 5 non-urgent 100 oldest 0'))

        def up():
            return len(alpha.mtactl('show', 'associations'))

        def submit(n, priority):
            for _ in range(n):
                self.submit_to(alpha, TO_FR, '-p', priority)
        submit(20, 'non-urgent')
        until(lambda: alpha.mtactl('show', 'transfers'), 60, 'a transfer')
        submit(3, 'normal')
        self.assertEqual(up(), 1)
        submit(1, 'urgent')
        until(lambda: up() == 2, 60, 'one for the urgent one')
        beta.wait(1, timeout=60)    # it, not what was there before
        submit(4, 'normal')
        until(lambda: up() >= 3, 60, 'one for normal ones')
        over.set()
        alpha.idle(60)
        beta.wait(28, timeout=60)

    def listener(self, called):
        """A port that ends each connection at once."""
        server = socket.create_server(('127.0.0.1', 0))
        self.addCleanup(server.close)

        def serve():
            while True:
                try:
                    connection, peer = server.accept()
                except OSError:
                    return
                called(peer)
                connection.close()
        threading.Thread(target=serve, daemon=True).start()
        return server.getsockname()[1]

    def test_KB_Q278444_full_table_queues(self):
        """A peer that refuses with busy is waited for, whatever else there
        is, until it has room."""
        self.full = True
        refused = []

        def on_open(responder, peer):
            if not self.full:
                return 'accept'
            refused.append(peer.name)
            return apdu.RTS_BUSY
        beta = self.responder(on_open=on_open)
        gamma = self.takes_all('gamma')
        alpha = self.alpha(beta, gamma, via('beta', 'gamma'))
        for _ in range(3):
            self.submit_to(alpha, TO_FR, '-p', 'urgent')
        until(lambda: len(refused) > 4, 60, 'refusals')
        self.assertTrue(self.hop(alpha, 'beta')['usable'])
        self.assertEqual(gamma.delivered(), [])
        self.full = False
        beta.wait(3, timeout=60)
        alpha.idle(60)
        self.assertEqual(gamma.delivered(), [])

    def test_reload_routes_again(self):
        beta, gamma = self.absent('beta'), self.takes_all('gamma')
        alpha = self.alpha(beta, gamma, via('beta'))
        for _ in range(5):
            self.submit_to(alpha, TO_FR)
        self.submit_to(alpha, '/C=US/ADMD=X/S=Doe')
        self.rewrite(alpha, lambda text: text.replace(via('beta'),
                                                      via('gamma')))
        alpha.mtactl('reload')
        gamma.wait_delivered(5, 60)
        self.assertNotRegex(self.envelope(gamma), 'rerouted')
        until(lambda: [m['held'] for m in alpha.mtactl('show', 'queue')] ==
              [True], 60, 'only the one without a route left')

    def test_unknown_in_a_complete_domain(self):
        alpha = self.absent('alpha')
        alpha.configure()
        self.rewrite(alpha, lambda text: text.replace(
            'deliver "%s" to' % HERE, 'domain "%s" complete\n'
            'deliver "%s/S=Doe" to' % (HERE, HERE)))
        alpha.start()
        self.submit_to(alpha, HERE + '/S=Nobody')
        until(lambda: self.reported(alpha), 60, 'a report')
        self.assertRegex(self.reported(alpha)[0],
                         'reason=1 .unable-to-transfer.; '
                         'diagnostic=0 .unrecognised-OR-name.')
        answer = alpha.mtactl('route', HERE + '/S=Nobody')
        self.assertEqual(answer['result'], 'unknown')
        self.assertEqual(alpha.mtactl('route', HERE + '/S=Doe')['result'],
                         'found')

    def test_mtactl_route(self):
        beta, gamma = self.absent('beta'), self.absent('gamma')
        alpha = self.alpha(
            beta, gamma, 'route "%s" via "beta" cost 7 via "gamma" cost 9 '
            'weight 2' % FR, 'route "%s/ADMD=ATLAS/PRMD=OTHER" via "gamma"' %
            FR, 'route "%s/ADMD=ATLAS/PRMD=BETA/CN=LF*" via "gamma"' % FR)
        answer = alpha.mtactl('route', TO_FR)
        self.assertEqual(answer['result'], 'found')
        self.assertEqual(answer['prefix'], '/ADMD= /C=FR/')
        self.assertEqual(answer['via'], 'beta')
        self.assertEqual(
            [(h['name'], h['cost'], h['weight'], h['usable'], h['chosen'])
             for h in answer['hops']],
            [('beta', 7, 1, True, True), ('gamma', 9, 2, True, False)])
        steps = '\n'.join(answer['steps'])
        self.assertRegex(steps, 'longest prefix that holds it is '
                         '/ADMD= /C=FR/: 1 attribute(\n|$)')
        self.assertIn('longer, but not for it: /PRMD=OTHER/ADMD=ATLAS/C=FR/, '
                      'for the address has PRMD=BETA', steps)
        self.assertIn('there is no CN=LF* in the address', steps)
        self.assertRegex(steps, 'it would go to beta$')
        answer = alpha.mtactl('route', TO_FR + '/CN=LFPG')
        self.assertEqual(answer['prefix'],
                         '/CN=LF*/PRMD=BETA/ADMD=ATLAS/C=FR/')
        self.assertEqual(answer['via'], 'gamma')
        self.assertIn('by a pattern', '\n'.join(answer['steps']))
        self.assertIn('which is shorter', '\n'.join(answer['steps']))
        answer = alpha.mtactl('route', '/C=US/ADMD=X/S=Doe')
        self.assertEqual((answer['result'], answer['via'], answer['hops']),
                         ('none', None, []))
        with self.assertRaisesRegex(RuntimeError, r'/C=F%\n\t    \^'):
            alpha.mtactl('route', '/C=F%')

    def test_mtactl_check_follows_lists_and_redirections(self):
        """Those who get it in place of who was named are in the answer."""
        beta, gamma = self.absent('beta'), self.absent('gamma')
        alpha = self.alpha(
            beta, gamma, via('beta'),
            'redirect "%s/S=Old" to "%s/S=New"' % (HERE, HERE),
            'list "%s/CN=all" {\n member "%s"\n member "%s/S=Old"\n}' %
            (HERE, TO_FR, HERE))
        answer = alpha.mtactl('check', '-t', HERE + '/CN=all')
        self.assertEqual(
            [(r['recipient'].split('/')[1], r['fate'], r['where'])
             for r in answer],
            [('CN=all', 'replaced', None), ('S=Doe', 'routed', 'beta'),
             ('S=Old', 'replaced', None),
             ('S=New', 'delivered', alpha.delivery)])
        self.assertEqual(alpha.mtactl('show', 'queue'), [])
        for name, text in (('CN=all', 'a distribution list'),
                           ('S=Old', 'redirected to /S=New')):
            answer = alpha.mtactl('route', '%s/%s' % (HERE, name))
            self.assertIn(text, '\n'.join(answer['steps']))

    def test_mtactl_check(self):
        beta, gamma = self.absent('beta'), self.absent('gamma')
        alpha = self.alpha(beta, gamma, via('beta', 'gamma'),
                           'domain "/C=FR/ADMD=EMPTY" complete',
                           'limit content 100K')
        answer = alpha.mtactl(
            'check', '-f', address('alpha'), '-t', TO_FR, '-t',
            address('alpha'), '-t', '/C=US/ADMD=X/S=Doe', '-t',
            '/C=FR/ADMD=EMPTY/S=Doe', '-l', '1000', '-p', 'urgent')
        self.assertEqual(
            [(r['fate'], r['where'], r['reason'], r['diagnostic'])
             for r in answer],
            [('routed', 'beta', None, None),
             ('delivered', alpha.delivery, None, None),
             ('held', None, None, None),
             ('non-delivery', None, 1, 0)])
        self.assertEqual(answer[2]['text'], 'no route')
        answer = alpha.mtactl('check', '-t', TO_FR, '-l', '200000')
        self.assertEqual(answer[0]['fate'], 'refused')
        # nothing of it is there, and nothing was said
        self.assertEqual(alpha.mtactl('show', 'queue'), [])
        self.assertEqual(alpha.mtactl('show', 'summary')['held'], 0)
        self.assertEqual(alpha.lines('message=[0-9A-F]{16}'), [])
        # the same with the first one away
        alpha.mtactl('peer', 'beta', 'down')
        answer = alpha.mtactl('check', '-t', TO_FR)
        self.assertEqual((answer[0]['fate'], answer[0]['where']),
                         ('routed', 'gamma'))
        self.assertIn('beta', answer[0]['text'])


if __name__ == '__main__':
    main()
