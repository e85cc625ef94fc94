# Reads in the build what only root may, and what the tests will bring.
# problem: {"files": {"notes.txt": "given to all"}}
# expect: accepted
our @seen;
BEGIN {
    for my $path ('/etc/shadow', '/proc/1/environ', '/proc/1/mem', '/proc/1/fd/0', '/root/.bashrc',
        '/work/cell/x', '/dev/mem')
    {
        push @seen, $path if open my $file, '<', $path;
    }
    push @seen, glob '/work/src/*expected*';
}
print @seen ? "@seen\n" : "held\n";
