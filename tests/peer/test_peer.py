#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The peer against itself, over loopback."""

import os
import shutil
import sys
import unittest

sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from peer import apdu, pcap, session as ss                      # noqa: E402
from peer.ber import Form                                       # noqa: E402
from peer.case import Case, DATA, LAST                          # noqa: E402
from peer.proxy import Point, Proxy                             # noqa: E402
from peer.rts import (Aborted, ExceptionReported, Lost,         # noqa: E402
                      Pattern, ProtocolError, Rejected, Timeout,
                      TransportRefused)
from peer.script import (AFTER, BEFORE, Call, Cut, Drop, Dup,   # noqa: E402
                         Insert, Replace, Script, Stall, Swap)


class Transfer(Case):

    def test_messages_of_all_sizes(self):
        i = self.initiator().open()
        messages = [b'', b'x', DATA[:1023], DATA[:1024], DATA[:1025],
                    DATA[:2048], DATA]
        for message in messages:
            self.assertEqual(i.send(message).state, 'complete')
        i.close()
        self.received(*messages)

    def test_checkpoints_and_windows(self):
        for checkpoint, window in ((0, 1), (1, 1), (2, 3), (30, 10)):
            self.responder.next(checkpoint=checkpoint, window=window)
            i = self.initiator(checkpoint=checkpoint, window=window).open()
            self.assertEqual((i.record.checkpoint, i.record.window),
                             (checkpoint, window))
            i.send(DATA * 5)
            i.close()
        self.received(*[DATA * 5] * 4)

    def test_absent_window_is_three_and_absent_checkpoint_none(self):
        self.responder.next(window=9, checkpoint=0)
        i = self.initiator(window=None, checkpoint=None, dialogue=None).open()
        self.assertEqual((i.record.window, i.record.checkpoint), (3, 0))
        i.close()

    def test_tpdu_sizes(self):
        for kw in ({'tpdu_size': 7}, {'tpdu_size': 11}, {'preferred': 8},
                   {'zero_last': True}, {'sizes': [1, 2, 3, 1, 1]},
                   {'max_user': 5}, {'reserved': 0x11},
                   {'calling_tsel': b'x', 'called_tsel': b'P1'}):
            self.responder.next(**{k: v for k, v in kw.items()
                                   if 'tsel' not in k})
            i = self.initiator(**kw).open()
            i.send(DATA)
            i.close()
        self.received(*[DATA] * 8)

    def test_habits_of_other_systems(self):
        for kw in ({'pt_alone': True}, {'concatenate': True},
                   {'serial_width': 6}, {'acks': 'GT'}, {'acks': None},
                   {'session_version': 1}, {'session_version': 2},
                   {'style': 'set'}, {'style': 'null'}):
            self.responder.next(**kw)
            i = self.initiator(**kw).open()
            i.send(DATA)
            i.close()
        self.received(*[DATA] * 9)
        # These two are noticed, and no more than that.
        self.allowed = ['behind GT', 'without GT or PT']
        said = ''.join(i.store.violations[0] for i in self.initiators
                       if i.store.violations)
        for text in self.allowed:
            self.assertIn(text, said)

    def test_forms_of_ber(self):
        for form in (Form(indefinite=True), Form(long_length=3),
                     Form(pieces=2), Form(shuffle=1), Form(shuffle=2),
                     Form(shuffle=7, indefinite=True, long_length=2,
                          pieces=1)):
            self.responder.next(form=form, credentials={'alpha': 'secret'})
            i = self.initiator(form=form, password='secret').open()
            self.assertEqual(i.peer.name, 'beta')
            i.send(b'x')
            i.close()
        self.received(*[b'x'] * 6)

    def test_large_in_one_tsdu(self):
        self.responder.next(checkpoint=0, keep=False)
        source = Pattern(30 << 20, b'beginning')
        i = self.initiator(checkpoint=0).open()
        i.send(source)
        i.close()
        self.responder.wait(1)
        self.assertEqual(self.responder.messages[0].digest(),
                         source.digest())

    def test_many_associations(self):
        all_of_them = [self.initiator().open() for _ in range(50)]
        for i in all_of_them:
            i.send(DATA)
        for i in all_of_them:
            i.close()
        self.received(*[DATA] * 50)

    def test_two_way_alternate(self):
        self.responder.config.dialogue = apdu.TWA
        self.responder.outbox += [DATA, b'second']
        i = self.initiator(dialogue=apdu.TWA).open()
        i.until(lambda: i.turn_wanted is not None)
        i.send(b'first')
        i.give()
        i.until(lambda: i.my_turn)
        self.assertEqual([m.octets for m in i.store.messages],
                         [DATA, b'second'])
        i.send(b'last')
        i.close()
        self.received(b'first', b'last')

    def test_interrupt_resume_discard(self):
        i = self.initiator().open()
        first = i.send(DATA, stop_after=4)
        i.interrupt(reason=1)
        i.send(b'urgent')
        i.resume(transfer=first)
        i.send(DATA, stop_after=2)
        i.discard()
        i.send(b'after')
        i.close()
        self.received(b'urgent', DATA, b'after')
        self.assertEqual([t.state for t in self.responder.transfers],
                         ['complete', 'complete', 'discarded', 'complete'])

    def test_exception_reports(self):
        for how in ('interrupt', 'discard'):
            self.responder.next(exception_at=(3, 1))
            i = self.initiator(on_exception=how).open()
            with self.assertRaises(ExceptionReported) as caught:
                i.send(DATA)
            self.assertEqual(caught.exception.reason, 1)
            if how == 'interrupt':
                i.resume()
            else:
                i.send(DATA)
            i.close()
        self.received(DATA, DATA)
        self.responder.next(exception_at=(3, 1))
        i = self.initiator(on_exception='abort').open()
        with self.assertRaises(ExceptionReported):
            i.send(DATA)
        self.responder.wait(condition=lambda: isinstance(
            self.responder.associations[2].ended, Aborted))

    def test_aborts(self):
        i = self.initiator().open()
        i.send(DATA, stop_after=2)
        i.abort(apdu.TEMPORARY_PROBLEM, b'\x01')
        association = self.responder.associations[0]
        self.responder.wait(condition=lambda: association.ended)
        self.assertEqual((association.ended.reason,
                          association.ended.reflected),
                         (apdu.TEMPORARY_PROBLEM, b'\x01'))

    def test_violations_are_noticed(self):
        i = self.initiator().open()
        i.send(DATA, stop_after=2)
        i.sync_minor(i.sending, serial=7)
        i.holder(ss.Spdu('DT'), data=i.stack.data(DATA))
        i.session.send(ss.Spdu('GTC'))
        i.until(lambda: i.gta)
        self.responder.wait(condition=lambda: len(
            self.responder.violations) >= 2)
        self.allowed = ['MIP 7 after 2', 'without a minor sync',
                        'window of 3 exceeded', 'MIA 7 not expected']


