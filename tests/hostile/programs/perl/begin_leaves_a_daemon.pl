# Leaves a daemon and a program with a set bit in the build.
# expect: accepted
BEGIN {
    require POSIX;
    if (defined(my $pid = fork)) {
        if (!$pid) { POSIX::setsid(); close STDOUT; close STDERR; sleep 1 while 1 }
    }
    system 'cp', '/usr/bin/id', '/work/build/id';
    chmod 06777, '/work/build/id';
}
my @others = grep { !/^(1|$$)$/ } map { m{/proc/(\d+)} } glob '/proc/[0-9]*';
my $user = `/work/build/id -u 2>/dev/null` || '';
print @others || $user =~ /10002/ ? "@others $user\n" : "held\n";
