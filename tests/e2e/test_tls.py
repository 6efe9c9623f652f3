#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""TLS below the transport: transfers and recovery as without it, in both
roles; who is refused, with the line of the log that says why; and a private
key that is nowhere in the process that the network reaches.

The scripted MTA speaks plain; a relay in front of it speaks TLS for it."""

import contextlib
import select
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import tempfile
import threading

from interop import *       # noqa: F401,F403
from certificates import Authority

from peer import apdu
from peer.script import Cut

WORDS = octets(7 * 1024 + 300)
VERSIONS = {'TLSv1.2': ssl.TLSVersion.TLSv1_2,
            'TLSv1.3': ssl.TLSVersion.TLSv1_3}


def setUpModule():
    global place, ca, other, keys
    place = tempfile.mkdtemp(prefix='mtad-tls-')
    ca = Authority(os.path.join(place, 'ca'))
    other = Authority(os.path.join(place, 'other'), 'Other CA')
    keys = {kind: ca.issue('mta-' + kind, kind)
            for kind in ('rsa', 'ecdsa', 'ed25519')}


def tearDownModule():
    shutil.rmtree(place)


def listen(pair, *more, mode=''):
    return 'tls %scertificate "%s" key "%s" %s' % (
        mode, pair[0], pair[1], ' '.join(more))


def authority(a=None):
    return 'tls ca "%s"' % (a or ca).certificate


def client(version=None, pair=None, check=True):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    c.load_verify_locations(ca.certificate)
    if not check:
        c.check_hostname = False
        c.verify_mode = ssl.CERT_NONE
    return limits(c, version, pair)


def server(pair, version=None, verify=False):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if verify:
        c.load_verify_locations(ca.certificate)
        c.verify_mode = ssl.CERT_REQUIRED
    return limits(c, version, pair)


def limits(c, version, pair):
    if version is not None:
        c.minimum_version = c.maximum_version = VERSIONS[version]
    if pair is not None:
        c.load_cert_chain(*pair)
    return c


def half_close(sock):
    """close_notify and FIN, or FIN alone."""
    with contextlib.suppress(OSError, ValueError):
        if isinstance(sock, ssl.SSLSocket):
            sock.unwrap()
    with contextlib.suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_WR)


class Relay:
    """Connections to a port of its own go on to another one; TLS is spoken
    on the side that has a context."""

    def __init__(self, target, front=None, back=None):
        self.target, self.front, self.back = target, front, back
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        self.accepted = 0
        self.wrong = []
        self.said = []          # version and certificate of each TLS
        threading.Thread(target=self.accept, daemon=True).start()

    def stop(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.accepted += 1
            threading.Thread(target=self.run, args=(sock,),
                             daemon=True).start()

    def run(self, a):
        b = None
        try:
            a.settimeout(10)
            if self.front is not None:
                a = self.front.wrap_socket(a, server_side=True)
                self.said.append((a.version(), a.getpeercert()))
            b = socket.create_connection(('127.0.0.1', self.target), 10)
            if self.back is not None:
                b = self.back.wrap_socket(b, server_hostname='127.0.0.1')
                self.said.append((b.version(), b.getpeercert()))
            self.pump(a, b)
        except (OSError, ValueError) as error:
            self.wrong.append(error)
            for sock in (a, b):     # a cut on one side is one on the other
                with contextlib.suppress(OSError):
                    if sock is not None:
                        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                        struct.pack('ii', 1, 0))
        finally:
            for sock in (a, b):
                if sock is not None:
                    sock.close()

    def pump(self, a, b):
        to = {a: b, b: a}
        reading = [a, b]
        for sock in reading:
            sock.setblocking(False)
        while reading:
            ready = [s for s in reading if isinstance(s, ssl.SSLSocket) and
                     s.pending()]
            ready = ready or select.select(reading, [], [], 60)[0]
            if not ready:
                return
            for sock in ready:
                try:
                    data = sock.recv(65536)
                except (ssl.SSLWantReadError, BlockingIOError):
                    continue
                if data:
                    self.send(to[sock], data)
                else:
                    reading.remove(sock)
                    half_close(to[sock])

    @staticmethod
    def send(sock, data):
        view = memoryview(data)
        while view:
            try:
                view = view[sock.send(view):]
            except (ssl.SSLWantWriteError, BlockingIOError):
                select.select([], [sock], [], 10)


class Secure(Daemon):
    """Its one listen statement has something behind it."""
    behind = ''

    def write(self, text):
        line = 'listen on 127.0.0.1 port %d' % self.port
        super().write(text.replace(line, line + ' ' + self.behind))


class TlsCase(Case):
    def secure(self, name, behind, *peers, lines=()):
        daemon = Secure(name)
        daemon.behind = behind
        daemon.configure(*peers, lines=lines).start()
        self.daemons.append((daemon, daemon.pids()))
        return daemon

    def called(self, behind, *lines):
        return self.secure('beta', behind, Peer('alpha', None, *SHORT, SMALL,
                                                *lines))

    def caller(self, port, *lines):
        return super().caller(port, SMALL, *lines)

    def relay(self, *args, **kw):
        relay = Relay(*args, **kw)
        self.addCleanup(relay.stop)
        return relay

    def front(self, pair, *scripts, version=None, verify=False, **kw):
        """A responder behind TLS."""
        responder = self.responder(*scripts, **kw)
        responder.relay = self.relay(
            responder.port, front=server(pair, version, verify))
        return responder

    def through(self, daemon, *faults, context=None, **kw):
        """An initiator in front of which TLS is spoken."""
        relay = self.relay(daemon.port, back=context or client())
        initiator = self.initiator(daemon, *faults, port=relay.port, **kw)
        initiator.relay = relay
        return initiator

    def refused(self, initiator, reason=apdu.VALIDATION_FAILURE):
        with self.assertRaises(Rejected) as caught:
            initiator.open()
        self.assertEqual(caught.exception.reason, reason)

    def never(self, initiator):
        """It has no association, and no answer."""
        with self.assertRaises(GONE):
            initiator.open()

    def one_line(self, daemon, text, since=0):
        """There is one, and no second that says so."""
        daemon.said(text)
        time.sleep(0.2)
        found = [line for line in daemon.log(since).splitlines()
                 if re.search(text, line)]
        self.assertEqual(len(found), 1, found)
        return found[0]

    def waits(self, alpha, text):
        """The message was not sent, and the log says why."""
        line = alpha.said(text)
        self.assertEqual(alpha.mtactl('show', 'summary')['queued'], 1)
        return line


class Transfer(TlsCase):
    def kinds(self):
        return [(kind, version) for kind in keys for version in VERSIONS]

    def test_we_call(self):
        self.together(self.we_call, self.kinds(), 3)

    def we_call(self, kind, version):
        responder = self.front(keys[kind], version=version)
        alpha = self.caller(responder.relay.port, 'tls yes', authority())
        self.submit(alpha, WORDS)
        self.received(responder, WORDS)
        alpha.idle()
        shown = alpha.mtactl('show', 'associations')[0]['tls']
        self.assertEqual(shown.split()[0], version)
        alpha.said('association-up .*role=initiator .*tls="' + version)

    def test_we_are_called(self):
        """With a certificate of the client as well: its own key is used in
        the client, ours in the server."""
        self.together(self.we_are_called, self.kinds(), 3)

    def we_are_called(self, kind, version):
        beta = self.called(listen(keys[kind], 'ca "%s" verify' %
                                  ca.certificate))
        initiator = self.through(beta, context=client(
            version, keys['ecdsa'])).open()
        initiator.send(mpdu_of(WORDS))
        self.delivered(beta, WORDS)
        shown = beta.mtactl('show', 'associations')[0]['tls']
        self.assertEqual(shown.split()[0], version)
        initiator.close()

    def test_our_certificate_as_a_client(self):
        self.together(self.as_a_client, self.kinds(), 3)

    def as_a_client(self, kind, version):
        responder = self.front(keys['ecdsa'], version=version, verify=True)
        alpha = self.caller(
            responder.relay.port, 'tls yes', authority(),
            'tls certificate "%s" key "%s"' % keys[kind])
        self.submit(alpha, WORDS)
        self.received(responder, WORDS)
        subject = dict(x[0] for x in responder.relay.said[0][1]['subject'])
        self.assertEqual(subject['commonName'], 'mta-' + kind)

    def test_two_daemons(self):
        """Both ways at once, a megabyte each, on one association."""
        beta = self.secure('beta', listen(keys['ecdsa']), Peer(
            'alpha', None, *SHORT, 'dialogue twa', 'remote tls yes'))
        alpha = self.daemon('alpha', Peer(
            'beta', beta.port, *SHORT, 'dialogue twa', 'tls yes',
            authority(), 'remote tls no'))
        content = octets(1 << 20)
        self.submit(alpha, content)
        self.submit(beta, content[1:], to='alpha')
        self.delivered(beta, content)
        self.delivered(alpha, content[1:])

    def test_released_in_order(self):
        """With a close_notify in both directions."""
        responder = self.front(keys['ecdsa'])
        alpha = self.caller(responder.relay.port, 'tls yes', authority(),
                            'idle 1s')
        self.submit(alpha, WORDS)
        self.received(responder, WORDS)
        alpha.said('association-down .*: released')
        self.assertTrue(responder.associations[0].finished.wait(5))
        time.sleep(0.2)
        self.assertEqual(responder.relay.wrong, [])


class Recovery(TlsCase):
    LINES = ['safe-store 1', 'delay 1s timeout 20s keep 60s']

    def test_we_call(self):
        responder = self.front(
            keys['ecdsa'], [Cut('in', name='MIP', nth=4, how='rst')])
        alpha = self.caller(responder.relay.port, 'tls yes', authority(),
                            *self.LINES)
        self.submit(alpha, WORDS)
        self.received(responder, WORDS)
        alpha.idle()
        self.received(responder, WORDS)
        self.assertTrue(responder.transfers[-1].resumed)
        alpha.said('association-recovered .*role=initiator .*'
                   'tls="TLSv1.3 .*" was=')
        alpha.said('transfer-out-resumed .* checkpoint=[2-6] ')

    def test_we_are_called(self):
        beta = self.called(listen(keys['rsa']), 'remote tls yes')
        initiator = self.through(beta).open()
        transfer = initiator.send(mpdu_of(WORDS), stop_after=4)
        initiator.until(lambda: transfer.confirmed >= 2)
        initiator.close_connection('rst')
        initiator.recover()
        initiator.resume()
        self.delivered(beta, WORDS)
        initiator.close()

    def test_not_recovered_without(self):
        """What TLS was required for is not continued on a plain one."""
        beta = self.called(listen(keys['rsa'], mode='optional '),
                           'remote tls yes')
        initiator = self.through(beta).open()
        transfer = initiator.send(mpdu_of(WORDS), stop_after=4)
        initiator.until(lambda: transfer.confirmed >= 2)
        initiator.close_connection('rst')
        address, initiator.address = initiator.address, \
            ('127.0.0.1', beta.port)
        with self.assertRaises(Rejected) as caught:
            initiator.recover()
        self.assertEqual(caught.exception.reason, apdu.CANNOT_RECOVER)
        beta.said('authentication-failed .*: TLS is required of this peer')
        initiator.address = address
        initiator.recover()
        initiator.resume()
        self.delivered(beta, WORDS)
        initiator.close()


class Required(TlsCase):
    def test_plain_peer_calls(self):
        beta = self.called(listen(keys['ecdsa']))
        self.never(self.initiator(beta))
        self.one_line(beta, 'TLS handshake: what came from the peer is not '
                      'TLS')

    def test_plain_peer_is_called(self):
        responder = self.responder()
        alpha = self.caller(responder.port, 'tls yes', authority())
        self.submit(alpha, WORDS)
        self.waits(alpha, 'peer=beta .*TLS handshake: connection closed by '
                   'the peer')
        self.assertEqual(responder.messages, [])

    def test_peer_has_to_use_it(self):
        """On a port that takes both; tls yes alone asks for it as well."""
        for line in ('remote tls yes', 'tls yes ' + authority()):
            beta = self.called(listen(keys['ecdsa'], mode='optional '), line)
            self.refused(self.initiator(beta))
            beta.said('authentication-failed .*: TLS is required of this '
                      'peer, and it called without')
            initiator = self.through(beta).open()
            initiator.send(mpdu_of(WORDS))
            self.delivered(beta, WORDS)
            initiator.close()


class Opportunistic(TlsCase):
    def test_falls_back_and_remembers(self):
        responder = self.responder()
        alpha = self.caller(responder.port, 'tls opportunistic', 'idle 1s')
        self.submit(alpha, WORDS)
        self.received(responder, WORDS)
        self.one_line(alpha, 'TLS handshake: .*; called without TLS')
        alpha.said('association-down .*: released')
        self.submit(alpha, WORDS)
        self.received(responder, WORDS, WORDS)
        self.assertEqual(len(responder.associations), 3)
        self.one_line(alpha, 'called without TLS')

    def test_falls_back_from_silence(self):
        """Of one that takes the ClientHello for a long TPDU, and waits."""
        with socket.create_server(('127.0.0.1', 0)) as server:
            server.settimeout(15)
            alpha = self.caller(server.getsockname()[1],
                                'tls opportunistic', 'open timeout 1s')
            self.submit(alpha, WORDS)
            first = []
            for _ in range(2):
                s, _ = server.accept()
                self.addCleanup(s.close)
                first.append(s.recv(1))
            self.assertEqual(first, [b'\x16', b'\x03'])
            alpha.said('not finished in time; called without TLS')

    def test_uses_it_unchecked(self):
        """Without an authority the certificate may be anyone's."""
        responder = self.front(other.issue('x', names='DNS:elsewhere'))
        alpha = self.caller(responder.relay.port, 'tls opportunistic')
        self.submit(alpha, WORDS)
        self.received(responder, WORDS)
        alpha.said('association-up .*role=initiator .*tls="TLSv1.3')

    def test_a_bad_certificate_is_no_reason(self):
        responder = self.front(other.issue('x'))
        alpha = self.caller(responder.relay.port, 'tls opportunistic',
                            authority())
        self.submit(alpha, WORDS)
        self.waits(alpha, 'TLS handshake: its certificate "/CN=x" is not '
                   'accepted')
        self.assertEqual(alpha.lines('without TLS'), [])

    def test_refused_by_an_alert(self):
        """Also by one that comes after our side is done, as of 1.3."""
        for version in VERSIONS:
            responder = self.front(keys['ecdsa'], version=version,
                                   verify=True)
            alpha = self.caller(responder.relay.port, 'tls opportunistic')
            self.submit(alpha, WORDS)
            alpha.said('the peer says ".*"; called without TLS')

    def test_both_on_one_port(self):
        beta = self.called(listen(keys['ecdsa'], mode='optional '))
        for initiator in (self.initiator(beta), self.through(beta)):
            initiator.open()
            initiator.send(mpdu_of(WORDS))
            initiator.close()
        self.delivered(beta, WORDS, WORDS)