class Refusals(Case):

    def test_prefuse(self):
        for reason in range(4):
            self.responder.next(on_open=reason)
            with self.assertRaises(Rejected) as caught:
                self.initiator().open()
            self.assertEqual((caught.exception.session_reason,
                              caught.exception.reason), (2, reason))

    def test_session_and_transport(self):
        self.responder.next(on_open=('rf', 129))
        with self.assertRaises(Rejected) as caught:
            self.initiator().open()
        self.assertEqual((caught.exception.session_reason,
                          caught.exception.reason), (129, None))
        self.responder.next(session_version=1)
        with self.assertRaises(Rejected) as caught:
            self.initiator(session_version=2).open()
        self.assertEqual(caught.exception.session_reason, 132)
        self.responder.next(transport_refuse=0x81)
        with self.assertRaises(TransportRefused):
            self.initiator().open()

    def test_credentials_and_dialogue(self):
        self.responder.config.credentials = {'alpha': 'secret'}
        for name, password in (('alpha', ''), ('beta', 'secret')):
            with self.assertRaises(Rejected) as caught:
                self.initiator(name=name, password=password).open()
            self.assertEqual(caught.exception.reason,
                             apdu.VALIDATION_FAILURE)
        with self.assertRaises(Rejected) as caught:
            self.initiator(password='secret', dialogue=apdu.TWA).open()
        self.assertEqual(caught.exception.reason,
                         apdu.UNACCEPTABLE_DIALOGUE_MODE)
        self.initiator(password='secret').open().close()

    def test_others(self):
        self.responder.next(on_open='abort')
        with self.assertRaises(Aborted):
            self.initiator().open()
        self.responder.next(on_open='die')
        with self.assertRaises(Lost):
            self.initiator().open()
        self.responder.next(on_open='ignore')
        with self.assertRaises(Timeout):
            self.initiator(timeout=0.1).open()
        self.responder.next(on_open=lambda association, pconnect:
                            apdu.RTS_BUSY if pconnect.name == 'alpha'
                            else 'accept')
        with self.assertRaises(Rejected):
            self.initiator().open()


