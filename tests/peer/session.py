# SPDX-License-Identifier: ISC
"""X.225: SPDUs to octets and back, and a session connection that sends and
receives them over cotp.Transport under a script.

An SPDU is its SI, its parameters in order, and user information (DT, TD).
The codec keeps order and values, so that what it decodes it encodes again to
the same octets (as long as length indicators are of the shortest form).
"""

import time

from . import script as scripts
from .tpkt import Lost, ProtocolError, Timeout

# SPDU identifiers.  Some are shared; decode() tells them apart.
SI = {
    'ER': 0, 'DT': 1, 'GT': 1, 'PT': 2, 'EX': 5, 'PR': 7, 'NF': 8, 'FN': 9,
    'DN': 10, 'RF': 12, 'CN': 13, 'AC': 14, 'CDO': 15, 'OA': 16, 'GTC': 21,
    'GTA': 22, 'AB': 25, 'AI': 25, 'AA': 26, 'AIA': 26, 'AR': 29, 'TD': 33,
    'RA': 34, 'MAP': 41, 'AE': 41, 'MAA': 42, 'AEA': 42, 'AS': 45, 'ED': 48,
    'MIP': 49, 'MIA': 50, 'RS': 53, 'AD': 57, 'ADA': 58, 'CD': 61, 'CDA': 62,
}
ALONE = {1: 'GT', 2: 'PT', 5: 'EX', 7: 'PR', 8: 'NF', 9: 'FN', 10: 'DN',
         12: 'RF', 13: 'CN', 14: 'AC', 15: 'CDO', 16: 'OA', 21: 'GTC',
         22: 'GTA', 25: 'AB', 26: 'AA', 33: 'TD'}
CATEGORY2 = {0: 'ER', 1: 'DT', 25: 'AI', 26: 'AIA', 29: 'AR', 34: 'RA',
             41: 'AE', 42: 'AEA', 45: 'AS', 48: 'ED', 49: 'MIP', 50: 'MIA',
             53: 'RS', 57: 'AD', 58: 'ADA', 61: 'CD', 62: 'CDA'}
CATEGORY2_NAMES = set(CATEGORY2.values()) | {'MAP', 'MAA'}

# Parameter identifiers, and parameter group identifiers.
CONNECTION_ID, CONNECT_ITEM, LINKING = 1, 5, 33
CALLED_REF, CALLING_REF, COMMON_REF, ADDITIONAL_REF = 9, 10, 11, 12
SYNC_TYPE, TOKEN, TRANSPORT_DISCONNECT, PROTOCOL_OPTIONS = 15, 16, 17, 19
REQUIREMENTS, TSDU_SIZE, VERSION, INITIAL_SERIAL = 20, 21, 22, 23
PREPARE_TYPE, ENCLOSURE, TOKEN_SETTING = 24, 25, 26
ACTIVITY, SERIAL, MIA_DATA, REFLECT, REASON = 41, 42, 46, 49, 50
CALLING_SEL, CALLED_SEL, USER_DATA, EXTENDED_DATA = 51, 52, 193, 194
GROUPS = {CONNECTION_ID, CONNECT_ITEM, LINKING}

# Session user requirements.
HALF_DUPLEX, MINOR, ACTIVITIES, EXCEPTIONS = 0x001, 0x008, 0x040, 0x200
RTS_REQUIREMENTS = HALF_DUPLEX | MINOR | ACTIVITIES | EXCEPTIONS

# Token item: data, minor, major/activity.
DATA_TOKEN, ALL_TOKENS = 0x01, 0x15

MAX_COLLECTED = 1 << 22         # octets of a TSDU other than DT


class SpduError(ProtocolError):
    """Octets that are no SPDU."""


class Spdu:
    """params: (PI, value) in order; the value of a group is such a list."""

    __slots__ = ('name', 'params', 'data')

    def __init__(self, name, params=(), data=b''):
        self.name = name
        self.params = list(params)
        self.data = data

    def get(self, *path):
        """Value of a parameter (of a group, and of a parameter in it)."""
        params = self.params
        for number, wanted in enumerate(path):
            for pi, value in params:
                if pi == wanted:
                    break
            else:
                return None
            if number + 1 == len(path):
                return value
            params = value
        return None

    def serial(self):
        """The serial number, as a number."""
        return serial_number(self.get(SERIAL))

    def user_data(self):
        value = self.get(USER_DATA)
        return self.get(EXTENDED_DATA) if value is None else value

    def __repr__(self):
        return '<%s %s%s>' % (self.name, self.params, ' +%d' % len(self.data)
                              if self.data else '')

    def __eq__(self, other):
        return (self.name, self.params, bytes(self.data)) == \
            (other.name, other.params, bytes(other.data))


