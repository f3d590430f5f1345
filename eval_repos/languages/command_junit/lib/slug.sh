# slug TEXT: the text as a part of a web address.
slug() {
    printf '%s' "$1" | tr 'A-Z' 'a-z' | tr ' ' '-'
}
