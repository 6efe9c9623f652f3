# SPDX-License-Identifier: ISC
"""What we encode, decoded by tshark, which shares no code with us: PConnect
and PAccept down to the credentials, MPDUs of every type down to the text of
the body, without one malformed or unknown field.

usage: test_tshark.py P1_SAMPLES, the program that writes the samples."""

import os
import shutil
import struct
import subprocess
import sys
import tempfile

WRONG = ('malformed', 'unknown', 'undecoded', 'ber error', 'dissector bug')
# encoded information type "undefined"; TCP
HARMLESS = ('= unknown: false', 'window size scaling factor')
VECTORS = os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), 'vectors', 'x400-ping-success')

# A connection identifier, version 1, half-duplex, activities.
SESSION = bytes.fromhex('01 16 0a 05 1403435349 0b 0d 170b3236313132333136'
                        '30305a 05 09 130100 160101 1a0100 14 02 0249')


def item(code, octets):
    """An SPDU or one of its parameters."""
    length = bytes((len(octets),)) if len(octets) < 255 else \
        b'\xff' + struct.pack('>H', len(octets))
    return bytes((code,)) + length + octets


def tlv(tag, octets):
    """A BER element with a length of two octets."""
    return bytes((tag, 0x82)) + struct.pack('>H', len(octets)) + octets


class Recording:
    """A TCP connection to port 102 as a pcap file."""

    def __init__(self):
        self.octets = [struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0,
                                   65535, 101)]
        self.sequence = [1, 1]

    def tpdu(self, side, octets):
        data = struct.pack('>BBH', 3, 0, len(octets) + 4) + octets
        ports = (40000, 102) if side == 0 else (102, 40000)
        tcp = struct.pack('>HHIIBBHHH', ports[0], ports[1],
                          self.sequence[side], self.sequence[1 - side],
                          0x50, 0x18, 65535, 0, 0) + data
        hosts = (b'\x7f\0\0\1', b'\x7f\0\0\2')
        packet = struct.pack('>BBHHHBBH4s4s', 0x45, 0, 20 + len(tcp), 1, 0,
                             64, 6, 0, hosts[side], hosts[1 - side]) + tcp
        self.sequence[side] += len(data)
        self.octets.append(struct.pack('<IIII', len(self.octets), 0,
                                       len(packet), len(packet)) + packet)

    def connect(self):
        self.tpdu(0, bytes.fromhex('06e00000000100'))
        self.tpdu(1, bytes.fromhex('06d00001000200'))

    def tsdu(self, side, octets):
        self.tpdu(side, b'\x02\xf0\x80' + octets)

    def tshark(self, path):
        with open(path, 'wb') as file:
            file.write(b''.join(self.octets))
        run = subprocess.run(
            ['tshark', '-n', '-V', '-r', path, '-o',
             'tcp.check_checksum:FALSE', '-o', 'ip.check_checksum:FALSE'],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=60,
            check=True)
        return run.stdout.decode('utf-8', 'replace').splitlines()


def check(lines, wanted, what):
    bad = [line for line in lines
           if any(word in line.lower() for word in WRONG)
           and not any(word in line.lower() for word in HARMLESS)]
    assert not bad, '%s: tshark complains: %s' % (what, bad)
    text = '\n'.join(line.strip() for line in lines)
    for want in wanted:
        assert want in text, '%s: tshark did not see %r' % (what, want)


def read(*names):
    with open(os.path.join(*names), 'rb') as file:
        return file.read()


def association(directory, name):
    """PConnect and PAccept of X.410 mode."""
    recording = Recording()
    recording.connect()
    for side, code, apdu in ((0, 13, 'pconnect'), (1, 14, 'paccept')):
        data = read(directory, '%s.%s' % (name, apdu))
        recording.tsdu(side, item(code, SESSION + item(0xc1, data)))
    return recording.tshark(os.path.join(directory, name + '.pcap'))


def mpdu(directory, name):
    """An MPDU as the RTTR of normal mode, for tshark does not follow user
    data into the activities of X.410 mode."""
    recording = Recording()
    recording.connect()
    for side, code, file in ((0, 13, 'cp.ber'), (1, 14, 'cpa.ber')):
        recording.tsdu(side, item(code, SESSION.replace(
            b'\x16\x01\x01', b'\x16\x01\x02') +
            item(0xc1, read(VECTORS, file))))
    external = tlv(0x28, bytes.fromhex('06025101' '020105') +
                   tlv(0xa0, read(directory, name)))
    recording.tsdu(0, b'\1\0\x2d\5\x29\3\2\1\1')
    recording.tsdu(0, b'\1\0\1\0' + tlv(0x61, tlv(0x30, b'\2\1\3' + tlv(
        0xa0, tlv(0x04, external)))))
    recording.tsdu(0, bytes.fromhex('010029032a0131'))
    recording.tsdu(1, bytes.fromhex('02002a032a0131'))
    return recording.tshark(os.path.join(directory, name + '.pcap'))


def main():
    if shutil.which('tshark') is None:
        print('no tshark')
        return 77
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run([sys.argv[1], directory], check=True)
        check(association(directory, 'open'), (
            'mode-value: x410-1984-mode (0)', 'checkpointSize: 30',
            'windowSize: 5', 'windowSize: 3', 'dialogueMode: twa (1)',
            'initiator-name: alpha', 'responder-name: alpha',
            'ia5-string: secret',
            'applicationProtocol: mts-transfer-protocol-1984 (1)'), 'open')
        check(association(directory, 'recover'), (
            'connectionDataRQ: recover (1)', 'connectionDataAC: recover (1)',
            't61String: alpha', 'additionalReferenceInformation: aa'),
            'recover')
        check(mpdu(directory, 'user.mpdu'), (
            'local-identifier: alpha-1', 'priority: urgent (2)',
            'content-identifier: id 1', 'routing-action: rerouted (1)',
            'deferred-delivery-time', 'per-domain-bilateral-information',
            'explicit-conversion', 'attempted-domain', 'surname: Doe',
            'type: RFC-822', 'X.420 Information Object',
            'user-relative-identifier: 1 alpha', 'subject: Sample',
            'data: Hello, world'), 'user')
        check(mpdu(directory, 'report.mpdu'), (
            'MTS-APDU: report (1)', 'subject-identifier',
            'supplementary-information: no such user',
            'non-delivery-diagnostic-code', 'message-delivery-time',
            'originally-intended-recipient-name'), 'report')
        check(mpdu(directory, 'probe.mpdu'), (
            'MTS-APDU: probe (2)', 'content-length: 123456',
            'alternate-recipient-allowed: True'), 'probe')
    return 0


if __name__ == '__main__':
    sys.exit(main())
