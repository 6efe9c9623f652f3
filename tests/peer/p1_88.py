# SPDX-License-Identifier: ISC
"""X.411-1988 and later: the MTS-APDUs of P1, on ber.py.

user_mpdu(), probe_mpdu() and delivery_report_mpdu() make octets and decode()
makes an Mpdu, all with the names of p1.py; so far as 1984 has a field, the
values are the same, and a test may be given the one module or the other.

More in an O/R name: CN (common name), ext ({name of ATTRIBUTES, or number:
value}), DN (octets of a directory name).  More in messages: extensions, of
the message and of each recipient, lists of Extension; content_type may be an
OBJECT IDENTIFIER ('2.6.1.10.1'), types a dict of types, g3, external (a list
of these).
"""

from . import ber
from .ber import BerError, Prim, Seq, Set, Str, bits, integer, oid
from .p1 import NON_URGENT, NORMAL, URGENT                      # noqa: F401
from .p1 import new_identifier, utc_time
from .store import Pattern

P2, P22 = 2, 22
_INTEGER, _BITS, _OCTETS, _OID, _ENUMERATED = 0x02, 0x03, 0x04, 0x06, 0x0a
_SEQUENCE, _SET, _NUMERIC, _PRINTABLE = 0x10, 0x11, 0x12, 0x13
_TELETEX, _IA5, _UTC, _UNIVERSAL, _BMP = 0x14, 0x16, 0x17, 0x1c, 0x1e


def _string(tag, text):
    return None if text is None else Str(tag, text.encode('latin-1'))


def _text(node):
    return None if node is None else node.string().decode('latin-1')


def _number(node):
    return None if node is None else node.integer()


def _optional(tag, n):
    return None if n is None else integer(n, tag)


def _choice(text):
    """NumericString or PrintableString."""
    return _string(_NUMERIC if text and text.isdigit() else _PRINTABLE, text)


def _chosen(node):
    if node is None or len(node.children) != 1:
        raise BerError('not a CHOICE of strings')
    return _text(node.children[0])


# Extension attributes of O/R addresses: how each is written and read.

def _strings_of(tag):
    return lambda v: _string(tag, v), _text


def _universal(value, tag=_SET):
    """UniversalOrBMPString of a text, or of (text, language)."""
    text, language = (value, None) if isinstance(value, str) else value
    if all(ord(c) < 0x10000 for c in text):
        inner = Str(_BMP, text.encode('utf-16-be'))
    else:
        inner = Str(_UNIVERSAL, text.encode('utf-32-be'))
    return Set(tag, inner, _string(_PRINTABLE, language))


def _read_universal(node):
    bmp, language = node.find(_BMP), _text(node.find(_PRINTABLE))
    text = bmp.string().decode('utf-16-be') if bmp is not None else \
        node.find(_UNIVERSAL).string().decode('utf-32-be')
    return text if language is None else (text, language)


_NAMES = ('S', 'G', 'I', 'GQ')


def _personal(write, tag=_SET):
    return lambda names: Set(tag, *(
        None if names.get(key) is None else write(names[key], 0x80 | n)
        for n, key in enumerate(_NAMES)))


def _read_personal(read):
    return lambda node: {key: read(node.find(0x80 | n))
                         for n, key in enumerate(_NAMES)
                         if node.find(0x80 | n) is not None}


def _list(write, read):
    return (lambda values: Seq(_SEQUENCE, *map(write, values)),
            lambda node: [read(child) for child in node.children])


def _pairs(write, read):
    return _list(lambda pair: Seq(_SEQUENCE, *map(write, pair)),
                 lambda node: tuple(read(c) for c in node.children))


def _pds(value):
    """PDSParameter of a text, or of (printable, teletex)."""
    printable, teletex = (value, None) if isinstance(value, str) else value
    return Set(_SET, _string(_PRINTABLE, printable),
               _string(_TELETEX, teletex))


def _read_pds(node):
    printable = _text(node.find(_PRINTABLE))
    teletex = _text(node.find(_TELETEX))
    return printable if teletex is None else (printable, teletex)