class Certificates(TlsCase):
    """Of the peer that we call."""

    def check(self, pair, text, *lines):
        responder = self.front(pair)
        alpha = self.caller(responder.relay.port, 'tls yes', authority(),
                            *lines)
        self.submit(alpha, WORDS)
        line = self.waits(alpha, 'TLS handshake: ' + text)
        self.assertIn('peer=beta ', line)
        self.assertEqual(responder.messages, [])

    def test_refused(self):
        self.together(self.check, [
            (ca.issue('late', end='20210101000000Z'),
             'its certificate "/CN=late" is not accepted: certificate has '
             'expired'),
            (ca.issue('early', start='20480101000000Z'),
             'its certificate "/CN=early" is not accepted: certificate is '
             'not yet valid'),
            (ca.issue('b', names='IP:192.0.2.1'),
             'its certificate "/CN=b" is not for "127.0.0.1"'),
            (ca.issue('c', names='DNS:c.example'),
             'its certificate "/CN=c" is not for "d.example"',
             'tls name d.example'),
            (other.issue('beta'),
             'its certificate "/CN=beta" is not accepted: unable to get '
             'local issuer certificate'),
        ], 3)

    def test_named(self):
        responder = self.front(ca.issue('n', names='DNS:beta.example'))
        alpha = self.caller(responder.relay.port, 'tls yes', authority(),
                            'tls name beta.example')
        self.submit(alpha, WORDS)
        self.received(responder, WORDS)

    def test_common_name(self):
        """Of a certificate without other names."""
        responder = self.front(ca.issue('beta.example', names=None))
        alpha = self.caller(responder.relay.port, 'tls yes', authority(),
                            'tls name beta.example')
        self.submit(alpha, WORDS)
        self.received(responder, WORDS)


