# SPDX-License-Identifier: ISC
"""A transparent TCP proxy between two MTAs, that knows where in the protocol
it is and can cut there.

    proxy = Proxy(('127.0.0.1', port), Point('out', name='MIP', nth=3))
    with proxy:
        ... one MTA connects to proxy.port, the proxy to port ...
        proxy.data('out')

Directions are those of the side that connects: 'out' what it sends, 'in'
what it receives.  TSDUs are counted and named as in script.py, with every
connection anew; CR and CC have the index 0.  Of long SPDUs only the headers
are looked at, the octets go on as they come.
"""

import socket
import struct
import threading
import time

from . import session as ss

BEFORE, AFTER = 'before', 'after'
CHUNK = 1 << 18
MAX_HEAD = 1 << 16             # octets of SPDUs to look at, at most


class Point:
    """Where something is to happen, and what.

    direction, index, name, nth: the TSDU, as in script.Fault.
    at: BEFORE, AFTER, a float (of the octets of the TSDU on the wire; of its
    first TPDU if it is not known to be the only one - or of expect octets if
    that is given) or an int of octets.
    connection: the number of the connection, from 1 (None: any).
    action: 'cut' ends both legs; 'rst' with TCP RST; 'hole' stops to forward
    in both directions with both legs open; 'half-out' closes the leg of the
    side that connected and leaves the other open and silent, 'half-in' the
    other way round; 'go' does nothing.
    call: function(proxy, point) called at that point, before the action.
    times: how often (None: always)."""

    def __init__(self, direction, index=None, at=BEFORE, action='cut',
                 name=None, nth=None, connection=None, call=None, expect=None,
                 times=1):
        self.direction = direction
        self.index = index
        self.name = name
        self.nth = nth
        self.at = at
        self.action = action
        self.connection = connection
        self.call = call
        self.expect = expect
        self.times = times
        self.done = 0
        self.hit = threading.Event()

    def fits(self, leg):
        return (leg.direction == self.direction
                and (self.times is None or self.done < self.times)
                and (self.connection is None
                     or self.connection == leg.pair.number)
                and (self.index is None or self.index == leg.index)
                and (self.name is None or self.name in leg.name.split('+'))
                and (self.nth is None
                     or self.nth == leg.names.get(leg.name)))

    def __repr__(self):
        return 'Point(%s index=%s name=%s nth=%s at=%s %s)' % (
            self.direction, self.index, self.name, self.nth, self.at,
            self.action)


class _Stop(Exception):
    """This direction is done."""


