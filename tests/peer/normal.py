# SPDX-License-Identifier: ISC
"""Normal mode to octets and back: the PPDUs of X.226, the APDUs of ACSE
(X.227) and of RTSE (X.228), and what X.411 binds with.

Functions in small letters make trees for ber.Form; the decode functions take
every BER form.  PData and Apdu read what may be too long to hold.
"""

import functools

from . import apdu, ber

# Abstract syntaxes, transfer syntax, application context.
ACSE, RTSE, MTSE = '2.2.1.0.1', '2.6.0.2.12', '2.6.0.2.7'
BER = '2.1.1'
MTS_TRANSFER = '2.6.0.1.6'

SINGLE, OCTETS, ARBITRARY = 'single-ASN1-type', 'octet-aligned', 'arbitrary'

# Result of a context, and the reason of the provider.
ACCEPTANCE, USER_REJECTION, PROVIDER_REJECTION = 0, 1, 2
NOT_SPECIFIED, NO_ABSTRACT_SYNTAX, NO_TRANSFER_SYNTAX = 0, 1, 2

# Result of AARE, its source, and diagnostics of the service user.
ACCEPTED, REJECTED_PERMANENT, REJECTED_TRANSIENT = 0, 1, 2
SERVICE_USER, SERVICE_PROVIDER = 1, 2
NULL, NO_REASON, NO_APPLICATION_CONTEXT = 0, 1, 2

# MTABindError; cannotRecover is an RTORJ without it.
BUSY, AUTHENTICATION, DIALOGUE_MODE, SECURITY_CONTEXT = 0, 2, 3, 4


# Octets out: the forms a value may be embedded in.

def _embedded(value, encoding, form):
    if encoding == SINGLE:
        return ber.Seq(0x80, value)
    octets = value if isinstance(value, bytes) else value.encode(form)
    if encoding == OCTETS:
        return ber.Str(0x81, octets)
    if encoding == ARBITRARY:
        return ber.Prim(0x82, b'\0' + octets)
    raise ValueError('encoding %r' % encoding)


def pdv(context, value, encoding=SINGLE, transfer=None, form=ber.DER):
    """PDV-list of one value.  transfer: name of the transfer syntax."""
    return ber.Seq(0x10, None if transfer is None else ber.oid(transfer),
                   ber.integer(context), _embedded(value, encoding, form))


def fully(*pdvs):
    """User-data, fully encoded."""
    return ber.Seq(0x41, *pdvs)


def simply(octets):
    """User-data, simply encoded."""
    return ber.Str(0x40, octets)


def external(context, value, encoding=SINGLE, direct=None, form=ber.DER):
    """EXTERNAL with an indirect reference (None: without), and a direct
    one if it is given."""
    return ber.Seq(0x08, None if direct is None else ber.oid(direct),
                   None if context is None else ber.integer(context),
                   _embedded(value, encoding, form))


# PPDUs.

def _selector(tag, value):
    return None if value is None else ber.Str(tag, value)


def _cp(members, selector_last, indefinite):
    normal = ber.Seq(0x82, *members)
    mode = ber.Set(0x80, ber.integer(1, 0x80))
    out = ber.Set(0x11, *([normal, mode] if selector_last
                          else [mode, normal]))
    out.indefinite = normal.indefinite = indefinite
    return out


def cp(contexts, user_data, calling=None, called=None, selector_last=False,
       indefinite=False):
    """CP-type.  contexts: (identifier, abstract syntax, transfer syntaxes);
    indefinite: the lengths of the two outer values, as one system has it."""
    definitions = ber.Seq(0x84, *(
        ber.Seq(0x10, ber.integer(number), ber.oid(abstract),
                ber.Seq(0x10, *map(ber.oid, transfers)))
        for number, abstract, transfers in contexts))
    return _cp((_selector(0x81, calling), _selector(0x82, called),
                definitions, user_data), selector_last, indefinite)


def _results(results):
    return None if results is None else ber.Seq(0x85, *(
        ber.Seq(0x10, ber.integer(result, 0x80),
                None if transfer is None else ber.oid(transfer, 0x81),
                None if reason is None else ber.integer(reason, 0x82))
        for result, transfer, reason in results))