class Clients(TlsCase):
    """Certificates of peers that call us."""

    def setUp(self):
        super().setUp()
        self.ask = listen(keys['ecdsa'], 'ca "%s"' % ca.certificate)

    def test_one_is_required(self):
        beta = self.called(self.ask + ' verify')
        self.never(self.through(beta))
        self.one_line(beta, 'TLS handshake: the peer shows no certificate, '
                      'and one is required')
        self.never(self.through(beta, context=client(
            pair=other.issue('stranger'))))
        self.one_line(beta, 'TLS handshake: its certificate "/CN=stranger" '
                      'is not accepted')
        self.never(self.through(beta, context=client(
            pair=ca.issue('late', end='20210101000000Z'))))
        self.one_line(beta, 'its certificate "/CN=late" is not accepted: '
                      'certificate has expired')
        initiator = self.through(beta, context=client(
            pair=keys['ecdsa'])).open()
        initiator.send(mpdu_of(WORDS))
        self.delivered(beta, WORDS)
        initiator.close()

    def test_its_name(self):
        beta = self.called(self.ask, 'remote tls name alpha.example')
        self.refused(self.through(beta))
        beta.said('authentication-failed .*: TLS: it shows no '
                  'certificate, one for "alpha.example" is required')
        self.refused(self.through(beta, context=client(
            pair=ca.issue('x', names='DNS:x.example'))))
        beta.said('authentication-failed .*: TLS: its certificate '
                  '"/CN=x" is not for "alpha.example"')
        initiator = self.through(beta, context=client(
            pair=ca.issue('a', names='DNS:alpha.example'))).open()
        initiator.close()

    def test_ours_is_refused(self):
        """And the peer's words are in our log."""
        for version in VERSIONS:
            responder = self.front(keys['ecdsa'], version=version,
                                   verify=True)
            alpha = self.caller(
                responder.relay.port, 'tls yes', authority(),
                'tls certificate "%s" key "%s"' % other.issue('us'))
            self.submit(alpha, WORDS)
            self.waits(alpha, 'the peer says "unknown CA"')


