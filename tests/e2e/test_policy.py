#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Limits and access rules of beta: each breach is the non-delivery that X.411
has for it, or the peer is told to wait; what keeps to them goes through."""

from interop import *       # noqa: F401,F403

IA5, VOICE = '001', '00000001'


class Policy(Between):
    def breach(self, diagnostic, mpdu, numbers=(1,), **kw):
        """The first of these messages is refused, the second is not."""
        bad, good = mpdu
        alpha, beta, gamma = self.three(*kw.pop('lines', ()), **kw)
        self.send(beta, bad, good)
        report = self.report(alpha)
        self.assertEqual(self.about(report),
                         [(n, 1, diagnostic) for n in numbers])
        gamma.wait(1)
        beta.idle()
        self.assertEqual((len(alpha.messages), len(gamma.messages)), (1, 1))

    def test_recipients(self):
        many = [dict(GAMMA, S='A%d' % i) for i in range(4)]
        for kw in ({'lines': ['limit recipients 3']},
                   {'of_alpha': ['max-recipients 3']},
                   {'of_gamma': ['max-recipients 3']}):
            self.breach(16, (self.message(*many), self.message(*many[:3])),
                        (1, 2, 3, 4), **kw)

    def test_content_length(self):
        """What the next one takes; probes are answered alike."""
        limit = {'of_gamma': ['max-content 1K']}
        self.breach(7, (self.message(GAMMA, content=octets(1025)),
                        self.message(GAMMA, content=octets(1024))), **limit)
        self.breach(7, [p1.probe_mpdu(ALPHA, [GAMMA], DOMAIN,
                                      content_length=n)
                        for n in (1025, 1024)], **limit)
        self.breach(7, [p1.probe_mpdu(ALPHA, [GAMMA], DOMAIN,
                                      content_length=n)
                        for n in (1025, 1024)], of_alpha=['max-content 1K'])

    def test_content_type(self):
        for where, word in (('of_alpha', ''), ('of_gamma', ''),
                            ('lines', 'limit ')):
            self.breach(15, (self.message(GAMMA, content_type=2),
                             self.message(GAMMA, content_type=22)),
                        **{where: [word + 'content-type 22',
                                   word + 'content-type 1.2.3']})

    def test_encoded_information_types(self):
        def types(bits):
            return bits if MODE == 'x410-1984' else {'types': bits}
        for where in ('of_alpha', 'of_gamma'):
            self.breach(6, (self.message(GAMMA, types=types(VOICE)),
                            self.message(GAMMA, types=types(IA5))),
                        **{where: ['eit ia5-text', 'eit undefined']})

    @newer
    def test_external_types(self):
        def types(*names):
            return {'types': '', 'external': list(names)}
        self.breach(6, (self.message(GAMMA, types=types('1.2.3', '1.2.4')),
                        self.message(GAMMA, types=types('1.2.3'))),
                    of_gamma=['eit 1.2.3'])

    def test_who_may_send(self):
        self.breach(17, (
            p1.user_mpdu(dict(ALPHA, PRMD='OTHER'), [GAMMA], b'\x30\0',
                         DOMAIN),
            self.message(GAMMA)),
            of_alpha=['accept from "/PRMD=ALPHA/ADMD=GOLD 400/C=GB/"',
                      'accept from "/C=FI"'],
            lines=['route "/PRMD=OTHER/ADMD=GOLD 400/C=GB/" via "alpha"'])

    def report(self, alpha, n=1):
        alpha.wait(n)
        return p1.decode(alpha.messages[n - 1].octets)

    def test_to_whom(self):
        self.breach(17, (self.message(dict(GAMMA, S='No')),
                         self.message(GAMMA)),
                    of_alpha=['accept to "/S=Doe/C=DE"'])

    def test_one_recipient_of_two(self):
        alpha, beta, gamma = self.three(of_alpha=['accept to "/C=DE"'])
        self.send(beta, self.message(BETA, GAMMA))
        self.assertEqual(self.about(self.report(alpha)), [(1, 1, 17)])
        gamma.wait(1)
        self.assertEqual(beta.delivered(), [])

    def test_rate(self):
        """Two in three seconds: the third waits, and comes."""
        for where in ('peer', 'all'):
            self.rate(where)

    def rate(self, where):
        beta = self.called('rate 2 per 3s') if where == 'peer' else \
            self.daemon('beta', Peer('alpha', None, *SHORT),
                        lines=['limit rate 2 per 3s'])
        alpha = self.caller(beta.port)
        start = time.monotonic()
        for n in range(4):
            self.submit(alpha, octets(10 + n))
        self.delivered(beta, *(octets(10 + n) for n in range(4)))
        self.assertGreater(time.monotonic() - start, 2.5)
        beta.said('more messages than its rate')
        alpha.idle()


if __name__ == '__main__':
    main()
