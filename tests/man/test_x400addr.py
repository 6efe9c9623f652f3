#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""x400addr(7) against the parser: its tables are those of the code, each of
its addresses is taken, or refused with the words that stand beside it, and
those that it says are the same, are.

usage: test_x400addr.py the program that tests/man/x400addr.c makes"""

import os
import re
import subprocess
import sys
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
PARSER = None


def text_of(*path):
    with open(os.path.join(TOP, *path)) as f:
        return f.read()


PAGE = text_of('man', 'x400addr.7')


def plain(text):
    """What a reader of the page sees."""
    for escape, char in ((r'\(:u', '\u00fc'), (r'\(dq', '"'), (r'\(aq', "'"),
                         (r'\(ti', '~'), (r'\(ga', '`'), (r'\&', ''),
                         (r'\e', '\\')):
        text = text.replace(escape, char)
    return text


def parse(addresses):
    """[(True, printed, printed, number of the first that is the same)] or
    [(False, offset, why)]"""
    out = subprocess.run([PARSER], input='\n'.join(addresses) + '\n',
                         capture_output=True, text=True, check=True)
    result = []
    for line in out.stdout.splitlines():
        fields = line.split('\t')
        result.append((True, fields[1], fields[2], int(fields[3]))
                      if fields[0] == 'ok' else
                      (False, int(fields[1]), fields[2]))
    assert len(result) == len(addresses)
    return result


def blocks(section):
    """Lines of the literal blocks of a section."""
    body = re.search(r'(?ms)^\.S[sh] %s\n(.*?)(?=^\.S[sh] |\Z)' % section,
                     PAGE).group(1)
    return [plain(b).splitlines() for b in re.findall(
        r'(?ms)^\.Bd -literal.*?\n(.*?)^\.Ed', body)]


class Tables(unittest.TestCase):
    def specs(self):
        """{(key of RFC 2156, of RFC 1685): (kind, bound)}"""
        code = text_of('common', 'oraddr.c')
        code = code[code.index('or_specs[OR_TYPE_MAX]'):
                    code.index('static const struct key')]
        names = dict(re.findall(r'#define\s+(UB_\w+)\s+(\d+)',
                                text_of('common', 'bounds.h')))
        return {(m[0], m[1]): (m[2], int(names.get(m[3], m[3])))
                for m in re.findall(
                    r'\{\s*"([\w-]+)", "([\w.-]+)",\s*KIND_(\w+), (\w+) \}',
                    code)}

    def test_attributes(self):
        said = {}
        for m in re.findall(r'(?m)^\.It Cm ([\w-]+) Ta Cm ([\w.-]+) Ta (\d+) '
                            r'Ta (.*?) Ta ', PAGE):
            said[m[0], m[1]] = m[3].replace('\\&', ''), int(m[2])
        specs = self.specs()
        self.assertEqual(len(specs), 36)
        self.assertEqual(set(said), set(specs))
        sets = {'COUNTRY': 'N P', 'DOMAIN': 'N P', 'NUMERIC': 'N',
                'PRINTABLE': 'P', 'TELETEX': 'T', 'LINES': 'T', 'HEX': '',
                'TERMINAL': '', 'DDA': 'T'}
        for keys, (kind, bound) in specs.items():
            self.assertEqual(said[keys], (sets[kind], bound), keys)

    def test_other_keys(self):
        code = text_of('common', 'oraddr.c')
        table = re.search(r'\} keys\[\] = \{(.*?)\};', code, re.S).group(1)
        listed = {key for pair in self.specs() for key in pair}
        for key in re.findall(r'\{ "([\w.-]+)",', table):
            if key in listed or re.fullmatch('PD-A[2-5]', key):
                continue
            self.assertRegex(PAGE, r'(?m)^\.It Cm .*\b%s\b' % re.escape(key))

    def test_terminals(self):
        names = re.findall(r'\{ "(\w+)", (\d) \}', re.search(
            r'terminals\[\] = \{(.*?)\};', text_of('common', 'oraddr.c'),
            re.S).group(1))
        row = re.search(r'(?s)\.It Cm T-TY .*?\n\.It', PAGE).group()
        for name, _ in names:
            self.assertRegex(row, r'\b%s\b' % name)
        for name, number in names:
            a, b = parse(['/T-TY=%s/C=GB/' % name, '/T-TY=%s/C=GB/' % number])
            self.assertTrue(a[0] and b[0] and b[3] == 0)

    def test_limits(self):
        """Each bound is what is taken, and one more is not."""
        for (key, other), (kind, bound) in self.specs().items():
            if kind in ('COUNTRY', 'TERMINAL', 'LINES'):
                continue
            char = '1' if kind in ('NUMERIC', 'HEX') else 'a'
            for k in {key, other}:
                k = 'DD.t' if key == 'DD' else k
                more = 2 if kind == 'HEX' else 1
                above = {'OU2': '/OU1=x', 'OU3': '/OU1=x/OU2=x',
                         'OU4': '/OU1=x/OU2=x/OU3=x'}.get(key, '')
                fits, exceeds = parse([
                    '%s/%s=%s/' % (above, k, char * bound),
                    '%s/%s=%s/' % (above, k, char * (bound + more))])
                self.assertTrue(fits[0], (k, fits))
                self.assertEqual(exceeds[2:], ('value too long',), k)
        line = 'b' * 30
        ok = parse(['/PD-ADDRESS=' + '|'.join([line] * 6) + '/',
                    '/PD-ADDRESS=' + '|'.join(['b'] * 7) + '/',
                    '/PD-ADDRESS=' + line + 'b/',
                    '/DD.eightchr=1/', '/DD.ninechars=1/'])
        self.assertEqual([r[0] for r in ok], [True, False, False, True,
                                              False])


class Addresses(unittest.TestCase):
    def taken(self, addresses):
        result = parse(addresses)
        for address, r in zip(addresses, result):
            self.assertTrue(r[0], (address, r))
        # what is printed means the same
        for address, r in zip(addresses, result):
            again = parse([address, r[1], r[2]])
            self.assertEqual([a[3] for a in again if a[0]], [0, 0, 0],
                             (address, again))
        return result

    def test_examples(self):
        groups = blocks('EXAMPLES')
        self.assertGreaterEqual(len(groups), 6)
        self.taken([line for group in groups for line in group])

    def test_first(self):
        groups = blocks('DESCRIPTION')
        result = self.taken(groups[0])
        self.assertEqual([r[3] for r in result], [0, 0])

    def test_same(self):
        *same, different = blocks('Comparing')
        self.assertEqual(len(same), 2)
        for group in same:
            self.assertGreater(len(group), 1)
            self.assertEqual([r[3] for r in self.taken(group)],
                             [0] * len(group), group)
        self.assertGreater(len(different), 4)
        self.assertEqual([r[3] for r in self.taken(different)],
                         list(range(len(different))))

    def test_refused(self):
        body = PAGE[PAGE.index('.Sh DIAGNOSTICS'):PAGE.index('.Sh SEE ALSO')]
        cases = re.findall(r'(?m)^\.It Li (.*)\n(.*)$', body)
        self.assertGreater(len(cases), 15)
        for (address, why), r in zip(cases, parse(
                [plain(a) for a, _ in cases])):
            self.assertEqual((r[0], r[-1]), (False, plain(why)), address)

    def test_said_elsewhere(self):
        """Statements of the text."""
        for a, b in (
                ('/C=GB/PRMD=X/', '/C=GB/PRMD=X/ADMD= /'),
                ('/C=GB/ADMD=/', '/C=GB/ADMD= /'),
                ('/PN=Marshall.M.T.Rose/C=GB', '/G=Marshall/I=MT/S=Rose/C=GB'),
                ('/E.164=441/C=GB', '/NET-NUM=441/C=GB'),
                ('/DD.a=1/C=GB', 'DDA:a=1; C=GB'),
                ('/DD:a=1/C=GB', '/DD4.a=1/C=GB'),
                ('/DD.a==b=c=d/C=GB', '/DD.a$=b=c=d/C=GB'),
                ('/CN=M{200}uller/C=DE', '/CN=M\u00fcller/C=DE'),
                ('/CN=*Ann/C=DE', '/CN=Ann/C=DE'),
                ('/CN=\u00fcBER/C=DE', '/CN=\u00dcber/C=DE'),
                ('S=a;;b; C=GB', '/S=a;b/C=GB'),
                ('S=Doe/C=GB', '/S=Doe/C=GB/'),
                ('X.400 S=Doe; C=GB', 'x.400:/S=Doe/C=GB')):
            result = parse([a, b])
            self.assertTrue(result[0][0] and result[1][0], (a, b, result))
            self.assertEqual(result[1][3], 0, (a, b, result))
        for bad in '\\^`{}~':
            if bad != '{':
                self.assertEqual(
                    parse(['/S=a%sb/C=GB' % bad])[0][2],
                    'neither in PrintableString nor in TeletexString', bad)
        for good in '\'()+,-.:=?_@&!%#"<>[]|':
            self.assertTrue(parse(['/S=a%sb/C=GB' % good])[0][0], good)


if __name__ == '__main__':
    PARSER = sys.argv.pop()
    unittest.main(verbosity=2)