class Hostile(TlsCase):
    def test_garbage(self):
        beta = self.called(listen(keys['ecdsa'], mode='optional '))
        hello = b'\x16\x03\x01'
        for text in (hello + b'\0\4' + b'\1\0\0\0',
                     hello + b'\xff\xff' + b'x' * 70000,
                     hello + b'\x02\0' + os.urandom(512), b'\x15\x03\x03\0',
                     b'\x16', b'GET / HTTP/1.0\r\n\r\n', b'\0' * 100,
                     b'\x80\x2e\1\0\2' + b'\0' * 60):
            with socket.create_connection(('127.0.0.1', beta.port)) as s:
                s.settimeout(5)
                with contextlib.suppress(OSError):
                    s.sendall(text)
                    s.shutdown(socket.SHUT_WR)
                    while s.recv(4096):
                        pass
        beta.said('association-not-begun .*: TLS handshake: ')
        self.through(beta).open().close()

    def test_cut_within_a_handshake(self):
        """A key operation that nobody waits for any more, many at once."""
        beta = self.called(listen(keys['rsa']))
        hello = self.client_hello()
        for _ in range(50):
            s = socket.create_connection(('127.0.0.1', beta.port))
            s.sendall(hello)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                         struct.pack('ii', 1, 0))
            s.close()
        self.through(beta).open().close()

    @staticmethod
    def client_hello():
        out = ssl.MemoryBIO()
        tls = client(check=False).wrap_bio(ssl.MemoryBIO(), out)
        with contextlib.suppress(ssl.SSLWantReadError):
            tls.do_handshake()
        return out.read()

    def test_slow_server(self):
        """It takes the connection and says nothing."""
        with socket.create_server(('127.0.0.1', 0)) as silent:
            alpha = self.caller(silent.getsockname()[1], 'tls yes',
                                authority(), 'open timeout 1s')
            self.submit(alpha, WORDS)
            self.waits(alpha, 'TLS handshake: not finished in time')

    def test_slow_clients(self):
        """They have half a minute; others do not notice them."""
        beta = self.called(listen(keys['ecdsa'], mode='optional '))
        hello = self.client_hello()
        slow = []
        for text in (hello[:1], hello[:40], hello):
            slow.append(socket.create_connection(('127.0.0.1', beta.port)))
            slow[-1].sendall(text)
        self.through(beta).open().close()
        end = time.monotonic() + 35
        for s in slow:
            s.settimeout(max(end - time.monotonic(), 0.1))
            with contextlib.suppress(ConnectionError):
                while s.recv(4096):
                    pass
            s.close()
        self.assertEqual(len(beta.lines('TLS handshake: not finished in '
                                        'time')), 3)

    def test_record_that_is_not_ours(self):
        """On an open association: one octet of a record is another."""
        beta = self.called(listen(keys['ecdsa']))
        raw = socket.create_connection(('127.0.0.1', beta.port))
        into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = client().wrap_bio(into, out, server_hostname='127.0.0.1')
        raw.settimeout(5)
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                raw.sendall(out.read())
                into.write(raw.recv(65536))
        raw.sendall(out.read())
        tls.write(b'\3\0\0\x16\x11\xe0' + b'\0' * 16)
        record = bytearray(out.read())
        record[-1] ^= 1
        raw.sendall(record)
        with contextlib.suppress(ConnectionError):
            while raw.recv(4096):
                pass
        raw.close()
        beta.said('association-not-begun .*: TLS: .*bad record mac')


