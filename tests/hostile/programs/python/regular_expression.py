# Backtracks without end.
# limits: wall_s=1
# expect: time_limit
import re

print(re.match(r"(a+)+$", "a" * 64 + "b"))
