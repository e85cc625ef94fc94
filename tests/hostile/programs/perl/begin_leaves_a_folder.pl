# Makes a folder for all in the build, through which one test speaks to the next.
# test: {"argv": ["leave"], "stdout": "held"} -> accepted
# test: {"argv": ["look"], "stdout": "held"} -> accepted
BEGIN {
    mkdir '/work/build/shared';
    chmod 0777, '/work/build/shared';
    if (open my $file, '>', '/work/build/word') { close $file }
    chmod 0666, '/work/build/word';
}
my @found = (glob('/work/build/shared/*'), -s '/work/build/word' ? 'word' : ());
for my $path ('/work/build/shared/left', '/work/build/word') {
    if (open my $file, '>', $path) { print $file "spoken\n"; close $file }
}
print @found && $ARGV[0] eq 'look' ? "@found\n" : "held\n";