def _unformatted(value):
    """UnformattedPostalAddress of (lines, teletex)."""
    lines, teletex = value
    return Set(_SET, None if lines is None else Seq(_SEQUENCE, *(
        _string(_PRINTABLE, line) for line in lines)),
        _string(_TELETEX, teletex))


def _read_unformatted(node):
    lines = node.find(_SEQUENCE)
    return (None if lines is None else [_text(c) for c in lines.children],
            _text(node.find(_TELETEX)))


def _network(value):
    """ExtendedNetworkAddress of (number, sub-address or None), or of a dict
    of p, s, t and n: a presentation address."""
    if isinstance(value, dict):
        return Seq(0x80, *(
            None if value.get(key) is None else Seq(0x80 | n, Str(
                _OCTETS, value[key])) for n, key in enumerate('pst')),
            Seq(0x83, Set(_SET, *(Str(_OCTETS, n) for n in value['n']))))
    return Seq(_SEQUENCE, _string(0x80, value[0]), _string(0x81, value[1]))


def _read_network(node):
    if node.tag == 0x80:
        out = {key: node.find(0x80 | n).children[0].string()
               for n, key in enumerate('pst') if node.find(0x80 | n)}
        out['n'] = [c.string() for c in node.find(0x83).children[0].children]
        return out
    return _text(node.find(0x80)), _text(node.find(0x81))


_PDS_NAMES = ('physical-delivery-office-name',
              'physical-delivery-office-number',
              'extension-OR-address-components',
              'physical-delivery-personal-name',
              'physical-delivery-organization-name',
              'extension-physical-delivery-address-components')
_PDS_MORE = ('street-address', 'post-office-box-address',
             'poste-restante-address', 'unique-postal-name',
             'local-postal-attributes')
_printable, _teletex = _strings_of(_PRINTABLE), _strings_of(_TELETEX)
_big = (_universal, _read_universal)

# number: (name, (write, read))
ATTRIBUTES = {
    1: ('common-name', _printable), 2: ('teletex-common-name', _teletex),
    3: ('teletex-organization-name', _teletex),
    4: ('teletex-personal-name', (
        _personal(lambda v, tag: _string(tag, v)), _read_personal(_text))),
    5: ('teletex-organizational-unit-names', _list(*_teletex)),
    6: ('teletex-domain-defined-attributes', _pairs(*_teletex)),
    7: ('pds-name', _printable),
    8: ('physical-delivery-country-name', (_choice, _text)),
    9: ('postal-code', (_choice, _text)),
    16: ('unformatted-postal-address', (_unformatted, _read_unformatted)),
    22: ('extended-network-address', (_network, _read_network)),
    23: ('terminal-type', (integer, _number)),
    24: ('universal-common-name', _big),
    25: ('universal-organization-name', _big),
    26: ('universal-personal-name', (
        _personal(_universal), _read_personal(_read_universal))),
    27: ('universal-organizational-unit-names', _list(*_big)),
    28: ('universal-domain-defined-attributes', _pairs(*_big)),
    35: ('universal-unformatted-postal-address', _big),
}
for _first, _names in ((10, _PDS_NAMES), (17, _PDS_MORE)):
    for _n, _name in enumerate(_names):
        ATTRIBUTES[_first + _n] = _name, (_pds, _read_pds)
        ATTRIBUTES[_first + _n + 19] = 'universal-' + _name, _big
_ATTRIBUTE_NUMBERS = {name: n for n, (name, _) in ATTRIBUTES.items()}


# O/R names, domains, identifiers.


