# SPDX-License-Identifier: ISC
"""X.224 class 0 over RFC 1006: CR, CC, DR, DT, ER TPDUs."""

import itertools
import os

from .tpkt import Lost, ProtocolError, Tpkt

CR, CC, DR, DT, ER = 0xe0, 0xd0, 0x80, 0xf0, 0x70
NAMES = {CR: 'CR', CC: 'CC', DR: 'DR', DT: 'DT', ER: 'ER'}

P_SIZE, P_CALLING, P_CALLED, P_PREFERRED = 0xc0, 0xc1, 0xc2, 0xf0
DT_MORE, DT_EOT = b'\x02\xf0\x00', b'\x02\xf0\x80'

# RFC 1006: a TPDU is at most 65531 octets, the header of DT among them; a
# little less suits implementations that count otherwise.
MAX_USER = 65524

_references = itertools.count(os.getpid() * 7)


def reference():
    return next(_references) % 0xffff + 1


class Refused(Exception):
    """The transport connection was refused; reason of the DR TPDU."""

    def __init__(self, reason):
        super().__init__('DR reason %d' % reason)
        self.reason = reason


class Tpdu:
    """CR, CC, DR or ER as decoded; parameters maps code to value."""

    __slots__ = ('code', 'dst', 'src', 'option', 'parameters')


def parameters(octets):
    out = {}
    pos = 0
    while pos < len(octets):
        if pos + 2 > len(octets) or pos + 2 + octets[pos + 1] > len(octets):
            raise ProtocolError('TPDU parameter cut short')
        out[octets[pos]] = bytes(octets[pos + 2:pos + 2 + octets[pos + 1]])
        pos += 2 + octets[pos + 1]
    return out


def decode(packet):
    """A TPDU other than DT."""
    if len(packet) < 5 or packet[0] + 1 > len(packet):
        raise ProtocolError('bad TPDU %s' % bytes(packet[:16]).hex())
    tpdu = Tpdu()
    tpdu.code = packet[1] & 0xf0
    tpdu.dst = packet[2] << 8 | packet[3]
    if tpdu.code == ER:
        tpdu.src, tpdu.option = None, packet[4]
        tpdu.parameters = parameters(packet[5:packet[0] + 1])
        return tpdu
    if packet[0] < 6 or tpdu.code not in (CR, CC, DR):
        raise ProtocolError('bad TPDU %s' % bytes(packet[:16]).hex())
    tpdu.src = packet[4] << 8 | packet[5]
    tpdu.option = packet[6]
    tpdu.parameters = parameters(packet[7:packet[0] + 1])
    return tpdu


def encode(code, dst, src, option, params=()):
    """CR, CC, DR: option is class and options, or the reason of DR."""
    tail = b''.join(bytes((c, len(v))) + v for c, v in params)
    return bytes((6 + len(tail), code)) + dst.to_bytes(2, 'big') + \
        src.to_bytes(2, 'big') + bytes((option,)) + tail


