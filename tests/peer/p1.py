# SPDX-License-Identifier: ISC
"""X.411-1984: the MPDUs of P1, with pyasn1.

user_mpdu(), delivery_report_mpdu(), probe_mpdu() make octets from Python
values; decode() makes an Mpdu of octets in any BER form.  O/R names are
dicts: C ADMD X121 TERMINAL PRMD O UAID S G I GQ OU (list) DDA (list of
pairs); domains are tuples (country, ADMD) or (country, ADMD, PRMD); times
are UTCTime strings.
"""

import itertools
import os
import time

from pyasn1.codec.ber import decoder, encoder
from pyasn1.error import PyAsn1Error
from pyasn1.type import char, namedtype, tag, univ, useful

from . import ber
from .store import Pattern

NORMAL, NON_URGENT, URGENT = 0, 1, 2
P2 = 2


def _tag(number, cls=tag.tagClassContext, form=tag.tagFormatSimple):
    return tag.Tag(cls, form, number)


def implicit(kind, number):
    return kind.subtype(implicitTag=_tag(number))


def implicit_set(kind, number, cls=tag.tagClassContext):
    return kind.subtype(implicitTag=_tag(number, cls,
                                         tag.tagFormatConstructed))


def explicit(kind, number, cls=tag.tagClassContext):
    return kind.subtype(explicitTag=_tag(number, cls,
                                         tag.tagFormatConstructed))


def application(kind, number):
    return kind.subtype(implicitTag=_tag(number, tag.tagClassApplication))


def fields(*rows):
    """(name, type) is mandatory; (name, type, None) optional; (name, type,
    value) has a DEFAULT, which decoders may find present or absent."""
    out = []
    for row in rows:
        make = namedtype.NamedType if len(row) == 2 \
            else namedtype.OptionalNamedType
        out.append(make(row[0], row[1]))
    return namedtype.NamedTypes(*out)


APP = tag.tagClassApplication


class _NameChoice(univ.Choice):
    componentType = fields(('numeric', char.NumericString()),
                           ('printable', char.PrintableString()))


def CountryName():
    return explicit(_NameChoice(), 1, APP)


def AdministrationDomainName():
    return explicit(_NameChoice(), 2, APP)


class _Personal(univ.Set):
    componentType = fields(
        ('surName', implicit(char.PrintableString(), 0)),
        ('givenName', implicit(char.PrintableString(), 1), None),
        ('initials', implicit(char.PrintableString(), 2), None),
        ('generationQualifier', implicit(char.PrintableString(), 3), None))


class _Units(univ.SequenceOf):
    componentType = char.PrintableString()


class _StandardAttributes(univ.Sequence):
    componentType = fields(
        ('country', CountryName(), None),
        ('admd', AdministrationDomainName(), None),
        ('x121', implicit(char.NumericString(), 0), None),
        ('terminal', implicit(char.PrintableString(), 1), None),
        ('prmd', explicit(_NameChoice(), 2), None),
        ('organization', implicit(char.PrintableString(), 3), None),
        ('uaIdentifier', implicit(char.NumericString(), 4), None),
        ('personal', implicit_set(_Personal(), 5), None),
        ('units', implicit_set(_Units(), 6), None))


class _DomainDefined(univ.Sequence):
    componentType = fields(('type', char.PrintableString()),
                           ('value', char.PrintableString()))


class _DomainDefinedList(univ.SequenceOf):
    componentType = _DomainDefined()


class _ORName(univ.Sequence):
    componentType = fields(('standard', _StandardAttributes()),
                           ('domainDefined', _DomainDefinedList(), None))


def ORName():
    return implicit_set(_ORName(), 0, APP)


class _Domain(univ.Sequence):
    componentType = fields(('country', CountryName()),
                           ('admd', AdministrationDomainName()),
                           ('prmd', _NameChoice(), None))


def GlobalDomainIdentifier():
    return implicit_set(_Domain(), 3, APP)


class _MPDUIdentifier(univ.Sequence):
    componentType = fields(('domain', GlobalDomainIdentifier()),
                           ('local', char.IA5String()))


def MPDUIdentifier():
    return implicit_set(_MPDUIdentifier(), 4, APP)


class _NotEmpty(univ.Set):
    """A SET with nothing but OPTIONAL members, that is absent when none is
    there: pyasn1 would encode it empty."""

    @property
    def isValue(self):
        return super().isValue and any(
            value is not univ.noValue and value.isValue
            for value in self._componentValues)


