# Sleeps.
# limits: wall_s=1
# expect: time_limit
import time

time.sleep(3600)