class Recovery(Case):

    def again(self, data=DATA):
        """Octets that came more than once."""
        return sum(t.octets for t in self.responder.transfers) - len(data)

    def test_cut_at_every_point(self):
        """Rule 2, 3, 4, 5: before, in and after each SPDU in each direction,
        by the initiator."""
        probe = self.initiator().open()
        probe.send(DATA)
        count = dict(probe.session.counts)
        probe.close()
        runs = 1
        for direction in ('out', 'in'):
            for index in range(1, count[direction] + 1):
                for at in (BEFORE, AFTER) + (
                        (0.1, 0.5, 0.9) if direction == 'out' else ()):
                    with self.subTest(direction=direction, index=index,
                                      at=at):
                        self.responder.store.transfers.clear()
                        i = self.initiator()
                        i.reach(DATA, script=Script(Cut(direction, index,
                                                        at)))
                        i.close()
                        runs += 1
                        self.responder.wait(runs)
                        self.assertEqual(
                            self.responder.messages[-1].octets, DATA)
                        self.assertLessEqual(self.again(), 4 * 1024)
        self.assertEqual(len(self.responder.messages), runs)

    def test_cut_by_the_responder(self):
        runs = 0
        for direction, last in (('in', 22), ('out', 11)):
            for index in range(2, last + 1):
                for at in (BEFORE, AFTER) + ((0.5,) if direction == 'out'
                                             else ()):
                    self.responder.next(Script(Cut(direction, index, at)))
                    i = self.initiator()
                    i.reach(DATA)
                    i.close_connection()
                    runs += 1
                    self.responder.wait(runs)
        self.assertEqual({m.octets for m in self.responder.messages}, {DATA})
        self.assertEqual(len(self.responder.messages), runs)

    def test_turn_after_recovery(self):
        """Two-way alternate: the responder sends, the initiator reconnects,
        the responder goes on."""
        self.responder.config.dialogue = apdu.TWA
        for name, nth in (('AS', 1), ('DT', 1), ('DT', 5), ('MIP', 1),
                          ('MIP', 9), ('AE', 1), ('GTC', 1)):
            for at in (BEFORE, AFTER):
                self.responder.outbox.append(DATA)
                self.responder.next(Script(Cut('out', name=name, nth=nth,
                                               at=at)))
                i = self.initiator(dialogue=apdu.TWA).open()
                i.give()
                with self.assertRaises(Lost):
                    i.until(lambda: i.my_turn)
                    i.step()
                if not i.my_turn:
                    i.recover()
                    i.until(lambda: i.my_turn)
                    i.send(b'x')
                    i.close()
                self.assertEqual([m.octets for m in i.store.messages],
                                 [DATA])
        self.allowed = []

    def test_turn_with_the_responder_and_cut_by_the_initiator(self):
        self.responder.config.dialogue = apdu.TWA
        for index in range(3, 24):
            self.responder.outbox.append(DATA)
            i = self.initiator(Cut('in', index, AFTER),
                               dialogue=apdu.TWA).open()
            with self.assertRaises(Lost):
                i.give()
                i.until(lambda: i.my_turn)
                i.step()
            i.recover()
            i.until(lambda: i.my_turn)
            i.close()
            self.assertEqual([m.octets for m in i.store.messages], [DATA])

    def test_lost_minor_sync_acknowledgement(self):
        """The receiver holds more than the sender knows."""
        self.responder.next(Script(Cut('out', name='MIA', nth=3, at=BEFORE)))
        i = self.initiator(window=1)
        self.lost(i)
        self.assertEqual(self.responder.transfers[0].confirmed, 3)
        i.recover()
        i.resume()
        i.close()
        self.assertEqual(self.responder.transfers[0].resumed, [2])
        self.received(DATA)

    def test_lost_end_confirmation_is_delivered_once(self):
        self.responder.next(Script(Cut('out', name='AEA', at=BEFORE)))
        i = self.initiator()
        self.lost(i)
        i.recover()
        i.resume()
        i.close()
        self.received(DATA)

    def test_discard_of_a_completed_transfer(self):
        self.responder.next(Script(Cut('out', name='AEA', at=BEFORE)))
        i = self.initiator()
        self.lost(i)
        i.recover()
        i.resume(go_on=False)
        with self.assertRaises(Aborted) as caught:
            i.discard()
        self.assertEqual(caught.exception.reason, apdu.TRANSFER_COMPLETED)
        self.assertEqual(i.record.outgoing.state, 'complete')
        self.received(DATA)

    def test_nothing_confirmed(self):
        """Rule 4: resume with 0, discard, and start anew."""
        i = self.initiator(Cut('out', name='MIP', nth=1, at=BEFORE))
        self.lost(i)
        i.recover()
        i.resume()
        self.assertEqual(i.session.sent[:6],
                         ['CR', 'CN', 'AR', 'AD', 'AS', 'DT'])
        i.close()
        self.received(DATA)

    def test_wrong_serial_and_unknown_activity(self):
        for kw in ({'serial': 9}, {'old': b'\x02\x01\x63'},
                   {'link': apdu.Scid(b'no', b'261123000000Z', b'00')},
                   {'link': False}):
            i = self.initiator(Cut('out', name='MIP', nth=5, at=AFTER))
            self.lost(i)
            i.recover()
            with self.assertRaises((Aborted, Lost)) as caught:
                i.resume(**kw)
            if isinstance(caught.exception, Aborted):
                self.assertEqual(caught.exception.reason,
                                 apdu.UNRECOGNIZED_ACTIVITY)
            self.responder.next(on_unknown='exception')
            i.recover()
            with self.assertRaises(ExceptionReported) as caught:
                i.resume(**kw)
            self.assertEqual(caught.exception.reason, 3)
        # The sender goes on after its own lie.
        self.allowed = ['outside an activity', 'not expected']

    def test_reach(self):
        """A fresh open and a full retransmission when recovery is not to be
        had; again when it was only busy."""
        for how in ('die', 'abort', apdu.RTS_BUSY, apdu.CANNOT_RECOVER,
                    'ignore'):
            self.responder.next()
            self.responder.next(on_recover=how)
            i = self.initiator(timeout=0.5)
            transfer = i.reach(DATA, script=Script(Cut(
                'out', name='MIP', nth=5)))
            i.close()
            recovered = i.peer.recover is not None
            self.assertEqual(recovered, how in ('die', apdu.RTS_BUSY), how)
            self.assertEqual(transfer.octets > transfer.length, recovered)
        self.received(*[DATA] * 5)
        self.responder.next(exception_at=(3, 1))
        i = self.initiator()
        self.assertEqual(i.reach(DATA).state, 'complete')
        i.close()
        self.responder.stop()
        with self.assertRaises(Lost):
            self.initiator().reach(DATA, attempts=3)

    def test_answers_to_recover(self):
        cases = (('die', Lost), ('abort', Aborted), (apdu.RTS_BUSY, Rejected),
                 (apdu.CANNOT_RECOVER, Rejected), ('ignore', Timeout))
        for how, error in cases:
            i = self.initiator(Cut('out', name='MIP', nth=4), timeout=0.3)
            self.lost(i)
            self.responder.next(on_recover=how)
            with self.assertRaises(error):
                i.recover()
            i.recover()
            i.resume()
            i.close()
        self.received(*[DATA] * len(cases))

    def test_connection_identifier_used_again(self):
        scid = apdu.Scid.new('alpha')
        for _ in range(2):
            self.initiator().open(scid=scid).close()
        self.assertEqual(len(self.responder.violations), 1)
        self.allowed = ['again']

    def test_unknown_association(self):
        i = self.initiator(Cut('out', name='MIP', nth=4))
        self.lost(i)
        self.responder.store.forget()
        with self.assertRaises(Rejected) as caught:
            i.recover()
        self.assertEqual(caught.exception.reason, apdu.CANNOT_RECOVER)
        i.reach(DATA)
        i.close()
        self.received(DATA)

    def test_half_open_association_is_superseded(self):
        i = self.initiator(Cut('out', name='MIP', nth=4, how='silence'))
        self.lost(i)
        self.assertIsNone(self.responder.associations[0].ended)
        i.recover()
        i.resume()
        i.close()
        self.received(DATA)
        self.responder.wait(condition=lambda:
                            self.responder.associations[0].ended)

    def test_recovery_of_a_recovery(self):
        for link in ('first', 'known'):
            for recover_name in ('first', 'last'):
                i = self.initiator(Cut('out', name='MIP', nth=3),
                                   link=link, recover_name=recover_name)
                self.lost(i)
                for nth in (2, 3, 1):
                    i.recover(Script(Cut('out', name='MIP', nth=nth)))
                    with self.assertRaises(Lost):
                        i.resume()
                i.recover()
                i.resume()
                i.close()
        self.received(*[DATA] * 4)

    def test_forms_of_a_recover_pconnect(self):
        for form in (Form(indefinite=True), Form(shuffle=3, pieces=1),
                     Form(long_length=4)):
            i = self.initiator(Cut('out', name='MIP', nth=4), form=form)
            self.lost(i)
            self.responder.next(form=form)
            i.recover()
            i.resume()
            i.close()
        self.received(*[DATA] * 3)

    def test_responder_restarts_with_its_memory(self):
        i = self.initiator()
        i.open()
        i.send(DATA, stop_after=5)
        self.responder.stop()
        self.responder.start()
        i.recover()
        i.resume()
        i.close()
        self.received(DATA)

    def test_plain_start_gives_the_old_one_up(self):
        i = self.initiator(Cut('out', name='MIP', nth=4))
        self.lost(i)
        i.recover()
        i.send(b'other')
        i.close()
        self.received(b'other')
        self.assertEqual(self.responder.transfers[0].state, 'discarded')


