#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""x400-maildir: contents made by tests/peer/x420.py, read back with Python's
email package; and what becomes of the files when something goes wrong.

usage: test_maildir.py x400-maildir mtactl"""

import email
import os
import pwd
import resource
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import case                                                 # noqa: E402
from case import BOB, DOE, DOE_TEXT, POE, POE_TEXT, Case    # noqa: E402
from peer import x420                                       # noqa: E402
from peer.ber import Form, Prim, Seq, Set, Str, integer     # noqa: E402

EX_USAGE, EX_DATAERR, EX_TEMPFAIL = 64, 65, 75
DOE_SPEC = '"%s"@gw.example' % DOE_TEXT
POE_SPEC = '%s@gw.example' % POE_TEXT


def head(**fields):
    fields.setdefault('originator', {'name': DOE})
    fields.setdefault('primary', [{'name': POE}])
    return x420.heading(x420.ipm_id('1 a', DOE), **fields)


def plain(text=b'Hello\r\n', **fields):
    return x420.ipm(head(**fields), x420.ia5(text))


class Headings(Case):
    def test_everything(self):
        m = self.deliver(plain(
            originator={'name': DOE, 'free': b'Jo (the) "Doe"',
                        'telephone': '+44 1'},
            authorizing=[{'name': POE, 'free': b'Ann'}, {'name': DOE}],
            primary=[{'name': POE, 'notify': '110'}, {'name': BOB},
                     {'free': b'Somebody, there'}],
            copy=[{'name': DOE, 'free': b'J\xc8urgen', 'reply': True}],
            blind=[{'name': POE}], replied_to=('0 b', POE),
            obsoleted=[('o(a)example.com',)],
            related=[('3', DOE), ('x(u)y(a)example.org',)],
            subject=b'Gr\xc8u\xfbe = \xa4 5', expiry='2612010900Z',
            reply_time='261130120000+0130',
            reply_recipients=[{'name': BOB}], importance=2, sensitivity=3,
            auto_forwarded=True, extensions=[
                (x420.HEX % 0, Prim(5, b'')),
                (x420.HEX % 1, Set(0x11, Str(0x13, b'de'),
                                   Str(0x13, b'fr'))),
                (x420.HEX % 2, Prim(10, b'\1')),
                ('1.2.3.4', integer(1))]))
        self.assertEqual(m['From'].addresses[0].display_name, 'Ann')
        self.assertEqual(len(m['From'].addresses), 2)
        sender = m['Sender'].address
        self.assertEqual(sender.username, DOE_TEXT)
        self.assertEqual(sender.domain, 'gw.example')
        self.assertEqual(sender.display_name, 'Jo (the) "Doe"')
        raw = email.message_from_bytes(self.octets)
        self.assertIn('(Tel +44 1)', raw['Sender'])
        to = m['To']
        self.assertEqual([a.addr_spec for a in to.addresses],
                         [POE_SPEC, 'bob_b@example.com'])
        self.assertEqual(to.groups[-1].display_name, 'Somebody, there')
        unfolded = raw['To'].replace('\n', '')
        self.assertIn('(Receipt Notification Requested)', unfolded)
        self.assertIn('(Non Receipt Notification Requested)', unfolded)
        self.assertEqual(m['Cc'].addresses[0].display_name, 'Jürgen')
        self.assertIn('(Reply Requested)', raw['Cc'])
        self.assertEqual(m['Bcc'].addresses[0].addr_spec, POE_SPEC)
        self.assertEqual(m['Subject'], 'Grüße = $ 5')
        self.assertEqual(m['Message-ID'], '<"1 a*%s"@MHS>' % DOE_TEXT)
        self.assertEqual(m['In-Reply-To'], '<"0 b*%s"@MHS>' % POE_TEXT)
        self.assertEqual(m['Supersedes'], '<o@example.com>')
        self.assertEqual(m['References'],
                         '<"3*%s"@MHS> <x_y@example.org>' % DOE_TEXT)
        self.assertEqual(m['Reply-To'].addresses[0].addr_spec,
                         'bob_b@example.com')
        self.assertEqual(m['Expires'], 'Tue, 01 Dec 2026 09:00:00 +0000')
        self.assertEqual(m['Reply-By'], 'Mon, 30 Nov 2026 12:00:00 +0130')
        self.assertEqual(m['Importance'], 'high')
        self.assertEqual(m['Sensitivity'], 'Company-Confidential')
        self.assertEqual(m['Autoforwarded'], 'TRUE')
        self.assertEqual(m['Incomplete-Copy'], 'yes')
        self.assertEqual(m['Content-Language'], 'de, fr')
        self.assertEqual(m['Auto-Submitted'], 'auto-generated')
        self.assertEqual(m['Discarded-X400-IPMS-Extensions'], '1.2.3.4')
        self.assertEqual(m.get_content(), 'Hello\n')

    def test_envelope(self):
        m = self.deliver(plain())
        self.assertEqual(m['Date'].datetime.isoformat(),
                         '2026-11-24T22:00:01+00:00')
        self.assertIn('with X400 id %016X;' % 1, m['Received'])
        self.assertEqual(m['X400-MTS-Identifier'],
                         '[/PRMD=ALPHA/ADMD=GOLD 400/C=GB/;abc]')
        self.assertEqual(m['X400-Originator'], DOE_TEXT)
        self.assertEqual(m['X400-Recipients'],
                         POE_TEXT + ', ' + DOE_TEXT)
        self.assertEqual(m['Priority'], 'urgent')
        self.assertEqual(m['X400-Content-Type'], 'P2-1988 (22)')
        self.assertIsNone(m['Subject'])
        self.assertIsNone(m['Importance'])

    def test_injection(self):
        """Controls in names, in the environment and in a subject make no
        field of their own."""
        m = self.deliver(
            plain(subject=b'a\r\nX-Evil: 1', primary=[
                {'name': POE, 'free': b'b\r\nX-Evil: 2'}],
                originator={'name': DOE, 'telephone': '1\r\nX-Evil: 3'}),
            MTAD_MTS_ID='x\nX-Evil: 4')
        self.assertIsNone(m['X-Evil'])
        self.assertIn(b'=0D=0A', self.octets)

    def test_long(self):
        """Everything that is long is folded and is the same again."""
        many = [{'name': dict(POE, S='Poe%d' % n), 'free': b'Number %d' % n}
                for n in range(300)]
        subject = b'word ' * 60 + b'end'
        m = self.deliver(plain(primary=many, subject=subject))
        self.assertEqual(m['Subject'], subject.decode())
        self.assertEqual([a.display_name for a in m['To'].addresses],
                         ['Number %d' % n for n in range(300)])
        # no place to fold at
        m = self.deliver(plain(primary=[{'name': dict(POE, DDA=[
            ('a', 'x' * 2000)])}], subject=b'x' * 1100))
        self.assertEqual(m['Subject'], 'x' * 1100)
        m = self.deliver(plain(subject=b'  two  spaces '))
        self.assertEqual(m['Subject'], '  two  spaces ')

    def test_no_originator(self):
        m = self.deliver(x420.ipm(x420.heading(x420.ipm_id('1')),
                                  x420.ia5(b'')))
        self.assertEqual(m['From'].addresses[0].addr_spec, DOE_SPEC)
        self.assertEqual(m['Message-ID'], '<1*@MHS>')

    def test_rfc822_overflow(self):
        """An address in several attributes, and one that is none."""
        long = 'x' * 100 + '@' + 'y' * 60 + '.example'
        text = long.replace('@', '(a)')
        name = dict(POE, DDA=[('RFC822C1', text[128:]),
                              ('rfc-822', text[:128])])
        bad = dict(POE, DDA=[('RFC-822', 'a(010)(a)b')])
        m = self.deliver(plain(primary=[{'name': name}, {'name': bad}]))
        self.assertEqual(m['To'].addresses[0].addr_spec, long)
        self.assertIn('/RFC-822=a(010)(a)b/', m['To'].addresses[1].username)

    def test_forms(self):
        """All forms of X.209: indefinite, segments, shuffled members."""
        tree = x420.ipm(head(subject=b'Subject', copy=[{'name': DOE}]),
                        x420.ia5(b'One\r\nTwo'),
                        x420.teletex_part(b'\xc2a', b'b'),
                        x420.file_transfer(b'12345', [b'f.bin']),
                        x420.bilateral(b'abcdef'))
        first = None
        for form in (Form(), Form(indefinite=True), Form(long_length=4),
                     Form(pieces=3), Form(shuffle=5, indefinite=True,
                                          pieces=2)):
            m = self.deliver(tree.encode(form))
            got = [p.get_content() for p in m.iter_parts()]
            self.assertEqual(got, ['One\nTwo', 'á\fb', b'12345', b'abcdef'])
            fields = [(k, v) for k, v in m.items() if k != 'Received']
            first = first or fields
            self.assertEqual(fields, first)


class Bodies(Case):
    def one(self, part, **more):
        return self.deliver(x420.ipm(head(), part), **more)

    def test_none(self):
        m = self.deliver(x420.ipm(head()))
        self.assertEqual(m.get_content_type(), 'text/plain')
        self.assertEqual(m.get_content(), '')

    def test_text(self):
        for octets, text in (
                (b'', ''), (b'a', 'a'), (b'a\r\n', 'a\n'),
                (b'a\nb\rc\r\n\r\n', 'a\nb\rc\n\n'),
                (b'--\r\n--=_x400_00000001\r\n-- \r\n',
                 '--\n--=_x400_00000001\n-- \n'),
                (b'tail \t\r\nx  ', 'tail \t\nx  '),
                (b'x' * 5000 + b'\r\n' + b'--' * 100, 'x' * 5000 + '\n' +
                 '--' * 100),
                (b'.\r\nFrom me\r\n=20\r\n', '.\nFrom me\n=20\n'),
                (b'nul\0 esc\x1b', 'nul\0 esc\x1b'), (b'\xe9t\xe9', 'été')):
            m = self.one(x420.ia5(octets))
            self.assertEqual(m.get_content_type(), 'text/plain')
            self.assertEqual(m.get_payload(decode=True).decode('utf-8'),
                             text)
            # and in company, where boundaries are
            m = self.deliver(x420.ipm(head(), x420.ia5(octets),
                                      x420.ia5(b'2')))
            parts = list(m.iter_parts())
            self.assertEqual([p.get_payload(decode=True).decode('utf-8')
                              for p in parts], [text, '2'])

    def test_plain_text_is_plain(self):
        m = self.one(x420.ia5(b'Just text.\r\n'))
        self.assertEqual(m['Content-Transfer-Encoding'], '7bit')
        self.assertEqual(m.get_content_charset(), 'us-ascii')

    def test_general_text(self):
        for octets, sets, text in (
                (b'\xe9t\xe9', (1, 6, 100), 'été'),
                (b'\x1b-Agr\xfc', (1, 6, 100), 'grü'),
                ('Łódź'.encode('iso-8859-2'), (6, 101), 'Łódź'),
                ('Привет'.encode('iso-8859-5'), (6, 144), 'Привет'),
                ('αβγ'.encode('iso-8859-7'), (6, 126), 'αβγ'),
                (b'\x1b-F' + 'α'.encode('iso-8859-7') + b'\x1b-A\xe9',
                 (1, 6, 100, 126), 'αé'),
                (b'\x1b%G' + '漢字'.encode(), (1, 6, 196), '漢字')):
            m = self.one(x420.general_text(octets, *sets))
            self.assertEqual(m.get_content_type(), 'text/plain')
            self.assertEqual(m.get_content(), text)
        m = self.one(x420.general_text(b'\x1b$B$"', 1, 6, 87))
        self.assertEqual(m.get_content_type(), 'application/octet-stream')
        self.assertEqual(m.get_param('x400-bp'), 'general-text')
        self.assertEqual(m.get_content(), b'\x1b$B$"')

    def test_teletex(self):
        m = self.one(x420.teletex_part(b'na\xc8ive \xe1 \xcfs\r\nb'))
        self.assertEqual(m.get_content(), 'naïve Æ š\nb')
        m = self.one(x420.extended(4, Seq(0x10, Str(0x14, b'\xc2e'))))
        self.assertEqual(m.get_content(), 'é')
        m = self.one(x420.extended(0, Str(0x16, b'ia5')))
        self.assertEqual(m.get_content(), 'ia5')

    def test_file(self):
        data = bytes(range(256)) * 3
        m = self.one(x420.file_transfer(
            [data[:300], data[300:]], [b'C:\\dir', b'../r\xe9sum\xe9.pdf'],
            [b'application/pdf'], '20260102030405Z', '20260203040506+0100',
            768, [b'A \xe9 file']))
        self.assertEqual(m.get_content_type(), 'application/pdf')
        self.assertEqual(m.get_filename(), 'résumé.pdf')
        self.assertEqual(m.get_content_disposition(), 'attachment')
        params = m['Content-Disposition'].params
        self.assertEqual(params['creation-date'],
                         'Fri, 02 Jan 2026 03:04:05 +0000')
        self.assertEqual(params['modification-date'],
                         'Tue, 03 Feb 2026 04:05:06 +0100')
        self.assertEqual(params['size'], '768')
        self.assertEqual(m['Content-Description'], 'A é file')
        self.assertEqual(m.get_content(), data)

    def test_file_bare(self):
        for application in (None, [b'Word'], [b'message/rfc822'],
                            [b'multipart/mixed'], [b'a/b\r\nX-Evil: 1']):
            m = self.one(x420.file_transfer(b'x', application=application))
            self.assertEqual(m.get_content_type(),
                             'application/octet-stream')
            self.assertEqual(m.get_content(), b'x')
        # without parameters, and with ones that are none
        data = Seq(0x10, x420.aligned(None, b'abc'),
                   x420.external('1.2.3', Str(0x04, b'def')))
        for parameters in (None, integer(5)):
            m = self.one(x420.extended(12, data, parameters))
            self.assertEqual(m.get_content(), b'abcdef')

    def test_opaque(self):
        m = self.one(x420.bilateral(b'\0\1\2'))
        self.assertEqual(m.get_param('x400-bp'), 'bilaterally-defined')
        self.assertEqual(m.get_content(), b'\0\1\2')
        for part, name in (
                (Seq(0x83, Set(0x11), Seq(0x10, Prim(3, b'\0ab'))),
                 'g3-facsimile'),
                (Seq(0x82, Set(0x11), Prim(3, b'\0a')), 'voice'),
                (Seq(0x84, Str(4, b'x')), 'g4-class1'),
                (Seq(0x88, Set(0x11), Prim(3, b'\0x')), 'encrypted'),
                (Seq(0x87, Str(4, b'x')), 'nationally-defined'),
                (Prim(0x8c, b'x'), '[12]')):
            m = self.one(part)
            self.assertEqual(m.get_content_type(),
                             'application/octet-stream')
            self.assertEqual(m.get_param('x400-bp'), name)
            self.assertEqual(m.get_content(), part.encode())
        m = self.one(Seq(0x8f, x420.external('1.2.840.1', Str(4, b'oct'))))
        self.assertEqual(m.get_param('x400-bp'), '1.2.840.1')
        self.assertEqual(m.get_content(), b'oct')
        m = self.one(Seq(0x8f, x420.external('1.2.840.1', integer(7))))
        self.assertEqual(m.get_content(), integer(7).encode())

    def test_forwarded(self):
        inner = x420.forwarded(
            head(subject=b'inner'), [x420.ia5(b'deep'), x420.ia5(b'er')],
            '2611201000Z', '2611190800Z')
        m = self.deliver(x420.ipm(head(subject=b'outer'), x420.ia5(b'see'),
                                  inner))
        text, forwarded = m.iter_parts()
        self.assertEqual(forwarded.get_content_type(), 'message/rfc822')
        inner = forwarded.get_content()
        self.assertEqual(inner['Subject'], 'inner')
        self.assertEqual(inner['Date'], 'Thu, 19 Nov 2026 08:00:00 +0000')
        self.assertEqual(inner['Delivery-Date'],
                         'Fri, 20 Nov 2026 10:00:00 +0000')
        self.assertEqual([p.get_content() for p in inner.iter_parts()],
                         ['deep', 'er'])

    def test_depth(self):
        """As many in one another as may be; what is below stays BER."""
        part = x420.ia5(b'bottom')
        for _ in range(12):
            part = x420.forwarded(head(), [part])
        m = self.one(part)
        for depth in range(8):
            self.assertEqual(m.get_content_type(), 'message/rfc822')
            m = m.get_content()
        self.assertEqual(m.get_param('x400-bp'), 'forwarded-message')

    def test_sliding_years(self):
        year = time.gmtime().tm_year
        for years, century in ((39, 0), (-9, 0)):
            yy = (year + years) % 100
            m = self.deliver(plain(expiry='%02d06151200Z' % yy))
            self.assertEqual(m['Expires'].split()[3], str(year + years))


class Notifications(Case):
    subject = x420.ipm_id('m1(a)example.com')

    def parts(self, m, n):
        self.assertEqual(m.get_content_type(), 'multipart/report')
        self.assertEqual(m.get_param('report-type'),
                         'disposition-notification')
        parts = list(m.iter_parts())
        self.assertEqual(len(parts), n)
        self.assertEqual(m['In-Reply-To'], '<m1@example.com>')
        fields = parts[1].get_payload()
        if isinstance(fields, list):
            fields = fields[0]
        return parts, fields

    def test_receipt(self):
        m = self.deliver(x420.receipt(self.subject, {'name': POE},
                                      '2611242000Z', 1, 'thanks'))
        parts, fields = self.parts(m, 2)
        self.assertEqual(m['From'].addresses[0].addr_spec, POE_SPEC)
        self.assertIn('was received on Tue, 24 Nov 2026 20:00:00 +0000',
                      parts[0].get_content())
        self.assertIn('displayed', fields['Disposition'])
        self.assertIn('automatic-action', fields['Disposition'])
        self.assertEqual(fields['Original-Message-ID'], '<m1@example.com>')
        self.assertEqual(fields['Final-Recipient'], 'x400; ' + POE_TEXT)
        self.assertEqual(fields['X400-Supplementary-Information'], 'thanks')

    def test_non_receipt(self):
        m = self.deliver(x420.non_receipt(
            self.subject, {'name': POE}, 0, 1, 'gone',
            (head(subject=b'mine'), Seq(0x10, x420.ia5(b'text')))))
        parts, fields = self.parts(m, 3)
        self.assertIn('discarded, it was obsoleted',
                      parts[0].get_content())
        self.assertIn('deleted', fields['Disposition'])
        self.assertEqual(fields['X400-Non-Receipt-Reason'], '0')
        self.assertEqual(fields['X400-Auto-Forward-Comment'], 'gone')
        self.assertEqual(parts[2].get_content()['Subject'], 'mine')

    def test_auto_forwarded(self):
        m = self.deliver(x420.non_receipt(self.subject, {}, 1))
        _, fields = self.parts(m, 2)
        self.assertIn('dispatched', fields['Disposition'])
        self.assertEqual(fields['Final-Recipient'], 'x400; unknown')


class Reports(Case):
    def test_report(self):
        for text, stdin in (('status: no\n--x\n', b''),
                            (None, 'status: n\xf6'.encode())):
            m = self.deliver(
                stdin, MTAD_TYPE='report', MTAD_REPORT=text,
                MTAD_SUBJECT_ID='[/C=GB/;1]',
                MTAD_REPORTED_1='failed 1 0 ' + POE_TEXT,
                MTAD_REPORTED_2='delivered ' + DOE_TEXT,
                MTAD_REPORTED_3='failed 0 - ' + DOE_TEXT,
                MTAD_SUBJECT_ARRIVAL='2026-11-20T08:00:00Z',
                MTAD_REPORTING_MTA='b in /PRMD=BETA/ADMD=ATLAS/C=FR/',
                MTAD_RECIPIENT=POE_TEXT)
            self.assertEqual(m.get_param('report-type'), 'delivery-status')
            said, status = m.iter_parts()
            said = said.get_content()
            self.assertTrue(said.startswith(
                'Your message [/C=GB/;1]\n'
                'of Fri, 20 Nov 2026 08:00:00 +0000\nto ' + POE_TEXT +
                '\ncould not be delivered: the address is not known\n'
                '(reason 1, diagnostic 0).\n\n'), said)
            self.assertIn('to ' + DOE_TEXT + '\nwas delivered.\n', said)
            self.assertIn(': it could not be transferred\n'
                          '(reason 0, diagnostic -).\n', said)
            self.assertTrue(said.endswith('\n\n' + (text or 'status: nö')))
            self.assertEqual(m['To'].addresses[0].addr_spec, POE_SPEC)
            groups = status.get_payload()
            self.assertEqual(groups[0]['Original-Envelope-Id'], '[/C=GB/;1]')
            self.assertEqual(groups[0]['Reporting-MTA'],
                             'x-x400; b in /PRMD=BETA/ADMD=ATLAS/C=FR/')
            self.assertEqual(groups[0]['Arrival-Date'],
                             'Fri, 20 Nov 2026 08:00:00 +0000')
            self.assertEqual([g['Status'] for g in groups[1:]],
                             ['5.1.1', '2.0.0', '4.4.0'])
            self.assertEqual([g['Action'] for g in groups[1:]],
                             ['failed', 'delivered', 'failed'])
            self.assertEqual(groups[1]['Final-Recipient'],
                             'x400; ' + POE_TEXT)

    def test_returned(self):
        """The content of the subject, when there is one."""
        for content, kind in ((plain(subject=b'mine'), 'message/rfc822'),
                              (b'junk', 'application/octet-stream')):
            m = self.deliver(content, MTAD_TYPE='report', MTAD_REPORT='no',
                             MTAD_REPORTED_1='failed 1 7 ' + POE_TEXT)
            _, status, back = m.iter_parts()
            # of when the subject came nothing is known
            self.assertNotIn('Arrival-Date', status.get_payload()[0])
            self.assertEqual(status.get_payload()[1]['Status'], '5.2.3')
            self.assertEqual(back.get_content_type(), kind)
            if kind == 'message/rfc822':
                self.assertEqual(back.get_content()['Subject'], 'mine')
            else:
                self.assertEqual(back.get_content(), b'junk')

    def test_probe(self):
        """Nothing is delivered; the type of content is what counts."""
        for kind, code in (('22', 0), ('', 0), ('9', EX_DATAERR)):
            out = self.run_agent(b'', MTAD_TYPE='probe',
                                 MTAD_CONTENT_TYPE=kind)
            self.assertEqual(out.returncode, code)
            self.assertEqual(self.new(), [])

    def test_plain_report(self):
        m = self.deliver(b'what happened', MTAD_TYPE='report')
        self.assertEqual(m.get_content_type(), 'text/plain')
        self.assertEqual(m.get_content(), 'what happened')


class Delivery(Case):
    def refused(self, code, content=None, *args, **more):
        content = plain().encode() if content is None else content
        out = self.run_agent(content, *args, **more)
        self.assertEqual(out.returncode, code, out.stderr)
        self.assertNotEqual(out.stderr, b'')
        for sub in ('tmp', 'new'):
            path = os.path.join(self.dir, sub)
            if os.path.isdir(path):
                self.assertEqual(os.listdir(path), [])
        return out.stderr.decode()

    def test_once(self):
        """A second run delivers nothing, also after it was read."""
        self.deliver(plain())
        self.assertEqual(self.run_agent(plain().encode()).returncode, 0)
        name, = self.new()
        os.rename(os.path.join(self.dir, 'new', name),
                  os.path.join(self.dir, 'cur', name + ':2,S'))
        self.assertEqual(self.run_agent(plain().encode()).returncode, 0)
        self.assertEqual(self.new(), [])
        self.deliver(plain())
        self.assertEqual(len(self.new()), 1)

    def test_modes(self):
        self.deliver(plain())
        for sub in ('', 'cur', 'new', 'tmp'):
            mode = os.stat(os.path.join(self.dir, sub)).st_mode
            self.assertEqual(mode & 0o777, 0o700)
        name, = self.new()
        mode = os.stat(os.path.join(self.dir, 'new', name)).st_mode
        self.assertEqual(mode & 0o777, 0o600)

    def test_regular_file(self):
        """Standard input that is a file, from where it stands."""
        path = os.path.join(self.tmp.name, 'content')
        with open(path, 'wb') as f:
            f.write(b'junk' + plain().encode())
        with open(path, 'rb') as f:
            os.lseek(f.fileno(), 4, os.SEEK_SET)
            out = subprocess.run([case.MAILDIR, '-R', '-d', self.dir],
                                 stdin=f, env=self.environment(),
                                 capture_output=True, timeout=60)
        self.assertEqual(out.returncode, 0, out.stderr)
        self.assertEqual(len(self.new()), 1)

    def test_data_errors(self):
        good = plain().encode()
        for content in (b'', b'x', good[:-1], good[:20], b'\xa0\x80' + good,
                        Seq(0x80, x420.ia5(b'')).encode(),
                        x420.ipm(Set(0x11), x420.ia5(b'')).encode(),
                        x420.ipm(head(), Seq(0x8f, integer(1))).encode(),
                        x420.ipm(head(), Prim(0x80, b'x')).encode(),
                        x420.receipt(Set(0x4b), {}, 'x').encode()):
            self.refused(EX_DATAERR, content)
        self.refused(EX_DATAERR, MTAD_CONTENT_TYPE='1.2.3')

    def test_too_many_parts(self):
        self.refused(EX_DATAERR, x420.ipm(
            head(), *[x420.ia5(b'')] * 5000).encode())

    def test_usage(self):
        self.refused(EX_USAGE, MTAD_MESSAGE_ID=None)
        self.refused(EX_USAGE, MTAD_MESSAGE_ID='../x')
        self.refused(EX_USAGE, MTAD_TYPE='letter')
        self.refused(EX_USAGE, None, '-x')
        self.refused(EX_USAGE, None, 'extra')

    def test_cut_short(self):
        """Octets that are missing are no matter of the content."""
        content = plain().encode()
        self.refused(EX_TEMPFAIL, content[:30],
                     MTAD_CONTENT_LENGTH=str(len(content)))

    def test_full_disk(self):
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (50000, 50000))
        content = plain(b'line\r\n' * 8000).encode()
        self.assertLess(len(content), 50000)
        for text in (b'l' * 100000, b'\xe9' * 40000):
            self.refused(EX_TEMPFAIL, plain(text).encode(), preexec=limit)

    def test_no_maildir(self):
        with open(self.dir, 'w'):
            pass
        # no terminal: neither time nor process
        self.assertRegex(self.refused(EX_TEMPFAIL), r'\Amaildir: ')

    @unittest.skipIf(os.getuid() != 0, 'not root')
    def test_root(self):
        """Not as root; and as another user it needs no right of root's."""
        out = subprocess.run([case.MAILDIR, '-d', self.dir],
                             input=plain().encode(), timeout=60,
                             env=self.environment(), capture_output=True)
        self.assertEqual(out.returncode, EX_USAGE)
        self.assertIn(b'root', out.stderr)
        self.assertFalse(os.path.exists(self.dir))
        nobody = pwd.getpwnam('nobody')
        os.chmod(self.tmp.name, 0o755)
        os.mkdir(self.dir, 0o700)
        os.chown(self.dir, nobody.pw_uid, nobody.pw_gid)
        program = os.path.join(self.tmp.name, 'x400-maildir')
        subprocess.run(['cp', case.MAILDIR, program], check=True)
        out = subprocess.run([program, '-d', self.dir],
                             input=plain().encode(), timeout=60,
                             env=self.environment(), capture_output=True,
                             user=nobody.pw_uid, group=nobody.pw_gid,
                             extra_groups=[])
        self.assertEqual(out.returncode, 0, out.stderr)
        self.assertEqual(len(self.new()), 1)

    def test_confined(self):
        """When it reads the content it is behind its filter."""
        p = subprocess.Popen([case.MAILDIR, '-R', '-d', self.dir],
                             stdin=subprocess.PIPE, env=self.environment(),
                             stderr=subprocess.PIPE)
        try:
            p.stdin.write(plain().encode()[:10])
            p.stdin.flush()
            status = {}
            end = time.monotonic() + 60
            while status.get('Seccomp') != '2' and time.monotonic() < end:
                with open('/proc/%d/status' % p.pid) as f:
                    status = dict(line.rstrip('\n').split(':\t', 1)
                                  for line in f if ':\t' in line)
                time.sleep(0.01)
            self.assertEqual(status['Seccomp'], '2')
            self.assertEqual(status['NoNewPrivs'], '1')
            self.assertEqual(int(status['CapEff'], 16), 0)
            self.assertIsNone(p.poll())
        finally:
            p.stdin.write(plain().encode()[10:])
            p.communicate(timeout=60)
        self.assertEqual(p.returncode, 0)

    def limited(self):
        resource.setrlimit(resource.RLIMIT_DATA, (16 << 20, 16 << 20))

    @unittest.skipIf('MTAD_SANITIZED' in os.environ, 'shadow memory')
    def test_memory(self):
        """A large file and a large text need no memory to speak of."""
        data = os.urandom(1 << 20) * 48
        m = self.deliver(x420.ipm(head(), x420.file_transfer(data)),
                         preexec=self.limited)
        self.assertTrue(m.get_content() == data)
        m = self.deliver(plain(b'A line of text.\r\n' * (1 << 20)),
                         preexec=self.limited)
        self.assertEqual(len(m.get_content()), 16 << 20)


if __name__ == '__main__':
    case.programs()
    unittest.main()
