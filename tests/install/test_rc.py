#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The systemd unit, by systemd-analyze(1); the script of LSB with an mtad
and an mtactl of this test's own; the scripts of the BSDs and of OpenRC, with what they are called by; the examples for newsyslog(8) and
logrotate(8).

usage: test_rc.py directory-of-the-built-scripts mtad-executable"""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

RC = MTAD = None

# What systemd-analyze calls OK begins at 5; 10 is no confinement at all.
EXPOSURE = 33           # tenths


def run(*args):
    return subprocess.run(args, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def text_of(name):
    with open(os.path.join(RC, name)) as f:
        return f.read()


class Work(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix='mtad-rc-')
        self.addCleanup(directory.cleanup)
        self.dir = directory.name

    def write(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path, 'w') as f:
            f.write(text)
        return path


class Unit(Work):
    def setUp(self):
        super().setUp()
        # where it is installed there is nothing yet
        self.text = re.sub(r'(?m)(=)/\S*/mtad ', r'\1%s ' % MTAD,
                           text_of('mtad.service'))
        self.assertEqual(self.text.count(MTAD + ' '), 3)

    def verify(self, text):
        return run('systemd-analyze', 'verify', '--man=no',
                   self.write('mtad.service', text))

    def test_verify(self):
        """Every directive and every value is one that systemd knows."""
        out = self.verify(self.text)
        self.assertEqual((out.returncode, out.stdout), (0, ''))

        for wrong in ('ProtectSytem=full', 'ProtectSystem=fully',
                      'SystemCallFilter=landlock_everything'):
            out = self.verify(self.text.replace('[Service]\n',
                                                '[Service]\n%s\n' % wrong))
            self.assertNotEqual(out.stdout, '', wrong)

    def test_capabilities(self):
        """Of these, verify says nothing."""
        names = re.search('(?m)^CapabilityBoundingSet=(.*)$',
                          self.text).group(1).split()
        out = run('systemd-analyze', 'capability', *names)
        self.assertEqual(out.returncode, 0, out.stdout)
        out = run('systemd-analyze', 'capability', 'cap_net_bind')
        self.assertNotEqual(out.returncode, 0)

    def test_security(self):
        out = run('systemd-analyze', 'security', '--offline=true',
                  '--no-pager', '--threshold=%d' % EXPOSURE,
                  self.write('mtad.service', self.text))
        self.assertEqual(out.returncode, 0, out.stdout)
        naked = ''.join(line for line in self.text.splitlines(True)
                        if not re.match('(Protect|Private|Restrict|Cap|Sys)',
                                        line))
        out = run('systemd-analyze', 'security', '--offline=true',
                  '--no-pager', '--threshold=%d' % EXPOSURE,
                  self.write('mtad.service', naked))
        self.assertNotEqual(out.returncode, 0)

    def test_checked_first(self):
        """mtad -n goes before every start and reload."""
        for key, what in ('ExecStart', r'ExecStartPre=%s -n -f (\S+) '), \
                ('ExecReload', r'ExecReload=%s -n -f (\S+) '):
            check = re.search('(?m)^' + what % re.escape(MTAD), self.text)
            self.assertIsNotNone(check, key)
            last = [m.start() for m in re.finditer('(?m)^%s=' % key,
                                                   self.text)][-1]
            self.assertLess(check.start(), last)


class Scripts(Work):
    """mtad -n first, and what it finds wrong refused and shown.

    In place of the libraries of these systems stands what they do of it,
    by rc.subr(8), rc.subr(8) of OpenBSD, openrc-run(8)."""

    BSD = r'''
load_rc_config() { mtad_enable=YES; mtad=YES; mtad_flags=$FLAGS; }
run_rc_command() {
	eval "pre=\${${1}_precmd-} cmd=\${${1}_cmd-}"
	if [ -n "$pre" ]; then
		$pre || exit 1
	fi
	case " start stop restart status $extra_commands " in
	*" $1 "*)	;;
	*)		exit 64 ;;
	esac
	if [ -n "$cmd" ]; then
		$cmd
	else
		echo "DONE $1 $command $command_args"
	fi
}
'''
    OPENBSD = r'''
daemon_flags=$FLAGS pexp="$daemon $FLAGS"
rc_exec() {
	case $1 in
	*pkill*)	echo "DONE reload" ;;
	*)		sh -c "$1" ;;
	esac
}
rc_cmd() {
	case $1 in
	start)		rc_pre || exit 1; echo "DONE start" ;;
	reload)		rc_reload ;;
	restart)	rc_configtest || exit 1; echo "DONE restart" ;;
	configtest)	rc_configtest ;;
	esac
}
'''
    OPENRC = r'''
mtad_args=${FLAGS#*mtad.conf} mtad_socket=$SOCKET
ebegin() { :; }
eend() { return "$1"; }
RC_CMD=$1
case $1 in
start)		start_pre || exit 1; echo "DONE start" ;;
restart)	stop_pre || exit 1; echo "DONE restart" ;;
checkconfig|reload) "$1" ;;
esac
'''

    def script(self, name):
        text = re.sub(r'/\S*/mtad(?=["\s])', MTAD, text_of(name))
        text = text.replace('/etc/mtad.conf', self.dir + '/mtad.conf')
        library = self.write('library', {
            'mtad.openbsd': self.OPENBSD, 'mtad.openrc': self.OPENRC,
        }.get(name, self.BSD))
        if name == 'mtad.openrc':       # read by openrc-run
            return text + '\n. ' + library + '\n'
        text, n = re.subn(r'(?m)^(\$_rc_subr_loaded )?\. /etc/(rc\.d/)?'
                          r'rc\.subr$', '. ' + library, text)
        self.assertEqual(n, 1)
        return text

    def call(self, path, verb):
        return subprocess.run(
            ['sh', path, verb], stdin=subprocess.DEVNULL, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={'PATH': self.dir + ':' + os.environ['PATH'],
                 'SOCKET': self.dir + '/control',
                 'FLAGS': '-f %s/mtad.conf%s' % (self.dir, self.more)})

    more = ''                   # options of mtad

    def configure(self, more=''):
        conf = os.path.join(self.dir, 'mtad.conf')
        self.write('mtad.conf', 'mta "alpha" domain "/C=GB/ADMD= /PRMD=A"\n' +
                   more)
        os.chmod(conf, 0o600)

    def test_scripts(self):
        os.chmod(self.write('start-stop-daemon',
                            '#!/bin/sh\necho "DONE reload"\n'), 0o755)
        for name in ('mtad.openbsd', 'mtad.freebsd', 'mtad.netbsd',
                     'mtad.openrc'):
            path = self.write(name, self.script(name))
            check = 'checkconfig' if 'openrc' in name else 'configtest'
            self.configure()
            for verb in 'start', 'reload', 'restart':
                out = self.call(path, verb)
                self.assertEqual(out.returncode, 0, name + out.stdout)
                self.assertIn('DONE ' + verb, out.stdout, name)
            out = self.call(path, check)
            self.assertEqual(out.returncode, 0, name + out.stdout)
            self.assertIn('configuration OK', out.stdout, name)
            # the same options as mtad itself
            self.configure('spool $where\n')
            self.assertNotEqual(self.call(path, check).returncode, 0, name)
            self.more = ' -D where=/x'
            self.assertEqual(self.call(path, check).returncode, 0, name)
            self.more = ''
            self.configure('lisen\n')
            for verb in 'start', 'reload', 'restart', check:
                out = self.call(path, verb)
                self.assertNotEqual(out.returncode, 0, name + ' ' + verb)
                self.assertIn('mtad.conf:2:', out.stdout, name)
                self.assertNotIn('DONE', out.stdout, name)


    def test_openrc_reload(self):
        """Refused by mtad, it fails."""
        self.configure()
        path = self.write('mtad.openrc', re.sub(
            r'/\S*/mtactl', self.dir + '/mtactl', self.script('mtad.openrc')))
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(self.dir + '/control')
            for status in 0, 1:
                os.chmod(self.write('mtactl', '#!/bin/sh\necho "DONE $*"\n'
                                    'exit %d\n' % status), 0o755)
                out = self.call(path, 'reload')
                self.assertEqual(out.returncode, status, out.stdout)
                self.assertIn('DONE -s %s/control reload' % self.dir,
                              out.stdout)


class Lsb(Work):
    """What starts as mtad here stays until TERM and writes what it is told;
    nobody waits for it, as in a container without init."""

    FUNCTIONS = """
