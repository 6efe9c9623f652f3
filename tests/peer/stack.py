# SPDX-License-Identifier: ISC
"""What lies between reliable transfer and session, by mode: nothing in
X.410 mode, where PConnect is the user data of S-CONNECT and the octets of an
APDU that of S-DATA; presentation and association control in normal mode.

A stack belongs to one connection.  It makes and reads the user data of
session services; connection data, and PConnect and RTORQ alike, are
apdu.Connect for those above.
"""

from . import apdu, ber, normal
from .ber import BerError

X410_MODE, X410_1988, NORMAL = 'x410', 'x410-1988', 'normal'
ANY = 'any'


def mode_of(octets):
    """The mode of the user data of a CN; None of what is neither."""
    try:
        return {0: X410_MODE, 1: NORMAL}.get(normal.mode_value(octets))
    except BerError:
        return None


def stack(mode, config):
    return (Normal if mode in (NORMAL, ANY) else X410)(mode, config)


class Refusal:
    """Why an association was not accepted: reason of PRefuse, or of RTORJ
    in the same numbers (cannotRecover: without user data); result, source
    and diagnostic of AARE; provider_reason of CPR."""

    reason = result = source = diagnostic = provider_reason = None


class X410:
    """User data of X.410-1984 mode."""

    tag = 0x14                          # of the SS-user reference
    session_version = 3

    def __init__(self, mode, config):
        self.mode = mode
        self.config = config
        self.said = []                  # violations seen by a decoder

    # Opening.

    def named(self, scid):
        """A Scid that is used in this mode from now on."""
        scid.tag = scid.tag or self.tag
        return scid

    def open_data(self):
        c = self.config
        return apdu.open_data(c.name, c.password, c.style)

    open_result = open_data

    def recover_data(self, scid):
        return apdu.recover_data(scid, self.config.scid_tag or scid.tag
                                 or self.tag)

    def connect(self, data):
        c = self.config
        protocol = c.protocol
        if self.mode == X410_1988 and 'protocol' not in vars(c):
            protocol = 12
        return apdu.pconnect(data, c.checkpoint, c.window, c.dialogue,
                             protocol, c.protocol_version).encode(c.form)

    def decode_connect(self, octets):
        pdu = apdu.decode_pconnect(octets)
        if pdu.protocol == 12:
            self.mode = X410_1988
        return pdu

    def accept(self, data, **members):
        return apdu.paccept(data, **members).encode(self.config.form)

    def decode_accept(self, octets):
        return apdu.decode_paccept(octets)

    def refuse(self, reason):
        return apdu.prefuse(reason).encode(self.config.form)

    def decode_refuse(self, octets):
        refusal = Refusal()
        if octets:
            refusal.reason = apdu.decode_prefuse(octets)
        return refusal

    # Ending.

    def abort(self, reason, reflected):
        return apdu.abort_information(reason, reflected).encode(
            self.config.form)

    def decode_abort(self, octets):
        """(reason, reflected parameter)."""
        return apdu.decode_abort(octets)

    def release(self):
        return b''

    released = release

    def decode_release(self, octets, kind):
        pass

    # Transfer and turn.

    def please(self, priority):
        return apdu.priority(priority)

    def decode_please(self, octets):
        return ber.parse(octets).integer()

    def wrap(self, source):
        """What is transferred for an APDU."""
        return source

    def apdu(self):
        """A reader of what is transferred; None: it is the APDU."""
        return None

    def data(self, part):
        """User information of DT for a part of what is transferred."""
        return part

    def take(self, octets):
        """Parts of what is transferred from octets of a DT."""
        return (octets,)

    def taken(self):
        """At the end of a DT; what was wrong with it, if anything."""
        return None


class _Lead:
    """Octets in front of a part that is not in memory."""

    def __init__(self, lead, part):
        self.lead, self.part = lead, part

    def __len__(self):
        return len(self.lead) + len(self.part)

    def buffers(self, offset, length):
        out = []
        if offset < len(self.lead):
            out.append(self.lead[offset:offset + length])
            length -= len(out[0])
            offset += len(out[0])
        if length > 0:
            offset -= len(self.lead)
            if hasattr(self.part, 'buffers'):
                out.extend(self.part.buffers(offset, length))
            else:
                out.append(self.part[offset:offset + length])
        return out


def _octets(part):
    return b''.join(part.buffers(0, len(part))) \
        if hasattr(part, 'buffers') else bytes(part)


