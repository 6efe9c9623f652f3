#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The system calls that the manuals name are those that each role has, asked
of the filter in force.

usage: test_calls.py sandbox_calls-executable"""

import fcntl
import mmap
import os
import re
import subprocess
import sys
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
CALLS = None
CLONE_THREAD, SIGCHLD, PR_SET_NAME, PR_SET_DUMPABLE = 0x10000, 17, 15, 4
FIONREAD, FIONBIO, TIOCSTI = 0x541b, 0x5421, 0x5412
F_SETOWN, F_SETSIG, F_NOTIFY = 8, 10, 1026
READ, EXEC = mmap.PROT_READ, mmap.PROT_READ | mmap.PROT_EXEC

# Of calls that are allowed with some arguments only: what, its argument
# words, and which roles have it.
CONFINED = {'rtsd', 'spoold', 'resolver', 'mtactl', 'top', 'x400-maildir'}
SOME = [('fcntl 0 %d' % c, CONFINED) for c in (
            fcntl.F_GETFD, fcntl.F_SETFD, fcntl.F_GETFL, fcntl.F_SETFL,
            fcntl.F_DUPFD, fcntl.F_DUPFD_CLOEXEC, fcntl.F_GETLK,
            fcntl.F_SETLK, fcntl.F_SETLKW)]
SOME += [('fcntl 0 %d' % c, set()) for c in (F_SETOWN, F_SETSIG, F_NOTIFY)]
SOME += [('ioctl 0 %d' % c, CONFINED) for c in (FIONREAD, FIONBIO)]
SOME += [
    ('ioctl 0 %d' % TIOCSTI, {'mtactl', 'top'}),
    ('kill self', {'top'}),
    ('kill 1', set()),
    ('mmap 0 4096 %d' % READ, CONFINED),
    ('mmap 0 4096 %d' % EXEC, {'resolver'}),
    ('mprotect 0 4096 %d' % READ, CONFINED),
    ('mprotect 0 4096 %d' % EXEC, {'resolver'}),
    ('clone %d' % CLONE_THREAD, {'spoold'}),
    ('clone %d' % SIGCHLD, set()),
    ('prctl %d' % PR_SET_NAME, {'spoold'}),
    ('prctl %d' % PR_SET_DUMPABLE, set()),
]
PARTLY = {line.split()[0] for line, _ in SOME}
# What no role may have that reads what others say.
NEVER = {'execve', 'execveat', 'ptrace', 'kill', 'tgkill', 'tkill', 'fork',
         'vfork', 'mount', 'chroot', 'setuid', 'setresuid', 'bpf', 'unshare',
         'setns', 'io_uring_setup', 'keyctl', 'process_vm_readv',
         'process_vm_writev', 'symlink', 'mknod', 'mknodat', 'chown',
         'personality', 'userfaultfd', 'memfd_create', 'open_by_handle_at'}


def manual(page, role):
    """The list of a manual, and its calls with some arguments."""
    with open(os.path.join(TOP, 'man', page)) as f:
        text = f.read()
    part = re.search(r'(?ms)^\.Ss System calls of %s$(.*?)(?=^\.S[sh] )' %
                     re.escape(role), text).group(1)
    block = re.search(r'(?ms)^\.Bd -ragged.*?\n(.*?)^\.Ed$', part).group(1)
    return (set(re.findall(r'\w+', block)),
            set(re.findall(r'(?m)^\.It (\w+)$', part)))


def ask(role):
    out = subprocess.run([CALLS, role], text=True, capture_output=True,
                         input=''.join(s + '\n' for s, _ in SOME))
    if out.returncode == 77:
        raise unittest.SkipTest(out.stderr)
    if out.returncode != 0:
        raise AssertionError(out.stderr)
    return dict(line.rsplit(': ', 1) for line in out.stdout.splitlines())


class Calls(unittest.TestCase):
    def confined(self, page, role, part=None):
        answers = ask(role)
        self.assertEqual(set(answers.values()), {'yes', 'no'}, role)
        calls = {n: a for n, a in answers.items() if ' ' not in n}
        self.assertGreater(len(calls), 250)
        have = {n for n, a in calls.items() if a == 'yes'} - PARTLY
        said, some = manual(page, part or role)
        # clone3 is answered as if there were none (see the manual)
        have.discard('clone3')
        # the manual names those of other architectures too
        self.assertEqual(have, said & set(calls) - PARTLY, role)
        self.assertEqual(have & NEVER, set())
        for line, roles in SOME:
            self.assertEqual(answers[line], 'yes' if role in roles else 'no',
                             (role, line))
            if role in roles:
                self.assertIn(line.split()[0], some | said, page)

    def test_rtsd(self):
        self.confined('rtsd.8', 'rtsd')

    def test_spoold(self):
        self.confined('spoold.8', 'spoold')

    def test_resolver(self):
        self.confined('mtad.8', 'resolver')

    def test_mtactl(self):
        self.confined('mtactl.8', 'mtactl')
        self.confined('mtactl.8', 'top', 'mtactl')

    def test_agent(self):
        self.confined('x400-maildir.8', 'x400-maildir')

    def test_mtad(self):
        """It has all but these; and so has what it executes."""
        answers = ask('mtad')
        calls = {n: a for n, a in answers.items() if ' ' not in n}
        denied, _ = manual('mtad.8', 'mtad')
        self.assertEqual({n for n, a in calls.items() if a == 'no'},
                         denied & set(calls))
        self.assertIn('ptrace', denied)


if __name__ == '__main__':
    CALLS = sys.argv.pop()
    if os.geteuid() != 0:
        print('needs root')
        sys.exit(77)
    unittest.main()