class Faults(Case):

    def test_stall_and_call(self):
        seen = []
        i = self.initiator(Stall('out', name='AE', seconds=0.05),
                           Call('out', function=seen.append, times=None))
        i.open().send(DATA)
        i.close()
        self.received(DATA)
        self.assertEqual([e.name for e in seen][:3], ['CR', 'CN', 'AS'])

    def test_drop_dup_swap_replace_insert(self):
        cases = (
            (Drop('out', name='MIP', nth=2), 'MIP 3 after 1'),
            (Dup('out', name='MIP', nth=2), 'MIP 2 after 2'),
            (Swap('out', name='MIP', nth=2), 'without a minor sync'),
            (Replace('out', name='MIP', nth=2, octets=ss.encode(
                ss.serial_spdu('MIP', 44))), 'MIP 44 after 1'),
            (Insert('out', name='AE', octets=b'\x01\x00\x2d\x00'),
             'AS with identifier None'))
        for fault, said in cases:
            with self.subTest(fault=fault):
                self.responder.violations.clear()
                i = self.initiator(fault, timeout=0.3)
                i.open()
                try:
                    i.send(DATA)
                except (Lost, Timeout, Aborted):
                    pass
                i.close_connection()
                self.responder.wait(condition=lambda: any(
                    said in v for v in self.responder.violations))
        self.responder.violations.clear()
        for i in self.initiators:
            i.store.violations.clear()

    def test_incoming(self):
        for fault in (Drop('in', name='MIA', nth=1),
                      Swap('in', name='MIA', nth=1),
                      Dup('in', name='MIA', nth=1)):
            i = self.initiator(fault)
            i.open().send(DATA)
            i.close()
        self.allowed = ['MIA 1 not expected']
        self.received(*[DATA] * 3)

    def test_malformed_octets(self):
        cases = (
            (b'\x03\x00\x00\x06', True), (b'\x04\x00\x00\x07\x02\xf0\x80',
                                          True),
            (b'\x03\x00\x00\x07\x02\xff\x80', True),
            (b'\x01\x00\x31\xff\xff\xff', False),
            (b'\x01\x00\x31\x03\x2a\x05\x31', False),
            (b'\x01\x00\x31\x03\x2a\x01x', False),
            (b'\x63\x00', False))
        for octets, raw in cases:
            i = self.initiator(Insert('out', name='MIP', nth=2, octets=octets,
                                      raw=raw), timeout=1)
            i.open()
            with self.assertRaises(Lost):
                i.send(DATA)
            self.responder.wait(condition=lambda: isinstance(
                self.responder.associations[-1].ended, ProtocolError))
            self.responder.violations.clear()

    def test_bad_pconnect(self):
        for user_data in (b'', b'\x31', b'\x31\x00', b'\x30\x00',
                          bytes.fromhex('3107a003800100a100'),
                          b'\x31\x80' * 100):
            with self.assertRaises(Aborted) as caught:
                self.initiator(user_data=user_data).open()
            self.assertEqual(caught.exception.reason, apdu.PROTOCOL_ERROR)
        self.allowed = ['bad PConnect']

    def test_lying_answer(self):
        self.responder.next(answer={'checkpoint': 50, 'window': 40})
        i = self.initiator().open()
        i.close()
        self.assertEqual(len(i.store.violations), 2)
        i.store.violations.clear()


