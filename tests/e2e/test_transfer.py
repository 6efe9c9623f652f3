#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Transfers without a fault, mtad against the scripted MTA in both roles and
directions, monologue and two-way alternate: the same content at both ends,
every size at every negotiated checkpoint and window, and nothing on the wire
that tshark finds malformed or does not know."""

import contextlib
import hashlib
import tempfile
import threading

from interop import *       # noqa: F401,F403

from peer.store import Pattern

WORDS = octets(5000)


@contextlib.contextmanager
def file_of(size):
    """A file of the octets that a Pattern of P1 has for content."""
    with tempfile.NamedTemporaryFile() as file:
        for offset in range(0, size, 1 << 20):
            for piece in Pattern(size).buffers(offset, 1 << 20):
                file.write(piece)
        file.flush()
        yield file.name


def digest_of(path):
    with open(path, 'rb') as file:
        return hashlib.file_digest(file, 'sha256').hexdigest()


class V6(Peer):
    def text(self):
        return super().text().replace('127.0.0.1', '"::1"')


class Monologue(Case):
    def test_we_call(self):
        responder = self.responder()
        alpha = self.caller(responder.port, SMALL)
        self.submit(alpha, WORDS)
        self.received(responder, WORDS)
        alpha.idle()
        transfer = responder.messages[0].transfer
        self.assertEqual(len(transfer.marks), len(transfer.data) // 1024 + 1)
        alpha.said('transfer-out-done ')

    def test_we_are_called(self):
        beta = self.called(SMALL)
        initiator = self.initiator(beta).open()
        transfer = initiator.send(mpdu_of(WORDS))
        self.assertEqual(transfer.octets, transfer.length)
        self.delivered(beta, WORDS)
        initiator.close()
        beta.said('transfer-in-done .* octets=5000 ')

    def test_envelope_arrives_as_it_was(self):
        """What was submitted, and what a peer's envelope becomes."""
        responder = self.responder()
        alpha = self.caller(responder.port, SMALL)
        self.submit(alpha, WORDS, priority='urgent')
        responder.wait(1)
        mpdu = p1.decode(responder.messages[0].octets)
        self.assertEqual(mpdu.kind, 'user')
        self.assertEqual(mpdu.priority, p1.URGENT)
        self.assertEqual(mpdu.content_type, p1.P2)
        self.assertEqual({k: mpdu.originator[k] for k in ALPHA}, ALPHA)
        self.assertEqual({k: mpdu.recipients[0][k] for k in BETA}, BETA)
        self.assertEqual(len(mpdu.trace), 1)
        self.assertEqual(mpdu.trace[0][0], DOMAIN)

    def test_many_over_one_association(self):
        responder = self.responder()
        alpha = self.caller(responder.port, SMALL)
        alpha.inject(address('beta'), 2000, n=20)
        responder.wait(20)
        alpha.idle()
        self.assertEqual(len(responder.associations), 1)
        self.assertEqual(len({m.identifier for m in responder.messages}), 20)

    def test_ipv6(self):
        responder = self.responder(host='::1')
        alpha = self.daemon('alpha', V6('beta', responder.port, *SHORT))
        self.submit(alpha, WORDS)
        self.received(responder, WORDS)
        alpha.said(r'association-up .*role=initiator address="?\[?::1')

    def test_released_when_idle(self):
        responder = self.responder()
        alpha = self.caller(responder.port, SMALL, 'idle 1s')
        self.submit(alpha, WORDS)
        responder.wait(1)
        association = responder.associations[0]
        self.assertTrue(association.finished.wait(5))
        self.assertIsInstance(association.ended, Released)
        alpha.said('association-down .*[^d]: released$')

    def test_released_by_the_peer(self):
        beta = self.called(SMALL)
        initiator = self.initiator(beta).open()
        initiator.send(mpdu_of(WORDS))
        initiator.close()
        beta.said('association-down .*[^d]: released: by the peer$')