def cpa(results, user_data, responding=None, selector_last=False,
        indefinite=False):
    """CPA-PPDU.  results: (result, transfer syntax or None, reason or None),
    in the order of the definitions."""
    return _cp((_selector(0x83, responding), _results(results), user_data),
               selector_last, indefinite)


def cpr(results=None, reason=None, user_data=None, responding=None):
    """CPR-PPDU.  reason: of the provider."""
    return ber.Seq(0x10, _selector(0x83, responding), _results(results),
                   None if reason is None else ber.integer(reason, 0x8a),
                   user_data)


def aru(user_data=None, contexts=None):
    """ARU-PPDU.  contexts: (identifier, transfer syntax)."""
    return ber.Seq(0x80, None if contexts is None else ber.Seq(0x80, *(
        ber.Seq(0x10, ber.integer(number), ber.oid(transfer))
        for number, transfer in contexts)), user_data)


def arp(reason=None, event=None):
    """ARP-PPDU."""
    return ber.Seq(0x10,
                   None if reason is None else ber.integer(reason, 0x80),
                   None if event is None else ber.integer(event, 0x81))


# APDUs of ACSE.  A title is an OBJECT IDENTIFIER ('1.3.9'), an AE qualifier
# an int; octets of either are taken as they are.

def _title(tag, value):
    if value is None:
        return None
    if isinstance(value, str):
        value = ber.oid(value)
    elif isinstance(value, int):
        value = ber.integer(value)
    return ber.Seq(tag, value)


def _information(values):
    return ber.Seq(0x9e, *values) if values else None


def aarq(context, *user, called=(None, None), calling=(None, None)):
    """called, calling: (AP title, AE qualifier); user: EXTERNALs."""
    return ber.Seq(0x40, ber.Seq(0x81, ber.oid(context)),
                   _title(0x82, called[0]), _title(0x83, called[1]),
                   _title(0x86, calling[0]), _title(0x87, calling[1]),
                   _information(user))


def aare(context, *user, result=ACCEPTED, source=SERVICE_USER,
         diagnostic=NULL, responding=(None, None)):
    return ber.Seq(0x41, ber.Seq(0x81, ber.oid(context)),
                   ber.Seq(0x82, ber.integer(result)),
                   ber.Seq(0x83, ber.Seq(0x80 | source,
                                         ber.integer(diagnostic))),
                   _title(0x84, responding[0]), _title(0x85, responding[1]),
                   _information(user))


def rlrq(reason=0, *user):
    return ber.Seq(0x42, None if reason is None else
                   ber.integer(reason, 0x80), _information(user))


def rlre(reason=0, *user):
    return ber.Seq(0x43, None if reason is None else
                   ber.integer(reason, 0x80), _information(user))


def abrt(source=0, *user):
    return ber.Seq(0x44, ber.integer(source, 0x80), _information(user))


# APDUs of RTSE, and the binding of two MTAs.

def _optional(tag, n):
    return None if n is None else ber.integer(n, tag)


def rtorq(data, checkpoint=None, window=None, dialogue=None):
    return ber.Set(0x90, _optional(0x80, checkpoint), _optional(0x81, window),
                   _optional(0x82, dialogue), ber.Seq(0x83, data))


def rtoac(data, checkpoint=None, window=None):
    return ber.Set(0x91, _optional(0x80, checkpoint), _optional(0x81, window),
                   ber.Seq(0x82, data))


def rtorj(error=None):
    """error: MTABindError; None leaves the user data out."""
    return ber.Set(0x92, None if error is None else ber.Seq(
        0x81, ber.Seq(0x92, ber.integer(error))))


def rtab(reason=None, reflected=None, user_data=None):
    return ber.Set(0x96, _optional(0x80, reason), None if reflected is None
                   else ber.Prim(0x81, b'\0' + reflected),
                   None if user_data is None else ber.Seq(0x82, user_data))


def bind(tag, name=None, password='', octet_string=False):
    """ConnectionData open with MTABindArgument (tag 0x90) or MTABindResult
    (0x91).  Without a name: unauthenticated."""
    if name is None:
        value = ber.Prim(0x05, b'')
    else:
        value = ber.Set(0x81, ber.Str(0x80, name.encode('latin-1')), ber.Seq(
            0x81, ber.Str(0x04 if octet_string else 0x16,
                          (password or '').encode('latin-1'))))
    return ber.Seq(0x80, ber.Seq(tag, value))


