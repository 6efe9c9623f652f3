# SPDX-License-Identifier: ISC
"""A TCP link between two MTAs that can be slow, be cut, and be watched.

Link listens on a loopback port and connects each connection to its target.
What passes is taken apart as far as the session layer (RFC 1006, X.224,
X.225): an Event for each TPDU other than DT and for each SPDU, and a count of
the octets of S-DATA.  'out' is the direction of the connecting side, 'in'
the other.
"""

import os
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..'))

from peer import session                                        # noqa: E402

TPDU = {0xe0: 'CR', 0xd0: 'CC', 0x80: 'DR', 0x70: 'ER'}
HEAD_MAX = 1 << 17              # octets of a TSDU other than DT


class Event:
    """name: of the SPDU or TPDU; spdu: decoded (None for a TPDU); data:
    octets of S-DATA that went before it in this direction of this
    connection; when: time.monotonic()."""

    __slots__ = ('connection', 'direction', 'name', 'spdu', 'data', 'when')

    def __init__(self, connection, direction, name, spdu, data):
        self.connection = connection
        self.direction = direction
        self.name = name
        self.spdu = spdu
        self.data = data
        self.when = time.monotonic()


class Watcher:
    """Takes one direction of one connection apart as it comes."""

    def __init__(self, connection, direction, report):
        self.connection = connection
        self.direction = direction
        self.report = report
        self.buf = bytearray()
        self.left = 0           # octets of the DT TPDU still to come
        self.eot = False
        self.head = bytearray() # beginning of the TSDU
        self.in_data = False    # this TSDU is S-DATA and past its header
        self.data = 0           # octets of S-DATA

    def event(self, name, spdu=None):
        self.report(Event(self.connection, self.direction, name, spdu,
                          self.data))

    def feed(self, octets):
        buf = self.buf
        buf += octets
        pos = 0
        while True:
            if self.left:
                n = min(self.left, len(buf) - pos)
                if not n:
                    break
                self.left -= n
                if self.in_data:
                    self.data += n
                else:
                    self.head += buf[pos:pos + n]
                    self.begin()
                pos += n
                if not self.left and self.eot:
                    self.end()
                continue
            if len(buf) - pos < 7:
                break
            version, _, length, li, code, nr = struct.unpack_from(
                '>BBHBBB', buf, pos)
            if version != 3 or length < 7:
                raise ValueError('no TPKT: %s' % buf[pos:pos + 7].hex())
            if code & 0xf0 == 0xf0:
                self.left = length - 7
                self.eot = bool(nr & 0x80)
                pos += 7
                if not self.left and self.eot:
                    self.end()
                continue
            if len(buf) - pos < length:
                break
            self.event(TPDU.get(code & 0xf0, 'TPDU %02x' % code))
            pos += length
        del buf[:pos]

    def begin(self):
        """Is what there is of a TSDU the header of S-DATA?"""
        if len(self.head) > HEAD_MAX:
            raise ValueError('TSDU too long')
        try:
            first, pos = session.decode_one(self.head, 0, True)
            if first.name not in ('GT', 'PT'):
                return
            second, pos = session.decode_one(self.head, pos, False)
        except session.SpduError:
            return
        if second.name != 'DT':
            return
        # Its enclosure and other parameters stand before its data.
        self.event('DT', second)
        self.in_data = True
        self.data += len(self.head) - pos
        self.head.clear()

    def end(self):
        if not self.in_data and self.head:
            spdus = session.decode(bytes(self.head))
            if len(spdus) > 1 and spdus[0].name in ('GT', 'PT'):
                del spdus[0]
            for spdu in spdus:
                self.event(spdu.name, spdu)
        self.in_data = False
        self.head.clear()


class Connection:
    """One connection across the link, and its two legs."""

    def __init__(self, link, number, near):
        self.link = link
        self.number = number
        self.opened = time.monotonic()
        self.near = near
        self.far = None
        self.cut = threading.Event()
        self.watch = {d: Watcher(self, d, link.event)
                      for d in ('out', 'in')}
        self.threads = []

    def start(self):
        self.far = socket.create_connection(self.link.target, 10)
        self.far.settimeout(None)
        for s in (self.near, self.far):
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for args in ((self.near, self.far, 'out'),
                     (self.far, self.near, 'in')):
            thread = threading.Thread(target=self.pump, args=args,
                                      daemon=True)
            self.threads.append(thread)
            thread.start()

    def pump(self, source, sink, direction):
        watch = self.watch[direction]
        link = self.link
        try:
            while not self.cut.is_set():
                rate = link.rate if direction == 'out' else None
                octets = source.recv(16384 if rate else 262144)
                if not octets:
                    sink.shutdown(socket.SHUT_WR)
                    return
                if rate:
                    link.wait(len(octets), rate)
                limit = link.cut_at or link.cut_every
                if direction == 'out' and limit:
                    room = limit - watch.data
                    if room < len(octets):
                        sink.sendall(octets[:max(room, 0)])
                        watch.feed(octets)
                        link.cut_at = None
                        self.break_off()
                        return
                # The time of an event is that before it is passed on.
                watch.feed(octets)
                sink.sendall(octets)
        except OSError:
            self.end()
        except ValueError as error:
            link.errors.append('%s: %s' % (direction, error))
            self.end()

    def break_off(self):
        """Cut both legs.  What the near side had handed to TCP is read to
        its end first, so that the count says what it had sent."""
        if self.cut.is_set():
            return
        self.cut.set()
        reset(self.far)
        self.link.cuts.append((time.monotonic(), self))
        self.near.settimeout(0.02)
        try:
            while True:
                octets = self.near.recv(1 << 18)
                if not octets:
                    break
                self.watch['out'].feed(octets)
        except OSError:
            pass
        reset(self.near)

    def end(self):
        if not self.cut.is_set():
            self.cut.set()
            reset(self.near)
            reset(self.far)


def reset(sock):
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                        struct.pack('ii', 1, 0))
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    sock.close()


class Link:
    """rate: octets a second outwards, None: as they come.  cut_at: cut the
    first connection that carries so many octets of S-DATA outwards;
    cut_every: any that does.  tell(event) is called from the threads of the
    link."""

    def __init__(self, target, tell=None, rate=None):
        self.target = target
        self.tell = tell
        self.rate = rate
        self.cut_at = None
        self.cut_every = None
        self.connections = []
        self.cuts = []                  # (time, connection)
        self.errors = []
        self.lock = threading.Lock()
        self.clock = 0.0
        self.open = True
        self.listener = socket.socket()
        self.listener.bind(('127.0.0.1', 0))
        self.listener.listen(64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def wait(self, n, rate):
        with self.lock:
            now = time.monotonic()
            self.clock = max(self.clock, now - 0.02) + n / rate
            pause = self.clock - now
        if pause > 0.001:
            time.sleep(pause)

    def event(self, event):
        if self.tell is not None:
            self.tell(event)

    def accept(self):
        while self.open:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            connection = Connection(self, len(self.connections) + 1, sock)
            self.connections.append(connection)
            try:
                connection.start()
            except OSError as error:
                self.errors.append('connect: %s' % error)
                reset(sock)

    def data(self, direction='out'):
        """Octets of S-DATA over all connections."""
        return sum(c.watch[direction].data for c in self.connections)

    def close(self):
        self.open = False
        self.listener.close()
        for connection in self.connections:
            if connection.far is not None:
                connection.end()
