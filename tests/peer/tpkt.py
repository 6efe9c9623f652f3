# SPDX-License-Identifier: ISC
"""RFC 1006 section 6: TPKTs on a TCP connection, with blocking sockets."""

import errno
import select
import socket
import struct
import threading
import time

VERSION = 3
MAX = 65535                     # octets of a TPKT, its header included


class Lost(Exception):
    """The connection is gone (or was cut by a script)."""


class Timeout(Exception):
    """The other side did not say in time what was waited for."""


class ProtocolError(Exception):
    """The other side sent what the Recommendations do not allow."""


# Sockets of half-open connections, kept from the garbage collector.
silent = []


def drain(sock, seconds=2.0):
    """Read until the other side closes, but not for long; then close."""
    try:
        deadline = time.monotonic() + seconds
        while True:
            sock.settimeout(max(deadline - time.monotonic(), 0.001))
            if not sock.recv(1 << 16):
                break
    except OSError:
        pass
    sock.close()


class Tpkt:
    """TPKTs over one socket.

    record(direction, octets) is called with what is written and read.
    reserved is what the second octet of a TPKT is sent as."""

    def __init__(self, sock, record=None, reserved=0):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(None)
        self.sock = sock
        self.record = record
        self.reserved = reserved
        self.buf = bytearray(1 << 17)
        self.view = memoryview(self.buf)
        self.start = 0
        self.end = 0
        self.octets_in = 0
        self.octets_out = 0
        self.lock = threading.Lock()

    # Writing.

    def header(self, length):
        return struct.pack('>BBH', VERSION, self.reserved, length + 4)

    def write(self, parts, limit=None):
        """Send buffers as they are, the first limit octets only if given."""
        if limit is not None:
            parts = [b''.join(parts)[:limit]] \
                if limit else []
        if self.record is not None:
            self.record('out', b''.join(parts))
        try:
            if len(parts) == 1:
                self.sock.sendall(parts[0])
                self.octets_out += len(parts[0])
                return
            while parts:
                batch = parts[:512]
                parts = parts[512:]
                want = sum(map(len, batch))
                self.octets_out += want
                sent = self.sock.sendmsg(batch)
                while sent < want:
                    rest = []
                    for part in batch:
                        if sent >= len(part):
                            sent -= len(part)
                        else:
                            rest.append(memoryview(part)[sent:])
                            sent = 0
                    batch = rest
                    want = sum(map(len, batch))
                    sent = self.sock.sendmsg(batch)
        except (OSError, ValueError) as error:
            raise Lost('send: %s' % error) from None

    # Reading.

    def readable(self, timeout=0):
        """Whether a read would find something (or the end)."""
        if self.end > self.start:
            return True
        try:
            poll = select.poll()
            poll.register(self.sock, select.POLLIN)
            return bool(poll.poll(None if timeout is None
                                  else max(0, int(timeout * 1000 + 0.5))))
        except (OSError, ValueError) as error:
            raise Lost('poll: %s' % error) from None

    def need(self, n, timeout):
        """Have n octets at self.start."""
        while self.end - self.start < n:
            if self.start + n > len(self.buf) or self.start == self.end:
                have = self.end - self.start
                self.buf[:have] = bytes(self.view[self.start:self.end])
                self.start, self.end = 0, have
            try:
                if timeout is not None:
                    poll = select.poll()
                    poll.register(self.sock, select.POLLIN)
                    if not poll.poll(max(0, int(timeout * 1000 + 0.5))):
                        raise Timeout('nothing came within %g s' % timeout)
                got = self.sock.recv_into(self.view[self.end:])
            except (OSError, ValueError) as error:
                raise Lost('recv: %s' % error) from None
            if not got:
                raise Lost('the other side closed')
            if self.record is not None:
                self.record('in', bytes(self.view[self.end:self.end + got]))
            self.octets_in += got
            self.end += got

    def read(self, timeout=None):
        """The contents of the next TPKT.  Good until the next read."""
        self.need(4, timeout)
        version, _, length = struct.unpack_from('>BBH', self.buf, self.start)
        if version != VERSION or length < 7:
            raise ProtocolError('bad TPKT header %s' % bytes(
                self.view[self.start:self.start + 4]).hex())
        self.need(length, timeout)
        packet = self.view[self.start + 4:self.start + length]
        self.start += length
        return packet

    # Ending.

    @property
    def closed(self):
        return self.sock is _closed

    def close(self, how='fin'):
        """End the connection.  'fin': at once, which may become a RST when
        the other side still sends; 'linger': so that the other side gets
        all that was sent, and then the end; 'rst'; 'silence' leaves it open
        and unread."""
        with self.lock:
            sock, self.sock = self.sock, _closed
        if sock is _closed:
            return
        try:
            if how == 'silence':
                silent.append(sock)
                return
            if how == 'linger':
                sock.shutdown(socket.SHUT_WR)
                threading.Thread(target=drain, args=(sock,),
                                 daemon=True).start()
                return
            if how == 'rst':
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                struct.pack('ii', 1, 0))
            else:
                sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        sock.close()

    def wait_closed(self, timeout):
        """Read and forget until the other side closes."""
        self.start = self.end = 0
        try:
            while True:
                self.need(1, timeout)
                self.start = self.end = 0
        except Lost:
            return True
        except Timeout:
            return False


class _Closed:
    """A socket that is not there any more."""

    def __getattr__(self, name):
        raise OSError(errno.EBADF, 'closed')


_closed = _Closed()
