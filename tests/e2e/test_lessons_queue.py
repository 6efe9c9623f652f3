#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""What went wrong in queues, in the syntax of messages and in the trace of
X.400 MTAs in the field, each problem a test named after it, in normal mode.
Q numbers are articles of Microsoft's knowledge base; what went wrong between
the layers below is in test_lessons.py."""

import os
import random
import socket
import threading

os.environ['MTAD_MODE'] = 'normal'

from interop import *       # noqa: E402,F401,F403
from e2e.mtadtest import BUILD, reserve_port                # noqa: E402
from peer import ber                                        # noqa: E402
from peer.ber import Prim, Seq, Set                         # noqa: E402
from peer.script import Cut                                 # noqa: E402

LIMIT = 60                      # s, for what takes a moment
IPM = Seq(0xa0, Set(0x31), Seq(0x30, Seq(
    0xa0, Set(0x31), Prim(0x16, b'Hello')))).encode()


def cpu(pid):
    """Seconds of a processor that a process has had."""
    with open('/proc/%d/stat' % pid) as file:
        fields = file.read().rpartition(') ')[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def nodes(node):
    yield node
    for child in node.children or ():
        yield from nodes(child)


class Lessons(Between):
    def rewrite(self, daemon, old, new):
        with open(daemon.conf) as file:
            text = file.read()
        self.assertIn(old, text)
        daemon.write(text.replace(old, new))
        daemon.mtactl('reload')

    def nobody(self):
        """A port where nobody listens, and that nobody else is given."""
        reserved = reserve_port()
        self.addCleanup(reserved.close)
        return reserved.getsockname()[1]


class Syntax(Lessons):
    """Of messages: none stops the daemon, and the next one comes through."""

    def odd(self, mpdu, *fine):
        """It is taken or refused at once; those after it come through."""
        alpha, beta, gamma = self.three()
        initiator = self.initiator(beta).open()
        try:
            initiator.send(mpdu)
            initiator.close()
            taken = True
        except (ExceptionReported, *GONE):
            taken = False
        self.send(beta, *(fine or [self.message(GAMMA, content=IPM)]))
        return taken, alpha, beta, gamma

    def test_eight_bits_of_per_recipient_indicators_Q140937(self):
        """A BIT STRING of 8 bits, none unused and the reserved ones 0, in
        messages, probes and reports, however it came."""
        alpha, beta, gamma = self.three()
        for flag in '1001', '1101', '10010000', '11010111':
            self.send(beta, self.message(
                dict(GAMMA, flag=flag), dict(BETA, flag=flag)))
            self.send(beta, p1.probe_mpdu(
                ALPHA, [dict(GAMMA, flag=flag), dict(BETA, flag='1101')],
                DOMAIN))
        gamma.wait(8)
        alpha.wait(6)
        for tag, messages in (0x81, gamma.messages), (0x82, alpha.messages):
            for m in messages:
                node = ber.parse(m.octets)
                head = node if node.tag == 0x82 else node.children[
                    1 if node.tag == 0x81 else 0]
                rows = head.find(0x80 if node.tag == 0x81 else 0x82)
                for row in rows.children:
                    raw = row.find(tag).raw
                    self.assertEqual(raw[1:3], b'\x02\0', raw.hex())
                    self.assertEqual(raw[3] & 7, 0, raw.hex())

    def test_one_character_country_Q145986(self):
        """Hung an MTA."""
        for where in 'originator', 'recipient':
            names = {'originator': ALPHA, 'recipient': GAMMA}
            names[where] = dict(names[where], C='G')
            _, alpha, beta, gamma = self.odd(p1.user_mpdu(
                names['originator'], [names['recipient']], IPM, DOMAIN))
            until(lambda: any(p1.decode(m.octets).originator == ALPHA and
                              p1.decode(m.octets).recipients[0]['C'] == 'DE'
                              for m in gamma.messages), 15, 'the next one')
            beta.idle()

    def test_empty_extensions_of_a_report_Q164049(self):
        """Not made by us; taken from others, and not passed on."""
        alpha, beta, gamma = self.three()
        self.send(beta, self.message(dict(BETA, flag=REPORT)))
        alpha.wait(1)
        initiator = self.initiator(beta, name='gamma',
                                   password=password('gamma')).open()
        report = p1.delivery_report_mpdu(
            ALPHA, (DOMAIN, 'x'), [dict(GAMMA, arrival=p1.utc_time(),
                                        reason=1, diagnostic=0)],
            GAMMA_DOMAIN)
        node = ber.parse(report)
        head, content = (c.raw for c in node.children)

        def with_empty(raw, tag):
            inner = b''.join(c.raw for c in ber.parse(raw).children) + \
                bytes([tag | 0x20, 0])
            return b'\x31' + ber.DER.length(len(inner)) + inner
        both = with_empty(head, 0x81) + with_empty(content, 0x83)
        initiator.send(b'\xa1' + ber.DER.length(len(both)) + both)
        initiator.close()
        alpha.wait(2)
        for m in alpha.messages:
            self.assertEqual(p1.decode(m.octets).kind, 'report')
            for node in nodes(ber.parse(m.octets)):
                if node.raw[0] in (0xa1, 0xa3, 0xa6):
                    self.assertNotEqual(len(node.children), 0,
                                        node.raw.hex())

    def test_content_identifier_of_no_length_Q183014(self):
        """Crashed an MTA.  Here it is taken, relayed and delivered."""
        mpdu = self.message(BETA, GAMMA, ua_content_id='', content=IPM)
        taken, alpha, beta, gamma = self.odd(mpdu)
        self.assertTrue(taken)
        gamma.wait(2)
        beta.wait_delivered(1)
        beta.idle()
        self.assertEqual({len(p1.decode(m.octets).recipients)
                          for m in gamma.messages}, {1, 2})
        # and in a report about such a one
        self.send(beta, self.message(dict(BETA, flag=REPORT),
                                     ua_content_id=''))
        self.assertFalse(self.report(alpha).ua_content_id)

    def test_corrupt_messages_Q235534(self):
        """Took all of a processor for ever.  A hundred and fifty of them,
        in every place: the processes live, and rest when it is over."""
        alpha, beta, gamma = self.three()
        good = self.message(dict(GAMMA, CN='x', ext={
            'postal-code': '12345'}), dict(BETA, flag=REPORT), content=IPM,
            extensions=[p1.content_correlator('c'),
                        p1.originator_return_address(ALPHA)])
        draw = random.Random(235534)
        pids = beta.pids()
        for n in range(150):
            bad = bytearray(good)
            for _ in range(draw.choice((1, 1, 2, 5))):
                kind, at = draw.randrange(4), draw.randrange(len(bad))
                if kind == 0:
                    bad[at] = draw.randrange(256)
                elif kind == 1:
                    bad[at] ^= 1 << draw.randrange(8)
                elif kind == 2:
                    del bad[at:at + draw.randrange(1, 9)]
                else:
                    bad[at:at] = draw.randbytes(draw.randrange(1, 9))
            initiator = self.initiator(beta).open()
            try:
                initiator.send(bytes(bad))
                initiator.close()
            except (ExceptionReported, *GONE):
                pass
            initiator.close_connection()
            self.closing.remove(initiator)
        self.send(beta, self.message(GAMMA, content=octets(4321)))
        until(lambda: any(self.content_of(m) == octets(4321)
                          for m in gamma.messages), LIMIT, 'the good one')
        self.assertEqual(beta.pids(), pids)
        until(lambda: not beta.mtactl('show', 'transfers'), LIMIT, 'rest')
        before = {role: cpu(pid) for role, pid in pids.items()}
        began = time.monotonic()
        time.sleep(2)
        spent = time.monotonic() - began
        for role, pid in pids.items():
            self.assertLess(cpu(pid) - before[role], spent / 2, role)

    def test_directory_name_Q249153(self):
        """Crashed an MTA, with characters that a PrintableString has not
        and with values that are too long.  Nobody's business here: relayed
        as it is, and shown without harm; refused where it has more than
        4096 octets."""
        self.assertFalse(self.odd(self.message(dict(
            GAMMA, DN=Prim(0x13, b'x' * 5000).encode())))[0])
        for tag, value in ((0x13, b'caf\xe9 \0\n\x1b[2J@*'),
                           (0x13, b'x' * 4000), (0x1e, b'\0'),
                           (0x0c, b'\xff\xfe'), (0x13, b'')):
            name = Seq(0x30, Set(0x31, Seq(
                0x30, ber.oid('2.5.4.3'), Prim(tag, value)))).encode()
            with self.subTest(value=value[:20]):
                taken, alpha, beta, gamma = self.odd(self.message(
                    dict(GAMMA, DN=name), dict(BETA, DN=name),
                    content=octets(77)))
                self.assertTrue(taken)
                gamma.wait(2)
                found = [p1.decode(m.octets) for m in gamma.messages]
                mpdu, = [m for m in found if m.content == octets(77)]
                self.assertEqual(mpdu.recipients[0]['DN'], name)
                delivered, = beta.wait_delivered(1)
                path = os.path.join(beta.delivery, delivered[:-3] + '.env')
                until(lambda: os.path.exists(path), 15, 'envelope')
                with open(path, 'rb') as file:
                    self.assertNotRegex(file.read(), rb'[\0\x1b]')
                beta.mtactl('show', 'queue')

    def test_64K_checkpoints_relayed_Q194384_Q194386(self):
        """MPDUs that end at a checkpoint, before and behind it, in and
        out, and those cut there."""
        alpha, gamma = (self.responder(
            name=name, password=password(name), checkpoint=64,
            credentials={'beta': password('beta')})
            for name in ('alpha', 'gamma'))
        lines = ['checkpoint 64 window 3', 'safe-store 1',
                 'delay 1s timeout 20s keep 60s']
        beta = self.daemon('beta', Peer('alpha', alpha.port, *SHORT, *lines),
                           Peer('gamma', gamma.port, *SHORT, *lines))
        contents = []
        initiator = self.initiator(beta, checkpoint=64).open()
        gamma.next(Script(Cut('in', name='MIP', nth=1, at='after')))
        for n, length in enumerate((65535, 65536, 65537, 131071, 131072,
                                    131073)):
            size = length
            while True:
                content = octets(size, n)
                mpdu = self.message(GAMMA, content=content)
                if len(mpdu) + WRAP == length:
                    break
                size -= len(mpdu) + WRAP - length
            contents.append(content)
            initiator.send(mpdu)
        initiator.close()
        self.received(gamma, *contents, timeout=LIMIT)


class Queue(Lessons):
    def test_mode_changed_while_messages_wait_Q135063(self):
        """They were queued as they would be sent, and lost.  Here they are
        encoded when they go, in the mode that is in force then."""
        port = self.nobody()
        alpha = self.daemon('alpha', Peer('beta', port, *SHORT, *LINES))
        contents = [IPM, IPM + b'\0' * 3, octets(90000)]
        for content in contents:
            self.submit(alpha, content)
        alpha.said('not connected')
        self.rewrite(alpha, 'mode normal', 'mode x410-1984')
        beta = self.responder(mode='x410', port=port)
        beta.wait(len(contents), timeout=LIMIT)
        from peer import p1 as p1_84
        self.same([p1_84.decode(m.octets).content for m in beta.messages],
                  contents)
        alpha.idle()
        beta.stop()
        # and back again
        self.submit(alpha, octets(555))
        self.rewrite(alpha, 'mode x410-1984', 'mode x410-1988')
        again = self.responder(mode='x410-1988', port=port)
        again.wait(1, timeout=LIMIT)
        self.assertEqual(p1.decode(again.messages[0].octets).content,
                         octets(555))
        alpha.idle()

    def test_tool_to_remove_and_to_move_Q157214_Q157323_Q230650(self):
        """One message is taken out of the queue, the rest is moved to
        another link, by mtactl and while all runs."""
        gamma = self.responder(name='gamma', password=password('gamma'))
        alpha = self.daemon(
            'alpha', Peer('beta', self.nobody(), *SHORT, *LINES),
            Peer('gamma', gamma.port, *SHORT, *LINES))
        contents = [octets(300, n) for n in range(4)]
        ids = [self.submit(alpha, content) for content in contents]
        self.assertEqual(alpha.mtactl('remove', ids[1])['changed'], 1)
        self.assertNotIn(ids[1], [m['id'] for m in alpha.mtactl(
            'show', 'queue')])
        self.assertEqual(alpha.mtactl('reroute', '-V', 'gamma',
                                      'all')['changed'], 3)
        self.received(gamma, contents[0], *contents[2:], timeout=LIMIT)
        alpha.idle()

    def test_link_that_is_down_is_said_once_Q157630_Q175354(self):
        """Not at each attempt: the first, each change, then less and less,
        and when it is over."""
        calls = []

        def serve(listener):
            while True:
                try:
                    sock = listener.accept()[0]
                except OSError:
                    return
                sock.recv(1000)
                calls.append(sock)
                sock.close()
        port = self.nobody()
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(('127.0.0.1', port))
        listener.listen(10)
        self.addCleanup(listener.close)
        thread = threading.Thread(target=serve, args=(listener,),
                                  daemon=True)
        thread.start()
        alpha = self.daemon('alpha', Peer('beta', port, *SHORT, *LINES))
        self.submit(alpha, octets(100))
        until(lambda: len(calls) >= 10, LIMIT, 'calls')
        self.assertEqual(
            [re.search(r' calls=(\d+): ', line).group(1)
             for line in alpha.lines('call-failed peer=beta .*')],
            ['1', '2', '4', '8'])
        # another reason is news
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(LIMIT)
        alpha.said('Connection refused$', LIMIT)
        alpha.said('calls=2: .*Connection refused$', LIMIT)
        beta = self.responder(port=port)
        self.received(beta, octets(100), timeout=LIMIT)
        alpha.said('peer-answers peer=beta failed=[0-9]+')
        alpha.idle()

    def test_all_addresses_that_are_down_are_one_line_Q175354(self):
        """And one that answers behind one that does not is named."""
        ports = self.nobody(), self.nobody()
        alpha = self.daemon('alpha', Peer(
            'beta', ports[0], *SHORT, *LINES,
            'address 127.0.0.1 port %d' % ports[1]))
        self.submit(alpha, octets(100))
        alpha.said(' calls=4: ', LIMIT)
        both = ' not connected: ' + '; '.join(
            '127.0.0.1 port %d: Connection refused' % p for p in ports)
        self.assertEqual(len(alpha.lines('refused')),
                         len(alpha.lines(both)))
        beta = self.responder(port=ports[1])
        self.received(beta, octets(100), timeout=LIMIT)
        alpha.said('address-next .*: 127.0.0.1 port %d: ' % ports[0])

    def test_stuck_message_says_why_Q164841_Q194750(self):
        """Nothing stays in the queue without a reason that is shown, and
        goes when the reason has gone."""
        beta = self.responder()
        alpha = self.daemon('alpha', Peer('beta', beta.port, *SHORT, *LINES,
                                          route=False))
        id_ = self.submit(alpha, octets(64))
        row, = until(lambda: [m for m in alpha.mtactl('show', 'queue')
                              if m['held']], LIMIT, 'held')
        self.assertEqual(row['id'], id_)
        self.assertIn('no route', row['state'])
        with open(alpha.conf) as file:
            text = file.read()
        alpha.write(text + 'route "%s" via "beta"\n' % DOMAINS['beta'])
        alpha.mtactl('reload')
        self.received(beta, octets(64), timeout=LIMIT)
        alpha.idle()

    def test_not_sent_again_after_a_restart_Q198958(self):
        """What was transferred is out of the queue, whether mtad was
        stopped or killed."""
        alpha, beta, gamma = self.three()
        self.restarts = True
        contents = [octets(200, 1), octets(70000, 2)]
        self.send(beta, *(self.message(GAMMA, BETA, content=content)
                          for content in contents))
        gamma.wait(2)
        beta.wait_delivered(2)
        beta.idle()
        for stop in beta.crash, beta.stop:
            stop()
            beta.start()
            self.assertEqual(beta.mtactl('show', 'queue'), [])
        # what follows would come behind it
        self.send(beta, self.message(GAMMA, BETA, content=octets(5)))
        self.received(gamma, *contents, octets(5))
        self.delivered(beta, *contents, octets(5))

    def test_calls_that_fail_leak_nothing_Q200259_Q247419_Q229643(self):
        """Control blocks of associations that never came up.  Three peers
        fail each in its own way, again and again: what is held does not
        grow."""
        counts = {}

        def serve(listener, name, act):
            held = []
            while True:
                try:
                    sock = listener.accept()[0]
                except OSError:
                    return
                counts[name] = counts.get(name, 0) + 1
                try:
                    act(sock)
                except OSError:
                    pass
                held.append(sock)
                for old in held[:-2]:
                    old.close()

        def garbage(sock):
            sock.recv(1000)
            sock.sendall(b'HTTP/1.0 400 no\r\n\r\n')

        def truncated(sock):
            sock.recv(1000)
            sock.sendall(b'\x03\0\0\x0b\x06\xd0\0')
            sock.close()
        names = ['beta', 'gamma', 'delta']
        acts = [lambda sock: sock.close(), garbage, truncated]
        peers = []
        for name, act in zip(names, acts):
            listener = socket.socket()
            listener.bind(('127.0.0.1', 0))
            listener.listen(50)
            self.addCleanup(listener.close)
            threading.Thread(target=serve, args=(listener, name, act),
                             daemon=True).start()
            peers.append(Peer(name, listener.getsockname()[1], *SHORT,
                              *LINES))
        alpha = self.daemon('alpha', *peers)
        for name in names:
            self.submit(alpha, octets(10), to=name)

        def held():
            return {role: len(os.listdir('/proc/%d/fd' % pid))
                    for role, pid in alpha.pids().items()}

        def calls():
            return min(counts.get(name, 0) for name in names)
        until(lambda: calls() >= 3, LIMIT, 'calls')
        before = held()
        until(lambda: calls() >= 9, LIMIT, 'more calls')
        # one for each may be under way, and one that lingers
        until(lambda: all(n <= before[role] + 2 * len(names)
                          for role, n in held().items()), LIMIT,
              'no more descriptors')
        self.assertLessEqual(len(alpha.mtactl('show', 'associations')),
                             len(names))

    def test_oldest_and_counts_of_an_empty_queue_Q214686_Q230508(self):
        """Nothing waits: no age.  What waits is counted, and shown, reports
        of our own among it."""
        ports = [self.nobody() for _ in range(2)]
        beta = self.daemon('beta', Peer('alpha', ports[0], *SHORT, *LINES),
                           Peer('gamma', ports[1], *SHORT, *LINES))

        def figures():
            whole = beta.mtactl('show', 'summary')
            peers = {p['name']: p for p in beta.mtactl('show', 'peers')}
            return (whole['queued'], whole['queued_octets'],
                    whole['oldest'], sum(peers['gamma']['queued'].values()),
                    peers['gamma']['oldest'],
                    sum(peers['alpha']['queued'].values()),
                    peers['alpha']['oldest'])
        self.assertEqual(figures(), (0,) * 7)
        self.send(beta, self.message(GAMMA), self.message(
            dict(BETA, flag=REPORT)))
        until(lambda: beta.mtactl('show', 'summary')['queued'] == 2, LIMIT,
              'a message and a report')
        self.assertEqual(sorted(m['type'] for m in beta.mtactl(
            'show', 'queue')), ['message', 'report'])
        until(lambda: figures()[2] >= 2, LIMIT, 'age')
        queued, size, oldest, one, age, other, its = figures()
        self.assertEqual((queued, one, other), (2, 1, 1))
        for n in age, its, oldest:
            self.assertTrue(1 <= n < 600, n)
        for name, port in zip(('alpha', 'gamma'), ports):
            self.responder(name=name, password=password(name), port=port,
                           credentials={'beta': password('beta')}).wait(
                               1, timeout=LIMIT)
        beta.idle()
        self.assertEqual(figures(), (0,) * 7)

    def test_first_trace_of_another_domain_Q164838(self):
        """Than that of the MTS identifier: common, and no reason to
        refuse."""
        alpha, beta, gamma = self.three()
        for trace in ([(('US', 'ELSEWHERE'), {'arrival': p1.utc_time()})],
                      [(GAMMA_DOMAIN, {'arrival': p1.utc_time()})]):
            self.send(beta, self.message(
                BETA, identifier=(('NO', 'N', 'X'), str(trace)[3:12]),
                trace=trace))
        beta.wait_delivered(2)
        beta.idle()
        self.assertEqual(alpha.messages, [])

    def test_peer_of_many_addresses_Q189345_Q193380_Q196381_Q199326(self):
        """Known by its name and its password, wherever it calls from; of
        several calls of one name each is its own association."""
        beta = self.daemon('beta', Peer('alpha', self.nobody(), *SHORT[:3],
                                        SMALL, 'associations 5'))
        calls = []
        for n in range(1, 4):
            initiator = self.initiator(beta)
            initiator.source = ('127.0.0.%d' % (10 * n), 0)
            calls.append(initiator.open())
        for n, initiator in enumerate(calls):
            initiator.send(self.message(BETA, content=octets(40 + n)))
        self.delivered(beta, *(octets(40 + n) for n in range(3)))
        self.assertEqual({a['peer'] for a in beta.mtactl(
            'show', 'associations')}, {'alpha'})
        for initiator in calls:
            initiator.close()
        # and where it should be is no excuse
        initiator = self.initiator(beta, password='other')
        with self.assertRaises(Rejected):
            initiator.open()

    def test_rerouted_once_for_all_recipients_Q232586(self):
        """One element of trace says so, not one for each of them."""
        delta = self.responder(name='delta', password=password('delta'),
                               credentials={'beta': password('beta')})
        fast = ['alternate after 2 failures', 'internal-trace keep']
        beta = self.daemon(
            'beta', Peer('alpha', None, *SHORT, *LINES),
            Peer('gamma', self.nobody(), *SHORT, *fast, route=False),
            Peer('delta', delta.port, *SHORT, *fast),
            lines=['route "/C=DE" via "gamma" via "delta"'])
        names = ['R%d' % n for n in range(5)]
        self.send(beta, self.message(*(dict(GAMMA, S=n) for n in names)))
        delta.wait(1, timeout=LIMIT)
        beta.idle(LIMIT)
        mpdu, = [p1.decode(m.octets) for m in delta.messages]
        self.assertEqual([r['S'] for r in mpdu.recipients
                          if r['flag'][0] == '1'], names)
        for trace in mpdu.trace, mpdu.extension(38):
            self.assertEqual([t[-1]['action'] for t in trace
                              if t[0] == BETA_DOMAIN], [1])


class Clock(Lessons):
    def in_zone(self, zone):
        """beta whose processes have that time zone: mtad gives them an
        environment of its own, so each is started by a script."""
        beta = Daemon('beta')
        self.addCleanup(beta.cleanup)
        libexec = os.path.join(beta.dir, 'libexec')
        os.mkdir(libexec)
        for role in 'rtsd', 'spoold':
            path = os.path.join(libexec, role)
            with open(path, 'w') as file:
                file.write('#!/bin/sh\nTZ=%s\nexport TZ\nexec "%s" "$@"\n' %
                           (zone, os.path.join(BUILD, role, role)))
            os.chmod(path, 0o755)
        beta.flags += ['-L', libexec]
        beta.configure(Peer('alpha', None, *SHORT, *LINES),
                       lines=['expire normal 30m'])
        return beta.start()

    def ahead(self, daemon, text):
        """Seconds that the clock of a line of the log is ahead of UTC."""
        hours, minutes, seconds = re.match(
            r'(\d\d):(\d\d):(\d\d)', daemon.said(text)).groups()
        at = int(hours) * 3600 + int(minutes) * 60 + int(seconds)
        return (at - time.time() + 43200) % 86400 - 43200

    def delivered_after(self, daemon, at, n):
        """Not earlier, and not much later."""
        for name in daemon.wait_delivered(n, LIMIT):
            self.assertGreaterEqual(os.stat(os.path.join(
                daemon.delivery, name)).st_mtime, at)

    def test_daylight_saving_begins_and_ends_Q225345(self):
        """While a message is deferred: it goes at its time, and neither an
        hour early nor late, nor does it expire."""
        for shift in '-1', '1':     # hours of POSIX: the sign is turned
            change = time.gmtime(time.time() + 2)
            zone = 'AAA0BBB%s,%d/%02d:%02d:%02d,J1/0' % (
                shift, change.tm_yday - 1, change.tm_hour, change.tm_min,
                change.tm_sec)
            beta = self.in_zone(zone)
            at = int(time.time()) + 5
            self.send(beta, self.message(BETA, deferred=p1.utc_time(at)))
            self.delivered_after(beta, at, 1)
            self.assertAlmostEqual(
                self.ahead(beta, r'spoold\[\d+\]: message-delivered '),
                -3600 * int(shift), delta=300)

    def test_half_hour_zones_Q254818(self):
        """In UTCTimes with a difference, and where we are ourselves."""
        beta = self.in_zone('AAA-5:30')
        at = int(time.time()) + 5
        for minutes in 330, -210, 345:
            self.send(beta, self.message(BETA, deferred=time.strftime(
                '%y%m%d%H%M%S', time.gmtime(at + minutes * 60)) +
                '%s%02d%02d' % ('+' if minutes > 0 else '-',
                                abs(minutes) // 60, abs(minutes) % 60)))
        self.delivered_after(beta, at, 3)
        self.assertAlmostEqual(
            self.ahead(beta, r'spoold\[\d+\]: message-delivered '),
            330 * 60, delta=300)

    def test_half_hour_zone_of_a_latest_time_Q254818(self):
        """Not yet over, and over."""
        alpha, beta, _ = self.three()
        for seconds, reported in (-60, True), (600, False):
            local = time.strftime('%y%m%d%H%M%S', time.gmtime(
                time.time() + seconds + 330 * 60)) + '+0530'
            self.send(beta, self.message(BETA, extensions=[
                p1.latest_delivery_time(local)]))
            if reported:
                self.assertEqual(self.about(self.report(alpha)),
                                 [(1, 1, 5)])
        beta.wait_delivered(1)
        beta.idle()
        self.assertEqual((len(alpha.messages), len(beta.delivered())),
                         (1, 1))


if __name__ == '__main__':
    main()