log_success_msg() { echo "OK $*"; }
log_failure_msg() { echo "FAILED $*"; }
log_warning_msg() { echo "WARNING $*"; }
"""
    # -n, or the process itself
    MTAD = """#!/bin/sh
[ "$1" != -n ] || exit 0
trap 'echo HUP >>"$0.signals"' HUP
trap 'exit 0' TERM
echo >"$0.there"
while :; do sleep 0.05; done
"""
    MTACTL = """#!/bin/sh
echo "$*" >>"$0.asked"
case "$3" in
show)	exec test ! -e "$0.silent" ;;
*)	echo 'said: no' >&2; exec test ! -e "$0.refuses" ;;
esac
"""

    def setUp(self):
        super().setUp()
        self.pidfile = self.dir + '/mtad.pid'
        self.default = self.write('default', '')
        text = text_of('mtad.lsb')
        for pattern, path in (
                (r'^DAEMON=.*', 'DAEMON=%s/mtad' % self.dir),
                (r'^MTACTL=.*', 'MTACTL=%s/mtactl' % self.dir),
                (r'^PIDFILE=.*', 'PIDFILE=' + self.pidfile),
                (r'^STOP_TIME=\d+', 'STOP_TIME=10'),
                (r'/etc/default/mtad', self.default),
                (r'^\. /lib/lsb/init-functions',
                 '. ' + self.write('functions', self.FUNCTIONS))):
            text, n = re.subn('(?m)' + pattern, path, text)
            self.assertGreater(n, 0, pattern)
        self.path = self.write('mtad.lsb', text)
        os.chmod(self.write('mtad', self.MTAD), 0o755)
        os.chmod(self.write('mtactl', self.MTACTL), 0o755)
        # under nohup a shell could not trap it
        self.proc = subprocess.Popen(
            [self.dir + '/mtad'], stdin=subprocess.DEVNULL,
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL))
        self.addCleanup(self.end)
        self.write('mtad.pid', '%d\n' % self.proc.pid)
        self.wait('mtad.there')

    def end(self):
        self.proc.kill()
        self.proc.wait()

    def wait(self, name):
        end = time.monotonic() + 30
        while not os.path.exists(os.path.join(self.dir, name)):
            self.assertLess(time.monotonic(), end, name)
            time.sleep(0.02)

    def call(self, verb):
        out = run('sh', self.path, verb)
        return out.returncode, out.stdout

    def asked(self):
        with open(self.dir + '/mtactl.asked') as f:
            return f.read().splitlines()

    def control(self):
        path = self.dir + '/control'
        s = socket.socket(socket.AF_UNIX)
        self.addCleanup(s.close)
        s.bind(path)
        self.write('default', 'SOCKET=%s\n' % path)
        return path

    def test_zombie(self):
        """Dead, though kill(2) still finds it."""
        self.assertEqual(self.call('status')[0], 0)
        self.assertEqual(self.call('stop'), (0, 'OK mtad stopped\n'))
        self.write('mtad.pid', '%d\n' % self.proc.pid)
        status, text = self.call('status')
        self.assertEqual(status, 1, text)
        self.assertIn('dead', text)
        self.assertEqual(self.call('reload')[0], 7)

    def test_reload(self):
        path = self.control()
        status, text = self.call('reload')
        self.assertEqual(status, 0, text)
        self.assertIn('OK mtad has reloaded', text)
        self.assertEqual(self.asked()[-1], '-s %s reload' % path)

    def test_reload_refused(self):
        self.control()
        self.write('mtactl.refuses', '')
        status, text = self.call('reload')
        self.assertEqual(status, 1, text)
        self.assertIn('said: no', text)
        self.assertIn('FAILED', text)
        self.assertNotIn('OK', text)

    def test_reload_no_answer(self):
        """The signal, where there is no socket or nobody at it."""
        self.write('default', 'SOCKET=%s/none\n' % self.dir)
        status, text = self.call('reload')
        self.assertEqual(status, 0, text)
        self.assertIn('told to reload', text)
        self.wait('mtad.signals')
        os.unlink(self.dir + '/mtad.signals')
        self.control()
        self.write('mtactl.silent', '')
        self.assertEqual(self.call('reload')[0], 0)
        self.wait('mtad.signals')

    def test_status(self):
        path = self.control()
        self.assertEqual(self.call('status')[0], 0)
        self.assertEqual(self.asked(), ['-s %s show summary' % path])

    def test_unit(self):
        """The unit's reload does the same."""
        command = re.findall("(?m)^ExecReload=/bin/sh -c '(.*)'$",
                             text_of('mtad.service'))
        self.assertEqual(len(command), 1)
        command = re.sub(r'/\S*/mtactl', self.dir + '/mtactl',
                         command[0]).replace('$$', '$')
        env = {'PATH': os.environ['PATH'], 'MAINPID': str(self.proc.pid),
               'SOCKET': self.dir + '/control'}

        def reload():
            return subprocess.run(['sh', '-c', command], env=env,
                                  stdin=subprocess.DEVNULL).returncode
        self.assertEqual(reload(), 0)
        self.wait('mtad.signals')
        path = self.control()
        self.assertEqual(reload(), 0)
        self.assertEqual(self.asked(), ['-s %s reload' % path])
        self.write('mtactl.refuses', '')
        self.assertEqual(reload(), 1)


