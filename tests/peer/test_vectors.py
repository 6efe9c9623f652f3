#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The peer against octets of others: captures, tshark, pyasn1."""

import glob
import io
import json
import os
import shutil
import struct
import sys
import unittest

sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from peer import apdu, ber, cotp, mta, normal, pcap             # noqa: E402
from peer import session as ss, stack                           # noqa: E402
from peer.ber import Form                                       # noqa: E402
from peer.case import (ALPHA, BETA, Case, DATA, DOMAIN,         # noqa: E402
                       vector)
from peer.mta import Config, Initiator, Responder               # noqa: E402
from peer.rts import ExceptionReported, Rejected                # noqa: E402


class Captures(unittest.TestCase):

    def test_session_spdus(self):
        vectors = json.loads(vector('session-spdus.json'))['vectors']
        self.assertEqual(len(vectors), 88)
        for row in vectors:
            tsdu = bytes.fromhex(row['tsdu_hex'])
            spdus = ss.decode(tsdu)
            self.assertIn(spdus[-1].name, row['spdu'].split('/'))
            self.assertEqual(b''.join(map(ss.encode, spdus)), tsdu)
            # Cut short anywhere, it is an error or something shorter.
            for end in range(len(tsdu)):
                try:
                    short = ss.decode(tsdu[:end])
                    self.assertEqual(b''.join(map(ss.encode, short)),
                                     tsdu[:end])
                except ss.SpduError:
                    pass

    def test_spdus_made_of_values(self):
        vectors = {row['name']: bytes.fromhex(row['spdu_hex'])
                   for row in json.loads(
                       vector('session-spdus.json'))['vectors']}
        one, five = b'\x02\x01\x01', b'\x02\x01\x02'
        scid = apdu.Scid(b'Percival', b'051001145724Z')
        percival = ber.Prim(0x04, b'Percival').encode()
        link = ss.connection_id_params(percival, scid.references()[1], None,
                                       percival)
        made = {
            'MIP-explicit-sn1': ss.serial_spdu('MIP', 1),
            'MIA-sn123456': ss.serial_spdu('MIA', 123456),
            'AE-sn2': ss.serial_spdu('AE', 2),
            'AEA/MAA-sn2': ss.serial_spdu('AEA', 2),
            'AS-id-020101': ss.activity_start_spdu(one),
            'AR-same-connection-old020101-new020102-sn3':
                ss.activity_resume_spdu(five, one, 3),
            'AR-new-connection-with-refs-sn5':
                ss.activity_resume_spdu(one, one, 5, link),
            'AI-no-reason': ss.reason_spdu('AI'),
            'AD-reason-5': ss.reason_spdu('AD', 5),
            'ED-reason-1-userdata-3000':
                ss.reason_spdu('ED', 1, b'\x30\x00'),
            'AB-user-release-ARU-x410-3103800104': ss.abort_spdu(
                apdu.abort_information(4).encode()),
            'AB-protocol-error-release': ss.abort_spdu(flags=5),
            'PT-token-0x15-userdata-020105': ss.Spdu('PT', [
                (ss.TOKEN, b'\x15'), (ss.USER_DATA, apdu.priority(5))]),
            'RF-user-reject-prefuse': ss.refuse_spdu(
                [(ss.CALLED_REF, ber.Prim(0x14, b'CSI').encode())], 1, 2,
                apdu.prefuse(0).encode()),
        }
        for name, spdu in made.items():
            self.assertEqual(ss.encode(spdu), vectors[name], name)

    def test_association_of_1992(self):
        """Microsoft and EAN: made from values, octet for octet."""
        cn = vector('kb-Q86988', '05-out-CN_SPDU.bin')
        spdu = ss.decode(cn)[0]
        references = dict(spdu.get(ss.CONNECTION_ID))
        scid = apdu.Scid.from_references(references[ss.CALLING_REF],
                                         references[ss.COMMON_REF], None)
        self.assertEqual(scid.key(), (b'CSI', b'920509145249-0700', b''))
        pdu = apdu.decode_pconnect(spdu.user_data())
        self.assertEqual((pdu.checkpoint, pdu.window, pdu.dialogue,
                          pdu.protocol, pdu.name, pdu.password),
                         (0, 1, 0, 1, 'wgc.microsoft.ca', ''))
        calling, common, _ = scid.references()
        self.assertEqual(cn, ss.encode(ss.connect_spdu(
            ss.connection_id_params(calling, common, None), 1, 0x249,
            spdu.user_data())))
        ac = vector('kb-Q86988', '06-in-AC_SPDU.bin')
        spdu = ss.decode(ac)[0]
        pdu = apdu.decode_paccept(spdu.user_data())
        self.assertEqual((pdu.checkpoint, pdu.window, pdu.name),
                         (0, 1, 'ean.ubc'))
        self.assertEqual(spdu.user_data(), apdu.paccept(
            apdu.open_data('ean.ubc'), 0, 1).encode())
        # PI 12 of length 0 means the same as none.
        self.assertEqual(apdu.Scid.from_references(
            calling, common, spdu.get(ss.CONNECTION_ID, ss.ADDITIONAL_REF)
        ).key(), scid.key())
        aea = ss.decode(b'\x02\x00' +
                        vector('kb-Q86988', '09-in-AEA_SPDU.bin'))[-1]
        self.assertEqual((aea.name, aea.serial()), ('AEA', 1))
        for name, want in (('07-out-AS', 'AS'), ('08-out-AE', 'AE')):
            self.assertEqual(ss.decode(b'\x01\x00' + vector(
                'kb-Q86988', name + '_SPDU.bin'))[-1].name, want)
        for name in ('10-out-FN', '11-in-DN'):
            self.assertEqual(ss.decode(vector(
                'kb-Q86988', name + '_SPDU.bin'))[0].name, name[-2:])
        self.assertEqual(cotp.decode(vector(
            'kb-Q86988', '03-out-CR_TPDU.bin')).parameters, {0xc0: b'\x09'})

    def test_association_of_2005(self):
        """Normal mode: made from values, octet for octet."""
        def octets(name):
            return vector('x400-ping-success', name + '.bin')

        cr = octets('01-I-CR.tpdu')
        self.assertEqual(cr, cotp.encode(
            cotp.CR, 0, 0x17c4, 0, cotp.decode(cr).parameters.items()))
        cc = octets('02-R-CC.tpdu')
        self.assertEqual(cc, cotp.encode(cotp.CC, 0x17c4, 0x034c, 0))

        scid = apdu.Scid(b'Percival', b'051001144852Z', tag=0x04)
        calling, common, _ = scid.references()
        mine = stack.Normal('normal', Config(
            mode='normal', name='percival.smhs.co.uk', password='excalibur',
            checkpoint=63, window=None, cp_indefinite=True))
        cn = octets('03-I-CN.tsdu')
        cp = mine.connect(mine.open_data())
        self.assertEqual(cp, vector('x400-ping-success', 'cp.ber'))
        self.assertEqual(cn, ss.encode(ss.connect_spdu(
            ss.connection_id_params(calling, common, None), 2, 0x249, cp)))
        self.assertEqual(apdu.Scid.from_references(
            calling, common, None).references(), (calling, common, None))

        theirs = stack.Normal('normal', Config(
            mode='normal', name='guinevere.smhs.co.uk', password='merlin'))
        pdu = theirs.decode_connect(ss.decode(cn)[0].user_data())
        self.assertEqual(
            (pdu.checkpoint, pdu.window, pdu.dialogue, pdu.name,
             pdu.password, pdu.recover, theirs.contexts, theirs.said),
            (63, 3, 0, 'percival.smhs.co.uk', 'excalibur', None, [
                (1, normal.ACSE, [normal.BER]),
                (3, normal.RTSE, [normal.BER]),
                (5, normal.MTSE, [normal.BER])], []))
        ac = octets('04-R-AC.tsdu')
        cpa = theirs.accept(theirs.open_result(), checkpoint=63)
        self.assertEqual(cpa, vector('x400-ping-success', 'cpa.ber'))
        spdu = ss.accept_spdu(ss.connection_id_params(
            None, common, None, calling), 2, 0x249, cpa)
        spdu.params.insert(3, (ss.CALLED_SEL, b''))
        self.assertEqual(ac, ss.encode(spdu))
        pdu = mine.decode_accept(ss.decode(ac)[0].user_data())
        self.assertEqual((pdu.checkpoint, pdu.window, pdu.name, pdu.password,
                          mine.said), (63, 3, 'guinevere.smhs.co.uk',
                                       'merlin', []))

        fn, dn = octets('05-I-FN.tsdu'), octets('06-R-DN.tsdu')
        self.assertEqual(fn, ss.encode(ss.Spdu('FN', [
            (ss.TRANSPORT_DISCONNECT, b'\x01'),
            (ss.USER_DATA, mine.release())])))
        self.assertEqual(dn, ss.encode(ss.Spdu('DN', [
            (ss.USER_DATA, theirs.released())])))
        for tsdu, kind in ((fn, 'RLRQ'), (dn, 'RLRE')):
            mine.decode_release(ss.decode(tsdu)[0].user_data(), kind)
            self.assertEqual(mine.acse.reason, 0)

    def test_replay_of_2005(self):
        """The octets of 2005 sent to the responder, and to the initiator."""
        with Responder(name='guinevere.smhs.co.uk', password='merlin',
                       mode='any', window=None, checkpoint=63) as responder:
            i = Initiator(responder.port, mode='normal', window=None,
                          checkpoint=63, user_data=vector(
                              'x400-ping-success', 'cp.ber')).open()
            i.send(DATA)
            i.close()
            responder.next(user_data=vector('x400-ping-success', 'cpa.ber'))
            i = Initiator(responder.port, mode='normal', window=None,
                          checkpoint=63, store=i.store).open()
            self.assertEqual(i.peer.password, 'merlin')
            i.close()
            responder.wait(1)
            self.assertEqual(i.store.violations + responder.violations, [])

    def test_replay_of_1992(self):
        """The octets of 1992 sent to the responder."""
        with Responder(name='ean.ubc', window=1, checkpoint=0) as responder:
            for pdu, answer in ((vector('kb-Q86988', 'pconnect.ber'), 'AC'),
                                (vector('kb-Q123650', 'pconnect.ber'),
                                 'AC')):
                i = Initiator(responder.port, user_data=pdu, window=3,
                              checkpoint=30).open()
                i.send(DATA)
                i.close()
                self.assertEqual(i.store.violations, [])
            responder.wait(2)
            self.assertEqual(responder.violations, [])
            responder.next(user_data=vector('kb-Q123650', 'paccept.ber'))
            i = Initiator(responder.port, window=3, checkpoint=0).open()
            self.assertEqual(i.peer.name, '')
            i.close()

    def test_aborts(self):
        ab = ss.decode(vector('kb-Q194385', '03-out-AB_SPDU.bin'))[0]
        self.assertEqual(apdu.decode_abort(ab.user_data()), (4, None))
        er = cotp.decode(vector('kb-Q123824',
                                '01-in-ER_TPDU_on_connection_xx.bin'))
        self.assertEqual((er.code, er.parameters[0xc1]),
                         (cotp.ER, b'\x02\xf0\x80'))
        cc = cotp.decode(vector('kb-Q151626', '01-in-TPKT-CC.bin')[4:])
        self.assertEqual(cc.parameters[0xc0], b'\x0b')

    def test_mpdus_of_1985(self):
        from peer import p1, p2
        texts = []
        for number in (1, 2, 3):
            octets = vector('ean-1985', 'msg%d.mpdu-reassembled.ber' % number)
            mpdu = p1.decode(octets)
            self.assertEqual(mpdu.kind, 'user')
            self.assertEqual(mpdu.content,
                             vector('ean-1985', 'msg%d.content.ber' % number))
            self.assertEqual(p1.decode(p1.encode(mpdu)).values(),
                             mpdu.values())
            texts.append(p2.decode(mpdu.content)['text'][0].split()[0])
        self.assertEqual(mpdu.identifier, (('', '', 'uk'), '851106170431'))
        self.assertEqual(texts, ['This'] * 3)

    def test_trace_information(self):
        seen = 0
        for path in sorted(glob.glob(os.path.join(
                pcap.VECTORS, 'kb-trace-information', '*.ber'))):
            with open(path, 'rb') as file:
                octets = file.read()
            if os.path.basename(path).startswith('02'):
                # Cut short in the article.
                with self.assertRaises(ber.BerError):
                    ber.parse(octets)
                continue
            children = ber.parse(octets).children
            domain, supplied = children[0], children[-1]
            self.assertEqual((domain.tag, supplied.tag), (0x43, 0x11))
            self.assertRegex(supplied.find(0x80).string(), rb'^\d{12}')
            # Indefinite lengths made definite: the same value.
            again = ber.parse(ber.flatten(octets))
            self.assertLess(len(again.raw), len(octets))
            self.assertEqual(again.children[-1].find(0x80).string(),
                             supplied.find(0x80).string())
            seen += 1
        self.assertEqual(seen, 5)


