#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The peer against itself in normal mode, and in X.410 mode with protocol
12: all of test_peer.py again, and what these modes have of their own."""

import io
import json
import os
import shutil
import sys
import unittest

sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from peer import apdu, mta, normal, p1_88, p2, pcap             # noqa: E402
from peer import session as ss, test_peer                       # noqa: E402
from peer.ber import BerError, Form, parse                      # noqa: E402
from peer.case import (ALPHA, BETA, Case, DATA, DOMAIN,         # noqa: E402
                       vector)
from peer.rts import (Aborted, ExceptionReported, Lost,         # noqa: E402
                      Pattern, Rejected, Timeout)
from peer.script import AFTER, BEFORE, Cut, Replace, Script     # noqa: E402

FORMS = (Form(indefinite=True), Form(long_length=3), Form(pieces=2),
         Form(shuffle=1), Form(shuffle=2),
         Form(shuffle=7, indefinite=True, long_length=2, pieces=1))
ENCODINGS = (normal.SINGLE, normal.OCTETS, normal.ARBITRARY)


class NormalTransfer(test_peer.Transfer):
    config = {'mode': 'normal'}


class NormalRefusals(test_peer.Refusals):
    config = {'mode': 'normal'}


class NormalRecovery(test_peer.Recovery):
    config = {'mode': 'normal'}


class NormalThroughProxy(test_peer.ThroughProxy):
    config = {'mode': 'normal'}


class Protocol12Transfer(test_peer.Transfer):
    config = {'mode': 'x410-1988'}


class Protocol12Recovery(test_peer.Recovery):
    config = {'mode': 'x410-1988'}


class NormalFaults(test_peer.Faults):
    config = {'mode': 'normal'}

    def test_bad_pconnect(self):
        """Not a CP, or one with something of it missing."""
        whole = vector('x400-ping-success', 'cp.ber')
        cases = [b'', b'\x31', b'\x31\x00', b'\x30\x00', whole[:-1],
                 whole.replace(b'\x61\x50', b'\x60\x50'),
                 whole.replace(b'\x60\x47', b'\x61\x47'),
                 whole.replace(b'\xb0\x30', b'\xb1\x30'),
                 whole.replace(b'\xa3\x28', b'\xa2\x28'),
                 whole.replace(b'\xb0\x24', b'\xb1\x24'),
                 bytes.fromhex('3107a003800101a200')]
        for user_data in cases:
            with self.subTest(user_data=user_data.hex()):
                with self.assertRaises(Aborted) as caught:
                    self.initiator(user_data=user_data).open()
                self.assertEqual(caught.exception.reason,
                                 apdu.PROTOCOL_ERROR)
        self.assertEqual(len(self.responder.violations), len(cases))
        self.allowed = ['bad PConnect']

    def test_bad_data(self):
        """P-DATA that is none, and APDUs that are no EXTERNAL."""
        good = normal.fully(normal.pdv(3, b'\x04\x03abc')).encode()
        cases = ((b'\x30\x00', 'tag 10'), (good[:-1], 'cut short'),
                 (good + b'\0', 'octets after'), (b'', 'without user data'),
                 (good.replace(b'\x02\x01\x03', b'\x02\x01\x05'),
                  'context 5'),
                 (good.replace(b'\x04\x03', b'\x0c\x03'), 'no RTTR'),
                 (normal.fully(normal.pdv(
                     3, b'\x04\x03abc', normal.OCTETS)).encode().replace(
                         b'\x04\x03', b'\x04\x04'), 'cut short'))
        for octets, said in cases:
            with self.subTest(said=said):
                i = self.initiator().open()
                i.send(b'', stop_before_end=True)
                i.holder(ss.Spdu('DT'), data=octets)
                i.close_connection()
                self.responder.wait(condition=lambda: any(
                    said in v for v in self.responder.violations))
                self.responder.violations.clear()
        i = self.initiator(external_apdu=False).open()
        i.send(b'\xa0\x00')
        i.close()
        self.received(b'\xa0\x00')
        self.allowed = ['not an EXTERNAL']

    def test_bad_user_data_of_others(self):
        i = self.initiator(dialogue=apdu.TWA)
        self.responder.next(dialogue=apdu.TWA)
        i.open()
        i.give()
        for octets in (b'\x02\x01\x00', normal.fully(normal.pdv(
                5, b'\x02\x01\x00')).encode()):
            i.session.send(ss.Spdu('PT', [(ss.TOKEN, b'\x01'),
                                          (ss.USER_DATA, octets)]))
        i.session.send(ss.Spdu('FN', [(ss.TRANSPORT_DISCONNECT, b'\x01')]))
        self.responder.wait(condition=lambda: len(
            self.responder.violations) == 3)
        self.allowed = ['PT with user data', 'FN with bad user data']


class Modes(Case):
    config = {'mode': 'any'}

    def test_a_responder_tells_them_apart(self):
        for mode in ('x410', 'x410-1988', 'normal'):
            i = self.initiator(Cut('out', name='MIP', nth=4), mode=mode)
            self.lost(i)
            i.recover()
            i.resume()
            i.close()
            self.assertEqual(
                {a.stack.mode for a in self.responder.associations[-2:]},
                {mode})
        self.received(DATA, DATA, DATA)

    def test_wrong_mode(self):
        modes = ('x410', 'x410-1988', 'normal')
        for mine in modes:
            for theirs in modes:
                if mine == theirs:
                    continue
                self.responder.next(mode=mine)
                with self.assertRaises(Aborted):
                    self.initiator(mode=theirs).open()
                self.responder.next(mode=mine, on_other_mode=('rf', 2))
                with self.assertRaises(Rejected):
                    self.initiator(mode=theirs).open()
        self.allowed = ['CN of mode']

    def test_application_protocol(self):
        for mode, protocol in (('x410', 1), ('x410-1988', 12)):
            self.initiator(mode=mode).open().close()
            self.assertEqual(self.responder.associations[-1].peer.protocol,
                             protocol)

    def test_command_line(self):
        path = os.path.join('/tmp', 'peer-normal-%d' % os.getpid())
        self.addCleanup(lambda: os.unlink(path))
        with open(path, 'wb') as file:
            file.write(DATA)
        out, sys.stdout = sys.stdout, io.StringIO()
        try:
            mta.main(['send', '--mode', 'normal', '--cut', 'out:8:0.5',
                      '--to', '127.0.0.1:%d' % self.responder.port, path])
            said = json.loads(sys.stdout.getvalue().splitlines()[-1])
        finally:
            sys.stdout = out
        self.assertEqual(said, {'event': 'closed', 'violations': []})
        self.received(DATA)
        self.assertEqual(self.responder.associations[-1].stack.mode,
                         'normal')


class Normal(Case):
    config = {'mode': 'normal'}

    def test_forms(self):
        """Every way to encode the same values, in both directions, of all
        that is said."""
        cases = [{'form': form} for form in FORMS]
        cases += [{'form': form, 'pdv': pdv, 'external_encoding': pdv,
                   'apdu_encoding': normal.SINGLE if pdv == normal.ARBITRARY
                   else pdv}
                  for form in (Form(),) + FORMS for pdv in ENCODINGS]
        cases += [{'references': ('indirect',)}, {'references': ('direct',)},
                  {'selector_last': True}, {'cp_indefinite': True},
                  {'transfer_syntax': normal.BER}, {'octet_string': True},
                  {'style': 'null'}, {'aru_contexts': False},
                  {'release_reason': None}, {'acks': 'GT'},
                  {'ap_title': '1.3.27.1', 'ae_qualifier': 7}]
        message = b'\x04\x82\x07\xd0' + DATA[:2000]
        for kw in cases:
            with self.subTest(**kw):
                self.responder.next(dialogue=apdu.TWA, **kw)
                i = self.initiator(dialogue=apdu.TWA, password='x',
                                   **kw).open()
                self.responder.outbox.append(message)
                i.send(message)
                i.give()
                i.please(1)
                i.until(lambda: i.my_turn)
                self.assertEqual(i.store.messages[0].octets, message)
                i.close()
                self.responder.next(**kw)
                i = self.initiator(**kw).open()
                i.abort(apdu.TEMPORARY_PROBLEM)
                ended = self.responder.associations[-1]
                self.responder.wait(condition=lambda: ended.ended)
                self.assertEqual(ended.ended.reason, apdu.TEMPORARY_PROBLEM)
        self.received(*[message] * len(cases))
        self.allowed = ['behind GT']

    def test_selectors_and_titles(self):
        i = self.initiator(calling_psel=b'a', called_psel=b'MTA',
                           ap_title='1.3.27.1', ae_qualifier=7,
                           called_ap_title=b'\x30\x00',
                           called_ae_qualifier='2.5')
        self.responder.next(responding_psel=b'b')
        i.open()
        seen = self.responder.associations[0].stack
        self.assertEqual((seen.cp.calling, seen.cp.called), (b'a', b'MTA'))
        self.assertEqual(i.stack.cp.responding, b'b')
        self.assertEqual(seen.acse.titles, {
            0x82: b'\x30\x00', 0x83: b'\x06\x01\x55',
            0x86: b'\x06\x03\x2b\x1b\x01', 0x87: b'\x02\x01\x07'})
        i.close()

    def test_contexts(self):
        """Other identifiers, more transfer syntaxes, and contexts that are
        not accepted."""
        i = self.initiator(contexts=(
            (9, normal.MTSE, ('1.2.3', normal.BER)),
            (21, '1.2.840.1', (normal.BER,)), (1001, normal.RTSE, (
                normal.BER,)), (3, normal.ACSE, (normal.BER, '1.2.3')),
            (31, normal.MTSE, ('1.2.3',)))).open()
        i.send(DATA)
        i.close()
        self.received(DATA)
        self.assertEqual(i.stack.results, [
            (0, normal.BER, None), (2, None, 1), (0, normal.BER, None),
            (0, normal.BER, None), (2, None, 2)])
        cp = normal.decode_cp(i.pconnect)
        self.assertEqual(cp.user[0].transfer, normal.BER)
        self.assertEqual(self.responder.violations, [])
        self.responder.next(results={5: (1, None, None)})
        i = self.initiator().open()
        self.assertEqual(i.store.violations, ['context 5: result 1'])
        i.close()
        self.initiator(contexts=((1, normal.ACSE, (normal.BER,)),
                                 (4, normal.RTSE, (normal.BER,)),
                                 (5, normal.MTSE, (normal.BER,)))).open()
        self.allowed = ['context 21: result 2', 'context 31: result 2',
                        'context 5: result 1', 'context identifier 4']

    def test_application_context(self):
        self.initiator(application_context='2.6.0.1.5').open()
        self.allowed = ['application context 2.6.0.1.']

    def test_session(self):
        i = self.initiator().open()
        association = self.responder.associations[0]
        self.assertEqual(association.cn.get(ss.CONNECT_ITEM, ss.VERSION),
                         b'\x02')
        self.assertEqual(association.cn.get(ss.CONNECTION_ID,
                                            ss.CALLING_REF)[:1], b'\x04')
        i.close()

    def test_credentials(self):
        self.responder.config.credentials = {'alpha': 'secret', None: None}
        for kw in ({'octet_string': False}, {'octet_string': True}):
            i = self.initiator(password='secret', **kw).open()
            peer = self.responder.associations[-1].peer
            self.assertEqual((peer.name, peer.password, peer.octet_string),
                             ('alpha', 'secret', kw['octet_string']))
            self.assertEqual(i.peer.name, 'beta')
            i.close()
        self.initiator(style='null').open().close()
        # [0] IMPLICIT NULL: no user data at all.
        rtorq = normal.rtorq(normal.ber.Prim(0x80, b''), 1, 3, 0)
        pdu = normal.decode_rtorq(rtorq.encode())
        self.assertEqual((pdu.name, pdu.recover), (None, None))

    def test_refusals(self):
        transient, permanent = (normal.REJECTED_TRANSIENT,
                                normal.REJECTED_PERMANENT)
        for how, want in (
                (apdu.RTS_BUSY, (0, transient, 1, 1, None)),
                (apdu.CANNOT_RECOVER, (1, permanent, 1, 1, None)),
                (apdu.VALIDATION_FAILURE, (2, permanent, 1, 1, None)),
                (apdu.UNACCEPTABLE_DIALOGUE_MODE, (3, permanent, 1, 1,
                                                   None)),
                (normal.SECURITY_CONTEXT, (4, permanent, 1, 1, None)),
                (('aare', permanent), (None, permanent, 1, 1, None)),
                (('aare', transient, 2, 2), (None, transient, 2, 2, None)),
                (('cpr', 3), (None, None, None, None, 3)),
                (('rf', 2), (None, None, None, None, None))):
            for form in FORMS:
                self.responder.next(on_open=how, form=form)
                with self.assertRaises(Rejected) as caught:
                    self.initiator().open()
                r = caught.exception.refusal
                self.assertEqual((r.reason, r.result, r.source, r.diagnostic,
                                  r.provider_reason), want)
        self.responder.next(on_open=apdu.RTS_BUSY, rejection=(1, 2, 0))
        with self.assertRaises(Rejected) as caught:
            self.initiator().open()
        self.assertEqual(vars(caught.exception.refusal), {
            'reason': 0, 'result': 1, 'source': 2, 'diagnostic': 0,
            'provider_reason': None})

    def test_refusals_of_recovery(self):
        """Unknown association: RTORJ without user data."""
        i = self.initiator(Cut('out', name='MIP', nth=4))
        self.lost(i)
        self.responder.next(on_recover=('cpr', 1))
        with self.assertRaises(Rejected) as caught:
            i.recover()
        self.assertEqual(caught.exception.refusal.provider_reason, 1)
        self.responder.store.forget()
        with self.assertRaises(Rejected) as caught:
            i.recover()
        self.assertEqual(caught.exception.reason, apdu.CANNOT_RECOVER)
        self.assertEqual(parse(i.stack.acse.user[0][2]).raw, b'\xb2\x00')

    def test_aborts(self):
        for how, kind in ((('arp', 1, 0), 'ARP'), (('abrt', 1), 'ARU'),
                          (apdu.PERMANENT_PROBLEM, 'ARU')):
            self.responder.next(on_open=('abort', how))
            i = self.initiator()
            with self.assertRaises(Aborted) as caught:
                i.open()
            self.assertEqual(i.stack.cp.kind, kind)
            self.assertEqual(caught.exception.reason,
                             how if isinstance(how, int) else None)
        self.assertEqual(i.stack.cp.contexts, [(1, normal.BER),
                                               (3, normal.BER)])

    def test_reference_of_recovery(self):
        """An OCTET STRING; the T61String of another system is noticed."""
        for tag in (None, 0x14):
            i = self.initiator(Cut('out', name='MIP', nth=4), scid_tag=tag)
            self.lost(i)
            i.recover()
            i.resume()
            i.close()
            self.assertEqual(
                self.responder.associations[-1].peer.recover.tag,
                tag or 0x04)
        self.received(DATA, DATA)
        self.assertEqual(len(self.responder.violations), 1)
        self.allowed = ['T61String']

    def test_large_resumed_without_being_kept(self):
        for form in (Form(), Form(indefinite=True)):
            self.responder.next(keep=False)
            i = self.initiator(Cut('out', name='MIP', nth=5, at=AFTER),
                               form=form)
            self.lost(i)
            i.recover()
            i.resume()
            i.close()
            self.responder.wait(1)
            message = self.responder.messages.pop()
            self.assertEqual((message.length, message.octets),
                             (len(DATA), None))
            self.assertEqual(message.digest(), Pattern(
                len(DATA), DATA).digest())

    def test_segments_across_tpdus(self):
        for kw in ({'tpdu_size': 7}, {'sizes': [1, 2, 3, 1, 1]},
                   {'max_user': 5}):
            for form in (Form(), Form(pieces=100, indefinite=True)):
                for at in (0.3, 0.9):
                    i = self.initiator(
                        Cut('out', name='DT', nth=5, at=at), form=form, **kw)
                    self.lost(i)
                    i.recover()
                    i.resume()
                    i.close()
        self.received(*[DATA] * 12)
        self.assertTrue(all(t.resumed for t in self.responder.transfers))

    def test_recovery_cut_again(self):
        """Every TSDU of the connection that recovers."""
        for name in ('CN', 'AR', 'DT', 'MIP', 'AE', 'FN'):
            for at in (BEFORE, 0.5, AFTER):
                i = self.initiator(Cut('out', name='MIP', nth=4))
                self.lost(i)
                try:
                    i.recover(Script(Cut('out', name=name, at=at)))
                    i.resume()
                    i.close()
                except Lost:
                    self.again(i)
                i.close_connection()
        self.received(*[DATA] * 18)

    def again(self, i):
        """The other side may not yet have seen what was cut, and may end
        the connection that comes before it has."""
        for attempt in range(3):
            if i.record.outgoing.state == 'complete':
                break
            try:
                i.recover()
                i.resume()
            except Lost:
                self.assertLess(attempt, 2)

    def test_replaced_user_data(self):
        """Truncated and altered at every octet: an answer, or an end, and
        never more than a violation."""
        i = self.initiator().open()
        whole = bytes(i.pconnect)
        i.close()
        for decode, octets in (
                (normal.decode_cp, whole),
                (normal.decode_cp, vector('x400-ping-success', 'cp.ber')),
                (normal.decode_cpa, vector('x400-ping-success', 'cpa.ber')),
                (normal.decode_abort, i.stack.abort(1, b'x')),
                (normal.decode_cpr, i.stack.refuse(0)),
                (normal.unwrap_apdu, i.stack.wrap(b'\x05\x00'))):
            for end in range(len(octets)):
                with self.assertRaises(BerError):
                    decode(octets[:end])
                for value in (0, 0x30, 0x80, 0xff, octets[end] ^ 1):
                    other = bytearray(octets)
                    other[end] = value
                    try:
                        decode(bytes(other))
                    except BerError:
                        pass
        for value in (0x00, 0x80, 0xff):
            self.responder.next(Script(Replace(
                'out', name='AC', octets=lambda tsdu: tsdu[:-20] + bytes(
                    (value,)) + tsdu[-19:])))
            i = self.initiator(timeout=0.5)
            try:
                i.open()
            except (Lost, Timeout, BerError, mta.ProtocolError):
                pass
            i.close_connection()
            i.store.violations.clear()
        self.responder.violations.clear()


class Mpdus(Case):
    config = {'mode': 'normal'}

    WHEN = '991231235959Z'
    ADDRESS = {
        'teletex-common-name': 'Jos\xe9', 'teletex-organization-name': 'O',
        'teletex-personal-name': {'S': 'Doe', 'G': 'J', 'GQ': 'III'},
        'teletex-organizational-unit-names': ['a', 'b'],
        'teletex-domain-defined-attributes': [('k', 'v')],
        'pds-name': 'post', 'physical-delivery-country-name': 'GB',
        'postal-code': '12345', 'physical-delivery-office-name': 'office',
        'physical-delivery-office-number': ('1', '2'),
        'extension-OR-address-components': 'x',
        'unformatted-postal-address': (['one', 'two'], 'drei'),
        'street-address': 'street', 'post-office-box-address': 'box 1',
        'poste-restante-address': 'pr', 'unique-postal-name': 'u',
        'local-postal-attributes': 'l', 'terminal-type': 3,
        'extended-network-address': ('123', '4'),
        'universal-common-name': '\u0416',
        'universal-organization-name': ('\u0416rg', 'ru'),
        'universal-personal-name': {'S': '\u0416', 'G': ('x', 'en')},
        'universal-organizational-unit-names': ['\u0416', '\U0001f600'],
        'universal-domain-defined-attributes': [('k', 'v')],
        'universal-unformatted-postal-address': 'x',
        'universal-street-address': '\u0416 1'}

    def mpdus(self):
        p, when = p1_88, self.WHEN
        alpha = dict(ALPHA, CN='common', ext=self.ADDRESS)
        beta = dict(BETA, ext={'extended-network-address': {
            'p': b'x', 'n': [b'\x47\x00']}})
        supplied = {'arrival': when, 'action': 1, 'deferred': when,
                    'previous': ('FR', 'ATLAS'), 'other': '11', 'converted':
                    {'types': '01', 'external': ['2.6.3.4.2']}}
        internal = p.internal_trace_information([
            (DOMAIN, 'mta1', dict(supplied, previous=('FR', 'A', 'B'))),
            (DOMAIN, 'mta2', {'arrival': when, 'attempted': 'mta3',
                              'action': 0})])
        extensions = [
            p.recipient_reassignment_prohibited(),
            p.dl_expansion_prohibited(), p.conversion_with_loss_prohibited(),
            p.latest_delivery_time(when), p.content_correlator('text'),
            p.originator_return_address(ALPHA), internal,
            p.dl_expansion_history([(BETA, when)]),
            p.message_security_label('1.2.3', 3, 'mark'),
            p.dl_exempted_recipients([BETA])]
        of_recipients = [
            p.originator_requested_alternate_recipient(alpha),
            p.requested_delivery_method([1, 2]),
            p.physical_delivery_modes('1'), p.proof_of_delivery_request(),
            p.redirection_history([(BETA, when, 0), (ALPHA, when, 4)])]
        content = p2.message('1', ALPHA, [BETA], 'Subject', 'Text\r\n' * 9)
        return [
            p.user_mpdu(
                alpha, [dict(beta, extensions=of_recipients, conversion=8),
                        ALPHA], content, DOMAIN, content_type=22, priority=2,
                flag='1010', deferred=when, ua_content_id='abc',
                types={'types': '001', 'external': ['2.6.3.4.2', '1.2.3']},
                trace=[(DOMAIN, supplied)], extensions=extensions,
                bilateral=[(('GB', 'GOLD'), b'\x05\0'),
                           (DOMAIN, b'\x05\0')]),
            p.user_mpdu(ALPHA, [BETA], b'xyz', DOMAIN,
                        content_type='2.6.1.10.1'),
            p.probe_mpdu(alpha, [dict(BETA, extensions=of_recipients[:2])],
                         DOMAIN, content_length=1000, types='001', flag='1',
                         extensions=extensions[:3]),
            p.delivery_report_mpdu(
                ALPHA, (DOMAIN, 'x.1'), [
                    dict(BETA, arrival=when, delivery=when, typeOfUA=1,
                         converted='01'),
                    dict(alpha, arrival=when, reason=1, diagnostic=18,
                         intended=alpha, supplementary='no', extensions=[
                             p.redirection_history([(BETA, when, 1)])])],
                DOMAIN, ua_content_id='abc', returned=content,
                intermediate=[(DOMAIN, supplied)], content_type=22,
                types='001', extensions=[
                    p.originator_and_dl_expansion_history([
                        (ALPHA, when), (BETA, when)]),
                    p.reporting_dl_name(BETA), internal,
                    p.reporting_mta_name(DOMAIN, 'mta1')],
                content_extensions=[p.content_correlator(b'octets')])]

    def test_round_trip(self):
        for octets, kind in zip(self.mpdus(), ('user', 'user', 'probe',
                                               'report')):
            mpdu = p1_88.decode(octets)
            self.assertEqual(mpdu.kind, kind)
            self.assertEqual(p1_88.encode(mpdu), octets)
            for form in (Form(indefinite=True), Form(pieces=3),
                         Form(long_length=2)):
                again = p1_88.decode(p1_88.encode(mpdu, form))
                self.assertEqual(again.values(), mpdu.values())
            shuffled = p1_88.decode(p1_88.encode(mpdu, Form(shuffle=5)))
            self.assertEqual(shuffled.recipients[0].get('S'),
                             mpdu.recipients[0].get('S'))
            for end in range(len(octets)):
                with self.assertRaises(BerError):
                    p1_88.decode(octets[:end])

    def test_values(self):
        user, other, probe, report = map(p1_88.decode, self.mpdus())
        self.assertEqual(user.originator, dict(ALPHA, CN='common',
                                               ext=self.ADDRESS))
        self.assertEqual((user.content_type, other.content_type),
                         (22, '2.6.1.10.1'))
        self.assertEqual(user.types, {'types': '001', 'external': [
            '2.6.3.4.2', '1.2.3']})
        self.assertEqual(user.extension(5), self.WHEN)
        self.assertEqual(user.extension(23), 'text')
        self.assertEqual(user.extension(26), [(BETA, self.WHEN)])
        self.assertEqual(user.extension(38)[1][1:], ('mta2', {
            'arrival': self.WHEN, 'attempted': 'mta3', 'action': 0}))
        self.assertEqual(user.recipients[0]['extensions'][4].read(), [
            (BETA, self.WHEN, 0), (ALPHA, self.WHEN, 4)])
        self.assertEqual(probe.content_length, 1000)
        self.assertEqual(report.extension(39), (DOMAIN, 'mta1'))
        self.assertEqual(report.content_extensions[0].read(), b'octets')
        self.assertEqual(report.recipients[1]['diagnostic'], 18)
        self.assertEqual(user.bilateral[1], (DOMAIN, b'\x05\0'))

    def test_unknown_extensions(self):
        for criticality in ('', p1_88.FOR_SUBMISSION, p1_88.FOR_TRANSFER,
                            p1_88.FOR_DELIVERY, '111'):
            for kind in (199, '1.3.6.1.4.1.99999.1'):
                made = p1_88.unknown(criticality, kind, b'\x02\x01\x05')
                mpdu = p1_88.decode(p1_88.user_mpdu(
                    ALPHA, [dict(BETA, extensions=[made])], b'x', DOMAIN,
                    extensions=[made]))
                self.assertEqual(mpdu.extensions, [made])
                self.assertEqual(mpdu.recipients[0]['extensions'], [made])
                self.assertEqual(made.critical(), criticality in ('01',
                                                                  '111'))

    def test_what_1984_has_is_the_same(self):
        """P1 of 1984 is P1 of 1988 without extensions."""
        from peer import p1
        kw = dict(identifier=(DOMAIN, 'x'), ua_content_id='abc', types='001',
                  trace=[(DOMAIN, {'arrival': self.WHEN, 'action': 0})])
        for name, args in (('user_mpdu', ([BETA, ALPHA], b'x', DOMAIN)),
                           ('probe_mpdu', ([BETA], DOMAIN))):
            octets = [getattr(p, name)(ALPHA, *args, content_type=2,
                                       flag='1', **kw) for p in (p1, p1_88)]
            for mine, theirs in ((p1, octets[1]), (p1_88, octets[0])):
                mpdu = mine.decode(theirs)
                self.assertEqual(mpdu.originator, ALPHA)
                self.assertEqual(mpdu.identifier, (DOMAIN, 'x'))
                self.assertEqual(mpdu.trace, kw['trace'])
                self.assertEqual(mpdu.types, '001')

    def test_identifiers_and_large_content(self):
        self.responder.config.deduplicate = True
        mpdus = self.mpdus()
        i = self.initiator().open()
        for mpdu in mpdus + mpdus:
            i.send(mpdu)
        i.close()
        self.received(*mpdus)
        self.assertEqual(self.responder.store.duplicates, len(mpdus))
        self.assertEqual(
            [p1_88.read_identifier(parse(m.identifier)) for m in
             self.responder.messages],
            [p1_88.decode(m).identifier for m in mpdus])
        big = p1_88.user_mpdu(ALPHA, [BETA], 3 << 20, DOMAIN)
        self.responder.next(keep=False)
        i = self.initiator(checkpoint=0).open()
        i.send(big)
        i.close()
        self.responder.wait(5)
        self.assertEqual(self.responder.messages[4].digest(), big.digest())
        self.assertEqual(self.responder.messages[4].length, len(big))

    @unittest.skipUnless(shutil.which('tshark'), 'no tshark')
    def test_tshark_understands(self):
        pcap.check_mpdus(self.mpdus())

    @unittest.skipUnless(shutil.which('tshark'), 'no tshark')
    def test_tshark_understands_what_is_sent(self):
        """Everything: opens, transfers, turns, interrupts, recovery, aborts,
        refusals, down to the last field of P1."""
        first, *others = self.mpdus()
        with pcap.Recorder() as recorder:
            def taps():
                return recorder.connection().tap()

            self.responder.config.dialogue = apdu.TWA
            self.responder.outbox.append(first)
            i = self.initiator(dialogue=apdu.TWA, record_octets=taps())
            i.open()
            for mpdu in others:
                i.send(mpdu)
            i.give()
            i.until(lambda: i.my_turn)
            i.send(first)
            i.send(first, stop_after=1)
            i.discard(0)
            i.close_connection('rst')
            i.record_octets = taps()
            i.recover()
            i.send(first)
            i.close()
            self.responder.next(exception_at=(1, 1))
            i = self.initiator(record_octets=taps()).open()
            with self.assertRaises(ExceptionReported):
                i.send(first)
            i.abort(apdu.LOCAL_SYSTEM_PROBLEM)
            for how in (0, 1, 2, 3, ('aare', 1), ('cpr', 3),
                        ('abort', ('arp', 1, 0)), 'abort'):
                self.responder.next(on_open=how)
                with self.assertRaises((Rejected, Aborted)):
                    self.initiator(record_octets=taps()).open()
            for kw in ({'octet_string': True}, {'style': 'null'},
                       {'pdv': normal.OCTETS}, {'references': ('direct',)},
                       {'calling_psel': b'x', 'called_psel': b'y',
                        'ap_title': '1.3.27.1', 'ae_qualifier': 7}):
                i = self.initiator(record_octets=taps(), **kw).open()
                i.send(first)
                i.close()
            recorder.check(want=('tpkt', 'cotp', 'ses', 'pres', 'acse',
                                 'rtse', 'p1'))
            self.assertEqual(
                {ss.SI[name] for name in (
                    'CN', 'AC', 'RF', 'FN', 'DN', 'AB', 'GT', 'PT', 'GTC',
                    'GTA', 'DT', 'MIP', 'MIA', 'AS', 'AE', 'AEA', 'AI',
                    'AIA', 'AD', 'ADA', 'ED')} -
                set(pcap.spdus(recorder.path)), set())

if __name__ == '__main__':
    unittest.main(verbosity=1)
