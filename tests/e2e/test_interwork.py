#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Messages of 1988 on their way to a system of 1984: beta relays from alpha
to gamma, which takes P1 and P2 of 1984 and nothing else.  What it gets is read
by tables of 1984 that share no code with the daemons."""

from interop import *       # noqa: F401,F403
from peer import ber, p1 as p1_84
from peer.script import AFTER, Cut

GAMMA = {'C': 'DE', 'ADMD': 'DBP', 'PRMD': 'GAMMA', 'S': 'Doe'}
LINES = [SMALL, 'safe-store 1', 'delay 1s timeout 20s keep 60s']
P22 = 22


def printable(text):
    return ber.Prim(0x13, text.encode())


def name_88(common):
    """C=GB, ADMD=GOLD 400 and a common name, extension attribute 1."""
    return ber.Seq(
        0x60,
        ber.Seq(0x30, ber.Seq(0x61, printable('GB')),
                ber.Seq(0x62, printable('GOLD 400'))),
        ber.Set(0x31, ber.Seq(0x30, ber.integer(1, 0x80),
                              ber.Seq(0xa1, printable(common)))))


def ia5(text):
    return ber.Seq(0xa0, ber.Set(0x31), ber.Prim(0x16, text.encode()))


def general_text():
    """An extended body part of what 1984 has no form for."""
    return ber.Seq(0xaf, ber.Seq(0x28, ber.oid('2.6.1.4.11'),
                                 ber.Seq(0xa0, ber.Prim(0x1b, b'x'))))


def ipm(*parts, form=ber.DER):
    """An IPM of 1988: a common name, and a heading extension (languages)."""
    return ber.Seq(
        0xa0,
        ber.Set(0x31,
                ber.Seq(0x6b, printable('1 A')),
                ber.Seq(0xa0, name_88('Postmaster')),
                ber.Seq(0xa8, ber.Prim(0x14, b'Subject')),
                ber.Seq(0xaf, ber.Seq(0x30, ber.oid('2.6.1.5.1'),
                                      ber.Seq(0x31, printable('en'))))),
        ber.Seq(0x30, *parts)).encode(form)


def words(length):
    return ''.join('%07d ' % i for i in range(length // 8))


class Interwork(Case):
    def gamma(self, *scripts, **kw):
        return self.responder(
            *scripts, name='gamma', password=password('gamma'),
            credentials={'beta': password('beta')}, mode='x410', **kw)

    def beta(self, gamma):
        return self.daemon(
            'beta', Peer('alpha', None, *SHORT, *LINES),
            Peer('gamma', gamma.port, *SHORT, *LINES, mode='x410-1984'))

    def relay(self, beta, content, originator=ALPHA, recipient=GAMMA, **kw):
        kw.setdefault('content_type', P22)
        initiator = self.initiator(beta).open()
        initiator.send(mpdu_of(content, originator, recipient, **kw))
        initiator.close()

    def as_of_1984(self, gamma, text):
        gamma.wait(1)
        mpdu = p1_84.decode(gamma.messages[0].octets)
        self.assertEqual(mpdu.content_type, p1_84.P2)
        message = p2.decode(mpdu.content)
        self.assertEqual(message['text'], [text])
        self.assertEqual(message['subject'], 'Subject')
        self.assertEqual(message['originator']['DDA'],
                         [('Common', 'Postmaster')])
        return mpdu

    @p1_84_only
    def test_common_name_in_both_Q232656(self):
        """It went as a common name in the content, or not at all."""
        gamma = self.gamma()
        beta = self.beta(gamma)
        there = dict(ALPHA, DDA=[('common', 'Postmaster')])
        self.relay(beta, ipm(ia5('Hello')), there)
        mpdu = self.as_of_1984(gamma, 'Hello')
        self.assertEqual(mpdu.originator['DDA'], [('Common', 'Postmaster')])
        beta.idle()

    @p1_84_only
    def test_teletex_submitted_here(self):
        """A text of mtactl whose originator has an umlaut, with its other
        spelling and without."""
        gamma = self.gamma()
        beta = self.beta(gamma)
        for name in 'M\u00fcller', 'Mueller*M\u00fcller':
            beta.mtactl('submit', '-f', '/S=%s/PRMD=BETA/ADMD=ATLAS/C=FR' %
                        name, '-t', address('gamma'), input=b'Hello\n')
        gamma.wait(2)
        seen = {}
        for m in gamma.messages:
            mpdu = p1_84.decode(m.octets)
            self.assertEqual(mpdu.content_type, p1_84.P2)
            message = p2.decode(mpdu.content)
            self.assertEqual(message['text'], ['Hello\r\n'])
            self.assertEqual(message['originator'], mpdu.originator)
            seen[mpdu.originator.get('S')] = mpdu.originator
        domain = {'C': 'FR', 'ADMD': 'ATLAS', 'PRMD': 'BETA'}
        self.assertEqual(seen, {
            'Mueller': dict(domain, S='Mueller'),
            None: dict(domain, DDA=[(
                'X400-88', '/S=(042)M(123)200(125)uller/PRMD=BETA/'
                'ADMD=ATLAS/C=FR/')])})
        beta.idle()

    @p1_84_only
    def test_common_name_comes_to_us_as_one(self):
        beta = self.beta(self.gamma())
        self.relay(beta, ipm(ia5('Hello')), recipient=dict(
            BETA, DDA=[('Common', 'Postmaster')]))
        name = beta.wait_delivered(1)[0]
        with open(os.path.join(beta.delivery, name[:-3] + '.env')) as file:
            self.assertIn('/CN=Postmaster/', file.read())

    def test_lengths(self):
        """Small and in a file, of definite and indefinite length."""
        def case(length, form):
            gamma = self.gamma()
            beta = self.beta(gamma)
            text = words(length)
            self.relay(beta, ipm(ia5(text), form=form))
            self.as_of_1984(gamma, text)
            beta.idle()
        self.together(case, [
            (length, ber.Form(indefinite=indefinite))
            for length in (0, 8, 3000, 70000, 3 << 20)
            for indefinite in (False, True)])

    def test_recovery(self):
        """After a cut the same octets come from the same places."""
        def case(cut, length):
            gamma = self.gamma([cut])
            beta = self.beta(gamma)
            text = words(length)
            self.relay(beta, ipm(ia5(text)))
            self.as_of_1984(gamma, text)
            self.assertTrue(gamma.transfers[-1].resumed)
            beta.idle()
        self.together(case, [
            (cut, length) for length in (8000, 200000) for cut in (
                Cut('in', name='MIP', nth=2, at=AFTER),
                Cut('in', name='MIP', nth=5),
                Cut('out', name='MIA', nth=4, at=AFTER))])

    def test_recovery_after_a_restart(self):
        """The head comes from the store, the place in the content from the
        content."""
        gamma = self.gamma([Cut('in', name='MIP', nth=5)])
        beta = self.beta(gamma)
        self.restarts = True
        text = words(200000)
        self.relay(beta, ipm(ia5(text)))
        gamma.wait(condition=lambda: gamma.associations and
                   gamma.associations[0].finished.is_set())
        beta.crash()
        beta.start()
        self.as_of_1984(gamma, text)
        self.assertTrue(gamma.transfers[-1].resumed)
        beta.idle()

    def test_what_cannot_go_is_told_Q177862(self):
        """Its originator gets a report, unable-to-downgrade, and it does not
        go half, nor to and fro."""
        gamma, alpha = self.gamma(), self.responder(
            name='alpha', password=password('alpha'),
            credentials={'beta': password('beta')})
        beta = self.daemon(
            'beta', Peer('alpha', alpha.port, *SHORT, *LINES),
            Peer('gamma', gamma.port, *SHORT, *LINES, mode='x410-1984'))
        self.relay(beta, ipm(ia5('Hello'), general_text()))
        beta.said('unable to downgrade: extended body part 2.6.1.4.11')
        alpha.wait(1)
        report = p1.decode(alpha.messages[0].octets)
        self.assertEqual(report.kind, 'report')
        self.assertEqual(report.originator['S'], 'Doe')
        self.assertEqual(report.trace[0][0][2], 'BETA')
        reported, = report.recipients
        self.assertEqual((reported['PRMD'], reported['reason'],
                          reported['diagnostic']),
                         # 1984 has conversion-impractical for it
                         ('GAMMA', 2, 8 if MODE == 'x410-1984' else 47))
        self.assertEqual(reported['supplementary'],
                         'extended body part 2.6.1.4.11')
        beta.idle()
        self.assertEqual(gamma.messages, [])
        # The next one is not held up.
        self.relay(beta, ipm(ia5('Hello')))
        self.as_of_1984(gamma, 'Hello')

    @newer
    def test_loss_prohibited(self):
        """The heading says in which language it is; 1984 cannot."""
        gamma, alpha = self.gamma(), self.responder(
            name='alpha', password=password('alpha'),
            credentials={'beta': password('beta')})
        beta = self.daemon(
            'beta', Peer('alpha', alpha.port, *SHORT, *LINES),
            Peer('gamma', gamma.port, *SHORT, *LINES, mode='x410-1984'))
        self.relay(beta, ipm(ia5('Hello')), extensions=[
            p1.conversion_with_loss_prohibited(criticality='')])
        alpha.wait(1)
        reported, = p1.decode(alpha.messages[0].octets).recipients
        self.assertEqual((reported['reason'], reported['diagnostic']),
                         (2, 19))
        beta.idle()
        self.assertEqual(gamma.messages, [])

    def test_contents_of_1984_are_left_alone(self):
        """P2 is nobody's business, whatever is in it."""
        gamma = self.gamma()
        beta = self.beta(gamma)
        self.relay(beta, ipm(general_text()), content_type=p1.P2)
        self.received(gamma, ipm(general_text()))


if __name__ == '__main__':
    main()