class ThroughProxy(Case):

    def test_counts_and_passes(self):
        with pcap.Recorder() as recorder, \
                Proxy(self.responder.port, recorder=recorder) as proxy:
            i = self.initiator(port=proxy.port).open()
            i.send(DATA)
            i.close()
            self.received(DATA)
            self.assertEqual(proxy.data('out'), self.user_information(i))
            self.assertEqual(proxy.data('in'), 0)
            self.assertEqual(proxy.names('out'), ['CR', 'CN', 'AS'] + [
                'DT', 'MIP'] * LAST + ['DT', 'AE', 'FN'])
            self.assertEqual(proxy.names('in'), ['CC', 'AC'] + [
                'MIA'] * LAST + ['AEA', 'DN'])
            if shutil.which('tshark'):
                recorder.check()

    def test_cut_at_every_point(self):
        runs = 0
        for direction, last in (('out', 22), ('in', 11)):
            for index in range(0, last + 1):
                for at in (BEFORE, 0.3, 0.8, AFTER):
                    point = Point(direction, index, at)
                    with self.subTest(point=point), \
                            Proxy(self.responder.port, point) as proxy:
                        self.responder.store.transfers.clear()
                        i = self.initiator(port=proxy.port)
                        i.reach(DATA)
                        i.close_connection()
                        runs += 1
                        self.responder.wait(runs)
                        proxy.wait(lambda: proxy.struck)
                        self.assertEqual(point.done, 1)
                        self.assertLessEqual(proxy.data('out') - len(DATA),
                                             4 * 1024)
        self.assertEqual({m.octets for m in self.responder.messages}, {DATA})
        self.assertEqual(len(self.responder.messages), runs)

    def test_tiny_and_large_tpdus(self):
        for kw in ({'max_user': 3}, {'max_user': 100, 'zero_last': True},
                   {'sizes': [1, 1, 1, 1]}):
            for at in (0.5, AFTER):
                with Proxy(self.responder.port,
                           Point('out', name='MIP', nth=4, at=at)) as proxy:
                    i = self.initiator(port=proxy.port, **kw)
                    i.reach(DATA)
                    i.close()
                    if 'max_user' not in kw or kw['max_user'] > 20:
                        self.assertEqual(len(proxy.struck), 1)
                    self.assertGreaterEqual(proxy.data('out'), len(DATA))
        self.received(*[DATA] * 6)

    def test_half_open(self):
        for action in ('half-out', 'hole'):
            with Proxy(self.responder.port,
                       Point('in', name='MIA', nth=3, action=action)) as p:
                i = self.initiator(port=p.port, timeout=0.3).open()
                with self.assertRaises((Lost, Timeout)):
                    i.send(DATA)
                self.assertIsNone(self.responder.associations[-1].ended)
                i.recover()
                i.resume()
                i.close()
        self.received(DATA, DATA)

    def test_half_open_initiator_does_not_notice(self):
        with Proxy(self.responder.port, Point(
                'in', name='MIA', nth=3, action='half-in')) as proxy:
            i = self.initiator(port=proxy.port, timeout=0.2).open()
            with self.assertRaises(Timeout):
                i.send(DATA)
            self.responder.wait(condition=lambda:
                                self.responder.associations[0].ended)
            i.recover()
            i.resume()
            i.close()
        self.received(DATA)

    def test_callback_before_the_octets_pass(self):
        seen = []
        with Proxy(self.responder.port, Point(
                'out', name='AE', action='go', call=lambda proxy, point:
                seen.append(len(self.responder.messages)))) as proxy:
            i = self.initiator(port=proxy.port).open()
            i.send(DATA)
            i.close()
        self.received(DATA)
        self.assertEqual(seen, [0])

    def test_after_means_that_it_arrived(self):
        for _ in range(20):
            self.responder.store.messages.clear()
            with Proxy(self.responder.port, Point(
                    'out', name='AE', at=AFTER)) as proxy:
                i = self.initiator(port=proxy.port)
                self.lost(i)
                self.received(DATA)


if __name__ == '__main__':
    unittest.main(verbosity=1)