def serial_number(digits):
    if digits is None or not 1 <= len(digits) <= 6 or not digits.isdigit():
        raise SpduError('bad serial number %r' % digits)
    return int(digits)


def _li(n):
    if n < 255:
        return bytes((n,))
    if n > 0xffff:
        raise ValueError('%d octets are too many for a parameter' % n)
    return b'\xff' + n.to_bytes(2, 'big')


def _params(params):
    out = []
    for pi, value in params:
        if isinstance(value, (list, tuple)):
            value = _params(value)
        out.append(bytes((pi,)) + _li(len(value)) + value)
    return b''.join(out)


def encode_header(spdu):
    """SI, LI and parameters."""
    params = _params(spdu.params)
    return bytes((SI[spdu.name],)) + _li(len(params)) + params


def encode(spdu):
    return encode_header(spdu) + bytes(spdu.data)


def _read_li(buf, pos, end):
    if pos >= end:
        raise SpduError('no length indicator')
    if buf[pos] != 255:
        return buf[pos], pos + 1
    if pos + 3 > end:
        raise SpduError('length indicator cut short')
    return buf[pos + 1] << 8 | buf[pos + 2], pos + 3


def _read_params(buf, pos, end, group=False):
    out = []
    while pos < end:
        pi = buf[pos]
        length, pos = _read_li(buf, pos + 1, end)
        if pos + length > end:
            raise SpduError('parameter %d cut short' % pi)
        if pi in GROUPS and not group:
            out.append((pi, _read_params(buf, pos, pos + length, True)))
        else:
            out.append((pi, bytes(buf[pos:pos + length])))
        pos += length
    return out


def decode_one(buf, pos, first, end=None):
    """(SPDU at pos, where its user information begins or the next SPDU)."""
    end = len(buf) if end is None else end
    if pos >= end:
        raise SpduError('no SPDU')
    si = buf[pos]
    length, start = _read_li(buf, pos + 1, end)
    if start + length > end:
        raise SpduError('SPDU %d cut short' % si)
    params = _read_params(buf, start, start + length)
    # A category 2 SPDU with nothing in front of it is wrong but clear.
    name = ALONE.get(si) if first else None
    if name is None:
        name = 'PT' if si == 2 else CATEGORY2.get(si)
    if name is None:
        raise SpduError('unknown SPDU identifier %d' % si)
    if si in (41, 42):
        # PI 15 with bit 1: not the end of an activity.
        for pi, value in params:
            if pi == SYNC_TYPE and value and value[-1] & 1:
                name = 'MAP' if si == 41 else 'MAA'
    return Spdu(name, params), start + length


def decode(tsdu):
    """The SPDUs of a TSDU."""
    spdus = []
    pos = 0
    while True:
        spdu, pos = decode_one(tsdu, pos, not spdus)
        spdus.append(spdu)
        if spdu.name in ('DT', 'TD'):
            spdu.data = bytes(tsdu[pos:])
            return spdus
        if pos == len(tsdu):
            return spdus
        # After GT and PT, and in extended concatenation, more may follow.
        if spdu.name not in ('GT', 'PT') and \
                spdu.name not in CATEGORY2_NAMES:
            raise SpduError('%d octets after %s'
                            % (len(tsdu) - pos, spdu.name))


def unit_name(spdus):
    """Name of a TSDU for scripts: what follows the GT or PT in it."""
    names = [s.name for s in spdus if s.name not in ('GT', 'PT')]
    return '+'.join(names or [spdus[-1].name])


def user_data_params(data, extended=False):
    """User data, as the version in force allows it."""
    if not data:
        return []
    return [(EXTENDED_DATA if extended else USER_DATA, data)]


