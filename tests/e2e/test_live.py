#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""What the operator looks at while it runs: the sheet of a peer, ping and its
words layer by layer, traces that tshark understands, peers that are taken
down or held, a configuration that is read again, and the end of it all."""

import contextlib
import signal
import socket
import subprocess
import tempfile
import threading

from interop import *       # noqa: F401,F403
from e2e.mtadtest import BUILD, reserve_port
from test_tls import Relay, TlsCase, client, listen, server
import test_tls

from peer import apdu
from peer.script import Cut, Drop

LIMIT = 60
WORDS = octets(7 * 1024 + 300)


def setUpModule():
    test_tls.setUpModule()


def tearDownModule():
    test_tls.tearDownModule()


def mtactl(daemon, *args):
    return [os.path.join(BUILD, 'mtactl', 'mtactl'), '-s', daemon.socket,
            *args]


class Live(Case):
    def ctl(self, daemon, *args):
        """Exit status, standard output and error."""
        run = subprocess.run(mtactl(daemon, *args), stdin=subprocess.DEVNULL,
                             capture_output=True, timeout=LIMIT, text=True)
        return run.returncode, run.stdout, run.stderr

    def ping(self, daemon, *args, ok=True):
        """What it prints; it is the same as JSON."""
        code, out, err = self.ctl(daemon, 'ping', *args)
        self.assertEqual((code, err), (0 if ok else 1, ''), out)
        self.assertNotIn(password('alpha'), out)
        self.assertNotIn(password('beta'), out)
        return out

    def fails(self, daemon, layer, text, *args):
        out = self.ping(daemon, *(args or ['beta']), ok=False)
        self.assertRegex(out, r'ms +%s +FAIL +%s' % (layer, text))
        return out

    def peer(self, daemon, name='beta'):
        for p in daemon.mtactl('show', 'peers'):
            if p['name'] == name:
                return p


def closed_port(test):
    reserved = reserve_port()
    test.addCleanup(reserved.close)
    return reserved.getsockname()[1]


class Ping(Live):
    def test_answers(self):
        """In every mode, with what was negotiated."""
        for mode in ('x410-1984', 'x410-1988', 'normal'):
            beta = self.responder(
                mode='x410' if mode == 'x410-1984' else mode, checkpoint=1,
                window=2)
            alpha = self.daemon('alpha', Peer(
                'beta', beta.port, *SHORT, 'checkpoint 4 window 3',
                mode=mode))
            out = self.ping(alpha, 'beta')
            self.assertRegex(out, 'beta, address 1: 127.0.0.1 port')
            for layer, text in (
                    ('tcp', 'connected to 127.0.0.1 port %d' % beta.port),
                    ('transport', 'CC: class 0, TPDUs of'),
                    ('session', 'AC: version'),
                    ('rts', r'(PAccept|RTOAC): checkpoint 1 KB \(4 KB '
                     r'proposed\), window 2 \(3 proposed\), monologue'),
                    ('mta', 'accepted by "beta", as configured'),
                    ('release', 'DN: released in order')):
                self.assertRegex(out, r'ms +%s +ok +%s' % (layer, text))
            self.assertEqual('presentation' in out and 'acse' in out,
                             mode == 'normal')
            self.assertTrue(out.endswith('beta: 1 of 1 addresses '
                                         'answered\n'))
            j = alpha.mtactl('ping', 'beta')
            self.assertEqual((j['peer'], j['ok']), ('beta', True))
            self.assertEqual([s['layer'] for s in j['addresses'][0]['steps']
                              if s['ok']][-1], 'release')
            until(lambda: beta.associations[1].finished.is_set(), LIMIT)
            self.assertEqual(beta.messages, [])
            self.assertEqual(alpha.mtactl('show', 'associations'), [])

    def test_failures(self):
        """Each layer in its own words."""
        for kw, layer, text in (
                (dict(transport_refuse=3), 'transport',
                 'DR, reason 3: address unknown: is the called T-selector'),
                (dict(transport_refuse=0x81), 'transport',
                 'DR, reason 129: congestion'),
                (dict(on_open=('rf', 129)), 'session',
                 'RF, reason 129: S-selector unknown'),
                (dict(on_open=('rf', 1)), 'session',
                 'RF, reason 1: the SS-user has no room'),
                (dict(on_open=('rf', 134)), 'session',
                 'RF, reason 134: its session entity cannot'),
                (dict(on_open=apdu.RTS_BUSY), 'rts', '.*: busy: .*spool is '
                 'full, .*try later'),
                (dict(credentials={'alpha': 'another'}), 'rts',
                 '.*: validationFailure: it does not know our MTA name, or '
                 'not with this password, .*another mode, or TLS'),
                (dict(on_open='abort'), 'session', 'aborted by the peer, .*'
                 '(try later|log)'),
                (dict(on_open='die'), 'session',
                 'connection closed by the peer instead of an AC'),
                (dict(name='delta'), 'mta', 'PAccept carries another MTA '
                 'name.*"delta", "beta" is expected, .*"remote response"'),
                (dict(style='null'), 'mta', '.*: it gives none, "beta" is '
                 'expected, .*"remote response"'),
                (dict(password='another'), 'mta', 'PAccept carries a wrong '
                 'password, with the name that is expected, "beta", .*'
                 '"remote response"')):
            beta = self.responder(**kw)
            alpha = self.caller(beta.port, SMALL)
            out = self.fails(alpha, layer, text)
            self.assertNotIn('another"', out)
            j = alpha.mtactl('ping', 'beta', check=False)
            self.assertEqual((j['ok'], j['addresses'][0]['ok']),
                             (False, False))
            self.assertEqual(j['addresses'][0]['steps'][-1]['layer'], layer)
            # no call of its own has failed
            self.assertEqual(self.peer(alpha)['retry_in'], 0)
            self.assertEqual(self.peer(alpha)['state'], 'idle')
            self.allowed.append('')
            alpha.cleanup()
            self.daemons.clear()

    def test_normal_mode_refusals(self):
        for on_open, layer, text in (
                (apdu.RTS_BUSY, 'rts', 'AARE that rejects, .*: busy'),
                (apdu.RTS_BUSY + 2, 'rts', 'AARE that rejects, .*: '
                 'validationFailure'),
                (('cpr', 3), 'presentation', '.*called presentation address '
                 'unknown; is the called P-selector right'),
                (('cpr', 1), 'presentation', '.*congestion; try later'),
                (('aare', 2), 'acse', '.*rejected by association control.*;'),
                ('name', 'mta', 'RTOAC carries another MTA name .*"delta", '
                 '"beta" is expected'),
                ('password', 'mta', 'RTOAC carries a wrong password')):
            wrong = {'name': {'name': 'delta'},
                     'password': {'password': 'another'}}.get(on_open)
            beta = self.responder(mode='normal',
                                  **wrong or {'on_open': on_open})
            alpha = self.daemon('alpha', Peer('beta', beta.port, *SHORT,
                                              mode='normal'))
            self.fails(alpha, layer, text)

    def test_nobody_there(self):
        alpha = self.caller(closed_port(self), SMALL)
        self.fails(alpha, 'tcp', '.*Connection refused: nobody listens')

    def test_silence(self):
        """Bounded in time wherever the peer says nothing more."""
        for fault, layer, text in (
                (Drop('in', name='CN', times=None), 'session',
                 'neither AC nor RF, to our CN within 1 s'),
                (Drop('in', name='FN', times=None), 'release',
                 'no DN, to our FN within 1 s')):
            beta = self.responder([fault])
            alpha = self.caller(beta.port, SMALL)
            start = time.monotonic()
            self.fails(alpha, layer, text, '-t', '1', 'beta')
            self.assertLess(time.monotonic() - start, 20)
        with socket.create_server(('127.0.0.1', 0)) as silent:
            alpha = self.caller(silent.getsockname()[1], SMALL)
            self.fails(alpha, 'transport', 'neither CC nor DR, to our CR '
                       'within 1 s', '-t', '1', 'beta')

    def test_transport_selector(self):
        """The one that refuses it names both."""
        beta = self.daemon('beta', Peer('alpha', None, *SHORT),
                           tls='tsel "592"')
        alpha = self.caller(beta.port, 'address 127.0.0.1 port %d tsel "593"' %
                            beta.port)
        self.fails(alpha, 'transport', 'DR, reason 3: ', '-n', '2', 'beta')
        beta.said('association-refused .*: called transport selector "593" '
                  'is not "592", the one we listen on$')

    def test_no_mta(self):
        """Something else listens there."""
        with socket.create_server(('127.0.0.1', 0)) as web:
            alpha = self.caller(web.getsockname()[1], SMALL)

            def answer():
                sock, _ = web.accept()
                with sock:
                    sock.recv(100)
                    sock.sendall(b'HTTP/1.0 400 Bad Request\r\n\r\n')
                    sock.recv(100)
            thread = threading.Thread(target=answer, daemon=True)
            thread.start()
            self.fails(alpha, 'transport', 'not a TPKT .*: is RFC 1006 '
                       'spoken there, without TLS')
            thread.join(LIMIT)

    def test_addresses(self):
        """The first that answers, all of them, or one by its number."""
        beta = self.responder()
        closed = closed_port(self)
        alpha = self.daemon('alpha', Peer(
            'beta', closed, 'address 127.0.0.1 port %d' % beta.port,
            'address 127.0.0.1 port %d' % beta.port, *SHORT, SMALL))
        out = self.ping(alpha, 'beta')
        self.assertRegex(out, 'beta: 1 of 2 addresses answered')
        out = self.ping(alpha, '-a', 'beta', ok=False)
        self.assertRegex(out, 'beta: 2 of 3 addresses answered')
        self.fails(alpha, 'tcp', '.*refused', '-n', '1', 'beta')
        out = self.ping(alpha, '-n', '3', 'beta')
        self.assertRegex(out, 'beta, address 3: ')
        self.assertEqual(self.ctl(alpha, 'ping', '-n', '4', 'beta'), (
            1, '', 'mtactl: peer beta has no more than 3 addresses\n'))

    def test_cannot_be(self):
        beta = self.called(SMALL)
        self.assertEqual(self.ctl(beta, 'ping', 'alpha'), (
            1, '', 'mtactl: peer alpha has no address here: it calls us\n'))
        self.assertEqual(self.ctl(beta, 'ping', 'gamma'),
                         (1, '', 'mtactl: no such peer: "show '
                             'peers" has their names\n'))

    def test_recovery_and_queue_are_left_alone(self):
        """While a transfer waits to be recovered, and with the peer down."""
        # it is recovered at once, to no avail, and then after a while
        beta = self.responder([Cut('in', name='MIP', nth=4, how='rst')],
                              [Cut('in', name='CN', how='rst')])
        alpha = self.caller(beta.port, SMALL, base=[
            'retry 600s to 600s', 'delay 600s timeout 1h', 'idle 60s'])
        id_ = self.submit(alpha, WORDS)

        def waiting():
            return [t for t in alpha.mtactl('show', 'transfers')
                    if t['message'] == id_ and
                    t['state'] == 'waiting for recovery']
        until(lambda: len(beta.associations) == 2 and
              beta.associations[1].finished.is_set(), LIMIT)
        before = until(waiting, LIMIT)

        def cut():
            p = alpha.mtactl('show', 'peers')[0]
            return p['cut_in'], p['cut_out'], sum(p['queued'].values())
        self.assertEqual(cut(), (0, 1, 0))
        self.assertIn('cut           0 in, 1 out, wait for recovery\n',
                      self.ctl(alpha, 'show', 'peer', 'beta')[1])
        self.assertRegex(self.ctl(alpha, 'show', 'peers')[1],
                         r' CUT .*\nbeta .* 0/1 ')
        alpha.mtactl('peer', 'beta', 'hold')
        self.ping(alpha, 'beta')
        after = waiting()
        for key in ('checkpoint', 'connection', 'octets'):
            self.assertEqual(before[0][key], after[0][key])
        self.assertEqual(beta.messages, [])
        # the peer still has its part, and gets the rest
        alpha.mtactl('peer', 'beta', 'up')
        self.received(beta, WORDS, timeout=LIMIT)
        self.assertTrue(beta.transfers[-1].resumed)
        until(lambda: cut() == (0, 0, 0), LIMIT)

    def test_who_asks_goes_away(self):
        """Its association is given up."""
        beta = self.responder([Drop('in', name='CN', times=None)])
        alpha = self.caller(beta.port, SMALL, base=['open timeout 300s'])
        proc = subprocess.Popen(mtactl(alpha, 'ping', 'beta'),
                                stdout=subprocess.PIPE)
        until(lambda: beta.associations, LIMIT)
        until(lambda: b'transport' in proc.stdout.readline(), LIMIT)
        proc.kill()
        proc.wait()
        proc.stdout.close()
        self.assertTrue(beta.associations[0].finished.wait(LIMIT))
        self.allowed.append('not CN')       # but an AB


class PingTls(TlsCase, Live):
    def test_tls(self):
        for kind in ('rsa', 'ecdsa'):
            beta = self.front(test_tls.keys[kind])
            alpha = self.caller(beta.relay.port, 'tls yes',
                                test_tls.authority())
            out = self.ping(alpha, 'beta')
            self.assertRegex(out, r'ms +tls +ok +TLSv1.3 ')
            self.assertRegex(out, 'released in order')

    def test_certificate(self):
        beta = self.front(test_tls.keys['ecdsa'])
        alpha = self.caller(beta.relay.port, 'tls yes',
                            test_tls.authority(test_tls.other))
        self.fails(alpha, 'tls', '.*is not accepted: .*; is "tls ca" the '
                   'authority of its certificate')
        self.allowed.append('')

    def test_opportunistic(self):
        """It says that it goes on without, and remembers nothing."""
        beta = self.responder()
        alpha = self.caller(beta.port, 'tls opportunistic',
                            test_tls.authority())
        for _ in range(2):
            out = self.ping(alpha, 'beta')
            self.assertRegex(out, 'tls +FAIL .*called again without')
            self.assertRegex(out, 'released in order')
        self.allowed.append('')


class Tracing(Live):
    def start_trace(self, daemon, *args):
        """A trace to a file, when it runs."""
        path = os.path.join(daemon.dir, 'trace%d' % len(os.listdir(
            daemon.dir)))
        n = len(daemon.lines('trace-begun '))
        proc = subprocess.Popen(
            mtactl(daemon, 'trace', '-w', path, *args),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
        self.addCleanup(proc.kill)
        until(lambda: len(daemon.lines('trace-begun ')) > n or
              proc.poll() is not None, LIMIT)
        return path, proc

    def end_trace(self, proc, sig=signal.SIGINT):
        """Packets, octets, octets left out."""
        if sig is not None:
            proc.send_signal(sig)
        out, err = proc.communicate(timeout=LIMIT)
        self.assertEqual((proc.returncode, out), (0, ''), err)
        return tuple(map(int, re.fullmatch(
            r'(\d+) packets, (\d+) octets, (\d+) octets left out\n',
            err).groups()))

    def settled(self, path, want):
        """Wireshark has all that was to come."""
        def there():
            with contextlib.suppress(RuntimeError):
                return want <= pcap.protocols(path) and 10 in \
                    pcap.spdus(path)[-1:]
        until(there, LIMIT, 'DN in the trace', 0.2)

    def wrote(self, path):
        with open(path, 'rb') as f:
            return f.read()


class Trace(Tracing):
    def one(self, mode, want):
        beta = self.responder(mode=mode)
        alpha = self.daemon('alpha', Peer(
            'beta', beta.port, *SHORT, SMALL, 'idle 1s',
            mode='x410-1984' if mode == 'x410' else mode))
        path, proc = self.start_trace(alpha, 'beta')
        self.submit(alpha, WORDS)
        beta.wait(1, timeout=LIMIT)
        self.settled(path, want)
        packets, octets_, lost = self.end_trace(proc)
        self.assertEqual(lost, 0)
        self.assertGreater(octets_, len(WORDS))
        pcap.check(path, want=want)
        shown = pcap.spdus(path)
        # CN AC, AS, nine checkpoints and their confirmations, AE AEA, FN DN
        self.assertEqual((shown[:2], shown[-2:]), ([13, 14], [9, 10]))
        self.assertEqual(shown.count(49), shown.count(50))
        self.assertGreaterEqual(shown.count(49), 7)
        data = self.wrote(path)
        self.assertNotIn(password('alpha').encode(), data)
        self.assertNotIn(password('beta').encode(), data)
        self.assertIn(b'*' * len(password('alpha')), data)

    def test_1984(self):
        self.one('x410', {'tpkt', 'cotp', 'ses'})

    def test_normal(self):
        self.one('normal', {'tpkt', 'cotp', 'ses', 'pres', 'acse', 'rtse'})

    def test_with_passwords(self):
        """Only when it is asked for."""
        beta = self.responder()
        alpha = self.caller(beta.port, SMALL, 'idle 1s')
        path, proc = self.start_trace(alpha, '-p', 'beta')
        self.ping(alpha, 'beta')
        self.settled(path, {'ses'})
        self.end_trace(proc, signal.SIGTERM)
        self.assertIn(password('alpha').encode(), self.wrote(path))

    def test_passwords_are_for_root(self):
        """Who may look is not who may see them."""
        beta = self.called(SMALL)
        beta.stop()
        with open(beta.conf) as f:
            text = f.read()
        beta.write(text.replace('control "%s"' % beta.socket,
                                'control "%s" group "daemon"' % beta.socket))
        beta.start()
        self.restarts = True
        os.chmod(beta.dir, 0o777)
        run = subprocess.run(
            mtactl(beta, 'trace', '-p', '-w', beta.dir + '/x', 'alpha', '1'),
            user=65534, group='daemon', extra_groups=[], capture_output=True,
            timeout=LIMIT, text=True)
        self.assertEqual((run.returncode, run.stderr), (
            1, 'mtactl: passwords are shown to root only\n'))

    def test_small_tpdus(self):
        """A password in several TPDUs."""
        beta = self.responder(tpdu_size=128)
        alpha = self.caller(beta.port, 'tpdu-size 128',
                            'local name "%s" password "%s"' % (
                                'alpha', password('alpha')))
        path, proc = self.start_trace(alpha, 'beta')
        self.ping(alpha, 'beta')
        self.settled(path, {'ses'})
        self.end_trace(proc)
        data = self.wrote(path)
        self.assertNotIn(b'secret', data)
        pcap.check(path)

    def test_called(self):
        """One that calls is known by its PConnect; what came before that is
        there as well.  One that is refused is there by its name."""
        beta = self.called(SMALL)
        path, proc = self.start_trace(beta, 'alpha')
        with self.assertRaises(Rejected):
            self.initiator(beta, password='not this').open()
        with self.assertRaises(Rejected):
            self.initiator(beta, name='delta').open()
        initiator = self.initiator(beta).open()
        initiator.send(mpdu_of(WORDS))
        initiator.close()
        self.settled(path, {'tpkt', 'cotp', 'ses'})
        self.end_trace(proc)
        pcap.check(path)
        spdus = pcap.spdus(path)
        # delta's CN is not alpha's
        self.assertEqual((spdus.count(13), spdus.count(14),
                          spdus.count(12)), (2, 1, 1))
        data = self.wrote(path)
        self.assertNotIn(b'not this', data)
        self.assertNotIn(password('alpha').encode(), data)

    def test_all(self):
        """Of anybody, unknown ones too."""
        beta = self.called(SMALL)
        path, proc = self.start_trace(beta, '-a')
        with self.assertRaises(Rejected):
            self.initiator(beta, name='delta', password='not this').open()
        self.initiator(beta).open().close()
        self.settled(path, {'tpkt', 'cotp', 'ses'})
        self.end_trace(proc)
        self.assertEqual(pcap.spdus(path).count(13), 2)
        self.assertNotIn(b'not this', self.wrote(path))

    def test_seconds(self):
        beta = self.called(SMALL)
        path, proc = self.start_trace(beta, 'alpha', '1')
        self.end_trace(proc, None)
        self.assertEqual(pcap.protocols(path), set())

    def test_in_the_midst(self):
        """Of an association that is open, from a TPDU on."""
        beta = self.called(SMALL)
        initiator = self.initiator(beta).open()
        initiator.send(mpdu_of(WORDS))
        path, proc = self.start_trace(beta, 'alpha')
        initiator.send(mpdu_of(WORDS))
        initiator.close()
        self.settled(path, {'tpkt', 'cotp', 'ses'})
        self.end_trace(proc)
        pcap.check(path)
        self.assertNotIn(13, pcap.spdus(path))

    def test_slow_reader(self):
        """It stops no transfer; what it did not take is told."""
        beta = self.responder()
        alpha = self.caller(beta.port, 'checkpoint 64 window 3', 'idle 1s')
        path, proc = self.start_trace(alpha, 'beta')
        proc.send_signal(signal.SIGSTOP)
        content = octets(24 << 20)
        self.submit(alpha, content)
        self.received(beta, content, timeout=LIMIT)
        proc.send_signal(signal.SIGCONT)
        self.submit(alpha, octets(500))
        beta.wait(2, timeout=LIMIT)
        self.settled(path, {'tpkt', 'cotp', 'ses'})
        packets, octets_, lost = self.end_trace(proc)
        self.assertGreater(lost, 10 << 20)
        self.assertLess(octets_, 14 << 20)
        self.assertIn('octets before this are left out', pcap.tshark(
            path, '-T', 'fields', '-e', 'frame.comment'))

    def test_rtsd_dies(self):
        """The trace goes on with the next one."""
        self.restarts = True
        beta = self.responder()
        alpha = self.caller(beta.port, SMALL, 'idle 1s')
        path, proc = self.start_trace(alpha, 'beta')
        old = alpha.pids()['rtsd']
        alpha.kill('rtsd')
        until(lambda: alpha.pids().get('rtsd', old) != old, LIMIT)
        until(lambda: self.ctl(alpha, 'ping', 'beta')[0] == 0, LIMIT)
        self.settled(path, {'tpkt', 'cotp', 'ses'})
        self.end_trace(proc)

    def test_who_looks_dies(self):
        """Nothing is left of the trace, and there is room for another."""
        beta = self.responder()
        alpha = self.caller(beta.port, SMALL)
        for _ in range(6):
            _, proc = self.start_trace(alpha, 'beta')
            proc.kill()
            proc.communicate()
        path, proc = until(lambda: self.another(alpha), LIMIT)
        self.ping(alpha, 'beta')
        self.settled(path, {'ses'})
        self.end_trace(proc)

    def another(self, daemon):
        path, proc = self.start_trace(daemon, 'beta')
        if proc.poll() is None:
            return path, proc
        proc.communicate()

    def test_terminal_and_mistakes(self):
        beta = self.called(SMALL)
        code, _, err = self.ctl(beta, 'trace', '-w', beta.dir + '/x', 'none')
        self.assertEqual((code, err), (1, 'mtactl: no such peer: "show '
                             'peers" has their names\n'))
        code, _, err = self.ctl(beta, 'trace', '-w', beta.dir + '/x',
                                'alpha', '0')
        self.assertEqual(code, 2)


class TraceTls(TlsCase, Tracing):
    def test_tls(self):
        """What is seen is what was said inside of it, in both roles."""
        beta = self.front(test_tls.keys['ecdsa'])
        alpha = self.caller(beta.relay.port, 'tls yes', test_tls.authority(),
                            'idle 1s')
        path, proc = self.start_trace(alpha, 'beta')
        self.submit(alpha, WORDS)
        beta.wait(1, timeout=LIMIT)
        self.settled(path, {'tpkt', 'cotp', 'ses'})
        self.end_trace(proc)
        pcap.check(path)
        self.assertIn('TLSv1.3', pcap.tshark(path, '-T', 'fields', '-e',
                                             'frame.comment'))
        self.assertNotIn('tls', pcap.protocols(path))

    def test_tls_called(self):
        beta = self.called(listen(test_tls.keys['rsa']), 'remote tls yes')
        path, proc = self.start_trace(beta, 'alpha')
        initiator = self.through(beta).open()
        initiator.send(mpdu_of(WORDS))
        initiator.close()
        self.settled(path, {'tpkt', 'cotp', 'ses'})
        self.end_trace(proc)
        pcap.check(path)


class States(Live):
    def test_down(self):
        """Open associations are closed in either role, nobody is called and
        nobody may come; over restarts of all three; up resumes at once."""
        self.restarts = True
        beta = self.responder()
        alpha = self.caller(beta.port, SMALL)
        self.submit(alpha, octets(500))
        self.received(beta, octets(500), timeout=LIMIT)
        theirs = self.initiator(alpha, name='beta',
                                password=password('beta')).open()
        alpha.mtactl('peer', 'beta', 'down')
        self.assertTrue(beta.associations[0].finished.wait(LIMIT))
        with self.assertRaises(GONE):
            while True:
                theirs.step(LIMIT)
        id_ = self.submit(alpha, octets(600))
        for restart in (None, 'spoold', 'rtsd', 'mtad'):
            if restart == 'mtad':
                alpha.crash()
                alpha.start()
            elif restart:
                old = alpha.pids()[restart]
                alpha.kill(restart)
                until(lambda: alpha.pids().get(restart, old) != old, LIMIT)
            with contextlib.suppress(RuntimeError):
                until(lambda: self.peer(alpha), LIMIT)
            until(lambda: self.state(alpha) == 'down by operator', LIMIT)
        with self.assertRaises(Rejected) as caught:
            self.initiator(alpha, name='beta',
                           password=password('beta')).open()
        self.assertEqual(caught.exception.reason, apdu.RTS_BUSY)
        self.assertEqual(len(beta.associations), 1)
        self.assertIn(id_, str(alpha.mtactl('show', 'queue')))
        alpha.mtactl('peer', 'beta', 'up')
        self.received(beta, octets(500), octets(600), timeout=LIMIT)
        self.assertFalse(self.peer(alpha)['down'])

    def state(self, daemon):
        try:
            return self.peer(daemon)['state']
        except (RuntimeError, TypeError):
            return None

    def test_hold(self):
        """What is for it waits; what comes from it is taken."""
        self.restarts = True
        beta = self.responder()
        alpha = self.caller(beta.port, SMALL)
        alpha.mtactl('peer', 'beta', 'hold')
        self.submit(alpha, octets(500))
        self.assertEqual(self.peer(alpha)['state'], 'held by operator')
        self.assertTrue(self.peer(alpha)['held'])
        theirs = self.initiator(alpha, name='beta',
                                password=password('beta')).open()
        theirs.send(mpdu_of(WORDS, recipient=ALPHA))
        theirs.close()
        self.delivered(alpha, WORDS, timeout=LIMIT)
        alpha.crash()
        alpha.start()
        until(lambda: self.state(alpha) == 'held by operator', LIMIT)
        self.assertEqual(beta.associations, [])
        self.assertEqual(self.peer(alpha)['queued']['normal'], 1)
        alpha.mtactl('peer', 'beta', 'up')
        self.received(beta, octets(500), timeout=LIMIT)

    def test_mistakes(self):
        alpha = self.caller(closed_port(self))
        self.assertEqual(self.ctl(alpha, 'peer', 'gamma', 'down'),
                         (1, '', 'mtactl: no such peer: "show '
                             'peers" has their names\n'))
        code, _, err = self.ctl(alpha, 'peer', 'beta', 'away')
        self.assertEqual(code, 2)


class Sheet(Live):
    def test_sheet(self):
        """Ours beside theirs, and no password."""
        beta = self.responder()
        alpha = self.daemon('alpha', Peer(
            'beta', beta.port, *SHORT, 'checkpoint 16 window 4',
            'local name "us" password "calling"',
            'remote response name "them" password "answering"',
            'local tsel "P1"', 'dialogue twa'))
        code, out, _ = self.ctl(alpha, 'show', 'peer', 'beta')
        self.assertEqual(code, 0)
        for text in ('peer +beta', 'mode +x410-1984, two-way alternate',
                     'checkpoint +16 KB, window 4', 'us +beta',
                     'us +them', 'its password +set +set',
                     DOMAINS['alpha'], DOMAINS['beta'],
                     'ours +127.0.0.1 port %d' % alpha.port,
                     'theirs +127.0.0.1 port %d' % beta.port,
                     'when we call +P1'):
            self.assertRegex(out, text)
        for secret in ('calling"', 'answering"', password('beta')):
            self.assertNotIn(secret, out)
        j = alpha.mtactl('show', 'peer', 'beta')
        self.assertEqual(j['ours']['calling'],
                         {'name': 'us', 'password': True})
        self.assertEqual(j['theirs']['answering'],
                         {'name': 'them', 'password': True})
        self.assertEqual((j['mode'], j['dialogue'], j['checkpoint'],
                          j['window']), ('x410-1984', 'twa', 16, 4))
        self.assertEqual(j['ours']['tsel'], 'P1')
        self.assertEqual(j['ours']['addresses'][0]['address'],
                         '127.0.0.1 port %d' % alpha.port)
        self.assertEqual(j['state'], 'idle')
        self.assertEqual(self.ctl(alpha, 'show', 'peer', 'x'),
                         (1, '', 'mtactl: no such peer: "show '
                             'peers" has their names\n'))


class Reload(Live):
    def test_what_changed(self):
        beta = Peer('beta', 9, *SHORT)
        alpha = self.daemon('alpha', beta)
        self.assertEqual(self.ctl(alpha, 'reload'),
                         (0, 'nothing has changed\n', ''))
        alpha.configure(
            Peer('beta', 10, *SHORT, 'checkpoint 3',
                 'local name "x" password "hidden"'),
            Peer('gamma', 9, *SHORT),
            lines=['poison after 7', 'limit loops 5'])
        code, out, err = self.ctl(alpha, 'reload')
        self.assertEqual((code, err), (0, ''))
        self.assertEqual(sorted(out.splitlines()), sorted([
            'changed: poison, limit loops',
            'peer "beta": changed: address, local name, local password, '
            'local response name, local response password, checkpoint '
            '(with the next association)',
            'peer "gamma": added',
            'route "/PRMD=GAMMA/ADMD=DBP/C=DE/": added']))
        alpha.said('config-changed: peer "gamma": added')
        alpha.configure(beta)
        j = alpha.mtactl('reload')
        self.assertTrue(j['ok'])
        self.assertIn('peer "gamma": removed', j['lines'])
        self.assertNotIn('hidden', alpha.log())

    def test_refused(self):
        """With the place of each error, and nothing changes."""
        alpha = self.daemon('alpha', Peer('beta', 9, *SHORT))
        with open(alpha.conf) as f:
            text = f.read()
        alpha.write(text + 'peer "gamma" {\n\tmode sideways\n}\n')
        code, out, err = self.ctl(alpha, 'reload')
        self.assertEqual((code, out), (1, ''))
        line = text.count('\n') + 2
        self.assertRegex(err, r'^%s:%d:\d+: .*\nmtactl: configuration not '
                         'reloaded' % (re.escape(alpha.conf), line))
        j = alpha.mtactl('reload', check=False)
        self.assertFalse(j['ok'])
        self.assertIn(':%d:' % line, j['lines'][0])
        self.assertEqual([p['name'] for p in alpha.mtactl('show', 'peers')],
                         ['beta'])
        alpha.write(text.replace(alpha.spool, alpha.spool + 'x'))
        self.assertIn('spool: changed from "%s" to "%sx", which takes a '
                      'restart: nothing' % (alpha.spool, alpha.spool),
                      self.ctl(alpha, 'reload')[2])
        alpha.write(text.replace(alpha.socket, alpha.socket + 'x'))
        self.assertIn('control: changed from "%s" to "%sx", which takes a '
                      'restart: nothing' % (alpha.socket, alpha.socket),
                      self.ctl(alpha, 'reload')[2])

    def test_not_to_be_had(self):
        """An address or a directory, in the words of the log."""
        alpha = self.daemon('alpha', Peer('beta', 9, *SHORT))
        with open(alpha.conf) as f:
            text = f.read()
        with socket.socket() as busy:
            busy.bind(('127.0.0.1', 0))
            busy.listen(1)
            for line, why in (
                    ('listen on 127.0.0.1 port %d' % busy.getsockname()[1],
                     'listen-failed .*%d.*: Address already in use' %
                     busy.getsockname()[1]),
                    ('deliver "/C=IT/ADMD=X" to directory "%s/x/y"' %
                     alpha.dir, 'directory-bad path="%s/x/y": cannot be '
                     'made: No such file' % re.escape(alpha.dir))):
                alpha.write(text + line + '\n')
                code, out, err = self.ctl(alpha, 'reload')
                self.assertEqual((code, out), (1, ''))
                self.assertRegex(err, '^' + why)
                self.assertEqual(len(err.splitlines()), 2, err)
                j = alpha.mtactl('reload', check=False)
                self.assertFalse(j['ok'])
                self.assertRegex(j['lines'][0], why)

    def test_new_directory(self):
        """spoold starts again for it; who asked is told."""
        self.restarts = True
        alpha = self.daemon('alpha', Peer('beta', 9, *SHORT))
        with open(alpha.conf) as f:
            text = f.read()
        alpha.write(text + 'deliver "/C=IT/ADMD=X" to directory "%s"\n' %
                    os.path.join(alpha.dir, 'more'))
        code, out, err = self.ctl(alpha, 'reload')
        self.assertEqual(code, 0, err)
        self.assertIn('deliver "/ADMD=X/C=IT/": added', out)
        until(lambda: self.ctl(alpha, 'show', 'peers')[0] == 0, LIMIT)


class Stop(Live):
    def test_stop(self):
        """All three end, in order, before it returns, but for mtad itself."""
        self.restarts = True
        alpha = self.daemon('alpha', Peer('beta', 9, *SHORT))
        self.assertEqual(self.ctl(alpha, 'stop'), (0, '', ''))
        self.assertEqual(alpha.proc.wait(LIMIT), 0)
        alpha.said('stopping .*: by the operator')
        self.assertFalse(os.path.exists(alpha.socket))

    def test_log(self):
        """For all three at once."""
        alpha = self.daemon('alpha', Peer('beta', 9, *SHORT))
        alpha.mtactl('log', 'brief')
        mark = alpha.log_size()
        self.ctl(alpha, 'ping', 'beta')
        alpha.said('peer-pinged peer=beta addresses=1 answered=0')
        self.assertNotIn('ping fails', alpha.log(mark))
        alpha.mtactl('log', 'verbose')

        def verbose():
            mark = alpha.log_size()
            self.ctl(alpha, 'ping', 'beta')
            return 'ping fails' in alpha.log(mark)
        until(verbose, LIMIT)


if __name__ == '__main__':
    main()
