# Makes system calls by number: trace, vsock, io_uring, unshare, keys.
# expect: accepted
my %calls = (ptrace => [101, 16, 1, 0, 0], vsock => [41, 40, 1, 0], io_uring => [425, 8, 0],
    unshare => [272, 0x10000000], keyctl => [250, 0, 0], kill => [62, 1, 9], setuid => [105, 0],
    bpf => [321, 0, 0, 0], memfd => [319, 0, 0], mount => [165, 0, 0, 0, 0, 0]);
my @done = grep { syscall(@{$calls{$_}}) >= 0 } sort keys %calls;
my $machine = `uname -m`;
print @done && $machine =~ /x86_64/ ? "@done\n" : "held\n";
