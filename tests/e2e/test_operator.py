#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""What an operator does with the queue, and what becomes of poison: messages
that kill a process, or that the peer refuses each time.

Killing is done here, by number, whenever the message that plays the poison is
on its way: the script holds it up, so that it can be seen."""

import contextlib
import signal
import socket
import subprocess
import threading

from interop import *       # noqa: F401,F403
from e2e.mtadtest import BUILD
from peer import apdu
from peer.script import Script as PeerScript

MARK = b'this one is poison'
POISON = MARK + octets(900)
LIMIT = 60          # s, for what takes a moment


class Marked(PeerScript):
    """Does something when all of the marked message is there, and its end
    not yet confirmed."""

    def __init__(self, act):
        super().__init__()
        self.act = act

    def consult(self, event):
        if event.direction == 'in' and 'AE' in event.name:
            receiving = event.session.user.receiving
            if receiving is not None and MARK in receiving.data:
                self.act(event)
        return super().consult(event)


class Operator(Case):
    def setUp(self):
        super().setUp()
        self.restarts = True        # processes are killed, or mtad stopped
        self.gate = threading.Event()
        self.addCleanup(self.gate.set)

    def scripted(self, responder, act, times=40):
        for _ in range(times):
            responder.next(Marked(act))
        return responder

    def hold_up(self, event):
        """What was held up is not taken later."""
        if not self.gate.is_set():
            self.gate.wait(120)
            raise Lost('held up')

    def message(self, daemon, id_):
        for m in daemon.mtactl('show', 'queue'):
            if m['id'] == id_:
                return m
        return None

    def state(self, daemon, id_):
        m = self.message(daemon, id_)
        return None if m is None else m['state']

    def wait_held(self, daemon, id_, state='held: '):
        return until(lambda: (self.state(daemon, id_) or '').startswith(
            state) and self.state(daemon, id_), LIMIT, 'held')

    def sending(self, daemon, id_):
        with contextlib.suppress(RuntimeError):
            return any(t['message'] == id_ and t['state'] == 'sending'
                       for t in daemon.mtactl('show', 'transfers'))
        return False

    def held(self, daemon, id_):
        with contextlib.suppress(RuntimeError):
            m = self.message(daemon, id_)
            return m is not None and m['held']
        return False

    def kill_while_sending(self, daemon, id_, role, most):
        """Until it is held; how often it took."""
        kills = 0
        while True:
            until(lambda: self.held(daemon, id_) or
                  self.sending(daemon, id_), LIMIT, 'sending or held')
            if self.held(daemon, id_):
                return kills
            kills += 1
            self.assertLessEqual(kills, most)
            old = daemon.pids()[role]
            daemon.kill(role, signal.SIGKILL)
            until(lambda: daemon.pids().get(role, old) != old, LIMIT,
                  'another ' + role)

    def ctl(self, daemon, *args):
        """Exit status, output and errors, for people."""
        out = subprocess.run(
            [os.path.join(BUILD, 'mtactl', 'mtactl'), '-s', daemon.socket,
             *args], capture_output=True, timeout=120, text=True)
        return out.returncode, out.stdout, out.stderr


class Poison(Operator):
    def test_killer_is_found_among_others(self):
        """Several transfers are under way when rtsd dies.  The guilty one is
        held after three kills that are surely its own, nobody else is, and
        all others arrive once."""
        beta = self.scripted(self.responder(), self.hold_up)
        gamma = self.responder(name='gamma', password=password('gamma'))
        both = threading.Event()

        class First(PeerScript):
            def consult(self, event):
                if event.direction == 'in' and 'DT' in event.name:
                    both.wait(LIMIT)
                    raise Lost('held up')
                return super().consult(event)
        gamma.next(First())
        alpha = self.daemon('alpha',
                            Peer('beta', beta.port, *SHORT, SMALL),
                            Peer('gamma', gamma.port, *SHORT, SMALL))
        poison = self.submit(alpha, POISON)
        behind = [octets(700, n) for n in range(3)]
        elsewhere = [octets(800, n) for n in range(3)]
        ids = [self.submit(alpha, c) for c in behind]
        ids += [self.submit(alpha, c, to='gamma') for c in elsewhere]
        until(lambda: self.sending(alpha, poison) and
              self.sending(alpha, ids[3]), LIMIT, 'both under way')
        alpha.kill('rtsd', signal.SIGKILL)
        both.set()
        alpha.said('suspects process=rtsd ', LIMIT)
        kills = self.kill_while_sending(alpha, poison, 'rtsd', 6)
        self.assertEqual(kills, 3)
        self.received(beta, *behind, timeout=LIMIT)
        self.received(gamma, *elsewhere, timeout=LIMIT)
        self.assertEqual(
            self.state(alpha, poison),
            'held: poison: rtsd or spoold died 3 times while it was under '
            'way')
        until(lambda: [m['id'] for m in alpha.mtactl('show', 'queue')] ==
              [poison], LIMIT, 'all others gone')
        recipient = alpha.mtactl('show', 'message', poison)
        self.assertIn('poison', recipient['recipient_list'][0]['state'])
        # It stays so over a restart, and goes when the operator says so.
        alpha.stop()
        alpha.start()
        self.assertIn('poison', self.wait_held(alpha, poison))
        self.gate.set()
        alpha.mtactl('release', poison)
        self.received(beta, *behind, POISON, timeout=LIMIT)

    def test_killer_of_spoold(self):
        """Only what was on trial when spoold died is counted: four times."""
        beta = self.scripted(self.responder(), self.hold_up)
        alpha = self.caller(beta.port, SMALL)
        poison = self.submit(alpha, POISON)
        others = [octets(700, n) for n in range(3)]
        for content in others:
            self.submit(alpha, content)
        self.assertEqual(
            self.kill_while_sending(alpha, poison, 'spoold', 8), 4)
        self.received(beta, *others, timeout=LIMIT)

    def test_counts_survive_a_restart(self):
        beta = self.scripted(self.responder(), self.hold_up)
        alpha = self.daemon('alpha', Peer('beta', beta.port, *SHORT, SMALL),
                            lines=['poison after 2'])
        poison = self.submit(alpha, POISON)
        until(lambda: self.sending(alpha, poison), LIMIT)
        alpha.kill('rtsd', signal.SIGKILL)
        alpha.said('suspect message=%s to="beta" kills=1 limit=2: rtsd' %
                   poison, LIMIT)
        alpha.stop()
        alpha.start()
        self.assertEqual(
            self.kill_while_sending(alpha, poison, 'rtsd', 3), 1)

    def test_progress_is_innocence(self):
        """A long transfer in which rtsd dies often, each time further on."""
        steps = [threading.Event() for _ in range(6)]
        self.addCleanup(lambda: [s.set() for s in steps])
        beta = self.responder()

        class Steps(PeerScript):
            def consult(self, event):
                # the n-th connection: n more checkpoints than the last one
                if event.direction == 'in' and 'MIP' in event.name and \
                        event.nth > 4:
                    steps[self.n].wait(LIMIT)
                return super().consult(event)
        for n in range(5):
            script = Steps()
            script.n = n
            beta.next(script)
        alpha = self.caller(beta.port, SMALL)
        content = octets(60 * 1024)
        id_ = self.submit(alpha, content)
        before = 0

        def further():
            for t in alpha.mtactl('show', 'transfers'):
                if t['message'] == id_ and t['state'] == 'sending' and \
                        t['checkpoint'] > before:
                    return t['checkpoint']
            return 0
        for n in range(5):
            before = until(further, LIMIT, 'further')
            alpha.kill('rtsd', signal.SIGKILL)
            steps[n].set()
        self.received(beta, content, timeout=LIMIT)

    def test_refused_each_time(self):
        """The peer aborts with a protocol error, for that message alone."""
        def refuse(event):
            event.session.user.abort(apdu.PROTOCOL_ERROR)
            raise Lost('aborted')
        beta = self.scripted(self.responder(), refuse)
        alpha = self.caller(beta.port, SMALL)
        poison = self.submit(alpha, POISON)
        others = [octets(700, n) for n in range(4)]
        for content in others:
            self.submit(alpha, content)
        state = self.wait_held(alpha, poison)
        self.assertRegex(state, '^held: poison: refused 3 times: .*protocol '
                         'error')
        self.received(beta, *others, timeout=LIMIT)
        self.assertEqual(len(alpha.lines(
            'association-down .*: aborted by peer: protocol error')),
                         3)
        code, out, _ = self.ctl(alpha, 'track', poison)
        self.assertEqual(code, 0)
        self.assertRegex(out, 'hold .*by mtad reason poison: refused 3')

    def test_never(self):
        """poison after 0: it is tried again for as long as it takes."""
        refused = []

        def refuse(event):
            refused.append(event)
            if len(refused) <= 4:
                event.session.user.abort(apdu.PROTOCOL_ERROR)
                raise Lost('aborted')
        beta = self.scripted(self.responder(), refuse)
        alpha = self.daemon('alpha', Peer('beta', beta.port, *SHORT, SMALL),
                            lines=['poison after 0'])
        self.submit(alpha, POISON)
        self.received(beta, POISON, timeout=LIMIT)

    def test_partial_that_kills_is_given_up(self):
        """rtsd dies each time a transfer in part is taken up: after three it
        is not known any more, and comes from the start."""
        beta = self.called(SMALL)
        content = octets(7 * 1024 + 300)
        initiator = self.initiator(beta).open()
        transfer = initiator.send(mpdu_of(content), stop_after=3)
        initiator.until(lambda: transfer.confirmed == 3)

        def recover():
            for _ in range(300):
                try:
                    return initiator.recover()
                except (Lost, Rejected, Aborted, Timeout):
                    time.sleep(0.1)
            self.fail('no recovery')
        for n in range(3):
            if n > 0:
                recover()
                initiator.resume(go_on=False)
                until(lambda: any(
                    t['direction'] == 'in' and t['state'] == 'receiving'
                    for t in beta.mtactl('show', 'transfers')), LIMIT)
            old = beta.pids()['rtsd']
            beta.kill('rtsd', signal.SIGKILL)
            until(lambda: beta.pids().get('rtsd', old) != old, LIMIT)
            beta.said('suspect transfer=.* from="alpha" kills=%d limit=3: '
                      'rtsd died' % (n + 1), LIMIT)
            with contextlib.suppress(*GONE):
                initiator.step(5)
            initiator.close_connection()
        recover()
        with self.assertRaises(GONE):
            initiator.resume()
            initiator.step(5)
        beta.said('transfer-given-up ', LIMIT)
        again = self.initiator(beta).open()
        again.send(mpdu_of(content))
        again.close()
        self.delivered(beta, content, timeout=LIMIT)
        self.assertEqual(beta.mtactl('show', 'transfers'), [])


    def test_nameless_killer(self):
        """rtsd dies of what has no checkpoint yet: after three times nothing
        is taken from that peer for a while, and from others all the time."""
        beta = self.daemon('beta', Peer('alpha', None, *SHORT, SMALL),
                           Peer('gamma', None, *SHORT, SMALL))

        def opens(**kw):
            for _ in range(300):
                try:
                    return self.initiator(beta, **kw).open()
                except (Lost, Aborted, Timeout):
                    time.sleep(0.1)     # rtsd is not there yet
            self.fail('no association')
        for n in range(3):
            initiator = opens()
            initiator.send(mpdu_of(octets(300)), stop_before_end=True)
            until(lambda: any(
                t['direction'] == 'in' and t['state'] == 'receiving'
                for t in beta.mtactl('show', 'transfers')), LIMIT)
            old = beta.pids()['rtsd']
            beta.kill('rtsd', signal.SIGKILL)
            until(lambda: beta.pids().get('rtsd', old) != old, LIMIT)
            beta.said('peer-suspect peer=alpha kills=%d limit=3' % (n + 1),
                      LIMIT)
            initiator.close_connection()
        beta.said('peer-shut-out peer=alpha seconds=60', LIMIT)
        with self.assertRaises(Rejected):
            opens()
        peers = {p['name']: p['state'] for p in beta.mtactl('show', 'peers')}
        self.assertIn('poison: nothing is taken', peers['alpha'])
        gamma = opens(name='gamma', password=password('gamma'))
        gamma.send(mpdu_of(octets(300)))
        gamma.close()
        self.delivered(beta, octets(300), timeout=LIMIT)


class Verbs(Operator):
    def nobody(self, *lines, **kw):
        """alpha, whose peers beta and gamma do not answer."""
        closed = socket_that_refuses(self)
        peers = [Peer(name, closed, *SHORT, 'retry 600s to 600s')
                 for name in ('beta', 'gamma')]
        return self.daemon('alpha', *peers, lines=lines, **kw)

    def test_hold_release(self):
        beta = self.responder()
        alpha = self.caller(beta.port, SMALL)
        alpha.mtactl('peer', 'beta', 'down')
        ids = [self.submit(alpha, octets(500, n)) for n in range(3)]
        self.assertEqual(alpha.mtactl('hold', ids[1]),
                         {'ok': True, 'changed': 1, 'under_way': 0,
                          'unchanged': 0, 'why': None})
        self.assertEqual(alpha.mtactl('hold', ids[1])['unchanged'], 1)
        self.assertEqual(self.state(alpha, ids[1]), 'held: by the operator')
        alpha.mtactl('peer', 'beta', 'up')
        self.received(beta, octets(500, 0), octets(500, 2), timeout=LIMIT)
        alpha.crash()
        alpha.start()
        self.assertEqual(self.state(alpha, ids[1]), 'held: by the operator')
        self.assertEqual(alpha.mtactl('release', ids[1])['changed'], 1)
        self.received(beta, *(octets(500, n) for n in range(3)),
                      timeout=LIMIT)

    def test_remove_and_expire(self):
        """With and without a report; the report comes to the originator."""
        alpha = self.nobody()
        plain, reported, expired = (self.submit(alpha, octets(300, n))
                                    for n in range(3))
        alpha.mtactl('remove', plain)
        alpha.mtactl('remove', '-r', reported)
        alpha.mtactl('expire', expired)

        def reports():
            out = {}
            for name in os.listdir(alpha.delivery):
                if name.endswith('.env') and not name.startswith('.'):
                    with open(os.path.join(alpha.delivery, name)) as f:
                        text = f.read()
                    for id_ in (plain, reported, expired):
                        if id_ in text:
                            out[id_] = text
            return out
        until(lambda: len(reports()) == 2, LIMIT, 'two reports')
        until(lambda: not alpha.mtactl('show', 'queue'), LIMIT, 'empty queue')
        self.assertNotIn(plain, reports())
        self.assertRegex(reports()[reported], 'removed by the operator')
        self.assertRegex(alpha.log(), 'reason=1/- .*: removed by the operator')
        self.assertRegex(alpha.log(), 'reason=1/5 .*: expired by the operator')
        code, _, err = self.ctl(alpha, 'remove', plain)
        self.assertEqual((code, err),
                         (1, 'mtactl: no such message in the queue: '
                          '"track" may know what became of it\n'))

    def test_all_and_peer(self):
        """A queue of some hundreds, for two peers, in one go."""
        alpha = self.nobody()
        alpha.inject(address('beta'), 300, n=250)
        for n in range(10):
            self.submit(alpha, octets(300, n), to='gamma')
        self.assertEqual(alpha.mtactl('hold', '-P', 'gamma')['changed'], 10)
        code, out, _ = self.ctl(alpha, 'hold', 'all')
        self.assertEqual((code, out), (
            0, '250 changed, 0 under way and left alone, 10 as they were; '
            'one of them: it is held already\n'))
        self.assertTrue(all(m['held'] for m in alpha.mtactl(
            'show', 'queue')))
        self.assertEqual(alpha.mtactl('release', '-P', 'beta')['changed'],
                         250)
        self.assertEqual(alpha.mtactl('remove', '-P', 'beta')['changed'],
                         250)
        self.assertEqual(len(alpha.mtactl('show', 'queue')), 10)
        # The reports are not expired with what they are about.
        self.assertEqual(alpha.mtactl('expire', 'all')['changed'], 10)
        until(lambda: len([n for n in os.listdir(alpha.delivery)
                           if n.endswith('.env') and n[0] != '.']) == 10,
              LIMIT, 'reports')
        until(lambda: not alpha.mtactl('show', 'queue'), LIMIT, 'empty queue')
        code, _, err = self.ctl(alpha, 'hold', '-P', 'nobody')
        self.assertEqual((code, err), (1, 'mtactl: no such peer: "show '
                             'peers" has their names\n'))

    def test_nothing_to_change(self):
        """It is told, and why."""
        alpha = self.nobody()
        alpha.mtactl('peer', 'beta', 'down')
        lost = alpha.mtactl('submit', '-b', '-f', address('alpha'), '-t',
                            '/C=SE/ADMD=NOWHERE', input=b'x')['id']
        down = self.submit(alpha, octets(100))
        for args, words in (
                (['hold', lost], 'it waits anyway: no route'),
                (['release', lost], 'it is not held: no route'),
                (['reroute', lost], 'there is no route for it'),
                (['retry', lost], 'no route'),
                (['release', down], 'it is not held: waits: beta down by '
                 'operator'),
                (['reroute', down], 'it is for beta already'),
                (['retry', down], 'waits: beta down by operator')):
            code, out, err = self.ctl(alpha, *args)
            self.assertEqual((code, err), (0, ''), args)
            self.assertRegex(out, (
                '^0 messages tried now, 0 peers called, 0 under way and left '
                'alone: %s\n$' if args[0] == 'retry' else '^message ' +
                args[1] + ' stays as it was: %s\n$') % words)
            self.assertEqual(alpha.mtactl(*args)['why'], words)
        self.assertEqual(alpha.mtactl('hold', down)['changed'], 1)
        self.assertEqual(alpha.mtactl('hold', down)['why'],
                         'it is held already')
        code, out, _ = self.ctl(alpha, 'release', 'all')
        self.assertEqual((code, out), (
            0, '1 changed, 0 under way and left alone, 1 as it was; one of '
            'them: it is not held: no route\n'))

    def test_answered_after_the_commit(self):
        """What was answered is so, whatever dies the moment after."""
        alpha = self.nobody()
        ids = [self.submit(alpha, octets(300, n)) for n in range(4)]
        for verb, id_ in zip(('hold', 'remove', 'expire'), ids):
            alpha.mtactl(verb, id_)
            alpha.crash()
            alpha.start()
        queue = {m['id']: m for m in alpha.mtactl('show', 'queue')
                 if m['type'] == 'message'}
        self.assertEqual(set(queue), {ids[0], ids[3]})
        self.assertTrue(queue[ids[0]]['held'])

    def test_retry(self):
        """Of a message that waits, and with it the peer, at once."""
        refused = []

        def refuse(event):
            refused.append(event)
            if len(refused) == 1:
                event.session.user.abort(apdu.PROTOCOL_ERROR)
                raise Lost('aborted')
        beta = self.scripted(self.responder(), refuse)
        alpha = self.daemon('alpha', Peer(
            'beta', beta.port, *SHORT, SMALL, 'retry 1h to 1h'))
        # the first delay is of a second: the second one is an hour
        id_ = self.submit(alpha, POISON)
        until(lambda: refused, LIMIT)
        until(lambda: self.state(alpha, id_) is None or
              alpha.mtactl('retry', id_), LIMIT)
        self.received(beta, POISON, timeout=LIMIT)

    def test_retry_of_a_peer(self):
        """What waits for its peer is counted, and the peer is called."""
        calls = []

        def accept():
            with contextlib.suppress(OSError):
                while True:
                    calls.append(listener.accept()[0].close())
        listener = socket.create_server(('127.0.0.1', 0))
        self.addCleanup(listener.close)
        threading.Thread(target=accept, daemon=True).start()
        alpha = self.daemon('alpha', Peer(
            'beta', listener.getsockname()[1], *SHORT, 'retry 1h to 1h'),
            Peer('gamma', 9, *SHORT))
        ids = [self.submit(alpha, octets(100)) for _ in range(2)]

        def waits():
            peer = alpha.mtactl('show', 'peers')[0]
            return peer['retry_in'] > 60
        for args, n in ((['retry'], 2), (['retry', 'all'], 2),
                        (['retry', '-P', 'beta'], 2), (['retry', ids[0]], 1),
                        (['retry', '-P', 'gamma'], 0)):
            until(waits, LIMIT, 'the next attempt is far')
            before = len(calls)
            self.assertEqual(self.ctl(alpha, *args), (
                0, '%d message%s tried now, %d peer%s called, 0 under way '
                'and left alone\n' % (n, '' if n == 1 else 's', n > 0,
                                      's' if n == 0 else ''), ''), args)
            if n > 0:
                until(lambda: len(calls) > before, LIMIT, 'a call')
        alpha.mtactl('peer', 'beta', 'down')
        answer = alpha.mtactl('retry')
        self.assertEqual((answer['tried'], answer['peers']), (0, 0))

    def test_submit_in_vain(self):
        """No route, or too long: it is said at once, and no failure."""
        alpha = self.daemon('alpha', Peer(
            'beta', socket_that_refuses(self), *SHORT, 'max-content 1K'))

        def submit(to, n):
            path = os.path.join(alpha.dir, 'content')
            with open(path, 'wb') as f:
                f.write(octets(n))
            code, out, err = self.ctl(alpha, 'submit', '-b', '-f', address(
                'alpha'), *(x for t in to for x in ('-t', address(t))), path)
            self.assertEqual(code, 0, err)
            self.assertRegex(out, r'^[0-9A-F]{16} \[.*\]\n$')
            return err
        self.assertEqual(submit(['beta'], 100), '')
        self.assertRegex(submit(['gamma'], 100),
                         '^mtactl: /.*: held.*: no route\n$')
        self.assertRegex(submit(['beta'], 2000),
                         '^mtactl: /.*: non-delivery 1/7.*\n$')
        self.assertRegex(submit(['gamma', 'beta'], 2000),
                         '^mtactl: .*; 1 other is not reached either\n$')

    def test_never_called_nor_given_a_turn(self):
        """What waits for such a peer waits in vain, and its state says so."""
        alpha = self.daemon('alpha', Peer('beta', None, *SHORT))

        def state():
            return alpha.mtactl('show', 'peers')[0]['state']
        self.assertEqual(state(), 'idle')
        id_ = self.submit(alpha, octets(100))
        self.assertEqual(state(), 'nothing can be sent to it: no address, '
                         'and dialogue monologue')
        beta = self.initiator(alpha, name='beta',
                              password=password('beta')).open()
        self.assertIn('nothing can be sent', state())
        alpha.mtactl('hold', id_)
        self.assertEqual(state(), 'up')
        beta.close()
        alpha.configure(Peer('beta', None, *SHORT, 'dialogue twa'))
        alpha.mtactl('reload')
        alpha.mtactl('release', id_)
        self.assertEqual(state(), 'idle')

    def test_deferred_delivery(self):
        """Neither retried nor released before its time."""
        beta = self.called(SMALL)
        initiator = self.initiator(beta).open()
        initiator.send(mpdu_of(octets(300), deferred=time.strftime(
            '%y%m%d%H%M%SZ', time.gmtime(time.time() + 7200))))
        initiator.close()
        id_ = until(lambda: beta.mtactl('show', 'queue'), LIMIT)[0]['id']
        self.assertIn('deferred delivery', self.state(beta, id_))
        for args in (['retry', id_], ['retry', 'all'], ['retry']):
            self.assertEqual(beta.mtactl(*args)['changed'], 0)
        beta.mtactl('hold', id_)
        self.assertEqual(self.state(beta, id_), 'held: by the operator')
        beta.mtactl('release', id_)
        self.assertIn('deferred delivery', self.state(beta, id_))
        self.assertEqual(beta.delivered(), [])

    def test_reroute(self):
        """To another peer, and where the routes have it now."""
        gamma = self.responder(name='gamma', password=password('gamma'))
        closed = socket_that_refuses(self)
        alpha = self.daemon(
            'alpha', Peer('beta', closed, *SHORT, 'retry 600s to 600s'),
            Peer('gamma', gamma.port, *SHORT, SMALL))
        id_ = self.submit(alpha, octets(500))
        code, _, err = self.ctl(alpha, 'reroute', '-V', 'delta', id_)
        self.assertEqual((code, err), (1, 'mtactl: no such peer: "show '
                             'peers" has their names\n'))
        self.assertEqual(alpha.mtactl('reroute', id_)['unchanged'], 1)
        self.assertEqual(alpha.mtactl('reroute', '-V', 'gamma', id_),
                         {'ok': True, 'changed': 1, 'under_way': 0,
                          'unchanged': 0, 'why': None})
        self.received(gamma, octets(500), timeout=LIMIT)
        until(lambda: not alpha.mtactl('show', 'queue'), LIMIT, 'empty queue')
        # by the routes: what went astray comes back
        alpha.mtactl('peer', 'gamma', 'down')
        id_ = self.submit(alpha, octets(600))
        alpha.mtactl('reroute', '-V', 'gamma', id_)
        where = alpha.mtactl('show', 'message', id_)['recipient_list']
        self.assertEqual(where[0]['where'], 'gamma')
        self.assertEqual(alpha.mtactl('reroute', 'all')['changed'], 1)
        where = alpha.mtactl('show', 'message', id_)['recipient_list']
        self.assertEqual(where[0]['where'], 'beta')

    def test_chosen_way_stays(self):
        """Over a reload and a restart, until the operator says otherwise."""
        closed = socket_that_refuses(self)
        peers = [Peer(name, closed, *SHORT, 'retry 600s to 600s',
                      route=name != 'beta')
                 for name in ('beta', 'gamma', 'delta')]

        def configure(via):
            alpha.configure(*peers, lines=['route "%s" via "%s"' % (
                DOMAINS['beta'], via)])

        def where(id_):
            return alpha.mtactl('show', 'message', id_)['recipient_list'][0][
                'where']
        alpha = Daemon('alpha')
        self.addCleanup(alpha.cleanup)
        configure('beta')
        alpha.start()
        chosen, other = (self.submit(alpha, octets(500)) for _ in range(2))
        alpha.mtactl('reroute', '-V', 'gamma', chosen)
        configure('delta')
        alpha.mtactl('reload')
        until(lambda: where(other) == 'delta', LIMIT, 'all were looked at')
        self.assertEqual(where(chosen), 'gamma')
        alpha.stop()
        configure('beta')
        alpha.start()
        until(lambda: where(other) == 'beta', LIMIT, 'all were looked at')
        self.assertEqual(where(chosen), 'gamma')
        alpha.mtactl('reroute', chosen)
        self.assertEqual(where(chosen), 'beta')

    def test_queue_says_where_and_why(self):
        """Where a message goes, and what it waits for."""
        alpha = self.nobody()
        alpha.mtactl('peer', 'beta', 'down')
        alpha.inject(address('beta'), 100, n=600)
        id_ = alpha.mtactl('submit', '-b', '-f', address('alpha'), '-t',
                           address('beta'), '-t', address('gamma'),
                           input=b'x')['id']
        alpha.mtactl('peer', 'gamma', 'hold')
        got = alpha.mtactl('show', 'queue')
        self.assertEqual(len(got), 601)
        for m in got:
            self.assertEqual((m['where'], m['state']),
                             ('beta', 'waits: beta down by operator'))
        got = alpha.mtactl('show', 'queue', '-P', 'gamma')
        self.assertEqual([(m['id'], m['where'], m['state'], m['waiting'])
                          for m in got],
                         [(id_, 'gamma', 'waits: gamma held by operator', 2)])
        self.assertEqual([r['state'] for r in alpha.mtactl(
            'show', 'message', id_)['recipient_list']],
            ['waits: beta down by operator', 'waits: gamma held by operator'])
        alpha.mtactl('peer', 'gamma', 'up')
        until(lambda: self.state(alpha, id_).startswith('waits: beta') and
              alpha.mtactl('show', 'queue', '-P', 'gamma')[0][
                  'state'].startswith('waits: gamma retry in '), LIMIT)
        self.assertEqual(len(alpha.mtactl('show', 'queue', '-P', 'beta')),
                         601)
        code, _, err = self.ctl(alpha, 'show', 'queue', '-P', 'delta')
        self.assertEqual((code, err), (1, 'mtactl: no such peer: "show '
                         'peers" has their names\n'))

    def test_queue_says_that_it_was_cut(self):
        """As show transfers has it, not that it were being sent."""
        beta = self.scripted(self.responder(), self.hold_up)
        alpha = self.caller(beta.port, SMALL, 'retry 600s to 600s')
        id_ = self.submit(alpha, POISON)
        until(lambda: self.sending(alpha, id_), LIMIT)
        self.assertEqual(self.state(alpha, id_), 'sending')
        # it is counted, though it is not queued any more
        figures = ('queued', 'active', 'deferred', 'held', 'stored')
        summary = alpha.mtactl('show', 'summary')
        self.assertEqual([summary[k] for k in figures], [0, 1, 0, 0, 1])
        peer = alpha.mtactl('show', 'peers')[0]
        self.assertEqual((sum(peer['queued'].values()), peer['active'],
                          peer['stored']), (0, 1, 1))
        alpha.mtactl('submit', '-b', '-f', address('alpha'), '-t',
                     '/C=SE/ADMD=NOWHERE', input=b'x')      # no route
        summary = alpha.mtactl('show', 'summary')
        self.assertEqual([summary[k] for k in figures], [0, 1, 0, 1, 2])
        self.assertTrue(alpha.kill('rtsd'))

        def cut():
            with contextlib.suppress(RuntimeError):
                return [t['state'] for t in alpha.mtactl('show', 'transfers')
                        if t['state'] != 'sending']
        until(cut, LIMIT, 'transfer cut')
        until(lambda: cut() == [self.state(alpha, id_)], LIMIT, 'the same')

    def test_under_way(self):
        """Told so, and left alone."""
        beta = self.scripted(self.responder(), self.hold_up)
        alpha = self.caller(beta.port, SMALL)
        id_ = self.submit(alpha, POISON)
        until(lambda: self.sending(alpha, id_), LIMIT)
        for verb in (['hold'], ['remove'], ['remove', '-r'], ['expire'],
                     ['reroute', '-V', 'beta']):
            code, _, err = self.ctl(alpha, *verb, id_)
            self.assertEqual(code, 1, verb)
            self.assertIn('is under way', err)
            self.assertEqual(alpha.mtactl(verb[0], 'all')['under_way'], 1)
        self.gate.set()
        self.received(beta, POISON, timeout=LIMIT)
        alpha.idle()
        self.assertEqual(alpha.delivered(), [])


def socket_that_refuses(test):
    """A port where nobody listens, kept from others."""
    from e2e.mtadtest import reserve_port
    reserved = reserve_port()
    test.addCleanup(reserved.close)
    return reserved.getsockname()[1]


if __name__ == '__main__':
    main()