class Normal(X410):
    """User data of normal mode."""

    tag = 0x04
    session_version = 2

    def __init__(self, mode, config):
        super().__init__(NORMAL, config)
        self.contexts = list(config.contexts)
        self.results = None             # ours, or what the other side said
        self.cp = self.acse = None      # of the other side, decoded
        self.pdata = normal.PData(self.number(normal.RTSE))

    def number(self, abstract):
        """The identifier of the context of an abstract syntax."""
        for number, name, _ in self.contexts:
            if name == abstract:
                return number
        self.said.append('no context for %s' % abstract)
        return 0

    def _user(self, abstract, value):
        """User data with a value of an abstract syntax."""
        c = self.config
        number = self.number(abstract)
        transfer = c.transfer_syntax
        if transfer is None and self.results is None and any(
                n == number and len(t) > 1 for n, _, t in self.contexts):
            transfer = normal.BER       # X.226 8.4.2: several were proposed
        return normal.fully(normal.pdv(number, value, c.pdv,
                                       transfer or None, c.form))

    def _external(self, value):
        c = self.config
        return normal.external(
            self.number(normal.RTSE) if 'indirect' in c.references else None,
            value, c.external_encoding,
            normal.BER if 'direct' in c.references else None, c.form)

    # Opening.

    def open_data(self, tag=0x90):
        c = self.config
        return normal.bind(tag, None if c.style == 'null' else c.name,
                           c.password, c.octet_string)

    def open_result(self):
        return self.open_data(0x91)

    def connect(self, data):
        c = self.config
        rtorq = normal.rtorq(data, c.checkpoint, c.window, c.dialogue)
        aarq = normal.aarq(
            c.application_context, self._external(rtorq),
            called=(c.called_ap_title, c.called_ae_qualifier),
            calling=(c.ap_title, c.ae_qualifier))
        return normal.cp(
            self.contexts, self._user(normal.ACSE, aarq), c.calling_psel,
            c.called_psel, c.selector_last, c.cp_indefinite).encode(c.form)

    def _value(self, pdvs, abstract):
        """The octets of the one value in a context."""
        number = self.number(abstract)
        if len(pdvs) != 1 or pdvs[0].context != number:
            raise BerError('contexts %s, not %d' % (
                [p.context for p in pdvs], number))
        return pdvs[0].octets

    def _association(self, pdvs, kind):
        acse = normal.decode_acse(self._value(pdvs, normal.ACSE))
        if acse.kind not in kind.split():
            raise BerError('%s, not %s' % (acse.kind, kind))
        return acse

    def _reliable(self, acse):
        """The octets of the RTSE APDU in an ACSE APDU, None if none is."""
        if not acse.user:
            return None
        number = self.number(normal.RTSE)
        direct, indirect, octets = acse.user[0]
        if len(acse.user) > 1 or indirect not in (None, number) or \
                indirect is None and direct is None or \
                direct not in (None, normal.BER):
            self.said.append('user information in EXTERNAL %s %s' % (
                direct, indirect))
        return octets

    def decode_connect(self, octets):
        self.cp = normal.decode_cp(octets)
        self.contexts = []
        self.results = []
        known = (normal.ACSE, normal.RTSE, normal.MTSE)
        for number, abstract, transfers in self.cp.contexts:
            if number % 2 == 0 or number < 1:
                self.said.append('context identifier %d' % number)
            override = self.config.results.get(number)
            if override is not None:
                self.results.append(override)
            elif abstract not in known:
                self.results.append((normal.PROVIDER_REJECTION, None,
                                     normal.NO_ABSTRACT_SYNTAX))
            elif normal.BER not in transfers:
                self.results.append((normal.PROVIDER_REJECTION, None,
                                     normal.NO_TRANSFER_SYNTAX))
            else:
                self.results.append((normal.ACCEPTANCE, normal.BER, None))
            self.contexts.append((number, abstract, transfers))
        for abstract in known:
            self.number(abstract)
        self.pdata.context = self.number(normal.RTSE)
        self.acse = self._association(self.cp.user, 'AARQ')
        if self.acse.context != normal.MTS_TRANSFER:
            self.said.append('application context %s' % self.acse.context)
        rtorq = self._reliable(self.acse)
        if rtorq is None:
            raise BerError('AARQ without RTORQ')
        return self._scid(normal.decode_rtorq(rtorq))

    def _scid(self, pdu):
        if pdu.recover is not None and pdu.recover.tag != self.tag:
            self.said.append('T61String in the identifier of normal mode')
        return pdu

    def accept(self, data, **members):
        c = self.config
        aare = normal.aare(
            c.application_context,
            self._external(normal.rtoac(data, **members)),
            responding=(c.ap_title, c.ae_qualifier))
        return normal.cpa(self.results, self._user(normal.ACSE, aare),
                          c.responding_psel, c.selector_last,
                          c.cp_indefinite).encode(c.form)

    def _check_results(self, results):
        if results is None or len(results) != len(self.contexts):
            self.said.append('results %s for %d contexts' % (
                results, len(self.contexts)))
            return
        for (number, _, transfers), row in zip(self.contexts, results):
            if row[0] != normal.ACCEPTANCE:
                self.said.append('context %d: result %s' % (number, row[0]))
            elif row[1] not in transfers:
                self.said.append('context %d: transfer syntax %s' % (
                    number, row[1]))

    def decode_accept(self, octets):
        self.cp = normal.decode_cpa(octets)
        self._check_results(self.cp.results)
        self.results = self.cp.results
        self.acse = self._association(self.cp.user, 'AARE')
        if self.acse.result != normal.ACCEPTED:
            self.said.append('CPA with AARE result %d' % self.acse.result)
        if self.acse.context != self.config.application_context:
            self.said.append('application context %s' % self.acse.context)
        rtoac = self._reliable(self.acse)
        if rtoac is None:
            raise BerError('AARE without RTOAC')
        return self._scid(normal.decode_rtoac(rtoac))

    def refuse(self, reason):
        """reason: as that of PRefuse; or ('aare', result, source,
        diagnostic), ('cpr', reason of the provider)."""
        c = self.config
        if isinstance(reason, tuple) and reason[0] == 'cpr':
            return normal.cpr(self.results, reason[1],
                              responding=c.responding_psel).encode(c.form)
        user = ()
        if isinstance(reason, tuple):
            how = reason[1:]
        else:
            error = None if reason == apdu.CANNOT_RECOVER else reason
            user = (self._external(normal.rtorj(error)),)
            how = c.rejection or (
                normal.REJECTED_TRANSIENT if reason == apdu.RTS_BUSY
                else normal.REJECTED_PERMANENT,)
        result, source, diagnostic = (
            tuple(how) + (normal.SERVICE_USER, normal.NO_REASON)[
                len(how) - 1:])[:3]
        aare = normal.aare(c.application_context, *user, result=result,
                           source=source, diagnostic=diagnostic,
                           responding=(c.ap_title, c.ae_qualifier))
        return normal.cpr(self.results, None, self._user(normal.ACSE, aare),
                          c.responding_psel).encode(c.form)

    def decode_refuse(self, octets):
        refusal = Refusal()
        if not octets:
            return refusal
        self.cp = normal.decode_cpr(octets)
        refusal.provider_reason = self.cp.reason
        if not self.cp.user:
            if self.cp.reason is None:
                self.said.append('CPR without reason and user data')
            return refusal
        if self.cp.reason is not None:
            self.said.append('CPR with reason and user data')
        self.acse = acse = self._association(self.cp.user, 'AARE')
        refusal.result = acse.result
        refusal.source = acse.source
        refusal.diagnostic = acse.diagnostic
        if acse.result == normal.ACCEPTED:
            self.said.append('CPR with AARE result 0')
        rtorj = self._reliable(acse)
        if rtorj is not None:
            refusal.reason = normal.decode_rtorj(rtorj)
        return refusal

    # Ending.

    def abort(self, reason, reflected):
        """ARU with ABRT with RTAB; or ('arp', reason, event), ('abrt',
        source) without RTAB."""
        c = self.config
        if isinstance(reason, tuple) and reason[0] == 'arp':
            return normal.arp(*reason[1:]).encode(c.form)
        if isinstance(reason, tuple):
            value = normal.abrt(reason[1])
        else:
            value = normal.abrt(0, self._external(
                normal.rtab(reason, reflected)))
        contexts = None
        if c.aru_contexts:
            contexts = [(self.number(name), normal.BER)
                        for name in (normal.ACSE, normal.RTSE)]
        return normal.aru(self._user(normal.ACSE, value),
                          contexts).encode(c.form)

    def decode_abort(self, octets):
        ppdu = normal.decode_abort(octets)
        self.cp, self.acse = ppdu, None
        if ppdu.kind == 'ARP' or not ppdu.user:
            return None, None
        self.acse = self._association(ppdu.user, 'ABRT')
        rtab = self._reliable(self.acse)
        return (None, None) if rtab is None else normal.decode_rtab(rtab)

    def release(self):
        return self._user(normal.ACSE, normal.rlrq(
            self.config.release_reason)).encode(self.config.form)

    def released(self):
        return self._user(normal.ACSE, normal.rlre(
            self.config.release_reason)).encode(self.config.form)

    def decode_release(self, octets, kind):
        if octets is None:
            raise BerError('no %s' % kind)
        self.acse = self._association(
            normal.decode_user_data(ber.parse(octets)), kind)

    # Transfer and turn.

    def please(self, priority):
        return self._user(normal.RTSE, ber.integer(priority)).encode(
            self.config.form)

    def decode_please(self, octets):
        value = ber.parse(self._value(
            normal.decode_user_data(ber.parse(octets)), normal.RTSE))
        if value.tag != 0x02:
            raise BerError('no RTTP: tag %x' % value.tag)
        return value.integer()

    def wrap(self, source):
        c = self.config
        if not c.external_apdu:
            return source
        return normal.wrap_apdu(source, self.number(normal.MTSE), c.form,
                                c.apdu_encoding)

    def apdu(self):
        return normal.Apdu() if self.config.external_apdu else None

    def data(self, part):
        c = self.config
        if c.pdv == normal.SINGLE and c.form is ber.DER and \
                not c.transfer_syntax:
            lead, length = b'', len(part)
            context = ber.integer(self.number(normal.RTSE)).encode()
            for tag, front in ((0x04, b''), (0xa0, b''), (0x30, context),
                               (0x61, b'')):
                length += len(front)
                head = bytes((tag,)) + ber.DER.length(length)
                length += len(head)
                lead = head + front + lead
            if len(part) > 65536:
                return _Lead(lead, part)
            return lead + _octets(part)
        return self._user(normal.RTSE, ber.Str(0x04, _octets(
            part))).encode(c.form)

    def take(self, octets):
        return self.pdata.feed(octets)

    def taken(self):
        return self.pdata.done()
