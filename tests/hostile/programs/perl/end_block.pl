# Turns its death into a good end, and prints marks as the last.
# test: {"argv": ["die"], "stdout": "42"} -> wrong_answer
# test: {"argv": ["signal"], "stdout": "42"} -> wrong_answer
$SIG{__DIE__} = sub { print "ok 1\n1..1\nPASS\n"; exit 0 };
$SIG{TERM} = sub { exit 0 };
END { $? = 0 }
kill TERM => $$ if $ARGV[0] eq 'signal';
die "wrong";