class _Teletex(_NotEmpty):
    componentType = fields(
        ('graphicCharacterSets', implicit(char.T61String(), 0), None),
        ('controlCharacterSets', implicit(char.T61String(), 1), None),
        ('pageFormats', implicit(univ.OctetString(), 2), None),
        ('miscTerminalCapabilities', implicit(char.T61String(), 3), None),
        ('privateUse', implicit(univ.OctetString(), 4), None))


class _EncodedTypes(_NotEmpty):
    # EAN of 1985 sent a BIT STRING with its universal tag.
    componentType = fields(
        ('types', implicit(univ.BitString(), 0), None),
        ('ean', univ.BitString(), None),
        ('g3', implicit(univ.BitString(), 1), None),
        ('teletex', implicit_set(_Teletex(), 2), None))


def EncodedInformationTypes():
    return implicit_set(_EncodedTypes(), 5, APP)


class _DomainSupplied(univ.Set):
    componentType = fields(
        ('arrival', implicit(useful.UTCTime(), 0)),
        ('deferred', implicit(useful.UTCTime(), 1), None),
        ('action', implicit(univ.Integer(), 2)),
        ('converted', EncodedInformationTypes(), None),
        ('previous', GlobalDomainIdentifier(), None))


class _TraceElement(univ.Sequence):
    componentType = fields(('domain', GlobalDomainIdentifier()),
                           ('supplied', _DomainSupplied()))


class _Trace(univ.SequenceOf):
    componentType = _TraceElement()


def TraceInformation():
    return implicit_set(_Trace(), 9, APP)


class _Bilateral(univ.Sequence):
    componentType = fields(('country', CountryName()),
                           ('admd', AdministrationDomainName()),
                           ('information', univ.Any()))


class _BilateralList(univ.SequenceOf):
    componentType = _Bilateral()


class _Recipient(univ.Set):
    componentType = fields(
        ('recipient', ORName()),
        ('extension', implicit(univ.Integer(), 0)),
        ('flag', implicit(univ.BitString(), 1)),
        ('explicitConversion', implicit(univ.Integer(), 2), None))


class _Recipients(univ.SequenceOf):
    componentType = _Recipient()


def ContentType():
    return application(univ.Integer(), 6)


def Priority():
    return application(univ.Integer(), 7)


def PerMessageFlag():
    return application(univ.BitString(), 8)


def UAContentID():
    return application(char.PrintableString(), 10)


class UMPDUEnvelope(univ.Set):
    componentType = fields(
        ('identifier', MPDUIdentifier()),
        ('originator', ORName()),
        ('original', EncodedInformationTypes(), None),
        ('contentType', ContentType()),
        ('uaContentID', UAContentID(), None),
        ('priority', Priority(), NORMAL),
        ('flag', PerMessageFlag(), ()),
        ('deferred', implicit(useful.UTCTime(), 0), None),
        ('bilateral', implicit_set(_BilateralList(), 1), None),
        ('recipients', implicit_set(_Recipients(), 2)),
        ('trace', TraceInformation()))


class _UserMPDU(univ.Sequence):
    componentType = fields(('envelope', UMPDUEnvelope()),
                           ('content', univ.OctetString()))


class _ReportEnvelope(univ.Set):
    componentType = fields(('identifier', MPDUIdentifier()),
                           ('originator', ORName()),
                           ('trace', TraceInformation()))


class _Delivered(univ.Set):
    componentType = fields(('delivery', implicit(useful.UTCTime(), 0)),
                           ('typeOfUA', implicit(univ.Integer(), 1), 0))


class _NonDelivered(univ.Set):
    componentType = fields(('reason', implicit(univ.Integer(), 0)),
                           ('diagnostic', implicit(univ.Integer(), 1), None))


class _Report(univ.Choice):
    componentType = fields(('delivered', implicit_set(_Delivered(), 0)),
                           ('nonDelivered', implicit_set(_NonDelivered(), 1)))


class _LastTrace(univ.Set):
    componentType = fields(('arrival', implicit(useful.UTCTime(), 0)),
                           ('converted', EncodedInformationTypes(), None),
                           ('report', explicit(_Report(), 1)))


class _Reported(univ.Set):
    componentType = fields(
        ('recipient', implicit_set(_ORName(), 0)),
        ('extension', implicit(univ.Integer(), 1)),
        ('flag', implicit(univ.BitString(), 2)),
        ('lastTrace', implicit_set(_LastTrace(), 3)),
        ('intended', implicit_set(_ORName(), 4), None),
        ('supplementary', implicit(char.PrintableString(), 5), None))


class _ReportedList(univ.SequenceOf):
    componentType = _Reported()