class TwoWayAlternate(Case):
    def test_both_directions_we_call(self):
        responder = self.responder(dialogue=1)
        back = [octets(3000, 1), octets(100, 2)]
        responder.outbox += [mpdu_of(c, BETA, ALPHA) for c in back]
        alpha = self.caller(responder.port, SMALL, 'dialogue twa')
        self.submit(alpha, WORDS)
        self.received(responder, WORDS)
        self.delivered(alpha, *back)
        self.submit(alpha, WORDS[1:])           # the turn came back
        self.received(responder, WORDS, WORDS[1:])
        self.assertEqual(len(responder.associations), 1)

    def test_both_directions_we_are_called(self):
        beta = self.called(SMALL, 'dialogue twa')
        self.submit(beta, WORDS[2:], to='alpha')
        initiator = self.initiator(beta, dialogue=1).open()
        initiator.send(mpdu_of(WORDS))
        initiator.until(lambda: initiator.turn_wanted is not None, 5)
        initiator.give()
        initiator.until(lambda: initiator.store.messages
                        and initiator.my_turn, 5)
        self.assertTrue(self.content_of(initiator.store.messages[0]) ==
                        WORDS[2:])
        initiator.send(mpdu_of(WORDS[1:]))
        self.delivered(beta, WORDS, WORDS[1:])
        initiator.close()
        beta.idle()

    def test_urgent_asks_with_its_priority(self):
        """The priority of the most urgent message goes with TOKEN PLEASE."""
        beta = self.called(SMALL, 'dialogue twa')
        initiator = self.initiator(beta, dialogue=1).open()
        wanted = []
        for priority in ('non-urgent', 'urgent'):
            self.submit(beta, WORDS, to='alpha', priority=priority)
            initiator.until(lambda: initiator.turn_wanted is not None, 5)
            wanted.append(initiator.turn_wanted)
            initiator.give()
            initiator.until(lambda: initiator.my_turn, 5)
        self.assertGreater(wanted[0], wanted[1])    # 0 is the most urgent


