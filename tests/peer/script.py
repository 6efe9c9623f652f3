# SPDX-License-Identifier: ISC
"""Scripted misbehaviour.

A session consults its Script at each TSDU, in and out, with an Event.  The
script answers with a Fault, or None for "go on".  Count: TSDUs of a
connection have the index 1, 2, 3 ... in each direction; the CR and the CC
TPDU have the index 0.  The name is that of the SPDU after the GT or PT in
front of it ('CN', 'MIP', 'DT' ...; 'GT' and 'PT' when they are alone; joined
with '+' for extended concatenation), and nth counts the events of one name
in one direction.
"""

BEFORE = 'before'
AFTER = 'after'


class Event:
    """One TSDU about to be sent, or come in.

    octets are those of the TSDU as far as they are at hand: all of it, but
    for a DT SPDU of many TPDUs its beginning; length is that of the whole
    TSDU (None when it is not known yet)."""

    __slots__ = ('direction', 'index', 'name', 'nth', 'octets', 'length',
                 'session')

    def __init__(self, direction, index, name, nth, octets, length, session):
        self.direction = direction
        self.index = index
        self.name = name
        self.nth = nth
        self.octets = octets
        self.length = length
        self.session = session

    def __repr__(self):
        return '<%s %d %s#%d>' % (self.direction, self.index, self.name,
                                  self.nth)


class Fault:
    """Do something at the events that fit.

    direction 'in' or 'out'; index, name, nth narrow (None fits all);
    times is how often it happens (None: always)."""

    action = None

    def __init__(self, direction, index=None, name=None, nth=None, times=1):
        self.direction = direction
        self.index = index
        self.name = name
        self.nth = nth
        self.times = times
        self.done = 0

    def fits(self, event):
        return (event.direction == self.direction
                and (self.index is None or self.index == event.index)
                and (self.name is None
                     or self.name in event.name.split('+'))
                and (self.nth is None or self.nth == event.nth)
                and (self.times is None or self.done < self.times))

    def __repr__(self):
        return '%s(%s index=%s name=%s nth=%s)' % (
            type(self).__name__, self.direction, self.index, self.name,
            self.nth)


class Cut(Fault):
    """End the TCP connection at this TSDU.

    at: BEFORE, AFTER, or how much of it passes: a float 0.0..1.0 of its
    octets on the wire, or an int of octets.  For an incoming DT of many
    TPDUs the float is of the checkpoint size, or if that is 0 of the first
    TPDU.  how: 'fin', 'rst', or 'silence' (the socket stays open and nobody
    reads it: a half-open connection)."""

    action = 'cut'

    def __init__(self, direction, index=None, at=BEFORE, how='fin', **kw):
        super().__init__(direction, index, **kw)
        self.at = at
        self.how = how

    def amount(self, total):
        """Octets of total that pass."""
        if self.at == BEFORE:
            return 0
        if self.at == AFTER:
            return total
        if isinstance(self.at, float):
            return min(int(total * self.at), total)
        return min(self.at, total)


class Stall(Fault):
    """Wait before this TSDU: seconds, or until a threading.Event is set."""

    action = 'stall'

    def __init__(self, direction, index=None, seconds=None, until=None, **kw):
        super().__init__(direction, index, **kw)
        self.seconds = seconds
        self.until = until


class Drop(Fault):
    """Outgoing: do not send it.  Incoming: as if it had not come."""
    action = 'drop'


class Dup(Fault):
    """Send it twice, or take it twice."""
    action = 'dup'


class Swap(Fault):
    """Exchange it with the one after it."""
    action = 'swap'


class Replace(Fault):
    """Other octets in place of the TSDU: bytes, or a function of its octets
    (a list: several TSDUs, none if empty)."""

    action = 'replace'

    def __init__(self, direction, index=None, octets=b'', **kw):
        super().__init__(direction, index, **kw)
        self.octets = octets

    def tsdus(self, octets):
        new = self.octets(octets) if callable(self.octets) else self.octets
        return list(new) if isinstance(new, (list, tuple)) else [new]


class Insert(Replace):
    """Outgoing: a TSDU more, before it.  raw: octets for TCP as they are,
    with no TPKT and TPDU around them."""

    action = 'insert'

    def __init__(self, direction, index=None, octets=b'', raw=False, **kw):
        super().__init__(direction, index, octets, **kw)
        self.raw = raw


class Call(Fault):
    """Call function(event); then go on."""

    action = 'call'

    def __init__(self, direction, index=None, function=None, **kw):
        super().__init__(direction, index, **kw)
        self.function = function


class Script:
    """A list of faults, and a log of all events.  Subclass it and override
    consult() for anything else."""

    def __init__(self, *faults):
        self.faults = list(faults)
        self.log = []           # (direction, index, name)

    def consult(self, event):
        self.log.append((event.direction, event.index, event.name))
        for fault in self.faults:
            if fault.fits(event):
                fault.done += 1
                if fault.action != 'call':
                    return fault
                fault.function(event)
        return None

    def names(self, direction):
        """Names of the TSDUs that went by in a direction, in order."""
        return [n for d, _, n in self.log if d == direction]