class _ReportContent(univ.Set):
    componentType = fields(
        ('original', MPDUIdentifier()),
        ('intermediate', TraceInformation(), None),
        ('uaContentID', UAContentID(), None),
        ('recipients', implicit_set(_ReportedList(), 0)),
        ('returned', implicit(univ.OctetString(), 1), None),
        ('billing', explicit(univ.Any(), 2), None))


class _DeliveryReportMPDU(univ.Sequence):
    componentType = fields(('envelope', _ReportEnvelope()),
                           ('content', _ReportContent()))


class _Probe(univ.Set):
    componentType = fields(
        ('identifier', MPDUIdentifier()),
        ('originator', ORName()),
        ('contentType', ContentType()),
        ('uaContentID', UAContentID(), None),
        ('original', EncodedInformationTypes(), None),
        ('trace', TraceInformation()),
        ('flag', PerMessageFlag(), ()),
        ('contentLength', implicit(univ.Integer(), 0), None),
        ('bilateral', implicit_set(_BilateralList(), 1), None),
        ('recipients', implicit_set(_Recipients(), 2)))


class MPDU(univ.Choice):
    componentType = fields(('user', implicit_set(_UserMPDU(), 0)),
                           ('report', implicit_set(_DeliveryReportMPDU(), 1)),
                           ('probe', implicit_set(_Probe(), 2)))


# Python values to pyasn1 values.

_STANDARD = (('C', 'country'), ('ADMD', 'admd'), ('X121', 'x121'),
             ('TERMINAL', 'terminal'), ('PRMD', 'prmd'),
             ('O', 'organization'), ('UAID', 'uaIdentifier'))
_PERSONAL = (('S', 'surName'), ('G', 'givenName'), ('I', 'initials'),
             ('GQ', 'generationQualifier'))
_CHOICES = ('country', 'admd', 'prmd')


def _choose(value, name, text):
    kind = 'numeric' if text and text.isdigit() else 'printable'
    value[name][kind] = text


def _orname(value, names):
    standard = value['standard']
    standard.clear()
    for key, name in _STANDARD:
        if names.get(key) is None:
            continue
        if name in _CHOICES:
            _choose(standard, name, names[key])
        else:
            standard[name] = names[key]
    if names.get('S') is not None:
        for key, name in _PERSONAL:
            if names.get(key) is not None:
                standard['personal'][name] = names[key]
    for unit in names.get('OU', ()):
        standard['units'].append(unit)
    for kind, text in names.get('DDA', ()):
        item = _DomainDefined()
        item['type'], item['value'] = kind, text
        value['domainDefined'].append(item)


def _domain(value, domain):
    value.clear()
    _choose(value, 'country', domain[0])
    _choose(value, 'admd', domain[1])
    if len(domain) > 2:
        _choose(value, 'prmd', domain[2])


def _identifier(value, identifier):
    _domain(value['domain'], identifier[0])
    value['local'] = identifier[1]


def _types(value, bits):
    value['types'] = "'%s'B" % bits


def _trace(value, trace):
    for domain, supplied in trace:
        item = _TraceElement()
        _domain(item['domain'], domain)
        out = item['supplied']
        out['arrival'] = supplied['arrival']
        out['action'] = supplied.get('action', 0)
        if 'deferred' in supplied:
            out['deferred'] = supplied['deferred']
        if 'converted' in supplied:
            _types(out['converted'], supplied['converted'])
        if 'previous' in supplied:
            _domain(out['previous'], supplied['previous'])
        value.append(item)


def _recipients(value, recipients):
    for number, names in enumerate(recipients):
        item = _Recipient()
        _orname(item['recipient'], names)
        item['extension'] = names.get('extension', number + 1)
        item['flag'] = "'%s'B" % names.get('flag', '10010000')
        if 'conversion' in names:
            item['explicitConversion'] = names['conversion']
        value.append(item)


_sequence = itertools.count(1)


def utc_time(seconds=None):
    return time.strftime('%y%m%d%H%M%SZ', time.gmtime(seconds))


def new_identifier(domain):
    """An MPDU identifier that nobody used before."""
    return domain, '%s.%x.%x' % (utc_time(), os.getpid(), next(_sequence))


def _common(value, originator, domain, identifier, trace):
    identifier = identifier or new_identifier(domain)
    _identifier(value['identifier'], identifier)
    _orname(value['originator'], originator)
    if trace is None:
        trace = [(domain, {'arrival': utc_time()})]
    _trace(value['trace'], trace)


