#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""mtactl submit -m: MIME made by Python's email package, the contents read by
tests/peer/x420.py and by tshark; and there and back by x400-maildir.

usage: test_submit.py x400-maildir mtactl"""

import email.message
import email.policy
import os
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import case                                                 # noqa: E402
from case import BOB, DOE, DOE_TEXT, POE, POE_TEXT, Case    # noqa: E402
from peer import p1_88, p2, x420                            # noqa: E402
from unit import test_tshark                                # noqa: E402

DOE_AT = '"%s"@gw.example' % DOE_TEXT
POE_AT = '"%s"@gw.example' % POE_TEXT
DOMAIN = ('GB', 'GOLD 400', 'ALPHA')
PNG = bytes(range(256)) * 9


def simple(body='Hello\n', *more):
    return '\n'.join(('From: ' + DOE_AT, 'To: ' + POE_AT) + more +
                     ('', body))


def rich(text='Hello\n', **fields):
    m = email.message.EmailMessage()
    m['From'] = DOE_AT
    m['To'] = POE_AT
    for key, value in fields.items():
        m[key.replace('_', '-')] = value
    m.set_content(text)
    return m


def octets_of(m):
    return m.as_bytes(policy=email.policy.SMTP.clone(linesep='\n'))


class Heading(Case):
    def heading(self, text, *args):
        return x420.decode(self.submit(text, *args))['heading']

    def test_plain(self):
        content = self.submit(simple('Hello\nthere\n', 'Subject: Hi',
                                     'Message-ID: <a_1@example.com>'))
        got = x420.decode(content)
        self.assertEqual(got, {
            'heading': {'id': {'id': 'a(u)1(a)example.com'},
                        'originator': {'name': DOE},
                        'primary': [{'name': POE}], 'subject': b'Hi'},
            'body': [('ia5', b'Hello\r\nthere\r\n')]})
        # the other decoder, of P2 of 1984 alone, says the same
        self.assertEqual(p2.decode(content)['text'],
                         ['Hello\r\nthere\r\n'])

    def test_everything(self):
        h = self.heading(simple(
            '', 'Sender: "J. Doe" <%s>' % DOE_AT,
            'Cc: Friends: =?utf-8?q?J=C3=BCrgen?= <%s> (him),' % POE_AT,
            ' "A, B" <bob_b@example.com>;', 'Bcc: x@example.org',
            'Subject: =?utf-8?b?R3LDvMOfZQ==?= =?iso-8859-1?q?_=E9t=E9?= $',
            'In-Reply-To: <"0 b*%s"@MHS>' % POE_TEXT,
            'References: <1@example.com>', ' <2@example.com>',
            'Supersedes: <3@example.com>', 'Reply-To: <bob_b@example.com>',
            'Expires: Tue, 1 Dec 2026 10:00:00 +0100',
            'Reply-By: 30 Nov 26 09:00 EST', 'Importance: High',
            'Sensitivity: private', 'Autoforwarded: true',
            'Disposition-Notification-To: ' + DOE_AT))
        bob = dict(BOB)
        bob.update(C='GB', ADMD='GOLD 400', PRMD='ALPHA')
        self.assertEqual(h['id']['user'], DOE)
        del h['id']
        self.assertEqual(h, {
            'originator': {'name': DOE, 'free': b'J. Doe'},
            'authorizing': [{'name': DOE}],
            'primary': [{'name': POE, 'notify': '11'}],
            'copy': [{'name': POE, 'free': b'J\xc8urgen'},
                     {'name': bob, 'free': b'A, B'}],
            'subject': b'Gr\xc8u\xfbe \xc2et\xc2e \xa4',
            'replied_to': {'id': '0 b', 'user': POE},
            'related': [{'id': '1(a)example.com'},
                        {'id': '2(a)example.com'}],
            'obsoleted': [{'id': '3(a)example.com'}],
            'reply_recipients': [{'name': bob}],
            'expiry': '261201090000Z', 'reply_time': '261130140000Z',
            'importance': 2, 'sensitivity': 2, 'auto_forwarded': True})

    def test_envelope(self):
        """-f and -t, else what the header says, blind ones too."""
        text = simple('', 'Cc: ' + DOE_AT, 'Bcc: c@example.org',
                      'Priority: urgent')
        self.submit(text)
        self.assertEqual(self.envelope.count(b'Poe'), 1)
        self.assertIn(b'c(a)example.org', self.envelope)
        self.submit(text, '-t', '/S=Roe/C=FR', '-f', '/S=Else/C=DE')
        self.assertNotIn(b'Poe', self.envelope)
        self.assertNotIn(b'Doe', self.envelope)
        self.assertIn(b'Roe', self.envelope)
        self.assertIn(b'Else', self.envelope)

    def test_left_out(self):
        """With -t, whom the header names besides is told of."""
        text = simple('', 'Cc: %s, c@example.org,' % DOE_AT,
                      ' /S=Roe/ADMD= /C=FR/@x.example',
                      'Bcc: e@example.org').replace(
                          ' /S=Roe', ' "/S=Roe').replace('FR/@', 'FR/"@')
        roe = ('-t', '/S=ROE/C=FR')
        for args, told in (
                ((), ''),
                (('-t', POE_TEXT), 'mtactl: it does not go to %s@gw.example '
                 'and 3 others of To, Cc or Bcc: with -t only to those of '
                 '-t\n' % DOE_TEXT),
                (('-t', POE_TEXT, '-t', DOE_TEXT, *roe), 'mtactl: it does '
                 'not go to c@example.org and 1 other of To, Cc or Bcc: '
                 'with -t only to those of -t\n')):
            self.submit(text, *args)
            self.assertEqual(self.told, told)
        for to in (POE_TEXT, '/S=Else/C=DE'):
            self.submit('From: %s\nTo: %s\n\nHello\n' % (DOE_AT, POE_AT),
                        '-t', to)
            self.assertEqual(self.told != '', to != POE_TEXT)
        self.submit('From: %s\n\nHello\n' % DOE_AT, '-t', POE_TEXT)
        self.assertEqual(self.told, '')
        self.assertIn('Cc: malformed', self.submit(
            simple('', 'Cc: "x'), '-t', POE_TEXT, code=1))

    def test_twice(self):
        """Who is named twice gets one copy, as whom is the first."""
        self.submit(simple('', 'Cc: %s, %s' % (POE_AT.upper(), DOE_AT)))
        self.assertEqual(self.envelope.upper().count(b'POE'), 1)
        self.submit(simple(), '-t', '/S=B/C=DE', '-t', '/S=Uniq/C=DE',
                    '-t', '/S=A/C=DE', '-t', 's=uniq; c=de')
        self.assertEqual(self.envelope.upper().count(b'UNIQ'), 1)
        self.assertIn(b'Uniq', self.envelope)

    def test_foreign(self):
        """Addresses of the Internet need the domain of -f."""
        text = 'From: a@example.com\nTo: %s\n\n' % POE_AT
        self.assertIn('originator: not an O/R address; -f gives one',
                      self.submit(text, code=1))
        h = self.heading(text, '-f', '/S=Doe/O=Org/P=ALPHA/C=GB')
        self.assertEqual(h['originator'], {'name': {
            'C': 'GB', 'ADMD': ' ', 'PRMD': 'ALPHA', 'O': 'Org',
            'DDA': [('RFC-822', 'a(a)example.com')]}})

    def test_errors(self):
        for text, why in (
                ('From: %s\n\n' % DOE_AT, 'no recipients'),
                ('To: %s\n\n' % POE_AT,
                 'originator: no From field; -f gives one'),
                (simple('', 'Cc: "unterminated'), 'Cc: malformed'),
                (simple('', 'Cc: "/S=x"@y'), 'no country'),
                (simple('', 'Cc: "/ZZ=x/C=GB"@y'), '/ZZ=x'),
                ('', 'is empty')):
            self.assertIn(why, self.submit(text, code=1))
        self.submit(simple(), '-b', code=2)
        self.submit(simple(), '-s', 'x', code=2)

    def test_no_header(self):
        """A text that is no message is refused, and no line of it lost."""
        given = '-f', DOE_TEXT, '-t', POE_TEXT
        multipart = ('Content-Type: multipart/mixed; boundary=b\n\n'
                     '--b\n%s\n--b--\n')
        for text, why in (
                ('hello\n', 'line 1: "hello" is not a header field'),
                ('hello world\nmore\n\nbody\n', 'line 1: "hello world" is'),
                ('Subject: x\nDear all: hello\n\nbody\n',
                 'line 2: "Dear all: hello" is'),
                ('Subject: x\r\n: y\r\n\r\nbody\r\n', 'line 2: ": y" is'),
                (' Subject: x\n\nbody\n', 'line 1: " Subject: x" is'),
                ('Subject: x\nFrom a line\n\nbody\n',
                 'line 2: "From a line" is'),
                ('\nbody\n', 'no header'), ('\n', 'no header'),
                ('From a line\n\nbody\n', 'no header'),
                ('Subject: x\n%s\x1b\n' % ('y' * 59),
                 'line 2: "%s?" is' % ('y' * 59)),
                ('Subject: x\n%s\n' % ('y' * 61),
                 'line 2: "%s..." is' % ('y' * 60)),
                (multipart % 'lost\n\nbody', 'line 4: "lost" is'),
                (multipart % 'From a\nX: y\n\nbody', 'line 4: "From a" is'),
                ('Content-Type: message/rfc822\n\nlost\n\nbody\n',
                 'line 3: "lost" is')):
            with self.subTest(text=text):
                self.assertIn(why, self.submit(text, *given, code=1))
        for text, want in (
                ('From a@b Thu Nov 26 12:00:00 2026\nSubject: x\n\nyes\n',
                 b'yes\r\n'),
                ('Subject : x\n\ty\n z\n\nyes\n', b'yes\r\n'),
                ('Subject: x\r\n\r\nyes\r\n', b'yes\r\n'),
                ('Subject: x\n', b''), ('Subject: x', b''),
                (multipart % '\nyes', b'yes')):
            with self.subTest(text=text):
                self.assertEqual(
                    x420.decode(self.submit(text, *given))['body'],
                    [('ia5', want)])

    def test_long_identifier(self):
        """Cut, yet different from others of the same beginning."""
        seen = set()
        for n in range(3):
            h = self.heading(simple('', 'Message-ID: <%s%d@example.com>' % (
                'x' * 100, n)))
            self.assertEqual(len(h['id']['id']), 64)
            seen.add(h['id']['id'])
        self.assertEqual(len(seen), 3)

    def test_lossy(self):
        """What teletex has not got, and what is too long."""
        h = self.heading(simple('', 'Subject: =?utf-8?b?5ryi?=a',
                                'Reply-To: "%s" <%s>' % ('n' * 99, POE_AT)))
        self.assertEqual(h['subject'], b'?a')
        self.assertEqual(h['reply_recipients'][0]['free'], b'n' * 64)

    def test_crlf(self):
        text = simple('a\nb\n', 'Subject: x').replace('\n', '\r\n')
        got = x420.decode(self.submit(text))
        self.assertEqual(got['heading']['subject'], b'x')
        self.assertEqual(got['body'], [('ia5', b'a\r\nb\r\n')])


class Body(Case):
    def body(self, text):
        return x420.decode(self.submit(text))['body']

    def test_texts(self):
        for octets, charset, want in (
                ('abc'.encode(), 'us-ascii', ('ia5', b'abc')),
                ('abc'.encode(), 'iso-8859-7', ('ia5', b'abc')),
                ('é'.encode(), 'utf-8',
                 ('general', [1, 6, 100], b'\x1b-A\xe9')),
                (b'\xe9', 'iso-8859-1',
                 ('general', [1, 6, 100], b'\x1b-A\xe9'))):
            for encoding in ('8bit', 'base64', 'quoted-printable'):
                m = email.message.Message()
                m['From'], m['To'] = DOE_AT, POE_AT
                m['Content-Type'] = 'text/plain; charset=' + charset
                m.set_payload(octets)
                if encoding != '8bit':
                    (email.encoders.encode_base64 if encoding == 'base64'
                     else email.encoders.encode_quopri)(m)
                    m['MIME-Version'] = '1.0'
                text = m.as_bytes() if encoding != '8bit' else (
                    m.as_bytes().split(b'\n\n')[0] + b'\n\n' + octets)
                self.assertEqual(self.body(text), [want], (charset, encoding))

    def test_text_as_file(self):
        """What neither IA5 nor ISO 8859-1 has, or nobody can read."""
        for octets, charset in (('漢'.encode(), 'utf-8'),
                                (b'\x93x', 'windows-1252'),
                                (b'\xff', 'utf-8'), (b'\xe9', 'us-ascii'),
                                (b'\0', 'us-ascii')):
            part, = self.body(
                simple('', 'Content-Type: text/plain; charset=' +
                       charset).encode() + octets)
            self.assertEqual(part[0], 'file')
            self.assertEqual(part[1]['data'], octets)
            self.assertEqual(part[1]['application'],
                             [b'text/plain', charset.encode()])

    def test_types(self):
        """P2 when that can be, else P22 and what is in it."""
        self.submit(simple())
        first = self.envelope
        self.assertNotIn(b'1.0.10021', first)
        self.submit(rich('é').as_bytes())
        for n in (1, 6, 100):
            self.assertIn(b'1.0.10021.7.1.0.%d' % n, self.envelope)
        self.assertNotIn(b'2.6.1.12.0', self.envelope)
        m = rich()
        m.add_attachment(b'x', maintype='image', subtype='png')
        self.submit(m.as_bytes())
        self.assertIn(b'2.6.1.12.0', self.envelope)

    def test_attachments(self):
        m = rich('see é\n')
        m.add_alternative('<p>', subtype='html')
        m.add_attachment(PNG, maintype='image', subtype='png',
                         filename='a.png')
        m.add_attachment('text\n', filename='漢.txt')
        body = self.body(octets_of(m).replace(
            b'"a.png"', b'"a.png"; creation-date='
            b'"Fri, 02 Jan 2026 04:04:05 +0100"'))
        self.assertEqual(body[0], ('general', [1, 6, 100],
                                   b'\x1b-Asee \xe9\r\n'))
        self.assertEqual(body[1][1]['application'][0], b'text/html')
        del body[1]
        self.assertEqual(body[1], ('file', {
            'data': PNG, 'application': [b'image/png'],
            'pathname': [b'a.png'], 'size': len(PNG),
            'created': '20260102030405Z'}))
        self.assertEqual(body[2][1]['pathname'],
                         [b'\x1b%G' + '漢.txt'.encode()])
        self.assertEqual(body[2][1]['data'], b'text\n')

    def test_message(self):
        inner = rich('inner\n', Subject='in')
        m = rich('outer\n')
        m.add_attachment(inner)
        text, message = self.body(m.as_bytes())
        self.assertEqual(message[0], 'message')
        self.assertEqual(message[2]['heading']['subject'], b'in')
        self.assertEqual(message[2]['body'], [('ia5', b'inner\r\n')])

    def test_deep(self):
        m = simple()
        for n in range(30):
            m = simple(m, 'Content-Type: message/rfc822')
        self.assertIn('nested too deep', self.submit(m, code=1))

    def test_large(self):
        """Lengths of several octets, before what they are of."""
        m = rich()
        data = os.urandom(1 << 20) * 3
        m.add_attachment(data, maintype='a', subtype='b')
        self.assertTrue(self.body(m.as_bytes())[1][1]['data'] == data)


class RoundTrip(Case):
    def back(self, m):
        text = m if isinstance(m, str) else octets_of(m)
        return self.deliver(self.submit(text))

    def test_message(self):
        m = rich('Grüße\n', Subject='Grüße, $ und ß', Cc='"Ann Poe" <%s>' %
                 POE_AT, Message_ID='<m_1@example.com>',
                 In_Reply_To='<m_0@example.com>',
                 References='<a@example.com> <7*%s@MHS>' % POE_TEXT,
                 Importance='low', Sensitivity='Personal',
                 Expires='Tue, 01 Dec 2026 09:00:00 +0000')
        m.add_attachment(PNG, maintype='image', subtype='png',
                         filename='bild é 漢.png')
        m.add_attachment('漢字\n', filename='x.txt')
        inner = rich('inner\n', Subject='in', Message_ID='<i@example.com>')
        m.add_attachment(inner)
        b = self.back(m)
        for key in ('From', 'To', 'Cc', 'Subject', 'Message-ID',
                    'In-Reply-To', 'References', 'Importance', 'Sensitivity',
                    'Expires'):
            self.assertEqual(b[key], m[key], key)
        self.assertEqual(b['From'].addresses[0].username, DOE_TEXT)
        text, png, other, message = b.iter_parts()
        self.assertEqual(text.get_content(), 'Grüße\n')
        self.assertEqual(png.get_content(), PNG)
        self.assertEqual(png.get_content_type(), 'image/png')
        self.assertEqual(png.get_filename(), 'bild é 漢.png')
        self.assertEqual(other.get_content(), '漢字\n')
        self.assertEqual(other.get_filename(), 'x.txt')
        self.assertEqual(message.get_content()['Subject'], 'in')
        self.assertEqual(message.get_content().get_content(), 'inner\n')

    def test_again(self):
        """What came back once comes back the same for ever."""
        content = x420.ipm(
            x420.heading(x420.ipm_id('1 a', DOE), originator={'name': DOE},
                         primary=[{'name': POE, 'free': b'\xc2e'}],
                         subject=b's'),
            x420.ia5(b'-- \r\nText'), x420.general_text(b'\xe9', 1, 6, 100),
            x420.file_transfer(b'\0\r\n', [b'n.bin'], [b'a/b'])).encode()
        first = self.deliver(content)
        again = self.submit(self.octets)
        self.assertEqual(x420.decode(again)['heading'],
                         x420.decode(content)['heading'])
        second = self.deliver(again)
        self.assertEqual([p.get_payload(decode=True)
                          for p in first.iter_parts()],
                         [p.get_payload(decode=True)
                          for p in second.iter_parts()])


@unittest.skipIf(shutil.which('tshark') is None, 'no tshark')
class Tshark(Case):
    def check(self, content, wanted, content_type=22):
        with tempfile.TemporaryDirectory() as directory:
            with open(os.path.join(directory, 'm'), 'wb') as f:
                f.write(p1_88.user_mpdu(DOE, [POE], content, DOMAIN,
                                        content_type=content_type))
            lines = test_tshark.mpdu(directory, 'm')
        test_tshark.check(lines, ('X.420 Information Object',) + wanted,
                          'content')

    def test_contents(self):
        self.check(self.submit(simple('Hello', 'Subject: Hi')),
                   ('data: Hello', 'subject: Hi'), 2)
        m = rich('see é\n', Subject='Grüße', Importance='high',
                 Message_ID='<a@b>', References='<c@d>')
        m.add_attachment(PNG, maintype='image', subtype='png',
                         filename='a.png')
        m.add_attachment(rich('inner'))
        self.check(self.submit(octets_of(m)), (
            'importance: high (2)', 'a.png', 'image/png',
            'user-relative-identifier: a(a)b', 'data: inner'))


if __name__ == '__main__':
    case.programs()
    unittest.main()
