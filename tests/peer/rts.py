# SPDX-License-Identifier: ISC
"""Reliable transfer of X.410-1984 section 4, on session connections.

An Association is one session connection, at either end; what outlives it -
associations that may be recovered, transfers half done, messages received -
is in a Store.  Nothing here is strict by itself: what the other side does
against the Recommendations goes to the violations of the store, and the test
decides.
"""

import time

from . import apdu, session as ss
from .cotp import Refused as TransportRefused, Transport
from .session import Session, Spdu
from .script import Script
from .stack import ANY, NORMAL, X410_1988, X410_MODE, stack
from .store import (Config, INITIATOR, InTransfer, Message, OutTransfer,
                    Pattern, RESPONDER, Record, Store, mpdu_identifier)
from .tpkt import Lost, ProtocolError, Timeout
from .ber import BerError


class Aborted(Exception):
    """The other side sent AB.  reason is that of AbortInformation or of
    RTAB."""

    def __init__(self, reason, reflected, flags):
        super().__init__('aborted, flags %s, reason %s' % (flags, reason))
        self.reason = reason
        self.reflected = reflected
        self.flags = flags


class Rejected(Exception):
    """RF: reason of session, and that of PRefuse or RTORJ if it is there.
    refusal: all that was said (stack.Refusal)."""

    def __init__(self, session_reason, refusal):
        super().__init__('refused, session %s, %s' % (session_reason,
                                                      vars(refusal)))
        self.session_reason = session_reason
        self.reason = refusal.reason
        self.refusal = refusal


class ExceptionReported(Exception):
    """The receiver sent ED (or ER); the activity is interrupted, discarded,
    or as it was, as configured."""

    def __init__(self, reason):
        super().__init__('exception report, reason %s' % reason)
        self.reason = reason


class Released(Exception):
    """The association was closed in order."""


