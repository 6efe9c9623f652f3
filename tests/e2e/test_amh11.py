#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The profile AMH11 (ISO/IEC ISP 10611-3) as Doc 9880 asks for it, in normal
mode: beta between alpha and gamma, element by element of its tables 4-4, 4-13
and 4-16, and the rules of behaviour of 4.5.2.4.

What is M- is accepted, kept and relayed; what is M is also acted on, and the
test says what that means."""

import os
import shutil

os.environ['MTAD_MODE'] = 'normal'

from interop import *       # noqa: E402,F401,F403
from e2e.mtadtest import BUILD, reserve_port                # noqa: E402
from peer import ber                                        # noqa: E402
from peer.ber import Prim, Seq, Set, Str                    # noqa: E402

KEEP = ['internal-trace keep']
AT_BETA = 'PRMD=BETA/ADMD=ATLAS/C=FR/'
AT_GAMMA = 'PRMD=GAMMA/ADMD=DBP/C=DE/'
CRITICAL = '01'                 # for transfer
OTHER = dict(BETA, S='Other')
EARLIER = '260101120000Z'
FAR = '301231235959Z'
THIRD = ('SE', '400NET')        # a domain that is an ADMD alone
NUMBERED = ('240', '42', 'OWN')  # a country by its X.121 code
SIGNED = Seq(0x30, Seq(0x30, ber.oid('1.2.840.113549.1.1.5'), Prim(5, b'')),
             ber.bits('10110111'))
CERTIFICATE = Seq(0x30, Seq(0x30, Seq(
    0x30, Str(4, b'to be signed'), ber.integer(7)), Seq(
        0x30, ber.oid('1.2.3.4')), ber.bits('1011')))
TOKEN = Seq(0x30, ber.oid('2.6.3.6.0', 0x80), Seq(0x81, Seq(
    0x30, Str(4, b'a token'))))
LABEL = p1.message_security_label('1.3.27.9', 3, 'IN CONFIDENCE')
INTERNAL = p1.internal_trace_information([
    (DOMAIN, 'inside', {'arrival': EARLIER}),
    (DOMAIN, 'edge', {'arrival': EARLIER, 'action': 1, 'attempted': 'mta x',
                      'deferred': EARLIER, 'converted': '001'})])
RETURN_ADDRESS = p1.originator_return_address(
    dict(ALPHA, ext={'postal-code': '12345',
                     'physical-delivery-country-name': 'GB',
                     'unformatted-postal-address': (['A', 'B'], None)}))


def extension(number, value, criticality=''):
    return p1.Extension(number, value, criticality)


def past(seconds):
    return p1.utc_time(time.time() - seconds)


# Values that are carried by messages, probes and reports: each with the
# arguments that make the MPDU, and what of the decoded one has to be the same.

def of(*names):
    return lambda m: [getattr(m, name) for name in names]


def first_of_trace(n):
    return lambda m: m.trace[:n]


def of_recipient(key):
    return lambda m: [r.get(key) for r in m.recipients]


def extended(number, where='extensions', n=None):
    """Criticality and octets of the value of one extension."""
    def read(m):
        found = [(x.criticality, x.octets()) for x in getattr(m, where)
                 if x.type == number]
        return found if n is None else [(
            c, [(d, mta, s) for d, mta, s in p1.Extension(
                number, v).read()][:n]) for c, v in found]
    return read


def with_extension(name, x, where='extensions', n=None):
    return name, {where: [x]}, extended(x.type, where, n)


def recipient_extension(name, *xs):
    return name, {'recipient': {'extensions': list(xs)}}, lambda m: [
        (x.type, x.criticality, x.octets())
        for x in m.recipients[0]['extensions']]


TRACE = [(DOMAIN, {'arrival': EARLIER})]


def traced(name, **supplied):
    trace = [(THIRD, dict({'arrival': EARLIER}, **supplied))] + TRACE
    return name, {'trace': trace}, first_of_trace(2)


BOTH = [        # of messages and probes
    ('identifier', {'identifier': (DOMAIN, "a local '(id)' 17")},
     of('identifier')),
    ('identifier of an ADMD alone', {'identifier': (THIRD, 'x')},
     of('identifier')),
    ('identifier of a numbered country', {'identifier': (NUMBERED, 'x')},
     of('identifier')),
    ('originator-name', {'originator': dict(
        ALPHA, O='Org', OU=['One', 'Two'], G='Jo', I='J', GQ='III',
        DDA=[('RFC-822', 'jo(a)example.com')], CN='common',
        ext={'pds-name': 'POST'})}, of('originator')),
    ('content-identifier', {'ua_content_id': 'content 16 chars'},
     of('ua_content_id')),
    ('content-type', {'content_type': 2}, of('content_type')),
    ('content-type, extended', {'content_type': '2.6.1.10.1'},
     of('content_type')),
    ('original-EITs', {'types': '00100001'}, of('types')),
    ('original-EITs, parameters of G3', {'types': {
        'types': '0001', 'g3': '000000001'}}, of('types')),
    ('original-EITs, extended', {'types': {
        'types': '001', 'external': ['2.6.1.12.0', '1.2.3.99999.1']}},
     of('types')),
    ('disclosure-of-recipients', {'flag': '1000'}, of('flag')),
    ('implicit-conversion-prohibited', {'flag': '0100'}, of('flag')),
    ('alternate-recipient-allowed', {'flag': '0010'}, of('flag')),
    ('content-return-request', {'flag': '0001'}, of('flag')),
    ('per-domain-bilateral-information', {'bilateral': [
        (('SE', '400NET'), Str(4, b'bilateral').encode()),
        (('DE', 'DBP', 'GAMMA'), b'\x30\x80\x02\x02\x00\x01\0\0')]},
     of('bilateral')),
    traced('trace: domain, arrival and relayed', action=0),
    traced('trace: rerouted, attempted', action=1, previous=('NO', 'N400')),
    traced('trace: deferred-time', deferred=EARLIER),
    traced('trace: converted-EITs', converted='001'),
    traced('trace: converted-EITs, extended', converted={
        'types': '', 'external': ['2.6.1.12.0']}),
    traced('trace: redirected', other='1'),
    traced('trace: dl-operation', other='01'),
    with_extension('recipient-reassignment-prohibited',
                   p1.recipient_reassignment_prohibited()),
    with_extension('dl-expansion-prohibited', p1.dl_expansion_prohibited()),
    with_extension('conversion-with-loss-prohibited',
                   p1.conversion_with_loss_prohibited()),
    with_extension('content-correlator', p1.content_correlator('mine')),
    with_extension('content-correlator, octets',
                   p1.content_correlator(b'\0\1\xff')),
    with_extension('originator-certificate', extension(15, CERTIFICATE)),
    with_extension('message-security-label', LABEL),
    with_extension('dl-expansion-history', p1.dl_expansion_history(
        [(dict(OTHER, CN='list'), EARLIER), (BETA, EARLIER)],
        '001')),
    with_extension('internal-trace-information', INTERNAL, n=2),
    with_extension('private extension', extension(
        '1.3.12.2.1011.5', b'\x24\x80\x04\x81\x03abc\0\0')),
    with_extension('unknown extension, not critical', extension(
        250, b'\x30\x80\x0c\x01x\0\0')),
    ('originally-specified-recipient-number',
     {'recipient': {'extension': 32767}}, of_recipient('extension')),
    ('report requests', {'recipient': {'flag': '11111000'}},
     of_recipient('flag')),
    ('explicit-conversion', {'recipient': {'conversion': 2}},
     of_recipient('conversion')),
    recipient_extension('recipient extensions',
                        p1.originator_requested_alternate_recipient(OTHER),
                        p1.requested_delivery_method([1, 7]),
                        extension(250, Str(4, b'z'))),
    recipient_extension('redirection-history', p1.redirection_history(
        [(BETA, EARLIER, 0), (OTHER, EARLIER, 1)])),
]
MESSAGE = BOTH + [
    ('content', {'content': bytes(range(256)) * 8}, of('content')),
    ('content, none of it', {'content': b''}, of('content')),
    ('priority normal', {'priority': None}, of('priority')),
    ('priority non-urgent', {'priority': 1}, of('priority')),
    ('priority urgent', {'priority': 2}, of('priority')),
    ('deferred-delivery-time', {'deferred': FAR}, of('deferred')),
    with_extension('latest-delivery-time', p1.latest_delivery_time(FAR)),
    with_extension('originator-return-address', RETURN_ADDRESS),
    with_extension('content-confidentiality-algorithm-identifier',
                   extension(17, Seq(0x30, ber.oid('1.2.3')), '001')),
    with_extension('message-origin-authentication-check',
                   extension(19, SIGNED, '001')),
    recipient_extension('message-token', extension(16, TOKEN, '001')),
    recipient_extension('content-integrity-check', extension(18, SIGNED)),
    recipient_extension('proof-of-delivery-request',
                        p1.proof_of_delivery_request()),
]
PROBE = BOTH + [
    ('content-length', {'content_length': 123456}, of('content_length')),
    with_extension('probe-origin-authentication-check',
                   extension(24, SIGNED)),
]


def reported(name, **row):
    return name, {'recipient': row}, lambda m: [
        {key: ([(x.type, x.criticality, x.octets()) for x in value]
               if key == 'extensions' else value)
         for key, value in r.items()} for r in m.recipients]


REPORT_ELEMENTS = [
    ('report-identifier', {'identifier': (GAMMA_DOMAIN, 'report')},
     of('identifier')),
    ('report-destination-name', {'originator': dict(ALPHA, CN='me')},
     of('originator')),
    traced('trace'),
    with_extension('originator-and-DL-expansion-history',
                   p1.originator_and_dl_expansion_history(
                       [(ALPHA, EARLIER), (OTHER, EARLIER)])),
    with_extension('reporting-DL-name', p1.reporting_dl_name(OTHER)),
    with_extension('internal-trace-information', INTERNAL, n=2),
    with_extension('message-security-label', LABEL),
    with_extension('reporting-MTA-certificate', extension(32, CERTIFICATE)),
    with_extension('report-origin-authentication-check',
                   extension(33, SIGNED)),
    ('subject-identifier', {'original': (DOMAIN, 'subject of it')},
     of('original')),
    ('subject-intermediate-trace-information', {'intermediate': [
        (THIRD, {'arrival': EARLIER, 'action': 1,
                 'previous': ('NO', 'N400')}), (DOMAIN, {
                     'arrival': EARLIER, 'converted': '001'})]},
     of('intermediate')),
    ('original-EITs', {'types': {'types': '001',
                                 'external': ['2.6.1.12.0']}}, of('types')),
    ('content-type', {'content_type': 22}, of('content_type')),
    ('content-type, extended', {'content_type': '2.6.1.10.1'},
     of('content_type')),
    ('content-identifier', {'ua_content_id': 'mine'}, of('ua_content_id')),
    with_extension('content-correlator', p1.content_correlator('mine'),
                   'content_extensions'),
    ('returned-content', {'returned': bytes(range(256)) * 20},
     of('returned')),
    ('additional-information', {'additional': Seq(
        0x30, ber.integer(5), Str(4, b'any'))}, of('additional')),
    reported('actual-recipient-name', CN='actual', DDA=[('a', 'b')]),
    reported('originally-specified-recipient-number', extension=77),
    reported('per-recipient-indicators', flag='11110000'),
    reported('last trace: arrival and converted-EITs', converted={
        'types': '001', 'external': ['1.2.3']}),
    reported('delivery-time and type-of-MTS-user', reason=None,
             delivery=EARLIER, typeOfUA=4),
    reported('reason and diagnostic', reason=5, diagnostic=40),
    reported('reason alone', diagnostic=None),
    reported('originally-intended-recipient-name', intended=OTHER),
    reported('supplementary-information', supplementary='Why, (it)?'),
    reported('redirection-history', extensions=[p1.redirection_history(
        [(BETA, EARLIER, 0), (OTHER, EARLIER, 3)])]),
    reported('recipient-certificate', extensions=[
        extension(28, CERTIFICATE)]),
    reported('proof-of-delivery', extensions=[extension(29, SIGNED)]),
    with_extension('private extension of the content', extension(
        '1.3.12.2.1011.5', Str(4, b'p')), 'content_extensions'),
]


class Relayed(Between):
    """Each element alone in an MPDU, through beta and as it was."""

    def mpdus(self, make, elements):
        for n, (name, kw, read) in enumerate(elements):
            kw = dict(kw)
            kw.setdefault('identifier', (DOMAIN, 'case %d' % n))
            kw.setdefault('trace', TRACE)
            yield name, read, make(kw)

    def relay(self, make, elements, name, to, initiator_name):
        alpha, beta, gamma = self.three(
            'expire non-urgent 10d normal 10d urgent 10d',
            of_alpha=KEEP, of_gamma=KEEP)
        sent = list(self.mpdus(make, elements))
        taker = {'alpha': alpha, 'gamma': gamma}[to]
        initiator = self.initiator(beta, name=initiator_name,
                                   password=password(initiator_name)).open()
        for _, _, octets_ in sent:
            initiator.send(octets_)
        initiator.close()
        taker.wait(len(sent), timeout=60)
        beta.idle()
        found = [p1.decode(m.octets) for m in taker.messages]
        self.assertEqual(len(found), len(sent))
        by = {m.identifier: m for m in found}
        self.assertEqual(len(by), len(sent))
        for what, read, octets_ in sent:
            mpdu = p1.decode(octets_)
            with self.subTest('%s of a %s' % (what, name)):
                self.assertEqual(read(by[mpdu.identifier]), read(mpdu))

    def user(self, kw):
        kw.setdefault('content', b'\x30\0')
        return p1.user_mpdu(kw.pop('originator', ALPHA),
                            [dict(GAMMA, **kw.pop('recipient', {}))],
                            kw.pop('content'), DOMAIN, **kw)

    def probe(self, kw):
        return p1.probe_mpdu(kw.pop('originator', ALPHA),
                             [dict(GAMMA, **kw.pop('recipient', {}))],
                             DOMAIN, **kw)

    def report_of(self, kw):
        row = dict(GAMMA, arrival=EARLIER, reason=1, diagnostic=0)
        row.update(kw.pop('recipient', {}))
        row = {k: v for k, v in row.items() if v is not None}
        return p1.delivery_report_mpdu(
            kw.pop('originator', ALPHA),
            kw.pop('original', (DOMAIN, 'subject')), [row], GAMMA_DOMAIN,
            **kw)

    def test_message(self):
        self.relay(self.user, MESSAGE, 'message', 'gamma', 'alpha')

    def test_probe(self):
        self.relay(self.probe, PROBE, 'probe', 'gamma', 'alpha')

    def test_report(self):
        self.relay(self.report_of, REPORT_ELEMENTS, 'report', 'alpha',
                   'gamma')

    def test_all_at_once(self):
        """A message with all of them, through a restart of beta."""
        alpha, beta, gamma = self.three(of_alpha=KEEP, of_gamma=KEEP)
        self.restarts = True
        extensions, kw, row = [], {}, {}
        for name, more, _ in MESSAGE:
            if name.startswith(('unknown', 'content-correlator, octets')):
                continue
            more = dict(more)
            extensions += more.pop('extensions', [])
            row.update(more.pop('recipient', {}))
            kw.update(more)
        del kw['content'], kw['originator']
        beta.mtactl('peer', 'gamma', 'down')
        self.send(beta, p1.user_mpdu(
            ALPHA, [dict(GAMMA, **row)], octets(70000), DOMAIN,
            extensions=extensions, **kw))
        beta.crash()
        beta.start()
        beta.mtactl('peer', 'gamma', 'up')
        gamma.wait(1, timeout=30)
        mpdu = p1.decode(gamma.messages[0].octets)
        self.assertTrue(mpdu.content == octets(70000))
        self.assertEqual((mpdu.priority, mpdu.deferred), (2, FAR))
        self.assertEqual(
            sorted((str(x.type), x.criticality, x.octets())
                   for x in mpdu.extensions if x.type != 38),
            sorted((str(x.type), x.criticality, x.octets())
                   for x in extensions if x.type != 38))


def distribution(*lines):
    return 'list "/S=All/%s" {\n\t%s\n}' % (AT_BETA, '\n\t'.join(lines))


MEMBER = 'member "/S=Doe/%s"' % AT_BETA
LIST = dict(BETA, S='All')


class ActedOn(Between):
    """What is M in messages and probes."""

    def refused(self, reason, diagnostic, mpdu, *lines, **kw):
        """It is, for all of its recipients, and goes nowhere."""
        alpha, beta, gamma = self.three(*lines, **kw)
        self.send(beta, mpdu)
        report = self.report(alpha)
        self.assertEqual({about[1:] for about in self.about(report)},
                         {(reason, diagnostic)})
        beta.idle()
        self.assertEqual((beta.delivered(), gamma.messages), ([], []))
        return report

    def test_message_identifier(self):
        """The subject of the report, and taken once for a recipient."""
        alpha, beta, _ = self.three()
        identifier = p1.new_identifier(DOMAIN)
        for _ in range(2):
            self.send(beta, self.message(dict(BETA, flag=REPORT),
                                         identifier=identifier))
        self.assertEqual(self.report(alpha).original, identifier)
        beta.said('transfer-in-duplicate')
        beta.idle()
        self.assertEqual((len(alpha.messages), len(beta.delivered())),
                         (1, 1))

    def test_originator_name(self):
        """Reports go to it, wherever the message came from."""
        alpha, beta, gamma = self.three()
        self.send(beta, p1.user_mpdu(GAMMA, [dict(BETA, flag=REPORT)],
                                     b'\x30\0', DOMAIN))
        gamma.wait(1)
        report = p1.decode(gamma.messages[0].octets)
        self.assertEqual((report.kind, report.originator),
                         ('report', GAMMA))
        beta.idle()
        self.assertEqual(alpha.messages, [])

    def test_priority(self):
        """Urgent before normal before non-urgent when several wait."""
        _, beta, gamma = self.three()
        beta.mtactl('peer', 'gamma', 'down')
        order = [1, 0, 2, 0, 1, 2]
        self.send(beta, *(self.message(GAMMA, priority=p) for p in order))
        until(lambda: len(beta.mtactl('show', 'queue')) == 6, 15, 'queue')
        beta.mtactl('peer', 'gamma', 'up')
        gamma.wait(6, timeout=30)
        self.assertEqual([p1.decode(m.octets).priority
                          for m in gamma.messages], [2, 2, 0, 0, 1, 1])

    def test_disclosure_of_recipients(self):
        """Whoever gets it is told of the others, or not."""
        _, beta, _ = self.three()
        for flag, names in ('0000', 1), ('1000', 2):
            before = set(beta.delivered())
            self.send(beta, self.message(BETA, GAMMA, flag=flag))
            name, = until(lambda: set(beta.delivered()) - before, 15,
                          'delivery')
            path = os.path.join(beta.delivery, name[:-3] + '.env')
            until(lambda: os.path.exists(path), 15, 'envelope')
            with open(path) as file:
                self.assertEqual(len(re.findall(
                    '^recipient.*/S=', file.read(), re.M)), names)

    def test_implicit_conversion_prohibited(self):
        """Where types are not taken, that is the reason and not the
        types."""
        self.refused(2, 9, self.message(GAMMA, flag='0100',
                                        types='00000001'),
                     of_gamma=['eit ia5-text'])

    def test_alternate_recipient_allowed(self):
        """Who is unknown has an alternate, where the originator allows
        one."""
        alpha, beta, gamma = self.three(
            'domain "/PRMD=NOBODY/C=FR" complete alternate to '
            '"/S=Post/%s"' % AT_BETA)
        unknown = {'C': 'FR', 'ADMD': ' ', 'PRMD': 'NOBODY', 'S': 'X'}
        self.send(beta, self.message(unknown, flag='0000'))
        self.assertEqual(self.about(self.report(alpha)), [(1, 1, 0)])
        self.assertEqual(beta.delivered(), [])
        self.send(beta, self.message(unknown, flag='0010'))
        beta.wait_delivered(1)
        beta.idle()
        self.assertEqual(len(alpha.messages), 1)

    def test_trace_information(self):
        """One more element: our domain, arrival, relayed."""
        _, beta, gamma = self.three()
        before = past(1)
        self.send(beta, self.message(GAMMA, trace=TRACE))
        gamma.wait(1)
        trace = p1.decode(gamma.messages[0].octets).trace
        self.assertEqual(trace[:1], [(DOMAIN, {'arrival': EARLIER,
                                               'action': 0})])
        (domain, supplied), = trace[1:]
        self.assertEqual((domain, sorted(supplied), supplied['action']),
                         (BETA_DOMAIN, ['action', 'arrival'], 0))
        self.assertLessEqual(before, supplied['arrival'])
        self.assertLessEqual(supplied['arrival'], p1.utc_time())

    def test_internal_trace_information(self):
        """One more element: our domain, our name, arrival, relayed."""
        _, beta, gamma = self.three(of_alpha=KEEP, of_gamma=KEEP)
        self.send(beta, self.message(GAMMA, extensions=[INTERNAL]))
        gamma.wait(1)
        mpdu = p1.decode(gamma.messages[0].octets)
        domain, mta, supplied = mpdu.extension(38)[-1]
        self.assertEqual((domain, mta, supplied['action']),
                         (BETA_DOMAIN, 'beta', 0))
        self.assertEqual(supplied['arrival'], mpdu.trace[-1][1]['arrival'])
        self.assertEqual(len(mpdu.extension(38)), 3)

    def test_extensions_with_criticality(self):
        """Critical for transfer and not known: not transferred."""
        self.refused(1, 18, self.message(GAMMA, BETA, extensions=[
            p1.unknown(CRITICAL, 250)]))

    def test_critical_for_submission_alone(self):
        """Is nobody's business but the submitter's MTA's."""
        _, beta, gamma = self.three()
        self.send(beta, self.message(GAMMA, BETA, extensions=[
            p1.unknown('1', 250)]))
        gamma.wait(1)
        beta.wait_delivered(1)

    def test_critical_for_delivery(self):
        """Not delivered here, and relayed to others, who may know it."""
        alpha, beta, gamma = self.three()
        self.send(beta, self.message(GAMMA, BETA, extensions=[
            p1.unknown('001', 250)]))
        self.assertEqual(self.about(self.report(alpha)), [(2, 1, 18)])
        gamma.wait(1)
        beta.idle()
        self.assertEqual(beta.delivered(), [])

    def test_recipient_reassignment_prohibited(self):
        """No redirection of the configuration is followed."""
        self.refused(1, 26, self.message(OTHER, extensions=[
            p1.recipient_reassignment_prohibited()]),
            'redirect "/S=Other/%s" to "/S=Doe/%s"' % (AT_BETA, AT_BETA))

    def test_dl_expansion_prohibited(self):
        """No list is expanded."""
        self.refused(1, 28, self.message(LIST, extensions=[
            p1.dl_expansion_prohibited()]), distribution(MEMBER))

    def test_conversion_with_loss_prohibited(self):
        """P22 is not made P2 where something of it would be lost."""
        content = Seq(0xa0, Set(0x31, Seq(0xaf, Seq(0x30, ber.oid(
            '2.6.1.5.1'), Seq(0x31, Prim(0x13, b'en'))))), Seq(
                0x30, Seq(0xa0, Set(0x31), Prim(0x16, b'x')))).encode()
        for extensions in [], [p1.conversion_with_loss_prohibited(
                criticality='')]:
            alpha, gamma = (self.responder(
                name=name, password=password(name), mode=mode,
                credentials={'beta': password('beta')})
                for name, mode in (('alpha', 'normal'), ('gamma', 'x410')))
            beta = self.daemon(
                'beta', Peer('alpha', alpha.port, *SHORT, *LINES),
                Peer('gamma', gamma.port, *SHORT, *LINES, mode='x410-1984'))
            self.send(beta, self.message(GAMMA, content=content,
                                         extensions=extensions))
            if extensions:
                self.assertEqual(self.about(self.report(alpha)),
                                 [(1, 2, 19)])
            else:
                gamma.wait(1)
            beta.idle()
            self.assertEqual(len(gamma.messages), not extensions)

    def test_what_comes_back_in_a_report(self):
        """content-identifier, content-correlator, content-type, original
        EITs, originally-specified-recipient-number and
        per-recipient-indicators."""
        types = {'types': '001', 'external': ['2.6.1.12.0']}
        report = self.refused(1, 3, self.message(
            dict(GAMMA, extension=9, flag='11001000'),
            dict(BETA, extension=4, flag='10101000'),
            ua_content_id='mine', content_type=22, types=types,
            extensions=[p1.content_correlator('correlated')], trace=[
                (d, {'arrival': EARLIER})
                for d in (DOMAIN, BETA_DOMAIN) * 3]))
        self.assertEqual(
            (report.ua_content_id, report.content_type, report.types),
            ('mine', 22, types))
        self.assertEqual([x.read() for x in report.content_extensions
                          if x.type == 23], ['correlated'])
        self.assertEqual(
            sorted((r['S'], r['PRMD'], r['extension'], r['flag'])
                   for r in report.recipients),
            [('Doe', 'BETA', 4, '10101000'),
             ('Doe', 'GAMMA', 9, '11001000')])

    def test_recipient_name(self):
        """Each where its name leads, in a copy that says so."""
        alpha, beta, gamma = self.three()
        self.send(beta, self.message(
            dict(GAMMA, S='One', extension=11), dict(BETA, extension=12),
            dict(GAMMA, S='Two', extension=13), flag='1000'))
        gamma.wait(1)
        beta.wait_delivered(1)
        mpdu = p1.decode(gamma.messages[0].octets)
        self.assertEqual([(r['S'], r['PRMD'], r['extension'], r['flag'][0])
                          for r in mpdu.recipients],
                         [('One', 'GAMMA', 11, '1'), ('Doe', 'BETA', 12, '0'),
                          ('Two', 'GAMMA', 13, '1')])

    def test_responsibility(self):
        """Nothing is done for whom somebody else sees to."""
        alpha, beta, gamma = self.three()
        self.send(beta, self.message(dict(BETA, flag='01010000'), GAMMA))
        gamma.wait(1)
        beta.idle()
        self.assertEqual((beta.delivered(), alpha.messages), ([], []))

    def test_originating_MTA_report_request(self):
        """1 basic: of failures; 2 confirmed: of both; 3: and the trace."""
        alpha, beta, _ = self.three()
        for flag in '10101000', '11001000', '11101000':
            self.send(beta, self.message(dict(BETA, flag=flag)))
        alpha.wait(2)
        beta.idle()
        found = [p1.decode(m.octets) for m in alpha.messages]
        self.assertEqual({(r.recipients[0]['flag'],
                           r.intermediate is not None) for r in found},
                         {('11001000', False), ('11101000', True)})
        self.assertEqual(len(found), 2)

    def test_recipient_extensions(self):
        """originator-requested-alternate-recipient, when the first cannot
        be reached; and a critical one is that recipient's trouble."""
        alpha, beta, gamma = self.three(
            'domain "/PRMD=NOBODY/C=FR" complete')
        self.send(beta, self.message(
            {'C': 'FR', 'ADMD': ' ', 'PRMD': 'NOBODY', 'S': 'X',
             'extensions': [
                 p1.originator_requested_alternate_recipient(GAMMA)]},
            dict(BETA, extensions=[p1.unknown(CRITICAL, 250)])))
        gamma.wait(1)
        mpdu = p1.decode(gamma.messages[0].octets)
        row = mpdu.recipients[0]
        self.assertEqual((row['S'], row['PRMD'], row['flag'][0]),
                         ('Doe', 'GAMMA', '1'))
        history, = [x.read() for x in row['extensions'] if x.type == 25]
        self.assertEqual((history[0][0]['PRMD'], history[0][2]),
                         ('NOBODY', 1))
        self.assertEqual(self.about(self.report(alpha)), [(2, 1, 18)])
        beta.idle()
        self.assertEqual(beta.delivered(), [])

    def test_content(self):
        """Delivered octet for octet, whatever it is."""
        alpha, beta, _ = self.three()
        contents = [b'', b'\0', octets(1023), octets(100000, 3)]
        self.send(beta, *(self.message(BETA, content=c) for c in contents))
        self.delivered(beta, *contents)

    def test_extended_EITs(self):
        """A peer that does not take one of them is not sent it."""
        self.refused(1, 6, self.message(GAMMA, types={
            'types': '', 'external': ['2.6.1.12.0', '1.2.3']}),
            of_gamma=['eit 2.6.1.12.0'])

    def test_deferred_time_in_the_trace(self):
        """Deferred here: its element of the trace says until when."""
        alpha, beta, _ = self.three()
        when = p1.utc_time(time.time() + 3)
        self.send(beta, self.message(dict(BETA, flag=AUDITED),
                                     deferred=when))
        report = self.report(alpha)
        self.assertGreaterEqual(report.recipients[0]['delivery'], when)
        self.assertEqual(report.intermediate[-1][1].get('deferred'), when)