class Sizes(Case):
    def test_from_nothing_to_a_megabyte(self):
        """Out, through one daemon and one script for each checkpoint size
        and window; in, as the script offers them."""
        sizes = [0, 1, 2048, 1 << 20]
        contents = [octets(n, n) for n in sizes]
        for checkpoint, window in ((0, 3), (1, 1), (30, 3), (1024, 10)):
            with self.subTest(checkpoint=checkpoint, window=window):
                responder = self.responder(checkpoint=checkpoint,
                                           window=window)
                alpha = self.caller(responder.port, 'checkpoint %d window %d'
                                    % (checkpoint, window))
                beta = self.called('checkpoint %d window %d' % (
                    checkpoint, window))
                initiator = self.initiator(beta, checkpoint=checkpoint,
                                           window=window).open()
                for content in contents:
                    self.submit(alpha, content)
                    initiator.send(mpdu_of(content))
                self.received(responder, *contents)
                self.delivered(beta, *contents)
                for transfer in responder.transfers:
                    self.assertEqual(
                        len(transfer.marks) - 1, 0 if checkpoint == 0 else
                        (transfer.length - 1) // (checkpoint * 1024))
                initiator.close()

    @x410_only
    def test_exact_multiples_of_the_checkpoint(self):
        """And one octet more and less: no empty S-DATA, no minor sync
        behind the last octet."""
        beta = self.called('checkpoint 1 window 3')
        initiator = self.initiator(beta).open()
        for length in (1023, 1024, 1025, 4096, 4097, 10240):
            mpdu = mpdu_length(length, length)
            transfer = initiator.send(mpdu)
            self.assertEqual(transfer.serial, (length - 1) // 1024)
        beta.wait_delivered(6)
        initiator.close()
        # What we send: one octet more of content each time, until an MPDU
        # was seen that is a multiple.
        responder = self.responder()
        alpha = self.caller(responder.port, SMALL)
        self.submit(alpha, octets(3500))
        responder.wait(1)
        head = responder.messages[0].length - 3500
        for n, more in enumerate((-1, 0, 1)):
            self.submit(alpha, octets(4096 - head + more))
            responder.wait(n + 2)
            message = responder.messages[n + 1]
            self.assertEqual(message.length, 4096 + more)
            self.assertEqual(message.transfer.serial, 4 if more > 0 else 3)

    def test_minor_sync_behind_the_last_octet(self):
        """Some put one before ACTIVITY END as well."""
        beta = self.called(SMALL)
        initiator = self.initiator(beta).open()
        mpdu = mpdu_length(4096)
        transfer = initiator.send(mpdu, stop_before_end=True)
        initiator.sync_minor(transfer)
        initiator.end(transfer)
        self.assertEqual(transfer.state, 'complete')
        beta.wait_delivered(1)

    def test_a_hundred_megabytes(self):
        """Both ways, each once; held in memory by nobody."""
        size = 100 << 20
        beta = self.called('checkpoint 1024 window 10')
        responder = self.responder(checkpoint=1024, window=10, keep=False,
                                   timeout=60.0)
        alpha = self.caller(responder.port, 'checkpoint 1024 window 10')
        with file_of(size) as path:
            alpha.mtactl('submit', '-b', '-f', address('alpha'), '-t',
                         address('beta'), path)
            initiator = self.initiator(
                beta, checkpoint=1024, window=10, timeout=60.0).open()
            pattern = p1.user_mpdu(ALPHA, [BETA], size, DOMAIN)
            initiator.send(pattern)
            name = beta.wait_delivered(1, 60)[0]
            delivered = os.path.join(beta.delivery, name)
            self.assertEqual(digest_of(delivered), digest_of(path))
            initiator.close()
            responder.wait(1, timeout=60)
        self.assertGreater(responder.messages[0].length, size)
        for daemon in (alpha, beta):
            for role, pid in daemon.pids().items():
                with open('/proc/%d/status' % pid) as file:
                    peak = int([line for line in file if 'VmHWM' in line][0]
                               .split()[1])
                if 'MTAD_SANITIZED' not in os.environ:
                    self.assertLess(peak, 64 << 10, role)


class OnTheWire(Case):
    def test_tshark_understands_what_we_send(self):
        """Both roles, monologue and two-way alternate, a resumption and a
        refusal: no malformed or unknown field from TPKT to PConnect; and
        the MPDUs down to the text."""
        content = p2.message('id', ALPHA, [BETA], 'Subject', 'Text\r\n' * 500)
        mpdus = []
        with pcap.Recorder() as recorder:
            taps = []

            def record(client):
                taps.append(recorder.connection())
                return taps[-1].tap(client)
            responder = self.responder(dialogue=1)
            responder.record_octets = record(False)
            responder.outbox.append(mpdu_of(content, BETA, ALPHA))
            alpha = self.caller(responder.port, SMALL, 'dialogue twa',
                                'idle 1s')
            self.submit(alpha, content)
            self.received(responder, content)
            self.delivered(alpha, content)
            mpdus += [m.octets for m in responder.messages]
            self.assertTrue(responder.associations[0].finished.wait(5))

            beta = self.called(SMALL, 'dialogue twa')
            initiator = self.initiator(beta, dialogue=1,
                                       record_octets=record(True)).open()
            if MODE == 'normal':
                # tshark does not join what RTTRs of two connections hold
                initiator.send(mpdu_of(content))
            else:
                transfer = initiator.send(mpdu_of(content), stop_after=2)
                initiator.until(lambda: transfer.confirmed == 2)
                initiator.close_connection('rst')
                initiator.record_octets = record(True)
                initiator.recover()
                initiator.resume()
            self.submit(beta, content, to='alpha')
            initiator.until(lambda: initiator.turn_wanted is not None, 5)
            initiator.give()
            initiator.until(lambda: initiator.store.messages, 5)
            mpdus += [m.octets for m in initiator.store.messages]
            initiator.until(lambda: initiator.my_turn, 5)
            initiator.close()

            bad = self.initiator(beta, password='no', dialogue=1,
                                 record_octets=record(True))
            with self.assertRaises(Rejected):
                bad.open()
            recorder.check()
            seen = pcap.spdus(recorder.path)
            for si in (13, 14, 12, 9, 10, 45, 49, 50, 41, 42, 21, 22, 2):
                self.assertIn(si, seen)
            self.assertEqual(29 in seen, MODE != 'normal')
        pcap.check_mpdus(mpdus)
        for mpdu in mpdus:
            self.assertTrue(p1.decode(mpdu).content == content)


class Crowd(Case):
    def test_two_hundred_associations(self):
        """At once, each with a transfer half done, then all go on."""
        beta = self.called(SMALL)
        crowd = [self.initiator(beta, timeout=60.0) for _ in range(200)]
        contents = [octets(3000, n) for n in range(200)]
        wrong = []

        def begin(some):
            for n in some:
                try:
                    crowd[n].open()
                    crowd[n].send(mpdu_of(contents[n]), stop_after=1)
                except Exception as error:
                    wrong.append((n, error))

        def finish(some):
            for n in some:
                try:
                    crowd[n].go_on()
                    crowd[n].close()
                except Exception as error:
                    wrong.append((n, error))
        for work in (begin, finish):
            threads = [threading.Thread(target=work,
                                        args=(range(i, 200, 8),))
                       for i in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(wrong, [])
            if work is begin:
                self.assertEqual(len(beta.mtactl('show', 'associations')),
                                 200)
        self.delivered(beta, *contents, timeout=60)


if __name__ == '__main__':
    main()
