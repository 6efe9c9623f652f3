# SPDX-License-Identifier: ISC
"""X.420-1984, as much as tests need: an interpersonal message with IA5 text,
to octets and back, with pyasn1."""

from pyasn1.codec.ber import encoder
from pyasn1.type import char, univ

from .p1 import (APP, ORName, _orname, _present, _read_orname, decode_as,
                 explicit, fields, implicit, implicit_set, useful)


class _IPMessageId(univ.Set):
    componentType = fields(('orname', ORName(), None),
                           ('id', char.PrintableString()))


def IPMessageId():
    return implicit_set(_IPMessageId(), 11, APP)


class _ORDescriptor(univ.Set):
    componentType = fields(
        ('orname', ORName(), None),
        ('freeformName', implicit(char.T61String(), 0), None),
        ('telephoneNumber', implicit(char.PrintableString(), 1), None))


class _Recipient(univ.Set):
    componentType = fields(
        ('descriptor', implicit_set(_ORDescriptor(), 0)),
        ('reportRequest', implicit(univ.BitString(), 1), None),
        ('replyRequest', implicit(univ.Boolean(), 2), None))


class _Recipients(univ.SequenceOf):
    componentType = _Recipient()


class _Descriptors(univ.SequenceOf):
    componentType = _ORDescriptor()


class _MessageIds(univ.SequenceOf):
    componentType = IPMessageId()


class _Heading(univ.Set):
    componentType = fields(
        ('id', IPMessageId()),
        ('originator', implicit_set(_ORDescriptor(), 0), None),
        ('authorizing', implicit_set(_Descriptors(), 1), None),
        ('primary', implicit_set(_Recipients(), 2), None),
        ('copy', implicit_set(_Recipients(), 3), None),
        ('blind', implicit_set(_Recipients(), 4), None),
        ('inReplyTo', implicit_set(_IPMessageId(), 5), None),
        ('obsoletes', implicit_set(_MessageIds(), 6), None),
        ('crossReferences', implicit_set(_MessageIds(), 7), None),
        ('subject', explicit(char.T61String(), 8), None),
        ('expiry', implicit(useful.UTCTime(), 9), None),
        ('replyBy', implicit(useful.UTCTime(), 10), None),
        ('replyTo', implicit_set(_Descriptors(), 11), None),
        ('importance', implicit(univ.Integer(), 12), None),
        ('sensitivity', implicit(univ.Integer(), 13), None),
        ('autoforwarded', implicit(univ.Boolean(), 14), None))


class _IA5Parameters(univ.Set):
    componentType = fields(('repertoire', implicit(univ.Integer(), 0), None))


class _IA5Text(univ.Sequence):
    componentType = fields(('parameters', _IA5Parameters()),
                           ('text', char.IA5String()))


class _BodyPart(univ.Choice):
    componentType = fields(('ia5', implicit_set(_IA5Text(), 0)))


class _Body(univ.SequenceOf):
    componentType = _BodyPart()


class _IMUAPDU(univ.Sequence):
    componentType = fields(('heading', _Heading()), ('body', _Body()))


class UAPDU(univ.Choice):
    componentType = fields(('im', implicit_set(_IMUAPDU(), 0)))


def message(identifier, originator, recipients, subject, text):
    """Octets of an IM-UAPDU with one body part of IA5 text."""
    uapdu = UAPDU()
    heading = uapdu['im']['heading']
    heading['id']['id'] = identifier
    _orname(heading['originator']['orname'], originator)
    for names in recipients:
        item = _Recipient()
        _orname(item['descriptor']['orname'], names)
        heading['primary'].append(item)
    if subject is not None:
        heading['subject'] = subject
    part = _BodyPart()
    part['ia5']['parameters'].clear()
    part['ia5']['text'] = text
    uapdu['im']['body'].append(part)
    return encoder.encode(uapdu)


def decode(octets):
    """The parts of such a message, as a dict."""
    value = decode_as(octets, UAPDU())
    heading = value['im']['heading']
    out = {'id': str(heading['id']['id']), 'recipients': [], 'text': [],
           'subject': None, 'originator': None}
    if _present(heading, 'originator') and \
            _present(heading['originator'], 'orname'):
        out['originator'] = _read_orname(heading['originator']['orname'])
    if _present(heading, 'primary'):
        for item in heading['primary']:
            if _present(item['descriptor'], 'orname'):
                out['recipients'].append(
                    _read_orname(item['descriptor']['orname']))
    if _present(heading, 'subject'):
        out['subject'] = str(heading['subject'])
    for part in value['im']['body']:
        out['text'].append(str(part['ia5']['text']))
    return out
