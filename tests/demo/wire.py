# SPDX-License-Identifier: ISC
"""What a link saw of a message on its way, over several connections: where
it is, what was confirmed, what was sent again, and the SPDUs in words."""

import queue
import time

import link as _                # noqa: F401  (finds the package peer)
from peer import apdu, ber, session

SHOWN = {'CN', 'AC', 'RF', 'AB', 'AS', 'AR', 'AI', 'AD', 'ED', 'ER', 'AE',
         'AEA', 'FN', 'DN'}


class Wire:
    """Fed by the threads of a Link; one message at a time, alpha to beta."""

    def __init__(self):
        self.queue = queue.SimpleQueue()
        self.start = time.monotonic()
        self.seen = []          # every event of SHOWN
        self.marks = {}         # serial: octets of the message before it
        self.base = 0           # octets before this connection's first
        self.confirmed = 0      # last serial confirmed
        self.resumed = None     # serial of the AR
        self.connection = None  # the last one that carries data
        self.resumes = []       # (connection, octets sent again, seconds)
        self.reached = 0        # octets of the message sent at the last cut
        self.waiting = None     # connection that resumed, without data yet

    def tell(self, event):
        name, spdu = event.name, event.spdu
        if name == 'DT' and event.direction == 'out':
            if self.waiting is not None:
                self.resumes.append((
                    self.waiting, self.reached - self.base,
                    event.when - self.waiting.opened))
                self.waiting = None
        elif name == 'MIP' and event.direction == 'out':
            self.marks[spdu.serial()] = self.base + event.data
        elif name == 'MIA' and event.direction == 'in':
            self.confirmed = spdu.serial()
        elif name == 'AS' and event.direction == 'out':
            self.base = 0
            self.waiting = None
            self.connection = event.connection
        elif name == 'AR' and event.direction == 'out':
            self.reached = self.position()
            self.resumed = session.serial_number(
                spdu.get(session.LINKING, session.SERIAL))
            self.base = self.marks.get(self.resumed, 0)
            self.connection = event.connection
            self.waiting = event.connection
        if name in SHOWN:
            self.seen.append(event)
            self.queue.put(event)

    def position(self):
        """Octets of the message that have gone out so far."""
        if self.connection is None:
            return 0
        return self.base + self.connection.watch['out'].data

    def find(self, name, number=None):
        for event in self.seen:
            if event.name == name and number in (
                    None, event.connection.number):
                return event
        return None


def identifier(scid):
    return '{%s %s %s}' % tuple(s.decode('latin-1') for s in scid.key())


def connect_text(pdu, name):
    if pdu.recover is not None:
        what = 'recover %s' % identifier(pdu.recover)
    else:
        what = 'open, MTA "%s"' % pdu.name
    return '%s %s, checkpoint %d, window %d' % (name, what, pdu.checkpoint,
                                                pdu.window)


def activity(octets):
    try:
        return '%d' % ber.parse(octets).integer()
    except ber.BerError:
        return octets.hex()


def describe(event):
    """An SPDU in words."""
    spdu = event.spdu
    if event.name == 'CN':
        return connect_text(apdu.decode_pconnect(spdu.user_data()),
                            'PConnect')
    if event.name == 'AC':
        return connect_text(apdu.decode_paccept(spdu.user_data()), 'PAccept')
    if event.name == 'RF':
        reason = spdu.get(session.REASON) or b'\0'
        if len(reason) > 1:
            return 'PRefuse %d' % apdu.decode_prefuse(reason[1:])
        return 'refused, reason %d' % reason[0]
    if event.name == 'AS':
        return 'ACTIVITY START %s' % activity(spdu.get(session.ACTIVITY))
    if event.name == 'AR':
        old = session.LINKING
        scid = apdu.Scid.from_references(
            spdu.get(old, session.CALLING_REF),
            spdu.get(old, session.COMMON_REF),
            spdu.get(old, session.ADDITIONAL_REF))
        return 'ACTIVITY RESUME %s of %s on %s, from serial %d' % (
            activity(spdu.get(session.ACTIVITY)),
            activity(spdu.get(old, session.ACTIVITY)), identifier(scid),
            session.serial_number(spdu.get(old, session.SERIAL)))
    if event.name in ('AE', 'AEA'):
        return 'ACTIVITY END%s, serial %d' % (
            ' confirmed' if event.name == 'AEA' else '', spdu.serial())
    return {'AB': 'abort', 'AI': 'ACTIVITY INTERRUPT',
            'AD': 'ACTIVITY DISCARD', 'ED': 'exception data',
            'ER': 'exception report', 'FN': 'release',
            'DN': 'release confirmed'}[event.name]
