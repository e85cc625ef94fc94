# Prints without end.
# expect: output_limit
import sys

while True:
    sys.stdout.write("held\n" * 10000)
