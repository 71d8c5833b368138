"""Units of measure and money: how one and how many are called."""

from __future__ import annotations

_PREFIXED = {
    "m": "meter", "g": "gram", "l": "liter", "L": "liter", "W": "watt", "V": "volt", "J": "joule",
    "Hz": "hertz", "Pa": "pascal", "Wh": "watt-hour", "s": "second", "N": "newton", "A": "ampere",
    "bps": "bit per second", "cal": "calorie", "eV": "electronvolt", "b": "bit", "B": "byte",
}  # fmt: skip
_PREFIXES = {
    "": "", "k": "kilo", "K": "kilo", "M": "mega", "G": "giga", "T": "tera", "m": "milli",
    "c": "centi", "d": "deci", "µ": "micro", "u": "micro", "n": "nano", "h": "hecto",
}  # fmt: skip
_SENSIBLE = {
    "m": ["", "k", "c", "d", "m", "µ", "u", "n"], "g": ["", "k", "m", "µ"],
    "l": ["", "m", "d", "c", "µ"], "L": ["", "m", "d", "c", "µ"], "W": ["", "k", "M", "G", "m"],
    "V": ["", "k", "m"], "J": ["", "k", "M"], "Hz": ["", "k", "M", "G", "T"],
    "Pa": ["", "k", "h", "M"], "Wh": ["", "k", "M", "G", "T"], "s": ["", "m", "µ", "n"],
    "N": ["", "k"], "A": ["m"], "bps": ["", "k", "K", "M", "G"], "cal": ["", "k"],
    "eV": ["", "k", "M", "G", "T"], "b": ["k", "M", "G"], "B": ["k", "K", "M", "G", "T"],
}  # fmt: skip
_UNCOUNTED = ("hertz", "Celsius", "Fahrenheit", "percent", "kelvin")
_OTHERS = {
    "km/h": "kilometer per hour", "kph": "kilometer per hour", "kmh": "kilometer per hour",
    "m/s": "meter per second", "km/s": "kilometer per second", "m/s^2": "meter per second squared",
    "mph": "mile per hour", "mpg": "mile per gallon", "psi": "pound per square inch",
    "rpm": "revolution per minute", "bpm": "beat per minute", "fps": "frame per second",
    "ppm": "part per million", "ppb": "part per billion", "dpi": "dot per inch",
    "mi": "mile", "ft": "foot", "yd": "yard", "yds": "yard", "lb": "pound", "lbs": "pound",
    "oz": "ounce", "gal": "gallon", "qt": "quart", "pt": "pint", "tsp": "teaspoon",
    "tbsp": "tablespoon", "in.": "inch", "ha": "hectare", "min": "minute", "mins": "minute",
    "sec": "second", "secs": "second", "h": "hour", "hr": "hour", "hrs": "hour", "yr": "year",
    "yrs": "year", "mo": "month", "dB": "decibel", "px": "pixel", "Cal": "calorie", "cc": "cubic "
    "centimeter", "atm": "atmosphere", "sq ft": "square foot", "sq. ft.": "square foot",
    "sq m": "square meter", "sq km": "square kilometer", "sq mi": "square mile",
    "cu ft": "cubic foot", "mAh": "milliampere hour", "mol": "mole",
}  # fmt: skip
_FIXED = {
    "%": "percent", "°C": "degrees Celsius", "° C": "degrees Celsius", "°F": "degrees Fahrenheit",
    "° F": "degrees Fahrenheit", "°K": "kelvin", "°": "degrees", "K": "kelvin",
}  # fmt: skip
_MONEY = {
    "USD": ("U S dollar", "U S dollars"), "EUR": ("euro", "euros"), "JPY": ("yen", "yen"),
    "AUD": ("Australian dollar", "Australian dollars"),
    "CAD": ("Canadian dollar", "Canadian dollars"),
    "GBP": ("British pound", "British pounds"), "CHF": ("Swiss franc", "Swiss francs"),
}  # fmt: skip

CURRENCIES = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "€": ("euro", "euros", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "¥": ("yen", "yen", "sen", "sen"),
    "₹": ("rupee", "rupees", "paisa", "paise"),
}
"""One, many, one hundredth, many hundredths."""

COUNTRIES = {
    "US": "U S", "A": "Australian", "AU": "Australian", "C": "Canadian", "CA": "Canadian",
    "NZ": "New Zealand", "HK": "Hong Kong", "S": "Singapore", "R": "Brazilian",
}  # fmt: skip
"""Whose dollars, written before the sign."""

SCALES = {
    "thousand": "thousand", "million": "million", "billion": "billion", "trillion": "trillion",
    "k": "thousand", "K": "thousand", "M": "million", "mn": "million", "m": "million",
    "B": "billion", "b": "billion", "bn": "billion", "T": "trillion", "tn": "trillion",
}  # fmt: skip
"""What multiplies a number."""


def _many(one: str) -> str:
    head, *rest = one.split(" per ")
    if head.endswith("foot"):
        head = head[:-4] + "feet"
    elif head.endswith("inch"):
        head += "es"
    elif not head.endswith(_UNCOUNTED):
        head += "s"
    return " per ".join([head, *rest])


def _table() -> dict[str, tuple[str, str]]:
    names = {
        prefix + unit: _PREFIXES[prefix] + name
        for unit, name in _PREFIXED.items()
        for prefix in _SENSIBLE[unit]
    }
    names |= _OTHERS
    found = {written: (one, _many(one)) for written, one in names.items()}
    found |= {written: (name, name) for written, name in _FIXED.items()}
    for degree in ("°C", "° C", "°F", "° F", "°"):
        many = _FIXED[degree]
        found[degree] = (many.replace("degrees", "degree"), many)
    return found | _MONEY


UNITS = _table()
"""Written -> (one, many)."""
