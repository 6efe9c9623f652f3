#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The manuals say what is there: examples that mtad takes, every word of the
configuration, every option, every default of the build.

usage: test_manual.py mtad-executable"""

import os
import re
import subprocess
import sys
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
MTAD = None

# Known to the parser, which says that this version has not got it.
NOT_YET = {'normal', 'x410-1988'}


def text_of(*path):
    with open(os.path.join(TOP, *path)) as f:
        return f.read()


def certificates(text, directory):
    """Files that an example names below /etc/ssl are made and named."""
    pair = [os.path.join(directory, 'crt'), os.path.join(directory, 'key')]
    if '/etc/ssl/' in text and not os.path.exists(pair[0]):
        subprocess.run(
            ['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
             'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=x', '-out',
             pair[0], '-keyout', pair[1]], check=True, capture_output=True)
        os.chmod(pair[1], 0o600)
    return re.sub(r'/etc/ssl/[^" \n]*\.(crt|key)', lambda m: pair[
        m.group(1) == 'key'], text)


def command(text):
    """Program and user of an example are some that are everywhere."""
    return re.sub(r'"/usr/libexec/mtad/x400-maildir([^"]*)" user "jo"',
                  r'"/bin/cat\1" user "nobody"', text)


def members(text, directory):
    """A list's file of members that an example names is an empty one."""
    path = os.path.join(directory, 'members')
    open(path, 'w').close()
    return re.sub(r'members from "[^"]*"', 'members from "%s"' % path, text)