class Report(Between):
    """What is M in reports: as beta makes them, and takes them."""

    def test_made(self):
        """report-identifier, destination, trace, subject, recipients by
        their names and numbers, last trace."""
        alpha, beta, _ = self.three()
        identifier = p1.new_identifier(DOMAIN)
        before = past(1)
        self.send(beta, self.message(dict(BETA, flag=REPORT, extension=3),
                                     identifier=identifier))
        report = self.report(alpha)
        self.assertEqual(report.identifier[0], BETA_DOMAIN)
        self.assertNotEqual(report.identifier, identifier)
        self.assertEqual(report.original, identifier)
        self.assertEqual([t[0] for t in report.trace], [BETA_DOMAIN])
        row, = report.recipients
        self.assertEqual((row['extension'], row['flag'], row['S']),
                         (3, REPORT, 'Doe'))
        for key in 'arrival', 'delivery':
            self.assertLessEqual(before, row[key])
            self.assertLessEqual(row[key], p1.utc_time())
        self.assertEqual(row['typeOfUA'], 1)

    def test_redirected(self):
        """originally-intended-recipient-name and redirection-history."""
        alpha, beta, _ = self.three('redirect "/S=Old/%s" to "/S=Doe/%s"' %
                                    (AT_BETA, AT_BETA))
        self.send(beta, self.message(dict(BETA, S='Old', flag=REPORT)))
        row, = self.report(alpha).recipients
        self.assertEqual((row['S'], row['intended']['S']), ('Doe', 'Old'))
        history, = [x.read() for x in row['extensions'] if x.type == 25]
        self.assertEqual([(h[0]['S'], h[2]) for h in history], [('Old', 0)])

    def test_report_destination_is_the_last_list(self):
        """Of the DL-expansion-history, whoever expanded it."""
        alpha, beta, gamma = self.three('limit loops 1')
        lists = [dict(ALPHA, S='First'), dict(GAMMA, S='Last')]
        self.send(beta, self.message(
            BETA, extensions=[p1.dl_expansion_history(
                [(name, EARLIER) for name in lists]),
                p1.unknown(CRITICAL, 250)]))
        gamma.wait(1)
        report = p1.decode(gamma.messages[0].octets)
        self.assertEqual((report.kind, report.originator),
                         ('report', lists[1]))
        history, = [x.read() for x in report.extensions if x.type == 30]
        self.assertEqual([h[0] for h in history], [ALPHA] + lists)
        beta.idle()
        self.assertEqual(alpha.messages, [])

    def test_delivered_to_its_destination(self):
        """One that is for here is handed over, with all that it says."""
        alpha, beta, _ = self.three()
        self.send(beta, p1.delivery_report_mpdu(
            BETA, (BETA_DOMAIN, 'mine'), [dict(
                ALPHA, arrival=EARLIER, reason=1, diagnostic=4, flag=AUDITED,
                supplementary='on leave')], DOMAIN, returned=b'back',
            ua_content_id='ident'))
        names = until(lambda: os.path.isdir(beta.delivery) and [
            n for n in os.listdir(beta.delivery)
            if re.fullmatch('[0-9A-F]{16}.env', n)], 15, 'report')
        with open(os.path.join(beta.delivery, names[0])) as file:
            text = file.read()
        for part in ('subject-identifier: .*mine',
                     'content-identifier: ident',
                     'reason=1 .unable-to-transfer.; '
                     'diagnostic=4 .UA-unavailable.',
                     'supplementary-information: on leave'):
            self.assertRegex(text, part)
        self.assertEqual(alpha.messages, [])


