#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Delivery by a command: what it is run with, what its end means, and that a
message is delivered in the end whatever dies meanwhile."""

import json
import os
import pwd
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..'))
from e2e.mtadtest import BUILD, DOMAINS, Mta, until        # noqa: E402

USER = 'nobody'
HERE = DOMAINS['alpha'] + '/O=Cmd'
JO = '/G=Jo/S=Doe/O=Cmd/PRMD=ALPHA/ADMD=GOLD 400/C=GB/'
SENDER = '/S=Doe/PRMD=ALPHA/ADMD=GOLD 400/C=GB/'

# Says what it was run with in a file of its own, then does what the files
# beside say: "how" is Python, "go" lets it end.
AGENT = r'''#!/usr/bin/python3 -I
import json, os, resource, signal, subprocess, sys, time
top = sys.argv[1]
content = sys.stdin.buffer.read()
open_now = []
for fd in range(0, 256):
    try:
        os.fstat(fd)
        open_now.append(fd)
    except OSError:
        pass
with open('/proc/self/status') as f:
    status = dict(l.rstrip('\n').split(':\t', 1) for l in f if ':\t' in l)
umask = os.umask(0o77)
seen = {
    'env': dict(os.environ), 'argv': sys.argv, 'cwd': os.getcwd(),
    'content': content.hex(), 'open': open_now, 'umask': umask,
    'ids': [os.getresuid(), os.getresgid(), os.getgroups()],
    'leader': os.getsid(0) == os.getpid() == os.getpgrp(),
    'core': resource.getrlimit(resource.RLIMIT_CORE),
    'files': resource.getrlimit(resource.RLIMIT_NOFILE),
    'blocked': status['SigBlk'], 'ignored': status['SigIgn'],
    'pid': os.getpid(),
}
name = '%s/out/%s.%d' % (top, os.environ['MTAD_MESSAGE_ID'], os.getpid())
with open(name + '.tmp', 'w') as f:
    json.dump(seen, f)
os.rename(name + '.tmp', name + '.json')
def until_go():
    while not os.path.exists(top + '/go'):
        time.sleep(0.02)
with open(top + '/how') as f:
    exec(f.read())
'''


def alive(pid):
    try:
        with open('/proc/%d/stat' % pid) as f:
            return f.read().rpartition(') ')[2][0] != 'Z'
    except OSError:
        return False


class Case(unittest.TestCase):
    def setUp(self):
        self.mta = Mta('alpha')
        self.addCleanup(self.mta.cleanup)
        self.addCleanup(self.no_agents)
        self.agent = os.path.join(self.mta.dir, 'agent')
        self.put('agent', AGENT, 0o755)
        self.out = os.path.join(self.mta.dir, 'out')
        os.mkdir(self.out)
        os.chmod(self.out, 0o777)
        self.how('sys.exit(0)')

    def no_agents(self):
        """What a killed mtad left behind ends, too."""
        self.put('go', '')
        for run in self.runs():
            if alive(run['pid']):
                os.kill(run['pid'], signal.SIGKILL)

    def put(self, name, text, mode=0o644):
        path = os.path.join(self.mta.dir, name)
        with open(path + '.new', 'w') as f:
            f.write(text)
        os.chmod(path + '.new', mode)
        os.rename(path + '.new', path)

    def how(self, code):
        self.put('how', code)

    def statement(self, more='', prefix=HERE):
        return ('deliver "%s" to command "%s %s \'two words\' \\\\$HOME" '
                'user "%s" %s' % (prefix, self.agent, self.mta.dir, USER,
                                  more))

    def start(self, more=''):
        self.mta.configure(lines=[self.statement(more)])
        self.mta.start()

    def submit(self, content=b'content', *to, sender=SENDER, options=()):
        args = []
        for recipient in to or (JO,):
            args += ['-t', recipient]
        with tempfile.NamedTemporaryFile() as f:
            f.write(content)
            f.flush()
            return self.mta.mtactl('submit', '-b', '-f', sender, *args,
                                   *options, f.name)

    def runs(self):
        found = []
        for name in sorted(os.listdir(self.out)):
            if name.endswith('.json'):
                with open(os.path.join(self.out, name)) as f:
                    found.append(json.load(f))
        return found

    def wait_runs(self, n=1, timeout=60):
        until(lambda: len(self.runs()) >= n, timeout, '%d runs' % n, 0.02)
        return self.runs()

    def said(self, pattern, timeout=60, since=0):
        return until(lambda: re.search(pattern, self.mta.log(since), re.M),
                     timeout, pattern, 0.02)

    def idle(self, timeout=60):
        until(lambda: not self.mta.mtactl('show', 'summary')['queued'],
              timeout, 'empty queue', 0.05)

    def reports(self):
        found = []
        for name in os.listdir(self.mta.delivery):
            if name.endswith('.env') and not name.startswith('.'):
                with open(os.path.join(self.mta.delivery, name)) as f:
                    found.append(f.read())
        return found


class Delivered(Case):
    def test_environment(self):
        """All that the manual promises, and nothing else."""
        os.environ['SECRET_OF_ROOT'] = 'mine'
        self.addCleanup(os.environ.pop, 'SECRET_OF_ROOT')
        self.start()
        before = time.time()
        content = bytes(range(256)) * 3
        sent = self.submit(content, JO, SENDER,
                           JO.replace('Jo', 'Mo'), options=['-p', 'urgent'])
        run, = self.wait_runs()
        self.idle()
        user = pwd.getpwnam(USER)
        self.assertEqual(bytes.fromhex(run['content']), content)
        self.assertEqual(run['argv'][1:], [self.mta.dir, 'two words',
                                           '$HOME'])
        self.assertEqual(run['cwd'], '/')
        self.assertEqual(run['open'], [0, 1, 2])
        self.assertEqual(run['umask'], 0o77)
        self.assertTrue(run['leader'])
        self.assertEqual(run['ids'][0], [user.pw_uid] * 3)
        self.assertEqual(run['ids'][1], [user.pw_gid] * 3)
        self.assertEqual(sorted(run['ids'][2]), sorted(os.getgrouplist(
            USER, user.pw_gid)))
        self.assertEqual(run['core'], [0, 0])
        self.assertLessEqual(run['files'][1], 1024)
        self.assertEqual(int(run['blocked'], 16), 0)
        # what Python itself ignores
        python = 1 << signal.SIGPIPE - 1 | 1 << signal.SIGXFSZ - 1
        self.assertEqual(int(run['ignored'], 16) & ~python, 0)
        env = run['env']
        env.pop('LC_CTYPE', None)       # of Python
        arrival = env.pop('MTAD_ARRIVAL')
        self.assertRegex(arrival, r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$')
        at = time.mktime(time.strptime(arrival + ' UTC',
                                       '%Y-%m-%dT%H:%M:%SZ %Z'))
        self.assertLess(abs(at - time.timezone - before), 300)
        if 'TZ' in os.environ:
            self.assertEqual(env.pop('TZ'), os.environ['TZ'])
        self.assertEqual(env, {
            'PATH': '/usr/local/bin:/usr/bin:/bin', 'HOME': user.pw_dir,
            'USER': USER, 'LOGNAME': USER, 'SHELL': '/bin/sh',
            'MTAD_MESSAGE_ID': sent['id'],
            'MTAD_MTS_ID': sent['mts_id'],
            'MTAD_TYPE': 'message', 'MTAD_CONTENT_TYPE': '2',
            'MTAD_PRIORITY': 'urgent', 'MTAD_ORIGINATOR': SENDER,
            # not that of the directory
            'MTAD_RECIPIENT': JO + '\n' + JO.replace('Jo', 'Mo'),
            'MTAD_CONTENT_LENGTH': str(len(content)),
        })
        self.assertEqual(len(self.mta.delivered()), 1)

    def test_long_content(self):
        """One in a file of the spool."""
        self.start()
        content = os.urandom(1 << 20)
        self.submit(content)
        run, = self.wait_runs()
        self.assertTrue(bytes.fromhex(run['content']) == content)
        self.assertEqual(run['env']['MTAD_CONTENT_LENGTH'],
                         str(len(content)))
        self.idle()
        self.said('message-delivered .*to="' + re.escape(self.agent))

    def test_report_of_delivery(self):
        """For whom it asks for one."""
        self.start()
        sent = self.submit(options=['-r', 'confirmed'])
        report, = until(self.reports, 60, 'report')
        self.assertIn('subject-identifier: ' + sent['mts_id'], report)
        self.assertRegex(report, r'; delivered=[0-9]+Z;.* address=' + JO)
        self.idle()
        self.assertEqual(len(self.runs()), 1)

    def test_output_is_logged(self):
        """Its first lines, and what a terminal acts upon not as it is."""
        self.how('print("one \\x1b[31m", flush=True)\n'
                 'print("two", file=sys.stderr)\n'
                 'sys.stderr.write("x" * 5000 + "\\n" + "three\\n" * 100)\n')
        self.start()
        sent = self.submit()
        self.idle()
        self.said('command-output message=%s pid=[0-9]+: says more' %
                  sent['id'])
        lines = re.findall(r'output message=%s pid=\d+: (?!says)(.*)' %
                           sent['id'], self.mta.log())
        self.assertEqual(lines[:2], ['one ?[31m', 'two'])
        self.assertEqual(lines[2], 'x' * 199)
        self.assertEqual(lines[3:], ['three'] * 7)

    def test_endless_output(self):
        """Nobody reads it for ever; the service goes on."""
        self.how('signal.signal(signal.SIGPIPE, signal.SIG_DFL)\n'
                 'while True: os.write(1, b"x" * 65536)')
        self.start()
        self.submit()
        self.said(r'message-not-delivered .*: died of signal 13: x')
        self.how('sys.exit(0)')
        self.submit(b'other')
        self.wait_runs(2)
        self.said('message-delivered ')

    def test_parallel(self):
        self.how('until_go()')
        self.start('parallel 2')
        for i in range(5):
            self.submit(b'%d' % i)
        self.wait_runs(2)
        time.sleep(0.5)
        self.assertEqual(len(self.runs()), 2)
        self.put('go', '')
        self.wait_runs(5)
        self.idle()
        self.assertEqual(sorted(bytes.fromhex(r['content'])
                                for r in self.runs()),
                         [b'%d' % i for i in range(5)])


class Failed(Case):
    def test_temporary(self):
        """Deferred, run again by itself, with the same id."""
        self.how('print("come back later"); sys.exit(75)')
        self.start()
        sent = self.submit()
        self.said('message-not-delivered message=%s .*: mailbox '
                  'unavailable, exit status 75: come back later' %
                  sent['id'])
        row, = self.mta.mtactl('show', 'queue')
        self.assertEqual(row['id'], sent['id'])
        self.how('sys.exit(0)')
        runs = self.wait_runs(2)
        self.idle()
        self.assertEqual({r['env']['MTAD_MESSAGE_ID'] for r in runs},
                         {sent['id']})
        self.assertEqual(len(self.runs()), 2)
        self.assertEqual(self.reports(), [])

    def test_permanent(self):
        """Each is reported as what it means."""
        self.start()
        for code, diagnostic, text, words in (
                (67, r'; diagnostic=0 \(unrecognised-OR-name\)', '/a/path',
                 'recipient unknown'),
                (65, r'; diagnostic=12 \(content-syntax-error\)', 'odd',
                 'content cannot be read'),
                (1, '', 'broken', 'delivery failed')):
            with self.subTest(code):
                self.how('print("first")\nprint(%r)\nsys.exit(%d)' %
                         (text, code))
                before = self.reports()
                sent = self.submit()
                self.idle()
                report, = until(lambda: [r for r in self.reports()
                                         if r not in before], 60, 'report')
                self.assertIn('subject-identifier: ' + sent['mts_id'],
                              report)
                self.assertRegex(
                    report, r'; reason=1 \(unable-to-transfer\)%s; '
                    'address=' % diagnostic)
                self.assertIn('address=' + JO, report)
                # the words of its status; its own are for the log
                self.assertIn('supplementary-information: %s, exit status '
                              '%d\n' % (words, code), report)
                self.assertNotIn(text, report)
                self.said('command-output message=%s .*: %s' %
                          (sent['id'], text))

    def test_report_by_command(self):
        """A report goes to a command as well, without a content."""
        self.how('sys.exit(67 if os.environ["MTAD_TYPE"] == "message" '
                 'else 0)')
        self.start()
        sent = self.submit(sender=JO)
        runs = self.wait_runs(2)
        self.idle()
        run, = [r for r in runs if r['env']['MTAD_TYPE'] == 'report']
        env = run['env']
        self.assertEqual(run['content'], '')
        self.assertEqual(env['MTAD_ORIGINATOR'], '')
        self.assertEqual(env['MTAD_RECIPIENT'], JO)
        self.assertEqual(env['MTAD_CONTENT_LENGTH'], '0')
        self.assertEqual(env['MTAD_SUBJECT_ID'], sent['mts_id'])
        self.assertNotEqual(env['MTAD_MESSAGE_ID'], sent['id'])
        self.assertEqual(env['MTAD_REPORTED_1'], 'failed 1 0 ' + JO)
        self.assertNotIn('MTAD_REPORTED_2', env)
        self.assertRegex(env['MTAD_REPORTING_MTA'], r'\A\w+ in /C=GB/')
        self.assertRegex(env['MTAD_SUBJECT_ARRIVAL'],
                         r'\A20[0-9-]+T[0-9:]+Z\Z')
        # its report is logged behind the message
        log = self.mta.log()
        self.assertLess(log.index('message-submitted message=' + sent['id']),
                        log.index('report-made message=' + sent['id']))
        self.assertRegex(env['MTAD_REPORT'],
                         r'(?s)^message-type: report\n.*reason=1 ')

    def test_too_many_recipients(self):
        """More than an environment holds: reported, not cut short."""
        self.start()
        many = [JO.replace('Jo', 'Jo%d' % i) for i in range(1800)]
        self.submit(b'content', *many)
        self.idle()
        report, = until(self.reports, 60, 'report')
        self.assertEqual(report.count('; reason=1 (unable-to-transfer); '
                                      'diagnostic=16 (too-many-recipients)'),
                         1800)
        self.assertEqual(self.runs(), [])

    def test_timeout(self):
        """It ends, with all that it had started."""
        self.how('p = subprocess.Popen(["/usr/bin/python3", "-I", "-c", '
                 '"import signal, time; signal.signal(signal.SIGTERM, '
                 'signal.SIG_IGN); print(1, flush=True); time.sleep(1000)"], '
                 'stdout=subprocess.PIPE)\n'
                 'p.stdout.readline()\n'
                 'open(top + "/out/child", "w").write(str(p.pid))\n'
                 'print("waiting", flush=True)\n'
                 'time.sleep(1000)')
        self.start('timeout 3s')
        self.submit()
        self.said('command-timeout ')
        self.said('message-not-delivered .*: timeout: waiting')
        with open(os.path.join(self.out, 'child')) as f:
            child = int(f.read())
        until(lambda: not alive(child), 60, 'the child of the command gone')
        self.how('sys.exit(0)')
        self.idle()
        self.assertEqual(self.reports(), [])

    def test_cannot_be_run(self):
        """What has changed since the check makes nobody lose a message."""
        self.start()
        os.rename(self.agent, self.agent + '.away')
        self.submit()
        self.said('No such file')
        self.said('message-not-delivered .*: system error, exit status 71')
        os.rename(self.agent + '.away', self.agent)
        self.wait_runs()
        self.idle()


class Deaths(Case):
    def test_spoold(self):
        """The run goes on, and the next spoold has its end."""
        self.how('until_go()')
        self.start()
        sent = self.submit()
        self.wait_runs()
        old = self.mta.pids()['spoold']
        self.assertTrue(self.mta.kill('spoold'))
        until(lambda: self.mta.pids().get('spoold', old) != old, 60,
              'new spoold')
        self.said('command-running message=%s pid=[0-9]+$' % sent['id'])
        self.put('go', '')
        self.idle()
        self.said('message-delivered message=%s ' % sent['id'])
        self.assertEqual(len(self.runs()), 1)

    def test_spoold_while_it_ends(self):
        """Nobody saw the end: it runs again, for the same id."""
        self.how('until_go()')
        self.start()
        sent = self.submit()
        run, = self.wait_runs()
        os.kill(self.mta.pids()['spoold'], signal.SIGSTOP)
        self.put('go', '')
        until(lambda: not alive(run['pid']), 60, 'end of the command')
        self.mta.kill('spoold')
        runs = self.wait_runs(2)
        self.idle()
        self.assertEqual({r['env']['MTAD_MESSAGE_ID'] for r in runs},
                         {sent['id']})

    def test_mtad(self):
        self.how('until_go()')
        self.start()
        sent = self.submit()
        self.wait_runs()
        self.mta.crash()
        self.mta.start()
        runs = self.wait_runs(2)
        self.put('go', '')
        self.idle()
        self.assertEqual({r['env']['MTAD_MESSAGE_ID'] for r in runs},
                         {sent['id']})

    def test_stop(self):
        """One that does not end is stopped, and runs again."""
        self.how('signal.signal(signal.SIGTERM, signal.SIG_IGN)\n'
                 'open(top + "/out/ignores", "w")\n'
                 'until_go()')
        self.start()
        self.submit()
        run, = self.wait_runs()
        until(lambda: os.path.exists(self.out + '/ignores'), 60, 'agent')
        self.assertEqual(self.mta.stop(60), 0)
        self.assertFalse(alive(run['pid']))
        self.how('sys.exit(0)')
        self.mta.start()
        self.wait_runs(2)
        self.idle()

    def test_stop_and_end(self):
        """One that ends when it is told to is not run again."""
        self.how('signal.signal(signal.SIGTERM, lambda *a: sys.exit(0))\n'
                 'open(top + "/out/listens", "w")\n'
                 'until_go()')
        self.start()
        self.submit()
        self.wait_runs()
        until(lambda: os.path.exists(self.out + '/listens'), 60, 'agent')
        self.assertEqual(self.mta.stop(60), 0)
        self.assertIn(' to="' + self.agent, self.mta.log())
        self.assertNotRegex(self.mta.log(), '(?m)channel-lost ')
        self.mta.start()
        self.idle()
        self.assertEqual(len(self.runs()), 1)


class Reload(Case):
    def reload(self):
        mark = self.mta.log_size()
        os.kill(self.mta.pids()['mtad'], signal.SIGHUP)
        self.said('config-reloaded', since=mark)

    def test_statement_stays(self):
        """What waits for it, and what runs, is not touched."""
        self.how('if sys.stdin.buffer.fileno() == 0 and content == b"1": '
                 'sys.exit(75)\nuntil_go()')
        self.start()
        self.submit(b'1')
        self.said('exit status 75')
        self.submit(b'2')
        self.wait_runs(2)
        self.mta.configure(lines=[self.statement('timeout 1h parallel 7'),
                                  self.statement('timeout 1h parallel 7',
                                                 HERE + '/OU1=x')])
        self.reload()
        self.how('sys.exit(0)')
        self.put('go', '')
        self.idle()
        self.assertEqual(sum(bytes.fromhex(r['content']) == b'2'
                             for r in self.runs()), 1)

    def test_statement_gone(self):
        """What waited for it goes another way."""
        self.how('sys.exit(75)')
        self.start()
        self.submit()
        self.said('exit status 75')
        self.mta.configure()
        self.reload()
        until(self.mta.delivered, 60, 'delivery to the directory')
        self.idle()

    def test_statement_gone_while_it_runs(self):
        """Not delivered elsewhere as well; elsewhere when it has failed."""
        self.how('until_go()\nsys.exit(75)')
        self.start()
        self.submit()
        run, = self.wait_runs()
        self.mta.configure()
        self.reload()
        self.assertTrue(alive(run['pid']))
        self.assertEqual(self.mta.delivered(), [])
        self.put('go', '')
        until(self.mta.delivered, 60, 'delivery to the directory')
        self.idle()


class Mistakes(Case):
    def test_checked(self):
        program = os.path.join(self.mta.dir, 'p')
        self.put('p', '#!/bin/sh\n', 0o755)
        self.put('open', '#!/bin/sh\n', 0o775)
        self.put('dead', '#!/bin/sh\n', 0o644)
        self.put('theirs', '#!/bin/sh\n', 0o755)
        os.chown(os.path.join(self.mta.dir, 'theirs'),
                 pwd.getpwnam(USER).pw_uid, 0)
        os.mkdir(os.path.join(self.mta.dir, 'shared'))
        self.put('shared/p', '#!/bin/sh\n', 0o755)
        os.symlink(program, os.path.join(self.mta.dir, 'shared/link'))
        os.chmod(os.path.join(self.mta.dir, 'shared'), 0o777)
        top = self.mta.dir
        for command, more, where, what in (     # where: what it points at
                (program, 'user nobody', None, 'configuration OK'),
                (program + " 'a b", 'user nobody', '"',
                 'a closing quote was expected'),
                ('', 'user nobody', '"', 'a program was expected'),
                ('p', 'user nobody', '"', 'begins with / was expected'),
                (top + '/not', 'user nobody', '"', 'No such file'),
                (top, 'user nobody', '"',
                 'a file that user nobody can execute was expected'),
                (top + '/dead', 'user nobody', '"',
                 'a file that user nobody can execute was expected'),
                (top + '/open', 'user nobody', '"',
                 'nobody else can write was expected'),
                (top + '/theirs', 'user nobody', '"',
                 'belongs to root and that nobody else'),
                (top + '/shared/p', 'user nobody', '"',
                 'a directory that only root can write was expected'),
                (top + '/shared/link', 'user nobody', '"',
                 'a directory that only root can write was expected'),
                (program, 'user root', 'root', 'another one than root'),
                (program, 'user no-such-user', 'no-such', 'does not exist'),
                (program, '', '', 'expected user'),
                (program, 'user nobody timeout 0', '0', '1 to 86400'),
                (program, 'user nobody parallel 65', '65', '1 to 64')):
            with self.subTest((command, more)):
                head = 'deliver "%s" to command ' % HERE
                line = head + '"%s" %s' % (command, more)
                self.mta.configure(lines=[line.rstrip()])
                out = subprocess.run(
                    [os.path.join(BUILD, 'mtad', 'mtad'), '-n', '-f',
                     self.mta.conf], capture_output=True, text=True,
                    stdin=subprocess.DEVNULL, timeout=60)
                self.assertEqual(out.returncode, where is not None)
                if where == '"':
                    column = len(head) + 1
                elif where:
                    column = line.rindex(where) + 1
                else:
                    column = len(line.rstrip()) + 1
                self.assertRegex(out.stderr, what if where is None else
                                 r'mtad\.conf:6:%d: .*%s' % (column, what))


if __name__ == '__main__':
    unittest.main()