def orname(names, tag=0x40):
    """ORName of a dict; under another tag, or (0x10) an ORAddress."""
    standard = Seq(
        _SEQUENCE,
        None if names.get('C') is None else Seq(0x41, _choice(names['C'])),
        None if names.get('ADMD') is None else
        Seq(0x42, _choice(names['ADMD'])),
        _string(0x80, names.get('X121')), _string(0x81, names.get('TERMINAL')),
        None if names.get('PRMD') is None else
        Seq(0x82, _choice(names['PRMD'])),
        _string(0x83, names.get('O')), _string(0x84, names.get('UAID')),
        None if names.get('S') is None else Set(0x85, *(
            _string(0x80 | n, names.get(key))
            for n, key in enumerate(_NAMES))),
        Seq(0x86, *(_string(_PRINTABLE, u) for u in names['OU']))
        if names.get('OU') else None)
    defined = Seq(_SEQUENCE, *(
        Seq(_SEQUENCE, _string(_PRINTABLE, kind), _string(_PRINTABLE, value))
        for kind, value in names['DDA'])) if names.get('DDA') else None
    extended = []
    if names.get('CN') is not None:
        extended.append((1, _string(_PRINTABLE, names['CN'])))
    for key, value in (names.get('ext') or {}).items():
        number = key if isinstance(key, int) else _ATTRIBUTE_NUMBERS[key]
        if not isinstance(value, (bytes, Prim, Seq)):
            value = ATTRIBUTES[number][1][0](value)
        extended.append((number, value))
    attributes = Set(_SET, *(
        Seq(_SEQUENCE, integer(number, 0x80), Seq(0x81, value))
        for number, value in extended)) if extended else None
    return Seq(tag, standard, defined, attributes,
               None if names.get('DN') is None else Seq(0x80, names['DN']))


def read_orname(node):
    out = {}
    parts = list(node.children)
    if not parts or parts[0].tag != _SEQUENCE:
        raise BerError('O/R name without standard attributes')
    for child in parts.pop(0).children:
        tag = child.tag
        if tag in (0x41, 0x42, 0x82):
            out[{0x41: 'C', 0x42: 'ADMD', 0x82: 'PRMD'}[tag]] = _chosen(child)
        elif tag in (0x80, 0x81, 0x83, 0x84):
            out[{0x80: 'X121', 0x81: 'TERMINAL', 0x83: 'O',
                 0x84: 'UAID'}[tag]] = _text(child)
        elif tag == 0x85:
            out.update(_read_personal(_text)(child))
        elif tag == 0x86:
            out['OU'] = [_text(unit) for unit in child.children]
        else:
            raise BerError('standard attribute with tag %x' % tag)
    if parts and parts[0].tag == _SEQUENCE:
        out['DDA'] = [tuple(map(_text, pair.children))
                      for pair in parts.pop(0).children]
    if parts and parts[0].tag == _SET:
        for item in parts.pop(0).children:
            number = _number(item.find(0x80))
            value = item.find(0x81).children[0]
            if number == 1:
                out['CN'] = _text(value)
            elif number in ATTRIBUTES:
                name, (_, read) = ATTRIBUTES[number]
                out.setdefault('ext', {})[name] = read(value)
            else:
                out.setdefault('ext', {})[number] = value.raw
    if parts and parts[0].tag == 0x80:
        out['DN'] = parts.pop(0).children[0].raw
    if parts:
        raise BerError('O/R name with tag %x' % parts[0].tag)
    return out


def domain_identifier(domain, tag=0x43):
    return Seq(tag, Seq(0x41, _choice(domain[0])),
               Seq(0x42, _choice(domain[1])),
               *(_choice(d) for d in domain[2:]))


def read_domain(node):
    if not 2 <= len(node.children) <= 3 or \
            [c.tag for c in node.children[:2]] != [0x41, 0x42]:
        raise BerError('bad domain %s' % node.raw.hex())
    return (_chosen(node.children[0]), _chosen(node.children[1])) + \
        tuple(map(_text, node.children[2:]))


def mts_identifier(identifier):
    return Seq(0x44, domain_identifier(identifier[0]),
               _string(_IA5, identifier[1]))


def read_identifier(node):
    if node is None or node.tag != 0x44 or len(node.children) != 2:
        raise BerError('bad MTS identifier')
    return read_domain(node.children[0]), _text(node.children[1])