class Behaviour(Between):
    """Rules of Doc 9880 4.5.2.4 and X.411, each named after itself."""

    def test_probe_is_answered_as_the_message_would_be(self):
        alpha, beta, _ = self.three(
            'limit recipients 3', 'domain "/PRMD=NOBODY/C=FR" complete',
            distribution(MEMBER), of_gamma=[
                'max-content 1K', 'eit ia5-text', 'content-type 22'])
        unknown = {'C': 'FR', 'ADMD': ' ', 'PRMD': 'NOBODY', 'S': 'X'}
        cases = {
            'delivered': ([BETA], {}),
            'unrecognised-OR-name': ([unknown], {}),
            'loop-detected': ([BETA], {'trace': [
                (d, {'arrival': EARLIER})
                for d in (DOMAIN, BETA_DOMAIN) * 3]}),
            'EITs-unsupported': ([GAMMA], {'types': '00000001'}),
            'implicit-conversion-prohibited': ([GAMMA], {
                'types': '00000001', 'flag': '0100'}),
            'content-too-long': ([GAMMA], {'length': 1025}),
            'content-type-not-supported': ([GAMMA], {'content_type': 2}),
            'too-many-recipients': ([BETA, OTHER, GAMMA,
                                     dict(GAMMA, S='X')], {}),
            'unsupported-critical-function': ([BETA], {'extensions': [
                p1.unknown(CRITICAL, 250)]}),
            'dl-expansion-prohibited': ([LIST], {'extensions': [
                p1.dl_expansion_prohibited()]}),
        }
        names = {}
        for name, (to, kw) in cases.items():
            kw = dict(kw)
            length = kw.pop('length', 2)
            to = [dict(r, flag=REPORT) for r in to]
            for kind in 'message', 'probe':
                identifier = (DOMAIN, name[:20] + ' ' + kind)
                names[identifier] = name, kind
                self.send(beta, self.message(
                    *to, identifier=identifier, content=octets(length),
                    **kw) if kind == 'message' else p1.probe_mpdu(
                        ALPHA, to, DOMAIN, identifier=identifier,
                        content_length=length, **kw))
        alpha.wait(2 * len(cases), timeout=60)
        answers = {}
        for m in alpha.messages:
            report = p1.decode(m.octets)
            name, kind = names[report.original]
            answers.setdefault(name, {})[kind] = self.about(report)
        for name in cases:
            with self.subTest(name):
                self.assertEqual(answers[name]['message'],
                                 answers[name]['probe'])
        self.assertEqual({name: a['probe'][0][1:]
                          for name, a in answers.items()}, {
            'delivered': (None,), 'unrecognised-OR-name': (1, 0),
            'loop-detected': (1, 3), 'EITs-unsupported': (1, 6),
            'implicit-conversion-prohibited': (2, 9),
            'content-too-long': (1, 7),
            'content-type-not-supported': (1, 15),
            'too-many-recipients': (1, 16),
            'unsupported-critical-function': (1, 18),
            'dl-expansion-prohibited': (1, 28)})

    def test_more_than_512_recipients_are_too_many(self):
        alpha, beta, gamma = self.three('limit recipients 512')
        many = [dict(GAMMA, S='R%d' % n) for n in range(513)]
        self.send(beta, self.message(*many[:512]), self.message(*many))
        alpha.wait(1, timeout=60)
        about = [row for m in alpha.messages
                 for row in self.about(p1.decode(m.octets))]
        self.assertEqual(sorted(about),
                         [(n + 1, 1, 16) for n in range(513)])
        gamma.wait(1, timeout=60)
        self.assertEqual([len(p1.decode(m.octets).recipients)
                          for m in gamma.messages], [512])

    def test_latest_delivery_time_passed_while_it_waited(self):
        """On the way to a peer that is down: told when it passes, and not
        when the message expires."""
        alpha, beta, gamma = self.three()
        beta.mtactl('peer', 'gamma', 'down')
        when = p1.utc_time(time.time() + 3)
        self.send(beta, self.message(GAMMA, extensions=[
            p1.latest_delivery_time(when)]))
        alpha.wait(1, timeout=60)
        self.assertEqual(self.about(p1.decode(alpha.messages[0].octets)),
                         [(1, 1, 5)])
        self.assertGreaterEqual(p1.utc_time(), when)
        until(lambda: beta.mtactl('show', 'queue') == [], 30, 'empty queue')
        self.assertEqual(gamma.messages, [])

    @unittest.skipIf(os.getuid() != 0, 'not root')
    @unittest.skipIf('MTAD_SANITIZED' in os.environ,
                     'a command has not got our ASAN_OPTIONS')
    def test_bad_content_is_a_content_syntax_error(self):
        """x400-maildir, run by beta, cannot read it."""
        alpha = self.responder(name='alpha', password=password('alpha'),
                               credentials={'beta': password('beta')})
        beta = Daemon('beta')
        self.addCleanup(beta.cleanup)
        agent = shutil.copy(os.path.join(
            BUILD, 'x400-maildir', 'x400-maildir'), beta.dir)
        os.chmod(agent, 0o755)
        maildir = os.path.join(beta.dir, 'Maildir')
        os.mkdir(maildir, 0o777)
        os.chmod(maildir, 0o777)
        beta.configure(
            Peer('alpha', alpha.port, *SHORT, *LINES), lines=[
                'deliver "%s/O=Cmd" to command "%s -D gw.example -d %s" '
                'user "nobody"' % (DOMAINS['beta'], agent, maildir)])
        beta.start()
        self.send(beta, self.message(dict(BETA, O='Cmd'),
                                     content=b'no content of X.420'))
        alpha.wait(1, timeout=60)
        self.assertEqual(self.about(p1.decode(alpha.messages[0].octets)),
                         [(1, 1, 12)])

    def test_alternate_route_is_rerouted_and_attempted(self):
        """ISO/IEC 10021-4 14.3.4.4: gamma does not answer, and delta gets
        it with both said in the trace, internal and external."""
        nobody = reserve_port()
        self.addCleanup(nobody.close)
        delta = self.responder(name='delta', password=password('delta'),
                               credentials={'beta': password('beta')})
        fast = ['alternate after 2 failures', *KEEP]
        beta = self.daemon(
            'beta', Peer('alpha', None, *SHORT, *LINES),
            Peer('gamma', nobody.getsockname()[1], *SHORT, *fast,
                 route=False),
            Peer('delta', delta.port, *SHORT, *fast),
            lines=['route "/C=DE" via "gamma" via "delta"'])
        self.send(beta, self.message(GAMMA))
        delta.wait(1, timeout=60)
        mpdu = p1.decode(delta.messages[0].octets)
        domain, supplied = mpdu.trace[-1]
        self.assertEqual(
            (domain, supplied['action'], supplied.get('previous')),
            (BETA_DOMAIN, 1, GAMMA_DOMAIN))
        domain, mta, supplied = mpdu.extension(38)[-1]
        self.assertEqual((domain, mta, supplied['action']),
                         (BETA_DOMAIN, 'beta', 1))
        self.assertIn(supplied.get('attempted', supplied.get('previous')),
                      ('gamma', GAMMA_DOMAIN))
        # in the first attempt there was nothing to say
        self.assertEqual(len(mpdu.trace), 2)


if __name__ == '__main__':
    main()
