# SPDX-License-Identifier: ISC
"""Octets of TCP connections to a pcap file, and what tshark thinks of them.

    recorder = Recorder()
    connection = recorder.connection()
    Initiator(port, record_octets=connection.tap()) ...
    recorder.check()

The frames have made-up Ethernet, IPv4 and TCP headers; the server has port
102, so tshark finds TPKT by itself.
"""

import json
import os
import re
import struct
import subprocess
import tempfile
import threading
import time

from . import ber, session as ses

SEGMENT = 60000                 # octets of TCP in a frame, at most


class Connection:
    """One TCP connection of a recording.  say(from_client, octets) adds a
    write; in pieces if it is too long for an IP packet."""

    def __init__(self, recorder, number):
        self.recorder = recorder
        self.port = 20000 + number % 40000
        self.sequence = {True: 1, False: 1}
        self.closed = False
        self._frame(True, b'', 0x02, 0)
        self._frame(False, b'', 0x12, 0)
        self._frame(True, b'', 0x10)

    def say(self, from_client, octets):
        octets = bytes(octets)
        for start in range(0, len(octets), SEGMENT):
            piece = octets[start:start + SEGMENT]
            self._frame(from_client, piece, 0x18)
            self.sequence[from_client] += len(piece)

    def end(self, from_client=True):
        if not self.closed:
            self.closed = True
            self._frame(from_client, b'', 0x11)

    def tap(self, client=True):
        """record_octets of Initiator (client) or of Responder."""
        def record(direction, octets):
            if octets:
                self.say((direction == 'out') == client, octets)
        return record

    def _frame(self, from_client, octets, flags, sequence=None):
        ports = (self.port, 102) if from_client else (102, self.port)
        hosts = (b'\x0a\0\0\1', b'\x0a\0\0\2')
        if not from_client:
            hosts = hosts[::-1]
        if sequence is None:
            sequence = self.sequence[from_client]
        ack = 0 if flags == 0x02 else \
            1 if flags == 0x12 else self.sequence[not from_client]
        tcp = struct.pack('>HHIIBBHHH', *ports, sequence & 0xffffffff,
                          ack & 0xffffffff, 0x50, flags, 65535, 0, 0)
        ip = struct.pack('>BBHHHBBH4s4s', 0x45, 0, 40 + len(octets), 0, 0, 64,
                         6, 0, *hosts)
        self.recorder.frame(b'\2\0\0\0\0\1\2\0\0\0\0\2\x08\0' + ip + tcp +
                            octets)


class Recorder:
    """A pcap file.  Without a path it goes away with close()."""

    def __init__(self, path=None):
        self.own = path is None
        if path is None:
            handle, path = tempfile.mkstemp(suffix='.pcap', prefix='peer-')
            os.close(handle)
        self.path = path
        self.lock = threading.Lock()
        self.file = open(path, 'wb')
        self.file.write(struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0,
                                    262144, 1))
        self.count = 0

    def connection(self):
        with self.lock:
            self.count += 1
            number = self.count
        return Connection(self, number)

    def frame(self, octets):
        now = time.time()
        with self.lock:
            if self.file.closed:
                return
            self.file.write(struct.pack('<IIII', int(now),
                                        int(now % 1 * 1000000), len(octets),
                                        len(octets)) + octets)

    def flush(self):
        with self.lock:
            if not self.file.closed:
                self.file.flush()

    def close(self):
        with self.lock:
            self.file.close()
        if self.own and os.path.exists(self.path):
            os.unlink(self.path)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def check(self, **kw):
        """check() of what was recorded so far."""
        self.flush()
        return check(self.path, **kw)


# What tshark says of octets that it does not understand, in lower case.
COMPLAINTS = ('malformed', 'unknown', 'dissector bug', 'exception occurred',
              'ber error', 'unreassembled')
# And what has such a word and is none.
HARMLESS = re.compile(
    r'^[.01 ]+ = unknown: '             # encoded information type undefined
    r'|^provider-reason: called-presentation-address-unknown'
    r'|^\[group: malformed\]'           # belongs to an expert info
    r'|^\[ber error'                    # the same
    # tshark 4.0 has no dissector for the user information of DT in X.410
    # mode (check_mpdus() shows it what is in there), nor for the Priority
    # in a PT.
    r"|can't get spdu type from session dissector"
    r'|^user-data: unknown \(')


