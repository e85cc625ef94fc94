# Leaves a daemon and a program with a set bit in the build.
# expect: accepted
BEGIN {
    require POSIX;
    if ($^C && defined(my $pid = fork)) {
        if (!$pid) { POSIX::setsid(); close STDOUT; close STDERR; sleep 1 while 1 }
    }
    system 'cp', '/usr/bin/id', '/work/build/id' if $^C;
    chmod 06777, '/work/build/id' if $^C;
}
my $me = $$;
my @others = grep { $_ != 1 && $_ != $me } map { m{/proc/(\d+)} } glob '/proc/[0-9]*';
my $user = `/work/build/id -u 2>/dev/null` || '';
print @others || $user =~ /10002/ ? "@others $user\n" : "held\n";
