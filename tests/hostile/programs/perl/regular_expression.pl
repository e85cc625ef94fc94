# Backtracks without end.
# limits: wall_s=1
# expect: time_limit
print +('a' x 64 . 'b') =~ /^(a|aa|a(?{ 1 })a?)+$/ ? 1 : 2;
