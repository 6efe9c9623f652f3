#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Distribution lists and redirections of beta's configuration (X.411 clause
14.3.4, 14.3.10, 14.4.3)."""

import shutil
import tempfile

from interop import *       # noqa: F401,F403

AT_BETA = 'PRMD=BETA/ADMD=ATLAS/C=FR/'
AT_GAMMA = 'PRMD=GAMMA/ADMD=DBP/C=DE/'
LIST = dict(BETA, S='All')
DL = 3                          # type of user


def distribution(name, *lines):
    return 'list "/S=%s/%s" {\n\t%s\n}' % (name, AT_BETA, '\n\t'.join(lines))


def member(surname, where=AT_GAMMA):
    return 'member "/S=%s/%s"' % (surname, where)


class Lists(Between):
    def extension(self, of, number):
        found = [x for x in of if x.type == number]
        return found[0].read() if found else None

    def refused(self, alpha, diagnostic):
        """1984 has fewer words for it."""
        (number, reason, found), = self.about(self.report(alpha))
        self.assertEqual((number, reason), (1, 1))
        if MODE != 'x410-1984':
            self.assertEqual(found, diagnostic)

    def test_expansion(self):
        """A copy for all members that go the same way, and for nobody else;
        with the history, and marked in the trace."""
        alpha, beta, gamma = self.three(distribution(
            'All', member('One'), member('Two'), member('Doe', AT_BETA)))
        identifier = p1.new_identifier(DOMAIN)
        for content in (octets(10), octets(90000)):
            self.send(beta, self.message(
                dict(GAMMA, S='Other'), dict(LIST, flag=NON_DELIVERY),
                content=content, identifier=identifier))
            identifier = p1.new_identifier(DOMAIN)
        gamma.wait(4)
        self.delivered(beta, octets(10), octets(90000))
        beta.idle()
        self.assertEqual(alpha.messages, [])
        copies = [p1.decode(m.octets) for m in gamma.messages]
        lists = [m for m in copies if m.recipients[0]['S'] != 'Other']
        self.assertEqual(len(lists), 2)
        for m in lists:
            self.assertEqual([r['S'] for r in m.recipients
                              if r['flag'][0] == '1'], ['One', 'Two'])
            self.assertEqual(m.content, octets(len(m.content)))
            self.assertIn(len(m.content), (10, 90000))
            if MODE != 'x410-1984':
                self.assertEqual([r['extension'] for r in m.recipients],
                                 [2, 2, 2])
                history = self.extension(m.extensions, 26)
                self.assertEqual([h[0] for h in history], [LIST])
                self.assertEqual(m.trace[-1][1].get('other'), '01')
        self.assertEqual({m.identifier for m in lists},
                         {m.identifier for m in copies})

    def test_reports_to_the_originator(self):
        """By way of the list, whose name stands in them."""
        alpha, beta, _ = self.three(distribution(
            'All', member('Doe', AT_BETA), member('Nobody')))
        self.send(beta, self.message(dict(LIST, flag=REPORT)))
        beta.wait_delivered(1)
        report = self.report(alpha)
        self.assertEqual(self.about(report), [(1, None)])
        self.assertEqual(report.recipients[0]['S'], 'Doe')
        if MODE != 'x410-1984':
            history = self.extension(report.extensions, 30)
            self.assertEqual([h[0] for h in history], [ALPHA, LIST])
            self.assertEqual(self.extension(report.extensions, 31), LIST)

    def test_reports_to_the_owner(self):
        """The originator hears that the list was reached, and of no
        member."""
        alpha, beta, gamma = self.three(
            distribution('All', member('Doe', AT_BETA), member('Looping'),
                         'owner "/S=Owner/%s"' % AT_GAMMA,
                         'reports to owner'),
            'limit hops 2')
        self.send(beta, self.message(dict(LIST, flag=REPORT)))
        self.assertEqual(self.about(self.report(alpha)), [(1, None)])
        report = p1.decode(alpha.messages[0].octets)
        self.assertEqual((report.recipients[0]['S'],
                          report.recipients[0]['typeOfUA']), ('All', DL if MODE != 'x410-1984' else 1))
        gamma.wait(1)
        # gamma says that its member cannot be reached
        mpdu = p1.decode(gamma.messages[0].octets)
        initiator = self.initiator(beta, name='gamma',
                                   password=password('gamma')).open()
        kw = {} if MODE == 'x410-1984' else {'extensions': [
            p1.originator_and_dl_expansion_history(
                [(ALPHA, p1.utc_time()), (LIST, p1.utc_time())])]}
        initiator.send(p1.delivery_report_mpdu(
            LIST, mpdu.identifier, [dict(
                GAMMA, S='Looping', arrival=p1.utc_time(), reason=1,
                diagnostic=0)], ('DE', 'DBP', 'GAMMA'), **kw))
        initiator.close()
        gamma.wait(2)
        report = p1.decode(gamma.messages[1].octets)
        self.assertEqual((report.kind, report.originator['S']),
                         ('report', 'Owner'))
        beta.idle()
        self.assertEqual(len(alpha.messages), 1)

    def test_no_reports(self):
        alpha, beta, gamma = self.three(distribution(
            'All', member('Doe', AT_BETA), 'reports none'))
        self.send(beta, self.message(dict(LIST, flag=NON_DELIVERY)))
        beta.wait_delivered(1)
        beta.idle()
        self.assertEqual((alpha.messages, gamma.messages), ([], []))

    def test_who_may_submit(self):
        alpha, beta, _ = self.three(
            distribution('All', member('Doe', AT_BETA),
                         'submit from "/C=DE/"',
                         'submit from "/PRMD=BETA/ADMD=ATLAS/C=FR/"'),
            distribution('Open', 'member "/S=All/%s"' % AT_BETA))
        self.send(beta, self.message(LIST))
        self.refused(alpha, 29)
        # the list that comes before it may
        self.send(beta, self.message(dict(LIST, S='Open')))
        beta.wait_delivered(1)

    @newer
    def test_expansion_prohibited(self):
        alpha, beta, _ = self.three(distribution(
            'All', member('Doe', AT_BETA)))
        self.send(beta, self.message(LIST, extensions=[
            p1.dl_expansion_prohibited()]))
        self.refused(alpha, 28)

    def test_lists_in_lists(self):
        """That hold each other: nobody gets it twice, and it ends."""
        alpha, beta, _ = self.three(
            distribution('All', member('Inner', AT_BETA),
                         member('All', AT_BETA)),
            distribution('Inner', member('All', AT_BETA),
                         member('Doe', AT_BETA)))
        self.send(beta, self.message(LIST, content=octets(40)))
        self.delivered(beta, octets(40))
        beta.said('list-again .* list="/S=All/')
        beta.idle()
        self.assertEqual(len(beta.delivered()), 1)
        self.assertEqual(alpha.messages, [])

    def test_chain_of_lists_is_bounded(self):
        alpha, beta, _ = self.three(*(distribution(
            'L%d' % i, member('L%d' % (i + 1), AT_BETA)) for i in range(22)))
        self.send(beta, self.message(dict(LIST, S='L0', flag=NON_DELIVERY)))
        self.refused(alpha, 30)

    def test_long_list(self):
        """In several copies, of one content, from a file; each member
        once."""
        beta_dir = tempfile.mkdtemp(prefix='mtad-list-')
        self.addCleanup(shutil.rmtree, beta_dir)
        name = os.path.join(beta_dir, 'members')
        with open(name, 'w') as file:
            file.write('# all of them\n\n')
            for i in range(1200):
                file.write('  /S=M%d/%s  # %d\n' % (i, AT_GAMMA, i))
        alpha, beta, gamma = self.three(distribution(
            'All', 'members from "%s"' % name))
        self.send(beta, self.message(LIST, content=octets(70000)))
        gamma.wait(3)
        beta.idle()
        found = []
        for m in gamma.messages:
            mpdu = p1.decode(m.octets)
            self.assertTrue(mpdu.content == octets(70000))
            found += [r['S'] for r in mpdu.recipients]
        self.assertEqual(sorted(found),
                         sorted('M%d' % i for i in range(1200)))
        left = [name for _, _, names in os.walk(
            os.path.join(beta.spool, 'content')) for name in names]
        self.assertEqual(left, [])

    def test_members_come_again_by_another_copy(self):
        """A list expanded elsewhere: the same message for other members,
        which all have the number of the list, is no duplicate."""
        alpha, beta, _ = self.three()
        identifier = p1.new_identifier(DOMAIN)
        for surname in ('A', 'B', 'A'):
            self.send(beta, self.message(
                dict(BETA, S=surname, extension=1), identifier=identifier))
        beta.wait_delivered(2)
        beta.said('transfer-in-duplicate')
        beta.idle()
        self.assertEqual(len(beta.delivered()), 2)

    def test_probe(self):
        alpha, beta, gamma = self.three(distribution('All', member('One')))
        self.send(beta, p1.probe_mpdu(ALPHA, [LIST], DOMAIN))
        self.assertEqual(self.about(self.report(alpha)), [(1, None)])
        beta.idle()
        self.assertEqual(gamma.messages, [])

    def test_exempted(self):
        if MODE == 'x410-1984':
            return
        alpha, beta, gamma = self.three(distribution(
            'All', member('One'), member('Two')))
        self.send(beta, self.message(LIST, extensions=[
            p1.dl_exempted_recipients([dict(GAMMA, S='One')])]))
        gamma.wait(1)
        self.assertEqual([r['S'] for r in p1.decode(
            gamma.messages[0].octets).recipients], ['Two'])

    # Redirection.

    def redirect(self, old, new):
        return 'redirect "/S=%s/%s" to "/S=%s/%s"' % (old, AT_BETA, new,
                                                      AT_BETA)

    def test_redirection(self):
        alpha, beta, gamma = self.three(
            self.redirect('Old', 'Older'),
            'redirect "/S=Older/%s" to "/S=New/%s"' % (AT_BETA, AT_GAMMA))
        self.send(beta, self.message(dict(BETA, S='Old'), BETA,
                                     content=octets(50000)))
        gamma.wait(1)
        beta.wait_delivered(1)
        mpdu = p1.decode(gamma.messages[0].octets)
        self.assertTrue(mpdu.content == octets(50000))
        self.assertEqual([(r['S'], r['flag'][0]) for r in mpdu.recipients],
                         [('New', '1'), ('Doe', '0')])
        if MODE != 'x410-1984':
            history = self.extension(mpdu.recipients[0]['extensions'], 25)
            self.assertEqual([h[0]['S'] for h in history], ['Old', 'Older'])
            self.assertEqual(mpdu.trace[-1][1].get('other'), '1')
        beta.idle()
        self.assertEqual(alpha.messages, [])

    def test_redirection_loop(self):
        alpha, beta, gamma = self.three(
            self.redirect('A', 'B'), self.redirect('B', 'A'))
        self.send(beta, self.message(dict(BETA, S='A')))
        self.refused(alpha, 27)

    @newer
    def test_reassignment_prohibited(self):
        alpha, beta, gamma = self.three(self.redirect('Old', 'Doe'))
        self.send(beta, self.message(dict(BETA, S='Old'), extensions=[
            p1.recipient_reassignment_prohibited()]))
        self.refused(alpha, 26)
        self.assertEqual(beta.delivered(), [])


if __name__ == '__main__':
    main()
