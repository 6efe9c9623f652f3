#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""A peer that calls us and lies, repeats, leaves out, exchanges, cuts short
or sends what is nothing at all.  Each time: the right abort, refusal or
exception report, one line in the log that says why, nothing delivered that
was not sent, and the next association as if nothing had been."""

import socket

from interop import *       # noqa: F401,F403
from peer import apdu, ber, session as ss
from peer.script import Drop, Dup, Insert, Replace, Stall, Swap
from peer.session import Spdu
from peer.tpkt import ProtocolError

WORDS = octets(5 * 1024 + 300)
ENDS = GONE + (Rejected, ExceptionReported, ProtocolError, TransportRefused)


class Hostile(Case):
    lines = [SMALL, 'transfer timeout 2s']

    def setUp(self):
        super().setUp()
        self.beta = self.called(*self.lines)
        self.sent = []
        self.seed = 0

    def content(self, length=len(WORDS)):
        self.seed += 1
        return octets(length, self.seed)

    def tearDown(self):
        # What the script saw itself do wrong is not of interest here.
        for store in self.stores:
            store.violations.clear()
        super().tearDown()

    def said_once(self, mark, text):
        """One line, and one only, names what was wrong."""
        def found():
            return [line for line in self.beta.log(mark).splitlines()
                    if re.search(text, line)]
        until(found, 5, 'log line %r in\n%s' % (text, self.beta.log(mark)),
              0.01)
        self.assertEqual(len(found()), 1, self.beta.log(mark))

    def goes_on(self):
        """All that was sent well was delivered, and nothing else."""
        initiator = self.initiator(self.beta).open()
        self.sent.append(self.content(100))
        initiator.send(mpdu_of(self.sent[-1]))
        initiator.close()
        self.delivered(self.beta, *self.sent)

    def strike(self, *faults, text, ends=ENDS, act=None, **kw):
        """A transfer with faults in it has to end; the log says why."""
        with self.subTest(faults=faults, text=text):
            mark = self.beta.log_size()
            initiator = self.initiator(self.beta, *faults, timeout=6.0, **kw)
            with self.assertRaises(ends) as caught:
                initiator.open()
                if act is not None:
                    act(initiator)
                    initiator.step(5)
                    initiator.step(5)
                initiator.send(mpdu_of(self.content()))
            self.said_once(mark, text)
            return caught.exception

    def deliver(self, initiator):
        self.sent.append(self.content())
        initiator.send(mpdu_of(self.sent[-1]))

    def bears(self, *faults, **kw):
        """A transfer with faults that harm nobody."""
        with self.subTest(faults=faults):
            initiator = self.initiator(self.beta, *faults, **kw).open()
            self.sent.append(self.content())
            initiator.send(mpdu_of(self.sent[-1]))
            initiator.close()


class Order(Hostile):
    """SPDUs twice, never, and in the wrong order."""

    def test_twice(self):
        self.strike(Dup('out', name='CN'), text='protocol error: .*CN')
        self.strike(Dup('out', name='AS'), text='protocol error: .*AS')
        self.strike(Dup('out', name='MIP', nth=2),
                    text='protocol error: .*serial')
        # What ends twice has ended well once.
        self.strike(Dup('out', name='AE'), text='protocol error: .*AE',
                    act=self.deliver)
        # Octets too many, and nothing says so but the MPDU.
        self.strike(Dup('out', name='DT', nth=2), ends=(ExceptionReported,),
                    text='transfer-in-malformed ')
        self.goes_on()

    def test_never(self):
        self.strike(Drop('out', name='AS'),
                    text='protocol error: .*(DT|data|activity)')
        self.strike(Drop('out', name='MIP', nth=2),
                    text='protocol error: .*serial')
        self.strike(Drop('out', name='AE'), text='no progress')
        self.strike(Drop('out', name='DT', nth=2),
                    ends=(ExceptionReported, Aborted),
                    text='transfer-in-malformed ')
        self.goes_on()

    def test_exchanged(self):
        self.strike(Swap('out', name='AS'), text='protocol error')
        # The last octets behind the end.
        self.strike(Swap('out', name='DT', nth=6),
                    ends=(ExceptionReported,),
                    text='transfer-in-malformed .*truncated')
        self.bears(Swap('out', name='MIP', nth=2))
        self.bears(Swap('out', name='DT', nth=2))
        self.goes_on()

    def test_by_the_wrong_side(self):
        """What only the other side may send in this state."""
        for spdu, prefix, text in (
                (ss.serial_spdu('MIA', 1), 'PT', 'MIA'),
                (ss.serial_spdu('AEA', 1), 'PT', 'AEA'),
                (Spdu('AIA'), 'PT', 'AIA'), (Spdu('ADA'), 'PT', 'ADA'),
                (ss.reason_spdu('ED', 1), 'PT', 'exception'),
                (ss.reason_spdu('AI', 1), 'GT', 'AI'),
                (ss.reason_spdu('AD', 1), 'GT', 'AD'),
                (ss.serial_spdu('MIP', 1), 'GT', 'MIP'),
                (ss.serial_spdu('AE', 1), 'GT', 'AE'),
                (Spdu('DN'), None, 'DN'), (Spdu('AA'), None, 'AA'),
                (Spdu('GTA'), None, 'GTA'), (Spdu('NF'), None, 'NF')):
            self.strike(act=lambda i: i.session.send(spdu, prefix=prefix),
                        text='protocol error: .*' + text)
        self.goes_on()

    def test_what_means_nothing(self):
        """TOKEN PLEASE of the side that has the tokens is ignored."""
        initiator = self.initiator(self.beta).open()
        initiator.please()
        self.deliver(initiator)
        initiator.close()
        self.goes_on()

    def test_release_within_an_activity(self):
        self.strike(Insert('out', name='MIP', nth=2, octets=ss.encode(
            Spdu('FN'))), text='protocol error: .*FN')
        self.goes_on()

    def test_window_ignored(self):
        """A burst of checkpoints: the acknowledgements cannot keep up."""
        burst = b''.join(
            b'\x01\x00' + ss.encode(ss.serial_spdu('MIP', n))
            for n in range(2, 40))
        pieces, at = [], 0
        while at < len(burst):
            end = at + 2 + 2 + burst[at + 3]
            pieces.append(burst[at:end])
            at = end
        self.strike(Replace('out', name='MIP', nth=2, octets=pieces),
                    text='more checkpoints outstanding than the window')
        self.goes_on()


class Octets(Hostile):
    """TSDUs and TPDUs that are not what they say."""

    def test_spdus(self):
        """Truncated, too long, unknown, with lengths that lie."""
        for octets_, text in (
                (b'\x01', 'protocol error'),
                (b'\x01\x00\x31', 'protocol error'),
                (b'\x01\x00\x31\xff', 'protocol error'),
                (b'\x01\x00\x31\x05\x2a\x09123', 'protocol error'),
                (b'\x01\x00\x31\xff\xff\xff', 'protocol error'),
                (b'\x01\x00\x31\x03\x2a\x01x', 'protocol error'),
                (b'\x01\x00\x31\x02\x2a\x00', 'protocol error'),
                (b'\x01\x00\x31\x09\x2a\x071234567', 'protocol error'),
                (b'\x01\x00\x31\x00', 'protocol error'),
                (b'\x01\x00\xc8\x00', 'protocol error'),
                (b'\xc8\x00', 'protocol error'),
                (b'\xff' * 300, 'protocol error'),
                (b'\0' * 300, 'protocol error')):
            self.strike(Replace('out', name='MIP', nth=2, octets=octets_),
                        text=text)
        self.goes_on()

    def test_activity_identifiers(self):
        for identifier in (b'', b'1234567', b'x' * 200):
            self.strike(act=lambda i: i.holder(
                ss.activity_start_spdu(identifier)), text='protocol error')
        for linking in ([], [(ss.SERIAL, b'0')], [(ss.ACTIVITY, b'1')],
                        [(ss.ACTIVITY, b'1'), (ss.SERIAL, b'x')],
                        [(ss.CALLING_REF, b'x' * 90), (ss.ACTIVITY, b'1'),
                         (ss.SERIAL, b'0')]):
            self.strike(act=lambda i: i.holder(
                Spdu('AR', [(ss.LINKING, linking), (ss.ACTIVITY, b'2')])),
                text='protocol error')
        self.goes_on()

    def test_tpkts(self):
        """In the middle of a transfer, with no TPDU around them."""
        for raw in (b'garbage!', b'\x03\x00\x00\x00', b'\x03\x00\x00\x06\0\0',
                    b'\x04\x00\x00\x07\x02\xf0\x80',
                    b'\x03\x00\x00\x07\x7f\xf0\x80',
                    b'\x03\x00\x00\x0b\x06\xe0\0\0\0\1\0',
                    b'\x03\x00\x00\x07\x02\x30\x80',
                    b'\x03\x00\xff\xff\xfe' + b'\0' * 65530):
            self.strike(Insert('out', name='MIP', nth=2, octets=raw,
                               raw=True),
                        text='(lost|aborted by us|not-begun)')
        self.goes_on()

    def test_transport_says_it_is_over(self):
        for raw in (b'\x03\x00\x00\x0b\x06\x80\0\1\0\1\0',
                    b'\x03\x00\x00\x09\x04\x70\0\0\0'):
            self.strike(Insert('out', name='MIP', nth=2, octets=raw,
                               raw=True),
                        text='association-down .*: .*(lost|aborted)')
        self.goes_on()

    def raw(self, octets_, timeout=3.0):
        """What comes back on a connection that begins like that."""
        out = b''
        with socket.create_connection(('127.0.0.1', self.beta.port)) as sock:
            sock.settimeout(timeout)
            try:
                sock.sendall(octets_)
                while True:
                    got = sock.recv(65536)
                    if not got:
                        return out
                    out += got
            except ConnectionError:
                return out
            except socket.timeout:
                self.fail('still open after %r' % octets_[:20])

    def test_other_protocols(self):
        """Closed at once, one line each, no octet of theirs in the log as
        it came."""
        for octets_ in (b'GET / HTTP/1.0\r\n\r\n',
                        b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03' +
                        b'\0' * 60, b'EHLO example.org\r\n', b'\0' * 100,
                        b'\xff' * 100, b'\x03\x00\xff\xff' + b'\xe0' * 65531,
                        b'\x03\x00\x00\x07\x02\xf0\x80',
                        b'\x03\x00\x00\x0b\x06\xd0\0\0\0\1\0'):
            mark = self.beta.log_size()
            self.assertLess(len(self.raw(octets_)), 100)
            self.said_once(mark, 'association-not-begun ')
            self.assertNotIn('HTTP/1.0\r', self.beta.log(mark))
        self.goes_on()

    def test_class_of_transport(self):
        """Class 4 only is refused; class 2 with class 0 as alternative is
        answered with class 0 (RFC 2126 6.3)."""
        out = self.raw(bytes.fromhex('0300000b06e00000000140'))
        self.assertEqual(out[5] & 0xf0, 0x80)
        with socket.create_connection(('127.0.0.1', self.beta.port)) as sock:
            sock.settimeout(3)
            sock.sendall(bytes.fromhex('0300000e09e00000000120c70100'))
            self.assertEqual(sock.recv(100)[5], 0xd0)
        self.goes_on()

    def test_pconnect_cut_short(self):
        """At each of its octets; and each octet changed.  Always answered,
        always at once, and never taken for somebody else."""
        whole = apdu.pconnect(apdu.open_data('alpha', password('alpha')), 1,
                              3, 0, 1).encode(ber.DER)
        worst = 0.0
        for n in range(len(whole)):
            for data in (whole[:n], whole[:n] +
                         bytes((whole[n] ^ 0x55,)) + whole[n + 1:]):
                initiator = self.initiator(self.beta, user_data=data)
                began = time.monotonic()
                try:
                    initiator.open()
                    initiator.close()
                except (Rejected, Aborted):
                    pass
                worst = max(worst, time.monotonic() - began)
        self.assertLess(worst, 2)
        self.assertEqual(self.beta.delivered(), [])
        self.goes_on()

    def test_cn_with_nothing_that_is_needed(self):
        """Functional units and versions that do not do."""
        for kw in (dict(requirements=0x0002), dict(requirements=0x0249 &
                                                   ~0x0040),
                   dict(session_version=4)):
            with self.subTest(**kw):
                with self.assertRaises(ENDS):
                    self.initiator(self.beta, **kw).open()
        for requirements in (0x0349, 0xffff & ~2, 0x0669):
            self.initiator(self.beta, requirements=requirements).open()\
                .close()
        self.goes_on()


class Messages(Hostile):
    """APDUs that are no MPDU, or not all of one."""

    lines = [SMALL, 'transfer timeout 2s', 'max-content 1M']

    def refused(self, apdu_, text, reason=6):
        """An exception report, and the association goes on."""
        with self.subTest(text=text, length=len(apdu_)):
            mark = self.beta.log_size()
            initiator = self.initiator(self.beta, on_exception='discard')
            initiator.open()
            with self.assertRaises(ExceptionReported) as caught:
                initiator.send(apdu_)
            self.assertEqual(caught.exception.reason, reason)
            self.said_once(mark, 'transfer-in-malformed .*: .*' + text)
            self.sent.append(self.content(3000))
            initiator.send(mpdu_of(self.sent[-1]))
            initiator.close()

    def test_not_a_message(self):
        whole = mpdu_of(self.content())
        self.refused(whole[:-1], '')
        self.refused(whole[:30], '')
        self.refused(whole + b'\0', '')
        self.refused(b'\x30' + whole[1:], '')
        self.refused(b'\xa7' + whole[1:], '')
        self.refused(b'\xff' * 3000, '')
        self.refused(b'\0', '')
        self.refused(b'\xa0\x80' * 3000, '')
        self.refused(b'\xa0\x84\xff\xff\xff\xff' + whole[4:], '')
        self.refused(b'\xa0\x89\x01' + b'\xff' * 200, '')
        self.goes_on()

    def test_too_long(self):
        """Refused when its length says so, not when the disk is full."""
        initiator = self.initiator(self.beta, on_exception='discard').open()
        with self.assertRaises(ExceptionReported):
            initiator.send(p1.user_mpdu(ALPHA, [BETA], 1 << 30, DOMAIN))
        self.assertLess(initiator.record.outgoing.octets, 4 << 20)
        self.sent.append(octets(1 << 20))
        initiator.send(mpdu_of(self.sent[-1]))
        self.goes_on()

    def test_refused_and_the_sender_does_not_care(self):
        """After our exception report whatever comes is ignored until the
        activity ends, or the time does."""
        mark = self.beta.log_size()
        initiator = self.initiator(self.beta, on_exception='nothing',
                                   timeout=6.0).open()
        with self.assertRaises(ExceptionReported):
            initiator.send(b'\xff' * 3000)
        with self.assertRaises(GONE):
            for _ in range(100):
                initiator.holder(Spdu('DT'), data=b'x' * 1000)
            initiator.step()
            initiator.step()
        self.assertIn('no progress', self.beta.said(
            'aborted by us: temporary problem'))
        self.assertLess(len(self.beta.log(mark).splitlines()), 8)
        self.goes_on()


class Slow(Hostile):
    def test_stalls(self):
        """Shorter than the time limit: borne."""
        self.bears(Stall('out', name='CN', seconds=1))
        self.bears(Stall('out', name='MIP', nth=2, seconds=1.2),
                   Stall('out', name='AE', seconds=1.2))
        self.goes_on()

    def test_silence_before_it_is_open(self):
        """Nothing, a CR, a CR and half of a CN: each has half a minute, one
        line in the log, and is gone."""
        mark = self.beta.log_size()
        cr = bytes.fromhex('0300000b06e00000000100')
        held = []
        for octets_ in (b'', cr, cr + bytes.fromhex('030000c002f0800dff')):
            sock = socket.create_connection(('127.0.0.1', self.beta.port))
            self.addCleanup(sock.close)
            sock.sendall(octets_)
            sock.settimeout(40)
            held.append(sock)
        self.goes_on()
        for sock in held:
            while sock.recv(1000):
                pass
        until(lambda: len(re.findall('association-not-begun .*: no answer '
                                     'within', self.beta.log(mark))) == 3, 5)
        self.goes_on()

    def test_octet_by_octet(self):
        class Dribble:
            def __init__(self, sock):
                self.sock = sock

            def __getattr__(self, name):
                return getattr(self.sock, name)

            def sendall(self, octets_):
                for n in range(len(octets_)):
                    self.sock.sendall(octets_[n:n + 1])

            def sendmsg(self, pieces):
                self.sendall(b''.join(bytes(p) for p in pieces))
                return sum(len(p) for p in pieces)
        initiator = self.initiator(self.beta).open()
        initiator.session.transport.sock = Dribble(
            initiator.session.transport.sock)
        self.sent.append(self.content())
        initiator.send(mpdu_of(self.sent[-1]))
        initiator.close()
        self.goes_on()

    def test_reader_that_does_not_read(self):
        """Of our acknowledgements: it fills no memory and ends in time."""
        crowd = [self.initiator(self.beta).open() for _ in range(20)]
        for initiator in crowd:
            initiator.send(mpdu_of(self.content()), stop_after=2)
        self.goes_on()
        self.assertEqual(len(self.beta.mtactl('show', 'associations')), 20)


if __name__ == '__main__':
    main()
