#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""What beta tells alpha about a message: deliveries, non-deliveries, probes
(X.411 clause 14.3 and 14.4), what it adds to the trace, how it sees a loop,
and where it sends what cannot be delivered as meant."""

from interop import *       # noqa: F401,F403
from peer import ber

RETURN = '00010000'             # per message: the content with a report
CRITICAL = '01'                 # for transfer


def after(seconds):
    return p1.utc_time(time.time() + seconds)


class Reports(Between):
    # Delivery.

    def test_delivered(self):
        """One report for the recipients of one delivery that want one."""
        alpha, beta, _ = self.three()
        identifier = p1.new_identifier(DOMAIN)
        self.send(beta, self.message(
            dict(BETA, flag=REPORT), dict(BETA, S='Other', flag=AUDITED),
            dict(BETA, S='Third', flag=NON_DELIVERY),
            identifier=identifier, ua_content_id='mine'))
        beta.wait_delivered(1)
        report = self.report(alpha)
        self.assertEqual(report.original, identifier)
        self.assertEqual(report.ua_content_id, 'mine')
        self.assertEqual(self.about(report), [(1, None), (2, None)])
        self.assertEqual(report.recipients[0]['S'], 'Doe')
        self.assertEqual(report.recipients[1]['S'], 'Other')
        # one of them wants an audit: the trace of the subject
        self.assertEqual([t[0] for t in report.intermediate],
                         [DOMAIN, BETA_DOMAIN])
        beta.idle()
        self.assertEqual(len(alpha.messages), 1)

    def test_delivery_without_report(self):
        alpha, beta, _ = self.three()
        self.send(beta, self.message(dict(BETA, flag=NON_DELIVERY)))
        beta.wait_delivered(1)
        beta.idle()
        self.assertEqual(alpha.messages, [])

    def test_disclosure(self):
        """Who else gets it is said only where the originator allows it."""
        _, beta, _ = self.three()
        for flag, names in ('0', ['Doe']), ('1', ['Doe', 'Maus']):
            before = set(os.listdir(beta.delivery))
            self.send(beta, self.message(BETA, dict(GAMMA, S='Maus'),
                                         flag=flag + '000'))
            name, = until(lambda: [
                n for n in os.listdir(beta.delivery) if n not in before and
                re.fullmatch('[0-9A-F]{16}.env', n)], 15, 'delivery')
            with open(os.path.join(beta.delivery, name)) as file:
                found = re.findall(r'^recipient.*/S=(\w+)/', file.read(),
                                   re.M)
            self.assertEqual(found, names)

    def test_report_survives_spoold(self):
        """Killed with the delivery done: one report, not none and not two."""
        alpha, beta, _ = self.three()
        self.restarts = True
        self.send(beta, *(self.message(dict(BETA, flag=REPORT))
                          for _ in range(20)))
        beta.kill('spoold')
        beta.wait_delivered(20)
        alpha.wait(20)
        beta.idle()
        of = [p1.decode(m.octets).original for m in alpha.messages]
        self.assertEqual((len(of), len(set(of))), (20, 20))

    def test_probe(self):
        """Answered as the message would be, and nothing is delivered."""
        alpha, beta, gamma = self.three()
        identifier = p1.new_identifier(DOMAIN)
        self.send(beta, p1.probe_mpdu(
            ALPHA, [dict(BETA, flag=NON_DELIVERY), GAMMA], DOMAIN,
            identifier=identifier, content_length=1000))
        report = self.report(alpha)
        self.assertEqual(report.original, identifier)
        self.assertEqual(self.about(report), [(1, None)])
        gamma.wait(1)
        probe = p1.decode(gamma.messages[0].octets)
        self.assertEqual((probe.kind, probe.content_length), ('probe', 1000))
        self.assertEqual([r['flag'][0] for r in probe.recipients],
                         ['0', '1'])
        self.assertEqual(beta.delivered(), [])

    # Loops.

    def looped(self, n):
        return [(DOMAIN, {'arrival': p1.utc_time()})] + \
            [(domain, {'arrival': p1.utc_time()})
             for _ in range(n) for domain in (BETA_DOMAIN, DOMAIN)]

    def test_loop(self):
        alpha, beta, gamma = self.three()
        self.send(beta, self.message(GAMMA, trace=self.looped(2)))
        gamma.wait(1)
        self.send(beta, self.message(GAMMA, trace=self.looped(3)))
        self.assertEqual(self.about(self.report(alpha)), [(1, 1, 3)])
        beta.said('report-made .*recipients=1 reason=1/3 .*: our domain is '
                  'too often in the trace')
        self.assertEqual(len(gamma.messages), 1)

    def test_limits_are_settable(self):
        alpha, beta, gamma = self.three('limit loops 1', 'limit hops 4')
        self.send(beta, self.message(GAMMA, trace=self.looped(1)))
        self.assertEqual(self.about(self.report(alpha)), [(1, 1, 3)])
        elsewhere = [(('US', 'X%d' % i, None), {'arrival': p1.utc_time()})
                     for i in range(4)]
        self.send(beta, self.message(GAMMA, trace=elsewhere))
        self.assertEqual(self.about(self.report(alpha, 2)), [(1, 1, 3)])
        beta.said('too many domains in the trace')
        self.send(beta, self.message(GAMMA, trace=elsewhere[:3]))
        gamma.wait(1)

    @newer
    def test_loop_counts_after_the_last_redirection_RFC1615(self):
        alpha, beta, gamma = self.three()
        trace = self.looped(4)
        trace[-2][1]['other'] = '1'
        self.send(beta, self.message(GAMMA, trace=trace))
        gamma.wait(1)
        trace[-2][1]['other'] = '01'
        self.send(beta, self.message(GAMMA, trace=trace))
        gamma.wait(2)
        self.assertEqual(alpha.messages, [])

    def test_looping_report_is_dropped(self):
        alpha, beta, gamma = self.three()
        self.send(beta, p1.delivery_report_mpdu(
            GAMMA, p1.new_identifier(('DE', 'DBP', 'GAMMA')),
            [dict(ALPHA, arrival=p1.utc_time(), reason=1, diagnostic=0)],
            DOMAIN, trace=self.looped(3)))
        beta.said('report-dropped .*: our domain is too often')
        beta.idle()
        self.assertEqual((alpha.messages, gamma.messages), ([], []))

    # Trace.

    @newer
    def test_internal_trace_ends_at_the_border_Q169299(self):
        """Theirs and ours; and stays where it is wanted."""
        alpha, beta, gamma = self.three()
        theirs = p1.internal_trace_information(
            [(DOMAIN, 'inside', {'arrival': p1.utc_time()})])
        self.send(beta, self.message(GAMMA, extensions=[theirs]))
        gamma.wait(1)
        mpdu = p1.decode(gamma.messages[0].octets)
        self.assertIsNone(mpdu.extension(38))
        self.assertEqual([t[0] for t in mpdu.trace], [DOMAIN, BETA_DOMAIN])
        beta.idle()
        with open(beta.conf) as file:
            text = file.read()
        beta.write(text.replace('peer "gamma" {',
                                'peer "gamma" {\n\tinternal-trace keep'))
        beta.mtactl('reload')
        beta.said('config-reloaded')
        self.send(beta, self.message(GAMMA, extensions=[theirs]))
        gamma.wait(2)
        trace = p1.decode(gamma.messages[1].octets).extension(38)
        self.assertEqual([t[:2] for t in trace],
                         [(DOMAIN, 'inside'), (BETA_DOMAIN, 'beta')])

    def test_one_element_of_trace_for_a_domain(self):
        """From a peer of our own domain only internal trace is added."""
        gamma = self.responder(
            name='gamma', password=password('gamma'),
            credentials={'beta': password('beta')})
        beta = self.daemon('beta', Peer('alpha', None, *SHORT, *LINES),
                           Peer('gamma', gamma.port, *SHORT, *LINES))
        with open(beta.conf) as file:
            text = file.read()
        beta.write(text.replace('domain "%s"' % DOMAINS['alpha'],
                                'domain "%s"' % DOMAINS['beta']))
        beta.mtactl('reload')
        beta.said('config-reloaded')
        self.send(beta, self.message(
            GAMMA, trace=[(BETA_DOMAIN, {'arrival': p1.utc_time()})]))
        gamma.wait(1)
        self.assertEqual([t[0] for t in p1.decode(
            gamma.messages[0].octets).trace], [BETA_DOMAIN])

    # Time.

    @newer
    def test_latest_delivery_time(self):
        alpha, beta, _ = self.three()
        self.send(beta, self.message(BETA, extensions=[
            p1.latest_delivery_time(after(-60))]))
        self.assertEqual(self.about(self.report(alpha)), [(1, 1, 5)])
        self.send(beta, self.message(BETA, extensions=[
            p1.latest_delivery_time(after(600))]))
        beta.wait_delivered(1)

    @newer
    def test_deferred_beyond_the_latest_time_Q214682(self):
        """Known at once, so told at once."""
        alpha, beta, _ = self.three()
        self.send(beta, self.message(BETA, deferred=after(900), extensions=[
            p1.latest_delivery_time(after(600))]))
        self.assertEqual(self.about(self.report(alpha)), [(1, 1, 5)])

    def test_deferred_delivery(self):
        """Here when it is for here; others see to it themselves."""
        alpha, beta, gamma = self.three()
        when = after(4)
        self.send(beta, self.message(BETA, GAMMA, deferred=when))
        gamma.wait(1)
        self.assertEqual(p1.decode(gamma.messages[0].octets).deferred, when)
        self.assertEqual(beta.delivered(), [])
        beta.wait_delivered(1)
        self.assertGreaterEqual(p1.utc_time(), when)

    # Content.

    def test_content_comes_back(self):
        """Where it is asked for, and is not too long; small and in a file."""
        alpha, beta, gamma = self.three('limit return 200K')
        contents = [octets(n) for n in (0, 5000, 100000, 300000)]
        for content in contents:
            self.send(beta, self.message(BETA, content=content, flag=RETURN,
                                         trace=self.looped(3)))
        self.send(beta, self.message(BETA, content=contents[1],
                                     trace=self.looped(3)))
        alpha.wait(5)
        back = [p1.decode(m.octets).returned for m in alpha.messages]
        self.assertEqual(
            sorted(len(b) for b in back if b is not None), [0, 5000, 100000])
        self.assertTrue(set(b for b in back if b) == set(contents[1:3]))
        beta.idle()
        left = [name for _, _, names in os.walk(
            os.path.join(beta.spool, 'content')) for name in names]
        self.assertEqual(left, [])

    # The originator's side.

    def answered(self, flags, reported):
        """alpha submits; the script reports that it was (not) delivered."""
        beta = self.responder()
        alpha = self.caller(beta.port, *LINES)
        alpha.mtactl('submit', '-f', address('alpha'), '-t', address('beta'),
                     '-r', flags, input=b'Hello\n')
        beta.wait(1)
        mpdu = p1.decode(beta.messages[0].octets)
        alpha.idle()
        initiator = self.initiator(alpha, name='beta',
                                   password=password('beta')).open()
        initiator.send(p1.delivery_report_mpdu(
            mpdu.originator, mpdu.identifier, [dict(
                mpdu.recipients[0], arrival=p1.utc_time(), **reported)],
            BETA_DOMAIN))
        initiator.close()
        alpha.idle()
        return alpha

    def test_report_reaches_the_submitter(self):
        delivery = {'delivery': p1.utc_time(), 'typeOfUA': 1}
        failure = {'reason': 1, 'diagnostic': 0}
        for flags, reported, comes in (
                ('confirmed', delivery, True), ('basic', delivery, False),
                ('basic', failure, True), ('none', failure, False)):
            alpha = self.answered(flags, reported)
            if comes:
                names = until(lambda: [
                    name for name in os.listdir(alpha.delivery)
                    if re.fullmatch('[0-9A-F]{16}.env', name)], 15, 'report')
                with open(os.path.join(alpha.delivery, names[0])) as file:
                    self.assertIn('reported-recipient-name', file.read())
            else:
                alpha.said('report-dropped .*: the originator did not ask for it')
                self.assertEqual(os.listdir(alpha.delivery), [])

    # Alternate recipients.

    @newer
    def test_alternate_recipient(self):
        """Of one that cannot be reached as it is; with its history, and
        nothing lost."""
        alpha, gamma = (self.responder(
            name=name, password=password(name),
            credentials={'beta': password('beta')}, **kw)
            for name, kw in (('alpha', {}), ('gamma', {'mode': 'x410'})))
        beta = self.daemon(
            'beta', Peer('alpha', alpha.port, *SHORT, *LINES),
            Peer('gamma', gamma.port, *SHORT, *LINES, mode='x410-1984'))
        # nothing that 1984 has a form for
        contents = [ber.Seq(0xa0, ber.Set(0x31), ber.Seq(
            0x30, ber.Seq(0xaf, ber.Seq(0x28, ber.oid('2.6.1.4.11'), ber.Seq(
                0xa0, ber.Prim(0x1b, octets(n))))))).encode()
            for n in (100, 80000)]
        for content in contents:
            self.send(beta, self.message(
                dict(BETA, flag=NON_DELIVERY), dict(
                    GAMMA, flag=REPORT, extensions=[
                        p1.originator_requested_alternate_recipient(
                            dict(BETA, S='Other'))]),
                content=content, content_type=22))
        self.delivered(beta, *contents, *contents)
        beta.said('message-redirected .*: as its originator asked for')
        for n in (1, 2):
            report = self.report(alpha, n)
            self.assertEqual(self.about(report), [(2, None)])
            self.assertEqual(report.recipients[0]['S'], 'Other')
            self.assertEqual(report.recipients[0]['intended'], GAMMA)
        beta.idle()
        self.assertEqual((len(alpha.messages), gamma.messages), (2, []))
        texts = []
        for name in os.listdir(beta.delivery):
            if name.endswith('.env'):
                with open(os.path.join(beta.delivery, name)) as file:
                    texts.append(file.read())
        self.assertEqual(
            sum('redirection-history' in t and 'originator-requested' in t
                for t in texts), 2)

    def test_alternate_of_the_domain(self):
        """For nobody there, where the originator allows it."""
        alpha, beta, gamma = self.three(
            'domain "/OU=Known/O=All/PRMD=BETA/ADMD=ATLAS/C=FR/" complete '
            'alternate to "/S=Postmaster/PRMD=GAMMA/ADMD=DBP/C=DE/"')
        nobody = dict(BETA, S='Nobody', O='All', OU=['Known'])
        self.send(beta, self.message(nobody, flag='0010'))
        gamma.wait(1)
        name, = p1.decode(gamma.messages[0].octets).recipients
        self.assertEqual(name['S'], 'Postmaster')
        if MODE != 'x410-1984':
            history, = [x for x in name['extensions'] if x.type == 25]
            self.assertEqual(history.read()[0][2], 2)
        self.send(beta, self.message(nobody))
        self.assertEqual(self.about(self.report(alpha)), [(1, 1, 0)])

    @newer
    def test_latest_delivery_time_of_one_that_waits(self):
        alpha, beta, _ = self.three()
        self.send(beta, self.message(
            {'C': 'US', 'ADMD': 'X', 'S': 'Nowhere'}, extensions=[
                p1.latest_delivery_time(after(3))]))
        beta.said('message-held .*: no route')
        self.assertEqual(alpha.messages, [])
        self.assertEqual(self.about(self.report(alpha)), [(1, 1, 5)])

    @newer
    def test_no_alternate_for_what_is_unknown_there_too(self):
        alpha, beta, gamma = self.three()
        self.send(beta, self.message(dict(BETA, extensions=[
            p1.unknown(CRITICAL, 199),
            p1.originator_requested_alternate_recipient(GAMMA)])))
        self.assertEqual(self.about(self.report(alpha)), [(1, 1, 18)])
        beta.idle()
        self.assertEqual(gamma.messages, [])


if __name__ == '__main__':
    main()
