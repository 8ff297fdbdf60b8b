"""Currencies by their ISO 4217 number: the units in which the ledger counts money."""

NUMBERS = {
    **{"AED": 784, "ARS": 32, "AUD": 36, "BHD": 48, "BRL": 986, "CAD": 124, "CHF": 756, "CLP": 152, "COP": 170},
    **{"CZK": 203, "DKK": 208, "EGP": 818, "EUR": 978, "GBP": 826, "HKD": 344, "HUF": 348, "IDR": 360, "ILS": 376},
    **{"INR": 356, "ISK": 352, "JOD": 400, "JPY": 392, "KRW": 410, "KWD": 414, "MAD": 504, "MXN": 484, "MYR": 458},
    **{"NGN": 566, "NOK": 578, "NZD": 554, "OMR": 512, "PEN": 604, "PHP": 608, "PKR": 586, "PLN": 985, "QAR": 634},
    **{"RON": 946, "SAR": 682, "SEK": 752, "SGD": 702, "THB": 764, "TND": 788, "TRY": 949, "TWD": 901, "UGX": 800},
    **{"USD": 840, "VND": 704, "ZAR": 710},
}
CODES = {number: code for code, number in NUMBERS.items()}
