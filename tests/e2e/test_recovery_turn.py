#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Two-way alternate dialogue and recovery: after a lost connection both sides
derive who has the turn from who was sending.  Two that both believe to have
it, or neither, are a deadlock known from the field (KB Q166594, Q181721).
Every test ends only when messages went both ways afterwards."""

from interop import *       # noqa: F401,F403
from peer import session as ss
from peer.script import AFTER, Call, Cut, Drop

FORTH = [octets(5 * 1024 + 300, n) for n in range(3)]
BACK = [octets(5 * 1024 + 300, n) for n in range(10, 13)]
LINES = [SMALL, 'safe-store 1', 'dialogue twa']


def back(content):
    return mpdu_of(content, BETA, ALPHA)


class Calling(Case):
    """We connect; the script has messages for us as well."""

    def cut(self, *cuts):
        responder = self.responder(*[[cut] for cut in cuts], dialogue=1)
        responder.outbox.append(back(BACK[0]))
        alpha = self.caller(responder.port, *LINES)
        self.submit(alpha, FORTH[0])
        self.received(responder, FORTH[0])
        self.delivered(alpha, BACK[0])
        responder.outbox.append(back(BACK[1]))
        self.submit(alpha, FORTH[1])
        self.received(responder, *FORTH[:2])
        self.delivered(alpha, *BACK[:2])
        self.assertLessEqual(
            sum(t.octets for t in responder.sent) -
            sum(t.length for t in responder.sent), 4 * 1024)
        return responder, alpha

    def test_while_they_send(self):
        """It was their turn: it stays theirs, and they go on."""
        for cut in (Cut('out', name='AS', at=AFTER),
                    Cut('out', name='DT', at=0.5),
                    Cut('out', name='MIP', nth=3),
                    Cut('in', name='MIA', nth=2), Cut('in', name='MIA', nth=2,
                                                      at=AFTER)):
            responder, alpha = self.cut(cut)
            recovery = responder.associations[1]
            self.assertTrue(recovery.recovered)
            self.assertEqual(recovery.cn.get(
                ss.CONNECT_ITEM, ss.TOKEN_SETTING)[0], ss.ALL_TOKENS)

    def test_around_the_end_of_theirs(self):
        for cut in (Cut('out', name='AE'), Cut('out', name='AE', at=0.5),
                    Cut('in', name='AEA'), Cut('in', name='AEA', at=AFTER)):
            self.cut(cut)

    def test_while_we_send(self):
        """It is ours, though they had asked for it."""
        for cut in (Cut('in', name='MIP', nth=3), Cut('out', name='AEA'),
                    Cut('in', name='AE')):
            responder, alpha = self.cut(cut)
            recovery = responder.associations[1]
            self.assertTrue(recovery.recovered)
            self.assertEqual(recovery.cn.get(
                ss.CONNECT_ITEM, ss.TOKEN_SETTING)[0], 0)

    def test_while_the_turn_passes(self):
        """GIVE TOKENS CONFIRM or its acknowledgement lost, either way."""
        for cut in (Cut('out', name='PT'), Cut('in', name='GTC'),
                    Cut('in', name='GTC', at=AFTER),
                    Cut('out', name='GTA'), Cut('out', name='GTC'),
                    Cut('out', name='GTC', at=AFTER),
                    Cut('in', name='GTA')):
            self.cut(cut)

    def test_twice(self):
        self.cut(Cut('out', name='MIP', nth=3), Cut('out', name='MIP'),
                 Cut('in', name='MIP', nth=2))

    def test_please_lost(self):
        """A TOKEN PLEASE that did not arrive is no deadlock."""
        responder = self.responder(dialogue=1)
        responder.next(Script(Drop('out', name='PT')))
        alpha = self.caller(responder.port, *LINES, 'idle 2s')
        responder.outbox.append(back(BACK[0]))
        self.submit(alpha, FORTH[0])
        self.received(responder, FORTH[0])
        association = responder.associations[0]
        self.assertTrue(association.finished.wait(10))
        self.submit(alpha, FORTH[1])
        self.delivered(alpha, BACK[0])
        self.received(responder, *FORTH[:2])

    def test_they_keep_it(self):
        """A peer that does not give the turn back when it is done: we ask
        for it as soon as there is something to send."""
        responder = self.responder(dialogue=1, give_back=False)
        responder.next(Script(Call('in', name='PT', function=lambda event:
                                   setattr(event.session.user, 'config',
                                           event.session.user.config.but(
                                               give_back=True)))))
        responder.outbox.append(back(BACK[0]))
        alpha = self.caller(responder.port, *LINES)
        self.submit(alpha, FORTH[0])
        self.delivered(alpha, BACK[0])
        self.received(responder, FORTH[0])
        self.submit(alpha, FORTH[1])
        self.received(responder, *FORTH[:2])


class Called(Case):
    """They connect, and what we send goes when they give the turn."""

    def setUp(self):
        super().setUp()
        self.beta = self.called(*LINES)

    def lost(self, *faults, content=BACK[0]):
        """The connection breaks while we send."""
        initiator = self.initiator(self.beta, *faults, dialogue=1).open()
        self.submit(self.beta, content, to='alpha')
        initiator.until(lambda: initiator.turn_wanted is not None, 5)
        with self.assertRaises(Lost):
            initiator.give()
            initiator.until(lambda: initiator.my_turn
                            and initiator.store.messages, 5)
        return initiator

    def attend(self, initiator, condition, timeout=8):
        """Gives the turn whenever we are asked for it, until the condition
        holds and the turn is back."""
        end = time.monotonic() + timeout
        while not (condition() and initiator.my_turn):
            initiator.until(
                lambda: initiator.my_turn and (
                    condition() or initiator.turn_wanted is not None),
                end - time.monotonic())
            if not condition():
                initiator.give()

    def both_ways(self, initiator, *contents):
        """What was under way arrives once, then one more each way."""
        store = initiator.store
        self.attend(initiator, lambda: len(store.messages) == len(contents))
        initiator.send(mpdu_of(FORTH[1]))
        self.submit(self.beta, BACK[1], to='alpha')
        self.attend(initiator, lambda: len(store.messages) ==
                    len(contents) + 1)
        self.delivered(self.beta, FORTH[1])
        self.same([self.content_of(m) for m in store.messages],
                  list(contents) + [BACK[1]])
        initiator.close()
        self.beta.idle()

    def test_while_we_send(self):
        """The turn stays with us, and we go on by ourselves."""
        for cut in (Cut('in', name='DT', at=0.5), Cut('in', name='MIP'),
                    Cut('in', name='MIP', nth=3, at=AFTER),
                    Cut('out', name='MIA', nth=2),
                    Cut('out', name='MIA', nth=4, at=AFTER)):
            with self.subTest(cut=cut):
                initiator = self.lost(cut)
                initiator.recover()
                self.both_ways(initiator, BACK[0])
                self.again()

    def again(self):
        """Delivered so far is no matter for the next round."""
        for name in os.listdir(self.beta.delivery):
            os.unlink(os.path.join(self.beta.delivery, name))

    def test_around_the_end_of_ours(self):
        for cut in (Cut('in', name='AE'), Cut('out', name='AEA'),
                    Cut('out', name='AEA', at=AFTER)):
            with self.subTest(cut=cut):
                initiator = self.lost(cut)
                initiator.recover()
                self.both_ways(initiator, BACK[0])
                self.again()

    def test_while_the_turn_passes(self):
        """The initiator believes what it can: that we have it."""
        for cut in (Cut('out', name='GTC', at=AFTER), Cut('in', name='GTA'),
                    Cut('out', name='GTC')):
            with self.subTest(cut=cut):
                initiator = self.lost(cut)
                initiator.recover(tokens=ss.ALL_TOKENS)
                initiator._set_turn(False)
                self.both_ways(initiator, BACK[0])
                self.again()

    def test_they_claim_it_while_we_were_sending(self):
        """The tokens are where the CN says; we ask, are given, and go on."""
        initiator = self.lost(Cut('in', name='MIP', nth=3))
        initiator.recover(tokens=0)
        initiator._set_turn(True)
        self.both_ways(initiator, BACK[0])

    def test_they_claim_it_and_send(self):
        """And ours goes on afterwards."""
        initiator = self.lost(Cut('in', name='MIP', nth=3))
        initiator.recover(tokens=0)
        initiator._set_turn(True)
        initiator.send(mpdu_of(FORTH[0]))
        self.attend(initiator, lambda: initiator.store.messages)
        self.delivered(self.beta, FORTH[0])
        self.same([self.content_of(m) for m in initiator.store.messages],
                  BACK[:1])

    def test_they_leave_it_to_us(self):
        """A CN by which the acceptor chooses: we were sending, so we."""
        initiator = self.lost(Cut('in', name='MIP', nth=3))
        initiator.recover(tokens=0x2a)
        initiator._set_turn(False)
        self.both_ways(initiator, BACK[0])

    def test_they_were_sending_and_leave_it_to_us(self):
        """Then it is theirs."""
        initiator = self.initiator(self.beta, dialogue=1).open()
        transfer = initiator.send(mpdu_of(FORTH[0]), stop_after=2)
        initiator.until(lambda: transfer.confirmed == 2)
        initiator.close_connection('rst')
        initiator.recover(tokens=0x2a)
        initiator._set_turn(True)
        initiator.resume()
        self.delivered(self.beta, FORTH[0])
        initiator.close()

    def test_nobody_was_sending_and_it_is_given_to_us(self):
        """We give it back, for only who called can close."""
        initiator = self.initiator(self.beta, dialogue=1).open()
        transfer = initiator.send(mpdu_of(FORTH[0]), stop_after=2)
        initiator.until(lambda: transfer.confirmed == 2)
        initiator.close_connection('rst')
        initiator.recover(tokens=ss.ALL_TOKENS)
        self.allowed.append('GTC')
        initiator._set_turn(False)
        initiator.until(lambda: initiator.my_turn, 5)
        initiator.resume()
        self.delivered(self.beta, FORTH[0])
        initiator.close()

    def test_turn_at_the_first_connect(self):
        """An initiator of two-way alternate may leave us the turn."""
        self.submit(self.beta, BACK[0], to='alpha')
        tokens = Initiator._request
        initiator = self.initiator(self.beta, dialogue=1)
        initiator._request = lambda data, _: tokens(initiator, data,
                                                    ss.ALL_TOKENS)
        initiator.open()
        initiator._request = lambda data, t: tokens(initiator, data, t)
        initiator._set_turn(False)
        self.both_ways(initiator, BACK[0])


if __name__ == '__main__':
    main()
