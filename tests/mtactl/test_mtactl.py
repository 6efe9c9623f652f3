#!/usr/bin/python3
# SPDX-License-Identifier: ISC
#
# mtactl against a server of this test's own that speaks control.h: what it
# asks, what it prints for people and as JSON, and how it fails.
#
# usage: test_mtactl.py MTACTL

import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

MTACTL = None

(SHOW_SUMMARY, SHOW_PEERS, SHOW_ASSOCIATIONS, SHOW_QUEUE, SHOW_TRANSFERS,
 SHOW_MESSAGE, SUBMIT, SUBMIT_CONTENT, SUBMIT_END, RETRY, PEER, RELOAD,
 VERBOSE, HOLD, RELEASE, REMOVE, ROUTE, CHECK, ROW, ROW_RECIPIENT,
 ROW_ENVELOPE, ROW_STEP, ROW_HOP, END, FAIL, REROUTE, EXPIRE,
 TRACK) = range(200, 228)
(ROW_TROUBLE,) = (234,)
(SHOW_PEER, PING, TRACE, STOP, ROW_LISTEN, ROW_PING, ROW_TRACE,
 ROW_LINE) = range(240, 248)

# As the compiler lays them out: native sizes and alignment.
SUMMARY = '@33s32s128s23Q'
PEER_ROW = '@64s128s2I6Q2I10QI3B0Q'
ASSOCIATION = '@I64s64s160s4B2I4Q64s'
MESSAGE = '@Q160s1024s3B2I2Q64s64s128s'
RECIPIENT = '@1024s64s128sB'
TRANSFER = '@64sBQ32s160s2QI2Q96sq'
SUBMITTED = '@Q160sI0Q'
CHANGE = '@Q64s64sB0Q'
CHANGED = '@5Q160s'
PING_BODY = '@64sB2I'
PING_ADDRESS = '@I272s'
PING_STEP = '@2BI448s'
PING_END = '@BI'
TRACE_BODY = '@64sB'
TRACE_DATA = '@I3B2Iq3Q64s64s64s64s'
TRACK_BODY = '@2qI32Q512s0Q'

ORIGINATOR = '/G=Jo/S=Doe/O=Acme/PRMD=ALPHA/ADMD=GOLD 400/C=GB'
RECIPIENT_1 = 'g=Ann; s=Poe; p=BETA; a=ATLAS; c=FR'
RECIPIENT_2 = '/S=Roe/DD.fax=12/PRMD=BETA/ADMD=ATLAS/C=FR'


def imsg(kind, body=b''):
    return struct.pack('=IIII', kind, 16 + len(body), 0, 0) + body


class Server(threading.Thread):
    """Takes one connection, keeps what it is sent, answers at the end; later
    are the answers to more requests of that kind, or of those kinds."""

    def __init__(self, path, answers, until, slow=0, later=()):
        super().__init__(daemon=True)
        self.later = list(later)
        self.answers, self.until, self.slow = answers, until, slow
        self.more = until if isinstance(until, tuple) else ()
        self.got = []
        self.error = None
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(1)
        self.start()

    def run(self):
        try:
            self.serve()
        except Exception as e:
            self.error = e
        finally:
            self.listener.close()

    def take(self, s, n):
        data = b''
        while len(data) < n:
            piece = s.recv(n - len(data))
            if not piece:
                return None
            data += piece
        return data

    def serve(self):
        s, _ = self.listener.accept()
        with s:
            while True:
                head = self.take(s, 16)
                if head is None:
                    return
                kind, length, _, _ = struct.unpack('=IIII', head)
                assert 16 <= length <= 128 * 1024 + 128, length
                self.got.append((kind, self.take(s, length - 16)))
                if self.slow and kind == SUBMIT_CONTENT:
                    time.sleep(self.slow)
                if kind == self.until or kind in self.more:
                    for part in self.answers:
                        s.sendall(part)
                    if not self.later:
                        break
                    self.answers = self.later.pop(0)
            while s.recv(65536):
                pass


def primitives(data):
    """The values of all primitive elements of some BER, which is whole."""
    found = []
    while data:
        tag, length, n = data[0], data[1], 2
        assert tag & 31 != 31
        if length > 128:
            n += length - 128
            length = int.from_bytes(data[2:n], 'big')
        assert length != 128 and n + length <= len(data)
        value = data[n:n + length]
        found += primitives(value) if tag & 32 else [value]
        data = data[n + length:]
    return found