def envelope(originator, recipients, domain, identifier=None, content_type=P2,
             ua_content_id=None, priority=None, flag=None, deferred=None,
             types=None, trace=None):
    """A UMPDUEnvelope."""
    value = UMPDUEnvelope()
    _common(value, originator, domain, identifier, trace)
    value['contentType'] = content_type
    if types is not None:
        _types(value['original'], types)
    if ua_content_id is not None:
        value['uaContentID'] = ua_content_id
    if priority is not None:
        value['priority'] = priority
    if flag is not None:
        value['flag'] = "'%s'B" % flag
    if deferred is not None:
        value['deferred'] = deferred
    _recipients(value['recipients'], recipients)
    return value


def user_mpdu(originator, recipients, content, domain, **kw):
    """Octets of a UserMPDU.  An int for the content makes a Pattern: that
    many octets of content, held by nobody."""
    head = encoder.encode(envelope(originator, recipients, domain, **kw))
    if isinstance(content, int):
        size = ber.DER.length(content)
        inner = len(head) + 1 + len(size) + content
        prefix = b'\xa0' + ber.DER.length(inner) + head + b'\x04' + size
        return Pattern(len(prefix) + content, prefix)
    return ber.Seq(0x80, head, ber.Prim(0x04, content)).encode()


def delivery_report_mpdu(originator, original, recipients, domain,
                         identifier=None, trace=None, intermediate=None,
                         ua_content_id=None, returned=None):
    """Octets of a DeliveryReportMPDU.  originator is that of the message, so
    the report goes to it; recipients are O/R names with arrival, and
    delivery (and typeOfUA) or reason (and diagnostic)."""
    mpdu = MPDU()
    report = mpdu['report']
    _common(report['envelope'], originator, domain, identifier, trace)
    content = report['content']
    _identifier(content['original'], original)
    if intermediate is not None:
        _trace(content['intermediate'], intermediate)
    if ua_content_id is not None:
        content['uaContentID'] = ua_content_id
    for number, names in enumerate(recipients):
        item = _Reported()
        _orname(item['recipient'], names)
        item['extension'] = names.get('extension', number + 1)
        item['flag'] = "'%s'B" % names.get('flag', '10010000')
        last = item['lastTrace']
        last['arrival'] = names['arrival']
        if 'delivery' in names:
            last['report']['delivered']['delivery'] = names['delivery']
            if 'typeOfUA' in names:
                last['report']['delivered']['typeOfUA'] = names['typeOfUA']
        else:
            last['report']['nonDelivered']['reason'] = names['reason']
            if 'diagnostic' in names:
                last['report']['nonDelivered']['diagnostic'] = \
                    names['diagnostic']
        if 'intended' in names:
            _orname(item['intended'], names['intended'])
        if 'supplementary' in names:
            item['supplementary'] = names['supplementary']
        content['recipients'].append(item)
    if returned is not None:
        content['returned'] = returned
    return encoder.encode(mpdu)


def probe_mpdu(originator, recipients, domain, identifier=None,
               content_type=P2, content_length=None, ua_content_id=None,
               flag=None, types=None, trace=None):
    """Octets of a ProbeMPDU."""
    mpdu = MPDU()
    probe = mpdu['probe']
    _common(probe, originator, domain, identifier, trace)
    probe['contentType'] = content_type
    if ua_content_id is not None:
        probe['uaContentID'] = ua_content_id
    if types is not None:
        _types(probe['original'], types)
    if flag is not None:
        probe['flag'] = "'%s'B" % flag
    if content_length is not None:
        probe['contentLength'] = content_length
    _recipients(probe['recipients'], recipients)
    return encoder.encode(mpdu)


# And back.

def _present(value, name):
    member = value.getComponentByName(name, default=None, instantiate=False)
    return member is not None and member.isValue


def _string(value):
    return str(value.getComponent()) if isinstance(value, univ.Choice) \
        else str(value)


def _read_orname(value):
    out = {}
    standard = value['standard']
    for key, name in _STANDARD:
        if _present(standard, name):
            out[key] = _string(standard[name])
    if _present(standard, 'personal'):
        for key, name in _PERSONAL:
            if _present(standard['personal'], name):
                out[key] = str(standard['personal'][name])
    if _present(standard, 'units'):
        out['OU'] = [str(unit) for unit in standard['units']]
    if _present(value, 'domainDefined'):
        out['DDA'] = [(str(d['type']), str(d['value']))
                      for d in value['domainDefined']]
    return out


def _read_domain(value):
    out = (_string(value['country']), _string(value['admd']))
    return out + (_string(value['prmd']),) if _present(value, 'prmd') else out


def _read_identifier(value):
    return _read_domain(value['domain']), str(value['local'])


def _read_bits(value):
    """The bits of a BIT STRING as text, leading zeros among them."""
    return ''.join(str(bit) for bit in value)


