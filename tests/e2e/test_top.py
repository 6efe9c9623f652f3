#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""mtactl top on a terminal that is not one: a pty, and a screen in memory that
follows what is written to it.  The mtads are real.

usage: MTAD_BUILD=build test_top.py [Class[.test]]"""

import contextlib
import fcntl
import json
import os
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
import unittest

import pyte

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..'))
from mtadtest import BUILD, Mta, Peer, address, until    # noqa: E402
from peer.proxy import Point, Proxy                      # noqa: E402

LIMIT = 60          # s, for what takes a moment
MTACTL = os.path.join(BUILD, 'mtactl', 'mtactl')


def children(pid):
    with open('/proc/%d/task/%d/children' % (pid, pid)) as f:
        return [int(child) for child in f.read().split()]


def used(pid):
    """Clock ticks of a processor."""
    with open('/proc/%d/stat' % pid) as f:
        return sum(int(n) for n in f.read().rsplit(') ')[1].split()[11:13])


class Terminal:
    """mtactl top with a pty."""

    def __init__(self, daemon, *args, term='screen-256color', columns=100,
                 rows=30, env=(), argv=None):
        self.screen = pyte.Screen(columns, rows)
        self.stream = pyte.ByteStream(self.screen)
        self.raw = b''
        self.master, self.slave = os.openpty()
        self.size(columns, rows)
        self.before = termios.tcgetattr(self.slave)
        path = daemon if isinstance(daemon, str) else daemon.socket
        self.proc = subprocess.Popen(
            argv or [MTACTL, '-s', path, 'top', '-i', '1', *args],
            stdin=self.slave, stdout=self.slave, stderr=self.slave,
            env={'PATH': '/usr/bin:/bin', 'TERM': term,
                 **{k: v for k, v in os.environ.items()
                    if k.startswith('ASAN')}, **dict(env)},
            preexec_fn=self.control, close_fds=True)

    def control(self):
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def size(self, columns, rows):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ,
                    struct.pack('HHHH', rows, columns, 0, 0))

    def resize(self, columns, rows):
        self.screen.resize(rows, columns)
        self.size(columns, rows)

    def keys(self, text):
        os.write(self.master, text.encode())

    def pump(self, seconds):
        if select.select([self.master], [], [], seconds)[0]:
            with contextlib.suppress(OSError):
                data = os.read(self.master, 65536)
                self.raw += data
                self.stream.feed(data)

    def text(self):
        return '\n'.join(line.rstrip() for line in self.screen.display)

    def wait(self, condition, what='screen'):
        """condition: of the text of the screen, or what has to stand on it."""
        end = time.monotonic() + LIMIT
        if isinstance(condition, str):
            pattern = re.compile(condition, re.M)
            condition = pattern.search
            what = pattern.pattern
        while True:
            value = condition(self.text())
            if value:
                return value
            if time.monotonic() > end:
                raise TimeoutError('%s: not on the screen:\n%s' % (
                    what, self.text()))
            self.pump(0.05)

    def exited(self):
        end = time.monotonic() + LIMIT
        while self.proc.poll() is None:
            if time.monotonic() > end:
                raise TimeoutError('does not end')
            self.pump(0.05)
        for _ in range(3):
            self.pump(0.05)
        return self.proc.returncode

    def close(self):
        if self.proc.poll() is None:
            self.proc.kill()
            self.proc.wait()
        os.close(self.master)
        os.close(self.slave)


class Top(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = contextlib.ExitStack()
        cls.alpha = cls.stack.enter_context(Mta('alpha'))
        cls.beta = cls.stack.enter_context(Mta('beta'))
        cls.proxy = cls.stack.enter_context(Proxy(
            ('127.0.0.1', cls.beta.port)))
        cls.beta.configure(Peer('alpha')).start()
        # nobody listens there: a port that is bound and no more
        cls.nobody = cls.stack.enter_context(Mta('gamma'))
        cls.alpha.configure(
            Peer('beta', cls.proxy.port, 'checkpoint 4 window 2',
                 'recover yes'),
            Peer('gamma', cls.nobody.port)).start()

    @classmethod
    def tearDownClass(cls):
        cls.stack.close()

    def terminal(self, *args, **kw):
        t = Terminal(kw.pop('daemon', self.alpha), *args, **kw)
        self.addCleanup(t.close)
        return t

    def quit(self, t):
        t.keys('q')
        self.assertEqual(t.exited(), 0, t.text())
        self.assertEqual(termios.tcgetattr(t.slave), t.before,
                         'the terminal is as it was')


class Screen(Top):
    def test_all_sections(self):
        n = len(self.beta.delivered())
        t = self.terminal()
        t.wait(r'^alpha  up \S+  every 1 s  by name  running')
        t.wait(r'^PEERS 2$')
        t.wait(r'^beta .*(idle|up)')
        t.wait(r'^q quit')
        t.wait(r'^queue 0, 0 B, oldest 0s')
        t.wait(r'^in 0\.0/s 0 B/s, out 0\.0/s')
        self.alpha.inject(address('beta'), 2000)
        t.wait(r'^ASSOCIATIONS 1$')
        t.wait(r'^beta +127\.0\.0\.1.* initiator +ours +\d+s')
        t.wait(r', [1-9]\d* sent, ')
        t.wait(lambda _: len(self.beta.delivered()) > n, 'delivered')
        self.quit(t)
        # the alternate screen is left
        self.assertIn(b'\x1b[?1049l', t.raw)

    def test_transfer(self):
        """A bar that stands where the transfer does; then it goes on."""
        point = Point('out', name='MIP', nth=20, action='hole')
        self.proxy.add(point)
        n = len(self.beta.delivered())
        try:
            self.alpha.inject(address('beta'), 200000)
            t = self.terminal(columns=120)
            m = t.wait(r'^beta +out +\[(#+)(\.+)\] +(\d+)% +\S+ \w+ +'
                       r'195\.\d KB')
            done = len(m.group(1)) / len(m.group(1) + m.group(2))
            self.assertAlmostEqual(done, int(m.group(3)) / 100, delta=0.12)
            t.wait(r'^TRANSFERS 1$')
        finally:
            self.proxy.clear()
            self.proxy.release()
            self.proxy.cut()
        t.wait(r'^TRANSFERS 0$')
        t.wait(lambda _: len(self.beta.delivered()) == n + 1, 'delivered')
        self.quit(t)

    def test_queue_ages_and_alarm(self):
        """What waits for a peer that is not there ages; sorted by that it
        stands first."""
        self.alpha.inject(address('gamma'), 1000, priority='urgent')
        try:
            t = self.terminal()
            t.wait(r'^gamma .* 1/0/0 +\d+s .*retry in')
            t.wait(r'^queue 1, ')
            names = re.compile(r'^(beta|gamma) .*/', re.M)
            self.assertEqual(names.findall(t.text()), ['beta', 'gamma'])
            t.keys('s')
            t.wait(r' by queued ')
            t.wait(lambda s: names.findall(s) == ['gamma', 'beta'])
            # red, because nothing answers there
            t.wait(lambda _: any(
                line.startswith('gamma') and t.screen.buffer[i][0].fg == 'red'
                for i, line in enumerate(t.screen.display)), 'red')
            for order in ('oldest', 'rate', 'name'):
                t.keys('s')
                t.wait(r' by %s ' % order)
            self.quit(t)
        finally:
            self.alpha.mtactl('remove', 'all')

    def test_state_in_80_columns(self):
        """Why nothing goes is what one looks for; rates give way."""
        self.alpha.mtactl('peer', 'gamma', 'down')
        try:
            t = self.terminal(columns=80)
            t.wait(r'^gamma .* down by operator$')
            t.wait(r'^PEER .*URG/NORM/NON .*OUT +STATE$')
            t.resize(30, 20)
            t.wait(r'^gamma +down by op')
            self.quit(t)
        finally:
            self.alpha.mtactl('peer', 'gamma', 'up')

    def test_keys(self):
        t = self.terminal(rows=12)
        t.wait(r'^PEERS 2')
        t.keys('p')
        t.wait(r'PAUSED')
        shown = t.wait(r'up (\S+)').group(1)
        # paused it stays as it is, whatever goes on
        end = time.monotonic() + 2.5
        while time.monotonic() < end:
            t.pump(0.1)
        self.assertEqual(re.search(r'up (\S+)', t.text()).group(1), shown)
        t.keys('p')
        t.wait(lambda s: 'PAUSED' not in s and
               re.search(r'up (\S+)', s).group(1) != shown)
        t.keys('++')
        t.wait(r'every 3 s')
        t.keys('---')
        t.wait(r'every 1 s')
        t.keys('?')
        t.wait(r'^q        quit')
        t.keys('?')
        t.wait(r'^PEERS 2')
        t.keys('2')
        t.wait(lambda s: 'PEERS' not in s)
        t.keys('2')
        t.wait(r'^PEERS 2')
        t.resize(100, 7)
        t.wait(r'more: up, down')
        t.keys('jjj')
        t.wait(lambda s: 'TRANSFERS' not in s)
        t.keys('kkkk')
        t.wait(r'^TRANSFERS')
        self.quit(t)

    def test_resize_and_narrow(self):
        t = self.terminal(columns=132)
        t.wait(r'^PEER .*URG/NORM/NON .*STATE')
        for columns, rows in ((60, 20), (24, 10), (9, 4), (3, 2), (100, 30)):
            t.resize(columns, rows)
            t.wait(r'^al')
            end = time.monotonic() + 1.2
            while time.monotonic() < end:
                t.pump(0.1)
            self.assertIsNone(t.proc.poll())
        t.wait(r'^PEER .*URG/NORM/NON .*STATE')
        self.quit(t)

    def test_no_colour(self):
        for term, env in (('vt100', ()), ('linux', (('NO_COLOR', '1'),))):
            t = self.terminal(term=term, env=env)
            t.wait(r'^PEERS 2')
            t.wait(r'^PEER ')
            self.quit(t)
            self.assertNotRegex(t.raw, rb'\x1b\[[0-9;]*3[0-7]m')

    def test_signals(self):
        for sig in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            t = self.terminal()
            t.wait(r'^PEERS 2')
            t.proc.send_signal(sig)
            self.assertEqual(t.exited(), 0)
            self.assertEqual(termios.tcgetattr(t.slave), t.before)

    def shell(self):
        """top as a shell's job."""
        t = self.terminal(argv=['bash', '--norc', '--noprofile', '-i'],
                          env=[('PS1', 'ready> ')])
        t.wait(r'^ready>')
        t.keys('%s -s %s top -i 1\n' % (MTACTL, self.alpha.socket))
        t.wait(r'^PEERS 2')
        return t

    def answer(self, t, keys, answer):
        """What was written since, for the screen keeps what was before."""
        mark = len(t.raw)
        t.keys(keys)
        t.wait(lambda _: answer in t.raw[mark:], answer)

    @unittest.skipIf(shutil.which('bash') is None, 'no bash')
    def test_suspended(self):
        """^Z gives the terminal back to the shell, fg takes it again."""
        t = self.shell()
        self.answer(t, '\x1a', b'ready> ')
        self.answer(t, 'stty size\n', b'30 100')
        t.resize(70, 20)
        self.answer(t, 'fg\n', b'PEERS 2')
        t.wait(r'\n{9}q quit')      # on what is the last line now
        self.answer(t, 'q', b'ready> ')
        t.keys('exit\n')
        self.assertEqual(t.exited(), 0)

    @unittest.skipIf(shutil.which('bash') is None, 'no bash')
    def test_suspended_while_drawing(self):
        """A stop that comes while it cannot write is not forgotten."""
        t = self.shell()
        pid = children(t.proc.pid)[0]

        def call():
            """The system call that it is in, None: it runs."""
            with open('/proc/%d/syscall' % pid) as f:
                number = f.read().split()[0]
            return None if number == 'running' else number
        t.keys('p')
        t.wait(r'PAUSED')
        waits = until(call, LIMIT)
        # nobody reads
        end = time.monotonic() + LIMIT
        stuck = 0
        while stuck < 20:
            self.assertLess(time.monotonic(), end, 'it still writes')
            if stuck == 0:
                t.keys('?')
            time.sleep(0.005)
            stuck = stuck + 1 if call() not in (None, waits) else 0
        mark = len(t.raw)
        os.kill(pid, signal.SIGTSTP)
        t.wait(lambda _: b'ready> ' in t.raw[mark:], 'the shell')
        self.answer(t, 'fg\n', b'PAUSED')
        self.answer(t, 'q', b'ready> ')
        t.keys('exit\n')
        self.assertEqual(t.exited(), 0)

    def test_rests(self):
        """While there is nothing to do neither process does anything."""
        t = self.terminal()
        t.wait(r'^PEERS 2')
        t.keys('p')
        t.wait(r'PAUSED')
        pids = [t.proc.pid, *children(t.proc.pid)]
        self.assertEqual(len(pids), 2)
        before = [used(pid) for pid in pids]
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            t.pump(0.1)
        for pid, ticks in zip(pids, before):
            self.assertLess(used(pid) - ticks,
                            0.3 * os.sysconf('SC_CLK_TCK'), pid)
        self.quit(t)

    def test_leaves_no_process(self):
        t = self.terminal()
        t.wait(r'^PEERS 2')
        child, = children(t.proc.pid)
        # confined: of the two only the one that draws parses anything
        with open('/proc/%d/status' % t.proc.pid) as f:
            self.assertIn('Seccomp:\t2', f.read())
        t.proc.kill()
        t.proc.wait()
        end = time.monotonic() + LIMIT

        def there():
            try:
                with open('/proc/%d/stat' % child) as f:
                    return f.read().split(') ')[1][0] not in 'ZX'
            except OSError:
                return False
        while there():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)