def encoded_types(types, tag=0x45):
    """EncodedInformationTypes of bits, or of a dict: types, g3, external."""
    if types is None:
        return None
    if isinstance(types, str):
        types = {'types': types}
    return Set(tag, bits(types.get('types', ''), 0x80),
               None if types.get('g3') is None else bits(types['g3'], 0x81),
               Set(0x84, *map(oid, types['external']))
               if types.get('external') else None)


def read_types(node):
    if node is None:
        return None
    basic, g3, external = (node.find(t) for t in (0x80, 0x81, 0x84))
    text = '' if basic is None else basic.bits()
    if g3 is None and external is None:
        return text
    out = {'types': text}
    if g3 is not None:
        out['g3'] = g3.bits()
    if external is not None:
        out['external'] = [c.oid() for c in external.children]
    return out


def _content_type(value):
    return oid(value) if isinstance(value, str) else _optional(0x46, value)


def _read_content_type(node):
    found = node.find(0x46)
    if found is not None:
        return found.integer()
    found = node.find(_OID)
    return None if found is None else found.oid()


# Trace: (domain, supplied), and of MTAs (domain, MTA name, supplied);
# supplied has arrival, action, attempted (or previous), deferred, converted,
# other (bits: redirected, DL operation).

def _supplied(supplied):
    attempted = supplied.get('attempted', supplied.get('previous'))
    if attempted is not None:
        attempted = _string(_IA5, attempted) \
            if isinstance(attempted, str) else domain_identifier(attempted)
    return Set(_SET, _string(0x80, supplied['arrival']),
               integer(supplied.get('action', 0), 0x82), attempted,
               _string(0x81, supplied.get('deferred')),
               encoded_types(supplied.get('converted')),
               bits(supplied['other'], 0x83) if 'other' in supplied else None)


def _read_supplied(node):
    out = {'arrival': _text(node.find(0x80)),
           'action': _number(node.find(0x82))}
    if out['arrival'] is None or out['action'] is None:
        raise BerError('bad trace %s' % node.raw.hex())
    for key, tag, read in (
            ('previous', 0x43, read_domain), ('attempted', _IA5, _text),
            ('deferred', 0x81, _text), ('converted', 0x45, read_types),
            ('other', 0x83, ber.Node.bits)):
        found = node.find(tag)
        if found is not None:
            out[key] = read(found)
    return out


def trace_information(rows, tag=0x49):
    return None if rows is None else Seq(tag, *(
        Seq(_SEQUENCE, domain_identifier(domain), _supplied(supplied))
        for domain, supplied in rows))


def read_trace(node):
    return None if node is None else [
        (read_domain(row.children[0]), _read_supplied(row.children[1]))
        for row in node.children]


def _read_internal(node):
    return [(read_domain(row.children[0]), _text(row.children[1]),
             _read_supplied(row.children[2])) for row in node.children]


# Extensions.

FOR_SUBMISSION, FOR_TRANSFER, FOR_DELIVERY = '1', '01', '001'


class Extension:
    """type: a number, or the text of a private one's OBJECT IDENTIFIER;
    value: a tree or octets, None if it is absent (NULL); criticality: bits.
    read() is the value as its constructor takes it."""

    def __init__(self, type, value=None, criticality=''):
        self.type = type
        self.value = value
        self.criticality = criticality

    def tree(self):
        return Seq(_SEQUENCE, integer(self.type, 0x80)
                   if isinstance(self.type, int) else oid(self.type, 0x83),
                   bits(self.criticality, 0x81) if self.criticality else None,
                   None if self.value is None else Seq(0x82, self.value))

    @classmethod
    def from_node(cls, node):
        members = list(node.children)
        kind = members.pop(0) if members else None
        if kind is None or kind.tag not in (0x80, 0x83):
            raise BerError('bad extension %s' % node.raw.hex())
        new = cls(kind.integer() if kind.tag == 0x80 else
                  ber.Node.oid(kind))
        for member in members:
            if member.tag == 0x81:
                new.criticality = member.bits()
            elif member.tag == 0x82 and len(member.children) == 1:
                new.value = member.children[0].raw
            else:
                raise BerError('bad extension %s' % node.raw.hex())
        return new

    def octets(self):
        """The encoding of the value."""
        return self.value if isinstance(self.value, (bytes, type(None))) \
            else self.value.encode()

    def read(self):
        octets = self.octets()
        if octets is None:
            return None
        read = _EXTENSIONS.get(self.type)
        return read(ber.parse(octets)) if read else octets

    def critical(self, for_what=FOR_TRANSFER):
        return len(self.criticality) >= len(for_what) and \
            self.criticality[len(for_what) - 1] == '1'

    def __eq__(self, other):
        return (self.type, self.criticality, self.octets()) == \
            (other.type, other.criticality, other.octets())

    def __repr__(self):
        return 'Extension(%r, %r, %r)' % (self.type, self.read(),
                                          self.criticality)