def read_trace(value):
    """TraceInformation as a list of (domain, dict)."""
    out = []
    for item in value:
        supplied = item['supplied']
        row = {'arrival': str(supplied['arrival']),
               'action': int(supplied['action'])}
        if _present(supplied, 'deferred'):
            row['deferred'] = str(supplied['deferred'])
        if _present(supplied, 'converted'):
            row['converted'] = _read_bits_of(supplied['converted'])
        if _present(supplied, 'previous'):
            row['previous'] = _read_domain(supplied['previous'])
        out.append((_read_domain(item['domain']), row))
    return out


def _read_bits_of(types):
    for name in ('types', 'ean'):
        if _present(types, name):
            return _read_bits(types[name])
    return ''


def _read_recipients(value):
    out = []
    for item in value:
        row = _read_orname(item['recipient'])
        row['extension'] = int(item['extension'])
        row['flag'] = _read_bits(item['flag'])
        if _present(item, 'explicitConversion'):
            row['conversion'] = int(item['explicitConversion'])
        out.append(row)
    return out


def _read_reported(value):
    out = []
    for item in value:
        row = _read_orname(item['recipient'])
        row['extension'] = int(item['extension'])
        row['flag'] = _read_bits(item['flag'])
        last = item['lastTrace']
        row['arrival'] = str(last['arrival'])
        if _present(last, 'converted'):
            row['converted'] = _read_bits_of(last['converted'])
        kind = last['report'].getName()
        report = last['report'].getComponent()
        if kind == 'delivered':
            row['delivery'] = str(report['delivery'])
            row['typeOfUA'] = int(report['typeOfUA']) \
                if _present(report, 'typeOfUA') else 0
        else:
            row['reason'] = int(report['reason'])
            if _present(report, 'diagnostic'):
                row['diagnostic'] = int(report['diagnostic'])
        if _present(item, 'intended'):
            row['intended'] = _read_orname(item['intended'])
        if _present(item, 'supplementary'):
            row['supplementary'] = str(item['supplementary'])
        out.append(row)
    return out


class Mpdu:
    """kind 'user', 'report' or 'probe'; and what the MPDU has, as Python
    values: identifier originator recipients trace content_type ua_content_id
    priority flag deferred types content; original intermediate returned
    (report); content_length (probe).  value is that of pyasn1, values() all
    the others."""

    content_type = ua_content_id = deferred = types = content = None
    original = intermediate = returned = content_length = None
    priority, flag = NORMAL, ''

    def values(self):
        return {k: v for k, v in vars(self).items() if k != 'value'}


_SIMPLE = (('contentType', 'content_type', int),
           ('uaContentID', 'ua_content_id', str),
           ('priority', 'priority', int), ('flag', 'flag', _read_bits),
           ('deferred', 'deferred', str), ('original', 'types',
                                           _read_bits_of),
           ('contentLength', 'content_length', int))


def decode_as(octets, spec):
    """The value of a type.  Raises PyAsn1Error."""
    try:
        value, rest = decoder.decode(octets, asn1Spec=spec)
    except PyAsn1Error:
        # It takes no OCTET STRING as segment of another string.
        value, rest = decoder.decode(ber.flatten(octets), asn1Spec=spec)
    if rest:
        raise PyAsn1Error('%d octets after the value' % len(rest))
    return value


def decode(octets):
    """The Mpdu that octets are.  Raises PyAsn1Error."""
    value = decode_as(octets, MPDU())
    mpdu = Mpdu()
    mpdu.value = value
    mpdu.kind = value.getName()
    inner = value.getComponent()
    head = inner if mpdu.kind == 'probe' else inner['envelope']
    mpdu.identifier = _read_identifier(head['identifier'])
    mpdu.originator = _read_orname(head['originator'])
    mpdu.trace = read_trace(head['trace'])
    if mpdu.kind == 'report':
        content = inner['content']
        mpdu.original = _read_identifier(content['original'])
        if _present(content, 'intermediate'):
            mpdu.intermediate = read_trace(content['intermediate'])
        if _present(content, 'uaContentID'):
            mpdu.ua_content_id = str(content['uaContentID'])
        mpdu.recipients = _read_reported(content['recipients'])
        if _present(content, 'returned'):
            mpdu.returned = bytes(content['returned'])
        return mpdu
    mpdu.recipients = _read_recipients(head['recipients'])
    for name, attribute, convert in _SIMPLE:
        if name in head and _present(head, name):
            setattr(mpdu, attribute, convert(head[name]))
    if mpdu.kind == 'user':
        mpdu.content = bytes(inner['content'])
    return mpdu


def encode(mpdu):
    """An Mpdu that was decoded, again as octets."""
    return encoder.encode(mpdu.value)
