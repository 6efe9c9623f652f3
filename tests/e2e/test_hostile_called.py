#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""A peer that we call and that answers with what is not so, twice, never, or
in another order.  Each time the association ends with one line in the log
that says why, or goes on when no harm is done; and the message arrives once,
with the next association at the latest."""

import socket
import threading

from interop import *       # noqa: F401,F403
from peer import apdu, ber, session as ss
from peer.script import Call, Drop, Dup, Insert, Replace, Stall, Swap
from peer.session import Spdu, encode

WORDS = octets(5 * 1024 + 300)

DOWN = '(call-failed|association-down) .*: '


class Hostile(Case):
    lines = [SMALL, 'transfer timeout 1s', 'memory 0s']

    def tearDown(self):
        for store in self.stores:
            store.violations.clear()
        super().tearDown()

    def attempt(self, fault, text=None, **kw):
        """One message to a peer whose first association is bad; text is
        what the log says of it once, None: it is borne."""
        responder = self.responder()
        faults = fault if isinstance(fault, tuple) else (fault,)
        responder.next(Script(*[f for f in faults if f is not None]), **kw)
        alpha = self.caller(responder.port, *self.lines)
        self.submit(alpha, WORDS)
        self.received(responder, WORDS)
        alpha.idle()
        self.received(responder, WORDS)
        if text is None:
            self.assertEqual(len(responder.associations), 1)
        else:
            self.assertEqual(len(alpha.lines(text)), 1, alpha.log())
        return responder, alpha


class Transport(Hostile):
    def listener(self, *answers):
        """A port whose first connections get octets for an answer to CR;
        later ones are passed on to a responder."""
        responder = self.responder()
        server = socket.create_server(('127.0.0.1', 0))
        self.addCleanup(server.close)
        left = list(answers)

        def passed(source, sink):
            try:
                while True:
                    got = source.recv(65536)
                    if not got:
                        break
                    sink.sendall(got)
                sink.shutdown(socket.SHUT_WR)
            except OSError:
                pass

        def serve():
            while True:
                try:
                    sock, _ = server.accept()
                except OSError:
                    return
                if left:
                    answer = left.pop(0)
                    sock.recv(1000)
                    try:
                        sock.sendall(answer)
                        if answer.endswith(b'END'):
                            sock.close()
                        else:
                            sock.settimeout(10)
                            while sock.recv(1000):
                                pass
                    except OSError:
                        pass
                    sock.close()
                    continue
                other = socket.create_connection(('127.0.0.1',
                                                  responder.port))
                for pair in ((sock, other), (other, sock)):
                    threading.Thread(target=passed, args=pair,
                                     daemon=True).start()
        threading.Thread(target=serve, daemon=True).start()
        return server.getsockname()[1], responder

    def test_answers_to_cr(self):
        """Another class, another reference, garbage, nothing: each ends the
        connection, and the next one is tried."""
        self.together(self.refused, [(a,) for a in [bytes.fromhex(h) for h in (
            '0300000b06d00000000140',       # class 4
            '0300000b0680000100010b',       # DR
            '0300000b06e00000000100',       # a CR
            '0300000702f080',               # a DT
            '030000090470000001',           # ER
            '03000000', '0400000702f080')] + [
            b'SSH-2.0-OpenSSH\r\n', b'', b'END',
            b'\x03\x00\xff\xff' + b'\xd0' * 65531]])
        # No harm comes from an alien reference.
        alpha, _ = self.once(bytes.fromhex('0300000b06d01234567800'))
        self.assertLessEqual(len(alpha.lines(DOWN + 'timeout')), 1)

    def refused(self, answer):
        alpha, _ = self.once(answer)
        self.assertEqual(len(alpha.lines(
            DOWN + '.*(not connected|lost|timeout|refused|aborted)')), 1)

    def once(self, answer):
        port, responder = self.listener(answer)
        alpha = self.caller(port, *self.lines, 'open timeout 1s')
        self.submit(alpha, WORDS)
        self.received(responder, WORDS)
        return alpha, responder


class Opening(Hostile):
    def test_answers_to_cn(self):
        good = apdu.paccept(apdu.open_data('beta', password('beta')), 1, 3)
        self.together(self.answer, [(tsdu,) for tsdu in (
                b'\x0e', b'\x0e\xff\xff\xff', b'\x0e\x00', b'\xff' * 100,
                b'\x01\x00\x31\x03\x2a\x011', encode(Spdu('DN')),
                encode(Spdu('CN')), encode(Spdu('AC')),
                encode(Spdu('AC', ss.user_data_params(b'\x31\x80'))),
                encode(Spdu('RF')), b'\x0c\x05\x32\x03\x02\x31\xff',
                encode(ss.accept_spdu([], 4, ss.RTS_REQUIREMENTS,
                                      good.encode(ber.DER))),
                encode(ss.accept_spdu([], 1, 0x0002,
                                      good.encode(ber.DER))))])

    def answer(self, tsdu):
        self.attempt(Replace('out', name='AC', octets=tsdu),
                     DOWN + '.*(aborted by us|refused)')

    def test_accepted_twice(self):
        self.attempt(Dup('out', name='AC'),
                     'aborted by us: protocol error: .*AC')

    def test_more_than_was_offered(self):
        """Means what was offered (KB Q185934, Q189754)."""
        for answer in (dict(checkpoint=99), dict(window=99),
                       dict(checkpoint=2 ** 31 - 1), dict(window=0)):
            responder, _ = self.attempt(None, answer=answer)
            self.assertEqual(responder.messages[0].transfer.serial, 5)

    def test_values_out_of_range(self):
        self.together(lambda answer: self.attempt(
            None, 'aborted by us: invalid parameter: PAccept not understood',
            answer=answer), [(dict(checkpoint=-1),), (dict(window=-1),),
                             (dict(checkpoint=2 ** 70),),
                             (dict(window=2 ** 70),)])


class Transfer(Hostile):
    def test_acknowledgements(self):
        """Of what was not sent, twice, never."""
        self.together(self.error, (
                (Replace('out', name='MIA', nth=2, octets=b'\x02\x00' +
                         encode(ss.serial_spdu('MIA', 9))), 'MIA'),
                (Replace('out', name='MIA', nth=1, octets=b'\x02\x00' +
                         encode(ss.serial_spdu('MIA', 0))), 'MIA'),
                (Dup('out', name='MIA', nth=2), 'MIA'),
                (Dup('out', name='AEA'), 'AEA'),
                (Replace('out', name='MIA', nth=3, octets=b'\x02\x00' +
                         encode(ss.serial_spdu('AEA', 4))), 'AEA'),
                (Replace('out', name='AEA', octets=b'\x02\x00' +
                         encode(ss.serial_spdu('AEA', 3))), 'AEA')))

    def error(self, fault, what):
        self.attempt(fault, 'aborted by us: protocol error: .*' + what)

    def test_never_acknowledged(self):
        """At the window the transfer stops; its time limit passes."""
        self.together(self.attempt, (
            (Drop('out', name='MIA', times=None),
             'transfer makes no progress'),
            (Drop('out', name='AEA'), 'transfer makes no progress')))

    def test_in_another_order(self):
        """MIA 3 stands for MIA 2 as well, which must not come then."""
        self.error(Swap('out', name='MIA', nth=2), 'MIA')

    def test_what_only_the_sender_may_say(self):
        self.together(self.say, (
                (ss.activity_start_spdu(b'\x02\x01\x09'), 'AS'),
                (ss.serial_spdu('MIP', 1), 'MIP'),
                (ss.serial_spdu('AE', 1), 'AE'),
                (ss.reason_spdu('AI', 1), 'AI'),
                (ss.reason_spdu('AD', 1), 'AD'), (Spdu('DT'), 'DT'),
                # an answer to what was not asked
                (Spdu('AIA'), 'AIA', b'\2\0'), (Spdu('ADA'), 'ADA', b'\2\0'),
                # alone in a TSDU
                (Spdu('FN'), 'FN', b''), (Spdu('DN'), 'DN', b''),
                (Spdu('GTC'), 'GTC', b''), (Spdu('CN'), 'CN', b''),
                (Spdu('RF'), 'RF', b''),
                (Spdu('PT', [(ss.TOKEN, b'\x01')]),
                 'turn-please in a monologue', b'')))

    def say(self, spdu, what, prefix=b'\1\0'):
        self.error(Insert('out', name='MIA', nth=2,
                          octets=prefix + encode(spdu)), what)

    def test_garbage(self):
        self.together(self.attempt, [
            (Insert('out', name='MIA', nth=2, octets=raw, raw=True),
             'association-down .*: .*(lost|aborted by us)')
            for raw in (b'garbage!', b'\x03\x00\x00\x00',
                        b'\x03\x00\x00\x07\x7f\xf0\x80')])
        self.together(self.error, [
            (Replace('out', name='MIA', nth=2, octets=tsdu), '')
            for tsdu in (b'\x02\x00\x32\xff', b'\xff' * 500,
                         b'\x02\x00\x32\x05\x2a\x03abc',
                         b'\x02\x00\x32\x09\x2a\x070000001')])

    def test_stalls(self):
        """Shorter than the time limit: borne."""
        self.attempt((Stall('out', name='AC', seconds=1),
                      Stall('out', name='MIA', nth=2, seconds=0.6),
                      Stall('out', name='AEA', seconds=0.6)))


class Exceptions(Hostile):
    """Exception reports of the receiver."""

    def report(self, reason, at=3):
        responder = self.responder()
        responder.next(exception_at=(at, reason))
        alpha = self.caller(responder.port, *self.lines)
        self.submit(alpha, WORDS)
        self.received(responder, WORDS)
        alpha.idle()
        return responder, alpha

    def test_ability_jeopardized(self):
        """Interrupted, and resumed a little later from what was
        confirmed."""
        for reason in (0, 1):
            responder, alpha = self.report(reason)
            alpha.said('transfer-out-interrupted .* checkpoint=2 .*: the peer '
                       'cannot receive')
            self.assertEqual(responder.transfers[0].resumed, [2])

    def test_nothing_confirmed(self):
        """Discarded, and sent anew later."""
        responder, alpha = self.report(1, at=1)
        self.assertEqual(responder.transfers[0].state, 'discarded')

    def test_unacceptable(self):
        """Not at once again and again."""
        self.together(self.unacceptable, [(n,) for n in (3, 5, 6, 128, 255)])

    def unacceptable(self, reason):
        responder, alpha = self.report(reason)
        alpha.said('transfer-out-rejected .*reason=%d' % reason)
        self.assertEqual(responder.transfers[0].state, 'discarded')
        self.assertEqual(len(responder.transfers), 2)

    def test_never_acceptable(self):
        """A message that one peer never takes holds up no other one, and no
        other message."""
        responder = self.responder()
        poison = octets(4000, 7)

        def confirm(serial, transfer):
            if poison[:40] in transfer.data:
                for association in responder.associations:
                    if association.receiving is transfer:
                        association.exception_report(6)
                return False
            return True
        responder.config = responder.config.but(confirm=confirm)
        alpha = self.caller(responder.port, *self.lines, 'retry 1s to 1s')
        self.submit(alpha, poison)
        alpha.said('transfer-out-rejected .*reason=6')
        good = [octets(3000, n) for n in range(20, 25)]
        for content in good:
            self.submit(alpha, content)
        self.received(responder, *good)
        alpha.said('transfer-out-rejected .*reason=6')
        until(lambda: len(alpha.mtactl('show', 'queue')) == 1, 5)


class Aborts(Hostile):
    def test_abort_with_anything(self):
        """Every reason, and AbortInformation that is none."""
        wrong = [b'', b'\x31\x00', b'\x31\x80', b'\xff' * 60]
        self.together(self.aborted, [(data,) for data in wrong + [
            apdu.abort_information(n).encode(ber.DER)
            for n in (0, 1, 3, 4, 5, 6, 9, 2 ** 40)]])

    def aborted(self, user_data):
        def act(event):
            event.session.user.abort(user_data=user_data)
            raise Lost('aborted')
        self.attempt(Call('out', name='MIA', nth=3, function=act),
                     DOWN + '.*aborted by peer')


if __name__ == '__main__':
    main()