class Forms(unittest.TestCase):

    def test_pyasn1_reads_what_ber_writes(self):
        """ber.py and apdu.py against another BER, and another description of
        PConnect."""
        from pyasn1.codec.ber import decoder
        from pyasn1.type import char, univ, useful
        from peer.p1 import explicit, fields, implicit, implicit_set

        class Syntax(univ.Set):
            componentType = fields(('x409', implicit(univ.Integer(), 0)))

        class Credentials(univ.Set):
            componentType = fields(
                ('name', implicit(char.IA5String(), 0)),
                ('password', explicit(char.IA5String(), 1)))

        class Identifier(univ.Sequence):
            componentType = fields(
                ('calling', char.T61String()), ('common', useful.UTCTime()),
                ('additional', implicit(char.T61String(), 0), None))

        class Data(univ.Choice):
            componentType = fields(
                ('open', explicit(implicit_set(Credentials(), 1), 0)),
                ('recover', implicit_set(Identifier(), 1)))

        class Parameters(univ.Set):
            componentType = fields(
                ('checkpoint', implicit(univ.Integer(), 0), None),
                ('window', implicit(univ.Integer(), 1), None),
                ('dialogue', implicit(univ.Integer(), 2), None),
                ('data', explicit(Data(), 3)),
                ('protocol', implicit(univ.Integer(), 4), None))

        class PConnect(univ.Set):
            componentType = fields(('syntax', implicit_set(Syntax(), 0)),
                                   ('parameters',
                                    implicit_set(Parameters(), 1)))

        scid = apdu.Scid.new('alpha')
        for seed in range(20):
            # Not of indefinite length: it cannot do that with tagged CHOICEs.
            for form in (Form(shuffle=seed),
                         Form(shuffle=seed, long_length=3)):
                for data in (apdu.open_data('alpha', 'secret'),
                             apdu.recover_data(scid)):
                    octets = apdu.pconnect(data, 30, 300, 1, 8883).encode(
                        form)
                    value, rest = decoder.decode(octets, asn1Spec=PConnect())
                    self.assertEqual(rest, b'')
                    inner = value['parameters']
                    self.assertEqual(
                        [int(inner[n]) for n in (
                            'checkpoint', 'window', 'dialogue', 'protocol')],
                        [30, 300, 1, 8883])
                    mine = apdu.decode_pconnect(octets)
                    if mine.recover is None:
                        self.assertEqual(
                            str(inner['data']['open']['name']), mine.name)
                        self.assertEqual(mine.password, 'secret')
                    else:
                        self.assertEqual(mine.recover.key(), scid.key())
                        self.assertEqual(
                            bytes(inner['data']['recover']['additional']),
                            scid.additional)
        for n in (0, 1, 127, 128, 255, 256, -1, -128, -129, 1 << 31):
            octets = ber.integer(n).encode()
            self.assertEqual(decoder.decode(octets)[0], n)
            self.assertEqual(ber.parse(octets).integer(), n)


