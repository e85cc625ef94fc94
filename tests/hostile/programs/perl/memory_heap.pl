# Takes memory until there is none.
# expect: memory_limit
my @taken;
push @taken, 'x' x 2**20 while 1;
