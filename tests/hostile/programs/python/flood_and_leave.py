# Prints a little more than allowed and is gone before anyone looks.
# expect: output_limit
import os

os.write(1, b"held" + b" " * 17000)
os._exit(0)