class Configuration(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.addCleanup(self.dir.cleanup)

    def check(self, text):
        text = command(certificates(text, self.dir.name))
        text = members(text, self.dir.name)
        with tempfile.NamedTemporaryFile('w', suffix='.conf') as f:
            f.write(text)
            f.flush()
            return subprocess.run([MTAD, '-n', '-f', f.name],
                                  capture_output=True, text=True)

    def test_examples(self):
        page = text_of('man', 'mtad.conf.5')
        blocks = re.findall(r'(?ms)^\.Bd -literal.*?\n(.*?)^\.Ed$', page)
        self.assertGreaterEqual(len(blocks), 5)
        for block in blocks:
            text = block.replace('\\e', '\\')
            if not re.search('(?m)^mta ', text):
                text = 'mta "x" domain "/C=GB/ADMD= /PRMD=X"\n' + text
            out = self.check(text)
            self.assertEqual(out.returncode, 0, text + out.stderr)

    def test_readme(self):
        """The first peer of the README."""
        block = re.search(r'(?ms)^    mta "alpha".*?^    deliver .*?$',
                          text_of('README')).group()
        out = self.check(block + '\n')
        self.assertEqual(out.returncode, 0, out.stderr)

    def test_words(self):
        words = re.findall(r'\{ "([a-z0-9-]+)", [A-Z0-9_]+ \}',
                           text_of('mtad', 'lex.c'))
        self.assertGreater(len(words), 50)
        page = text_of('man', 'mtad.conf.5')
        for word in words:
            if word not in NOT_YET:
                self.assertRegex(page, r'(?m)^\.I[ct].*(?<![\w-])%s(?![\w-])' %
                                 word)

    def test_words_of_the_grammar(self):
        """The table of the lexer, the tokens and the rules of the grammar
        have the same words, and the page has no other."""
        table = dict(re.findall(r'\{ "([a-z0-9-]+)", ([A-Z0-9_]+) \}',
                                text_of('mtad', 'lex.c')))
        declared, rules = text_of('mtad', 'parse.y').split('%%')[:2]
        tokens = set()
        for line in re.findall(r'(?ms)^%token\b(.*?)(?=^%|^$)', declared):
            tokens |= set(re.findall(r'\b[A-Z][A-Z0-9_]+\b', re.sub(
                r'<[^>]*>|/\*.*?\*/', '', line)))
        self.assertEqual(set(table.values()) - tokens, set())
        for word, token in table.items():
            self.assertRegex(rules, r'\b%s\b' % token, word)
        page = text_of('man', 'mtad.conf.5')
        said = set()
        for line in re.findall(r'(?m)^\.(?:It |Op |Oo |Oc |Xo |Xc |Pq )*Ic '
                               r'(.*)$', page):
            # up to whatever is not a word of the language any more
            for part in re.split(r' ?\b(?:Ar|Pa|Oo|Oc|Op|No|Ns|Xc|Li|Cm)\b '
                                 r'?[^ ]*', re.sub(r'"[^"]*"', '', line)):
                said |= {w for w in part.split()
                         if re.fullmatch(r'[a-z][a-z0-9-]*', w)}
        self.assertGreater(len(said), 50)
        self.assertEqual(said - set(table), set())

    def test_defaults(self):
        """The page names the default of each option of a peer; a file that
        gives them all is read like one that gives none."""
        page = text_of('man', 'mtad.conf.5')
        code = dict(re.findall(
            r'(?:n->peer|c->defaults)\.(\w+)(?:\[\d\])? = (\w+);',
            text_of('mtad', 'check.c')))
        said = {}
        for entry in re.split(r'(?m)^\.It ', page)[1:]:
            m = re.search(r'by\s+default\s+(\d+)|The\s+default\s+is\s+(\d+)',
                          entry)
            if m:
                said[entry.split('\n')[0]] = m.group(1) or m.group(2)
        for line, name in (
                ('Ic checkpoint Ar number', 'checkpoint'),
                ('Ic window Ar number', 'window'),
                ('Ic safe-store Ar number', 'safe_store'),
                ('Ic delay Ar time', 'recovery_delay'),
                ('Ic timeout Ar time', 'recovery_timeout'),
                ('Ic keep Ar time', 'recovery_keep'),
                ('Ic memory Ar time', 'no_recovery_memory'),
                ('Ic open timeout Ar time', 'open_timeout'),
                ('Ic transfer timeout Ar time', 'transfer_timeout'),
                ('Ic associations Ar number', 'max_associations'),
                ('Ic threshold Ar number', 'threshold'),
                ('Ic idle Ar time', 'idle')):
            self.assertEqual(said[line], code[name], line)


class Log(unittest.TestCase):
    def test_events(self):
        """Each identifier is documented, is used, and there is no other."""
        events = dict(re.findall(r'(?m)^\tE\(([A-Z_]+),\s+"([a-z-]+)"\)',
                                 text_of('common', 'event.h')))
        self.assertGreater(len(events), 80)
        self.assertEqual(len(set(events.values())), len(events))
        page = text_of('man', 'mtad-recovery.7')
        said = re.findall(r'(?m)^\.It Li ([a-z-]+)$', page)
        self.assertEqual(sorted(said), sorted(events.values()))
        code = ''.join(
            text_of(d, f) for d in ('common', 'mtad', 'rtsd', 'spoold',
                                    'x400-maildir')
            for f in os.listdir(os.path.join(TOP, d))
            if f.endswith(('.c', '.y')))
        for name in events:
            self.assertTrue(re.search(r'\bEVT_%s\b' % name, code), name)

    def test_symptoms(self):
        """What is quoted of the log is said by the code."""
        code = ''.join(
            text_of(d, f) for d in ('common', 'mtad', 'rtsd', 'spoold')
            for f in os.listdir(os.path.join(TOP, d))
            if f.endswith(('.c', '.h')))
        code = re.sub(r'"\s*\n\s*"', '', code)
        page = text_of('man', 'mtad-recovery.7')
        lines = re.findall(r'(?m)^\.It Sy ([a-z]+(?:-[a-z]+)+ .*)$', page)
        self.assertGreater(len(lines), 20)
        for line in lines:
            name, text = line.split(' ', 1)
            self.assertIn('"%s"' % name, code)
            # words of the system, and what stands for a value
            text = re.sub(r'\bnot connected: .*|\[\.\.\.\]', '...', text)
            text = re.sub('(mode) (?:x410-1984|normal)', r'\1 %s', text)
            for part in re.split(r'\.\.\.|: |, (?=mode)', text):
                if part.strip(' ,:'):
                    self.assertIn(part.strip(' ,:'), code, line)

    def test_examples(self):
        """Identifiers in examples of the manuals are some that exist."""
        events = set(re.findall(r'(?m)^\tE\([A-Z_]+,\s+"([a-z-]+)"\)',
                                text_of('common', 'event.h')))
        for name in 'mtad.8', 'rtsd.8', 'spoold.8', 'mtad-recovery.7':
            found = 0
            for block in re.findall(r'(?ms)^\.Bd -literal$(.*?)^\.Ed$',
                                    text_of('man', name)):
                for word in re.findall(
                        r'(?m)^([a-z]+(?:-[a-z]+)*)(?=:? \w+=)', block):
                    self.assertIn(word, events, name)
                    found += 1
            self.assertGreater(found, 2, name)


def verb_entries():
    """{verb: the heads of its entries} of mtactl.8."""
    page = text_of('man', 'mtactl.8').replace('\\&', '')
    body = page[page.index('The commands are as follows'):
                page.index('.Ss JSON')]
    # lists inside of an entry have no verbs
    while re.search(r'(?s)^\.Bl (?:(?!\n\.Bl|\n\.El).)*\n\.El', body[40:],
                    re.M):
        body = body[:40] + re.sub(
            r'(?ms)^\.Bl (?:(?!^\.Bl|^\.El).)*^\.El\n', '', body[40:])
        if body.count('\n.Bl') <= 1:
            break
    out = {}
    for head in re.findall(r'(?ms)^\.It (Xo\n.*?)^\.Xc$|^\.It (Cm .*?)$',
                           body):
        head = head[0] or head[1]
        verb = re.search(r'\bCm (\w+)', head).group(1)
        out.setdefault(verb, []).append(head)
    return out

class Options(unittest.TestCase):
    def sources(self, name):
        directory = os.path.join(TOP, name)
        return ''.join(text_of(name, f) for f in sorted(os.listdir(directory))
                       if f.endswith('.c'))

    def letters(self, text):
        """Of getopt strings, also of those chosen by a condition."""
        out = set()
        for call in re.findall(r'(?s)getopt\(\w+, \w+, (.*?)\)\)', text):
            for s in re.findall(r'"([^"]+)"', call):
                out |= set(s) - set(':+')
        for s in re.findall(r'options\(\w+, &\w+, "([^"]+)", ', text):
            out |= set(s) - set(':+')
        return out

    def test_options(self):
        for page, source in (
                ('mtad.8', 'mtad'), ('rtsd.8', 'rtsd'),
                ('spoold.8', 'spoold'), ('mtactl.8', 'mtactl'),
                ('x400-maildir.8', 'x400-maildir')):
            letters = self.letters(self.sources(source))
            self.assertTrue(letters, page)
            said = set(re.findall(r'(?m)^\.It Fl (\w)\b',
                                  text_of('man', page)))
            if page == 'mtactl.8':      # also in the heads of its verbs
                for heads in verb_entries().values():
                    said |= set(re.findall(r'\bFl (\w)\b', ' '.join(heads)))
            self.assertEqual(letters, said, page)

    def test_options_of_verbs(self):
        """The head of each verb has the options that are completed, which are
        those that the program takes (test_completion.py)."""
        entries = verb_entries()
        completed = {}
        for line in text_of('mtactl', 'completion', 'words').splitlines():
            if line.startswith('#'):
                continue
            verb, options = line.split('|')[:2]
            completed.setdefault(verb.split()[0], set()).update(
                o.split(':')[0][1:] for o in options.split())
        for verb, options in completed.items():
            self.assertEqual(options, set(re.findall(
                r'\bFl (\w)\b', ' '.join(entries[verb]))), verb)


class Verbs(unittest.TestCase):
    def setUp(self):
        table = re.search(r'commands\[\] = \{(.*?)\};',
                          text_of('mtactl', 'mtactl.c'), re.S).group(1)
        self.verbs = set(re.findall(r'\{ "(\w+)",', table))

    def test_verbs(self):
        self.assertGreater(len(self.verbs), 10)
        self.assertEqual(set(verb_entries()), self.verbs)

    def test_shows(self):
        shows = re.search(r'shows\[\] = \{(.*?)\n\};',
                          text_of('mtactl', 'show.c'), re.S).group(1)
        self.assertEqual(
            {re.match(r'Cm show (\w+)', h).group(1)
             for h in verb_entries()['show']},
            set(re.findall(r'\{ "(\w+)", CTL_', shows)) | {'peer'})

    def test_usage(self):
        """What is printed when it is called wrongly has all of them too."""
        usage = dict(re.findall(
            r'\{ "(\w+)", \w+, \w+,\s+((?:(?:OPTIONS|"(?:[^"\\]|\\.)*")'
            r'\s*)+)\}', text_of('mtactl', 'mtactl.c')))
        self.assertEqual(set(usage), self.verbs)
        for verb, text in usage.items():
            self.assertRegex(text, r'(?<![\w-])%s(?![\w-])' % verb)


class Members(unittest.TestCase):
    """Of what -j prints; test_json.py has it from a live run."""
    def test_members(self):
        page = text_of('man', 'mtactl.8')
        section = page[page.index('.Ss JSON'):page.index('.Ss Completion')]
        said = set(re.findall(r'(?m)^\.Va (\w+)', section))
        written = set()
        directory = os.path.join(TOP, 'mtactl')
        for name in os.listdir(directory):
            if name.endswith('.c') and name != 'json.c':
                written |= set(re.findall(
                    r'\b(?:\w*json_\w+|name_json|\w+_or_null|rate)\('
                    r'[^,()]+,\s*"(\w+)"', text_of('mtactl', name)))
        self.assertGreater(len(written), 80)
        self.assertEqual(written, said)


if __name__ == '__main__':
    MTAD = sys.argv.pop()
    unittest.main()
