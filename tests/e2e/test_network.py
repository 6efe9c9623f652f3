#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Two, three and four MTAs with cables between them: what happens when one is
pulled out, and when messages go in circles."""

from interop import *       # noqa: F401,F403
from e2e.network import Network, available

FAST = ['retry 1s to 2s', 'recover yes delay 1s timeout 20s keep 60s',
        'open timeout 2s', 'transfer timeout 4s', 'checkpoint 64 window 3',
        'alternate after 1 failures']


@unittest.skipUnless(available(), 'no network namespaces')
class Net(unittest.TestCase):
    def network(self, *names):
        net = Network(*names)
        self.addCleanup(net.close)
        return net

    def mesh(self, net):
        """A cable between each two, and to each of them two ways."""
        names = list(net.nodes)
        for i, a in enumerate(names):
            for b in names[i + 1:]:
                net.cable(a, b)
        for a in names:
            lines, peers = [], []
            for b in names:
                if b == a:
                    continue
                others = [c for c in names if c not in (a, b)]
                peers.append(net.peer(a, b, *FAST, route=False))
                lines.append('route "%s" %s' % (DOMAINS[b], ' '.join(
                    'via "%s"' % c for c in [b] + others)))
            net[a].configure(*peers, lines=lines)
            text = open_text(net[a].conf)
            # the peers have to stand before the routes that name them
            net[a].write(text)
        net.start()

    def wait(self, net, name, n, timeout=60.0):
        until(lambda: len(net[name].delivered()) >= n, timeout,
              '%d deliveries' % n)
        self.assertEqual(len(net[name].delivered()), n)

    def envelopes(self, node):
        out = []
        for name in sorted(os.listdir(node.delivery)):
            if re.fullmatch('[0-9A-F]{16}.env', name):
                out.append(open_text(os.path.join(node.delivery, name)))
        return out

    def test_cable_out_and_in_again(self):
        """In the middle of a message, with nobody told: it goes on where it
        was."""
        net = self.network('alpha', 'beta')
        net.cable('alpha', 'beta')
        net['alpha'].configure(net.peer('alpha', 'beta', *FAST))
        net['beta'].configure(net.peer('beta', 'alpha', *FAST))
        net.start()
        net['alpha'].inject(address('beta'), 60 << 20)
        until(lambda: any(t['octets'] > 1 << 20 for t in
                          net['alpha'].mtactl('show', 'transfers')), 20,
              'a transfer under way')
        net.plug('alpha', 'beta', False)
        until(lambda: 'no progress' in net['alpha'].log() or
              'connection lost' in net['alpha'].log(), 60, 'noticed')
        net.plug('alpha', 'beta', True)
        self.wait(net, 'beta', 1)
        self.assertRegex(net['alpha'].log(), 'transfer-out-resumed')

    def test_dead_link_fails_over_and_back(self):
        net = self.network('alpha', 'beta', 'gamma')
        self.mesh(net)
        alpha, gamma = net['alpha'], net['gamma']
        alpha.inject(address('gamma'), 1000)
        self.wait(net, 'gamma', 1)
        net.plug('alpha', 'gamma', False)
        net.reset('alpha', 'gamma')
        alpha.inject(address('gamma'), 1000, 20)
        self.wait(net, 'gamma', 21)
        by_beta = [e for e in self.envelopes(gamma) if 'PRMD=BETA' in
                   ''.join(re.findall('^trace.*$', e, re.M))]
        self.assertEqual(len(by_beta), 20)
        for text in by_beta:
            self.assertRegex(text, r'(?m)^trace.*rerouted')
        net.plug('alpha', 'gamma', True)

        def straight():
            """One more that went by its own way."""
            known = set(self.envelopes(gamma))
            alpha.inject(address('gamma'), 10)
            text, = until(lambda: set(self.envelopes(gamma)) - known, 30,
                          'delivery')
            return 'rerouted' not in text
        until(straight, 60, 'the own way again', 0.2)

    def test_ring(self):
        """Each believes the next to know the way: somebody sees the loop,
        and the originator gets to hear of it, once."""
        names = 'alpha', 'beta', 'gamma', 'delta'
        net = self.network(*names)
        ring = list(zip(names, names[1:] + names[:1]))
        for a, b in ring:
            net.cable(a, b)
        for i, a in enumerate(names):
            after, before = names[(i + 1) % 4], names[(i + 3) % 4]
            lines = ['route "%s" via "%s"' % (DOMAINS[b], before)
                     for b in names if b not in (a, before, after)]
            net[a].configure(
                net.peer(a, after, *FAST), net.peer(a, before, *FAST),
                lines=['route "/C=US" via "%s"' % after] + lines)
        net.start()
        alpha = net['alpha']
        alpha.mtactl('submit', '-f', address('alpha'), '-t',
                     '/C=US/ADMD=X/S=Nobody', input=b'round and round\n')
        text, = until(lambda: self.envelopes(alpha), 30, 'report')
        self.assertRegex(text, 'unable-to-transfer')
        self.assertRegex(text, 'loop-detected')
        until(lambda: not any(n.mtactl('show', 'summary')['queued']
                              for n in net), 20, 'empty queues')
        self.assertEqual(len(self.envelopes(alpha)), 1)
        seen = [n.log().count(': transfer-in-done ') for n in net]
        self.assertLessEqual(max(seen), 5)


def open_text(name):
    with open(name) as file:
        return file.read()


if __name__ == '__main__':
    main()
