#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The audit log: a line for each event with the fields of Doc 9880 3.2.3, kept
and removed, not lost by a crash, never in the way of mail; and mtactl track,
which reads it."""

import datetime
import json
import signal
import subprocess
import threading

from interop import *       # noqa: F401,F403
from e2e.mtadtest import BUILD

LIMIT = 60
FIELD = re.compile(r'([a-z-]+)=("(?:[^"\\]|\\.)*"|\S*)(?: |$)')
TIME = re.compile(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$')
ALWAYS = ['time', 'key', 'event', 'id', 'type', 'mts-id', 'priority']


def unquote(text):
    if not text.startswith('"'):
        return text
    return re.sub(r'\\(x[0-9a-f]{2}|.)', lambda m: chr(int(m[1][1:], 16))
                  if m[1][0] == 'x' else m[1], text[1:-1])


def parse(line):
    """The fields of a line in order; all of it has to be fields."""
    fields = [(m[1], unquote(m[2])) for m in FIELD.finditer(line)]
    assert ''.join(m[0] for m in FIELD.finditer(line)) == line, line
    return fields


class Line:
    def __init__(self, text):
        self.text, self.fields = text, parse(text)

    def __getitem__(self, name):
        return dict(reversed(self.fields))[name]

    def all(self, name):
        return [v for n, v in self.fields if n == name]


def lines(daemon, event=None, directory='audit'):
    """Of all files in order, each key once."""
    out = {}
    path = os.path.join(daemon.spool, directory)
    for name in sorted(os.listdir(path) if os.path.exists(path) else []):
        with open(os.path.join(path, name), encoding='ascii') as f:
            text = f.read()
        for line in text[:text.rfind('\n') + 1].splitlines():
            line = Line(line)
            out.setdefault(line['key'], line)
    return [line for line in out.values()
            if event is None or line['event'] == event]


class Audit(Case):
    def setUp(self):
        super().setUp()
        self.restarts = True

    def pair(self, *more, **kw):
        """alpha and beta, both real; beta is also called by gamma's script."""
        beta = Daemon('beta')
        alpha = self.daemon('alpha', Peer('beta', beta.port, *SHORT, SMALL),
                            **kw)
        beta.configure(Peer('alpha', alpha.port, *SHORT, SMALL),
                       Peer('gamma', None, *SHORT, SMALL), **kw)
        beta.start()
        self.daemons.append((beta, beta.pids()))
        return alpha, beta

    def one(self, daemon, event, n=1):
        found = until(lambda: len(lines(daemon, event)) >= n and
                      lines(daemon, event), LIMIT, '%d %s' % (n, event))
        self.assertEqual(len(found), n)
        return found[0] if n == 1 else found

    def has(self, line, *names):
        for name in [*ALWAYS, *names]:
            self.assertTrue(line.all(name), '%s: %s' % (name, line.text))
        for name in ('time', 'arrival', 'transferred', 'delivered'):
            for value in line.all(name):
                self.assertRegex(value, TIME)
        self.assertRegex(line['key'], '^[0-9A-F]{16}$')

    def test_fields_of_each_event(self):
        alpha, beta = self.pair()
        id_ = self.submit(alpha, octets(500), priority='urgent')
        beta.wait_delivered(1)
        submit = self.one(alpha, 'submit')
        self.has(submit, 'content-type', 'originator', 'size', 'arrival',
                 'trace', 'recipients', 'recipient')
        self.assertEqual((submit['id'], submit['priority'], submit['size']),
                         (id_, 'urgent', '500'))
        transfer = self.one(alpha, 'transfer')
        self.has(transfer, 'to', 'octets', 'arrival', 'transferred',
                 'recipient', 'originator', 'size', 'trace')
        self.assertEqual((transfer['id'], transfer['to']), (id_, 'beta'))
        arrive = self.one(beta, 'arrive')
        self.has(arrive, 'from', 'content-type', 'originator', 'size',
                 'arrival', 'trace', 'recipients', 'recipient')
        self.assertEqual(arrive['mts-id'], submit['mts-id'])
        self.assertRegex(arrive['trace'], '^/C=GB/ADMD=GOLD 400/PRMD=ALPHA ')
        deliver = self.one(beta, 'deliver')
        self.has(deliver, 'to', 'arrival', 'delivered', 'recipient', 'size')
        self.assertEqual(deliver['id'], arrive['id'])
        self.assertEqual(deliver['to'], beta.delivery)
        # A duplicate, of a message that a script sends twice.
        mpdu = mpdu_of(octets(300))
        for _ in range(2):
            initiator = self.initiator(beta).open()
            initiator.send(mpdu)
            initiator.close()
        duplicate = self.one(beta, 'duplicate')
        self.has(duplicate, 'from', 'recipient', 'size', 'trace')
        # Hold, release, remove, non-delivery, and the report about it.
        alpha.mtactl('peer', 'beta', 'down')
        id_ = self.submit(alpha, octets(400))
        other = self.submit(alpha, octets(400))
        for verb, event in (('hold', 'hold'), ('release', 'release'),
                            ('expire', 'non-deliver')):
            alpha.mtactl(verb, id_)
            line = self.one(alpha, event)
            self.has(line, 'recipient')
            self.assertEqual(line['id'], id_)
        self.assertEqual((line['reason'], line['diagnostic'], line['text']),
                         ('1', '5', 'expired by the operator'))
        report = self.one(alpha, 'report')
        self.has(report, 'subject-id', 'destination', 'recipient',
                 'report-type', 'reason', 'diagnostic', 'arrival', 'trace')
        self.assertEqual((report['id'], report['type']),
                         (line['report'], 'report'))
        self.assertEqual(report['subject-id'], line['mts-id'])
        self.assertEqual(report['report-type'], 'non-delivery')
        delivered = self.one(alpha, 'deliver')
        self.has(delivered, 'subject-id', 'destination', 'delivered')
        alpha.mtactl('remove', other)
        line = self.one(alpha, 'remove')
        self.has(line, 'recipient', 'by')
        self.assertEqual((line['id'], line['by']), (other, 'operator'))

    def test_redirect_and_expand(self):
        """What goes on under another id belongs to the message all the
        same."""
        here = '/C=GB/ADMD=GOLD 400/PRMD=ALPHA/'
        alpha = self.daemon('alpha', Peer('beta', None, *SHORT), lines=[
            'redirect "%sS=Old" to "%sS=New"' % (here, here),
            'list "%sCN=all" {' % here,
            '\tmember "%sS=One"' % here,
            '\tmember "%sS=Two"' % here, '}'])

        def submit(to):
            return alpha.mtactl('submit', '-b', '-f', address('alpha'), '-t',
                                here + to, input=b'x')['id']
        # what would become of it is nothing that became of one
        alpha.mtactl('check', '-f', address('alpha'), '-t', here + 'S=Old')
        id_ = submit('S=Old')
        self.assertEqual(self.one(alpha, 'submit')['id'], id_)
        line = self.one(alpha, 'redirect')
        self.has(line, 'originator', 'recipient', 'redirected-to',
                 'redirection-reason')
        self.assertEqual(line['id'], id_)
        self.assertIn('/S=Old/', line['recipient'])
        self.assertIn('/S=New/', line['redirected-to'])
        deliver = self.one(alpha, 'deliver')
        self.assertIn('/S=New/', deliver['recipient'])
        self.assertEqual([e['event'] for e in self.track_json(alpha, id_)],
                         ['submit', 'redirect', 'deliver'])
        id_ = submit('CN=all')
        line = self.one(alpha, 'expand')
        self.has(line, 'originator', 'recipient', 'members')
        self.assertEqual((line['id'], line['members']), (id_, '2'))
        self.one(alpha, 'deliver', 2)
        events = self.track_json(alpha, id_)
        self.assertEqual([e['event'] for e in events],
                         ['submit', 'expand', 'deliver'])
        self.assertEqual(len(events[2]['recipient_list']), 2)

    def test_outcome_of_each_recipient(self):
        """show message tells one that was delivered from one that was not."""
        here = '/C=GB/ADMD=GOLD 400/PRMD=ALPHA/'
        alpha = self.daemon('alpha', Peer('beta', None, *SHORT), lines=[
            'domain "/C=IT" complete',
            'redirect "%sS=Old" to "%sS=New"' % (here, here),
            'list "%sCN=all" {' % here,
            '\tmember "%sS=One"' % here, '}'])
        names = [address('beta'), here + 'S=Doe', here + 'S=Old',
                 here + 'CN=all', '/C=IT/ADMD=X/S=Doe']
        id_ = alpha.mtactl('submit', '-b', '-f', address('alpha'),
                           *(x for n in names for x in ('-t', n)),
                           input=b'x')['id']

        def outcomes():
            return [(r['outcome'], r['where']) for r in alpha.mtactl(
                'show', 'message', id_)['recipient_list']]
        want = [('waiting', 'beta'), ('delivered', alpha.delivery),
                ('redirected', None), ('expanded', None),
                ('non-delivery', None)]
        until(lambda: outcomes() == want, LIMIT, 'outcomes')
        last = alpha.mtactl('show', 'message', id_)['recipient_list'][-1]
        self.assertEqual((last['reason'], last['diagnostic']), (1, 0))
        self.assertEqual(last['report'], self.one(alpha, 'report')['id'])
        self.assertRegex(last['state'], '^non-delivery 1/0, report %s: ' %
                         last['report'])
        alpha.mtactl('expire', id_)

    def test_many_recipients(self):
        """More than a line takes: in parts, each recipient once."""
        alpha = self.daemon('alpha', Peer('beta', None, *SHORT))
        names = ['/C=FR/ADMD=ATLAS/PRMD=BETA/O=%s/S=N%d' % ('x' * 60, n)
                 for n in range(400)]
        args = [x for name in names for x in ('-t', name)]
        alpha.mtactl('submit', '-b', '-f', address('alpha'), *args, input=b'x')
        parts = until(lambda: sum(len(p.all('recipient')) for p in lines(
            alpha, 'submit')) == 400 and lines(alpha, 'submit'), LIMIT)
        self.assertGreater(len(parts), 2)
        self.assertEqual([p['part'] for p in parts[1:]],
                         [str(n + 2) for n in range(len(parts) - 1)])
        for p in parts:
            self.has(p, 'originator', 'recipients')
            self.assertLess(len(p.text), 16 * 1024)
        self.assertEqual(len({r for p in parts for r in
                              p.all('recipient')}), 400)

    def test_odd_characters(self):
        """One line whatever is in a name."""
        beta = self.called(SMALL)
        initiator = self.initiator(beta).open()
        initiator.send(mpdu_of(octets(100), dict(
            ALPHA, S='D"o\\e')))
        initiator.close()
        line = self.one(beta, 'arrive')
        self.assertIn('D$"o$\\e/', line['originator'])

    def old_files(self, daemon, days):
        path = os.path.join(daemon.spool, 'audit')
        today = datetime.datetime.now(datetime.timezone.utc).date()
        for n in days:
            name = os.path.join(path, '%s.log' % (
                today - datetime.timedelta(n)))
            with open(name, 'w') as f:
                f.write('time=x\n')
            os.chown(name, *os.stat(path)[4:6])
        return path

    def test_keep(self):
        """Files of days before those to be kept go; others are let be."""
        alpha = self.daemon('alpha', Peer('beta', None, *SHORT),
                            lines=['audit log keep 3d'])
        self.submit(alpha, octets(100))
        self.one(alpha, 'submit')
        alpha.stop()
        path = self.old_files(alpha, (1, 2, 5, 40, 400))
        with open(os.path.join(path, 'notes'), 'w'):
            pass
        alpha.start()
        until(lambda: len(os.listdir(path)) == 4, LIMIT, 'old files gone')

    def test_directory_and_none(self):
        """Another name; after a reload too; and no audit log at all."""
        alpha = self.daemon('alpha', Peer('beta', None, *SHORT),
                            lines=['audit log "records" keep 1w'])
        self.submit(alpha, octets(100))
        until(lambda: lines(alpha, 'submit', 'records'), LIMIT)
        self.assertFalse(os.path.exists(os.path.join(alpha.spool, 'audit')))
        alpha.configure(Peer('beta', None, *SHORT), lines=['audit no'])
        alpha.mtactl('reload')
        until(lambda: self.track(alpha, 'since', '1h')[0] == 1, LIMIT)
        self.assertIn('there is no audit log', self.track(
            alpha, 'since', '1h')[2])
        self.submit(alpha, octets(100))
        alpha.stop()
        self.assertEqual(len(lines(alpha, 'submit', 'records')), 1)

    def test_nothing_lost_by_a_crash(self):
        """Processes die while messages go: each has one line of each kind,
        and what is written twice has the same key."""
        # nobody is to be suspected of it
        alpha, beta = self.pair(lines=['poison after 0'])
        total = 0
        for n in range(8):
            alpha.inject(address('beta'), 500, n=25)
            total += 25
            beta.wait_delivered(total - 20, LIMIT)
            for daemon in (alpha, beta):
                daemon.kill(('spoold', 'rtsd')[n % 2], signal.SIGKILL)

            def up():
                try:
                    alpha.mtactl('show', 'summary')
                    return True
                except RuntimeError:
                    return False
            until(up, LIMIT, 'alpha is back')
        beta.wait_delivered(total, LIMIT)
        alpha.idle(LIMIT)
        for daemon, events in ((alpha, ('submit', 'transfer')),
                               (beta, ('arrive', 'deliver'))):
            for event in events:
                until(lambda: len(lines(daemon, event)) >= total, LIMIT,
                      '%s of all' % event)
                found = [line['mts-id'] for line in lines(daemon, event)]
                self.assertEqual((event, len(found), len(set(found))),
                                 (event, total, total))
        # What is durable in the file is not kept for ever in the store.
        for daemon in (alpha, beta):
            daemon.stop()
            left = subprocess.run(
                ['python3', '-c', 'import sqlite3, sys; print(sqlite3.connect('
                 'sys.argv[1]).execute("SELECT COUNT(*) FROM audit")'
                 '.fetchone()[0])', os.path.join(daemon.spool, 'queue.db')],
                capture_output=True, text=True, check=True).stdout
            self.assertEqual(left.strip(), '0')

    def test_unwritable(self):
        """Mail goes on; one line in mtad's log; and nothing is missing when
        it can be written again."""
        alpha, beta = self.pair()
        self.submit(alpha, octets(100))
        self.one(alpha, 'submit')
        alpha.stop()
        path = os.path.join(alpha.spool, 'audit')
        os.rename(path, path + '.away')
        with open(path, 'w'):       # a file where the directory should be
            pass
        alpha.start()
        for n in range(5):
            self.submit(alpha, octets(200, n))
        beta.wait_delivered(6)
        alpha.said('audit-failed: Not a directory: mail goes on', LIMIT)
        os.unlink(path)
        os.rename(path + '.away', path)
        alpha.said('audit-works lost=0', LIMIT)
        self.one(alpha, 'submit', 6)
        self.one(alpha, 'transfer', 6)
        self.assertEqual(len(alpha.lines('audit-')), 2)

    def test_half_a_line(self):
        """After a loss of power the last line may have no end."""
        alpha = self.daemon('alpha', Peer('beta', None, *SHORT))
        self.submit(alpha, octets(100))
        self.one(alpha, 'submit')
        alpha.stop()
        path = os.path.join(alpha.spool, 'audit')
        with open(os.path.join(path, max(os.listdir(path))), 'a') as f:
            f.write('time=2026-11-2')
        alpha.start()
        self.submit(alpha, octets(100))

        def whole():
            with open(os.path.join(path, max(os.listdir(path)))) as f:
                text = f.read().splitlines()
            return len(text) >= 3 and text
        text = until(whole, LIMIT)
        self.assertEqual(text[1], 'time=2026-11-2')
        self.assertEqual(Line(text[2])['event'], 'submit')

    # mtactl track

    def track(self, daemon, *args):
        out = subprocess.run(
            [os.path.join(BUILD, 'mtactl', 'mtactl'), '-s', daemon.socket,
             'track', *args], capture_output=True, timeout=120, text=True)
        return out.returncode, out.stdout, out.stderr

    def track_json(self, daemon, *args):
        out = subprocess.run(
            [os.path.join(BUILD, 'mtactl', 'mtactl'), '-j', '-s',
             daemon.socket, 'track', *args], capture_output=True,
            timeout=120, text=True, check=True)
        return [json.loads(line) for line in out.stdout.splitlines()]

    def test_track(self):
        alpha, beta = self.pair()
        id_ = self.submit(alpha, octets(500))
        beta.wait_delivered(1)
        self.one(alpha, 'transfer')
        alpha.mtactl('peer', 'beta', 'down')
        lost = self.submit(alpha, octets(100))
        alpha.mtactl('expire', lost)
        self.one(alpha, 'deliver')
        mts_id = self.one(beta, 'arrive')['mts-id']
        self.assertEqual([(e['event'], e['id']) for e in self.track_json(
            alpha, id_)], [('submit', id_), ('transfer', id_)])
        # With it the report about it, and what became of that.
        events = self.track_json(alpha, lost)
        self.assertEqual([e['event'] for e in events], [
            'submit', 'non-deliver', 'report', 'deliver'])
        self.assertEqual(events[1]['recipient_list'], [{
            'name': events[0]['recipient_list'][0]['name'], 'reason': 1,
            'diagnostic': 5, 'text': 'expired by the operator'}])
        self.assertEqual([e['event'] for e in self.track_json(
            beta, mts_id)], ['arrive', 'deliver'])
        # By address: of a person, and of a subtree, in any case.
        for name in (address('beta'), '/c=fr/admd=atlas'):
            self.assertEqual([e['event'] for e in self.track_json(
                alpha, name)], ['submit', 'transfer', 'submit',
                                'non-deliver', 'report', 'deliver'])
        self.assertEqual(self.track(alpha, address('beta', 'Roe'))[:2],
                         (1, ''))
        # By time.
        self.assertEqual(len(self.track_json(alpha, 'since', '1h')), 6)
        self.assertEqual(self.track_json(alpha, 'until', '1h'), [])
        self.assertEqual(
            self.track(alpha, id_, 'until', '2020-01-01T00:00')[:2], (1, ''))
        self.assertEqual(len(self.track_json(
            alpha, 'since', '2026-01-01', 'until', '2999-01-01')), 6)
        # For people.
        code, out, err = self.track(alpha, lost)
        self.assertEqual((code, err), (0, ''))
        for text in ('message ' + lost, 'submit', 'non-deliver', '\nreport ',
                     'expired by the operator'):
            self.assertIn(text, out)
        code, out, err = self.track(alpha, 'FFFFFFFF')
        self.assertEqual((code, out, err),
                         (1, '', 'mtactl: nothing in the audit log\n'))
        self.assertEqual(len(self.track_json(alpha)), 6)
        for wrong in (['xyz'], ['since'], ['since', 'yesterday'],
                      [id_, id_], ['/S=Doe/foo/C=GB']):
            self.assertEqual(self.track(alpha, *wrong)[0], 2, wrong)

    def test_track_delivery_report(self):
        """Of a message by its id the reports that others made are shown, of
        whatever time."""
        alpha, beta = self.pair()
        id_ = alpha.mtactl('submit', '-r', 'confirmed', '-f', address(
            'alpha'), '-t', address('beta'), input=b'x\n')['id']
        self.one(alpha, 'deliver')
        mts_id = self.one(alpha, 'submit')['mts-id']
        for args in ([id_], [mts_id], [id_, 'since', '1h']):
            self.assertEqual(
                [(e['event'], e['type']) for e in self.track_json(
                    alpha, *args)],
                [('submit', 'message'), ('transfer', 'message'),
                 ('arrive', 'report'), ('deliver', 'report')], args)
        came = self.one(beta, 'arrive')['id']
        self.assertEqual([(e['event'], e['type']) for e in self.track_json(
            beta, came)], [
                ('arrive', 'message'), ('deliver', 'message'),
                ('report', 'report'), ('transfer', 'report')])

    def test_track_a_long_log(self):
        """Megabytes of it are read while mail goes on."""
        alpha = self.daemon('alpha', Peer('beta', None, *SHORT))
        id_ = self.submit(alpha, octets(100))
        line = self.one(alpha, 'submit')
        path = os.path.join(alpha.spool, 'audit')
        name = os.path.join(path, max(os.listdir(path)))
        with open(name, 'a') as f:
            for n in range(60000):
                f.write(line.text.replace(line['key'], '%016X' % (
                    n + 1)).replace(id_, '%016X' % (n + 1)) + '\n')
        until(lambda: os.path.getsize(name) > 10 << 20, LIMIT)
        done = []
        thread = threading.Thread(target=lambda: done.append(
            self.track_json(alpha, 'since', '1h')))
        thread.start()
        while thread.is_alive():
            began = time.monotonic()
            alpha.mtactl('show', 'summary')
            self.assertLess(time.monotonic() - began, 10)
        thread.join()
        self.assertEqual(len(done[0]), 60001)
        self.assertEqual([e['id'] for e in self.track_json(alpha, id_)],
                         [id_])


if __name__ == '__main__':
    main()