def _enumerated(n):
    return integer(n, _ENUMERATED)


def recipient_reassignment_prohibited(n=1, criticality=FOR_DELIVERY):
    return Extension(1, _enumerated(n), criticality)


def originator_requested_alternate_recipient(names, criticality=''):
    return Extension(2, orname(names), criticality)


def dl_expansion_prohibited(n=1, criticality=FOR_DELIVERY):
    return Extension(3, _enumerated(n), criticality)


def conversion_with_loss_prohibited(n=1, criticality=FOR_DELIVERY):
    return Extension(4, _enumerated(n), criticality)


def latest_delivery_time(when, criticality=FOR_DELIVERY):
    return Extension(5, _string(_UTC, when), criticality)


def requested_delivery_method(methods, criticality=''):
    return Extension(6, Seq(_SEQUENCE, *map(integer, methods)), criticality)


def physical_delivery_modes(text, criticality=FOR_DELIVERY):
    return Extension(9, bits(text), criticality)


def originator_return_address(names, criticality=''):
    return Extension(13, orname(names, _SEQUENCE), criticality)


def message_security_label(policy=None, classification=None, mark=None,
                           criticality=FOR_DELIVERY):
    return Extension(20, Set(
        _SET, None if policy is None else oid(policy),
        _optional(_INTEGER, classification), _string(_PRINTABLE, mark)),
        criticality)


def proof_of_delivery_request(n=1, criticality=FOR_DELIVERY):
    return Extension(22, _enumerated(n), criticality)


def content_correlator(value, criticality=''):
    """An IA5String of a text, an OCTET STRING of octets."""
    return Extension(23, _string(_IA5, value) if isinstance(value, str)
                     else Str(_OCTETS, value), criticality)


def redirection_history(rows, criticality=''):
    """rows: (O/R name, time, reason)."""
    return Extension(25, Seq(_SEQUENCE, *(
        Seq(_SEQUENCE, Seq(_SEQUENCE, orname(names), _string(_UTC, when)),
            _enumerated(reason)) for names, when, reason in rows)),
        criticality)


def _history(number, rows, criticality):
    return Extension(number, Seq(_SEQUENCE, *(
        Seq(_SEQUENCE, orname(names), _string(_UTC, when))
        for names, when in rows)), criticality)


def dl_expansion_history(rows, criticality=''):
    """rows: (O/R name, time)."""
    return _history(26, rows, criticality)


def originator_and_dl_expansion_history(rows, criticality=''):
    """rows: (O/R name, time)."""
    return _history(30, rows, criticality)


def reporting_dl_name(names, criticality=''):
    return Extension(31, orname(names), criticality)


def internal_trace_information(rows, criticality=''):
    """rows: (domain, MTA name, supplied)."""
    return Extension(38, Seq(_SEQUENCE, *(
        Seq(_SEQUENCE, domain_identifier(domain), _string(_IA5, mta),
            _supplied(supplied)) for domain, mta, supplied in rows)),
        criticality)


def reporting_mta_name(domain, mta, criticality=''):
    return Extension(39, Seq(_SEQUENCE, domain_identifier(domain),
                             _string(_IA5, mta)), criticality)


def dl_exempted_recipients(recipients, criticality=''):
    return Extension(42, Set(_SET, *map(orname, recipients)), criticality)


def unknown(criticality='', type=32000, value=None):
    """One that nobody knows: a number, or an OBJECT IDENTIFIER."""
    return Extension(type, value, criticality)


