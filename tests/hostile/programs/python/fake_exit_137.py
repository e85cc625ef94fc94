# Ends with the exit code that container engines give for SIGKILL.
# expect: runtime_error
# says: exit code 137
import sys

sys.exit(137)
