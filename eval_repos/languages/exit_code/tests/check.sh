# Compares what bin/columns.awk makes of a table with what it should be.
set -e
got=$(printf 'a bb c\nlonger b cc\n' | awk -f bin/columns.awk)
want='a      bb c
longer b  cc'
[ "$got" = "$want" ] || { printf 'expected: %s\ngot: %s\n' "$want" "$got"; exit 1; }