class Keys(TlsCase):
    def numbers(self, pair):
        """Octets of the private parts, as they may lie in memory."""
        text = subprocess.run(
            ['openssl', 'pkey', '-in', pair[1], '-noout', '-text'],
            check=True, capture_output=True, text=True).stdout
        out = []
        for name in ('priv', 'privateExponent', 'prime1', 'prime2',
                     'exponent1', 'coefficient'):
            m = re.search(r'(?m)^%s:\n((?: +[0-9a-f:]+\n)+)' % name, text)
            if m:
                octets_ = bytes.fromhex(re.sub(r'[\s:]', '', m.group(1)))
                octets_ = octets_.lstrip(b'\0')
                out += [octets_[:24], octets_[::-1][-24:],
                        octets_[::-1][:24]]
        with open(pair[1]) as f:
            out.append(''.join(f.read().split('\n')[1:3])[:60].encode())
        return out

    def search(self, pid, numbers):
        found = 0
        with open('/proc/%d/maps' % pid) as maps, \
                open('/proc/%d/mem' % pid, 'rb', 0) as mem:
            for line in maps:
                m = re.match(r'([0-9a-f]+)-([0-9a-f]+) r', line)
                if not m or '[v' in line:
                    continue
                start, end = int(m.group(1), 16), int(m.group(2), 16)
                if end - start > 1 << 30:
                    continue        # shadow memory of a sanitizer
                try:
                    mem.seek(start)
                    octets_ = mem.read(end - start)
                except (OSError, OverflowError):
                    continue
                found += sum(octets_.count(n) for n in numbers)
        with open('/proc/%d/environ' % pid, 'rb') as f:
            octets_ = f.read()
        return found + sum(octets_.count(n) for n in numbers)

    def test_not_in_rtsd(self):
        if 'MTAD_SANITIZED' in os.environ:
            self.skipTest('memory of a sanitizer')
        for kind in keys:
            beta = self.called(listen(keys[kind]))
            initiator = self.through(beta).open()
            initiator.send(mpdu_of(WORDS))
            self.delivered(beta, WORDS)
            numbers = self.numbers(keys[kind])
            self.assertGreater(len(numbers), 2)
            pids = beta.pids()
            try:
                self.assertGreater(self.search(pids['mtad'], numbers), 0)
            except PermissionError:
                self.skipTest('may not look into processes')
            self.assertEqual(self.search(pids['rtsd'], numbers), 0)
            self.assertEqual(self.search(pids['spoold'], numbers), 0)
            initiator.close()

    def test_reload(self):
        """TLS comes with a reload, in a process that is confined already;
        a key that cannot be used changes nothing."""
        beta = self.called('')
        self.never(self.through(beta))
        beta.behind = listen(keys['ecdsa'])
        beta.configure(Peer('alpha', None, *SHORT, SMALL))
        os.kill(beta.pids()['mtad'], signal.SIGHUP)
        beta.said('config-reloaded')
        initiator = self.through(beta).open()
        shown = ca.issue('shown')
        os.chmod(shown[1], 0o644)
        beta.behind = listen(shown)
        beta.configure(Peer('alpha', None, *SHORT, SMALL))
        os.kill(beta.pids()['mtad'], signal.SIGHUP)
        beta.said('mtad.conf:4:.*key ".*": mode 0644 lets others')
        beta.said('config-not-reloaded')
        initiator.send(mpdu_of(WORDS))
        self.delivered(beta, WORDS)
        initiator.close()
        self.through(beta).open().close()


if __name__ == '__main__':
    main()
