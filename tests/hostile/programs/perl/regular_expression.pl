# Backtracks without end.
# limits: wall_s=1
# expect: time_limit
print +('x' x 64) =~ /^(x+x+)+\1y/ ? 1 : 2;
