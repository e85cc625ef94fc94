# Forks without end, into new sessions.
# limits: wall_s=1
# test: {"argv": ["bomb"], "stdout": "held"} -> time_limit
# test: {"argv": ["rest"], "stdout": "held"} -> accepted
use POSIX ();
while ($ARGV[0] eq 'bomb') { POSIX::setsid() if defined(my $pid = fork) }
print "held\n";
