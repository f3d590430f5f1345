# run.sh REPORT: checks lib/slug.sh, and writes a JUnit report.
. ./lib/slug.sh

failed=0
cases=

check() { # NAME TEXT WANTED
    got=$(slug "$2")
    if [ "$got" = "$3" ]; then
        cases="$cases<testcase classname='tests/run.sh' name='$1'/>"
    else
        failed=1
        cases="$cases<testcase classname='tests/run.sh' name='$1'><failure>expected: $3
got: $got</failure></testcase>"
    fi
}

check 'lower case' 'Hello' 'hello'
check 'words are joined' 'Hello World' 'hello-world'
check 'marks are left out' "What's new? Much!" 'whats-new-much'
check 'spaces are one dash' '  two   spaces ' 'two-spaces'

printf '<testsuite name="slug">%s</testsuite>\n' "$cases" > "$1"
exit $failed