_EXTENSIONS = {
    2: read_orname, 5: _text, 9: ber.Node.bits, 12: ber.Node.oid,
    11: _text, 10: _number, 14: _number,
    6: lambda node: [c.integer() for c in node.children],
    13: read_orname, 31: read_orname,
    20: lambda node: (
        node.find(_OID) and node.find(_OID).oid(),
        _number(node.find(_INTEGER)), _text(node.find(_PRINTABLE))),
    23: lambda node: _text(node) if node.tag == _IA5 else node.string(),
    25: lambda node: [
        (read_orname(row.children[0].children[0]),
         _text(row.children[0].children[1]), row.children[1].integer())
        for row in node.children],
    38: _read_internal,
    37: read_trace,
    39: lambda node: (read_domain(node.children[0]),
                      _text(node.children[1])),
    42: lambda node: [read_orname(c) for c in node.children],
}
_EXTENSIONS.update((n, _number) for n in (1, 3, 4, 7, 8, 21, 22))
_EXTENSIONS.update((n, lambda node: [
    (read_orname(row.children[0]), _text(row.children[1]))
    for row in node.children]) for n in (26, 30))


def _extensions(tag, extensions):
    return Set(tag, *(e.tree() for e in extensions)) if extensions else None


def _read_extensions(node, tag):
    found = node.find(tag)
    return [] if found is None else [Extension.from_node(c)
                                     for c in found.children]


# MTS-APDUs.

def _trace_or_new(trace, domain):
    return trace_information([(domain, {'arrival': utc_time()})]
                             if trace is None else trace)


def _recipients(recipients):
    return Seq(0x82, *(Set(
        _SET, orname(names), integer(names.get('extension', n + 1), 0x80),
        bits(names.get('flag', '10010000'), 0x81),
        _optional(0x82, names.get('conversion')),
        _extensions(0x83, names.get('extensions')))
        for n, names in enumerate(recipients)))


def _bilateral(rows):
    """rows: (domain, octets of any value)."""
    if not rows:
        return None
    out = []
    for domain, value in rows:
        admd = Seq(0x42, _choice(domain[1])) if len(domain) == 2 else Seq(
            _SEQUENCE, Seq(0x80, _choice(domain[1])),
            Seq(0x81, _choice(domain[2])))
        out.append(Seq(_SEQUENCE, Seq(0x41, _choice(domain[0])), admd, value))
    return Seq(0x81, *out)


def _read_bilateral(node):
    out = []
    for row in node.children if node is not None else ():
        country, admd, value = row.children
        domain = (_chosen(country),) + (
            (_chosen(admd),) if admd.tag == 0x42 else
            tuple(_chosen(child) for child in admd.children))
        out.append((domain, value.raw))
    return out


def envelope(originator, recipients, domain, identifier=None,
             content_type=P22, ua_content_id=None, priority=None, flag=None,
             deferred=None, types=None, trace=None, bilateral=None,
             extensions=()):
    """MessageTransferEnvelope."""
    return Set(
        _SET, mts_identifier(identifier or new_identifier(domain)),
        orname(originator), encoded_types(types),
        _content_type(content_type), _string(0x4a, ua_content_id),
        _optional(0x47, priority), None if flag is None else bits(flag, 0x48),
        _string(0x80, deferred), _bilateral(bilateral),
        _recipients(recipients), _trace_or_new(trace, domain),
        _extensions(0x83, extensions))


def user_mpdu(originator, recipients, content, domain, form=ber.DER, **kw):
    """Octets of a Message.  An int for the content makes a Pattern: that
    many octets of content, held by nobody."""
    head = envelope(originator, recipients, domain, **kw)
    if isinstance(content, int):
        head = head.encode()
        size = ber.DER.length(content)
        inner = len(head) + 1 + len(size) + content
        prefix = b'\xa0' + ber.DER.length(inner) + head + b'\x04' + size
        return Pattern(len(prefix) + content, prefix)
    return Seq(0x80, head, Str(_OCTETS, content)).encode(form)


