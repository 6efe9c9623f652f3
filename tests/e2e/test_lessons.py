#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""What went wrong between X.400 MTAs in the field, each problem a test named
after it.  Q numbers are articles of Microsoft's knowledge base."""

import socket
import threading

from interop import *       # noqa: F401,F403
from peer import apdu, ber, session as ss
from peer.script import Call, Cut, Script as Faults, Stall
from peer.session import Spdu

WORDS = octets(5 * 1024 + 300)


class Negotiation(Case):
    def test_absent_window_means_3_Q189754(self):
        """And absent checkpoint size 0: never answer more than 3."""
        beta = self.called('checkpoint 4 window 5')
        initiator = self.initiator(beta, window=None, checkpoint=None).open()
        self.assertEqual(initiator.peer.window, 3)
        initiator.send(mpdu_of(WORDS))
        self.delivered(beta, WORDS)
        initiator.close()

    def test_configured_window_is_used_Q185934(self):
        """In what we offer, in what we answer, and in what we send."""
        responder = self.responder(window=7, confirm=False)
        alpha = self.caller(responder.port, 'checkpoint 1 window 5',
                            'transfer timeout 60s')
        self.submit(alpha, octets(20000))
        responder.wait(condition=lambda: responder.transfers
                       and responder.transfers[0].serial == 5)
        self.assertEqual(responder.associations[0].peer.window, 5)
        time.sleep(0.3)
        self.assertEqual(responder.transfers[0].serial, 5)
        beta = self.called('checkpoint 1 window 5')
        for offered, answered in ((1, 1), (4, 4), (5, 5), (9, 5)):
            initiator = self.initiator(beta, window=offered).open()
            self.assertEqual(initiator.peer.window, answered)
            initiator.close()

    def test_checkpoint_0_of_either_side(self):
        """0 offered: the responder may choose; 0 answered: none."""
        beta = self.called('checkpoint 2 window 3')
        initiator = self.initiator(beta, checkpoint=0).open()
        self.assertEqual(initiator.peer.checkpoint, 2)
        initiator.send(mpdu_of(WORDS))
        initiator.close()
        self.delivered(beta, WORDS)
        responder = self.responder(checkpoint=0)
        alpha = self.caller(responder.port, SMALL)
        self.submit(alpha, WORDS)
        self.received(responder, WORDS)
        self.assertEqual(responder.transfers[0].serial, 0)

    def test_recovery_answers_the_first_checkpoint_size_Q187929(self):
        beta = self.called('checkpoint 4 window 3')
        initiator = self.initiator(beta, checkpoint=2).open()
        transfer = initiator.send(mpdu_of(WORDS), stop_after=1)
        initiator.until(lambda: transfer.confirmed == 1)
        initiator.close_connection('rst')
        initiator.config.checkpoint = 4
        initiator.recover()
        self.assertEqual(initiator.peer.checkpoint, 2)
        initiator.resume()
        self.delivered(beta, WORDS)

    def test_absent_dialogue_mode_is_monologue_Q140958(self):
        beta = self.called(SMALL)
        initiator = self.initiator(beta, dialogue=None).open()
        initiator.send(mpdu_of(WORDS))
        initiator.close()
        self.delivered(beta, WORDS)

    def test_two_way_alternate_is_refused_not_aborted_Q102750(self):
        beta = self.called(SMALL)
        with self.assertRaises(Rejected) as caught:
            self.initiator(beta, dialogue=1).open()
        self.assertEqual(caught.exception.reason,
                         apdu.UNACCEPTABLE_DIALOGUE_MODE)

    def test_no_session_selectors_Q152932(self):
        """None are sent in this mode; those that come are borne."""
        responder = self.responder()
        alpha = self.caller(responder.port, SMALL)
        self.submit(alpha, WORDS)
        self.received(responder, WORDS)
        cn = responder.associations[0].cn
        for selector in (ss.CALLING_SEL, ss.CALLED_SEL):
            self.assertIsNone(cn.get(selector))
        beta = self.called(SMALL)
        self.initiator(beta, calling_ssel=b'S1',
                       called_ssel=b'S2').open().close()

    def test_accept_without_a_name_Q123650(self):
        """Nothing in the PAccept, or an empty name: for peers that are
        known to answer so."""
        for kw in (dict(style='null'), dict(name='', password=''),
                   dict(name='other', password='any')):
            responder = self.responder(**kw)
            alpha = self.caller(responder.port, SMALL,
                                'remote response name "" password ""')
            self.submit(alpha, WORDS)
            self.received(responder, WORDS)

    def test_credentials_of_the_link_in_the_accept_Q159182(self):
        beta = self.daemon('beta', Peer(
            'alpha', None, *SHORT, 'local name "link name" password "its"'),
            Peer('gamma', None, *SHORT))
        initiator = self.initiator(beta).open()
        self.assertEqual((initiator.peer.name, initiator.peer.password),
                         ('link name', 'its'))
        initiator = self.initiator(beta, name='gamma',
                                   password=password('gamma')).open()
        self.assertEqual((initiator.peer.name, initiator.peer.password),
                         ('beta', password('beta')))

    def test_peers_behind_one_address_Q197378(self):
        """Known by name and password, never by address: several from one
        host, and one from where it is not configured to be."""
        beta = self.daemon('beta', Peer('alpha', 9, *SHORT), Peer(
            'gamma', None, *SHORT))
        beta.write(open(beta.conf).read().replace(
            'address 127.0.0.1 port 9', 'address 127.9.9.9 port 9'))
        for name in ('alpha', 'gamma', 'alpha'):
            initiator = self.initiator(beta, name=name,
                                       password=password(name)).open()
            beta.said('association-up peer=%s .*role=responder '
                      'address="127.0.0.1' % name)
            initiator.close()