class Logs(Work):
    def test_logrotate(self):
        log = os.path.join(self.dir, 'mtad.log')
        text = text_of('mtad.logrotate')
        self.assertIn('/var/log/mtad.log {', text)
        text = text.replace('/var/log/mtad.log {', log + ' {').replace(
            '/usr/lib/rsyslog/rsyslog-rotate', 'touch %s/told' % self.dir)
        conf = self.write('logrotate.conf', text)
        os.chmod(conf, 0o644)
        for n in 1, 2, 3:
            self.write('mtad.log', 'a line of day %d\n' % n)
            out = run('logrotate', '-f', '-s', self.dir + '/state', conf)
            self.assertEqual((out.returncode, out.stdout), (0, ''))
        self.assertLessEqual({'mtad.log.1', 'mtad.log.2.gz', 'mtad.log.3.gz',
                              'told'}, set(os.listdir(self.dir)))

    def test_newsyslog(self):
        """logfile owner:group mode count size when flags, of all three."""
        lines = [line.split() for line in
                 text_of('newsyslog.conf').splitlines()
                 if line and not line.startswith('#')]
        self.assertEqual(len(lines), 1)
        for field, form in zip(lines[0], (
                r'/var/log/\w+', r'root:wheel', r'6[04]0', r'\d+', r'\*|\d+',
                r'\$D\d+|\*|\d+', r'Z')):
            self.assertRegex(field, '^(?:%s)$' % form)
        self.assertEqual(len(lines[0]), 7)


if __name__ == '__main__':
    MTAD = os.path.abspath(sys.argv.pop())
    RC = sys.argv.pop()
    unittest.main()