class Test(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix='mtactl', dir='/tmp')
        self.path = os.path.join(self.dir, 'sock')
        self.server = None

    def tearDown(self):
        shutil.rmtree(self.dir)

    def serve(self, answers, until, slow=0, later=()):
        if os.path.exists(self.path):
            os.unlink(self.path)
        self.server = Server(self.path, answers, until, slow, later)

    def run_it(self, *args, stdin=b'', path=None):
        return subprocess.run([MTACTL, '-s',
                               self.path if path is None else path, *args],
                              input=stdin, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=60)

    def good(self, *args, stdin=b''):
        r = self.run_it(*args, stdin=stdin)
        self.assertEqual(r.stderr.decode(), '')
        self.assertEqual(r.returncode, 0)
        self.server.join(10)
        self.assertIsNone(self.server.error)
        return r.stdout.decode()

    def json(self, *args, stdin=b''):
        return json.loads(self.good('-j', *args, stdin=stdin))

    def bad(self, code, *args, stdin=b'', path=None):
        r = self.run_it(*args, stdin=stdin, path=path)
        self.assertEqual(r.returncode, code, r.stderr)
        self.assertEqual(r.stdout, b'')
        self.assertTrue(r.stderr.startswith(b'mtactl: '), r.stderr)
        if code == 1:
            self.assertEqual(r.stderr.count(b'\n'), 1, r.stderr)
        return r.stderr.decode()

    # How it is called

    def test_usage(self):
        for args in (['show'], ['show', 'bogus'],
                     ['show', 'peers', 'x'], ['show', 'message'],
                     ['hold'], ['release', '1', '2'], ['remove'],
                     ['hold', '-r', '1'], ['hold', '-P', 'beta', '1'],
                     ['expire', '-V', 'beta', '1'], ['reroute', '-r', '1'],
                     ['track', '1', '2'], ['track', 'since'],
                     ['retry', '1', '2'], ['peer', 'beta'], ['reload', 'x'],
                     ['ping'], ['ping', 'a', 'b'], ['trace'], ['stop', 'x'],
                     ['ping', '-a', '-n', '1', 'x'], ['show', 'peer'],
                     ['trace', 'x', '1', '2'], ['trace', '-x', 'beta'],
                     ['log'], ['submit'], ['submit', '-f', ORIGINATOR],
                     ['submit', '-t', RECIPIENT_1], ['submit', '-x'],
                     ['submit', '-f', ORIGINATOR, '-t', RECIPIENT_1, 'a',
                      'b'],
                     ['submit', '-b', '-s', 'x', '-f', ORIGINATOR, '-t',
                      RECIPIENT_1],
                     ['route'], ['route', ORIGINATOR, 'x'], ['check'],
                     ['check', '-f', ORIGINATOR],
                     ['check', '-t', RECIPIENT_1, 'x']):
            lines = self.bad(2, *args).splitlines()
            # the reason, and that verb alone
            self.assertRegex(lines[1], '^usage: mtactl .*' + args[0])
            self.assertLess(len(lines), 6, args)
            for line in lines[1:]:
                if 'mtactl' in line:
                    self.assertIn(' %s' % args[0], line)
        # the reason, and where to find them all
        for args, why in (([], 'a command expected'),
                          (['-x'], '-x: unknown option'),
                          (['-s'], '-s: a value is missing'),
                          (['bogus'], 'bogus: unknown command'),
                          (['help', 'bogus'], 'bogus: unknown command')):
            r = subprocess.run([MTACTL, *args], stdin=subprocess.DEVNULL,
                               capture_output=True, text=True)
            lines = r.stderr.splitlines()
            self.assertEqual((r.returncode, r.stdout, lines[0]),
                             (2, '', 'mtactl: ' + why))
            self.assertRegex(lines[1], '^usage: mtactl .* command ')
            self.assertIn('mtactl help', lines[2])
            self.assertEqual(len(lines), 3)
        for args, why in (
                (['show', 'message', 'xyz'], 'hexadecimal'),
                (['hold', '0'], 'hexadecimal'),
                (['hold', '--', '-1'], 'hexadecimal'),
                (['hold', '12345678901234567'], 'hexadecimal'),
                (['peer', 'beta', 'sideways'], 'up, down or hold'),
                (['peer', 'b' * 64, 'up'], 'name of a peer'),
                (['ping', 'b' * 64], 'name of a peer'),
                (['ping', '-t', '0', 'beta'], 'from 1 to 300'),
                (['ping', '-n', '9', 'beta'], 'from 1 to 8'),
                (['trace', '-w', '/dev/null', 'beta', 'x'], 'a number'),
                (['log', 'loud'], 'verbose or brief'),
                (['submit', '-p', 'high'], 'urgent, normal'),
                (['check', '-p', 'high'], 'urgent, normal'),
                (['check', '-l', '-1'], 'a number of octets'),
                (['check', '-t', '/C=F%'], '\t/C=F%\n\t    ^\n'),
                (['check', '-z'], "mtactl: invalid option -- 'z'"),
                (['show', 'queue', '-j'], '-j comes before the command'),
                (['hold', '-j', '1'], '-j comes before the command'),
                (['track', 'since', '1d', 'until', '2d'],
                 'nothing lies between'),
                (['submit', '-s', b'\xff'], 'not UTF-8'),
                (['route', 'foo'], '\tfoo\n\t   ^\n'),
                (['track', '/foo=bar'], '\t/foo=bar\n\t ^\n'),
                (['log', 'brief', ''], 'the name of a peer'),
                (['submit', '-r', 'all'], 'confirmed'),
                (['submit', '-s', 'x' * 300], 'too long')):
            self.assertIn(why, self.bad(2, *args))

    def test_help(self):
        """On standard output; of one command, or of all."""
        r = self.run_it('help')
        self.assertEqual((r.returncode, r.stderr), (0, b''))
        for line in r.stdout.decode().splitlines():
            self.assertRegex(line, '^(usage: mtactl|       mtactl|\t    )')
            self.assertLess(len(line.expandtabs()), 80)
        for option in '-h', '--help':
            out = subprocess.run([MTACTL, option], capture_output=True,
                                 stdin=subprocess.DEVNULL, timeout=60)
            self.assertEqual((out.returncode, out.stdout, out.stderr),
                             (0, r.stdout, b''))
        r = self.run_it('help', 'ping')
        self.assertEqual((r.returncode, r.stderr, r.stdout), (
            0, b'', b'usage: mtactl [-j] [-s socket] ping [-a] [-n number] '
            b'[-t seconds] peer\n'))

    def test_peer_without_P(self):
        for verb in 'retry', 'hold', 'remove':
            self.assertEqual(
                self.bad(2, verb, 'beta'), 'mtactl: beta: not the id of a '
                'message: they are hexadecimal, as "show queue" has them; '
                'or -P beta for a peer\n')

    def test_address(self):
        err = self.bad(2, 'submit', '-f', '/G=J\u00f6/S=Doe/foo/C=GB')
        self.assertEqual(err.splitlines(), [
            "mtactl: -f: '=' expected",
            '\t/G=J\u00f6/S=Doe/foo/C=GB',
            '\t               ^'])
        err = self.bad(2, 'submit', '-t', '/S=Doe/ADMD=x')
        self.assertIn('no country', err)
        err = self.bad(2, 'submit', '-t', '/S=D\x1b[1moe/C=GB')
        self.assertIn('control character', err)
        self.assertNotIn('\x1b', err)
        err = self.bad(2, 'submit', '-s', 'a \u20ac')
        self.assertEqual(err.splitlines()[2], '\t  ^')

    def test_address_without_form(self):
        """Which attribute it is that X.411 has no form for, and where."""
        for text, why, where in (
                ('/O=\u00f6/S={x41}/C=GB', 'S is in characters that X.411 '
                 'does not have for it', 7),
                ('s=Doe; ou2=x; ou1={x41}; c=gb', 'OU1 is in characters that '
                 'X.411 does not have for it', 18),
                ('/S=Doe/CN={uff}/C=GB', 'a universal attribute is not in '
                 'UTF-8', 10)):
            err = self.bad(2, 'submit', '-t', text)
            self.assertEqual(err.splitlines(), [
                'mtactl: -t: ' + why, '\t' + text, '\t' + where * ' ' + '^'])

    def test_no_server(self):
        err = self.bad(1, 'show', 'peers')
        self.assertEqual(err, 'mtactl: %s: no such file or directory: '
                         'is mtad running?\n' % self.path)
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(self.path)
        err = self.bad(1, 'show', 'peers')
        self.assertEqual(err, 'mtactl: %s: connection refused: '
                         'is mtad running?\n' % self.path)
        r = subprocess.run([MTACTL, '-s', '/' + 'x' * 200, 'reload'],
                           stderr=subprocess.PIPE)
        self.assertEqual(r.returncode, 1)
        self.assertIn(b'too long', r.stderr)

        self.assertEqual(
            self.bad(1, 'show', 'peers', path='/etc/passwd'), 'mtactl: '
            '/etc/passwd: not a socket: -s is for the control socket of '
            'mtad\n')
        self.assertIn('-s: the path of a socket was expected',
                      self.bad(1, 'show', 'peers', path=''))

    @unittest.skipIf(os.geteuid() != 0, 'not root')
    def test_no_permission(self):
        self.serve([imsg(END)], SHOW_PEERS)
        os.chmod(self.dir, 0o755)
        os.chmod(self.path, 0o600)
        r = subprocess.run([MTACTL, '-s', self.path, 'show', 'peers'],
                           capture_output=True, user=65534, text=True,
                           extra_groups=[], timeout=60)
        self.assertEqual((r.returncode, r.stdout), (1, ''))
        self.assertEqual(r.stderr, 'mtactl: %s: permission denied: root '
                         'may, and the group of "control" in mtad.conf\n' %
                         self.path)

    def test_long_address(self):
        """What is around the place is shown, characters whole."""
        text = '/S=%s%%/C=GB' % ('\u00f6' * 2000)
        lines = self.bad(2, 'route', text).splitlines()
        self.assertEqual(len(lines), 3)
        self.assertLess(max(map(len, lines)), 140)
        self.assertTrue(lines[1].startswith('\t...\u00f6'))
        self.assertIn(lines[1][lines[2].index('^')], '\u00f6%')
        self.assertNotIn('\ufffd', lines[1])

    # Where its output goes

    def output(self, stdout, *args, **kw):
        return subprocess.run([MTACTL, '-s', self.path, *args],
                              stdin=subprocess.DEVNULL, stdout=stdout,
                              stderr=subprocess.PIPE, timeout=60, text=True,
                              **kw)

    def queue(self, n):
        return [imsg(ROW, self.message(i)) for i in range(1, n)] + [imsg(END)]

    def test_closed_output(self):
        """The socket does not become standard output."""
        for closed in ((1,), (0, 1), (0, 1, 2)):
            def close():
                for fd in closed:
                    os.close(fd)
            for args in (['show', 'queue'], ['-j', 'show', 'queue']):
                self.serve(self.queue(3), SHOW_QUEUE)
                r = self.output(None, *args, preexec_fn=close)
                self.assertEqual(r.returncode, 1)
                if 2 not in closed:
                    self.assertEqual(r.stderr, 'mtactl: standard output: Bad '
                                     'file descriptor\n')
                self.server.join(10)
                self.assertIsNone(self.server.error)
                self.assertEqual([k for k, _ in self.server.got],
                                 [SHOW_QUEUE])

    def test_head(self):
        """Whom nobody reads any more ends as other programs, without a word,
        if it only looked."""
        for n in 2, 3000:
            self.serve(self.queue(n), SHOW_QUEUE)
            r, w = os.pipe()
            os.close(r)
            with open(w, 'wb') as f:
                out = self.output(f, 'show', 'queue')
            self.assertEqual((out.returncode, out.stderr),
                             (-signal.SIGPIPE, ''))

    def test_full(self):
        with open('/dev/full', 'w') as full:
            self.serve(self.queue(3), SHOW_QUEUE)
            r = self.output(full, 'show', 'queue')
            self.assertEqual((r.returncode, r.stderr), (
                1, 'mtactl: standard output: No space left on device\n'))
            # it has been submitted all the same
            self.serve(self.SUBMITTED, SUBMIT_END)
            r = self.output(full, 'submit', '-f', ORIGINATOR, '-t',
                            RECIPIENT_1)
            self.assertEqual((r.returncode, r.stderr), (
                1, 'mtactl: it is submitted, as 00000000000000CD, but '
                'standard output: No space left on device\n'))

    # What the other side may do to it

    def test_failure(self):
        self.serve([imsg(FAIL, b'no such \x1bpeer\0')], PEER)
        self.assertEqual(self.bad(1, 'peer', 'x', 'up'),
                         'mtactl: no such ?peer\n')
        self.serve([], SHOW_PEERS)
        self.server.answers = [imsg(ROW, b'short')]
        self.assertIn('different versions', self.bad(1, 'show', 'peers'))
        self.serve([b'GET / HTTP/1.0\r\n\r\n'], SHOW_PEERS)
        self.assertIn('not mtad', self.bad(1, 'show', 'peers'))
        self.serve([imsg(ROW_RECIPIENT)], RELOAD)
        self.assertIn('unexpected', self.bad(1, 'reload'))

    def test_closed(self):
        class Closing(Server):
            def serve(self):
                s, _ = self.listener.accept()
                s.close()
        self.server = Closing(self.path, [], 0)
        self.assertIn('closed the connection', self.bad(1, 'show', 'queue'))

    # Commands

    def test_commands(self):
        for args, kind, body in (
                (['peer', 'beta', 'up'], PEER,
                 struct.pack('@64sB', b'beta', 1)),
                (['peer', 'beta', 'down'], PEER,
                 struct.pack('@64sB', b'beta', 0)),
                (['peer', 'beta', 'hold'], PEER,
                 struct.pack('@64sB', b'beta', 2)),
                (['log', 'verbose'], VERBOSE, struct.pack('@i64s', 1, b'')),
                (['log', 'verbose', 'beta'], VERBOSE,
                 struct.pack('@i64s', 1, b'beta')),
                (['log', 'brief'], VERBOSE, struct.pack('@i64s', 0, b''))):
            self.serve([imsg(END)], kind)
            self.assertEqual(self.good(*args), '')
            self.assertEqual(self.server.got, [(kind, body)])
            self.serve([imsg(END)], kind)
            self.assertEqual(self.json(*args), {'ok': True})

    def test_reload(self):
        """The lines of it, in force or refused."""
        lines = [imsg(ROW_LINE, b'peer "x": added'),
                 imsg(ROW_LINE, b'limit\x1b')]
        self.serve(lines + [imsg(ROW, struct.pack('@I', 1)), imsg(END)],
                   RELOAD)
        self.assertEqual(self.good('reload'), 'peer "x": added\nlimit?\n')
        self.assertEqual(self.server.got, [(RELOAD, b'')])
        self.serve(lines + [imsg(ROW, struct.pack('@I', 1)), imsg(END)],
                   RELOAD)
        self.assertEqual(self.json('reload'), {
            'lines': ['peer "x": added', 'limit?'], 'ok': True})
        self.serve(lines + [imsg(ROW, struct.pack('@I', 0)), imsg(END)],
                   RELOAD)
        r = self.run_it('reload')
        self.assertEqual((r.returncode, r.stdout), (1, b''))
        self.assertTrue(r.stderr.startswith(b'peer "x": added\nlimit?\n'))
        self.assertIn(b'not reloaded', r.stderr)
        self.serve(lines + [imsg(ROW, struct.pack('@I', 0)), imsg(END)],
                   RELOAD)
        r = self.run_it('-j', 'reload')
        self.assertEqual(r.returncode, 1)
        self.assertFalse(json.loads(r.stdout)['ok'])

    def test_stop(self):
        """It waits for the end of the connection."""
        self.serve([imsg(END)], STOP)
        server = self.server

        class Ending(Server):
            def serve(self):
                s, _ = self.listener.accept()
                with s:
                    self.got.append((struct.unpack(
                        '=IIII', self.take(s, 16))[0], b''))
                    s.sendall(imsg(END))
                    time.sleep(0.3)
        server.listener.close()
        os.unlink(self.path)
        self.server = Ending(self.path, [], STOP)
        start = time.monotonic()
        self.assertEqual(self.good('stop'), '')
        self.assertGreater(time.monotonic() - start, 0.25)
        self.assertEqual(self.server.got, [(STOP, b'')])

    def test_ping(self):
        def answer(ok, text=b'connected\x1b'):
            return [imsg(ROW, struct.pack(PING_ADDRESS, 1, b'host port 102')),
                    imsg(ROW_STEP, struct.pack(PING_STEP, 0, 1, 3, text)),
                    imsg(ROW_STEP, struct.pack(PING_STEP, 2, ok, 14,
                                               b'CC or not')),
                    imsg(ROW_PING, struct.pack(PING_END, ok, 15)),
                    imsg(END)]
        self.serve(answer(1), PING)
        self.assertEqual(self.good('ping', '-t', '9', 'beta').splitlines(), [
            'beta, address 1: host port 102',
            '      3 ms  tcp           ok    connected?',
            '     14 ms  transport     ok    CC or not',
            'beta: 1 of 1 addresses answered'])
        self.assertEqual(self.server.got, [
            (PING, struct.pack(PING_BODY, b'beta', 0, 0, 9))])
        self.serve(answer(0), PING)
        r = self.run_it('ping', '-a', 'beta')
        self.assertEqual((r.returncode, r.stderr), (1, b''))
        self.assertIn(b'transport     FAIL  CC or not', r.stdout)
        self.assertEqual(self.server.got, [
            (PING, struct.pack(PING_BODY, b'beta', 1, 0, 0))])
        self.serve(answer(0), PING)
        r = self.run_it('-j', 'ping', 'beta')
        self.assertEqual(r.returncode, 1)
        j = json.loads(r.stdout)
        self.assertEqual((j['ok'], j['addresses'][0]['steps'][1]), (False, {
            'layer': 'transport', 'ok': False, 'ms': 14,
            'text': 'CC or not'}))
        # what fails on the way leaves no half of an object
        self.serve(answer(1)[:2] + [imsg(FAIL, b'rtsd\0')], PING)
        self.assertEqual(self.bad(1, '-j', 'ping', 'beta'),
                         'mtactl: rtsd\n')
        for wrong in (answer(1)[1:], answer(1)[:3] + answer(1)[4:],
                      answer(1)[:1] + answer(1)[:1], [imsg(END)],
                      answer(1)[:1] + [imsg(ROW_STEP, struct.pack(
                          PING_STEP, 9, 1, 1, b''))]):
            self.serve(wrong, PING)
            r = self.run_it('-j', 'ping', 'beta')
            self.assertEqual(r.returncode, 1)
            self.assertIn(b'unexpected answer', r.stderr)

    def test_trace_refused(self):
        """What was there is not replaced, and no header goes out."""
        path = self.file(b'of yesterday')
        for args in ('-w', path), ('-w', path + '.new'), ():
            self.serve([imsg(FAIL, b'no such peer\0')], TRACE)
            r = self.run_it('trace', *args, 'nix', '1')
            self.assertEqual((r.returncode, r.stdout, r.stderr),
                             (1, b'', b'mtactl: no such peer\n'))
        with open(path, 'rb') as f:
            self.assertEqual(f.read(), b'of yesterday')
        self.assertFalse(os.path.exists(path + '.new'))

    def test_trace(self):
        """Octets, gaps and ends as a file that has every block whole."""
        def said(octets, offset, out=1, first=0, end=0, lost=0, other=0,
                 assoc=7):
            return imsg(ROW_TRACE, struct.pack(
                TRACE_DATA, assoc, out, 1, end, first, 5, 1000, offset,
                other, lost, b'beta', b'192.0.2.1 port 9',
                b'192.0.2.2 port 102', b'') + octets)
        path = self.file(b'old, and for all to read')
        os.chmod(path, 0o644)
        rows = [said(b'', 0, assoc=0), said(b'\3\0\0\7\2\xf0\x80', 0),
                said(b'xx\3\0\0\7\2\xf0\x81', 100, first=2, lost=91),
                said(b'y' * 40000, 0, out=0), said(b'bye', 109, end=1),
                said(b'z', 50, assoc=8, other=60)]
        self.serve(rows, TRACE)
        r = self.run_it('-j', 'trace', '-w', path, 'beta', '1')
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(self.server.got, [
            (TRACE, struct.pack(TRACE_BODY, b'beta', 0))])
        # two handshakes, four with octets, one of them in two, an end
        self.assertEqual(json.loads(r.stdout), {
            'ok': True, 'packets': 13, 'octets': 7 + 7 + 40000 + 1,
            'left_out': 93})
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        with open(path, 'rb') as f:
            blocks, data = [], f.read()
        while data:
            kind, length = struct.unpack('=II', data[:8])
            self.assertEqual(struct.unpack('=I', data[length - 4:length]),
                             (length,))
            blocks.append((kind, data[8:length - 4]))
            data = data[length:]
        self.assertEqual([kind for kind, _ in blocks],
                         [0x0a0d0d0a, 1] + [6] * 13)
        packets = [body for kind, body in blocks if kind == 6]
        self.assertIn(b'95 octets before this are left out', packets[4])
        self.assertIn(b'\3\0\0\7\2\xf0\x81', packets[4])
        self.assertIn(b'over: bye', packets[7])
        self.assertIn(b'that began before', packets[9])
        self.serve(rows, TRACE)
        r = self.run_it('trace', '-a', '-p', '1')
        self.assertEqual(r.returncode, 0)
        self.assertEqual(r.stderr, b'13 packets, 40015 octets, 93 octets '
                         b'left out\n')
        self.assertEqual(self.server.got, [
            (TRACE, struct.pack(TRACE_BODY, b'', 1))])
        self.serve([imsg(ROW_TRACE, b'x')], TRACE)
        r = self.run_it('trace', 'beta', '1')
        self.assertEqual(r.returncode, 1)
        self.assertIn(b'unexpected answer', r.stderr)

    def test_changes(self):
        """All that is asked, and what is said of each outcome."""
        def change(id_=0xab, peer=b'', via=b'', report=0):
            return struct.pack(CHANGE, id_, peer, via, report)
        for args, kind, body in (
                (['hold', 'ab'], HOLD, change()),
                (['release', '00000000000000AB'], RELEASE, change()),
                (['remove', 'AB'], REMOVE, change()),
                (['remove', '-r', 'AB'], REMOVE, change(report=1)),
                (['retry', 'ab'], RETRY, change()),
                (['retry'], RETRY, change(0)),
                (['retry', 'all'], RETRY, change(0)),
                (['expire', 'ab'], EXPIRE, change()),
                (['expire', '-P', 'beta'], EXPIRE, change(0, b'beta')),
                (['reroute', 'ab'], REROUTE, change()),
                (['reroute', '-V', 'gamma', '-P', 'beta'], REROUTE,
                 change(0, b'beta', b'gamma'))):
            done = [imsg(ROW, struct.pack(CHANGED, 1, 0, 0, 5, 1, b'')),
                    imsg(END)]
            self.serve(done, kind)
            self.assertEqual(
                self.good(*args), '5 messages tried now, 1 peer called, '
                '0 under way and left alone\n' if kind == RETRY else
                '' if body[0] else '1 changed, 0 under way and left alone\n')
            self.assertEqual(self.server.got, [(kind, body)])
            self.serve(done, kind)
            want = {'ok': True, 'changed': 1, 'under_way': 0, 'unchanged': 0,
                    'why': None}
            if kind == RETRY:
                want.update(tried=5, peers=1)
            self.assertEqual(self.json(*args), want)
        some = [imsg(ROW, struct.pack(CHANGED, 3, 2, 1, 0, 0, b'so\x1b')),
                imsg(END)]
        self.serve(some, HOLD)
        self.assertEqual(self.good('hold', 'all'),
                         '3 changed, 2 under way and left alone, 1 as it '
                         'was; one of them: so?\n')
        none = [imsg(ROW, struct.pack(CHANGED, 0, 0, 1, 0, 0, b'no route')),
                imsg(END)]
        self.serve(none, HOLD)
        self.assertEqual(self.good('hold', 'ab'), 'message 00000000000000AB '
                         'stays as it was: no route\n')
        self.serve(none, RETRY)
        self.assertEqual(self.good('retry', 'ab'), '0 messages tried now, 0 '
                         'peers called, 0 under way and left alone: no '
                         'route\n')
        self.serve(none, RELEASE)
        self.assertEqual(self.json('release', 'ab')['why'], 'no route')
        self.serve(some, HOLD)
        self.assertIn('a copy of it is under way', self.bad(1, 'hold', 'ab'))
        self.serve([imsg(FAIL, b'it is under way\0')], EXPIRE)
        self.assertEqual(self.bad(1, 'expire', 'ab'),
                         'mtactl: it is under way\n')

    LINE = (b'time=2026-11-24T22:18:39.123Z key=%016X event=%s id=%016X '
            b'type=message mts-id="[/C=GB/;x]" priority=normal '
            b'originator="/S=D$\\"o/C=GB/" size=12 recipients=1 '
            b'recipient="/S=\\xe4/C=FR/" reason=1\n')

    def test_track(self):
        """A row has several lines; one that comes twice is shown once; what
        is no line, or belongs to another message, is not."""
        answers = [imsg(ROW, self.LINE % (1, b'submit', 0xab) +
                        self.LINE % (2, b'transfer', 0xab)),
                   imsg(ROW, self.LINE % (2, b'transfer', 0xab) +
                        b'nonsense\n\n=\ntime="\\x\n'), imsg(END)]
        none = [imsg(END)]
        self.serve(answers, TRACK, later=[none])
        text = self.good('-j', 'track', 'ab')
        events = [json.loads(line) for line in text.splitlines()]
        self.assertEqual([e['event'] for e in events],
                         ['submit', 'transfer'])
        self.assertEqual(events[0]['originator'], '/S=D$"o/C=GB/')
        self.assertEqual(events[0]['recipient_list'],
                         [{'name': '/S=\xe4/C=FR/', 'reason': 1}])
        self.assertEqual(self.server.got, [(TRACK, struct.pack(
            TRACK_BODY, 0, 0, 1, 0xab, *([0] * 31), b'')), (TRACK,
            struct.pack(TRACK_BODY, 0, 0, 0, *([0] * 32),
                        b'[/C=GB/;x]'))])
        self.serve(answers, TRACK, later=[none])
        text = self.good('track', 'ab')
        self.assertEqual(text.count('message 00000000000000AB'), 1)
        self.assertEqual(text.count('2026-11-24 22:18:39.123'), 2)
        self.assertNotIn('\xe4', text)
        self.serve([imsg(FAIL, b'there is no audit log\0')], TRACK)
        self.assertIn('no audit log', self.bad(1, 'track', 'since', '1h'))
        self.serve(answers, TRACK)
        self.good('track', 'since', '2026-11-24T22:18', 'until',
                  '2026-11-25')
        since, until = 1795558680, 1795564800
        self.assertEqual(self.server.got, [(TRACK, struct.pack(
            TRACK_BODY, since, until, 0, *([0] * 32), b''))])
        self.assertIn('was expected', self.bad(2, 'track', 'since', 'now'))
        # without anything: the last day
        self.serve(answers, TRACK)
        begin = int(time.time()) - 86400
        self.assertEqual(len(self.good('track').splitlines()), 4)
        since, until, nids = struct.unpack_from('@2qI', self.server.got[0][1])
        self.assertTrue(begin <= since <= begin + 120)
        self.assertEqual((until, nids), (0, 0))

    def test_track_reports(self):
        """About a message that is named by its id, also those that a peer
        made and those of deliveries; not what else has its name."""
        def about(key, id_, event=b'arrive'):
            return (self.LINE % (key, event, id_)).replace(
                b'type=message mts-id="[/C=GB/;x]"', b'type=report '
                b'mts-id="[/C=GB/;y]" subject-id="[/C=GB/;X]"')
        own = self.LINE % (1, b'submit', 0xab)
        again = self.LINE % (2, b'arrive', 0xac)
        reports = about(3, 0xad) + about(4, 0xae, b'report')
        end = about(5, 0xad, b'deliver')
        args = ([imsg(ROW, own), imsg(END)], TRACK, 0, [
            [imsg(ROW, own + again + reports), imsg(END)],
            [imsg(ROW, reports + end), imsg(END)]])
        self.serve(*args)
        events = [json.loads(line) for line in
                  self.good('-j', 'track', 'ab').splitlines()]
        self.assertEqual([(e['event'], e['id'][-2:]) for e in events], [
            ('submit', 'AB'), ('arrive', 'AD'), ('deliver', 'AD'),
            ('report', 'AE')])
        self.assertEqual(self.server.got[2], (TRACK, struct.pack(
            TRACK_BODY, 0, 0, 2, 0xad, 0xae, *([0] * 30), b'')))
        self.serve(*args)
        self.assertEqual(self.good('track', 'ab').count('\nreport '), 2)

    def test_route(self):
        answers = [
            imsg(ROW, struct.pack('@B1024s1024sI256s', 2, b'/S=x/C=FR/',
                                  b'/C=FR/', 1, b'beta')),
            imsg(ROW_STEP, b'the longest\0'),
            imsg(ROW_HOP, struct.pack('@256s3B2I128s', b'beta', 0, 1, 1, 5,
                                      2, b'up')),
            imsg(ROW_HOP, struct.pack('@256s3B2I128s', b'gamma', 0, 0, 0, 6,
                                      1, b'down\n')),
            imsg(ROW_STEP, b'it would go to beta\0'), imsg(END)]
        self.serve(answers, ROUTE)
        self.assertEqual(self.good('route', 'S=x; C=FR').splitlines(), [
            '/S=x/C=FR/', 'the longest',
            '1. peer beta, cost 5 weight 2, usable: up',
            '2. peer gamma, cost 6 weight 1, not usable: down?',
            'it would go to beta'])
        self.assertEqual(self.server.got, [(ROUTE, b'S=x; C=FR')])
        self.serve(answers, ROUTE)
        j = self.json('route', 'S=x; C=FR')
        self.assertEqual((j['result'], j['via'], j['prefix'], j['steps']),
                         ('found', 'beta', '/C=FR/',
                          ['the longest', 'it would go to beta']))
        self.assertEqual(j['hops'][1], {
            'name': 'gamma', 'kind': 'peer', 'cost': 6, 'weight': 1,
            'usable': False, 'chosen': False, 'state': 'down\n'})

    def test_check(self):
        row = '@1024sB256s2i192s'
        answers = [
            imsg(ROW, struct.pack(row, b'/S=a/', 0, b'beta', 0, 0, b'up')),
            imsg(ROW, struct.pack(row, b'/S=b/', 3, b'', 1, 0, b'no such')),
            imsg(ROW, struct.pack(row, b'/S=c/', 2, b'', 0, 0, b'no route')),
            imsg(END)]
        self.serve(answers, CHECK)
        self.assertEqual(self.good('check', '-t', RECIPIENT_1, '-l',
                                   '7').splitlines(), [
            '/S=a/: routed to beta: up', '/S=b/: non-delivery 1/0: no such',
            '/S=c/: held: no route'])
        self.assertEqual([kind for kind, _ in self.server.got],
                         [SUBMIT, CHECK])
        self.serve(answers, CHECK)
        j = self.json('check', '-t', RECIPIENT_1, '-p', 'urgent')
        self.assertEqual(j[1], {
            'recipient': '/S=b/', 'fate': 'non-delivery', 'where': None,
            'reason': 1, 'diagnostic': 0, 'text': 'no such'})
        self.assertEqual(j[0]['reason'], None)

    # Tables and JSON

    def both(self, what, request, rows):
        answers = [imsg(ROW, r) for r in rows] + [imsg(END)]
        self.serve(answers, request)
        text = self.good('show', what)
        self.assertEqual(self.server.got, [(request, b'')])
        self.serve(answers, request)
        return text, self.json('show', what)

    def aligned(self, text):
        """Every row has as many cells as the headings, right below them."""
        lines = text.splitlines()
        cells = [re.split(r'  +', x.strip()) for x in lines]
        for c in cells[1:]:
            self.assertEqual(len(c), len(cells[0]), lines)
        return cells

    def test_summary(self):
        row = struct.pack(SUMMARY, b'alpha', b'0.1', b'running "well"',
                          93784, 12, 1, 3, 4, 20, 2 ** 40, 310, 100, 200, 150,
                          2, 1000, 2 ** 21, 4096, 1010, 5, 6, 7, 8, 99,
                          0, 0)
        text, j = self.both('summary', SHOW_SUMMARY, [row])
        self.assertEqual(text.splitlines(), [
            'mta           alpha, mtad 0.1, up 1d02h',
            'state         running "well"',
            'queue         12 queued, 4 under way, 3 deferred, 1 held, '
            '1.0 TB, oldest 5m10s',
            'received      100, 1010 B, 2 duplicates',
            'sent          200, 2.0 MB, 4.0 KB sent again',
            'delivered     150',
            'recoveries    5 in, 6 out',
            'associations  7, 8 transfers under way',
            'commits       99'])
        self.assertEqual(j, {
            'name': 'alpha', 'version': '0.1', 'state': 'running "well"',
            'uptime': 93784, 'queued': 12, 'held': 1, 'deferred': 3,
            'active': 4, 'stored': 20,
            'queued_octets': 2 ** 40, 'oldest': 310, 'received': 100,
            'sent': 200, 'delivered': 150, 'duplicates': 2,
            'received_octets': 1000, 'received_mpdu_octets': 1010,
            'sent_octets': 2 ** 21,
            'resent_octets': 4096, 'recoveries_in': 5, 'recoveries_out': 6,
            'associations': 7, 'transfers': 8, 'commits': 99})

    def test_peers(self):
        # not at the turn of a minute: time(2) may lag behind
        now = int(time.time()) - 30
        rows = [struct.pack(PEER_ROW, b'beta', b'up', 1, 2, 30, 40, 50, 1,
                            130, 60, 3, 4, 7, 8, 9, 10, 19, 11, 0, 0,
                            now - 7200, 0, 0, 0, 0, 1),
                struct.pack(PEER_ROW, b'gam\\ma\xff\x01', b'retry in 12 s: '
                            b'"refused"', *[0] * 20, 12, 1, 0, 0)]
        text, j = self.both('peers', SHOW_PEERS, rows)
        cells = self.aligned(text)
        self.assertEqual(cells[1][:6], ['beta', '1/2', '50/30/40', '130',
                                         '1m00s', '3/4'])
        self.assertEqual(cells[1][8], '2h00m')
        self.assertEqual(cells[1][-2:], ['never', 'up (does not recover)'])
        self.assertEqual(cells[2][0], 'gam\\ma??')
        self.assertEqual(j[0], {
            'name': 'beta', 'state': 'up', 'down': False,
            'held': False,
            'recovery': False, 'associations_in': 1, 'associations_out': 2,
            'queued': {'urgent': 50, 'normal': 30, 'non_urgent': 40},
            'active': 1, 'stored': 130, 'oldest': 60, 'cut_in': 3, 'cut_out': 4,
            'received': 7, 'sent': 8, 'received_octets': 9,
            'received_mpdu_octets': 19,
            'sent_octets': 10, 'resent_octets': 11,
            'last_in': now - 7200, 'last_out': None, 'retry_in': 0})
        self.assertEqual(j[1]['name'], 'gam\\ma\u00ff\x01')
        self.assertEqual(j[1]['state'], 'retry in 12 s: "refused"')
        self.assertIs(j[1]['down'], True)

    def test_lists_without_rows(self):
        """One line says so; JSON has an empty array."""
        for what, request, text in (
                ('peers', SHOW_PEERS, 'no peers are configured\n'),
                ('associations', SHOW_ASSOCIATIONS,
                 'no associations are open\n'),
                ('queue', SHOW_QUEUE, 'nothing is queued\n'),
                ('transfers', SHOW_TRANSFERS,
                 'no transfers are under way\n')):
            self.assertEqual(self.both(what, request, []), (text, []))

    def test_associations(self):
        rows = [struct.pack(ASSOCIATION, 0x80000001, b'beta',
                            b'198.51.100.7:102', b'alpha 261123Z', 1, 1, 1,
                            1, 16, 3, 100, 5, 7, 8,
                            b'TLSv1.3 X'),
                struct.pack(ASSOCIATION, 2, b'gamma', b'::1', b'', 0, 0, 0,
                            0, 0, 0, 0, 0, 0, 0, b'')]
        text, j = self.both('associations', SHOW_ASSOCIATIONS, rows)
        cells = self.aligned(text)
        self.assertEqual(cells[1], [
            '80000001', 'beta', '198.51.100.7:102', 'initiator', 'twa',
            'up', 'ours', '16/3', '1m40s', '5s', '7', '8', 'TLSv1.3 X'])
        self.assertEqual(cells[2][3:8], ['responder', 'monologue',
                                         'opening', 'theirs', '0/0'])
        self.assertEqual(j[0], {
            'id': 0x80000001, 'peer': 'beta', 'address': '198.51.100.7:102',
            'connection': 'alpha 261123Z', 'role': 'initiator',
            'dialogue': 'twa', 'state': 'up', 'turn': 'ours',
            'checkpoint': 16, 'window': 3, 'age': 100, 'idle': 5, 'sent': 7,
            'received': 8, 'tls': 'TLSv1.3 X'})
        self.assertIsNone(j[1]['tls'])

    def message(self, n, from_=b'', kind=0):
        return struct.pack(MESSAGE, n, b'[/PRMD=P/ADMD=A/C=GB/;x]',
                           b'/S=Doe/C=GB/', kind, 2, 0, 3, 2, 20 * 2 ** 20,
                           int(time.time()) - 3660, from_, b'gamma',
                           b'queued')

    def test_queue(self):
        rows = [self.message(1), self.message(2 ** 64 - 1, b'beta')]
        text, j = self.both('queue', SHOW_QUEUE, rows)
        cells = self.aligned(text)
        self.assertEqual(cells[1], [
            '0000000000000001', 'urgent', '20.0 MB', '1h01m', '3', '-',
            '/S=Doe/C=GB/', 'gamma +1', 'queued'])
        self.assertEqual(cells[2][0], 'F' * 16)
        self.assertEqual(j[0]['where'], 'gamma')
        self.assertEqual(j[1]['id'], 'F' * 16)
        self.assertEqual(j[1]['from'], 'beta')
        self.assertIsNone(j[0]['from'])
        self.assertEqual(j[0]['priority'], 'urgent')
        self.assertEqual(j[0]['type'], 'message')
        self.assertEqual(j[0]['waiting'], 2)
        # More rows than are held back at once.
        text, j = self.both('queue', SHOW_QUEUE,
                            [self.message(i + 1) for i in range(2500)])
        self.assertEqual(len(self.aligned(text)), 2501)
        self.assertEqual([int(x['id'], 16) for x in j],
                         list(range(1, 2501)))

    def test_queue_of_a_peer(self):
        self.serve(self.queue(2), SHOW_QUEUE)
        self.good('show', 'queue', '-P', 'gamma')
        self.assertEqual(self.server.got, [
            (SHOW_QUEUE, b'gamma'.ljust(64, b'\0'))])
        self.bad(2, 'show', 'queue', '-P')
        self.bad(2, 'show', 'queue', '-P', 'gamma', 'x')
        self.bad(2, 'show', 'peers', '-P', 'gamma')

    def test_from(self):
        for kind, from_, text in ((0, b'', 'submitted here'),
                                  (1, b'', 'made here'), (1, b'b', 'b')):
            self.serve([imsg(ROW, self.message(1, from_, kind)), imsg(END)],
                       SHOW_MESSAGE)
            self.assertIn('from          %s\n' % text,
                          self.good('show', 'message', '1'))

    def test_transfers(self):
        rows = [struct.pack(TRANSFER, b'beta', 1, 0xab, b'12', b'c', 5000,
                            20000, 9, 4096, 10, b'sending', 30),
                struct.pack(TRANSFER, b'beta', 0, 0, b'', b'', 0, 0, 0, 0,
                            0, b'waiting for recovery', -1)]
        text, j = self.both('transfers', SHOW_TRANSFERS, rows)
        cells = self.aligned(text)
        self.assertEqual(cells[1], [
            'beta', 'out', '00000000000000AB', '12', '4.9 KB', '19.5 KB',
            '25.0%', '9', '4.0 KB', '10s', '30s', 'sending'])
        self.assertEqual(cells[2], [
            'beta', 'in', '-', '-', '0 B', '-', '-', '0', '0 B', '0s', '-',
            'waiting for recovery'])
        self.assertEqual(j[0], {
            'peer': 'beta', 'direction': 'out',
            'message': '00000000000000AB', 'activity': '12',
            'connection': 'c', 'octets': 5000, 'total': 20000,
            'percent': 25, 'eta': 30, 'checkpoint': 9,
            'checkpoint_octets': 4096, 'age': 10, 'state': 'sending'})
        for name in ('message', 'total', 'percent', 'eta'):
            self.assertIsNone(j[1][name])

    # Submission

    SUBMITTED = [imsg(ROW, struct.pack(SUBMITTED, 0xcd,
                                       b'[/PRMD=P/C=GB/;y]', 0)), imsg(END)]

    def submit(self, *args, stdin=b'', slow=0):
        self.serve(self.SUBMITTED, SUBMIT_END, slow)
        out = self.good('submit', '-f', ORIGINATOR, '-t', RECIPIENT_1,
                        '-t', RECIPIENT_2, *args, stdin=stdin)
        self.assertEqual(out, '00000000000000CD [/PRMD=P/C=GB/;y]\n')
        kinds = [k for k, _ in self.server.got]
        self.assertEqual(kinds, sorted(kinds))
        envelope = b''.join(b for k, b in self.server.got if k == SUBMIT)
        content = b''.join(b for k, b in self.server.got
                           if k == SUBMIT_CONTENT)
        self.assertEqual(kinds.count(SUBMIT_END), 1)
        return envelope, content

    def shown(self, envelope):
        """The envelope as "show message" prints it."""
        answers = [imsg(ROW, self.message(0xcd)),
                   imsg(ROW_RECIPIENT, struct.pack(
                       RECIPIENT, b'/S=Poe/C=FR/', b'beta', b'queued', 0)),
                   imsg(ROW_RECIPIENT, struct.pack(
                       RECIPIENT, b'/S=Roe/C=FR/', b'', b'done', 1)),
                   imsg(ROW_ENVELOPE, envelope[:100]),
                   imsg(ROW_ENVELOPE, envelope[100:]), imsg(END)]
        kinds = SHOW_MESSAGE, TRACK
        # without an audit log no more is known
        self.serve(answers, kinds, later=[[imsg(FAIL, b'no log\0')]])
        text = self.good('show', 'message', 'cd')
        self.assertEqual(self.server.got[0],
                         (SHOW_MESSAGE, struct.pack('@Q', 0xcd)))
        self.assertEqual(self.server.got[1][0], TRACK)
        self.assertEqual(struct.unpack(
            TRACK_BODY, self.server.got[1][1])[2:4], (1, 0xcd))
        self.serve(answers, kinds, later=[[imsg(FAIL, b'no log\0')]])
        j = self.json('show', 'message', 'cd')
        return text, j

    def test_outcomes(self):
        """Of one that is over, in whatever order and part of a line."""
        def line(event, rest, id_=0xcd):
            return ('time=2026-11-24T22:18:39.000Z key=%016X event=%s '
                    'id=%016X %s\n' % (1, event, id_, rest)).encode()
        names = ['/S=%s/' % n for n in ('A', 'B', 'A', 'D', 'E', 'F', 'G',
                                        'H')]
        log = (line('submit', ' '.join('recipient="%s"' % n for n in names)) +
               line('transfer', 'to="beta" octets=9 recipient="/S=D/"') +
               line('deliver', 'to="/in" recipient="/S=A/" '
                    'recipient="/S=A/"') +
               line('deliver', 'to="/in" recipient="/S=F/"', 0xce) +
               line('non-deliver', 'report=00000000000000AB recipients=2 '
                    'recipient="/S=E/" reason=1 diagnostic=0 text="no" '
                    'recipient="/S=B/" reason=0') +
               line('redirect', 'recipient="/S=F/" '
                    'redirected-to="/S=New/" redirection-reason=0') +
               line('remove', 'to="beta" by="operator" recipient="/S=G/"'))
        self.serve([imsg(ROW, self.message(0xcd)),
                    *(imsg(ROW_RECIPIENT, struct.pack(
                        RECIPIENT, n.encode(), b'',
                        b'queued' if n == '/S=H/' else b'done',
                        n != '/S=H/')) for n in names), imsg(END)],
                   (SHOW_MESSAGE, TRACK), later=[[imsg(ROW, log), imsg(END)]])
        got = self.json('show', 'message', 'cd')['recipient_list']
        self.assertEqual([r['name'] for r in got], names)
        self.assertEqual(
            [(r['outcome'], r['where'], r['reason'], r['diagnostic'],
              r['report']) for r in got],
            [('delivered', '/in', None, None, None),
             ('non-delivery', None, 0, None, '00000000000000AB'),
             ('delivered', '/in', None, None, None),
             ('transferred', 'beta', None, None, None),
             ('non-delivery', None, 1, 0, '00000000000000AB'),
             ('redirected', None, None, None, None),
             ('removed', 'beta', None, None, None),
             ('waiting', None, None, None, None)])
        self.assertEqual([r['state'] for r in got[3:]], [
            'transferred',
            'non-delivery 1/0, report 00000000000000AB: no',
            'redirected to /S=New/', 'removed by the operator', 'queued'])

    def test_text(self):
        text = b'Hello,\nworld\r\nend'
        for args, stdin in (([], text), (['-'], text),
                            ([self.file(text)], b'')):
            envelope, content = self.submit(
                '-p', 'urgent', '-r', 'confirmed', '-s', 'Na\u00efve', *args,
                stdin=stdin)
            values = primitives(content)
            self.assertEqual(values[-1], b'Hello,\r\nworld\r\nend')
            for value in b'Na\xc8ive', b'Doe', b'Poe', b'Roe':
                self.assertIn(value, values)
        text, j = self.shown(envelope)
        got = {x['name']: x['value'] for x in j['envelope']}
        self.assertEqual(got['priority'], 'urgent')
        self.assertEqual(got['content-type'], '2 (P2)')
        self.assertEqual(int(got['content-length']), len(content))
        self.assertEqual(got['originator-name'], ORIGINATOR + '/')
        self.assertEqual(got['original-encoded-information-types'],
                         'ia5-text')
        self.assertEqual(
            [x['value'] for x in j['envelope']
             if x['name'] == 'recipient-name'],
            ['number=1; responsibility=yes; report=confirmed; '
             'user-report=confirmed; '
             'address=/G=Ann/S=Poe/PRMD=BETA/ADMD=ATLAS/C=FR/',
             'number=2; responsibility=yes; report=confirmed; '
             'user-report=confirmed; '
             'address=/S=Roe/PRMD=BETA/ADMD=ATLAS/C=FR/DD.fax=12/'])
        self.assertEqual(j['id'], '00000000000000CD')
        self.assertEqual(j['recipient_list'], [
            {'name': '/S=Poe/C=FR/', 'where': 'beta', 'state': 'queued',
             'outcome': 'waiting', 'reason': None, 'diagnostic': None,
             'report': None},
            {'name': '/S=Roe/C=FR/', 'where': None, 'state': 'done',
             'outcome': None, 'reason': None, 'diagnostic': None,
             'report': None}])
        lines = text.splitlines()
        self.assertEqual(lines[0], 'message       00000000000000CD')
        self.assertIn('size          20.0 MB (20971520 octets)', lines)
        self.assertIn('RECIPIENT     WHERE  STATE', lines)
        self.assertIn('/S=Poe/C=FR/  beta   queued', lines)
        self.assertIn('message-type: user', lines)

    def test_teletex(self):
        """A name of 1988 makes the content one of P22, where it has a place;
        others stay what they are in 1984."""
        for name, content_type in (('M\u00fcller', '22 (P22)'),
                                   ('Mueller*M\u00fcller', '22 (P22)'),
                                   ('Mueller', '2 (P2)')):
            self.serve(self.SUBMITTED, SUBMIT_END)
            self.good('submit', '-f', '/S=%s/ADMD=X/C=SE' % name,
                      '-t', RECIPIENT_1, stdin=b'Hello\n')
            envelope, content = (b''.join(
                b for k, b in self.server.got if k == kind)
                for kind in (SUBMIT, SUBMIT_CONTENT))
            values = primitives(content)
            self.assertEqual(values[-1], b'Hello\r\n')
            self.assertEqual(b'M\xc8uller' in values, '\u00fc' in name)
            self.assertEqual(b'Mueller' in values, 'Mue' in name)
            _, j = self.shown(envelope)
            self.assertIn(content_type, [x['value'] for x in j['envelope']
                                         if x['name'] == 'content-type'])
            out = subprocess.run([MTACTL, '-j', 'decode', '-'], input=content,
                                 stdout=subprocess.PIPE, timeout=60)
            tree = json.loads(out.stdout)
            self.assertEqual((tree['kind'], tree['ok']), ('content', True))

    def file(self, data):
        path = os.path.join(self.dir, 'file')
        with open(path, 'wb') as f:
            f.write(data)
        return path

    def test_ready(self):
        content = os.urandom(200000)
        envelope, got = self.submit('-b', self.file(content))
        self.assertEqual(got, content)
        envelope, got = self.submit('-b', stdin=content, slow=0.01)
        self.assertEqual(got, content)
        _, j = self.shown(envelope)
        got = {x['name']: x['value'] for x in j['envelope']}
        self.assertEqual(got['priority'], 'normal')
        self.assertNotIn('original-encoded-information-types', got)
        self.assertEqual(self.submit('-b', stdin=b'')[1], b'')

    def test_submit_json(self):
        self.serve(self.SUBMITTED, SUBMIT_END)
        self.assertEqual(
            self.json('submit', '-f', ORIGINATOR, '-t', RECIPIENT_1,
                      stdin=b'x'),
            {'id': '00000000000000CD', 'mts_id': '[/PRMD=P/C=GB/;y]'})

    def test_submit_in_vain(self):
        """What becomes of it is told in a line, beside the id."""
        trouble = imsg(ROW_TROUBLE, struct.pack(
            '@1024sB256s2i192s', b'/S=c/', 3, b'', 1, 0, b'no \x1bsuch'))
        for n, others in (
                (1, ''), (3, '; 2 others are not reached either')):
            row = imsg(ROW, struct.pack(SUBMITTED, 0xcd, b'[/C=GB/;y]', n))
            self.serve([row, trouble, imsg(END)], SUBMIT_END)
            r = self.run_it('submit', '-f', ORIGINATOR, '-t', RECIPIENT_1)
            self.assertEqual((r.returncode, r.stdout, r.stderr.decode()), (
                0, b'00000000000000CD [/C=GB/;y]\n',
                'mtactl: /S=c/: non-delivery 1/0: no ?such%s\n' % others))

    def test_large(self):
        """Many pieces, and no memory for them."""
        path = os.path.join(self.dir, 'large')
        with open(path, 'wb') as f:
            for i in range(400):
                f.write(b'%08d 0123456789 abcdefghij\n' % i * 3000)
        with open(path, 'rb') as f:
            want = f.read().replace(b'\n', b'\r\n')
        self.assertGreater(len(want), 30000000)
        envelope, content = self.submit(path)
        self.assertEqual(primitives(content)[-1], want)

    def test_not_text(self):
        args = ('submit', '-f', ORIGINATOR, '-t', RECIPIENT_1)
        err = self.bad(1, *args, stdin='one\ntw\u00f6\n'.encode())
        self.assertIn('line 2: octet 0xc3', err)
        self.assertIn('-m sends', err)          # and -b would not do
        self.assertNotIn('-b', err)
        self.assertIn('No such file', self.bad(1, *args, '/nonexistent/x'))
        self.assertIn('directory', self.bad(1, *args, '/'))

    def test_refused(self):
        """A failure in the middle of a content is told, not a broken pipe."""
        class Refusing(Server):
            def serve(self):
                s, _ = self.listener.accept()
                with s:
                    s.sendall(imsg(FAIL, b'content too long\0'))
                    time.sleep(0.2)
        self.server = Refusing(self.path, [], 0)
        with open('/dev/zero', 'rb') as zero:
            r = subprocess.run(
                [MTACTL, '-s', self.path, 'submit', '-b', '-f', ORIGINATOR,
                 '-t', RECIPIENT_1], stdin=zero, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, timeout=60)
        self.assertEqual(r.returncode, 1)
        self.assertEqual(r.stderr, b'mtactl: content too long\n')


if __name__ == '__main__':
    MTACTL = sys.argv.pop(1)
    # The leak checker starts a thread and traces, which is denied here.
    os.environ['ASAN_OPTIONS'] = 'detect_leaks=0'
    unittest.main()
