#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Recovery when it is for us to connect again (X.410 clause 4.3; the rules of
recovery by number), against a scripted responder that loses its connection,
or does not know how to recover."""

import threading
import time

from interop import *       # noqa: F401,F403
from peer import apdu, session as ss
from peer.script import AFTER, Cut, Drop
from peer.script import Script as PeerScript

WORDS = octets(7 * 1024 + 300)      # eight checkpoints of 1 K with the head
LINES = [SMALL, 'safe-store 1', 'delay 1s timeout 20s keep 60s']


class Calling(Case):
    def again(self, responder):
        """Octets that came more than once, in all transfers."""
        return sum(t.octets for t in responder.transfers) - \
            sum(m.length + WRAP for m in responder.messages)

    def recovers(self, responder):
        """How many connections asked for a recovery."""
        return sum(1 for a in responder.associations
                   if a.peer is not None and a.peer.recover is not None)

    def once(self, responder, alpha, content=WORDS, again=4 * 1024):
        self.received(responder, content)
        alpha.idle()
        self.received(responder, content)
        self.assertLessEqual(self.again(responder), again)


class Cuts(Calling):
    def cut(self, *cuts, again=4 * 1024, content=WORDS, lines=(), **kw):
        responder = self.responder(*[[cut] for cut in cuts], **kw)
        alpha = self.caller(responder.port, *LINES, *lines)
        self.submit(alpha, content)
        self.once(responder, alpha, content, again)
        return responder, alpha

    def test_before_anything_was_confirmed(self):
        self.together(self.cut, [(cut,) for cut in (
            Cut('in', name='CN', at=AFTER),
            Cut('out', name='AC'), Cut('out', name='AC', at=0.5),
            Cut('in', name='AS'), Cut('in', name='AS', at=AFTER),
            Cut('in', name='DT', at=0.5), Cut('out', name='MIA', nth=1))])

    def test_time_left(self):
        """None while it waits; then by the rate since it was resumed."""
        gate = threading.Event()
        self.addCleanup(gate.set)

        class Gated(PeerScript):
            def consult(self, event):
                if event.direction == 'in' and 'MIP' in event.name and \
                        event.nth > 8:
                    gate.wait(60)
                return super().consult(event)
        responder = self.responder([Cut('in', name='MIP', nth=4, how='rst')],
                                   [Cut('in', name='CN', how='rst')])
        responder.next(Gated())
        alpha = self.caller(responder.port, SMALL, base=[
            'retry 600s to 600s', 'delay 600s timeout 1h', 'idle 60s'])
        content = octets(60 * 1024)
        id_ = self.submit(alpha, content)

        def transfer(state, octets=0):
            for t in alpha.mtactl('show', 'transfers'):
                if t['message'] == id_ and t['state'] == state and \
                        t['octets'] > octets:
                    return t
            return None
        until(lambda: len(responder.associations) == 2 and
              responder.associations[1].finished.is_set(), 20)
        waiting = until(lambda: transfer('waiting for recovery'), 20)
        self.assertGreater(waiting['octets'], 0)
        self.assertIsNone(waiting['eta'])
        time.sleep(8)
        self.assertIsNone(transfer('waiting for recovery')['eta'])
        alpha.mtactl('peer', 'beta', 'up')
        sending = until(lambda: transfer('sending', waiting['octets'] +
                                         4 * 1024), 20, step=0.05)
        self.assertGreaterEqual(sending['age'], 8)
        # by its age it would be more than half a minute
        self.assertIsNotNone(sending['eta'])
        self.assertLess(sending['eta'], 15)
        gate.set()
        self.once(responder, alpha, content)

    def test_no_transport_connection(self):
        """Closed before there is a CC: it has not heard what we ask."""
        responder, alpha = self.cut(
            Cut('in', name='MIP', nth=5),
            *[Cut('out', index=0) for _ in range(3)])
        self.assertEqual(alpha.lines('peer-cannot-recover'), [])
        alpha.said('transfer-out-resumed')

    def test_in_the_middle(self):
        self.together(self.middle, [(cut,) for cut in (
            Cut('in', name='MIP', nth=3),
            Cut('in', name='MIP', nth=4, at=AFTER),
            Cut('in', name='DT', nth=5, at=0.9, how='rst'),
            Cut('out', name='MIA', nth=3, at=0.5),
            Cut('out', name='MIA', nth=5, at=AFTER))])

    def middle(self, cut):
        responder, alpha = self.cut(cut)
        self.assertEqual(self.recovers(responder), 1)
        self.assertTrue(responder.transfers[-1].resumed)
        alpha.said('association-recovered .*role=initiator .* was=')
        resumed = alpha.said('transfer-out-resumed .* checkpoint=[2-6] ')
        # the line of the cut tells from where
        down = alpha.said('association-down .*: connection lost')
        keys = (r'message=(\w+) activity=\d+ checkpoint=(\d+) '
                r'octets?=(\d+)')
        self.assertEqual(re.search(keys, down).groups(),
                         re.search(keys, resumed).groups())

    def test_around_the_end(self):
        """ACTIVITY END lost: the rest again.  Its confirmation lost: all of
        it is there, nothing comes again but the end, delivered once."""
        self.together(self.cut, [(cut,) for cut in (
            Cut('in', name='AE'), Cut('in', name='AE', at=AFTER),
            Cut('out', name='AEA'), Cut('out', name='AEA', at=0.5),
            Cut('out', name='AEA', at=AFTER))])

    def test_confirmation_of_the_end_lost_and_no_checkpoint(self):
        """AR with serial 0 and AD of what the receiver has complete: it
        aborts with transferCompleted, and the message counts as sent."""
        content = octets(200)
        responder, alpha = self.cut(Cut('out', name='AEA'), content=content)
        alpha.said('transfer-out-done .*: the peer had it complete')
        self.assertEqual(
            responder.associations[1].script.names('in')[-2:], ['AR', 'AD'])

    def test_minor_sync_ack_lost(self):
        """The receiver holds more than we know to be confirmed: it drops
        what lies behind the serial that we resume from."""
        responder = self.responder([Drop('out', name='MIA', nth=3),
                                    Cut('out', name='MIA', nth=4)])
        alpha = self.caller(responder.port, *LINES)
        self.submit(alpha, WORDS)
        self.once(responder, alpha)
        self.assertEqual(responder.transfers[0].resumed, [2])

    def test_minor_sync_ack_left_out(self):
        """One that stands for those before it: no cut, nothing stalls."""
        responder = self.responder()
        responder.next(confirm=lambda serial, t: serial % 3 == 0)
        alpha = self.caller(responder.port, *LINES)
        self.submit(alpha, WORDS)
        self.once(responder, alpha, again=0)

    def test_cut_again_and_again(self):
        self.cut(*[Cut('in', name='MIP', nth=2, at=AFTER)] * 5,
                 again=5 * 4 * 1024)

    def test_resume_lost(self):
        """An AR that never arrived: the next one has to name the pair of
        connection and activity that the peer answered last."""
        responder, _ = self.cut(
            Cut('in', name='MIP', nth=4), Cut('in', name='AR'),
            Cut('in', name='AR', at=0.5), Cut('in', name='AR', at=0.9),
            lines=['delay 1s timeout 30s'])
        named = [self.named(a) for a in responder.associations[4:]]
        first = responder.associations[0]
        self.assertEqual(named, [(first.scid.key(),
                                  apdu.activity_identifier(1))])
        self.assertEqual(len(responder.transfers), 1)

    def test_resume_arrived_and_nothing_was_confirmed_after_it(self):
        """Then the first pair is still the one that is known to be known."""
        responder, _ = self.cut(
            Cut('in', name='MIP', nth=4),
            Cut('in', name='DT'), Cut('in', name='MIP', nth=2),
            again=12 * 1024)
        keys = [a.scid.key() for a in responder.associations]
        named = [self.named(a)[0] for a in responder.associations[1:]]
        self.assertEqual(named, [keys[0], keys[0], keys[2]])

    def named(self, association):
        """The pair that the AR of a connection named."""
        return getattr(association, 'resumed_pair', None)

    def responder(self, *scripts, **kw):
        """Every AR is noted at its association."""
        responder = super().responder(*scripts, **kw)
        note = [kw2 for _, kw2 in responder.scripts]
        self.assertEqual(note, [{}] * len(note))

        def watch(association, pconnect):
            def tap(name, spdu):
                if name == 'AR':
                    association.resumed_pair = (
                        apdu.Scid.from_references(
                            spdu.get(ss.LINKING, ss.CALLING_REF),
                            spdu.get(ss.LINKING, ss.COMMON_REF),
                            spdu.get(ss.LINKING, ss.ADDITIONAL_REF)).key(),
                        spdu.get(ss.LINKING, ss.ACTIVITY))
            association.tap = tap
            return 'accept'
        responder.config = responder.config.but(on_open=watch,
                                                on_recover=watch)
        return responder

    def test_checkpoint_0(self):
        """Nothing is ever confirmed: given up and sent anew."""
        self.cut(Cut('in', name='DT', nth=1, at=0.5),
                 lines=['checkpoint 0'], again=len(WORDS) + 1000,
                 checkpoint=0)
        self.cut(Cut('out', name='AEA'), lines=['checkpoint 0'], again=0,
                 checkpoint=0)

    def test_recover_no(self):
        responder, alpha = self.cut(Cut('in', name='MIP', nth=4),
                                    lines=['recover no'], again=9 * 1024)
        self.assertEqual(self.recovers(responder), 0)
        self.assertEqual(len(responder.transfers), 2)

    def test_silence(self):
        """The peer is gone and nobody said so: the time limit of transfers
        notices.  The old connection is half-open over there."""
        responder = self.responder([Cut('in', name='MIP', nth=4,
                                        how='silence')])
        alpha = self.caller(responder.port, *LINES, 'transfer timeout 2s')
        self.submit(alpha, WORDS)
        self.once(responder, alpha)
        alpha.said('transfer makes no progress')
        self.assertEqual(self.recovers(responder), 1)


class Answers(Calling):
    """To a recover PConnect."""

    def interrupted(self, *answers, lines=(), **kw):
        """A transfer is cut, and the attempts at a recovery get answers."""
        responder = self.responder([Cut('in', name='MIP', nth=4)], **kw)
        responder.answers = list(answers)
        responder.config = responder.config.but(
            on_recover=lambda association, pconnect:
            responder.answers.pop(0) if responder.answers else 'accept')
        alpha = self.caller(responder.port, *LINES, *lines)
        self.submit(alpha, WORDS)
        return responder, alpha

    def test_busy_is_no_refusal(self):
        responder, alpha = self.interrupted(apdu.RTS_BUSY, apdu.RTS_BUSY)
        self.once(responder, alpha)
        self.assertEqual(self.recovers(responder), 3)
        self.assertEqual(len(responder.associations), 4)

    def falls_back(self, *answers, asked=1, remembered=True, lines=()):
        """One fresh open and the message anew; then, as long as the peer is
        remembered, no recovery is asked for."""
        responder, alpha = self.interrupted(*answers, lines=lines)
        self.once(responder, alpha, again=9 * 1024)
        self.assertEqual(self.recovers(responder), asked)
        self.assertEqual(len(responder.associations), 2 + asked)
        self.assertEqual(len(responder.transfers), 2)
        self.assertEqual(alpha.mtactl('show', 'peers')[0]['recovery'],
                         not remembered)
        line = alpha.said('association-not-recovered .*its messages are sent '
                          'anew')
        # there is no number of what has no connection
        self.assertIn('association-not-recovered peer=beta connection="',
                      line)
        self.assertNotIn('association=00000000', alpha.log())
        if not remembered:
            return responder, alpha
        alpha.said('peer-cannot-recover peer=beta ')
        responder.associations[-1].script.faults.append(
            Cut('in', name='AS', at=AFTER))
        self.submit(alpha, WORDS[1:])
        self.received(responder, WORDS, WORDS[1:])
        alpha.idle()
        self.assertEqual(self.recovers(responder), asked)
        return responder, alpha

    def test_aborted(self):
        """As the gateway of KB Q194556 does: protocol error."""
        self.falls_back('abort')

    def test_aborted_with_any_reason(self):
        self.together(self.falls_back, [(('abort', n),) for n in range(8)])

    def test_refused_below(self):
        self.falls_back(('rf', 0))

    def test_validation_failure(self):
        self.falls_back(apdu.VALIDATION_FAILURE)

    def test_ignored(self):
        self.falls_back('ignore')

    def test_dies_on_it(self):
        """Once may be a restart of the peer; twice is not."""
        self.falls_back('die', 'die', asked=2)

    def test_cannot_recover(self):
        """A peer that has forgotten is not one that does not know how: only
        the second time in a row it is remembered."""
        responder, alpha = self.falls_back(apdu.CANNOT_RECOVER,
                                           remembered=False)
        responder.answers[:] = [apdu.CANNOT_RECOVER]
        responder.associations[-1].script.faults.append(
            Cut('in', name='MIP', nth=responder.associations[-1].script
                .names('in').count('MIP') + 3))
        self.submit(alpha, WORDS[1:])
        self.received(responder, WORDS, WORDS[1:])
        alpha.said('peer-cannot-recover peer=beta ')

    def test_remembered_over_a_restart(self):
        responder, alpha = self.falls_back('abort')
        asked = self.recovers(responder)
        self.restarts = True
        alpha.stop()
        alpha.start()
        responder.next(Script(Cut('in', name='MIP', nth=3)))
        self.submit(alpha, WORDS[2:])
        responder.wait(3)
        alpha.idle()
        self.assertEqual(self.recovers(responder), asked)

    def test_memory_ends(self):
        responder, alpha = self.interrupted('abort', lines=['memory 1s'])
        self.once(responder, alpha, again=9 * 1024)
        time.sleep(2.1)
        responder.associations[-1].script.faults.append(
            Cut('in', name='MIP', nth=responder.associations[-1].script
                .names('in').count('MIP') + 3))
        self.submit(alpha, WORDS[1:])
        self.received(responder, WORDS, WORDS[1:])
        self.assertEqual(self.recovers(responder), 2)

    def test_forgotten_and_unknown_activity(self):
        """The association is recovered and the activity is not: aborted
        with unrecognizedActivity, or reported; sent anew, nothing lost."""
        for how in ('abort', 'exception'):
            with self.subTest(how=how):
                responder, alpha = self.interrupted(on_unknown=how)

                def forget(association, pconnect):
                    record = responder.store.find(pconnect.recover)
                    record.incoming.clear()
                    record.receiving = None
                    return 'accept'
                responder.config = responder.config.but(on_recover=forget)
                self.once(responder, alpha, again=9 * 1024)
                self.assertEqual(len(responder.transfers), 2)
        self.allowed.append('AD outside an activity')   # the one unknown

    def test_timeout(self):
        """Always busy: after the recovery timeout all is sent anew."""
        responder, alpha = self.interrupted(
            *[apdu.RTS_BUSY] * 50, lines=['delay 1s timeout 2s'])
        self.once(responder, alpha, again=9 * 1024)
        self.assertGreaterEqual(self.recovers(responder), 1)
        self.assertEqual(len(responder.transfers), 2)

    def test_answer_with_other_values(self):
        """A PAccept of a recovery that does not echo the identifier, or that
        states another checkpoint size or window: the transfer ends all the
        same, with what was agreed at first."""
        for kw in (dict(answer={'checkpoint': 9}),
                   dict(answer={'window': 9})):
            with self.subTest(**kw):
                responder = self.responder(
                    [Cut('in', name='MIP', nth=4)])
                responder.next(**kw)
                alpha = self.caller(responder.port, *LINES)
                self.submit(alpha, WORDS)
                self.once(responder, alpha)
        form = apdu.paccept(apdu.recover_data(apdu.Scid(
            b'x', b'261123000000Z')), 1, 3).encode(apdu.ber.DER)
        for data in (form, apdu.paccept(apdu.open_data('beta', password(
                'beta')), 1, 3).encode(apdu.ber.DER)):
            responder = self.responder([Cut('in', name='MIP', nth=4)])
            responder.next(user_data=data)
            alpha = self.caller(responder.port, *LINES)
            self.submit(alpha, WORDS)
            self.once(responder, alpha)


class Outage(Calling):
    def test_listener_gone_for_a_while(self):
        """KB Q232602: associations that were not recovered after an outage
        of the network."""
        responder = self.responder([Cut('in', name='MIP', nth=4)])
        alpha = self.caller(responder.port, *LINES)
        responder.associations = Stopper(responder)
        self.submit(alpha, WORDS)
        alpha.said('not connected')
        responder.start()
        self.once(responder, alpha)
        self.assertEqual(self.recovers(responder), 1)


class Stopper(list):
    """Associations of a responder that stops to listen at the first."""

    def __init__(self, responder):
        super().__init__()
        self.responder = responder

    def append(self, association):
        super().append(association)
        if len(self) == 1:
            self.responder.stopping = True
            try:
                self.responder.listener.shutdown(2)
            except OSError:
                pass
            self.responder.listener.close()


if __name__ == '__main__':
    main()
