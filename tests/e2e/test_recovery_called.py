#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Recovery when the peer connects again (X.410 clause 4.3; the rules of
recovery by number), against a scripted initiator that loses its connection,
or says what is not so."""

import contextlib
import signal

from interop import *       # noqa: F401,F403
from peer import apdu, ber
from peer.script import AFTER, Cut, Drop

WORDS = octets(7 * 1024 + 300)      # eight checkpoints of 1 K with the head


class Called(Case):
    def setUp(self):
        super().setUp()
        self.beta = self.called(SMALL)

    def another(self, *peers):
        """With other peers than at first."""
        self.beta.stop()
        self.beta.configure(*peers).start()
        self.daemons[0] = self.beta, self.beta.pids()

    def half(self, *faults, after=3, content=WORDS, **kw):
        """A transfer with some checkpoints confirmed, and no connection."""
        initiator = self.initiator(self.beta, *faults, **kw).open()
        transfer = initiator.send(mpdu_of(content), stop_after=after)
        initiator.until(lambda: transfer.confirmed == after)
        initiator.close_connection('rst')
        return initiator, transfer

    def refused(self, initiator, reason=apdu.CANNOT_RECOVER, **kw):
        with self.assertRaises(Rejected) as caught:
            initiator.recover(**kw)
        self.assertEqual(caught.exception.reason, reason)

    def unknown(self, initiator, **kw):
        """A resumption that is aborted: activity not recognized."""
        with self.assertRaises(Aborted) as caught:
            initiator.resume(**kw)
        self.assertEqual(caught.exception.reason, apdu.UNRECOGNIZED_ACTIVITY)


class Cuts(Called):
    def test_everywhere(self):
        """Before, in and after each kind of SPDU, three ways to go."""
        contents, again = [], []
        for n, cut in enumerate((
                Cut('out', name='AS'), Cut('out', name='AS', at=AFTER),
                Cut('out', name='DT', at=0.5), Cut('out', name='MIP'),
                Cut('in', name='MIA'), Cut('out', name='MIP', nth=3),
                Cut('out', name='MIP', nth=4, at=0.5, how='rst'),
                Cut('out', name='DT', nth=5, at=0.9, how='rst'),
                Cut('out', name='DT', nth=6, at=0.1, how='silence'),
                Cut('in', name='MIA', nth=5, at=AFTER, how='silence'),
                Cut('out', name='AE'), Cut('out', name='AE', at=0.5),
                Cut('out', name='AE', at=AFTER), Cut('in', name='AEA'),
                Cut('in', name='AEA', how='silence'))):
            contents.append(octets(7 * 1024 + 300, n))
            initiator = self.initiator(self.beta, cut)
            with self.subTest(cut=cut):
                mpdu = mpdu_of(contents[-1])
                initiator.open()
                with self.assertRaises(Lost):
                    initiator.send(mpdu)
                initiator.recover()
                transfer = initiator.resume()
                again.append(transfer.octets - len(mpdu) - WRAP)
                self.assertEqual(transfer.state, 'complete')
                initiator.close()
        self.assertLessEqual(max(again), 4 * 1024)
        self.delivered(self.beta, *contents)
        until(lambda: not self.beta.mtactl('show', 'associations'), 5)
        self.assertEqual(self.beta.mtactl('show', 'summary')['duplicates'], 0)

    def test_acknowledgement_lost(self):
        """The sender resumes before what we hold: the rest is dropped."""
        initiator = self.initiator(self.beta, Drop('in', name='MIA', nth=3),
                                   Cut('in', name='MIA', nth=4)).open()
        with self.assertRaises(Lost):
            initiator.send(mpdu_of(WORDS))
        initiator.recover()
        self.assertEqual(initiator.record.outgoing.confirmed, 2)
        initiator.resume()
        self.delivered(self.beta, WORDS)
        # more is on record than the peer knows of
        self.beta.said('association-down .* transfer=[0-9A-F]{16} '
                       r'checkpoint=[3-9] octets=\d+: ')
        self.beta.said('transfer-in-resumed .* activity=2 checkpoint=2 ')
        self.beta.said('transfer-in-done .* activity=2 .* checkpoint=')

    def test_resumed_further_back_than_need_be(self):
        initiator, _ = self.half(after=5)
        initiator.recover()
        initiator.resume(serial=1)
        self.delivered(self.beta, WORDS)

    def test_complete_and_resumed_anywhere(self):
        """The confirmation of the end was lost; whatever serial the sender
        resumes at, it ends confirmed and is delivered once."""
        contents = []
        for serial in (0, 1, 5, 7):
            contents.append(octets(7 * 1024 + 300, serial))
            initiator = self.initiator(self.beta,
                                       Cut('in', name='AEA')).open()
            with self.assertRaises(Lost):
                initiator.send(mpdu_of(contents[-1]))
            initiator.recover()
            self.assertEqual(initiator.resume(serial=serial).state,
                             'complete')
            initiator.close()
        self.delivered(self.beta, *contents)
        self.beta.said('it was complete')

    def test_complete_and_discarded(self):
        """Answered with an abort, transferCompleted (rule 5)."""
        initiator = self.initiator(self.beta, Cut('in', name='AEA')).open()
        content = octets(300)
        with self.assertRaises(Lost):
            initiator.send(mpdu_of(content))
        initiator.recover()
        with self.assertRaises(Aborted) as caught:
            initiator.resume()
        self.assertEqual(caught.exception.reason, apdu.TRANSFER_COMPLETED)
        self.assertEqual(initiator.record.outgoing.state, 'complete')
        self.delivered(self.beta, content)
        self.beta.said('transfer-in-discarded .*: it was complete')

    def test_given_up_by_a_plain_start(self):
        """Rule 4: ACTIVITY START after the recovery; the old one is gone,
        and named again it is not known."""
        initiator, old = self.half()
        initiator.recover()
        initiator.send(mpdu_of(WORDS))
        self.delivered(self.beta, WORDS)
        until(lambda: self.beta.mtactl('show', 'transfers') == [], 5)
        initiator.store.violations.clear()
        self.unknown(initiator, transfer=old)

    def test_interrupted_and_discarded(self):
        """On the same association, with and without a cut between."""
        initiator = self.initiator(self.beta).open()
        transfer = initiator.send(mpdu_of(WORDS), stop_after=3)
        initiator.interrupt(reason=1)
        initiator.send(mpdu_of(WORDS[1:]))
        initiator.resume(transfer=transfer)
        self.delivered(self.beta, WORDS, WORDS[1:])
        transfer = initiator.send(mpdu_of(WORDS[2:]), stop_after=3)
        initiator.interrupt()
        initiator.close_connection('rst')
        initiator.recover()
        initiator.resume(transfer=transfer)
        self.delivered(self.beta, WORDS, WORDS[1:], WORDS[2:])
        transfer = initiator.send(mpdu_of(WORDS[3:]), stop_after=3)
        initiator.until(lambda: transfer.confirmed == 3)
        initiator.discard()
        self.unknown(initiator, transfer=transfer)

    def test_same_message_again(self):
        """Rule 9: an MPDU identifier that is known is confirmed and not
        delivered again, on this association and the next."""
        mpdu = mpdu_of(WORDS)
        initiator = self.initiator(self.beta).open()
        initiator.send(mpdu)
        initiator.send(mpdu)
        initiator.close()
        self.initiator(self.beta).open().send(mpdu)
        initiator.open().send(mpdu_of(WORDS[1:]))
        self.delivered(self.beta, WORDS, WORDS[1:])
        self.beta.said('transfer-in-duplicate')
        self.assertEqual(self.beta.mtactl('show', 'summary')['duplicates'],
                         2)


class Names(Called):
    """Connections and activities by any name they ever had."""

    def test_half_open(self):
        """The old connection still looks alive: superseded at once."""
        initiator = self.initiator(self.beta).open()
        transfer = initiator.send(mpdu_of(WORDS), stop_after=3)
        initiator.until(lambda: transfer.confirmed == 3)
        initiator.close_connection('silence')
        initiator.recover()
        initiator.resume()
        self.beta.said('superseded by its recovery')
        self.assertEqual(len(self.beta.mtactl('show', 'associations')), 1)
        self.delivered(self.beta, WORDS)

    def test_every_pair_is_remembered(self):
        """An AR may name the first, the last, or any activity that this
        transfer ever was; and the recovery the first connection or the
        last."""
        contents = []
        for n, (link, name) in enumerate((
                ('first', 'first'), ('last', 'last'), ('first', 'last'),
                ('known', 'first'))):
            contents.append(octets(7 * 1024 + 300, n))
            initiator = self.initiator(self.beta, link=link,
                                       recover_name=name).open()
            transfer = initiator.send(mpdu_of(contents[-1]), stop_after=1)
            for serial in (1, 2, 3, 4):
                initiator.until(lambda: transfer.confirmed == serial)
                initiator.close_connection('rst')
                initiator.recover()
                initiator.resume(go_on=False)
                initiator.go_on(transfer, stop_after=1)
            initiator.go_on(transfer)
            initiator.close()
        self.delivered(self.beta, *contents)

    def test_resumption_lost(self):
        """Named by a pair that never arrived here, at a serial above 0: not
        known.  By the last that was answered: known."""
        initiator, transfer = self.half()
        for n in range(3):
            initiator.recover(Script(Cut('out', name='AR')))
            with self.assertRaises(Lost):
                initiator.resume()
        initiator.config.link = 'last'
        initiator.recover()
        self.unknown(initiator)
        initiator.config.link = 'known'
        initiator.recover()
        initiator.resume()
        self.delivered(self.beta, WORDS)

    def test_lies_about_the_old_activity(self):
        """A serial that was never confirmed, an activity that never was, a
        connection that never was: unrecognizedActivity each time, and what
        is here stays."""
        initiator, transfer = self.half()
        names = list(transfer.names)
        for lie in (dict(serial=4), dict(serial=7), dict(serial=999998),
                    dict(old=apdu.activity_identifier(77), serial=1),
                    dict(old=b'\xff' * 6, serial=1),
                    dict(link=apdu.Scid.new('alpha'), serial=1),
                    dict(link=apdu.Scid.new('gamma'), serial=2)):
            with self.subTest(**lie):
                initiator.recover()
                confirmed, serial = transfer.confirmed, transfer.serial
                self.unknown(initiator, **lie)
                transfer.names[:] = names
                transfer.confirmed, transfer.serial = confirmed, serial
                transfer.known, transfer.state = 0, 'active'
        self.beta.said('unknown activity or checkpoint')
        transfer.confirmed = 3
        initiator.recover()
        initiator.resume(serial=3)
        self.delivered(self.beta, WORDS)

    def test_old_connection_not_named(self):
        """An AR on another connection that leaves its name out: numbers of
        activities are unique within an association."""
        initiator, _ = self.half()
        initiator.recover()
        initiator.resume(link=False)
        self.delivered(self.beta, WORDS)

    def test_references_without_tags(self):
        """Some put the characters into CN without tag and length, and into
        the PConnect what its ASN.1 wants."""
        class Plain(apdu.Scid):
            def references(self):
                return self.calling, self.common, self.additional
        initiator = self.initiator(self.beta)
        new = apdu.Scid.new('alpha')
        initiator.open(scid=Plain(new.calling, new.common, new.additional))
        transfer = initiator.send(mpdu_of(WORDS), stop_after=3)
        initiator.until(lambda: transfer.confirmed == 3)
        initiator.close_connection('rst')
        initiator.recover()
        initiator.resume()
        self.delivered(self.beta, WORDS)

    def test_nothing_confirmed_of_an_unknown_one(self):
        """Serial 0: its start never came here, and all of it follows."""
        initiator = self.initiator(self.beta, Cut('out', name='AS')).open()
        with self.assertRaises(Lost):
            initiator.send(mpdu_of(WORDS))
        initiator.recover()
        initiator.resume(serial=0)
        self.delivered(self.beta, WORDS)
        self.half(after=2)

    def test_unknown_identifiers(self):
        """Always an answer: cannotRecover."""
        initiator, _ = self.half()
        old = initiator.record.scids[0]
        for scid in (apdu.Scid.new('alpha'),
                     apdu.Scid(old.calling, old.common, None),
                     apdu.Scid(old.calling, old.common, b'??'),
                     apdu.Scid(old.calling, b'840101000000Z',
                               old.additional),
                     apdu.Scid(old.calling, b'no time', old.additional),
                     apdu.Scid(old.calling + b' ', old.common,
                               old.additional)):
            self.refused(initiator, name=scid)
        self.beta.said('recovery of .*: not known here')
        initiator.recover()
        initiator.resume()
        self.delivered(self.beta, WORDS)

    def test_absent_and_empty_additional_reference(self):
        """Are the same (rule 10)."""
        initiator = self.initiator(self.beta)
        first = apdu.Scid.new('alpha')
        first.additional = b''
        initiator.open(scid=first)
        transfer = initiator.send(mpdu_of(WORDS), stop_after=3)
        initiator.until(lambda: transfer.confirmed == 3)
        initiator.close_connection('rst')
        without = apdu.Scid(first.calling, first.common)
        initiator.recover(name=without)
        initiator.resume(link=without)
        self.delivered(self.beta, WORDS)

    @x410_only
    def test_malformed_identifiers(self):
        """Refused or aborted, at once, and never silence."""
        initiator, _ = self.half()
        scid = initiator.record.scids[0]
        good = scid.members()
        bad = {
            'nothing': [], 'one': good[:1], 'order': good[::-1],
            'four': good + [ber.Str(0x81, b'x')],
            'tag': [ber.Str(0x02, scid.calling)] + good[1:],
            'no time': [good[0], ber.Str(0x02, scid.common), good[2]],
            'long': [ber.Str(0x14, b'x' * 200)] + good[1:],
            'time': [good[0], ber.Str(0x17, b'1' * 200), good[2]],
            'more': good[:2] + [ber.Str(0x80, b'x' * 100)],
        }
        for what, members in bad.items():
            with self.subTest(what=what):
                began = time.monotonic()
                initiator.config.user_data = apdu.pconnect(
                    ber.Seq(0x81, *members), 1, 3).encode(ber.DER)
                with self.assertRaises((Rejected, Aborted)):
                    initiator.recover()
                self.assertLess(time.monotonic() - began, 1.5)
        for data in (b'', b'\x31', b'\x31\x80', b'\x31\xff', b'\0' * 50):
            with self.subTest(data=data):
                initiator.config.user_data = data
                with self.assertRaises((Rejected, Aborted)):
                    initiator.recover()
        initiator.config.user_data = None
        initiator.recover()
        initiator.resume()
        self.delivered(self.beta, WORDS)

    def test_other_forms_of_the_identifier(self):
        """Every BER form of it is the same identifier."""
        contents = []
        for n, form in enumerate((
                ber.Form(shuffle=3), ber.Form(indefinite=True),
                ber.Form(long_length=3), ber.Form(pieces=2),
                ber.Form(shuffle=5, indefinite=True, pieces=1,
                         long_length=2))):
            contents.append(octets(7 * 1024 + 300, n))
            initiator, _ = self.half(content=contents[-1])
            initiator.config.form = form
            initiator.recover()
            initiator.resume()
            initiator.close()
        self.delivered(self.beta, *contents)

    def test_of_another_peer(self):
        """The association of one peer is not recovered into that of
        another, nor its activities."""
        self.another(
            Peer('alpha', None, *SHORT, SMALL),
            Peer('gamma', None, *SHORT, SMALL))
        initiator, transfer = self.half()
        other = self.initiator(self.beta, name='gamma',
                               password=password('gamma')).open()
        other.record.outgoing = transfer
        self.unknown(other, serial=2)
        initiator.recover()
        initiator.resume(serial=3)
        self.delivered(self.beta, WORDS)

    def test_on_a_fresh_association(self):
        """X.228 7.8: an activity may be resumed on another association of
        the same peer."""
        initiator, transfer = self.half()
        initiator.close_connection()
        initiator.open()
        initiator.resume(transfer=transfer)
        self.delivered(self.beta, WORDS)


class Life(Called):
    def test_recovery_time_over(self):
        """Rule 8: forgotten, cannotRecover; and what a fresh association
        brings is taken as new."""
        self.another(Peer('alpha', None, *SHORT, SMALL, 'keep 1s'))
        initiator, _ = self.half()
        self.assertEqual(len(self.beta.mtactl('show', 'transfers')), 1)
        until(lambda: not self.beta.mtactl('show', 'transfers'), 10)
        self.refused(initiator)
        initiator.open()
        initiator.send(mpdu_of(WORDS))
        self.delivered(self.beta, WORDS)

    def test_processes_die(self):
        """Each of the three, and mtad with all: from what was confirmed."""
        self.restarts = True
        contents, again = [], []
        for role in ('rtsd', 'spoold', 'mtad'):
            with self.subTest(role=role):
                contents.append(octets(7 * 1024 + 300, len(contents)))
                initiator = self.initiator(self.beta).open()
                mpdu = mpdu_of(contents[-1])
                transfer = initiator.send(mpdu, stop_after=3)
                initiator.until(lambda: transfer.confirmed == 3)
                self.beta.kill(role, signal.SIGKILL)
                if role == 'mtad':
                    time.sleep(0.2)
                    self.beta.start()
                with contextlib.suppress(*GONE):
                    initiator.step(5)
                initiator.close_connection()
                for attempt in range(100):
                    try:
                        initiator.recover()
                        break
                    except (Lost, Rejected, Aborted):
                        time.sleep(0.1)
                initiator.resume()
                again.append(transfer.octets - len(mpdu) - WRAP)
                initiator.close()
        self.assertEqual(again, [0, 0, 0])
        self.delivered(self.beta, *contents)

    def test_checkpoint_size_stays(self):
        """KB Q187929: the answer is that of the first PConnect, whatever the
        one with recover proposes."""
        self.allowed.append('window (1, 3), on recovery (1, 1)')
        for checkpoint, window in ((30, 9), (0, 3), (None, None), (1, 1)):
            initiator, _ = self.half()
            initiator.config.checkpoint = checkpoint
            initiator.config.window = window
            initiator.recover()
            self.assertEqual(initiator.peer.checkpoint, 1)
            self.assertEqual(initiator.peer.window, min(window or 3, 3))
            initiator.resume()
            initiator.close()
        self.beta.wait_delivered(4)

    def test_nothing_was_under_way(self):
        """A recovery of an association without a transfer is no error."""
        initiator = self.initiator(self.beta).open()
        initiator.send(mpdu_of(WORDS))
        initiator.close_connection('rst')
        try:
            initiator.recover()
        except Rejected as error:
            self.assertEqual(error.reason, apdu.CANNOT_RECOVER)
            initiator.open()
        initiator.send(mpdu_of(WORDS[1:]))
        self.delivered(self.beta, WORDS, WORDS[1:])

    def test_released_is_over(self):
        initiator = self.initiator(self.beta).open()
        initiator.send(mpdu_of(WORDS))
        initiator.close()
        self.refused(initiator)

    def test_aborted_by_the_sender(self):
        """An abort leaves the transfer as a lost connection does."""
        initiator = self.initiator(self.beta).open()
        transfer = initiator.send(mpdu_of(WORDS), stop_after=3)
        initiator.until(lambda: transfer.confirmed == 3)
        initiator.abort(apdu.TEMPORARY_PROBLEM)
        self.beta.said(': aborted by peer: temporary problem$')
        initiator.recover()
        initiator.resume()
        self.delivered(self.beta, WORDS)

    def test_half_open_and_nobody_recovers(self):
        """A silent sender: its time limit passes, and the place of its
        association is free again."""
        self.another(Peer('alpha', None, *SHORT, SMALL, 'keep 1s',
                          'transfer timeout 1s'))
        initiator = self.initiator(self.beta).open()
        initiator.send(mpdu_of(WORDS), stop_after=2)
        self.beta.said('transfer makes no progress')
        until(lambda: not self.beta.mtactl('show', 'associations')
              and not self.beta.mtactl('show', 'transfers'), 10)

    def test_checkpoint_0(self):
        """Nothing to resume from: AR and AD, or a plain start."""
        contents = []
        for on_nothing in ('discard', 'start'):
            contents.append(octets(20000, len(contents)))
            initiator = self.initiator(
                self.beta, Cut('out', name='DT', at=0.7), checkpoint=0,
                on_nothing=on_nothing)
            self.another(Peer('alpha', None, *SHORT, 'checkpoint 0'))
            initiator.open()
            with self.assertRaises(Lost):
                initiator.send(mpdu_of(contents[-1]))
            initiator.recover()
            initiator.resume()
            initiator.close()
        self.delivered(self.beta, *contents)


if __name__ == '__main__':
    main()