def probe_mpdu(originator, recipients, domain, identifier=None,
               content_type=P22, content_length=None, ua_content_id=None,
               flag=None, types=None, trace=None, bilateral=None,
               extensions=(), form=ber.DER):
    """Octets of a Probe."""
    return Set(
        0x82, mts_identifier(identifier or new_identifier(domain)),
        orname(originator), encoded_types(types),
        _content_type(content_type), _string(0x4a, ua_content_id),
        _optional(0x80, content_length),
        None if flag is None else bits(flag, 0x48), _bilateral(bilateral),
        _recipients(recipients), _trace_or_new(trace, domain),
        _extensions(0x83, extensions)).encode(form)


def _report_type(names):
    if 'delivery' in names:
        return Set(0x80, _string(0x80, names['delivery']),
                   _optional(0x81, names.get('typeOfUA')))
    return Set(0x81, integer(names['reason'], 0x80),
               _optional(0x81, names.get('diagnostic')))


def delivery_report_mpdu(originator, original, recipients, domain,
                         identifier=None, trace=None, intermediate=None,
                         ua_content_id=None, returned=None, content_type=None,
                         types=None, extensions=(), content_extensions=(),
                         additional=None, form=ber.DER):
    """Octets of a Report.  As p1.delivery_report_mpdu(); recipients may have
    converted and extensions; extensions are those of the envelope."""
    head = Set(_SET, mts_identifier(identifier or new_identifier(domain)),
               orname(originator), _trace_or_new(trace, domain),
               _extensions(0x81, extensions))
    rows = [Set(
        _SET, orname(names, 0x80), integer(names.get('extension', n + 1),
                                           0x81),
        bits(names.get('flag', '10010000'), 0x82),
        Set(0x83, _string(0x80, names['arrival']),
            encoded_types(names.get('converted')),
            Seq(0x81, _report_type(names))),
        None if 'intended' not in names else orname(names['intended'], 0x84),
        _string(0x85, names.get('supplementary')),
        _extensions(0x86, names.get('extensions')))
        for n, names in enumerate(recipients)]
    content = Set(
        _SET, mts_identifier(original), trace_information(intermediate),
        encoded_types(types), _content_type(content_type),
        _string(0x4a, ua_content_id), Seq(0x80, *rows),
        None if returned is None else Str(0x81, returned),
        None if additional is None else Seq(0x82, additional),
        _extensions(0x83, content_extensions))
    return Seq(0x81, head, content).encode(form)


# And back.

class Mpdu:
    """As p1.Mpdu, and extensions, content_extensions, bilateral, additional
    of 1988."""

    content_type = ua_content_id = deferred = types = content = None
    original = intermediate = returned = content_length = None
    additional = None
    priority, flag = NORMAL, ''

    def values(self):
        return dict(vars(self))

    def extension(self, type):
        """The value of one, None if it is not there."""
        for extension in self.extensions:
            if extension.type == type:
                return extension.read()
        return None


def _one(node, tag):
    """A member that has to be there."""
    found = [child for child in node.children if child.tag == tag]
    if len(found) != 1:
        raise BerError('%d members with tag %x' % (len(found), tag))
    return found[0]


def _read_recipients(node):
    out = []
    for item in node.children:
        row = read_orname(_one(item, 0x40))
        row['extension'] = _one(item, 0x80).integer()
        row['flag'] = _one(item, 0x81).bits()
        if item.find(0x82) is not None:
            row['conversion'] = item.find(0x82).integer()
        if item.find(0x83) is not None:
            row['extensions'] = _read_extensions(item, 0x83)
        out.append(row)
    return out


