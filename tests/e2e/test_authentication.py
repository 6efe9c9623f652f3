#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Who may come, and what a peer is told that may not: the refusal reasons of
X.410 told apart, a line of the log that names what did not match, and an MTA
that goes on.  The same when it is ours that is refused."""

import os
import subprocess
import time

from interop import *       # noqa: F401,F403
from mtadtest import BUILD, MODE, until
from peer import apdu

WORDS = octets(2500)


class Refused(Case):
    """Of the called side."""

    def refused(self, initiator, reason):
        with self.assertRaises(Rejected) as caught:
            initiator.open()
        self.assertEqual(caught.exception.session_reason, 2)
        self.assertEqual(caught.exception.reason, reason)

    def goes_on(self, beta):
        initiator = self.initiator(beta).open()
        initiator.send(mpdu_of(WORDS))
        self.delivered(beta, WORDS)
        initiator.close()

    def test_credentials(self):
        """Unknown name, wrong password, none at all; each in one line that
        says what it was, and never with a password in it."""
        beta = self.called(SMALL)
        for kw, text in (
                (dict(name='delta', password='theirs'),
                 'authentication-failed .* name="delta": no peer has this '
                 'remote name'),
                (dict(name='Alpha'), ' name="Alpha": no peer'),
                (dict(name='alph'), ' name="alph": no peer'),
                (dict(password='theirs'),
                 ' name="alpha": the password does not match'),
                (dict(password=''), None),
                (dict(password=password('alpha')[:-1]), None),
                (dict(password=password('alpha') + 'x'), None),
                (dict(style='null'), ' name="": no peer')):
            before = beta.log_size()
            self.refused(self.initiator(beta, **kw),
                         apdu.VALIDATION_FAILURE)
            beta.said(text or ' name="alpha": the password does not match')
            said = [line for line in beta.log(before).splitlines()
                    if 'authentication-failed' in line]
            self.assertEqual(len(said), 1, said)
            self.assertNotIn('theirs', said[0])
        self.assertNotIn(password('alpha'), beta.log())
        self.goes_on(beta)

    def sheet(self, beta, refused):
        """Once it counts so many: the caller hears of it from rtsd before
        spoold does."""
        until(lambda: beta.mtactl('show', 'peer', 'alpha')['refused'] ==
              refused, what='%d calls refused' % refused)
        return beta.mtactl('show', 'peer', 'alpha')

    def test_sheet(self):
        """Whose name it was knows of it, when somebody asks why nothing
        comes; of the name of nobody there is nothing to tell."""
        beta = self.called(SMALL)
        sheet = beta.mtactl('show', 'peer', 'alpha')
        self.assertEqual((sheet['refused'], sheet['last_refused'],
                          sheet['refused_reason']), (0, None, None))
        self.refused(self.initiator(beta, name='delta'),
                     apdu.VALIDATION_FAILURE)
        for _ in range(2):
            self.refused(self.initiator(beta, password='theirs'),
                         apdu.VALIDATION_FAILURE)
        sheet = self.sheet(beta, 2)
        self.assertAlmostEqual(sheet['last_refused'], time.time(), delta=60)
        self.assertRegex(sheet['refused_address'], r'^127\.0\.0\.1\b')
        self.assertEqual(sheet['refused_reason'],
                         'the password does not match')
        out = subprocess.run(
            [os.path.join(BUILD, 'mtactl', 'mtactl'), '-s', beta.socket,
             'show', 'peer', 'alpha'], capture_output=True, text=True,
            timeout=60).stdout
        self.assertRegex(out, r'(?m)^refused +2 calls, last \S+ ago, 127\.0'
                         r'\.0\.1\S*.*: the password does not match$')
        # and those that spoold does not want
        beta.mtactl('peer', 'alpha', 'down')
        self.refused(self.initiator(beta), apdu.RTS_BUSY)
        self.assertEqual(self.sheet(beta, 3)['refused_reason'],
                         'taken out of service')
        beta.mtactl('peer', 'alpha', 'up')
        self.goes_on(beta)

    @x410_only
    def test_hostile_names_do_not_spoil_the_log(self):
        beta = self.called(SMALL)
        self.refused(self.initiator(beta, name='x\n00:00 mtad: all is well'),
                     apdu.VALIDATION_FAILURE)
        beta.said('PConnect refused: .*mTAName: character 0x0a')
        self.assertEqual(beta.lines('^00:00 mtad'), [])

    def test_one_password_for_each_direction(self):
        """What beta shows as the called side is not what alpha shows, and
        may be another pair than what it shows when it calls."""
        responder = self.responder(credentials={'ours': 'calling'},
                                   name='theirs', password='answering')
        beta = self.daemon('beta', Peer(
            'alpha', responder.port, *SHORT, SMALL,
            'remote name "alpha in" password "one"',
            'remote response name "theirs" password "answering"',
            'local name "ours" password "calling"',
            'local response name "beta out" password "two"'))
        with self.assertRaises(Rejected):
            self.initiator(beta).open()
        initiator = self.initiator(beta, name='alpha in',
                                   password='one').open()
        self.assertEqual(initiator.peer.name, 'beta out')
        self.assertEqual(initiator.peer.password, 'two')
        initiator.close()
        self.submit(beta, WORDS, to='alpha')
        self.received(responder, WORDS)

    def test_dialogue_mode(self):
        """Two-way alternate of one that is to have a monologue; the log
        names it.  And a mode that nobody knows."""
        beta = self.called(SMALL)
        self.refused(self.initiator(beta, dialogue=1),
                     apdu.UNACCEPTABLE_DIALOGUE_MODE)
        beta.said('association-refused peer=alpha .*: .*two-way alternate')
        self.refused(self.initiator(beta, dialogue=7),
                     apdu.UNACCEPTABLE_DIALOGUE_MODE)
        beta.said('dialogueMode')
        self.goes_on(beta)

    def test_busy(self):
        """More associations than we may have; and out of service."""
        beta = self.daemon('beta', Peer('alpha', None, *SHORT, SMALL),
                           lines=['limit associations 1'])
        first = self.initiator(beta).open()
        self.refused(self.initiator(beta), apdu.RTS_BUSY)
        beta.said('association-refused peer=alpha .*: too many')
        first.close()
        until(lambda: not beta.mtactl('show', 'associations'), 5)
        self.goes_on(beta)
        until(lambda: not beta.mtactl('show', 'associations'), 5)
        beta.mtactl('peer', 'alpha', 'down')
        self.refused(self.initiator(beta), apdu.RTS_BUSY)
        beta.said('association-refused .*: taken out of service')
        beta.mtactl('peer', 'alpha', 'up')
        self.initiator(beta).open().close()

    @p1_84_only
    def test_application_protocol(self):
        """P3 is not spoken here; 8883 is P1 of MOTIS."""
        beta = self.called(SMALL)
        self.refused(self.initiator(beta, protocol=3),
                     apdu.VALIDATION_FAILURE)
        beta.said('application protocol 3')
        self.initiator(beta, protocol=8883).open().close()

    def test_answer_not_wanted(self):
        """Who calls does not like whom it hears to have answered."""
        beta = self.called(SMALL)
        self.initiator(beta).open().abort(apdu.INVALID_PARAMETER)
        beta.said('association-down .*aborted by peer: invalid parameter')
        self.initiator(beta).open().close()

    def test_recovery_by_a_stranger(self):
        """A recover PConnect has no credentials: only what was opened with
        them can be recovered, by an identifier that was answered."""
        beta = self.called(SMALL)
        initiator = self.initiator(beta).open()
        transfer = initiator.send(mpdu_of(WORDS), stop_after=1)
        initiator.until(lambda: transfer.confirmed == 1)
        initiator.close_connection('rst')
        old = initiator.record.scids[0]
        other = self.initiator(beta)
        other.record = initiator.record
        for calling in (b'alphb', b'', b'alpha\0', old.calling * 12):
            with self.assertRaises((Rejected, Aborted)) as caught:
                other.recover(name=apdu.Scid(calling, old.common,
                                             old.additional))
            if isinstance(caught.exception, Rejected):
                self.assertIn(caught.exception.reason, (
                    apdu.CANNOT_RECOVER, apdu.VALIDATION_FAILURE))
        beta.said('recovery of .*: not known here')
        initiator.recover()
        initiator.resume()
        self.delivered(beta, WORDS)
        initiator.close()


class RefusedByThem(Case):
    """Of the side that calls: queue, log, and the next attempt."""
    ANSWER = 'RTOAC' if MODE == 'normal' else 'PAccept'

    def test_each_reason_is_named(self):
        """And the message goes when the peer has changed its mind."""
        responder = self.responder()
        for how in (apdu.RTS_BUSY, apdu.VALIDATION_FAILURE,
                    apdu.UNACCEPTABLE_DIALOGUE_MODE, ('rf', 129),
                    'abort', ('abort', apdu.INVALID_PARAMETER), 'die'):
            responder.next(on_open=how)
        alpha = self.caller(responder.port, SMALL)
        self.submit(alpha, WORDS)
        alpha.said('call-failed .*: refused: busy')
        self.assertEqual(alpha.mtactl('show', 'peers')[0]['recovery'], True)
        alpha.said('refused: validation failure')
        alpha.said('refused: unacceptable dialogue mode')
        alpha.said('refused below: session refused, reason 129: '
                   'session selector unknown')
        alpha.said('aborted by peer: protocol error')
        alpha.said('call-failed .*: aborted by peer: invalid parameter')
        alpha.said('connection lost: connection closed')
        self.received(responder, WORDS)
        self.assertEqual(len(responder.associations), 8)

    def test_transport_refused(self):
        responder = self.responder()
        responder.next(transport_refuse=3)
        alpha = self.caller(responder.port, SMALL)
        self.submit(alpha, WORDS)
        self.received(responder, WORDS)
        alpha.said('call-failed .*: not connected: ')

    def test_answer_of_another(self):
        """A PAccept with a wrong name or password is aborted, and said."""
        responder = self.responder()
        responder.next(name='gamma')
        responder.next(password='theirs')
        responder.next(style='null')
        alpha = self.caller(responder.port, SMALL)
        self.submit(alpha, WORDS)
        alpha.said('peer-not-expected .* name="gamma" expected="beta": '
                   '%s carries another MTA name than configured' % self.ANSWER)
        alpha.said(self.ANSWER + ' carries a wrong password')
        alpha.said('name="" expected="beta": %s carries another MTA' %
                   self.ANSWER)
        self.received(responder, WORDS)
        for association in responder.associations[:3]:
            self.assertIsInstance(association.ended, Aborted)
            self.assertEqual(association.ended.reason,
                             apdu.INVALID_PARAMETER)

    def test_nobody_there_and_nobody_answers(self):
        responder = self.responder()
        port = responder.port
        responder.next(on_open='ignore')
        alpha = self.caller(port, SMALL)
        self.submit(alpha, WORDS)
        alpha.said('timeout: no answer within the time for opening')
        self.received(responder, WORDS)
        responder.stop()
        self.submit(alpha, WORDS[1:])
        alpha.said('not connected: ')
        responder.start()
        self.received(responder, WORDS, WORDS[1:])


if __name__ == '__main__':
    main()
