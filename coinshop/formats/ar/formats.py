"""Numbers in Arabic as CLDR writes them with Western digits: 17,500.5. Django’s own table groups no thousands."""

DECIMAL_SEPARATOR = "."
THOUSAND_SEPARATOR = ","
NUMBER_GROUPING = 3