class Transport(Tpkt):
    """A transport connection.  TSDUs go out whole and come in as fragments.

    max_user: octets of user data of a DT TPDU sent (after negotiation);
    sizes: if given, lengths of the DT TPDUs of each TSDU, the rest as
    max_user says; zero_last: the last DT of each TSDU is an empty one."""

    def __init__(self, sock, record=None, reserved=0, max_user=MAX_USER,
                 sizes=None, zero_last=False):
        super().__init__(sock, record, reserved)
        self.max_user = max_user
        self.sizes = sizes
        self.zero_last = zero_last
        self.peer_cr = self.peer_cc = None
        self.local = reference()

    # Connecting.

    def send_tpdu(self, octets, limit=None):
        self.write([self.header(len(octets)) + octets], limit)

    def _negotiated(self, params):
        if P_PREFERRED in params:
            size = int.from_bytes(params[P_PREFERRED], 'big') * 128
        elif P_SIZE in params and len(params[P_SIZE]) == 1:
            size = 1 << params[P_SIZE][0]
        else:
            return
        self.max_user = min(self.max_user, size - 3)

    def request(self, calling=None, called=None, size=None, preferred=None,
                extra=(), timeout=None, limit=None):
        """T-CONNECT as the initiator.  size: log2 of the TPDU size;
        preferred: in units of 128 octets."""
        params = []
        if size is not None:
            params.append((P_SIZE, bytes((size,))))
        if calling is not None:
            params.append((P_CALLING, calling))
        if called is not None:
            params.append((P_CALLED, called))
        if preferred is not None:
            params.append((P_PREFERRED, preferred.to_bytes(
                (preferred.bit_length() + 7) // 8, 'big')))
        params.extend(extra)
        self.send_tpdu(encode(CR, 0, self.local, 0, params), limit)
        if limit is not None:
            return None
        tpdu = decode(self.read(timeout))
        if tpdu.code == DR:
            self.close()
            raise Refused(tpdu.option)
        if tpdu.code != CC:
            raise ProtocolError('%s for CR' % NAMES.get(tpdu.code))
        if tpdu.option & 0xf0:
            raise ProtocolError('CC of class %d' % (tpdu.option >> 4))
        if tpdu.dst != self.local:
            raise ProtocolError('CC for reference %04x, not %04x'
                                % (tpdu.dst, self.local))
        self.peer_cc = tpdu
        self._negotiated(tpdu.parameters)
        return tpdu

    def indication(self, timeout=None):
        """The CR the other side begins with."""
        tpdu = decode(self.read(timeout))
        if tpdu.code != CR:
            raise ProtocolError('%s, not CR' % NAMES.get(tpdu.code))
        self.peer_cr = tpdu
        return tpdu

    def response(self, size=None, refuse=None, limit=None):
        """Answer it: CC, or DR with the reason refuse.  size: log2 of the
        largest TPDU we want."""
        offered = self.peer_cr.parameters
        if refuse is not None:
            self.send_tpdu(encode(DR, self.peer_cr.src, 0, refuse), limit)
            return
        params = []
        if P_SIZE in offered and len(offered[P_SIZE]) == 1:
            code = offered[P_SIZE][0]
            if not 7 <= code <= 13:
                code = 7
            params.append((P_SIZE, bytes((min(code, size or 13),))))
        elif size is not None and P_PREFERRED not in offered:
            params.append((P_SIZE, bytes((size,))))
        for code in (P_CALLING, P_CALLED):
            if code in offered:
                params.append((code, offered[code]))
        if P_PREFERRED in offered:
            params = [p for p in params if p[0] != P_SIZE]
            params.append((P_PREFERRED, offered[P_PREFERRED]))
        self._negotiated(dict(params))
        self.send_tpdu(encode(CC, self.peer_cr.src, self.local, 0, params),
                       limit)

    # TSDUs.

    def _slices(self, length):
        """Lengths of the DT TPDUs of a TSDU."""
        out = []
        for size in self.sizes or ():
            if size >= length:
                break
            out.append(size)
            length -= size
        while length > self.max_user:
            out.append(self.max_user)
            length -= self.max_user
        out.append(length)
        if self.zero_last and length:
            out.append(0)
        return out

    def wire_length(self, length):
        """Octets of TCP that a TSDU takes."""
        return length + 7 * len(self._slices(length))

    def send_tsdu(self, head, payload=b'', limit=None):
        """Send head and payload (a buffer, or an object with a length and
        buffers(offset, length)) as a TSDU; the first limit octets on the
        wire only, if given."""
        length = len(head) + len(payload)
        if length <= self.max_user and not self.sizes and not self.zero_last:
            if not hasattr(payload, 'buffers'):
                frame = self.header(length + 3) + DT_EOT + head
                if len(payload) < 4096:
                    self.write([frame + payload], limit)
                else:
                    self.write([frame, payload], limit)
                return
        slices = self._slices(length)
        more = self.header(self.max_user + 3) + DT_MORE
        parts = []
        held = pos = 0
        for number, size in enumerate(slices):
            if number + 1 == len(slices):
                parts.append(self.header(size + 3) + DT_EOT)
            elif size == self.max_user:
                parts.append(more)
            else:
                parts.append(self.header(size + 3) + DT_MORE)
            parts.extend(self._gather(head, payload, pos, size))
            pos += size
            held += size + 7
            if held >= 1 << 20:
                if limit is not None:
                    if limit <= held:
                        break
                    limit -= held
                self.write(parts)
                parts, held = [], 0
        if parts:
            self.write(parts, limit)

    @staticmethod
    def _gather(head, payload, pos, size):
        out = []
        if pos < len(head) and size:
            out.append(head[pos:pos + size])
            size -= len(out[0])
            pos += len(out[0])
        if size:
            pos -= len(head)
            if hasattr(payload, 'buffers'):
                out.extend(payload.buffers(pos, size))
            else:
                out.append(memoryview(payload)[pos:pos + size])
        return out

    def fragment(self, timeout=None):
        """(user data of the next DT TPDU, whether it ends its TSDU)."""
        packet = self.read(timeout)
        if packet[1] & 0xf0 != DT:
            tpdu = decode(packet)
            name = NAMES.get(tpdu.code, '%02x' % tpdu.code)
            if tpdu.code == DR:
                raise Lost('DR reason %d' % tpdu.option)
            raise ProtocolError('%s TPDU %s while connected'
                                % (name, bytes(packet).hex()))
        if packet[0] != 2 or packet[2] & 0x7f:
            raise ProtocolError('bad DT header %s' % bytes(packet[:8]).hex())
        return packet[3:], bool(packet[2] & 0x80)