def tshark(path, *arguments, port=None, timeout=120):
    """Standard output of tshark for a file."""
    command = ['tshark', '-n', '-r', path, '-o', 'tcp.check_checksum:FALSE',
               '-o', 'ip.check_checksum:FALSE',
               '-o', 'tpkt.desegment:TRUE']
    if port is not None:
        command += ['-d', 'tcp.port==%d,tpkt' % port]
    run = subprocess.run(command + list(arguments), stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, timeout=timeout)
    if run.returncode:
        raise RuntimeError('tshark: %s' % run.stderr.decode())
    return run.stdout.decode('utf-8', 'replace')


def decode(path, port=None):
    """The packets of a file as tshark's JSON has them."""
    return json.loads(tshark(path, '-T', 'json', '--no-duplicate-keys',
                             port=port) or '[]')


def complaints(path, port=None):
    """What tshark found malformed or did not know: a list of
    (frame number, text)."""
    out = []
    number = 0
    for line in tshark(path, '-V', port=port).splitlines():
        if line.startswith('Frame '):
            number = int(line.split()[1].rstrip(':,'))
        low = line.strip().lower()
        if any(word in low for word in COMPLAINTS) \
                and not HARMLESS.search(low):
            out.append((number, line.strip()))
    return out


def protocols(path, port=None):
    """The protocols tshark saw, as a set."""
    out = set()
    for line in tshark(path, '-T', 'fields', '-e', 'frame.protocols',
                       port=port).split():
        out.update(line.split(':'))
    return out


def spdus(path, port=None):
    """SPDU types of the frames, in order, as numbers."""
    out = []
    for line in tshark(path, '-T', 'fields', '-e', 'ses.type',
                       port=port).splitlines():
        out.extend(int(n) for n in line.replace(',', ' ').split())
    return out


def check(path, port=None, want=('tpkt', 'cotp', 'ses')):
    """Raise AssertionError when tshark complains, or did not see a protocol
    that it was to see."""
    wrong = complaints(path, port)
    assert not wrong, 'tshark complains: %s' % wrong[:20]
    missing = set(want) - protocols(path, port)
    assert not missing, 'tshark did not see %s' % sorted(missing)


VECTORS = os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), 'vectors')


def record_mpdus(recorder, mpdus):
    """Put MPDUs into a recording in the way of normal mode, whose RTTR tshark
    decodes down to the content: each a P-DATA with RTTR, an OCTET STRING
    with an EXTERNAL, in an activity.  CP and CPA are real ones.  (tshark puts
    the RTTRs of one APDU together again, but not across connections: what is
    resumed on another looks malformed to it.)"""
    connection = recorder.connection()

    def say(from_client, tsdu):
        for start in range(0, len(tsdu), 60000):
            last = start + 60000 >= len(tsdu)
            octets = (b'\x02\xf0\x80' if last else b'\x02\xf0\x00') + \
                tsdu[start:start + 60000]
            connection.say(from_client, struct.pack(
                '>BBH', 3, 0, len(octets) + 4) + octets)

    def tpdu(from_client, octets):
        connection.say(from_client, struct.pack(
            '>BBH', 3, 0, len(octets) + 4) + octets)

    def vector(name):
        with open(os.path.join(VECTORS, 'x400-ping-success', name),
                  'rb') as file:
            return file.read()

    tpdu(True, bytes.fromhex('06e00000000100'))
    tpdu(False, bytes.fromhex('06d00001000200'))
    say(True, ses.encode(ses.connect_spdu([], 2, ses.RTS_REQUIREMENTS,
                                          vector('cp.ber'))))
    say(False, ses.encode(ses.accept_spdu([], 2, ses.RTS_REQUIREMENTS,
                                          vector('cpa.ber'))))
    for number, mpdu in enumerate(mpdus):
        identifier = ber.integer(number + 1).encode()
        say(True, b'\x01\0' + ses.encode(
            ses.activity_start_spdu(identifier)))
        external = ber.Seq(0x08, bytes.fromhex('06025101'), ber.integer(5),
                           ber.Seq(0x80, mpdu)).encode()
        say(True, b'\x01\0\x01\0' + ber.Seq(0x41, ber.Seq(
            0x10, ber.integer(3), ber.Seq(0x80, ber.Prim(
                0x04, external)))).encode())
        say(True, b'\x01\0' + ses.encode(ses.serial_spdu('AE', 1)))
        say(False, b'\x02\0' + ses.encode(ses.serial_spdu('AEA', 1)))
    connection.end()


def check_mpdus(mpdus):
    """Raise AssertionError when tshark does not understand all of an MPDU,
    and of a P2 content in it."""
    with Recorder() as recorder:
        record_mpdus(recorder, mpdus)
        recorder.check(want=('rtse', 'p1'))
