#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""What is installed is all there, and runs from there, started, asked,
reloaded and stopped by the LSB script as an administrator would do it.

usage: test_install.py build-directory prefix"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..'))
from e2e.mtadtest import DOMAINS, reserve_port, until       # noqa: E402

BUILD = PREFIX = None

FILES = {
    'sbin/mtad': 0o755, 'sbin/mtactl': 0o755,
    'libexec/mtad/rtsd': 0o755, 'libexec/mtad/spoold': 0o755,
    'libexec/mtad/x400-maildir': 0o755,
    'share/man/man8/mtad.8': 0o644, 'share/man/man8/rtsd.8': 0o644,
    'share/man/man8/spoold.8': 0o644, 'share/man/man8/mtactl.8': 0o644,
    'share/man/man8/x400-maildir.8': 0o644,
    'share/man/man5/mtad.conf.5': 0o644,
    'share/man/man7/x400addr.7': 0o644,
    'share/man/man7/mtad-recovery.7': 0o644,
    'share/mtad/examples/mtad.conf': 0o600,
    'share/mtad/examples/mtad.lsb': 0o755,
    'share/mtad/examples/mtad.service': 0o644,
    'share/mtad/examples/mtad.openbsd': 0o755,
    'share/mtad/examples/mtad.freebsd': 0o755,
    'share/mtad/examples/mtad.netbsd': 0o755,
    'share/mtad/examples/mtad.openrc': 0o755,
    'share/mtad/examples/mtactl.ksh': 0o644,
    'share/bash-completion/completions/mtactl': 0o644,
    'share/zsh/site-functions/_mtactl': 0o644,
    'share/mtad/examples/mtad.logrotate': 0o644,
    'share/mtad/examples/newsyslog.conf': 0o644,
}


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.mkdtemp(prefix='mtad-install-')
        os.chmod(cls.dir, 0o755)
        subprocess.run(['meson', 'install', '-C', BUILD, '--no-rebuild',
                        '--quiet', '--destdir', cls.dir + '/root'],
                       check=True, stdout=subprocess.DEVNULL)
        cls.root = cls.dir + '/root' + PREFIX + '/'

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.dir)


class Files(Installed):
    def test_files(self):
        for name, mode in FILES.items():
            path = self.root + name
            self.assertTrue(os.path.isfile(path), name)
            self.assertEqual(os.stat(path).st_mode & 0o7777, mode, name)

    def test_nothing_else(self):
        found = set()
        for top, _, names in os.walk(self.root):
            found |= {os.path.relpath(os.path.join(top, n), self.root)
                      for n in names}
        self.assertEqual(found, set(FILES))

    def test_places_filled_in(self):
        for name in FILES:
            if '/examples/' in name:
                with open(self.root + name) as f:
                    self.assertNotRegex(f.read(), '@[A-Z_]+@', name)

    def test_hardened(self):
        """PIE, full RELRO, no executable stack, stack protector."""
        for name in ('sbin/mtad', 'libexec/mtad/rtsd', 'libexec/mtad/spoold',
                     'sbin/mtactl', 'libexec/mtad/x400-maildir'):
            text = subprocess.run(
                ['readelf', '-W', '-h', '-l', '-d', '-s', self.root + name],
                capture_output=True, text=True, check=True).stdout
            self.assertRegex(text, r'Type:\s+DYN', name)
            self.assertIn('GNU_RELRO', text, name)
            self.assertRegex(text, r'FLAGS\).*BIND_NOW|FLAGS_1\).*NOW', name)
            self.assertRegex(text, r'GNU_STACK.* RW ', name)
            self.assertIn('__stack_chk_fail', text, name)