class Away(Top):
    def test_spoold_comes_back(self):
        t = self.terminal()
        t.wait(r'^PEERS 2')
        mark = len(t.raw)
        self.alpha.kill('spoold')
        t.wait(lambda _: b'no answer' in t.raw[mark:], 'no answer')
        t.wait(lambda s: 'no answer' not in s and
               re.search(r'^PEERS 2', s, re.M))
        self.quit(t)

    def test_mtad_comes_back(self):
        t = self.terminal()
        t.wait(r'^PEERS 2')
        self.assertEqual(self.alpha.stop(), 0)
        t.wait(r'no answer for \d+ s, trying again: '
               r'(No such file|Connection refused|mtad closed)')
        t.wait(r'^PEERS 2')                 # as they were
        self.alpha.start()
        t.wait(lambda s: 'no answer' not in s)
        self.quit(t)

    def test_never_there(self):
        t = self.terminal(daemon='/nonexistent/mtad.sock')
        t.wait(r'no answer, trying again: No such file')
        self.quit(t)
        out = subprocess.run([MTACTL, '-s', '/nonexistent/x', 'top'],
                             stdin=subprocess.DEVNULL, capture_output=True,
                             text=True, timeout=60)
        self.assertEqual(out.returncode, 1)
        self.assertIn('is mtad running?', out.stderr)