class _Leg(threading.Thread):
    """One direction of a connection: reads from a socket, follows the
    protocol, writes to the other.

    The parser is driven with whole buffers.  head is what is needed of
    headers, skip the octets of user data until the next TPKT."""

    def __init__(self, pair, direction, source, sink):
        super().__init__(daemon=True)
        self.pair = pair
        self.proxy = pair.proxy
        self.direction = direction
        self.source = source
        self.sink = sink
        self.index = 0              # of the TSDU under way, or the last
        self.name = ''
        self.names = {}
        self.log = []               # names of the TSDUs, in order
        self.data = 0               # user information octets of DT, forwarded
        self.octets = 0
        self.opaque = False         # not RFC 1006: forward and be silent
        # Where in the protocol the octets end that were forwarded.
        self.in_tsdu = False
        self.first = b''            # beginning of a TSDU whose name is open
        self.is_dt = False
        self.left = 0               # octets left of the TPDU
        self.eot = True
        self.point = None           # a point within this TSDU
        self.until = None           # wire octets of the TSDU until it
        self.carry = b''

    # Sockets.

    def run(self):
        buf = bytearray(CHUNK)
        view = memoryview(buf)
        try:
            while True:
                keep = len(self.carry)
                buf[:keep] = self.carry
                got = self.source.recv_into(view[keep:])
                if not got:
                    if keep:
                        self.send(view[:keep])
                    raise _Stop()
                self.follow(view, keep + got)
        except _Stop:
            self.pair.finished(self)
        except OSError:
            self.pair.broken(self)

    def send(self, octets):
        if not len(octets):
            return
        if self.pair.hole or self.pair.cut or \
                self.pair.frozen not in (None, self):
            return
        self.octets += len(octets)
        if self.pair.tape is not None:
            self.pair.tape.say(self.direction == 'out', octets)
        self.sink.sendall(octets)

    # The protocol.

    def follow(self, view, end):
        """Forward view[:end], stopping where a point is; what is not enough
        for a header waits in carry."""
        if self.opaque:
            self.carry = b''
            self.send(view[:end])
            return
        pos = 0                     # parsed up to here
        sent = 0                    # forwarded up to here
        self.carry = b''
        while pos < end:
            if self.left:
                step = min(self.left, end - pos)
                if self.until is not None and self.until <= step:
                    self.user(self.until)
                    pos += self.until
                    self.left -= self.until
                    self.send(view[sent:pos])
                    sent = pos
                    self.until = None
                    self.strike()
                    continue
                if self.until is not None:
                    self.until -= step
                self.user(step)
                pos += step
                self.left -= step
                if not self.left and self.eot:
                    sent = self.ended(view, sent, pos)
                continue
            # A TPKT and TPDU header: 7 octets of a DT, and for the first DT
            # of a TSDU what is needed for its name.
            need = self.headers(view, pos, end)
            if need is None:
                self.carry = bytes(view[pos:end])
                break
            if self.opaque:
                pos = end
                break
            code, length, head = need
            if not self.in_tsdu:
                sent = self.begun(view, sent, pos, code, length, head)
            self.eot = code != 0xf0 or bool(view[pos + 6] & 0x80)
            # The header itself counts as octets of the TSDU.
            if self.until is not None and self.until < 7:
                self.send(view[sent:pos + self.until])
                sent = pos + self.until
                self.until = None
                self.strike()
            elif self.until is not None:
                self.until -= 7
            pos += 7
            self.left = length - 7
            if not self.left:
                if self.until == 0:
                    self.send(view[sent:pos])
                    sent = pos
                    self.until = None
                    self.strike()
                if self.eot:
                    sent = self.ended(view, sent, pos)
        self.send(view[sent:pos])

    def headers(self, view, pos, end):
        """(TPDU code, length of the TPKT, beginning of the user data)."""
        if end - pos < 7:
            return None
        if view[pos] != 3:
            self.opaque = True
            return 0, 0, b''
        length = view[pos + 2] << 8 | view[pos + 3]
        code = view[pos + 5] & 0xf0
        if length < 7:
            self.opaque = True
            return 0, 0, b''
        if self.in_tsdu or code != 0xf0:
            return code, length, b''
        # The name needs the SPDU headers: the beginning of the TPDU is
        # enough for a DT, the whole TSDU always.
        want = min(length, 64)
        if end - pos < want:
            return None
        head = view[pos + 7:pos + want]
        if self.spdus(head, length == want and view[pos + 6] & 0x80):
            return code, length, head
        head = b''
        while True:
            if end - pos < 7:
                return None
            size = view[pos + 2] << 8 | view[pos + 3]
            if view[pos] != 3 or size < 7 or view[pos + 5] & 0xf0 != 0xf0:
                break
            if end - pos < size:
                return None
            head += bytes(view[pos + 7:pos + size])
            eot = view[pos + 6] & 0x80
            if eot or len(head) > MAX_HEAD or self.spdus(head, eot):
                break
            pos += size
        return code, length, head

    @staticmethod
    def spdus(head, eot=True):
        """(name, octets of SPDU headers in front of the user information or
        None) of a TSDU; None if head, all of it or not, is not enough."""
        names = []
        pos = 0
        try:
            while pos < len(head):
                spdu, after = ss.decode_one(head, pos, not names)
                names.append(spdu.name)
                if spdu.name == 'DT':
                    rest = [n for n in names if n not in ('GT', 'PT')]
                    return '+'.join(rest), after
                pos = after
        except ss.SpduError:
            return None
        if not names or not eot:
            return None
        rest = [n for n in names if n not in ('GT', 'PT')]
        return '+'.join(rest or names[-1:]), None

    def begun(self, view, sent, pos, code, length, head):
        """A TSDU (or another TPDU) begins."""
        self.in_tsdu = True
        self.headlen = 0
        if code == 0xf0:
            self.index += 1
            known = self.spdus(head) if len(head) else None
            self.name, after = known or ('?', None)
            self.is_dt = after is not None
            self.headlen = after or 0
        else:
            self.name = {0xe0: 'CR', 0xd0: 'CC', 0x80: 'DR',
                         0x70: 'ER'}.get(code, '?')
            self.is_dt = False
        self.names[self.name] = self.names.get(self.name, 0) + 1
        self.log.append(self.name)
        for point in self.proxy.points:
            if point.fits(self):
                self.point = point
                total = length
                if isinstance(point.at, float):
                    self.until = int((point.expect or total) * point.at)
                elif isinstance(point.at, int):
                    self.until = point.at
                else:
                    self.until = None
                if point.at == BEFORE or self.until == 0:
                    self.send(view[sent:pos])
                    sent = pos
                    self.until = None
                    self.strike()
                break
        return sent

    def user(self, octets):
        """So many octets of a TPDU after its header."""
        if self.is_dt:
            head = min(self.headlen, octets)
            self.headlen -= head
            self.data += octets - head

    def ended(self, view, sent, pos):
        """The TSDU ends at pos."""
        self.in_tsdu = False
        point = self.point
        if point is not None:
            # AFTER; or it was shorter than the octets asked for.  No answer
            # to it is to pass.
            if point.action != 'go':
                self.pair.frozen = self
            self.send(view[sent:pos])
            sent = pos
            self.until = None
            self.strike()
        return sent

    def strike(self):
        """The octets up to the point are forwarded: do it."""
        point, self.point = self.point, None
        point.done += 1
        self.proxy.struck.append((self.pair.number, self.direction,
                                  self.index, self.name))
        if point.call is not None:
            point.call(self.proxy, point)
        point.hit.set()
        if point.action != 'go':
            self.pair.act(point.action)


