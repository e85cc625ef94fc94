# Kills itself as the kernel does when memory ends, to blame the limit.
# expect: runtime_error
# says: SIGKILL
import os

os.kill(os.getpid(), 9)
