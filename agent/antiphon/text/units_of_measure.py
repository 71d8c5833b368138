"""Units of measure and money: how one and how many are called."""

from __future__ import annotations

import unicodedata

from antiphon.text.rewriting import listed

_PREFIXED = {
    "m": "meter", "g": "gram", "l": "liter", "L": "liter", "W": "watt", "V": "volt", "J": "joule",
    "Hz": "hertz", "Pa": "pascal", "Wh": "watt-hour", "s": "second", "N": "newton", "A": "ampere",
    "bps": "bit per second", "bit/s": "bit per second", "b/s": "bit per second",
    "B/s": "byte per second", "cal": "calorie", "eV": "electronvolt", "b": "bit", "B": "byte",
    "Ω": "ohm", "F": "farad", "Sv": "sievert", "mol": "mole",
}  # fmt: skip
_PREFIXES = {
    "": "", "k": "kilo", "K": "kilo", "M": "mega", "G": "giga", "T": "tera", "P": "peta",
    "m": "milli", "c": "centi", "d": "deci", "µ": "micro", "u": "micro", "n": "nano", "h": "hecto",
    "p": "pico",
}  # fmt: skip
_SENSIBLE = {
    "m": ["", "k", "c", "d", "m", "µ", "u", "n"], "g": ["", "k", "m", "µ"],
    "l": ["", "m", "d", "c", "µ"], "L": ["", "m", "d", "c", "µ"], "W": ["", "k", "M", "G", "m"],
    "V": ["", "k", "m"], "J": ["", "k", "M"], "Hz": ["", "k", "M", "G", "T"],
    "Pa": ["", "k", "h", "M"], "Wh": ["", "k", "M", "G", "T"], "s": ["", "m", "µ", "n"],
    "N": ["", "k"], "A": ["", "m"], "bps": ["", "k", "K", "M", "G"], "bit/s": ["k", "M", "G"],
    "b/s": ["k", "K", "M", "G"], "B/s": ["k", "K", "M", "G", "T"], "cal": ["", "k"],
    "eV": ["", "k", "M", "G", "T"], "b": ["M", "G"], "B": ["k", "K", "M", "G", "T", "P"],
    "Ω": ["", "k", "M"], "F": ["m", "µ", "n", "p"], "Sv": ["", "m", "µ"], "mol": ["", "m"],
}  # fmt: skip
_UNCOUNTED = ("hertz", "Celsius", "Fahrenheit", "percent", "kelvin", "mercury", "lux", "horsepower")
_OTHERS = {
    "km/h": "kilometer per hour", "kph": "kilometer per hour", "kmh": "kilometer per hour",
    "m/s": "meter per second", "km/s": "kilometer per second", "m/s^2": "meter per second squared",
    "mph": "mile per hour", "mpg": "mile per gallon", "psi": "pound per square inch",
    "rpm": "revolution per minute", "bpm": "beat per minute", "fps": "frame per second",
    "ppm": "part per million", "ppb": "part per billion", "dpi": "dot per inch",
    "mi": "mile", "ft": "foot", "yd": "yard", "yds": "yard", "lb": "pound", "lbs": "pound",
    "oz": "ounce", "fl oz": "fluid ounce", "fl. oz.": "fluid ounce", "gal": "gallon",
    "qt": "quart", "pt": "pint", "tsp": "teaspoon", "tbsp": "tablespoon", "in.": "inch",
    "ha": "hectare", "pts": "point", "min": "minute", "mins": "minute", "sec": "second",
    "secs": "second", "h": "hour", "hr": "hour", "hrs": "hour", "wk": "week", "wks": "week",
    "mo": "month", "mos": "month", "yr": "year", "yrs": "year", "dB": "decibel",
    "dBA": "decibel", "px": "pixel", "MP": "megapixel", "Cal": "calorie",
    "cc": "cubic centimeter", "atm": "atmosphere", "mbar": "millibar",
    "mmHg": "millimeter of mercury", "lm": "lumen", "lx": "lux", "hp": "horsepower",
    "Nm": "newton meter", "ft-lb": "foot pound",
    "lb-ft": "pound foot", "KiB": "kibibyte", "MiB": "mebibyte", "GiB": "gibibyte",
    "TiB": "tebibyte", "sq ft": "square foot", "sq. ft.": "square foot", "sqft": "square foot",
    "sq m": "square meter", "sq km": "square kilometer", "sq mi": "square mile",
    "sq. km": "square kilometer", "sq. mi": "square mile", "sq. m": "square meter",
    "sq in": "square inch", "cu ft": "cubic foot",
    "mAh": "milliampere hour", "pp": "percentage point",
}  # fmt: skip
_FIXED = {
    "%": "percent", "‰": "per thousand", "°C": "degrees Celsius", "° C": "degrees Celsius",
    "deg C": "degrees Celsius", "degrees C": "degrees Celsius", "°F": "degrees Fahrenheit",
    "° F": "degrees Fahrenheit", "deg F": "degrees Fahrenheit",
    "degrees F": "degrees Fahrenheit", "°K": "kelvin", "°": "degrees", "K": "kelvin",
}  # fmt: skip
ANY_CASE = frozenset(
    listed(
        "km cm mm kg mg ml kb mb gb tb khz mhz ghz kph mph kmh kw kwh mbps gbps kbps db lb lbs oz "
        "ft rpm psi mpg yds tbsp tsp hrs mins secs sqft"
    )
)
"""Units that mean the same in capitals, in lower case or a mixture."""