# Octets in.

def _decoder(function):
    """What is missing or misshapen in a value is a BerError too."""
    @functools.wraps(function)
    def decode(*args):
        try:
            return function(*args)
        except (AttributeError, IndexError, TypeError, ValueError) as error:
            raise ber.BerError('%s: %s' % (function.__name__, error)) \
                from None
    return decode


class Pdv:
    """A presentation data value: context, transfer (None if absent), and the
    octets of its encoding."""

    def __init__(self, context, transfer, octets):
        self.context = context
        self.transfer = transfer
        self.octets = octets


def _embedding(node):
    """Encodings in single-ASN1-type, octet-aligned or arbitrary."""
    if node.tag == 0x80 and len(node.children) == 1:
        return [node.children[0].raw]
    if node.tag == 0x81:
        octets = node.string()
    elif node.tag == 0x82:
        text = node.bits()
        if len(text) % 8:
            raise ber.BerError('%d bits' % len(text))
        octets = int(text, 2).to_bytes(len(text) // 8, 'big') if text else b''
    else:
        raise ber.BerError('encoding with tag %x' % node.tag)
    out = []
    while octets:
        _, end = ber.parse_first(octets)
        out.append(octets[:end])
        octets = octets[end:]
    return out


@_decoder
def decode_user_data(node):
    """The Pdvs of fully-encoded User-data."""
    if node.tag == 0x40:
        raise ber.BerError('simply encoded user data')
    if node.tag != 0x41 or not node.children:
        raise ber.BerError('user data with tag %x' % node.tag)
    out = []
    for item in node.children:
        members = list(item.children)
        transfer = None
        if members and members[0].tag == 0x06:
            transfer = members.pop(0).oid()
        if item.tag != 0x10 or len(members) != 2 or members[0].tag != 0x02:
            raise ber.BerError('bad PDV-list')
        context = members[0].integer()
        out.extend(Pdv(context, transfer, octets)
                   for octets in _embedding(members[1]))
    return out


class Ppdu:
    """kind CP CPA CPR ARU ARP; user: Pdvs; contexts of a CP, results of
    CPA and CPR, list of an ARU, as their makers take them; reason of CPR and
    ARP, event of ARP."""

    calling = called = responding = reason = event = None
    contexts = results = None

    def __init__(self, kind):
        self.kind = kind
        self.user = []


def _optional_string(node, tag):
    found = node.find(tag)
    return None if found is None else found.string()


def _order(node, allowed):
    """Members of a SEQUENCE: in order, each once, and no other."""
    seen = [allowed.index(child.tag) if child.tag in allowed else -1
            for child in node.children]
    if -1 in seen or seen != sorted(set(seen)):
        raise ber.BerError('members %s' % [
            '%x' % child.tag for child in node.children])


def _decode_results(node):
    found = node.find(0x85)
    if found is None:
        return None
    out = []
    for item in found.children:
        _order(item, (0x80, 0x81, 0x82))
        result, transfer, reason = (item.find(tag) for tag in
                                    (0x80, 0x81, 0x82))
        out.append((result.integer(),
                    None if transfer is None else transfer.oid(),
                    None if reason is None else reason.integer()))
    return out


@_decoder
def mode_value(octets):
    """Of the mode selector of a CP or CPA: 0 X.410, 1 normal."""
    node, _ = ber.parse_first(octets)
    selector = node.find(0x80)
    if node.tag != 0x11 or selector is None or len(selector.children) != 1:
        raise ber.BerError('no mode selector')
    return selector.children[0].integer()


def _normal_parameters(octets):
    node = ber.parse(octets)
    if node.tag != 0x11 or {c.tag for c in node.children} != {0x80, 0x82} \
            or len(node.children) != 2:
        raise ber.BerError('not a PPDU of normal mode')
    if mode_value(octets) != 1:
        raise ber.BerError('mode %d' % mode_value(octets))
    return node.find(0x82)


@_decoder
def decode_cp(octets):
    node = _normal_parameters(octets)
    _order(node, (0x80, 0x81, 0x82, 0x84, 0x86, 0x88, 0x89, 0x8b, 0x8c, 0x8e,
                  0x40, 0x41))
    ppdu = Ppdu('CP')
    ppdu.calling = _optional_string(node, 0x81)
    ppdu.called = _optional_string(node, 0x82)
    ppdu.contexts = []
    definitions = node.find(0x84)
    for item in definitions.children if definitions is not None else ():
        number, abstract, transfers = item.children
        ppdu.contexts.append((number.integer(), abstract.oid(),
                              [t.oid() for t in transfers.children]))
    ppdu.user = decode_user_data(node.children[-1])
    return ppdu


@_decoder
def decode_cpa(octets):
    node = _normal_parameters(octets)
    _order(node, (0x80, 0x83, 0x85, 0x88, 0x89, 0x8b, 0x8d, 0x40, 0x41))
    ppdu = Ppdu('CPA')
    ppdu.responding = _optional_string(node, 0x83)
    ppdu.results = _decode_results(node)
    ppdu.user = decode_user_data(node.children[-1])
    return ppdu


@_decoder
def decode_cpr(octets):
    node = ber.parse(octets)
    if node.tag != 0x10:
        raise ber.BerError('not a CPR of normal mode')
    _order(node, (0x80, 0x83, 0x85, 0x87, 0x8a, 0x40, 0x41))
    ppdu = Ppdu('CPR')
    ppdu.responding = _optional_string(node, 0x83)
    ppdu.results = _decode_results(node)
    reason = node.find(0x8a)
    if reason is not None:
        ppdu.reason = reason.integer()
    if node.children and node.children[-1].tag in (0x40, 0x41):
        ppdu.user = decode_user_data(node.children[-1])
    return ppdu


@_decoder
def decode_abort(octets):
    """ARU or ARP."""
    node = ber.parse(octets)
    if node.tag == 0x80:
        _order(node, (0x80, 0x40, 0x41))
        ppdu = Ppdu('ARU')
        contexts = node.find(0x80)
        if contexts is not None:
            ppdu.contexts = [(item.children[0].integer(),
                              item.children[1].oid())
                             for item in contexts.children]
        if node.children and node.children[-1].tag != 0x80:
            ppdu.user = decode_user_data(node.children[-1])
        return ppdu
    if node.tag != 0x10:
        raise ber.BerError('not an ARU or ARP of normal mode')
    _order(node, (0x80, 0x81))
    ppdu = Ppdu('ARP')
    for name, tag in (('reason', 0x80), ('event', 0x81)):
        if node.find(tag) is not None:
            setattr(ppdu, name, node.find(tag).integer())
    return ppdu


class Acse:
    """kind AARQ AARE RLRQ RLRE ABRT; user: (direct, indirect reference,
    octets) of the EXTERNALs; titles: {tag: octets}; and by kind context,
    result, source, diagnostic, reason."""

    context = result = source = diagnostic = reason = None


_ACSE = {0x40: 'AARQ', 0x41: 'AARE', 0x42: 'RLRQ', 0x43: 'RLRE', 0x44: 'ABRT'}
_ACSE_MEMBERS = {'AARQ': 12, 'AARE': 11, 'RLRQ': 1, 'RLRE': 1, 'ABRT': 2}


@_decoder
def decode_external(node):
    """(direct reference, indirect reference, encodings)."""
    if node.tag != 0x08:
        raise ber.BerError('not an EXTERNAL')
    _order(node, (0x06, 0x02, 0x07, 0x80, 0x81, 0x82))
    direct, indirect = node.find(0x06), node.find(0x02)
    return (None if direct is None else direct.oid(),
            None if indirect is None else indirect.integer(),
            _embedding(node.children[-1]))


@_decoder
def decode_acse(octets):
    node = ber.parse(octets)
    if node.tag not in _ACSE:
        raise ber.BerError('no ACSE APDU: tag %x' % node.tag)
    pdu = Acse()
    pdu.kind = _ACSE[node.tag]
    _order(node, [0x80 | n for n in range(_ACSE_MEMBERS[pdu.kind] + 1)] +
           [0x9d, 0x9e])
    pdu.user = []
    pdu.titles = {child.tag: child.children[0].raw for child in node.children
                  if 0x82 <= child.tag <= 0x87 and child.children}
    information = node.find(0x9e)
    for item in information.children if information is not None else ():
        direct, indirect, values = decode_external(item)
        pdu.user.extend((direct, indirect, value) for value in values)
    if pdu.kind in ('AARQ', 'AARE'):
        pdu.context = node.find(0x81).children[0].oid()
    if pdu.kind == 'AARE':
        pdu.result = node.find(0x82).children[0].integer()
        source = node.find(0x83).children[0]
        pdu.source = source.tag & 0x1f
        pdu.diagnostic = source.children[0].integer()
    elif pdu.kind == 'ABRT':
        pdu.source = node.find(0x80).integer()
    elif pdu.kind != 'AARQ' and node.find(0x80) is not None:
        pdu.reason = node.find(0x80).integer()
    return pdu


_BINDING = {0x90: 0x90, 0x91: 0x91}     # RTORQ: argument, RTOAC: result


def _connection_data(pdu, node, binding):
    if len(node.children) != 1:
        raise ber.BerError('bad ConnectionData')
    choice = node.children[0]
    if choice.tag == 0x81:
        pdu.recover = apdu.Scid.from_node(choice)
        return
    if choice.tag != 0x80:
        raise ber.BerError('bad ConnectionData')
    if not choice.constructed and not choice.content:
        return                          # [0] IMPLICIT NULL: no user data
    if len(choice.children) != 1 or choice.children[0].tag != binding or \
            len(choice.children[0].children) != 1:
        raise ber.BerError('no MTABind: %s' % choice.raw.hex())
    value = choice.children[0].children[0]
    if value.tag == 0x05:
        return
    name, credentials = value.find(0x80), value.find(0x81)
    if value.tag != 0x81 or name is None or credentials is None or \
            len(credentials.children) != 1:
        raise ber.BerError('bad MTABind: %s' % value.raw.hex())
    pdu.name = name.string().decode('latin-1')
    password = credentials.children[0]
    if password.tag not in (0x16, 0x04):
        raise ber.BerError('credentials with tag %x' % password.tag)
    pdu.password = password.string().decode('latin-1')
    pdu.octet_string = password.tag == 0x04


def _decode_open(octets, tag, data_tag, integers):
    node = ber.parse(octets)
    if node.tag != tag:
        raise ber.BerError('RTSE APDU with tag %x' % node.tag)
    pdu = apdu.Connect()
    pdu.protocol = None
    pdu.octet_string = False
    pdu.given = set()
    for child in node.children:
        name = integers.get(child.tag, 'data')
        if name in pdu.given:
            raise ber.BerError('%s twice' % name)
        pdu.given.add(name)
        if child.tag in integers:
            setattr(pdu, name, child.integer())
        elif child.tag == data_tag:
            _connection_data(pdu, child, _BINDING[tag])
        else:
            raise ber.BerError('member with tag %x' % child.tag)
    if 'data' not in pdu.given:
        raise ber.BerError('no ConnectionData')
    return pdu


@_decoder
def decode_rtorq(octets):
    """An apdu.Connect."""
    return _decode_open(octets, 0x90, 0x83, {
        0x80: 'checkpoint', 0x81: 'window', 0x82: 'dialogue'})


@_decoder
def decode_rtoac(octets):
    return _decode_open(octets, 0x91, 0x82, {0x80: 'checkpoint',
                                             0x81: 'window'})


@_decoder
def decode_rtorj(octets):
    """MTABindError, or cannotRecover if there is none."""
    node = ber.parse(octets)
    if node.tag != 0x92:
        raise ber.BerError('no RTORJ: tag %x' % node.tag)
    if not node.children:
        return apdu.CANNOT_RECOVER
    error = node.children[0]
    if len(node.children) != 1 or error.tag != 0x81 or \
            len(error.children) != 1 or error.children[0].tag != 0x92 or \
            len(error.children[0].children) != 1:
        raise ber.BerError('bad RTORJ: %s' % node.raw.hex())
    return error.children[0].children[0].integer()


@_decoder
def decode_rtab(octets):
    """(reason or None, reflected parameter or None)."""
    node = ber.parse(octets)
    if node.tag != 0x96 or {c.tag for c in node.children} - {
            0x80, 0x81, 0x82}:
        raise ber.BerError('bad RTAB: %s' % node.raw.hex())
    reason, reflected = node.find(0x80), node.find(0x81)
    return (None if reason is None else reason.integer(),
            None if reflected is None else reflected.string()[1:])


# Octets in as they come.

def _head(buf):
    """(tag, constructed, length, octets of the head), None if there are not
    enough octets to tell."""
    pos = 1
    if not buf:
        return None
    if buf[0] & 0x1f == 0x1f:
        while pos < len(buf) and buf[pos] & 0x80:
            pos += 1
        pos += 1
    if pos >= len(buf):
        return None
    if buf[pos] > 0x80 and pos + 1 + (buf[pos] & 0x7f) > len(buf):
        return None
    return ber.header(buf, 0, len(buf))


class Walk:
    """A BER value that comes in pieces: open(tag, constructed, depth),
    data(octets), close(depth) are called in its course."""

    def __init__(self, open_, data, close):
        self.open, self.data, self.close = open_, data, close
        self.buf = bytearray()
        self.pos = 0                    # octets taken
        self.ends = []                  # where the values we are in end
        self.left = None                # octets of the primitive we are in
        self.begun = False

    @property
    def complete(self):
        return self.begun and not self.ends and self.left is None \
            and not self.buf

    def _closed(self):
        while self.ends and self.ends[-1] is not None and \
                self.ends[-1] <= self.pos:
            if self.ends.pop() < self.pos:
                raise ber.BerError('contents longer than their value')
            self.close(len(self.ends))

    def feed(self, octets):
        at = 0
        octets = memoryview(octets)
        while at < len(octets):
            if self.left is not None:
                piece = octets[at:at + self.left]
                self.data(piece)
                at += len(piece)
                self.pos += len(piece)
                self.left -= len(piece)
                if not self.left:
                    self._end()
                continue
            if self.complete:
                raise ber.BerError('octets after the value')
            self.buf += octets[at:at + 1]
            at += 1
            head = _head(self.buf)
            if head is None:
                if len(self.buf) > 16:
                    raise ber.BerError('long identifier or length')
                continue
            self._take(*head)

    def _end(self):
        self.left = None
        self.close(len(self.ends))
        self._closed()

    def _take(self, tag, constructed, length, size):
        self.pos += size
        self.buf.clear()
        if not tag and not constructed and not length and self.ends and \
                self.ends[-1] is None:
            self.ends.pop()
            self.close(len(self.ends))
            self._closed()
            return
        self.begun = True
        if len(self.ends) > 30:
            raise ber.BerError('too deep')
        self.open(tag, constructed, len(self.ends))
        if constructed:
            self.ends.append(None if length is None else self.pos + length)
            self._closed()
        elif length:
            self.left = length
        else:
            self._end()


class _Strings:
    """The octets of an OCTET STRING that comes in pieces, segmented or
    not."""

    def __init__(self, out):
        self.out = out
        self.walk = Walk(self._open, out, lambda depth: None)

    def _open(self, tag, constructed, depth):
        if tag != 0x04:
            raise ber.BerError('no RTTR: tag %x' % tag)


class PData:
    """The octets in the RTTRs of a P-DATA that comes in pieces: feed()
    returns them; done() says what was wrong, if anything."""

    def __init__(self, context):
        self.context = context
        self.reset()

    def reset(self):
        self.out = []
        self.path = []
        self.member = None
        self.number = bytearray()
        self.inner = None
        self.unused = False
        self.error = None
        self.walk = Walk(self._open, self._data, self._close)

    def feed(self, octets):
        self.out = []
        if self.error is None:
            try:
                self.walk.feed(octets)
            except ber.BerError as error:
                self.error = 'P-DATA: %s' % error
        return self.out

    def done(self):
        error = self.error
        if error is None and self.walk.begun and not self.walk.complete:
            error = 'P-DATA cut short'
        elif error is None and not self.walk.begun:
            error = 'P-DATA without user data'
        self.reset()
        return error

    def _open(self, tag, constructed, depth):
        if depth == 0 and tag != 0x41 or depth == 1 and tag != 0x10:
            raise ber.BerError('tag %x' % tag)
        if depth == 2:
            self.member = tag
            self.number.clear()
            if tag in (0x81, 0x82):
                self.inner = _Strings(
                    lambda octets: self.out.append(octets))
                self.unused = tag == 0x82 and not constructed
            elif tag not in (0x06, 0x02, 0x80):
                raise ber.BerError('PDV-list with tag %x' % tag)
        elif depth > 2 and self.member == 0x80 and tag != 0x04:
            raise ber.BerError('no RTTR: tag %x' % tag)
        elif depth > 2 and self.member == 0x82:
            self.unused = not constructed

    def _data(self, octets):
        if self.member == 0x80:
            self.out.append(octets)
        elif self.member == 0x02:
            self.number += octets
        elif self.member in (0x81, 0x82):
            if self.unused:
                octets, self.unused = octets[1:], False
            if octets:
                self.inner.walk.feed(octets)

    def _close(self, depth):
        if depth != 2:
            return
        if self.member == 0x02:
            context = int.from_bytes(self.number, 'big', signed=True)
            if context != self.context:
                raise ber.BerError('context %d' % context)
        elif self.inner is not None:
            if not self.inner.walk.complete:
                raise ber.BerError('RTTR cut short')
            self.inner = None


class Apdu:
    """The APDU in the EXTERNAL that RT-TRANSFER transfers, as it comes:
    feed() returns octets of it.  length: so many so far."""

    def __init__(self):
        self.head = bytearray()
        self.tail = None                # held back: the ends of contents
        self.ends = 0                   # octets of them
        self.context = None
        self.length = 0

    def copy(self):
        other = Apdu()
        other.__dict__.update(self.__dict__)
        other.head = bytearray(self.head)
        other.tail = None if self.tail is None else bytearray(self.tail)
        return other

    def _begin(self):
        """The octets after the head of the EXTERNAL, if all of it came."""
        pos = depth = 0
        while True:
            head = _head(self.head[pos:])
            if head is None:
                return None
            tag, constructed, length, size = head
            if depth == 0 and (tag != 0x08 or not constructed):
                raise ber.BerError('no EXTERNAL: tag %x' % tag)
            pos += size
            if length is None:
                self.ends += 2
            if tag in (0x80, 0x81) and depth:
                if tag == 0x81 and constructed:
                    raise ber.BerError('segments')
                return self.head[pos:]
            if depth and tag not in (0x06, 0x02, 0x07):
                raise ber.BerError('EXTERNAL with tag %x' % tag)
            if depth:
                if tag == 0x02:
                    self.context = int.from_bytes(
                        self.head[pos:pos + length], 'big')
                pos += length
            depth = 1

    def feed(self, octets):
        if self.tail is None:
            self.ends = 0
            self.head += octets
            octets = self._begin()
            if octets is None:
                return b''
            self.tail = bytearray()
            self.head.clear()
        if not self.ends:
            self.length += len(octets)
            return octets
        self.tail += octets
        out = bytes(self.tail[:-self.ends])
        del self.tail[:-self.ends]
        self.length += len(out)
        return out


def wrap_apdu(source, context, form=ber.DER, encoding=SINGLE):
    """The EXTERNAL that RT-TRANSFER transfers, of octets; or of a
    store.Pattern."""
    if not hasattr(source, 'buffers'):
        return external(context, bytes(source), encoding, None,
                        form).encode(form)
    number = ber.integer(context).encode()
    inner = ber.DER.length(len(source))
    outer = ber.DER.length(len(number) + 1 + len(inner) + len(source))
    prefix = b'\x28' + outer + number + b'\xa0' + inner
    return type(source)(len(source) + len(prefix), prefix + source.prefix)


@_decoder
def unwrap_apdu(octets):
    """(context, APDU) of the EXTERNAL."""
    stream = Apdu()
    try:
        out = bytes(stream.feed(octets))
    except ber.BerError:
        _, context, values = decode_external(ber.parse(octets))
        return context, b''.join(values)
    tag, _, length, pos = ber.header(octets, 0, len(octets))
    if length is not None and pos + length != len(octets):
        raise ber.BerError('%d octets after the EXTERNAL'
                           % (len(octets) - pos - length))
    if bytes(stream.tail).strip(b'\0') or len(stream.tail) < stream.ends:
        raise ber.BerError('EXTERNAL without its end')
    return stream.context, out
