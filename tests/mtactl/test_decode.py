#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""mtactl decode on real octets of others (tests/vectors), also as the dumps
that one pastes, cut and damaged, and against what tshark says about the same.

usage: test_decode.py MTACTL"""

import glob
import json
import os
import re
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))


VECTORS = os.path.join(TOP, 'tests', 'vectors')
MTACTL = None
PING = 'x400-ping-success/'


def vector(name):
    with open(os.path.join(VECTORS, name), 'rb') as f:
        return f.read()


def run(*args, input=b''):
    return subprocess.run([MTACTL, *args], input=input, capture_output=True,
                          timeout=120)


def decode(octets, *args, ok=True):
    """As JSON; the exit status says the same as the JSON."""
    out = run('-j', 'decode', *args, '-', input=octets)
    tree = json.loads(out.stdout)
    if tree['ok'] != (out.returncode == 0) or out.stderr or \
            tree['ok'] != (tree['damages'] == 0):
        raise AssertionError((out.returncode, out.stderr, tree['damages']))
    if ok is not None and tree['ok'] != ok:
        raise AssertionError('ok is %s:\n%s' % (tree['ok'], run(
            'decode', *args, '-', input=octets).stdout.decode()))
    return tree


def every(tree):
    for element in tree['elements']:
        yield element
        if 'elements' in element:
            yield from every(element)


def values(tree, name):
    return [e['value'] for e in every(tree)
            if re.split(': ', e.get('name', ''))[0] == name and 'value' in e]


def damage(tree):
    return [(e['offset'], e['damage']) for e in every(tree) if 'damage' in e]


class Recognise(unittest.TestCase):
    """By itself, with nothing wrong, and what it is named after."""
    KINDS = {
        'ean-1985/msg?.mpdu-reassembled.ber': ('mpdu', 'MPDU (P1 of 1984)'),
        'ean-1985/msg?.content.ber': ('content', 'IPM (P2, P22)'),
        'kb-Q*/*CN_SPDU.bin': ('tsdu', 'CN (CONNECT)'),
        'kb-Q*/*AC_SPDU.bin': ('tsdu', 'AC (ACCEPT)'),
        'kb-Q*/*AS_SPDU.bin': ('tsdu', 'AS (ACTIVITY START)'),
        'kb-Q*/*AE_SPDU.bin': ('tsdu', 'AE (ACTIVITY END)'),
        'kb-Q*/*AEA_SPDU.bin': ('tsdu', 'AEA (ACTIVITY END ACK)'),
        'kb-Q*/*AB_SPDU.bin': ('tsdu', 'AB (ABORT)'),
        'kb-Q*/*FN_SPDU.bin': ('tsdu', 'FN (FINISH)'),
        'kb-Q*/*DN_SPDU.bin': ('tsdu', 'DN (DISCONNECT)'),
        'kb-Q*/*CR_TPDU.bin': ('tpdu', 'CR (CONNECTION REQUEST)'),
        'kb-Q*/*CC_TPDU.bin': ('tpdu', 'CC (CONNECTION CONFIRM)'),
        'kb-Q*/*ER_TPDU*.bin': ('tpdu', 'ER (ERROR)'),
        'kb-Q151626/*TPKT-CC.bin': ('tpkt', 'TPKT'),
        'kb-Q*/pconnect.ber': ('apdu', 'PConnect'),
        'kb-Q*/paccept.ber': ('apdu', 'PAccept'),
        'kb-Q*/abort-information.ber': ('apdu', 'AbortInformation'),
        'kb-trace-information/0[13-6]*.ber':
            ('mpdu', 'element of TraceInformation'),
        PING + 'cp.ber': ('apdu', 'CP or CPA'),
        PING + 'cpa.ber': ('apdu', 'CP or CPA'),
        PING + 'rlr?.ber': ('apdu', 'User-data'),
        PING + 'rtorq.ber': ('apdu', 'RTORQ'),
        PING + 'rtoac.ber': ('apdu', 'RTOAC'),
        PING + '*CN*.tsdu.bin': ('tsdu', 'CN (CONNECT)'),
    }

    def test_vectors(self):
        for pattern, (kind, name) in self.KINDS.items():
            paths = glob.glob(os.path.join(VECTORS, pattern))
            self.assertTrue(paths, pattern)
            for path in paths:
                with self.subTest(path=path), open(path, 'rb') as f:
                    octets = f.read()
                    tree = decode(octets)
                    self.assertEqual(tree['kind'], kind)
                    self.assertEqual(tree['octets'], len(octets))
                    names = [e.get('name', '').split(':')[0]
                             for e in every(tree)]
                    self.assertIn(name, names[:2])
                    # told what it is, it says the same
                    self.assertEqual(decode(octets, '-t', kind), tree)

    def test_session(self):
        """All SPDUs that ISODE writes."""
        with open(os.path.join(VECTORS, 'session-spdus.json')) as f:
            spdus = json.load(f)['vectors']
        self.assertGreater(len(spdus), 80)
        for v in spdus:
            with self.subTest(v['name']):
                tree = decode(bytes.fromhex(v['tsdu_hex']), ok=None)
                self.assertEqual(tree['kind'], 'tsdu')
                titles = [e['name'].split()[0]
                          for e in tree['elements'][0]['elements']]
                self.assertIn(titles[-1], v['spdu'].split('/'))
                # made-up user data and a made-up item are no APDUs
                if not re.search('user-?data|capdata|ack|token-item',
                                 v['name'], re.I):
                    self.assertTrue(tree['ok'], damage(tree))

    def test_not_recognised(self):
        tree = decode(b'\xff\xff\xffhello', ok=False)
        self.assertEqual(tree['kind'], 'unknown')
        self.assertIn('was expected', damage(tree)[0][1])
        self.assertEqual(damage(decode(b'', ok=False))[0][0], 0)

    def test_values(self):
        """In words, with the names of the standards, at their offsets."""
        tree = decode(vector(PING + '03-I-CN.tsdu.bin'))
        self.assertEqual(values(tree, 'Session User Requirements'), [
            '0x249 half-duplex minor-synchronize activity-management '
            'exceptions'])
        self.assertEqual(values(tree, 'application-context-name'),
                         ['2.6.0.1.6 (mts-transfer)'])
        self.assertEqual(values(tree, 'checkpointSize'), ['63'])
        self.assertEqual(values(tree, 'dialogueMode'), ['monologue(0)'])
        self.assertEqual(values(tree, 'name'), ['"percival.smhs.co.uk"'])
        name = next(e for e in every(tree) if e.get('name') == 'name')
        octets = vector(PING + '03-I-CN.tsdu.bin')
        self.assertEqual(octets[name['offset'] + 2:
                                name['offset'] + name['length']],
                         b'percival.smhs.co.uk')
        tree = decode(vector('kb-Q194385/03-out-AB_SPDU.bin'))
        self.assertEqual(values(tree, 'abortReason'), ['protocolError(4)'])
        tree = decode(vector('ean-1985/msg1.mpdu-reassembled.ber'))
        self.assertEqual(values(tree, 'contentType'), ['p2(2)'])
        self.assertIn('subject', [e.get('name') for e in every(tree)])

    def test_reasons(self):
        """Refusals and reports say why."""
        for octets, name, value in (
                ('3103800102', 'refuseReason', 'validationFailure(2)'),
                ('310380010f', 'refuseReason', '15'),
                ('b207a105b203020102', 'error', 'authentication-error(2)'),
                ('0c06 3201 02c101 00', 'Reason Code', '2 rejection by called '
                 'SS-user, with user data'),
                ('0c033201 81', 'Reason Code',
                 '129 session selector unknown'),
                ('a111 6b05 1303616263 a008 a006 800100 810101',
                 'nonReceiptReason', 'ipm-discarded(0)'),
                ('a111 6b05 1303616263 a008 a006 800100 810101',
                 'discardReason', 'ipm-obsoleted(1)')):
            tree = decode(bytes.fromhex(octets), ok=None)
            self.assertEqual(values(tree, name), [value])


class Damage(unittest.TestCase):
    def test_truncated(self):
        """Wherever it ends early, that is told, at an offset that is there,
        with what was expected; what there is is shown."""
        for name in (PING + 'cp.ber', PING + '03-I-CN.tsdu.bin',
                     'ean-1985/msg1.mpdu-reassembled.ber',
                     'ean-1985/msg2.content.ber',
                     'kb-Q86988/05-out-CN_SPDU.bin'):
            whole = vector(name)
            kind = decode(whole)['kind']
            step = max(1, len(whole) // 40)
            for n in range(1, len(whole) - 1, step):
                tree = decode(whole[:n], '-t', kind, ok=False)
                found = damage(tree)
                self.assertTrue(found, (name, n))
                for offset, text in found:
                    self.assertLessEqual(offset, n)
                self.assertTrue(any('expected' in text
                                    for _, text in found), found)

    def test_one_octet(self):
        """Any one octet changed: it answers, and says where."""
        whole = vector(PING + '03-I-CN.tsdu.bin')
        told = 0
        for i in range(0, len(whole), 3):
            bad = bytearray(whole)
            bad[i] ^= 0x5a
            tree = decode(bytes(bad), '-t', 'tsdu', ok=None)
            told += not tree['ok']
        self.assertGreater(told, len(whole) // 3 // 4)

    def test_where(self):
        octets = bytearray(vector(PING + 'rtorq.ber'))
        at = octets.index(bytes.fromhex('82 01 00'))    # dialogueMode
        octets[at + 1:at + 3] = b'\x00'                 # without contents
        octets[1] -= 1
        tree = decode(bytes(octets), ok=False)
        self.assertEqual(damage(tree), [
            (at, 'no DialogueMode as it should be: INTEGER without '
             'contents')])
        text = run('decode', '-', input=bytes(octets))
        self.assertEqual(text.returncode, 1)
        self.assertIn(b'%06x ******' % at, text.stdout)
        self.assertTrue(text.stdout.endswith(b'1 place is damaged\n'))

    def test_missing_and_unexpected(self):
        # an ORName in an MPDUIdentifier's place; no content
        tree = decode(bytes.fromhex('a007 3105 6003 020101'), '-t', 'mpdu',
                      ok=False)
        found = [t for _, t in damage(tree)]
        self.assertIn('unexpected element [UNIVERSAL 2] (INTEGER): '
                      'built-in-standard-attributes was expected', found)
        self.assertIn('Message ends without content, which was expected',
                      found)

    def test_deep(self):
        """Nesting without an end."""
        for octets in (b'\x30\x80' * 30000, b'\xa0\x80' * 5000,
                       b'\x31\x80\xa0\x80' * 3000):
            self.assertTrue(damage(decode(octets, ok=False)))


class Began(unittest.TestCase):
    """What began before its first octet."""
    TPKT, TSDU = ('rest of a %s that began before' % x
                  for x in ('TPKT', 'TSDU'))

    @staticmethod
    def tpkts(tsdu, size=80):
        """In DT TPDUs of so many octets of it."""
        parts = [tsdu[i:i + size] for i in range(0, len(tsdu), size)]
        return [struct.pack('>BBH', 3, 0, len(p) + 7) + b'\x02\xf0' +
                (b'\x80' if p is parts[-1] else b'\0') + p for p in parts]

    def stream(self, data):
        """One side of a transfer, one TPKT an item; data makes user
        information of a piece of the MPDU."""
        mpdu = vector('ean-1985/msg1.mpdu-reassembled.ber')
        start, end = (vector('kb-Q86988/%s_SPDU.bin' % n)
                      for n in ('07-out-AS', '08-out-AE'))
        cr = vector('kb-Q86988/03-out-CR_TPDU.bin')
        out = [struct.pack('>BBH', 3, 0, len(cr) + 4) + cr]
        for tsdu in [vector('kb-Q86988/05-out-CN_SPDU.bin'), start] + [
                b'\x01\0\x01\0' + data(mpdu[i:i + 200])
                for i in range(0, len(mpdu), 200)] + [
                b'\x01\0' + end, start, b'\x01\0\x01\0' + data(mpdu),
                b'\x01\0' + end, vector('kb-Q86988/10-out-FN_SPDU.bin')]:
            out += self.tpkts(tsdu)
        return out

    @staticmethod
    def p_data(piece):
        """Fully-encoded-data of an RTTR, the lengths in two octets."""
        for head in (b'\x04', b'\x02\x01\x03\xa0', b'\x30', b'\x61'):
            at = len(head) - 1
            piece = head[:at] + head[at:] + b'\x82' + struct.pack(
                '>H', len(piece)) + piece
        return piece

    def every_cut(self, tpkts):
        stream = b''.join(tpkts)
        ends = [0]
        for t in tpkts:
            ends.append(ends[-1] + len(t))
        self.assertEqual(decode(stream)['kind'], 'tpkt')
        cuts = set(range(1, ends[-2], 7)).union(
            e + d for e in ends[1:-2] for d in (-1, 0, 1, 4, 7, 8))
        for cut in sorted(cuts):
            tree = decode(stream[cut:])
            self.assertEqual(tree['kind'], 'tpkt', cut)
            first = tree['elements'][0]
            to = min(e for e in ends if e >= cut)
            if to > cut:
                self.assertEqual((first['name'], first['length']),
                                 (self.TPKT, to - cut))
            else:
                self.assertEqual(first['name'], 'TPKT')
            # all that begins and ends here is there
            self.assertEqual(sum(e['name'] == 'TPKT'
                                 for e in tree['elements']),
                             sum(e >= cut for e in ends[:-1]))
            self.assertIn('FN (FINISH)', [e.get('name')
                                          for e in every(tree)])
            self.assertLessEqual(sum(e.get('name') == self.TSDU
                                     for e in every(tree)), 1)
        return stream, ends

    def test_x410(self):
        stream, ends = self.every_cut(self.stream(lambda piece: piece))
        # in the middle of CN
        tree = decode(stream[ends[1] + 10:])
        self.assertIn(self.TSDU, [e.get('name') for e in every(tree)])
        self.assertIn('MPDU (P1 of 1984)', [e.get('name', '').split(':')[0]
                                            for e in every(tree)])

    def test_normal(self):
        stream, ends = self.every_cut(self.stream(self.p_data))
        self.assertIn('MPDU (P1 of 1984)', [
            e.get('name', '').split(':')[0]
            for e in every(decode(stream[ends[1] + 10:]))])

    def test_capture(self):
        """A capture that began when the connection was up."""
        tpkts = self.stream(lambda piece: piece)
        stream = b''.join(tpkts)[len(tpkts[0]) + 20:]
        packets, sequence = [], 5
        for i in range(0, len(stream), 100):
            part = stream[i:i + 100]
            tcp = struct.pack('>HHIIBBHHH', 40000, 3102, sequence, 1, 0x50,
                              0x18, 65535, 0, 0) + part
            sequence += len(part)
            packets.append(struct.pack(
                '>BBHHHBBH4s4s', 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0,
                b'\x7f\0\0\1', b'\x7f\0\0\2') + tcp)
        tree = decode(struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535,
                                  101) +
                      b''.join(struct.pack('<IIII', 1, 2, len(p), len(p)) + p
                               for p in packets))
        names = [e.get('name') for e in every(tree)]
        self.assertEqual(names[1], self.TPKT)
        self.assertIn('FN (FINISH)', names)

    def test_damaged_between(self):
        """Something else among the TPKTs is damage; the rest is shown."""
        tpkts = self.stream(lambda piece: piece)
        at = len(b''.join(tpkts[:4]))
        tree = decode(b''.join(tpkts[:4]) + b'hello' + b''.join(tpkts[4:]),
                      ok=False)
        self.assertEqual(damage(tree), [(at, 'a TPKT (version 3, two octets '
                                         'of length) was expected')])
        passed = next(e for e in tree['elements']
                      if e.get('name') == 'passed over')
        self.assertEqual((passed['offset'], passed['length']), (at, 5))
        self.assertIn('FN (FINISH)', [e.get('name') for e in every(tree)])

    def test_nothing_follows(self):
        """Without a TPKT that begins in it, it is none."""
        tree = decode(b'hello, world', '-t', 'tpkt', ok=False)
        self.assertEqual(damage(tree)[0][0], 0)

    def test_hostile(self):
        """Many that could begin one, and none does: soon known."""
        octets = b'\x03\0\0\x07\x02\xf0\x80' * 200000 + b'\xff' * 7
        tree = decode(octets, '-t', 'tpkt', ok=False)
        self.assertTrue(damage(tree))

    def test_letter_a(self):
        """A piece of an MPDU that begins with an "a" is no P-DATA."""
        piece = b'a simple text, a piece of a message'
        tree = decode(b''.join(self.tpkts(b'\x01\0\x01\0' + piece)), '-t',
                      'tpkt')
        self.assertIn('user information', [e.get('name')
                                           for e in every(tree)])
        # resumed: it is the rest of one, whatever it begins with
        resume = bytes.fromhex('1d0c 0b05 0a03020107 2903020107')
        tree = decode(b''.join(
            b''.join(self.tpkts(t)) for t in (
                resume, b'\x01\0\x01\0' + piece,
                b'\x01\0' + vector('kb-Q86988/08-out-AE_SPDU.bin'))),
            '-t', 'tpkt', ok=None)
        self.assertIn('rest of an MPDU that began before',
                      [e.get('name') for e in every(tree)])


class Text(unittest.TestCase):
    """Characters are none of these, whichever is the first."""
    def test_letters(self):
        for first in range(0x20, 0x7f):
            for text in ('%c simple text of a few words in it\n' * 20,
                         '%c', '%cab', '%c%c', '%cpple pie\r\n',
                         '\n%c simple text\n', '\t%c,\tb\n' * 40):
                text = text.replace('%c', chr(first)).encode()
                tree = decode(text, ok=False)
                self.assertEqual(tree['kind'], 'unknown', text)
                self.assertEqual(len(tree['elements']), 1, text)
                self.assertIn('this is text (a hexadecimal dump is read '
                              'with -x)', damage(tree)[0][1])

    def test_files(self):
        for path in glob.glob(os.path.join(TOP, '*', '*.[ch]')) + [
                os.path.join(TOP, n) for n in ('README', 'meson.build')]:
            with self.subTest(path=path), open(path, 'rb') as f:
                self.assertEqual(decode(f.read(), ok=False)['kind'],
                                 'unknown')

    def test_told(self):
        """Who says what it is hears what it lacks."""
        tree = decode(b'a simple text', '-t', 'apdu', ok=False)
        self.assertEqual(tree['kind'], 'apdu')

    def test_not_class_0(self):
        """X.224 13: codes with other low bits belong to other classes; and
        BER has such octets often."""
        for octets in ('a082 0100', '3082 0010', 'a0f1 80'):
            octets = bytes.fromhex(octets) + bytes(0x100)
            self.assertEqual(decode(octets, ok=False)['kind'], 'unknown')


class Dumps(unittest.TestCase):
    """What tools print, and what one finds in a log."""
    def setUp(self):
        self.octets = vector(PING + '03-I-CN.tsdu.bin')
        self.want = run('decode', '-', input=self.octets).stdout

    def check(self, text, octets=None):
        out = run('decode', '-x', '-', input=text.encode())
        want = self.want if octets is None else run(
            'decode', '-', input=octets).stdout
        self.assertEqual((out.returncode, out.stderr, out.stdout),
                         (0, b'', want))

    def lines(self, width, fmt):
        out = []
        for i in range(0, len(self.octets), width):
            part = self.octets[i:i + width]
            out.append(fmt(i, part, ''.join(
                chr(c) if 0x20 < c < 0x7f else '.' for c in part)))
        return '\n'.join(out) + '\n'

    def test_plain(self):
        self.check(self.octets.hex())
        self.check(self.octets.hex(' '))
        self.check(self.octets.hex(':').upper())
        self.check('# as sent\n\n' + self.lines(
            8, lambda i, p, t: '  ' + p.hex(' ') + '\r'))
        self.check(self.lines(7, lambda i, p, t: ', '.join(
            '%02X' % c for c in p)))

    def test_xxd(self):
        if shutil.which('xxd') is None:
            self.skipTest('no xxd')
        out = subprocess.run(['xxd'], input=self.octets, capture_output=True,
                             check=True).stdout.decode()
        self.check(out)

    def test_hexdump(self):
        self.check(self.lines(16, lambda i, p, t: '%08x  %-23s  %-23s  |%s|' % (
            i, p[:8].hex(' '), p[8:].hex(' '), t)) +
            '%08x\n' % len(self.octets))

    def test_xxd_by_hand(self):
        self.check(self.lines(16, lambda i, p, t: '%08x: %-39s  %s' % (
            i, ' '.join(p[k:k + 2].hex() for k in range(0, len(p), 2)), t)))

    def test_od(self):
        self.check(self.lines(16, lambda i, p, t: ' ' + p.hex(' ')))

    def test_tcpdump(self):
        self.check(self.lines(16, lambda i, p, t: '\t0x%04x:  %-39s  %s' % (
            i, ' '.join(p[k:k + 2].hex() for k in range(0, len(p), 2)), t)))

    def test_wireshark(self):
        self.check(self.lines(16, lambda i, p, t: '%04x  %-23s  %-24s   %s' % (
            i, p[:8].hex(' '), p[8:].hex(' '), t)))
        self.check(self.lines(16, lambda i, p, t: '%04x   %-48s %s' % (
            i, p.hex(' '), '')))

    def test_characters_that_look_like_digits(self):
        octets = vector('kb-Q86988/11-in-DN_SPDU.bin')
        self.check('00000000: 0a00                                     '
                   ' ab cd\n', octets)

    def test_none(self):
        for text, why in (('', 'no hexadecimal digits'),
                          ('0d c4 xx', 'line 1, column'),
                          ('0dc4\n0', 'line 2, column'),
                          ('00000000: 0dc4\n00000004: 0101',
                           'line 2: offset 0x4: 0x2 was expected')):
            out = run('decode', '-x', '-', input=text.encode())
            self.assertEqual((out.returncode, out.stdout), (1, b''), text)
            self.assertIn(why, out.stderr.decode())


class Captures(unittest.TestCase):
    """Files of tcpdump and of Wireshark, of one association."""
    def tpkts(self, *names):
        return [struct.pack('>BBH', 3, 0, len(t) + 4) + t for t in [
            vector(PING + n) if n.startswith('0') and '.tpdu' in n else
            b'\x02\xf0\x80' + vector(PING + n) for n in names]]

    def setUp(self):
        self.out = self.tpkts('01-I-CR.tpdu.bin', '03-I-CN.tsdu.bin',
                              '05-I-FN.tsdu.bin')
        self.into = self.tpkts('02-R-CC.tpdu.bin', '04-R-AC.tsdu.bin',
                               '06-R-DN.tsdu.bin')

    def ip(self, side, sequence, data, v6=False, flags=0x18):
        ports = (40000, 102) if side == 0 else (102, 40000)
        tcp = struct.pack('>HHIIBBHHH', *ports, sequence, 1, 0x50, flags,
                          65535, 0, 0) + data
        if v6:
            hosts = [bytes(15) + b'\1', bytes(15) + b'\2']
            return struct.pack('>IHBB', 6 << 28, len(tcp), 6, 64) + \
                hosts[side] + hosts[1 - side] + tcp
        hosts = [b'\x7f\0\0\1', b'\x7f\0\0\2']
        return struct.pack('>BBHHHBBH', 0x45, 0, 20 + len(tcp), 1, 0, 64, 6,
                           0) + hosts[side] + hosts[1 - side] + tcp

    def packets(self, **kw):
        out, sequence = [self.ip(0, 99, b'', flags=2, **kw),
                         self.ip(1, 99, b'', flags=0x12, **kw)], [100, 100]
        for pair in zip(self.out, self.into):
            for side, data in enumerate(pair):
                out.append(self.ip(side, sequence[side], data, **kw))
                sequence[side] += len(data)
        return out

    def pcap(self, packets, link=101, order='<', magic=0xa1b2c3d4):
        return struct.pack(order + 'IHHiIII', magic, 2, 4, 0, 0, 65535,
                           link) + b''.join(
            struct.pack(order + 'IIII', 1, 2, len(p), len(p)) + p
            for p in packets)

    def pcapng(self, packets, link=101, order='<'):
        def block(kind, body):
            body += bytes(-len(body) % 4)
            n = len(body) + 12
            return struct.pack(order + 'II', kind, n) + body + struct.pack(
                order + 'I', n)
        return block(0x0a0d0d0a, struct.pack(
            order + 'IHHq', 0x1a2b3c4d, 1, 0, -1)) + block(
            1, struct.pack(order + 'HHI', link, 0, 0)) + block(
            5, b'statistics') + b''.join(
            block(6, struct.pack(order + 'IIIII', 0, 0, 0, len(p), len(p)) +
                  p + bytes(-len(p) % 4) + struct.pack(order + 'HH', 0, 0))
            for p in packets)

    def check(self, octets, ok=True):
        tree = decode(octets, ok=ok)
        self.assertEqual(tree['kind'], 'pcap')
        return tree

    def streams(self, octets):
        tree = self.check(octets)
        self.assertEqual([e['length'] for e in tree['elements']],
                         [len(b''.join(self.out)), len(b''.join(self.into))])
        self.assertRegex(tree['elements'][0]['name'], r'40000 > .*102$')
        for e, want in zip(tree['elements'], (
                ['CR (CONNECTION REQUEST)', 'CN (CONNECT)', 'FN (FINISH)'],
                ['CC (CONNECTION CONFIRM)', 'AC (ACCEPT)',
                 'DN (DISCONNECT)'])):
            names = [x['name'] for x in every(e) if 'name' in x]
            for name in want:
                self.assertIn(name, names)
        # what is told is where it is in the file
        name = next(e for e in every(tree) if e.get('name') == 'name')
        self.assertEqual(octets[name['offset'] + 2:name['offset'] +
                                name['length']], b'percival.smhs.co.uk')

    def test_files(self):
        packets = self.packets()
        self.streams(self.pcap(packets))
        self.streams(self.pcap(packets, order='>'))
        self.streams(self.pcap(packets, magic=0xa1b23c4d))
        self.streams(self.pcapng(packets))
        self.streams(self.pcapng(packets, order='>'))

    def test_links(self):
        ether, vlan = bytes(12) + b'\x08\0', bytes(12) + b'\x81\0\0\1\x08\0'
        for link, head in ((1, ether), (1, vlan), (113, bytes(16)),
                           (276, bytes(20)), (0, b'\2\0\0\0'), (228, b'')):
            packets = [head + p for p in self.packets()]
            self.streams(self.pcap(packets, link=link))
        self.streams(self.pcap(self.packets(v6=True)))

    def test_sent_again(self):
        packets = self.packets()
        self.streams(self.pcap([p for p in packets for _ in range(2)]))

    def test_gap(self):
        packets = self.packets()
        del packets[4]              # the CN
        tree = self.check(self.pcap(packets))
        self.assertIn(', after %d that are not here' % len(self.out[1]),
                      tree['elements'][-1]['value'])

    def test_cut_and_others(self):
        octets = self.pcap(self.packets())
        self.assertIn('the file ends early: a whole packet was expected',
                      [t for _, t in damage(self.check(octets[:-1], False))])
        octets = self.pcapng(self.packets())
        self.assertIn('a whole block of pcapng was expected',
                      [t for _, t in damage(self.check(octets[:-1], False))])
        # neither ARP nor UDP nor HTTP is ours; nothing is not enough
        arp = bytes(12) + b'\x08\x06' + bytes(28)
        self.assertIn('a TCP connection with octets was expected', [
            t for _, t in damage(self.check(self.pcap([arp], link=1),
                                            False))])
        http = self.ip(0, 1, b'GET / HTTP/1.0\r\n\r\n').replace(
            b'\x9c\x40\0\x66', b'\x9c\x40\0\x50')
        tree = self.check(self.pcap([http]))
        self.assertEqual([e['name'] for e in every(tree)][1:], ['no TPKTs'])


class Called(unittest.TestCase):
    def test_arguments(self):
        for args in ([], ['a', 'b'], ['-t', 'x', 'a'], ['-z', 'a']):
            self.assertEqual(run('decode', *args).returncode, 2, args)
        out = run('decode', '/nonexistent')
        self.assertEqual(out.returncode, 1)
        self.assertIn(b'/nonexistent', out.stderr)

    def test_file(self):
        name = PING + 'rtorq.ber'
        out = run('decode', os.path.join(VECTORS, name))
        self.assertEqual(out.stdout, run('decode', '-', input=vector(
            name)).stdout)

    def test_confined(self):
        """What is parsed is parsed by nobody, nowhere, with nothing: while
        it waits for somebody to read its lines."""
        octets = b'\x30\x80' + b'\x02\x01\x00' * 100000 + b'\0\0'
        with tempfile.NamedTemporaryFile() as f:
            f.write(octets)
            f.flush()
            os.chmod(f.name, 0o600)
            proc = subprocess.Popen([MTACTL, 'decode', '-t', 'ber', f.name],
                                    stdout=subprocess.PIPE)
            try:
                self.assertTrue(select.select([proc.stdout], [], [], 60)[0])
                with open('/proc/%d/status' % proc.pid) as s:
                    status = dict(line.split(':\t', 1)
                                  for line in s.read().splitlines()
                                  if ':\t' in line)
                self.assertEqual(status['Seccomp'], '2')
                self.assertEqual(int(status['CapEff'], 16), 0)
                if os.geteuid() == 0:
                    self.assertNotIn('0', status['Uid'].split())
                    self.assertNotIn('0', status['Gid'].split())
            finally:
                proc.stdout.read()
                proc.stdout.close()
                self.assertEqual(proc.wait(60), 0)


@unittest.skipIf(shutil.which('tshark') is None, 'no tshark')
class Tshark(unittest.TestCase):
    """Whoever else knows these protocols finds the same elements."""
    PROTOCOLS = ('pres', 'acse', 'rtse', 'x411', 'x420')

    def pdml(self, tpdus):
        """Fields of what one side says, with where their contents are."""
        with tempfile.TemporaryDirectory() as d:
            path = os.path.join(d, 'x.pcap')
            with open(path, 'wb') as f:
                f.write(struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0,
                                    65535, 101))
                sequence = 1
                for tpdu in tpdus:
                    data = struct.pack('>BBH', 3, 0, len(tpdu) + 4) + tpdu
                    tcp = struct.pack('>HHIIBBHHH', 40000, 102, sequence, 1,
                                      0x50, 0x18, 65535, 0, 0) + data
                    sequence += len(data)
                    packet = struct.pack(
                        '>BBHHHBBH4s4s', 0x45, 0, 20 + len(tcp), 1, 0, 64, 6,
                        0, b'\x7f\0\0\1', b'\x7f\0\0\2') + tcp
                    f.write(struct.pack('<IIII', 1, 0, len(packet),
                                        len(packet)) + packet)
            out = subprocess.run(['tshark', '-n', '-r', path, '-T', 'pdml'],
                                 capture_output=True, check=True)
        return ElementTree.fromstring(out.stdout)

    def fields(self, tree):
        for field in tree.iter('field'):
            name = field.get('name', '')
            if name.split('.')[0] in self.PROTOCOLS and int(
                    field.get('size') or 0) > 0:
                yield name, int(field.get('pos')), int(field.get('size')), \
                    field.get('show')

    def compare(self, tsdu, least):
        tpdu = b'\x02\xf0\x80' + tsdu
        theirs = list(self.fields(self.pdml([
            bytes.fromhex('06e00000000100'), tpdu])))
        base = 40 + 4 + 3
        ours = {}
        for e in every(decode(tsdu)):
            if e.get('length') is not None and 'damage' not in e:
                ours.setdefault(e['offset'] + e['length'] + base,
                                []).append(e)
        found = 0
        for name, pos, size, show in theirs:
            self.assertIn(pos + size, ours, (name, pos, size, show))
            for e in ours[pos + size]:
                if e.get('type') == 'INTEGER' and e['length'] == size + 2 \
                        and re.fullmatch(r'-?\d+', show or ''):
                    self.assertRegex(e['value'], r'(^|\()%s(\)|$)' % show)
                    found += 1
        self.assertGreaterEqual(len(theirs), least)
        return found

    def test_ping(self):
        found = 0
        for name, least in (('03-I-CN', 30), ('04-R-AC', 15),
                            ('05-I-FN', 5), ('06-R-DN', 5)):
            found += self.compare(vector(PING + name + '.tsdu.bin'), least)
        self.assertGreaterEqual(found, 8)

    def test_x410(self):
        for name in ('05-out-CN', '06-in-AC'):
            self.compare(vector('kb-Q86988/%s_SPDU.bin' % name), 5)


if __name__ == '__main__':
    MTACTL = sys.argv.pop(1)
    # looking for leaks needs ptrace, which a confined process has not
    os.environ.setdefault('ASAN_OPTIONS', 'detect_leaks=0')
    unittest.main(verbosity=2)