class Session:
    """A session connection: SPDUs out and in, counted, under a script.

    receive() returns the SPDUs of a TSDU.  User information of DT goes to
    data_sink(buffer) as it comes in, before receive() returns; the SPDUs in
    front of it have gone to early(spdus) before that, and only the DT is
    returned."""

    def __init__(self, transport, script=None, timeout=10.0):
        self.transport = transport
        self.script = script or scripts.Script()
        self.timeout = timeout
        self.counts = {'in': 0, 'out': 0}
        self.names = {}
        self.swapped = None             # an outgoing TSDU held back
        self.pending = []               # incoming TSDUs to be taken next
        self.held = None                # an incoming TSDU held back
        self.data_sink = None
        self.early = None
        self.estimate = 0               # octets expected of a long DT
        self.sent = []                  # names of the TSDUs sent
        self.received = []
        self.prefix_seen = None         # 'GT', 'PT', None of the last TSDU

    def _event(self, direction, name, octets, length, index=None):
        if index is None:
            self.counts[direction] += 1
            index = self.counts[direction]
        key = direction, name
        self.names[key] = self.names.get(key, 0) + 1
        (self.sent if direction == 'out' else self.received).append(name)
        return scripts.Event(direction, index, name, self.names[key],
                             octets, length, self)

    def cut(self, fault, why):
        self.transport.close('linger' if fault.how == 'fin' else fault.how)
        raise Lost('cut by script %s' % why)

    @staticmethod
    def stall(fault):
        if fault.until is not None:
            fault.until.wait(fault.seconds)
        elif fault.seconds:
            time.sleep(fault.seconds)

    # CR and CC, which have the index 0.

    def connect(self, **kw):
        event = self._event('out', 'CR', b'', 7, 0)
        fault = self.script.consult(event)
        if fault is not None:
            if fault.action == 'stall':
                self.stall(fault)
            elif fault.action == 'cut':
                if fault.at == scripts.AFTER:
                    self.transport.request(limit=1 << 16, **kw)
                elif fault.amount(22):
                    self.transport.request(limit=fault.amount(22), **kw)
                self.cut(fault, event)
        self.transport.request(timeout=self.timeout, **kw)
        event = self._event('in', 'CC', b'', 7, 0)
        self._incoming_cut(event)

    def accept(self, **kw):
        self.transport.indication(self.timeout)
        self._incoming_cut(self._event('in', 'CR', b'', 7, 0))
        event = self._event('out', 'CC', b'', 7, 0)
        fault = self.script.consult(event)
        if fault is not None:
            if fault.action == 'stall':
                self.stall(fault)
            elif fault.action == 'cut':
                if fault.at == scripts.AFTER:
                    self.transport.response(limit=1 << 16, **kw)
                elif fault.amount(22):
                    self.transport.response(limit=fault.amount(22), **kw)
                self.cut(fault, event)
        self.transport.response(**kw)

    def _incoming_cut(self, event):
        fault = self.script.consult(event)
        if fault is None:
            return
        if fault.action == 'stall':
            self.stall(fault)
        elif fault.action == 'cut':
            self.cut(fault, event)

    # Sending.

    def send(self, *spdus, prefix=None, data=b''):
        """Send SPDUs as one TSDU, prefix ('GT', 'PT' or None) in front;
        data is user information for the last, which is DT or TD."""
        head = b''.join(map(encode_header, spdus))
        if prefix is not None:
            head = bytes((SI[prefix], 0)) + head
        if not data and spdus[-1].data:
            data = spdus[-1].data
        self.send_tsdu(head, data, unit_name(spdus))

    def send_tsdu(self, head, data=b'', name='raw'):
        """Send a TSDU, whatever it says."""
        whole = head
        if data and not hasattr(data, 'buffers') and len(data) <= 65536:
            whole = head + bytes(data)
        event = self._event('out', name, whole, len(head) + len(data))
        fault = self.script.consult(event)
        if fault is None:
            if self.swapped is None:
                self.transport.send_tsdu(head, data)
            else:
                held, self.swapped = self.swapped, None
                self.transport.send_tsdu(head, data)
                self.transport.send_tsdu(*held)
            return
        action = fault.action
        if action == 'cut':
            total = self.transport.wire_length(len(head) + len(data))
            amount = fault.amount(total)
            if amount:
                self.transport.send_tsdu(
                    head, data, None if amount == total else amount)
            self.cut(fault, event)
        elif action == 'stall':
            self.stall(fault)
            self.transport.send_tsdu(head, data)
        elif action == 'drop':
            pass
        elif action == 'dup':
            self.transport.send_tsdu(head, data)
            self.transport.send_tsdu(head, data)
        elif action == 'swap':
            self.swapped = head, data
        elif action == 'replace':
            for tsdu in fault.tsdus(whole):
                self.transport.send_tsdu(tsdu)
        elif action == 'insert':
            for tsdu in fault.tsdus(whole):
                if fault.raw:
                    self.transport.write([tsdu])
                else:
                    self.transport.send_tsdu(tsdu)
            self.transport.send_tsdu(head, data)
        else:
            raise ValueError('what is %r?' % action)

    # Receiving.

    def readable(self, timeout=0):
        return bool(self.pending) or self.transport.readable(timeout)

    def receive(self, timeout=None, wait=True):
        """SPDUs of the next TSDU that the script lets through.  wait False:
        none, if the one that came was not let through."""
        timeout = self.timeout if timeout is None else timeout
        while True:
            if self.pending:
                return self._take(self.pending.pop(0))
            spdus = self._receive(timeout)
            if spdus is not None:
                return spdus
            if not wait:
                return []

    def _take(self, tsdu):
        spdus = decode(tsdu)
        self._prefix(spdus)
        return self._sunk(spdus)

    def _early(self, spdus):
        if self.early is not None and len(spdus) > 1:
            self.early(spdus[:-1])
            return spdus[-1:]
        return spdus

    def _sunk(self, spdus):
        if spdus[-1].name == 'DT' and self.data_sink is not None:
            spdus = self._early(spdus)
            self.data_sink(spdus[-1].data)
            spdus[-1].data = b''
        return spdus

    def _prefix(self, spdus):
        self.prefix_seen = spdus[0].name \
            if len(spdus) > 1 and spdus[0].name in ('GT', 'PT') else None

    def _receive(self, timeout):
        first, eot = self.transport.fragment(timeout)
        if not eot:
            # Tiny TPDUs: collect until it is clear what this is.
            spdus = self._dt_header(first)
            if spdus is None:
                first = bytearray(first)
                while not eot and spdus is None:
                    more, eot = self.transport.fragment(timeout)
                    first += more
                    if len(first) > MAX_COLLECTED:
                        raise SpduError('TSDU of more than %d octets'
                                        % MAX_COLLECTED)
                    if not eot:
                        spdus = self._dt_header(first)
            if not eot:
                return self._long_dt(spdus, first, timeout)
        spdus = decode(first)
        event = self._event('in', unit_name(spdus), first, len(first))
        fault = self.script.consult(event)
        if fault is not None:
            spdus = self._incoming(fault, event, spdus, bytes(first))
            if spdus is None:
                return None
        elif self.held is not None:
            self.pending.append(self.held)
            self.held = None
        self._prefix(spdus)
        return self._sunk(spdus)

    @staticmethod
    def _dt_header(buf):
        """SPDUs up to and with the header of DT, its user information (what
        there is of it) as data; None if that is not there (yet)."""
        spdus = []
        pos = 0
        try:
            while True:
                spdu, pos = decode_one(buf, pos, not spdus)
                spdus.append(spdu)
                if spdu.name == 'DT':
                    spdu.data = buf[pos:]
                    return spdus
        except SpduError:
            return None

    def _incoming(self, fault, event, spdus, tsdu):
        action = fault.action
        if action == 'cut':
            if self.data_sink is not None and spdus[-1].name == 'DT':
                data = spdus[-1].data
                amount = fault.amount(len(tsdu)) - len(tsdu) + len(data)
                if amount > 0:
                    self.data_sink(data[:amount])
            self.cut(fault, event)
        if action == 'stall':
            self.stall(fault)
            return spdus
        if action == 'drop':
            return None
        if action == 'dup':
            self.pending.append(tsdu)
            return spdus
        if action == 'swap':
            self.held = tsdu
            return None
        if action == 'replace':
            self.pending.extend(fault.tsdus(tsdu))
            return None
        raise ValueError('%r of an incoming TSDU' % action)

    def _long_dt(self, spdus, first, timeout):
        dt = spdus[-1]
        header = len(first) - len(dt.data)
        event = self._event('in', unit_name(spdus), bytes(first), None)
        fault = self.script.consult(event)
        limit = None
        if fault is not None:
            if fault.action == 'cut':
                limit = None if fault.at == scripts.AFTER else max(
                    fault.amount(self.estimate or len(first)) - header, 0)
            elif fault.action == 'stall':
                self.stall(fault)
            else:
                raise ValueError('%s of a DT of many TPDUs' % fault)
        data = bytes(dt.data)
        dt.data = b''
        self._prefix(spdus)
        spdus = self._early(spdus)
        sink = self.data_sink or (lambda data: None)
        got = 0
        eot = False
        while True:
            if limit is not None and got + len(data) >= limit:
                sink(data[:limit - got])
                self.cut(fault, event)
            sink(data)
            got += len(data)
            if eot:
                break
            data, eot = self.transport.fragment(timeout)
        if fault is not None and fault.action == 'cut':
            self.cut(fault, event)
        if self.held is not None:
            self.pending.append(self.held)
            self.held = None
        return spdus

    def close(self, how='fin'):
        self.transport.close(how)