class Lines(Top):
    def test_dumb(self):
        """A terminal that cannot be addressed gets lines, one look after the
        other, until it is told to end."""
        t = self.terminal('-n', '2', term='dumb', columns=140, rows=60)
        self.assertEqual(t.exited(), 0)
        self.assertEqual(t.raw.count(b'PEERS 2'), 2, t.raw)
        self.assertNotIn(b'\x1b', t.raw)

    def test_narrow(self):
        """Lines no longer than that terminal has columns."""
        for term in 'dumb', '', 'no-such-terminal':
            t = self.terminal('-n', '1', term=term, columns=40, rows=5)
            self.assertEqual(t.exited(), 0)
            lines = t.raw.replace(b'\r', b'').split(b'\n')
            self.assertIn(b'PEERS 2', lines)
            self.assertLessEqual(max(map(len, lines)), 40, lines)

    def test_no_terminal(self):
        out = subprocess.run([MTACTL, '-s', self.alpha.socket, 'top', '-i',
                              '1'], stdin=subprocess.DEVNULL, text=True,
                             capture_output=True, timeout=60)
        self.assertEqual((out.returncode, out.stderr), (0, ''))
        self.assertEqual(out.stdout.count('PEERS 2'), 1)
        self.assertRegex(out.stdout, r'(?m)^in 0\.0/s 0 B/s, out ')

    def test_json(self):
        out = subprocess.run([MTACTL, '-j', '-s', self.alpha.socket, 'top',
                              '-i', '1', '-n', '2', '-o', 'oldest'],
                             stdin=subprocess.DEVNULL, text=True,
                             capture_output=True, timeout=60, check=True)
        looks = [json.loads(line) for line in out.stdout.splitlines()]
        self.assertEqual(len(looks), 2)
        for look in looks:
            self.assertEqual(look['summary']['name'], 'alpha')
            self.assertEqual([p['name'] for p in look['peers']],
                             [p['name'] for p in look['peer_rates']])
            self.assertEqual(look['rate'], {
                'received': 0.0, 'sent': 0.0, 'received_octets': 0.0,
                'sent_octets': 0.0})
        self.assertGreater(looks[1]['summary']['uptime'],
                           looks[0]['summary']['uptime'] - 1)

    def test_rate_within_a_message(self):
        """Octets count as they are confirmed: at both ends there is a rate
        before the message has got there."""
        point = Point('out', name='MIP', nth=20, action='hole')
        self.proxy.add(point)
        n = len(self.beta.delivered())
        looks = [subprocess.Popen(
            [MTACTL, '-j', '-s', mta.socket, 'top', '-i', '1', '-n', '20'],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
            for mta in (self.alpha, self.beta)]
        try:
            for p in looks:
                p.stdout.readline()
            self.alpha.inject(address('beta'), 200000)
            for p, peer, way in zip(looks, ('beta', 'alpha'),
                                    ('sent', 'received')):
                for line in p.stdout:
                    look = json.loads(line)
                    one = {r['name']: r['rate']
                           for r in look['peer_rates']}[peer]
                    self.assertEqual((look['rate'][way], one[way]), (0, 0))
                    if one[way + '_octets'] > 0:
                        break
                else:
                    self.fail('no rate')
                self.assertGreater(look['rate'][way + '_octets'], 10000)
                self.assertEqual(one[way + '_octets'],
                                 look['rate'][way + '_octets'])
        finally:
            for p in looks:
                p.kill()
                p.wait()
                p.stdout.close()
            self.proxy.clear()
            self.proxy.release()
            self.proxy.cut()
        until(lambda: len(self.beta.delivered()) == n + 1, LIMIT,
              'delivered')

    def test_bad_arguments(self):
        for args in (['-i', '0'], ['-i', '4000'], ['-n', '0'], ['-o', 'x'],
                     ['x']):
            out = subprocess.run([MTACTL, 'top', *args], capture_output=True,
                                 timeout=60)
            self.assertEqual(out.returncode, 2, args)


del Top     # its tests are those of the classes above

if __name__ == '__main__':
    unittest.main(verbosity=2)
