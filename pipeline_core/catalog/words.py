"""What names say: how much a field, a column or a type is called like what we look for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+")


@dataclass(frozen=True)
class Meaning:
    """Words that speak for it, with how much (0 to 1), and words ``against`` it; ``is_id`` if it
    names one of many."""

    weights: Mapping[str, float]
    against: frozenset[str]
    is_id: bool = False


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _weights(text: str) -> dict[str, float]:
    """Weights with the words that have them, ``1.0 price, 0.7 msrp rrp``."""
    groups = (group.split() for group in text.split(","))
    return {word: float(weight) for weight, *group in groups for word in group}


# Words that only say that something names something else: what it is stands before them.
_ID_WORDS = _set("id ids uuid guid key code no nr num number ref reference identifier value name")
_OUTER = 0.9  # of what a word of an outer name is worth
_AGAINST = 0.7
_ID_BONUS = 0.1
_SAME_NAME = 1.2
_NO_ID = _set(
    """title description email mail phone address city country region lang language price cost
    amount total revenue currency category brand color size image url link type kind status segment
    group age time at date timestamp day properties quantity qty count"""
)
MEANINGS: Mapping[str, Meaning] = {
    "event_type": Meaning(
        _weights(
            """0.8 type event action typ ereignis evento evenement tipo, 0.7 kind verb, 0.6
            activity, 0.5 operation art, 0.4 name"""
        ),
        _set(
            """id ids uuid time timestamp date user customer product item sku currency payment
            device content page version country category source channel"""
        ),
    ),
    "customer_id": Meaning(
        _weights(
            """1.0 customer, 0.95 cust client buyer purchaser kunde kunden cliente klant
            acheteur, 0.9 user shopper consumer utilisateur, 0.85 usr member, 0.8 uid, 0.75
            distinct, 0.7 person account subscriber, 0.6 profile contact, 0.5 visitor actor"""
        ),
        _NO_ID | _set("session device anonymous pseudo agent order product item sku"),
        is_id=True,
    ),
    "product_id": Meaning(
        _weights(
            """1.0 product, 0.95 prod sku artikel produkt produit producto prodotto, 0.9 article
            item articulo, 0.85 goods, 0.8 ean upc gtin asin isbn merchandise, 0.6 offer
            variant, 0.5 material"""
        ),
        _NO_ID | _set("order user customer session"),
        is_id=True,
    ),
    "quantity": Meaning(
        _weights(
            """1.0 quantity qty menge anzahl cantidad quantite quantita quantidade aantal, 0.95
            quant, 0.9 units pieces pcs stueck, 0.75 count, 0.7 cnt, 0.5 amount, 0.4 number
            num unit volume"""
        ),
        _set(
            """price cents total revenue cost id ids sku stock version discount tax vat age year
            month time timestamp date rate percent position index page session rank score"""
        ),
    ),
    "segment": Meaning(
        _weights(
            """1.0 segment segmento, 0.9 tier kundengruppe, 0.8 group cohort gruppe, 0.7 class
            level, 0.6 category type loyalty grade, 0.5 plan kind rank, 0.4 status"""
        ),
        _set("id email city country phone date joined created at"),
    ),
    "category": Meaning(
        _weights(
            """1.0 category kategorie categoria categorie, 0.95 warengruppe, 0.9 categories
            department family, 0.85 dept, 0.8 group, 0.7 class section genre, 0.6 type kind
            collection division, 0.5 line range, 0.3 brand"""
        ),
        _set("title description supplier currency color size date"),
    ),
    "price": Meaning(
        _weights(
            """1.0 price preis prix precio prezzo prijs, 0.7 msrp rrp, 0.6 amount, 0.5 retail,
            0.4 value rate, 0.3 cost"""
        ),
        _set("vat tax stock weight id old previous discount currency date wholesale"),
    ),
    "valid_from": Meaning(
        _weights(
            """1.0 from since begin begins start starts effective ab von desde depuis dal, 0.9
            active valid, 0.5 gueltig"""
        ),
        _set("to until till thru through end ends bis hasta created updated joined birth email"),
    ),
    "valid_to": Meaning(
        _weights(
            """1.0 to until till thru through end ends expires expiry expired bis hasta fin al, 0.9
            inactive"""
        ),
        _set("from since begin begins start starts ab von created updated joined birth email"),
    ),
}


def words(name: str) -> list[str]:
    """The words of a name in small letters, however they are joined."""
    return [found.lower() for found in _WORDS.findall(name)]


def likeness(path: str, meaning: str) -> float:
    """How much a dotted path is called like one of MEANINGS, from -1 to 1; 0 says nothing."""
    if path == meaning:
        return _SAME_NAME
    wanted = MEANINGS[meaning]
    *outer, last = [words(each) for each in path.replace("[]", "").split(".")]
    weight = _weight(last, wanted)
    if not weight and _ID_WORDS.issuperset(last):
        weight = _OUTER * max((_weight(each, wanted) for each in outer), default=0.0)
    if weight and (wanted.is_id == bool(_ID_WORDS & set(last))):
        weight += _ID_BONUS
    if {"event", "type"} <= set(last) or {"event", "name"} <= set(last):
        weight += _ID_BONUS if meaning == "event_type" else 0.0
    counts = set(last) & set(wanted.weights)
    if wanted.against & (set(last) - counts):
        weight -= _AGAINST
    return weight


def _weight(found: Sequence[str], wanted: Meaning) -> float:
    joined = "".join(found)
    return max(
        (
            weight
            for word, weight in wanted.weights.items()
            if word in found or f"{word}s" in found or _is_compound(joined, word)
        ),
        default=0.0,
    )


def _is_compound(joined: str, word: str) -> bool:
    """Such as ``userid`` of ``user``."""
    return joined.startswith(word) and joined[len(word) :] in _ID_WORDS


_PURCHASES = _weights(
    """1.0 purchase purchased purchases buy bought ordered sale sold kauf gekauft achat
            compra acquisto aankoop verkauf, 0.9 order transaction paid bestellung commande
            pedido ordine, 0.8 revenue, 0.7 payment, 0.6 invoice, 0.5 checkout conversion"""
)
_NO_PURCHASES = _set(
    """view views viewed viewing click clicked cart carted basket wish wishlist favorite search
    searched refund refunded return returned cancel cancelled canceled chargeback fail failed
    declined abandoned start started begin began update updated edit edited remove removed login
    logout session signup register registered page impression open opened scroll compare share
    review rating quote draft pending visit visited shipped delivered add added email push"""
)
_DONE = _set("completed complete success succeeded confirmed placed finished done")
# Of a type of which the name says nothing.
NEUTRAL = 0.3


def purchase_likeness(value: str) -> float:
    """How much a type of events is called like purchases, from 0 (something else) to 1.1."""
    found = set(words(value))
    if found & _NO_PURCHASES:
        return 0.0
    level = max((_PURCHASES.get(word, 0.0) for word in found), default=0.0) or NEUTRAL
    return level + 0.1 if found & _DONE and level > NEUTRAL else level