def connection_id_params(calling, common, additional, called=None):
    """PGI 1, or the references of linking information: encoded values."""
    out = []
    if called is not None:
        out.append((CALLED_REF, called))
    if calling is not None:
        out.append((CALLING_REF, calling))
    if common is not None:
        out.append((COMMON_REF, common))
    if additional is not None:
        out.append((ADDITIONAL_REF, additional))
    return out


def connect_spdu(identifier, version, requirements, user_data, tokens=0,
                 calling_sel=None, called_sel=None, tsdu_size=None):
    """CN.  identifier: parameters of PGI 1; version: bits 1 and 2."""
    item = [(PROTOCOL_OPTIONS, b'\0')]
    if tsdu_size is not None:
        item.append((TSDU_SIZE, tsdu_size.to_bytes(4, 'big')))
    item.append((VERSION, bytes((version,))))
    item.append((TOKEN_SETTING, bytes((tokens,))))
    params = [(CONNECTION_ID, identifier), (CONNECT_ITEM, item),
              (REQUIREMENTS, requirements.to_bytes(2, 'big'))]
    if calling_sel is not None:
        params.append((CALLING_SEL, calling_sel))
    if called_sel is not None:
        params.append((CALLED_SEL, called_sel))
    extended = version == 2 and len(user_data) > 512
    return Spdu('CN', params + user_data_params(user_data, extended))


