#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""From MIME by way of mtad into a Maildir: mtactl submit -m, a transfer of
1988, delivery to a directory and x400-maildir with what lies there; and
x400-maildir as the command that mtad runs.

usage: MTAD_BUILD=build test_whole.py x400-maildir mtactl"""

import email.message
import email.policy
import os
import pwd
import shutil
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import case                                                 # noqa: E402
from e2e.mtadtest import DOMAINS, Mta, Peer, address, until  # noqa: E402


class Whole(case.Case):
    def setUp(self):
        super().setUp()
        self.beta = Mta('beta')
        self.addCleanup(self.beta.cleanup)
        self.alpha = Mta('alpha')
        self.addCleanup(self.alpha.cleanup)
        self.alpha.configure(Peer('beta', self.beta.port, mode='normal'))
        self.beta.configure(Peer('alpha', None, mode='normal'))
        self.beta.start()
        self.alpha.start()

    def carry(self, message):
        """The content as delivered, and the text of its envelope."""
        before = set(self.beta.delivered())
        self.alpha.mtactl('submit', '-m', input=message.as_bytes(
            policy=email.policy.SMTP))
        until(lambda: set(self.beta.delivered()) - before, 60, 'delivery')
        name, = set(self.beta.delivered()) - before
        path = os.path.join(self.beta.delivery, name[:-3] + '.env')
        until(lambda: os.path.exists(path), 60, 'envelope')
        with open(path) as f:
            return self.beta.content(name), f.read()

    def message(self, text):
        m = email.message.EmailMessage()
        m['From'] = 'Jo <"%s/"@gw.example>' % address('alpha')
        m['To'] = '"%s/"@gw.example' % address('beta', 'Poe')
        m['Subject'] = 'Grüße'
        m['Priority'] = 'urgent'
        m['Message-ID'] = '<1@example.com>'
        m.set_content(text)
        return m

    def test_there_and_back(self):
        m = self.message('Grüße\n')
        m.add_attachment(b'\0\1\2' * 100, maintype='image', subtype='png',
                         filename='a.png')
        content, env = self.carry(m)
        self.assertRegex(env, r'(?m)content-type: *22\b')
        self.assertRegex(env, r'(?m)priority: *urgent')
        for kind in ('1.0.10021.7.1.0.100', '2.6.1.12.0'):
            self.assertIn(kind, env)
        b = self.deliver(content)
        self.assertEqual(b['Subject'], 'Grüße')
        self.assertEqual(b['Message-ID'], '<1@example.com>')
        self.assertEqual(b['From'].addresses[0].display_name, 'Jo')
        text, png = b.iter_parts()
        self.assertEqual(text.get_content(), 'Grüße\n')
        self.assertEqual(png.get_filename(), 'a.png')
        self.assertEqual(png.get_content(), b'\0\1\2' * 100)

    def test_plain(self):
        """All of IA5 goes as P2."""
        content, env = self.carry(self.message('Plain.\n'))
        self.assertRegex(env, r'(?m)content-type: *2\b')
        b = self.deliver(content, MTAD_CONTENT_TYPE='2')
        self.assertEqual(b.get_content(), 'Plain.\n')


@unittest.skipIf(os.getuid() != 0, 'not root')
@unittest.skipIf('MTAD_SANITIZED' in os.environ,
                 'a command has not got our ASAN_OPTIONS')
class Command(unittest.TestCase):
    """Run by mtad as a user who has nothing but the Maildir."""

    USER = 'nobody'
    JO = '/S=Doe/O=Cmd/PRMD=ALPHA/ADMD=GOLD 400/C=GB/'

    def setUp(self):
        self.mta = Mta('alpha')
        self.addCleanup(self.mta.cleanup)
        agent = os.path.join(self.mta.dir, 'x400-maildir')
        shutil.copy(case.MAILDIR, agent)
        os.chmod(agent, 0o755)
        self.dir = os.path.join(self.mta.dir, 'Maildir')
        os.mkdir(self.dir, 0o700)
        user = pwd.getpwnam(self.USER)
        os.chown(self.dir, user.pw_uid, user.pw_gid)
        self.mta.configure(lines=[
            'deliver "%s/O=Cmd" to command "%s -D gw.example -d %s" '
            'user "%s"' % (DOMAINS['alpha'], agent, self.dir, self.USER)])
        self.mta.start()

    def next(self):
        """The message that comes next, taken out of the Maildir."""
        new = os.path.join(self.dir, 'new')
        until(lambda: os.path.isdir(new) and os.listdir(new), 60,
              'a message in the Maildir')
        path = os.path.join(new, os.listdir(new)[0])
        with open(path, 'rb') as f:
            m = email.message_from_binary_file(
                f, policy=email.policy.default)
        os.unlink(path)
        return m

    def test_message(self):
        m = email.message.EmailMessage()
        m['From'] = m['To'] = '"%s"@gw.example' % self.JO
        m['Subject'] = 'Grüße'
        m.set_content('Grüße\n')
        sent = self.mta.mtactl('submit', '-m', input=m.as_bytes())
        got = self.next()
        self.assertEqual(got['Subject'], 'Grüße')
        self.assertEqual(got.get_content(), 'Grüße\n')
        self.assertEqual(got['X400-Recipients'], self.JO)
        self.assertEqual(got['X400-MTS-Identifier'], sent['mts_id'])
        self.assertIn(sent['id'], got['Received'])

    def test_refused(self):
        """What is no interpersonal message comes back as a report."""
        sent = self.mta.mtactl('submit', '-b', '-f', self.JO, '-t', self.JO,
                               input=b'no content of X.420')
        got = self.next()
        self.assertEqual(got.get_param('report-type'), 'delivery-status')
        groups = list(got.iter_parts())[1].get_payload()
        self.assertEqual(groups[0]['Original-Envelope-Id'], sent['mts_id'])
        self.assertEqual(groups[1]['Status'], '5.5.2')
        self.assertEqual(groups[1]['Action'], 'failed')
        self.assertEqual(groups[1]['Final-Recipient'], 'x400; ' + self.JO)


if __name__ == '__main__':
    case.programs()
    unittest.main()