class Association:
    """One association, as long as its connection lives."""

    def __init__(self, store, config, script=None, record_octets=None):
        self.store = store
        self.config = config
        self.script = script or Script()
        self.record_octets = record_octets
        self.session = None
        self.stack = stack(config.mode, config)
        self.record = None
        self.role = None
        self.scid = None
        self.called = None          # called reference of this connection
        self.version = 1
        self.my_turn = False
        self.turn_wanted = None     # priority of the other side's please
        self.asked = False          # we said please
        self.gta = False
        self.sending = None
        self.receiving = None
        self.ignoring = False       # after our ED, until AI or AD
        self.exception = None
        self.acknowledged = False   # AIA or ADA came
        self.peer = None            # PConnect or PAccept of the other side
        self.released = False
        self.ended = None           # the exception that ended it
        self.tap = None             # function(name, Spdu) for each SPDU in

    # Small things.

    def violation(self, text, *args):
        with self.store.lock:
            self.store.violations.append(text % args if args else text)

    def decoded(self, decode, *args):
        """decode(*args), and what the stack saw in it as violations."""
        try:
            return decode(*args)
        finally:
            for text in self.stack.said:
                self.violation('%s', text)
            self.stack.said.clear()

    def _open_session(self, sock):
        c = self.config
        self.stack = stack(c.mode, c)
        self.close_connection()
        transport = Transport(sock, self.record_octets, c.reserved,
                              c.max_user, c.sizes, c.zero_last)
        self.session = Session(transport, self.script, c.timeout)
        self.session.user = self
        self.session.data_sink = self._sink
        self.session.early = self._dispatch

    def holder(self, *spdus, data=b''):
        """Send as the holder of the tokens."""
        self.session.send(*spdus, prefix=self.config.tokens, data=data)

    def other(self, spdu):
        """Send as the side without tokens."""
        prefix = self.config.acks
        if self.config.pt_alone:
            self.session.send(Spdu('PT'))
            prefix = 'GT'
        self.session.send(spdu, prefix=prefix)

    def close_connection(self, how='fin'):
        if self.session is not None:
            self.session.close(how)

    # Waiting.

    def step(self, timeout=None):
        """Receive one TSDU and do what it asks for."""
        self.session.estimate = self.record.checkpoint * 1024 \
            if self.record else 0
        try:
            spdus = self.session.receive(timeout, wait=False)
        except ProtocolError as error:
            self.violation('%s', error)
            raise
        if spdus and spdus[-1].name in ss.CATEGORY2_NAMES:
            self._check_prefix(spdus[-1].name)
        self._dispatch(spdus)
        return spdus

    def _check_prefix(self, name):
        """GT in front of what the holder of the tokens sends, PT in front of
        the acknowledgements of the other side."""
        prefix = self.session.prefix_seen
        if prefix is None:
            self.violation('%s without GT or PT', name)
        elif name in ('MIA', 'AEA') and prefix != 'PT' or \
                name in ('AS', 'AR', 'DT', 'MIP', 'AE', 'AI', 'AD') and \
                prefix != 'GT':
            self.violation('%s behind %s', name, prefix)

    def _dispatch(self, spdus):
        for spdu in spdus:
            if self.tap is not None:
                self.tap(spdu.name, spdu)
            handler = getattr(self, '_on_' + spdu.name, None)
            if handler is None:
                self.violation('unexpected %s', spdu)
            else:
                handler(spdu)

    def _sink(self, data):
        for part in self.stack.take(data):
            if self.receiving is not None and not self.ignoring:
                self.receiving.add(part)

    def until(self, condition, timeout=None):
        timeout = self.config.timeout if timeout is None else timeout
        deadline = time.monotonic() + timeout
        while not condition():
            left = deadline - time.monotonic()
            if left <= 0:
                raise Timeout('waited %g s' % timeout)
            self.step(left)

    def poll(self):
        """Do what has come in, if anything."""
        while self.session.readable():
            self.step()

    # Sending an APDU.

    def _identifier(self, transfer, activity):
        if activity is None:
            activity = apdu.activity_identifier(self.record.next_activity)
            self.record.next_activity += 1
        transfer.names.append((self.scid, self.called, activity))
        return activity

    def send(self, source, stop_after=None, stop_before_end=False,
             activity=None):
        """Transfer an APDU.  Returns its OutTransfer, complete; or active,
        if it was to stop after so many minor syncs, or before the end."""
        transfer = OutTransfer(self.stack.wrap(source))
        self.record.outgoing = transfer
        self.start(transfer, activity)
        return self.go_on(transfer, stop_after, stop_before_end)

    def start(self, transfer, activity=None):
        """ACTIVITY START.  activity: identifier, encoded, to lie with."""
        self.sending = transfer
        transfer.state = 'active'
        transfer.names = []
        transfer.known = 0
        spdu = ss.activity_start_spdu(self._identifier(transfer, activity))
        self._hold = [spdu] if self.config.concatenate else []
        if not self._hold:
            self.holder(spdu)

    def resume(self, serial=None, transfer=None, old=None, link=None,
               go_on=True, activity=None):
        """ACTIVITY RESUME of the outgoing transfer, and the rest of it.

        serial: other than that of the last confirmed; old: identifier of
        the old activity; link: Scid of the old connection, False for none;
        go_on False leaves it at the AR."""
        c = self.config
        transfer = transfer or self.record.outgoing
        if c.on_nothing == 'start' and not transfer.confirmed \
                and serial is None:
            transfer.offset = transfer.serial = 0
            self.record.outgoing = transfer
            self.start(transfer)
            return self.go_on(transfer)
        index = {'first': 0, 'last': -1, 'known': transfer.known}[c.link]
        scid, called, name = transfer.names[index]
        if link is None:
            link = scid if scid.key() != self.scid.key() else False
        references = ()
        if link:
            calling, common, additional = self.stack.named(
                link).references()
            if not c.link_called or called is None:
                called = None
            references = ss.connection_id_params(calling, common, additional,
                                                 called)
        claimed = transfer.confirmed if serial is None else serial
        self._hold = []
        self.sending = transfer
        self.record.outgoing = transfer
        transfer.state = 'active'
        self.holder(ss.activity_resume_spdu(
            self._identifier(transfer, activity), name if old is None else
            old, claimed, references, c.serial_width))
        transfer.serial = claimed
        transfer.confirmed = min(transfer.confirmed, claimed)
        transfer.offset = transfer.marks.get(claimed, transfer.offset)
        if not go_on:
            return transfer
        if claimed == 0 and serial is None:
            # Nothing was confirmed: give it up and begin anew.
            self.discard()
            transfer.offset = transfer.serial = 0
            self.start(transfer)
        return self.go_on(transfer)

    def go_on(self, transfer=None, stop_after=None, stop_before_end=False):
        """Data, minor syncs and the end of the active transfer."""
        transfer = transfer or self.sending
        size = self.record.checkpoint * 1024 or max(transfer.length, 1)
        syncs = 0
        while transfer.offset < transfer.length:
            part = transfer.part(size)
            spdus = self._hold + [Spdu('DT')]
            self._hold = []
            transfer.offset += len(part)
            transfer.octets += len(part)
            self.holder(*spdus, data=self.stack.data(part))
            if transfer.offset >= transfer.length:
                break
            self.sync_minor(transfer)
            syncs += 1
            self.poll()
            while (transfer.serial - transfer.confirmed
                   >= max(self.record.window, 1) and not self.exception):
                self.step()
            if self.exception is not None:
                self._excepted()
            if stop_after is not None and syncs >= stop_after:
                self._flush()
                return transfer
        self._flush()
        if stop_before_end:
            return transfer
        return self.end(transfer)

    def _flush(self):
        if self._hold:
            held, self._hold = self._hold, []
            self.holder(*held)

    def sync_minor(self, transfer, serial=None):
        transfer.serial += 1
        transfer.marks[transfer.serial] = transfer.offset
        spdu = ss.serial_spdu('MIP', transfer.serial if serial is None
                              else serial, self.config.serial_width)
        if self.config.concatenate:
            self._hold = [spdu]
        else:
            self.holder(spdu)

    def end(self, transfer=None, wait=True):
        """ACTIVITY END, and its confirmation."""
        transfer = transfer or self.sending
        self.holder(ss.serial_spdu('AE', transfer.serial + 1,
                                   self.config.serial_width))
        if wait:
            self._wait_end(transfer)
        return transfer

    def _wait_end(self, transfer):
        self.until(lambda: transfer.state != 'active'
                   or self.exception is not None)
        if self.exception is not None:
            self._excepted()

    def _excepted(self):
        reason, self.exception = self.exception, None
        how = self.config.on_exception
        if how == 'interrupt':
            self.interrupt(self.config.interrupt_reason)
        elif how == 'discard':
            self.discard()
        elif how == 'abort':
            self.abort(apdu.LOCAL_SYSTEM_PROBLEM)
        raise ExceptionReported(reason)

    def interrupt(self, reason=None, wait=True):
        """ACTIVITY INTERRUPT."""
        self._leave('AI', reason, wait, 'interrupted')

    def discard(self, reason=None, wait=True):
        """ACTIVITY DISCARD."""
        self._leave('AD', reason, wait, 'discarded')

    def _leave(self, name, reason, wait, state):
        transfer = self.sending
        self.acknowledged = False
        self.holder(ss.reason_spdu(name, reason))
        if wait:
            self.until(lambda: self.acknowledged)
            if transfer.state == 'active':
                transfer.state = state
            self.sending = None

    # The turn.

    def please(self, priority=0, tokens=ss.DATA_TOKEN):
        """TOKEN PLEASE with the priority as user data."""
        self.asked = True
        self.session.send(Spdu('PT', [(ss.TOKEN, bytes((tokens,)))] +
                               ss.user_data_params(
                                   self.stack.please(priority))))

    def give(self, wait=True):
        """CONTROL GIVE: all tokens.  wait: for its acknowledgement."""
        self.gta = False
        self._set_turn(False)
        self.turn_wanted = None
        self.session.send(Spdu('GTC'))
        if wait:
            self.until(lambda: self.gta)

    def _set_turn(self, mine):
        self.my_turn = mine
        self.record.my_turn = mine
        if mine:
            self.asked = False
        self.store.notify()

    # Errors, and the end.

    def exception_report(self, reason=1, user_data=b''):
        """ED; data is ignored from here until AI or AD."""
        self.ignoring = True
        self.other(ss.reason_spdu('ED', reason, user_data))

    def abort(self, reason=None, reflected=None, user_data=None, close=True):
        """AB with AbortInformation, or ARU, ABRT, RTAB."""
        if user_data is None:
            user_data = self.decoded(self.stack.abort, reason, reflected)
        self.session.send(ss.abort_spdu(user_data))
        if close:
            self.close_connection('linger')

    def release(self):
        """FN, DN, and the end of the transport connection."""
        self.session.send(Spdu('FN', [(ss.TRANSPORT_DISCONNECT, b'\1')] +
                               ss.user_data_params(self.stack.release())))
        try:
            self.until(lambda: self.released)
        except Released:
            pass
        self.close_connection()

    # What comes in.

    def _on_GT(self, spdu):
        item = spdu.get(ss.TOKEN)
        if item and item[0] & ss.DATA_TOKEN:
            self._set_turn(True)

    def _on_PT(self, spdu):
        item = spdu.get(ss.TOKEN)
        if not item or not item[0] & ss.DATA_TOKEN:
            return
        wanted = 0
        data = spdu.user_data()
        if data:
            try:
                wanted = self.decoded(self.stack.decode_please, data)
            except BerError:
                self.violation('PT with user data %s', data.hex())
        if self.my_turn:                # else it crossed our GTC
            self.turn_wanted = wanted
        self.store.notify()

    def _on_GTC(self, spdu):
        if self.my_turn:
            self.violation('GTC to the side that has the turn')
        self._set_turn(True)
        self.session.send(Spdu('GTA'))

    def _on_GTA(self, spdu):
        self.gta = True

    def _holder_only(self, spdu):
        if self.my_turn:
            self.violation('%s from the side without tokens', spdu.name)

    def _new_in(self, activity):
        transfer = InTransfer(self.config.keep, self.record,
                              self.stack.apdu())
        transfer.started = activity
        with self.store.lock:
            self.store.transfers.append(transfer)
        self.record.incoming[self.scid.key(), activity] = transfer
        return transfer

    def _on_AS(self, spdu):
        self._holder_only(spdu)
        activity = spdu.get(ss.ACTIVITY)
        if activity is None or not 1 <= len(activity) <= 6:
            self.violation('AS with identifier %r', activity)
            activity = activity or b''
        if self.receiving is not None:
            self.violation('AS within an activity')
        old = self.record.receiving
        if old is not None and old.state == 'active':
            old.state = 'discarded'     # given up with its connection
        if (self.scid.key(), activity) in self.record.incoming:
            self.violation('activity identifier %s again', activity.hex())
        self.receiving = self.record.receiving = self._new_in(activity)

    def _on_AR(self, spdu):
        self._holder_only(spdu)
        group = spdu.get(ss.LINKING)
        new = spdu.get(ss.ACTIVITY)
        if group is None or new is None:
            self.violation('AR without identifiers')
            self.abort(apdu.PROTOCOL_ERROR)
            raise ProtocolError('AR without identifiers')
        old = spdu.get(ss.LINKING, ss.ACTIVITY)
        serial = ss.serial_number(spdu.get(ss.LINKING, ss.SERIAL))
        key = self.scid.key()
        if spdu.get(ss.LINKING, ss.COMMON_REF) is not None:
            key = apdu.Scid.from_references(
                spdu.get(ss.LINKING, ss.CALLING_REF)
                or spdu.get(ss.LINKING, ss.CALLED_REF),
                spdu.get(ss.LINKING, ss.COMMON_REF),
                spdu.get(ss.LINKING, ss.ADDITIONAL_REF)).key()
        transfer = self.record.incoming.get((key, old))
        if transfer is not None and transfer.state == 'discarded':
            self.violation('AR of a discarded activity')
            transfer = None
        if transfer is None and serial == 0:
            transfer = self._new_in(new)    # its start never came here
        if transfer is None or serial > transfer.confirmed:
            how = self.config.on_unknown
            if how == 'accept':
                transfer = transfer or self._new_in(new)
                serial = min(serial, transfer.confirmed)
            else:
                self.unknown = spdu
                if how == 'exception':
                    self.exception_report(3)
                    return
                self.abort(apdu.UNRECOGNIZED_ACTIVITY)
                raise Lost('AR of an unknown activity: %s' % spdu)
        if transfer.state == 'complete':
            transfer.again = True
        transfer.back_to(serial)
        transfer.acked = min(transfer.acked, serial)
        self.record.incoming[self.scid.key(), new] = transfer
        self.receiving = self.record.receiving = transfer
        self.store.notify()

    def _on_DT(self, spdu):
        wrong = self.stack.taken()
        if wrong is not None:
            self.violation('%s', wrong)
        if self.receiving is None and not self.ignoring:
            self.violation('DT outside an activity')
        elif self.receiving is not None:
            size = self.record.checkpoint * 1024
            if size and self.receiving.since > size:
                self.violation('%d octets without a minor sync',
                               self.receiving.since)

    def _on_MIP(self, spdu):
        transfer = self.receiving
        if self.ignoring:
            return
        self._holder_only(spdu)
        serial = spdu.serial()
        if transfer is None:
            self.violation('MIP outside an activity')
            return
        if serial != transfer.serial + 1:
            self.violation('MIP %d after %d', serial, transfer.serial)
        item = spdu.get(ss.SYNC_TYPE)
        if item and item[-1] & 1:
            self.violation('MIP without explicit confirmation')
        transfer.mark(serial)
        if serial - transfer.acked > max(self.record.window, 1):
            self.violation('window of %d exceeded', self.record.window)
        at = self.config.exception_at
        if at is not None and at[0] == serial:
            self.config = self.config.but(exception_at=None)
            self.exception_report(at[1])
            return
        confirm = self.config.confirm
        if confirm(serial, transfer) if callable(confirm) else confirm:
            self.confirm(serial)

    def confirm(self, serial):
        """MIA."""
        transfer = self.receiving
        transfer.confirmed = max(transfer.confirmed, serial)
        transfer.acked = serial
        self.store.notify()
        self.other(ss.serial_spdu('MIA', serial, self.config.serial_width))

    def _on_AE(self, spdu):
        transfer = self.receiving
        if self.ignoring:
            return
        self._holder_only(spdu)
        if transfer is None:
            self.violation('AE outside an activity')
            return
        if spdu.serial() != transfer.serial + 1:
            self.violation('AE %d after %d', spdu.serial(), transfer.serial)
        if transfer.state != 'complete':
            transfer.state = 'complete'
            transfer.confirmed = transfer.serial
            self.store.deliver(transfer, self.config.deduplicate)
        self.receiving = None
        if self.config.confirm_end:
            self.other(Spdu('AEA', [(ss.SERIAL, b'%0*d' % (
                self.config.serial_width, spdu.serial()))]))

    def _on_AI(self, spdu):
        self._holder_only(spdu)
        self.ignoring = False
        if self.receiving is None:
            self.violation('AI outside an activity')
        elif self.receiving.state == 'active':
            self.receiving.state = 'interrupted'
        self.receiving = None
        self.store.notify()
        self.other(Spdu('AIA'))

    def _on_AD(self, spdu):
        self._holder_only(spdu)
        self.ignoring = False
        transfer, self.receiving = self.receiving, None
        if transfer is None:
            self.violation('AD outside an activity')
        elif transfer.state == 'complete':
            if self.config.on_completed_discard == 'abort':
                self.abort(apdu.TRANSFER_COMPLETED)
                raise Lost('discard of a completed transfer')
        else:
            transfer.state = 'discarded'
        self.store.notify()
        self.other(Spdu('ADA'))

    def _on_MIA(self, spdu):
        transfer = self.sending
        serial = spdu.serial()
        if transfer is None or not \
                transfer.confirmed < serial <= transfer.serial:
            self.violation('MIA %d not expected', serial)
            return
        transfer.confirmed = serial
        transfer.known = len(transfer.names) - 1
        self.store.notify()

    def _on_AEA(self, spdu):
        transfer = self.sending
        if transfer is None or spdu.serial() != transfer.serial + 1:
            self.violation('AEA %d not expected', spdu.serial())
            return
        transfer.state = 'complete'
        self.sending = None
        self.store.notify()

    def _on_AIA(self, spdu):
        self.acknowledged = True

    _on_ADA = _on_AIA

    def _on_ED(self, spdu):
        if self.sending is None:
            self.violation('ED outside an activity')
        self.exception = (spdu.get(ss.REASON) or b'\0')[0]

    def _on_ER(self, spdu):
        self.exception = 0

    def _release(self, spdu, kind):
        try:
            self.decoded(self.stack.decode_release, spdu.user_data(), kind)
        except BerError as error:
            self.violation('%s with bad user data: %s', spdu.name, error)

    def _on_FN(self, spdu):
        self._release(spdu, 'RLRQ')
        self.session.send(Spdu('DN', ss.user_data_params(
            self.stack.released())))
        self.released = True
        self.session.transport.wait_closed(self.config.timeout)
        raise Released()

    def _on_DN(self, spdu):
        self._release(spdu, 'RLRE')
        self.released = True

    def _on_AB(self, spdu):
        reason = reflected = None
        data = spdu.user_data()
        flags = (spdu.get(ss.TRANSPORT_DISCONNECT) or b'\0')[0]
        if data:
            try:
                reason, reflected = self.decoded(self.stack.decode_abort,
                                                 data)
            except BerError as error:
                self.violation('AB with user data %s: %s', data.hex(), error)
        if reason == apdu.TRANSFER_COMPLETED and self.sending is not None:
            self.sending.state = 'complete'
        self.close_connection()
        raise Aborted(reason, reflected, flags)

    def _on_AA(self, spdu):
        raise Lost('AA')


__all__ = ['ANY', 'Aborted', 'Association', 'Config', 'ExceptionReported',
           'INITIATOR', 'InTransfer', 'Lost', 'Message', 'NORMAL',
           'OutTransfer', 'Pattern', 'ProtocolError', 'RESPONDER', 'Record',
           'Rejected', 'Released', 'Store', 'Timeout', 'TransportRefused',
           'X410_1988', 'X410_MODE', 'mpdu_identifier']