class P1(Case):

    def mpdus(self):
        from peer import p1, p2
        content = p2.message('1', ALPHA, [BETA], 'Subject', 'Text\r\n' * 9)
        when = '991231235959Z'
        return [
            p1.user_mpdu(ALPHA, [BETA], content, DOMAIN),
            p1.user_mpdu(ALPHA, [BETA, ALPHA], content, DOMAIN,
                         priority=p1.URGENT, flag='1010', deferred=when,
                         ua_content_id='abc', types='001', trace=[
                             (DOMAIN, {'arrival': when, 'deferred': when,
                                       'converted': '01', 'action': 1,
                                       'previous': ('FR', 'ATLAS')})]),
            p1.probe_mpdu(ALPHA, [BETA], DOMAIN, content_length=1000,
                          types='001', flag='1', ua_content_id='x'),
            p1.delivery_report_mpdu(ALPHA, (DOMAIN, 'x.1'), [
                dict(BETA, arrival=when, delivery=when),
                dict(BETA, arrival=when, reason=1, diagnostic=0,
                     intended=ALPHA, supplementary='none such')], DOMAIN,
                ua_content_id='abc', intermediate=[
                    (DOMAIN, {'arrival': when})])]

    def test_round_trip(self):
        from peer import p1
        for octets, kind in zip(self.mpdus(), ('user', 'user', 'probe',
                                               'report')):
            mpdu = p1.decode(octets)
            self.assertEqual(mpdu.kind, kind)
            self.assertEqual(p1.encode(mpdu), octets)
        indefinite = b'\xa0\x80' + ber.parse(self.mpdus()[0]).children[
            0].raw + b'\x24\x80\x04\x01a\x04\x02bc\0\0\0\0'
        self.assertEqual(p1.decode(indefinite).content, b'abc')
        self.assertEqual(mpdu.recipients[1]['intended']['S'], 'Doe')
        user = p1.decode(self.mpdus()[1])
        self.assertEqual(
            (user.priority, user.flag, user.deferred, user.types,
             user.originator, user.trace[0][1]['previous']),
            (2, '1010', '991231235959Z', '001', ALPHA, ('FR', 'ATLAS')))

    def test_identifiers(self):
        from peer import p1
        self.responder.config.deduplicate = True
        mpdus = self.mpdus()
        i = self.initiator().open()
        for mpdu in mpdus + mpdus:
            i.send(mpdu)
        i.close()
        self.received(*mpdus)
        self.assertEqual(self.responder.store.duplicates, len(mpdus))
        big = p1.user_mpdu(ALPHA, [BETA], 3 << 20, DOMAIN)
        i = self.initiator(checkpoint=0).open()
        i.send(big)
        i.close()
        self.responder.wait(5)
        octets = self.responder.messages[4].octets
        self.assertEqual(len(p1.decode(octets).content), 3 << 20)
        self.assertIn(self.responder.messages[4].identifier, octets[:4096])

    @unittest.skipUnless(shutil.which('tshark'), 'no tshark')
    def test_tshark_understands(self):
        pcap.check_mpdus(self.mpdus())

    @unittest.skipUnless(shutil.which('tshark'), 'no tshark')
    def test_tshark_understands_what_is_sent(self):
        """Everything below P1: opens, turns, interrupts, recovery, aborts,
        refusals."""
        with pcap.Recorder() as recorder:
            self.responder.config.dialogue = apdu.TWA
            self.responder.outbox.append(DATA)
            i = self.initiator(dialogue=apdu.TWA,
                               record_octets=recorder.connection().tap())
            i.open().send(self.mpdus()[0])
            i.give()
            i.until(lambda: i.my_turn)
            first = i.send(DATA, stop_after=3)
            i.interrupt(1)
            i.resume(transfer=first)
            i.send(DATA, stop_after=2)
            i.discard(0)
            i.send(DATA, stop_after=2)
            i.close_connection('rst')
            i.record_octets = recorder.connection().tap()
            i.recover().resume()
            i.close()
            self.responder.next(exception_at=(2, 1))
            i = self.initiator(dialogue=apdu.MONOLOGUE,
                               record_octets=recorder.connection().tap())
            i.open()
            with self.assertRaises(ExceptionReported):
                i.send(DATA)
            i.abort(apdu.LOCAL_SYSTEM_PROBLEM)
            self.responder.next(on_open=apdu.RTS_BUSY)
            with self.assertRaises(Rejected):
                self.initiator(
                    record_octets=recorder.connection().tap()).open()
            recorder.check(want=('tpkt', 'cotp', 'ses', 'pres', 'p1'))
            self.assertEqual(
                {ss.SI[name] for name in (
                    'CN', 'AC', 'RF', 'FN', 'DN', 'AB', 'GT', 'PT', 'GTC',
                    'GTA', 'DT', 'MIP', 'MIA', 'AS', 'AE', 'AEA', 'AI',
                    'AIA', 'AD', 'ADA', 'AR', 'ED')} -
                set(pcap.spdus(recorder.path)), set())

    @unittest.skipUnless(shutil.which('tshark'), 'no tshark')
    def test_tshark_check_can_fail(self):
        with pcap.Recorder() as recorder:
            tap = recorder.connection().tap()
            tap('out', struct.pack('>BBH', 3, 0, 7 + 8) + b'\x02\xf0\x80' +
                bytes.fromhex('0d06c10431020500'))
            with self.assertRaises(AssertionError):
                recorder.check()


class CommandLine(Case):

    def test_send(self):
        path = os.path.join('/tmp', 'peer-test-%d' % os.getpid())
        self.addCleanup(lambda: os.unlink(path))
        with open(path, 'wb') as file:
            file.write(DATA)
        out, sys.stdout = sys.stdout, io.StringIO()
        try:
            mta.main(['send', '--to', '127.0.0.1:%d' % self.responder.port,
                      '--cut', 'out:8:0.5', path])
            said = sys.stdout.getvalue()
        finally:
            sys.stdout = out
        self.received(DATA)
        self.assertEqual([json.loads(line)['event']
                          for line in said.splitlines()], ['sent', 'closed'])


if __name__ == '__main__':
    unittest.main(verbosity=1)