class Recovery(Case):
    def test_recovery_is_always_answered_Q194556(self):
        """The question that a gateway could not decode, asked as an MTA
        does that never heard of the association: an answer, each time."""
        beta = self.called(SMALL)
        initiator = self.initiator(beta).open()
        initiator.close()
        for _ in range(3):
            with self.assertRaises(Rejected) as caught:
                initiator.recover()
            self.assertEqual(caught.exception.reason, apdu.CANNOT_RECOVER)

    def test_bad_recovery_does_not_stall_the_queue_Q194031(self):
        """Other messages go on as the peer refuses to recover one."""
        responder = self.responder()
        responder.next(Faults(Cut('in', name='MIP', nth=3)))
        responder.config = responder.config.but(on_recover=apdu.RTS_BUSY)
        alpha = self.caller(responder.port, SMALL, 'associations 3 reserve 0',
                            'delay 2s timeout 4s', 'threshold 1')
        self.submit(alpha, WORDS)
        alpha.said('connection lost')
        others = [octets(2000, n) for n in range(5)]
        for content in others:
            self.submit(alpha, content)
        self.received(responder, *others)
        self.received(responder, WORDS, *others)

    def test_please_tokens_in_its_own_tsdu_Q194686(self):
        """Before MIA and AEA, as ISODE and OpenPath have it."""
        responder = self.responder(pt_alone=True)
        alpha = self.caller(responder.port, SMALL)
        self.submit(alpha, WORDS)
        self.received(responder, WORDS)
        alpha.idle()
        self.assertEqual(len(responder.associations), 1)

    def test_give_tokens_before_acknowledgements(self):
        responder = self.responder(acks='GT')
        alpha = self.caller(responder.port, SMALL)
        self.submit(alpha, WORDS)
        self.received(responder, WORDS)
        alpha.idle()
        self.assertEqual(len(responder.associations), 1)

    def test_invalid_minor_sync_serials_Q194685(self):
        """An abort and one line that names both numbers."""
        beta = self.called(SMALL)
        initiator = self.initiator(beta).open()
        transfer = initiator.send(mpdu_of(WORDS), stop_after=2)
        with self.assertRaises(GONE):
            initiator.holder(ss.serial_spdu('MIP', 7))
            initiator.step()
            initiator.step()
        beta.said('aborted by us: protocol error: .*MIP with serial number 7, '
                  '3 was due')
        self.assertEqual(transfer.state, 'active')

    def test_serial_with_leading_zeros_Q86988(self):
        """"1" comes back as "000001"."""
        responder = self.responder(serial_width=6)
        alpha = self.caller(responder.port, SMALL)
        self.submit(alpha, WORDS)
        self.received(responder, WORDS)
        beta = self.called(SMALL)
        initiator = self.initiator(beta, serial_width=6).open()
        transfer = initiator.send(mpdu_of(WORDS), stop_after=3)
        initiator.until(lambda: transfer.confirmed == 3)
        initiator.close_connection('rst')
        initiator.recover()
        initiator.resume()
        self.delivered(beta, WORDS)

    def test_sizes_at_the_checkpoint_Q189753(self):
        """64 K checkpoints, and messages of one, less and more."""
        beta = self.called('checkpoint 64 window 3')
        initiator = self.initiator(beta, checkpoint=64).open()
        for n, length in enumerate((65535, 65536, 65537, 131072, 196608)):
            initiator.send(mpdu_length(length, n))
        beta.wait_delivered(5)
        responder = self.responder(checkpoint=64)
        alpha = self.caller(responder.port, 'checkpoint 64 window 3')
        self.submit(alpha, octets(65000))
        self.submit(alpha, octets(70000))
        responder.wait(2)
        short, long = (m.length - n for m, n in zip(
            responder.messages, (65000, 70000)))
        for n, length in enumerate((65535 - short, 65536 - short,
                                    65537 - short, 131072 - long)):
            self.submit(alpha, octets(length, n))
        responder.wait(6)
        self.assertEqual(sorted(m.length for m in responder.messages[2:]),
                         [65535, 65536, 65537, 131072])

    def test_zero_length_last_tpdu_Q123824(self):
        """And TSDUs in TPDUs of every size."""
        responder = self.responder(zero_last=True)
        alpha = self.caller(responder.port, SMALL)
        self.submit(alpha, WORDS)
        self.received(responder, WORDS)
        beta = self.called(SMALL)
        contents = []
        for n, kw in enumerate((dict(zero_last=True), dict(tpdu_size=7),
                                dict(sizes=[1, 2, 3]), dict(max_user=5),
                                dict(max_user=1, zero_last=True))):
            contents.append(octets(3000, n))
            initiator = self.initiator(beta, **kw).open()
            initiator.send(mpdu_of(contents[-1]))
            initiator.close()
        self.delivered(beta, *contents)

    def test_reserved_octet_of_tpkt_Q157015(self):
        """Not looked at; ours is 0."""
        seen = bytearray()

        def record(direction, octets_):
            if direction == 'in':
                seen.extend(octets_)
        beta = self.called(SMALL)
        initiator = self.initiator(beta, reserved=0x11,
                                   record_octets=record).open()
        initiator.send(mpdu_of(WORDS))
        initiator.close()
        self.delivered(beta, WORDS)
        at = n = 0
        while at + 4 <= len(seen):
            self.assertEqual(seen[at:at + 2], b'\x03\x00')
            at += int.from_bytes(seen[at + 2:at + 4], 'big')
            n += 1
        self.assertGreater(n, 7)

    def test_not_idle_while_an_activity_is_open_Q140956(self):
        """Either side stops for longer than the idle time."""
        responder = self.responder()
        responder.next(Faults(Stall('out', name='MIA', nth=2, seconds=2.5)))
        alpha = self.caller(responder.port, SMALL, 'idle 1s')
        self.submit(alpha, WORDS)
        beta = self.called(SMALL, 'idle 1s')
        initiator = self.initiator(beta).open()
        initiator.send(mpdu_of(WORDS), stop_after=2)
        time.sleep(2.5)
        initiator.go_on()
        self.delivered(beta, WORDS)
        self.received(responder, WORDS)
        self.assertEqual(len(responder.associations), 1)

    def test_extended_concatenation(self):
        """AS with DT, MIP with DT in one TSDU."""
        beta = self.called(SMALL)
        initiator = self.initiator(beta, concatenate=True).open()
        initiator.send(mpdu_of(WORDS))
        initiator.close()
        self.delivered(beta, WORDS)

    def test_session_version_1_alone(self):
        responder = self.responder(session_version=1)
        alpha = self.caller(responder.port, SMALL)
        self.submit(alpha, WORDS)
        self.received(responder, WORDS)
        beta = self.called(SMALL)
        for version in (1, 2, 3):
            initiator = self.initiator(beta, session_version=version).open()
            self.assertEqual(initiator.version, 2 if version & 2 else 1)
            initiator.close()

    def test_every_form_of_the_apdus(self):
        for form in (ber.Form(shuffle=1), ber.Form(indefinite=True),
                     ber.Form(long_length=4), ber.Form(pieces=1),
                     ber.Form(shuffle=2, indefinite=True, pieces=3,
                              long_length=2)):
            responder = self.responder(form=form)
            alpha = self.caller(responder.port, SMALL)
            self.submit(alpha, WORDS)
            self.received(responder, WORDS)