def _read_reported(node):
    out = []
    for item in node.children:
        row = read_orname(_one(item, 0x80))
        row['extension'] = _one(item, 0x81).integer()
        row['flag'] = _one(item, 0x82).bits()
        last = _one(item, 0x83)
        row['arrival'] = _text(_one(last, 0x80))
        if last.find(0x45) is not None:
            row['converted'] = read_types(last.find(0x45))
        report = _one(last, 0x81).children[0]
        if report.tag == 0x80:
            row['delivery'] = _text(_one(report, 0x80))
            row['typeOfUA'] = _number(report.find(0x81)) or 0
        else:
            row['reason'] = _one(report, 0x80).integer()
            if report.find(0x81) is not None:
                row['diagnostic'] = report.find(0x81).integer()
        if item.find(0x84) is not None:
            row['intended'] = read_orname(item.find(0x84))
        if item.find(0x85) is not None:
            row['supplementary'] = _text(item.find(0x85))
        if item.find(0x86) is not None:
            row['extensions'] = _read_extensions(item, 0x86)
        out.append(row)
    return out


_KINDS = {0x80: 'user', 0x81: 'report', 0x82: 'probe'}


def decode(octets):
    """The Mpdu that octets are.  Raises BerError."""
    node = ber.parse(octets)
    if node.tag not in _KINDS:
        raise BerError('no MTS-APDU: tag %x' % node.tag)
    mpdu = Mpdu()
    mpdu.kind = _KINDS[node.tag]
    try:
        head = node if mpdu.kind == 'probe' else node.children[0]
        _decode(mpdu, node, head)
    except (IndexError, AttributeError, ValueError) as error:
        raise BerError('bad MTS-APDU: %s' % error) from None
    return mpdu


def _decode(mpdu, node, head):
    mpdu.identifier = read_identifier(_one(head, 0x44))
    mpdu.originator = read_orname(_one(head, 0x40))
    mpdu.trace = read_trace(_one(head, 0x49))
    fields = node.children[1] if mpdu.kind == 'report' else head
    mpdu.types = read_types(fields.find(0x45))
    mpdu.content_type = _read_content_type(fields)
    mpdu.ua_content_id = _text(fields.find(0x4a))
    if mpdu.kind == 'report':
        mpdu.extensions = _read_extensions(head, 0x81)
        mpdu.content_extensions = _read_extensions(fields, 0x83)
        mpdu.original = read_identifier(_one(fields, 0x44))
        mpdu.intermediate = read_trace(fields.find(0x49))
        mpdu.recipients = _read_reported(_one(fields, 0x80))
        if fields.find(0x81) is not None:
            mpdu.returned = fields.find(0x81).string()
        if fields.find(0x82) is not None:
            mpdu.additional = fields.find(0x82).children[0].raw
        return
    mpdu.extensions = _read_extensions(head, 0x83)
    mpdu.bilateral = _read_bilateral(head.find(0x81))
    mpdu.recipients = _read_recipients(_one(head, 0x82))
    if head.find(0x48) is not None:
        mpdu.flag = head.find(0x48).bits()
    if mpdu.kind == 'probe':
        mpdu.content_length = _number(head.find(0x80))
        return
    mpdu.priority = _number(head.find(0x47)) or NORMAL
    mpdu.deferred = _text(head.find(0x80))
    mpdu.content = node.children[1].string()


def encode(mpdu, form=ber.DER):
    """An Mpdu that was decoded, again as octets."""
    common = dict(identifier=mpdu.identifier, trace=mpdu.trace,
                  extensions=mpdu.extensions, types=mpdu.types,
                  ua_content_id=mpdu.ua_content_id,
                  content_type=mpdu.content_type, form=form)
    domain = mpdu.identifier[0]
    if mpdu.kind == 'report':
        return delivery_report_mpdu(
            mpdu.originator, mpdu.original, mpdu.recipients, domain,
            intermediate=mpdu.intermediate, returned=mpdu.returned,
            content_extensions=mpdu.content_extensions,
            additional=mpdu.additional, **common)
    common.update(flag=mpdu.flag or None, bilateral=mpdu.bilateral)
    if mpdu.kind == 'probe':
        return probe_mpdu(mpdu.originator, mpdu.recipients, domain,
                          content_length=mpdu.content_length, **common)
    return user_mpdu(mpdu.originator, mpdu.recipients, mpdu.content, domain,
                     priority=mpdu.priority or None, deferred=mpdu.deferred,
                     **common)