class _Pair:
    """A connection through the proxy: two sockets, two directions."""

    def __init__(self, proxy, number, client, server):
        self.proxy = proxy
        self.number = number
        self.client = client
        self.server = server
        self.hole = False           # forward nothing any more
        self.cut = False            # ended
        self.frozen = None          # the leg that alone may still forward
        self.left = 2
        self.lock = threading.Lock()
        self.tape = proxy.recorder.connection() if proxy.recorder else None
        self.out = _Leg(self, 'out', client, server)
        self.back = _Leg(self, 'in', server, client)
        self.legs = {'out': self.out, 'in': self.back}

    def start(self):
        self.out.start()
        self.back.start()

    def act(self, action):
        if action == 'hole':
            self.hole = True
            return
        if action.startswith('half'):
            self.hole = True
            self._end(self.client if action == 'half-out' else self.server)
            return
        self.cut = True
        for sock in (self.client, self.server):
            if action == 'rst':
                self._end(sock, True)
                continue
            # What was forwarded has to arrive, and then the end: so what
            # still comes is read and forgotten.
            try:
                sock.shutdown(socket.SHUT_WR)
                sock.settimeout(1.0)
            except OSError:
                pass

    @staticmethod
    def _end(sock, reset=False):
        try:
            if reset:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                struct.pack('ii', 1, 0))
                sock.close()
            else:
                sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def finished(self, leg):
        """The source of a direction has ended: so does its sink."""
        if not self.hole:
            try:
                leg.sink.shutdown(socket.SHUT_WR)
            except OSError:
                pass
        self._one_less()

    def broken(self, leg):
        if not self.hole:
            self._end(self.client)
            self._end(self.server)
        self._one_less()

    def _one_less(self):
        with self.lock:
            self.left -= 1
            last = self.left == 0
        if last and not self.hole:
            self.close()

    def close(self):
        for sock in (self.client, self.server):
            self._end(sock)
            sock.close()
        if self.tape is not None:
            self.tape.end()
        self.proxy.notify()


class Proxy:
    """Listens on a port of its own and connects each client to target.

    points may be changed while it runs (add(), clear()).  recorder: a
    pcap.Recorder for the octets passed."""

    def __init__(self, target, *points, host='127.0.0.1', port=0,
                 recorder=None):
        self.target = ('127.0.0.1', target) if isinstance(target, int) \
            else target
        self.points = list(points)
        self.host, self.want_port = host, port
        self.recorder = recorder
        self.port = None
        self.pairs = []
        self.struck = []            # points that were reached
        self.refusing = False       # close new connections at once
        self.stopping = False
        self.changed = threading.Condition()

    def start(self):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((self.host, self.want_port))
        self.listener.listen(512)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def stop(self):
        self.stopping = True
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        for pair in list(self.pairs):
            pair.close()

    def __enter__(self):
        return self if self.port is not None else self.start()

    def __exit__(self, *exc):
        self.stop()

    def add(self, *points):
        self.points = self.points + list(points)

    def clear(self):
        self.points = []

    def notify(self):
        with self.changed:
            self.changed.notify_all()

    def _accept(self):
        while not self.stopping:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            if self.refusing:
                client.close()
                continue
            try:
                server = socket.create_connection(self.target, 10)
                server.settimeout(None)
            except OSError:
                client.close()
                continue
            for sock in (client, server):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pair = _Pair(self, len(self.pairs) + 1, client, server)
            self.pairs.append(pair)
            pair.start()
            self.notify()

    # What went by.

    def _legs(self, direction, connection):
        pairs = self.pairs if connection is None \
            else [self.pairs[connection - 1]]
        return [pair.legs[direction] for pair in pairs]

    def data(self, direction, connection=None):
        """User information octets of DT SPDUs forwarded: of one connection
        (from 1), or of all."""
        return sum(leg.data for leg in self._legs(direction, connection))

    def octets(self, direction, connection=None):
        """Octets of TCP forwarded."""
        return sum(leg.octets for leg in self._legs(direction, connection))

    def names(self, direction, connection=None):
        """Names of the TSDUs, in order."""
        return [name for leg in self._legs(direction, connection)
                for name in leg.log]

    def cut(self, action='cut'):
        """End what is connected now."""
        for pair in list(self.pairs):
            if pair.left and not pair.cut:
                pair.act(action)

    def release(self):
        """Close the legs that points left open and silent."""
        for pair in list(self.pairs):
            if pair.hole:
                pair.close()

    def wait(self, condition, timeout=10.0):
        """Until condition() holds; looked at every few milliseconds."""
        deadline = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError('proxy: %s' % [
                    (p.number, p.out.log[-3:], p.back.log[-3:])
                    for p in self.pairs])
            with self.changed:
                self.changed.wait(0.005)


__all__ = ['AFTER', 'BEFORE', 'Point', 'Proxy']
