#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Completion of mtactl in the shells themselves: bash and zsh on a terminal,
ksh by the lists that it is given.  The peers are those of a running mtad, and
the words are those of the program.

usage: MTAD_BUILD=build test_completion.py"""

import fcntl
import os
import re
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

import pyte

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, 'tests', 'e2e'))
from mtadtest import BUILD, Mta, Peer                    # noqa: E402

COMPLETION = os.path.join(BUILD, 'mtactl', 'completion')
LIMIT = 60


def text_of(*path):
    with open(os.path.join(TOP, *path)) as f:
        return f.read()


def verbs():
    table = re.search(r'commands\[\] = \{(.*?)\};',
                      text_of('mtactl', 'mtactl.c'), re.S).group(1)
    return re.findall(r'\{ "(\w+)",', table)


def words():
    """{verb or "verb argument": [options, arguments...]}"""
    out = {}
    for line in text_of('mtactl', 'completion', 'words').splitlines():
        if line and not line.startswith('#'):
            key, *fields = line.split('|')
            out[key] = fields
    return out


class Words(unittest.TestCase):
    def test_verbs(self):
        """Those of the program, all of them and no others."""
        self.assertEqual({key.split()[0] for key in words()}, set(verbs()))

    def test_shows(self):
        shows = re.search(r'shows\[\] = \{(.*?)\n\};',
                          text_of('mtactl', 'show.c'), re.S).group(1)
        self.assertEqual(set(words()['show'][1].split(',')), set(re.findall(
            r'\{ "(\w+)", CTL_', shows)) | {'peer'})

    def test_options(self):
        """Each option that it offers is one that the program knows."""
        with tempfile.NamedTemporaryFile() as f:
            for key, fields in words().items():
                for option in fields[0].split():
                    name, _, kind = option.partition(':')
                    args = key.split() + [name] + (
                        [kind.split(',')[0]] if kind else [])
                    out = subprocess.run(
                        [os.path.join(BUILD, 'mtactl', 'mtactl'), '-s',
                         f.name, *args], stdin=subprocess.DEVNULL,
                        capture_output=True, text=True, timeout=60)
                    self.assertNotIn('invalid option', out.stderr, args)
                    self.assertNotIn('requires an argument', out.stderr, args)


class Shell:
    """An interactive shell on a pty, and what its screen shows."""

    def __init__(self, argv, env):
        self.screen = pyte.Screen(110, 40)
        self.stream = pyte.ByteStream(self.screen)
        self.master, slave = os.openpty()
        fcntl.ioctl(self.master, termios.TIOCSWINSZ,
                    struct.pack('HHHH', 40, 110, 0, 0))

        def control():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        self.proc = subprocess.Popen(
            argv, stdin=slave, stdout=slave, stderr=slave, env=env,
            preexec_fn=control, cwd=env['HOME'])
        os.close(slave)

    def text(self):
        return '\n'.join(line.rstrip() for line in self.screen.display)

    def keys(self, text):
        os.write(self.master, text.encode())

    def wait(self, condition, what):
        end = time.monotonic() + LIMIT
        while not condition(self.text()):
            if time.monotonic() > end:
                raise TimeoutError('%s:\n%s' % (what, self.text()))
            if select.select([self.master], [], [], 0.05)[0]:
                self.stream.feed(os.read(self.master, 65536))

    def close(self):
        self.proc.kill()
        self.proc.wait()
        os.close(self.master)


class Shells(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mta = Mta('alpha')
        cls.configure(cls.mta)
        cls.mta.start()
        # no home of anybody's, and our mtactl with that mtad's socket
        cls.home = tempfile.mkdtemp(prefix='mtactl-completion-')
        os.mkdir(os.path.join(cls.home, 'bin'))
        mtactl = os.path.join(cls.home, 'bin', 'mtactl')
        with open(mtactl, 'w') as f:
            f.write('#!/bin/sh\nexec %s -s %s "$@"\n' % (os.path.join(
                BUILD, 'mtactl', 'mtactl'), cls.mta.socket))
        os.chmod(mtactl, 0o755)
        with open(os.path.join(cls.home, 'letter.txt'), 'w'):
            pass
        cls.env = {'PATH': os.path.join(cls.home, 'bin') + ':/usr/bin:/bin',
                   'HOME': cls.home, 'TERM': 'screen', 'PS1': '%',
                   'LC_ALL': 'C', 'ZDOTDIR': cls.home,
                   'HISTFILE': '/dev/null', 'ASAN_OPTIONS': 'detect_leaks=0'}

    @staticmethod
    def configure(mta):
        mta.configure(Peer('beta'), lines=(
            'peer "bravo-one" {\n\tmode x410-1984\n'
            '\tremote name "bravo-one" password "x"\n'
            '\taddress 127.0.0.1 port 9\n\tdomain "/C=SE/ADMD=A/PRMD=B1"\n}',
            'peer "bravo-two" {\n\tmode x410-1984\n'
            '\tremote name "bravo-two" password "x"\n'
            '\taddress 127.0.0.1 port 9\n\tdomain "/C=SE/ADMD=A/PRMD=B2"\n}',
        ))

    @classmethod
    def tearDownClass(cls):
        cls.mta.cleanup()
        shutil.rmtree(cls.home)

    def shell(self, argv):
        s = Shell(argv, self.env)
        self.addCleanup(s.close)
        return s

    # What is typed, Tab, and what then stands there.
    COMPLETED = (
        ('mtactl sho\t', 'mtactl show'),
        ('mtactl show sum\t', 'mtactl show summary'),
        ('mtactl log verb\t', 'mtactl log verbose'),
        ('mtactl peer bet\t', 'mtactl peer beta'),
        ('mtactl peer bra\t', 'mtactl peer bravo-'),
        ('mtactl peer beta do\t', 'mtactl peer beta down'),
        ('mtactl -j hold -P bravo-o\t', 'mtactl -j hold -P bravo-one'),
        ('mtactl submit -p non\t', 'mtactl submit -p non-urgent'),
        ('mtactl decode -t tpk\t', 'mtactl decode -t tpkt'),
        ('mtactl decode let\t', 'mtactl decode letter.txt'),
        ('mtactl top -o old\t', 'mtactl top -o oldest'),
    )

    def completed(self, s):
        for typed, want in self.COMPLETED:
            s.keys(typed)
            s.wait(lambda t: re.search(re.escape(want), t), want)
            s.keys('\x15\f')            # kill the line, clear the screen
            s.wait(lambda t: 'mtactl' not in t, 'an empty line')

    @unittest.skipIf(shutil.which('bash') is None, 'no bash')
    def test_bash(self):
        s = self.shell(['bash', '--norc', '--noprofile', '-i'])
        s.keys('. %s/mtactl.bash && echo ready=$?\n' % COMPLETION)
        s.wait(lambda t: 'ready=0' in t, 'ready')
        self.completed(s)
        s.keys('mtactl show \t\t')
        s.wait(lambda t: all(w in t for w in (
            'associations', 'queue', 'message', 'summary', 'transfers')),
            'all that can be shown')

    @unittest.skipIf(shutil.which('zsh') is None, 'no zsh')
    def test_zsh(self):
        s = self.shell(['zsh', '-f', '-i'])
        s.keys('fpath=(%s $fpath); autoload -Uz compinit; compinit -u -d '
               '$HOME/dump; echo ready=$?\n' % COMPLETION)
        s.wait(lambda t: 'ready=0' in t, 'ready')
        self.completed(s)
        s.keys('mtactl show \t')
        s.wait(lambda t: all(w in t for w in (
            'associations', 'queue', 'message', 'summary', 'transfers')),
            'all that can be shown')

    @unittest.skipIf(shutil.which('mksh') is None, 'no ksh')
    def test_ksh(self):
        out = subprocess.run(
            ['mksh', '-c', '. %s/mtactl.ksh; for i in "${complete_mtactl_1[@]'
             '}"; do echo 1 $i; done; for i in "${complete_mtactl_2[@]}"; do '
             'echo 2 $i; done; for i in "${complete_mtactl_3[@]}"; do echo 3 '
             '$i; done' % COMPLETION], env=self.env, capture_output=True,
            text=True, timeout=60, check=True)
        place = {'1': [], '2': [], '3': []}
        for line in out.stdout.splitlines():
            place[line[0]].append(line[2:])
        self.assertEqual(set(place['1']), set(verbs()) | {'-j', '-s'})
        for word in ('summary', 'beta', 'bravo-two', 'verbose', '-P', '-t',
                     'all'):
            self.assertIn(word, place['2'])
        for word in ('up', 'down', 'beta', 'non-urgent', 'tsdu'):
            self.assertIn(word, place['3'])
        self.assertNotIn('%file', out.stdout)
        self.assertEqual(out.stderr, '')

    def test_no_names(self):
        """Where a word is "peer" there is no name of one."""
        for verb in 'show', 'help':
            out = subprocess.run(
                ['bash', '-c', '. %s/mtactl.bash; COMP_WORDS=(mtactl %s ""); '
                 'COMP_CWORD=2; _mtactl; printf "%%s\\n" "${COMPREPLY[@]}"' %
                 (COMPLETION, verb)], env=self.env, capture_output=True,
                text=True, timeout=60, check=True)
            self.assertEqual(set(out.stdout.split()),
                             set(words()[verb][1].split(',')))

    def test_no_mtad(self):
        """Nobody answers: no peers, and no word about it."""
        env = {**self.env, 'PATH': '/usr/bin:/bin'}
        out = subprocess.run(
            ['bash', '-c', '. %s/mtactl.bash; COMP_WORDS=(mtactl peer ""); '
             'COMP_CWORD=2; _mtactl; echo "${#COMPREPLY[@]}"' % COMPLETION],
            env=env, capture_output=True, text=True, timeout=60, check=True)
        self.assertEqual((out.stdout, out.stderr), ('0\n', ''))


if __name__ == '__main__':
    unittest.main(verbosity=2)
