"""Numbers as a person reads them: few digits, with their interval, in a unit that fits."""

import math

NOTHING = "–"
UNITS = ((1, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


def number(value: float | None, digits: int = 3) -> str:
    """`value` to that many significant digits: 0.0159, 1546, 2.5e-7, ∞; a dash for no value."""
    if not _known(value):
        return NOTHING
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0:
        return "0"
    return _written(value, _exponent(value) - digits + 1)


def interval(value: float, low: float, high: float) -> str:
    """`value [low, high]`, to the digits that the interval supports: 4.00 [3.88, 4.12].

    That is one digit of the half-width, or two where it starts with 1 or 2.
    """
    if not all(_known(x) and math.isfinite(x) for x in (value, low, high)):
        return number(value)
    if high <= low:
        return number(value)
    place = _exponent((high - low) / 6)
    size = max(abs(value), abs(low), abs(high))
    scale = _exponent(size)
    place = min(max(place, scale - 5), scale - 1)
    value, low, high = (_written(x, place, scale) for x in (value, low, high))
    return f"{value} [{low}, {high}]"


def seconds(value: float, low: float = math.nan, high: float = math.nan) -> str:
    """A time with its interval in s, ms, µs or ns: `12.3 µs [12.1, 12.5]`."""
    if not _known(value) or value <= 0:
        return NOTHING
    size, unit = next((u for u in UNITS if value >= 0.9995 * u[0]), UNITS[-1])
    ends = (end / size if _known(end) else math.nan for end in (low, high))
    middle, bracket, rest = interval(value / size, *ends).partition(" [")
    return f"{middle} {unit}{bracket}{rest}"


def rate(value: float) -> str:
    """So many per second: 812, 81.2 k, 8.12 M."""
    if not _known(value):
        return NOTHING
    size, unit = next(
        (u for u in ((1e9, " G"), (1e6, " M"), (1e3, " k")) if value >= u[0]), (1, "")
    )
    return number(value / size) + unit


def count(value: float) -> str:
    """A mean number of events: 4, 2.5."""
    return f"{value:.6g}" if _known(value) else NOTHING


def size(value: float) -> str:
    """Bytes: 812 B, 1.2 MB."""
    if not _known(value):
        return NOTHING
    unit, name = next(
        (u for u in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")) if value >= u[0]), (1, "B")
    )
    return f"{number(value / unit, 2 if unit > 1 else 3)} {name}"


def factor(value: float) -> str:
    """A ratio of variances: 1.02, 3.4, 120, >1e6."""
    if _known(value) and value > 1e6:
        return ">1e6"
    return number(value, 3 if _known(value) and 0.995 <= value < 1.1 else 2)


def percent(value: float) -> str:
    """A share in per cent: 1.3 %."""
    return f"{number(100 * float(value), 2)} %" if _known(value) else NOTHING


def probability(value: float) -> str:
    """A p-value: 0.43, 2e-7, <1e-99."""
    if _known(value) and value < 1e-99:
        return "<1e-99"
    return number(value, 2 if _known(value) and value > 1e-3 else 1)


def _known(value) -> bool:
    return value is not None and value == value


def _exponent(value: float) -> int:
    return math.floor(math.log10(abs(value)))


def _written(value: float, place: int, scale: int | None = None) -> str:
    """`value` rounded at the digit 10^place; with an exponent where its size asks for one."""
    scale = _exponent(value) if scale is None else scale
    if -4 < scale < 6:
        return f"{round(value, -place):.{max(0, -place)}f}".replace("-", "−")
    if value == 0:
        return "0"
    mantissa, _, exponent = f"{value:.{max(0, _exponent(value) - place)}e}".partition("e")
    return f"{mantissa}e{int(exponent)}".replace("-", "−", 1 if value < 0 else 0)