class Load(Case):
    def test_nothing_leaks_Q193894(self):
        """Associations opened, released, refused, aborted and lost, three
        hundred of them: descriptors and memory are where they were."""
        beta = self.called(SMALL, 'keep 1s')

        def round_of(n):
            for k in range(n):
                initiator = self.initiator(beta)
                if k % 5 == 0:
                    initiator.config.password = 'no'
                try:
                    initiator.open()
                    if k % 5 == 1:
                        initiator.abort(apdu.TEMPORARY_PROBLEM)
                    elif k % 5 == 2:
                        initiator.send(mpdu_of(octets(3000)), stop_after=1)
                        initiator.close_connection('rst')
                    elif k % 5 == 3:
                        initiator.close_connection('rst')
                    else:
                        initiator.close()
                except Rejected:
                    pass
                self.stores.remove(initiator.store)
                self.closing.remove(initiator)

        def held():
            out = {}
            for role, pid in beta.pids().items():
                with open('/proc/%d/statm' % pid) as file:
                    out[role] = (len(os.listdir('/proc/%d/fd' % pid)),
                                 int(file.read().split()[1]) * 4)
            return out

        def quiet():
            until(lambda: not beta.mtactl('show', 'associations')
                  and not beta.mtactl('show', 'transfers'), 15, 'quiet', 0.2)
            time.sleep(1.2)     # what lingers is closed once a second
        round_of(100)
        quiet()
        before = held()
        round_of(300)
        quiet()
        until(lambda: all(held()[r][0] <= before[r][0] for r in before), 10)
        if 'MTAD_SANITIZED' not in os.environ:
            for role, (_, memory) in held().items():
                self.assertLess(memory - before[role][1], 2048, role)

    def test_slow_link_stalls_no_other_Q169691(self):
        """One peer reads nothing, in the middle of a large message; another
        one gets its own at once."""
        slow = self.responder(checkpoint=0, timeout=60.0)
        gate = threading.Event()
        self.addCleanup(gate.set)
        slow.next(Faults(Stall('in', name='DT', until=gate)))
        fast = self.responder(name='gamma', password=password('gamma'))
        alpha = self.daemon(
            'alpha', Peer('beta', slow.port, *SHORT, 'checkpoint 0'),
            Peer('gamma', fast.port, *SHORT, SMALL))
        large = octets(20 << 20)
        self.submit(alpha, large)
        slow.wait(condition=lambda: any(
            'DT' in a.script.names('in') for a in slow.associations))
        began = time.monotonic()
        contents = [octets(3000, n) for n in range(10)]
        for content in contents:
            self.submit(alpha, content, to='gamma')
        self.received(fast, *contents)
        self.assertLess(time.monotonic() - began, 5)
        self.assertEqual(slow.messages, [])
        gate.set()
        self.received(slow, large)

    def test_lossy_link_Q154301(self):
        """Lost every few TSDUs, a dozen times; the processes live."""
        responder = self.responder(timeout=20.0)
        for n in range(12):
            responder.next(Faults(Cut('in', index=6 + n % 5, at=0.5,
                                      how=('fin', 'rst')[n % 2])))
        alpha = self.caller(responder.port, SMALL, 'delay 1s timeout 60s')
        content = octets(40 * 1024)
        self.submit(alpha, content)
        self.received(responder, content, timeout=40)

    def test_full_peer_is_waited_for_Q278444(self):
        """A peer at its limit of associations answers busy: the messages
        queue for it, urgent ones too, and none goes elsewhere."""
        responder = self.responder()
        gamma = self.responder(name='gamma', password=password('gamma'))
        alpha = self.daemon(
            'alpha', Peer('beta', responder.port, *SHORT, SMALL,
                          'associations 4'),
            Peer('gamma', gamma.port, *SHORT, SMALL))
        for _ in range(2):
            responder.next(on_open=apdu.RTS_BUSY)
        contents = [octets(2000, n) for n in range(6)]
        for n, content in enumerate(contents):
            self.submit(alpha, content,
                        priority='urgent' if n % 2 else 'normal')
        alpha.said('call-failed .*: refused: busy')
        self.received(responder, *contents)
        self.assertEqual(gamma.associations, [])

    def test_connect_right_behind_the_transport_connection_Q157708(self):
        """CN in one segment with CR, before there was a CC."""
        beta = self.called(SMALL)
        cn = ss.encode(ss.connect_spdu(
            ss.connection_id_params(*apdu.Scid.new('alpha').references()), 1,
            ss.RTS_REQUIREMENTS, apdu.pconnect(apdu.open_data(
                'alpha', password('alpha')), 1, 3).encode(ber.DER)))
        with socket.create_connection(('127.0.0.1', beta.port)) as sock:
            sock.settimeout(5)
            tpdu = b'\x02\xf0\x80' + cn
            sock.sendall(bytes.fromhex('0300000b06e00000000100') +
                         b'\x03\x00' + (len(tpdu) + 4).to_bytes(2, 'big') +
                         tpdu)
            got = b''
            while b'\x02\xf0\x80\x0e' not in got:
                piece = sock.recv(1000)
                self.assertTrue(piece, got.hex())
                got += piece

    def test_own_call_and_theirs_at_once(self):
        """Both call each other at the same moment: two associations."""
        responder = self.responder(name='beta')
        alpha = self.daemon('alpha', Peer('beta', responder.port, *SHORT,
                                          SMALL))
        initiator = self.initiator(alpha, name='beta',
                                   password=password('beta'))
        responder.next(Faults(Call(
            'in', name='CN', function=lambda event: initiator.open())))
        self.submit(alpha, WORDS)
        self.received(responder, WORDS)
        initiator.send(mpdu_of(WORDS[1:], BETA, ALPHA))
        self.delivered(alpha, WORDS[1:])

    def test_hold_no_acknowledgement_for_long(self):
        """Nagle and delayed acknowledgements: no 40 ms for each SPDU."""
        beta = self.called(SMALL)
        initiator = self.initiator(beta, window=1).open()
        began = time.monotonic()
        initiator.send(mpdu_of(octets(60 * 1024)))
        self.assertLess(time.monotonic() - began, 60 * 0.04)
        initiator.close()

    def test_order_of_our_spdus(self):
        """The order of what we send, SPDU for SPDU."""
        beta = self.called(SMALL, 'dialogue twa')
        initiator = self.initiator(beta, dialogue=1).open()
        initiator.send(mpdu_of(octets(1200)))
        initiator.give()
        initiator.until(lambda: initiator.my_turn)
        initiator.session.send(Spdu('PT', [(ss.TOKEN, b'\x01')]))
        initiator.close()
        self.assertEqual(initiator.script.names('in'),
                         ['CC', 'AC', 'MIA', 'AEA', 'GTA', 'GTC', 'DN'])


if __name__ == '__main__':
    main()