class Script(Installed):
    """The LSB script, with its paths moved below the test's directory."""

    def setUp(self):
        self.work = tempfile.mkdtemp(dir=self.dir)
        os.chmod(self.work, 0o755)
        self.port = reserve_port()
        self.conf = self.work + '/mtad.conf'
        self.pidfile = self.work + '/mtad.pid'
        self.configure()
        with open(self.root + 'share/mtad/examples/mtad.lsb') as f:
            text = f.read()
        for name, value in (
                ('DAEMON', self.root + 'sbin/mtad'),
                ('MTACTL', self.root + 'sbin/mtactl'),
                ('SOCKET', self.work + '/mtad.sock'),
                ('PIDFILE', self.pidfile), ('CONF', self.conf),
                ('OPTIONS', '"-L %slibexec/mtad"' % self.root)):
            text, n = re.subn('(?m)^%s=.*$' % name,
                              lambda m: '%s=%s' % (name, value), text)
            self.assertEqual(n, 1, name)
        self.script = self.work + '/mtad.sh'
        with open(self.script, 'w') as f:
            f.write(text)

    def tearDown(self):
        self.run_script('stop')
        self.port.close()

    def configure(self, more=''):
        fd = os.open(self.conf, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(fd, 'w') as f:
            f.write('mta "alpha" domain "%s"\nspool "%s/spool"\n'
                    'control "%s/mtad.sock"\n'
                    'listen on 127.0.0.1 port %d\n%s' % (
                        DOMAINS['alpha'], self.work, self.work,
                        self.port.getsockname()[1], more))

    def run_script(self, verb):
        out = subprocess.run(['sh', self.script, verb],
                             stdin=subprocess.DEVNULL, capture_output=True,
                             text=True, timeout=90)
        self.said = out.stdout + out.stderr
        return out.returncode

    def answers(self):
        try:
            socket.create_connection(self.port.getsockname(), 1).close()
            return True
        except OSError:
            return False

    def pid(self):
        with open(self.pidfile) as f:
            return int(f.read())

    def test_life(self):
        self.assertEqual(self.run_script('status'), 3)
        self.assertEqual(self.run_script('start'), 0, self.said)
        until(self.answers, 10, 'connection')
        first = self.pid()
        self.assertEqual(self.run_script('status'), 0)
        until(lambda: self.run_script('status') == 0 and
              'alpha' in self.said, 10, 'mtactl answers')
        self.assertEqual(self.run_script('start'), 0)
        self.assertEqual(self.pid(), first)
        for verb in ('reload', 'force-reload'):
            self.assertEqual(self.run_script(verb), 0, self.said)
            self.assertEqual(self.pid(), first)
        for verb in ('restart', 'try-restart'):
            self.assertEqual(self.run_script(verb), 0, self.said)
            self.assertNotEqual(self.pid(), first)
            first = self.pid()
        self.assertEqual(self.run_script('stop'), 0)
        self.assertFalse(self.answers())
        self.assertFalse(os.path.exists(self.pidfile))
        self.assertFalse(os.path.exists(self.work + '/mtad.sock'))
        self.assertEqual(self.run_script('stop'), 0)
        for verb in ('reload', 'force-reload'):
            self.assertEqual(self.run_script(verb), 7)
        self.assertEqual(self.run_script('try-restart'), 0)
        self.assertFalse(os.path.exists(self.pidfile))
        self.assertEqual(self.run_script('restart'), 0, self.said)
        until(self.answers, 10, 'connection')
        self.assertEqual(self.run_script('stop'), 0)
        self.assertEqual(self.run_script('sideways'), 2)

    def test_mistake(self):
        """A wrong file stops nothing that runs."""
        self.assertEqual(self.run_script('start'), 0, self.said)
        until(self.answers, 10, 'connection')
        first = self.pid()
        self.configure('lisen on 127.0.0.1\n')
        for verb in ('reload', 'force-reload', 'restart', 'try-restart'):
            self.assertEqual(self.run_script(verb), 6)
            self.assertIn('mtad.conf:5:7: ', self.said)
            self.assertIn('is not right', self.said)
        self.assertEqual(self.pid(), first)
        self.assertTrue(self.answers())
        self.assertEqual(self.run_script('stop'), 0)
        self.assertEqual(self.run_script('start'), 6)
        self.assertIn('mtad.conf:5:7: ', self.said)
        os.unlink(self.conf)
        self.assertEqual(self.run_script('start'), 6)
        self.assertIn(self.conf, self.said)
        self.assertFalse(os.path.exists(self.pidfile))

    def test_dead(self):
        """A pid file that is left says nothing, whoever has the number."""
        with subprocess.Popen(['sleep', '600']) as other:
            self.addCleanup(other.kill)
            with open(self.pidfile, 'w') as f:
                f.write('%d\n' % other.pid)
            self.assertEqual(self.run_script('status'), 1)
            self.assertEqual(self.run_script('reload'), 7)
            self.assertEqual(self.run_script('stop'), 0)
            self.assertIsNone(other.poll())
            other.kill()
        self.assertFalse(os.path.exists(self.pidfile))
        self.assertEqual(self.run_script('status'), 3)

    def test_relative(self):
        """Paths that are relative hold after mtad has gone elsewhere."""
        self.configure('include "more/limit.conf"\n')
        os.mkdir(self.work + '/more')
        more = self.work + '/more/limit.conf'
        with os.fdopen(os.open(more, os.O_WRONLY | os.O_CREAT, 0o600),
                       'w') as f:
            f.write('limit associations 7\n')
        subprocess.run([self.root + 'sbin/mtad', '-f', 'mtad.conf', '-p',
                        'mtad.pid', '-L',
                        os.path.relpath(self.root + 'libexec/mtad',
                                        self.work)],
                       cwd=self.work, check=True, timeout=60)
        until(self.answers, 10, 'connection')
        # a reload finds both files again: the new port is there
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind(('127.0.0.1', 0))
            with open(more, 'a') as f:
                f.write('listen on 127.0.0.1 port %d\n' %
                        s.getsockname()[1])
            os.kill(self.pid(), signal.SIGHUP)

            def answers():
                try:
                    socket.create_connection(s.getsockname(), 1).close()
                    return True
                except OSError:
                    return False
            until(answers, 10, 'the new port')
        os.kill(self.pid(), signal.SIGTERM)
        until(lambda: not os.path.exists(self.pidfile), 20, 'end')

    def test_only_one(self):
        self.assertEqual(self.run_script('start'), 0, self.said)
        until(self.answers, 10, 'connection')
        out = subprocess.run([self.root + 'sbin/mtad', '-f', self.conf,
                              '-p', self.pidfile], capture_output=True,
                             text=True)
        self.assertEqual(out.returncode, 1)
        self.assertIn(str(self.pid()), out.stderr)


if __name__ == '__main__':
    PREFIX = sys.argv.pop()
    BUILD = sys.argv.pop()
    unittest.main()