def accept_spdu(identifier, version, requirements, user_data, tokens=0):
    """AC.  identifier: parameters of PGI 1, called reference among them."""
    item = [(PROTOCOL_OPTIONS, b'\0'), (VERSION, bytes((version,))),
            (TOKEN_SETTING, bytes((tokens,)))]
    params = [(CONNECTION_ID, identifier), (CONNECT_ITEM, item),
              (REQUIREMENTS, requirements.to_bytes(2, 'big'))]
    return Spdu('AC', params + user_data_params(user_data))


def refuse_spdu(identifier, version, reason, user_data=b''):
    """RF.  The user data follows the reason, in the same parameter."""
    return Spdu('RF', [(CONNECTION_ID, identifier),
                       (TRANSPORT_DISCONNECT, b'\x01'),
                       (REQUIREMENTS, RTS_REQUIREMENTS.to_bytes(2, 'big')),
                       (VERSION, bytes((version,))),
                       (REASON, bytes((reason,)) + user_data)])


def abort_spdu(user_data=b'', flags=3, reflect=None):
    """AB.  flags: 1 release transport, 2 user, 4 protocol error, 8 none."""
    params = [(TRANSPORT_DISCONNECT, bytes((flags,)))]
    if reflect is not None:
        params.append((REFLECT, reflect))
    return Spdu('AB', params + user_data_params(user_data))


def serial_spdu(name, serial, width=0):
    """MIP, MIA, AE, AEA."""
    return Spdu(name, [(SERIAL, b'%0*d' % (width, serial))])


def activity_start_spdu(activity):
    return Spdu('AS', [(ACTIVITY, activity)])


def activity_resume_spdu(new, old, serial, link=(), width=0):
    """AR.  link: references of the old connection, from
    connection_id_params, if it is on another."""
    return Spdu('AR', [(LINKING, list(link) + [
        (ACTIVITY, old), (SERIAL, b'%0*d' % (width, serial))]),
        (ACTIVITY, new)])


def reason_spdu(name, reason=None, user_data=b''):
    """AI, AD, ED."""
    params = [] if reason is None else [(REASON, bytes((reason,)))]
    return Spdu(name, params + user_data_params(user_data))


__all__ = [n for n in dir() if not n.startswith('_')] + ['Timeout']