CURRENCIES = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "€": ("euro", "euros", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "¥": ("yen", "yen", "", ""),
    "₹": ("rupee", "rupees", "paisa", "paise"),
    "¢": ("cent", "cents", "", ""),
    "₩": ("won", "won", "", ""),
    "₱": ("peso", "pesos", "centavo", "centavos"),
    "₽": ("ruble", "rubles", "kopeck", "kopecks"),
    "₺": ("lira", "lira", "kurus", "kurus"),
    "₪": ("shekel", "shekels", "agora", "agorot"),
    "₫": ("dong", "dong", "", ""),
    "₴": ("hryvnia", "hryvnias", "kopiyka", "kopiykas"),
    "₦": ("naira", "naira", "kobo", "kobo"),
    "฿": ("baht", "baht", "satang", "satang"),
    "₡": ("colon", "colones", "", ""),
    "₲": ("guarani", "guaranis", "", ""),
    "₵": ("cedi", "cedis", "pesewa", "pesewas"),
    "₸": ("tenge", "tenge", "", ""),
    "₼": ("manat", "manats", "", ""),
    "₾": ("lari", "lari", "", ""),
    "₿": ("bitcoin", "bitcoins", "", ""),
    "R$": ("real", "reais", "centavo", "centavos"),
    "Rs": ("rupee", "rupees", "paisa", "paise"),
    "USD": ("U S dollar", "U S dollars", "cent", "cents"),
    "EUR": ("euro", "euros", "cent", "cents"),
    "GBP": ("British pound", "British pounds", "penny", "pence"),
    "AUD": ("Australian dollar", "Australian dollars", "cent", "cents"),
    "CAD": ("Canadian dollar", "Canadian dollars", "cent", "cents"),
    "NZD": ("New Zealand dollar", "New Zealand dollars", "cent", "cents"),
    "JPY": ("yen", "yen", "", ""),
    "CNY": ("yuan", "yuan", "", ""),
    "RMB": ("yuan", "yuan", "", ""),
    "KRW": ("won", "won", "", ""),
    "INR": ("rupee", "rupees", "paisa", "paise"),
    "RUB": ("ruble", "rubles", "kopeck", "kopecks"),
    "CHF": ("Swiss franc", "Swiss francs", "centime", "centimes"),
    "MXN": ("Mexican peso", "Mexican pesos", "centavo", "centavos"),
    "BRL": ("Brazilian real", "Brazilian reais", "centavo", "centavos"),
    "SEK": ("Swedish krona", "Swedish kronor", "ore", "ore"),
    "NOK": ("Norwegian krone", "Norwegian kroner", "ore", "ore"),
    "DKK": ("Danish krone", "Danish kroner", "ore", "ore"),
    "PLN": ("zloty", "zlotys", "grosz", "groszy"),
    "zl": ("zloty", "zlotys", "grosz", "groszy"),
}
"""One, many, one hundredth, many hundredths."""

SIGNS = "".join(c for c in map(chr, range(0x20, 0x20D0)) if unicodedata.category(c) == "Sc")
"""Every currency sign."""

COUNTRIES = {
    "US": "U S", "A": "Australian", "AU": "Australian", "C": "Canadian", "CA": "Canadian",
    "NZ": "New Zealand", "HK": "Hong Kong", "S": "Singapore", "MX": "Mexican",
}  # fmt: skip
"""Whose dollars, written before the sign."""

SCALES = {
    "hundred": "hundred", "thousand": "thousand", "million": "million", "billion": "billion",
    "trillion": "trillion", "k": "thousand", "K": "thousand", "M": "million", "mn": "million",
    "mil": "million", "m": "million", "B": "billion", "b": "billion",
    "bn": "billion", "T": "trillion", "tn": "trillion",
}  # fmt: skip
"""What multiplies a number."""


def currency(sign: str) -> tuple[str, str, str, str]:
    """How a currency is called; signs that are in no table have their Unicode name."""
    if sign in CURRENCIES:
        return CURRENCIES[sign]
    name = unicodedata.name(sign, "currency").lower().removesuffix(" sign")
    return name, name + "s", "", ""


def _many(one: str) -> str:
    head, *rest = one.split(" per ")
    if " of " in head:
        head = head.replace(" of ", "s of ")
    elif head.endswith("foot"):
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
    return found | {
        written: (name.replace("degrees", "degree"), name) for written, name in _FIXED.items()
    }


UNITS = _table()
"""Written -> (one, many)."""


def unit(written: str) -> tuple[str, str]:
    """How a unit is called that may be written in any case; KeyError if there is none."""
    if written in UNITS:
        return UNITS[written]
    fitting = [known for known in UNITS if known.lower() == written.lower()]
    return UNITS[max(fitting, key=lambda known: known.endswith("B"))]  # mb is megabytes
