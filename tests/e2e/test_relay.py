#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""What beta relays from alpha to gamma in P1 of 1988: everything that it does
not know and need not know as it came, nothing that it would have to know
(X.411 clause 9.1 and 14.3.2)."""

from interop import *       # noqa: F401,F403
from peer import ber

GAMMA = {'C': 'DE', 'ADMD': 'DBP', 'PRMD': 'GAMMA', 'S': 'Doe'}
LINES = [SMALL, 'safe-store 1', 'delay 1s timeout 20s keep 60s']
CRITICAL = '01'                 # for transfer


class Relay(Case):
    def three(self):
        """beta between two scripts; alpha takes what comes back."""
        alpha, gamma = (self.responder(
            name=name, password=password(name),
            credentials={'beta': password('beta')})
            for name in ('alpha', 'gamma'))
        beta = self.daemon('beta', Peer('alpha', alpha.port, *SHORT, *LINES),
                           Peer('gamma', gamma.port, *SHORT, *LINES))
        return alpha, beta, gamma

    def send(self, beta, recipients, **kw):
        initiator = self.initiator(beta).open()
        initiator.send(p1.user_mpdu(ALPHA, recipients, b'\x30\0', DOMAIN,
                                    **kw))
        initiator.close()

    def test_unknown_and_not_critical_is_relayed(self):
        """Of the message and of a recipient, by number and by identifier."""
        _, beta, gamma = self.three()
        odd = b'\x24\x80\x04\x81\x03abc\0\0'    # not as we would write it
        unknown = [p1.unknown('', 199, odd),
                   p1.unknown('', '1.3.12.2.1011', odd)]
        self.send(beta, [dict(GAMMA, extensions=[p1.unknown('', 178)])],
                  extensions=unknown)
        gamma.wait(1)
        mpdu = p1.decode(gamma.messages[0].octets)
        self.assertEqual([x.type for x in mpdu.extensions],
                         [199, '1.3.12.2.1011'])
        self.assertEqual(gamma.messages[0].octets.count(odd), 2)
        self.assertEqual([x.type for x in mpdu.recipients[0]['extensions']],
                         [178])
        self.assertEqual([t[0][2] for t in mpdu.trace], ['ALPHA', 'BETA'])

    def test_known_comes_as_it_was(self):
        _, beta, gamma = self.three()
        sent = [p1.latest_delivery_time('301231235959Z'),
                p1.content_correlator('correlated')]
        self.send(beta, [GAMMA], extensions=sent, content_type=22,
                  types={'types': '001', 'external': ['2.6.1.12.0']})
        gamma.wait(1)
        mpdu = p1.decode(gamma.messages[0].octets)
        self.assertEqual(mpdu.content_type, 22)
        self.assertEqual(
            {x.type: (x.criticality, x.tree().encode(ber.DER))
             for x in mpdu.extensions},
            {x.type: (x.criticality, x.tree().encode(ber.DER))
             for x in sent})

    def refused(self, recipients, reported, **kw):
        alpha, beta, gamma = self.three()
        self.send(beta, recipients, **kw)
        alpha.wait(1)
        report = p1.decode(alpha.messages[0].octets)
        self.assertEqual(report.kind, 'report')
        self.assertEqual(
            [(r['extension'], r['reason'], r['diagnostic'])
             for r in report.recipients], [(n, 1, 18) for n in reported])
        beta.said('unsupported|recipients=%d .*: not delivered' %
                  len(reported))
        beta.idle()
        return gamma

    def test_unknown_and_critical_of_the_message(self):
        gamma = self.refused([GAMMA, dict(GAMMA, S='Other')], [1, 2],
                             extensions=[p1.unknown(CRITICAL, 199)])
        self.assertEqual(gamma.messages, [])

    def test_unknown_and_critical_of_one_recipient(self):
        gamma = self.refused([GAMMA, dict(
            GAMMA, S='Other', extensions=[p1.unknown(CRITICAL, 199)])], [2])
        gamma.wait(1)
        mpdu = p1.decode(gamma.messages[0].octets)
        self.assertEqual([r['flag'][0] for r in mpdu.recipients],
                         ['1', '0'])


if __name__ == '__main__':
    main()
