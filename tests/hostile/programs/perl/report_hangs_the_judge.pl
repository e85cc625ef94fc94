# Prints a line of a test report that a careless reader spends minutes on, outside the sandbox.
# test: {"suite": {"files": {"t.t": "print 'ok 1 - ', ' ' x 10000, \"x\\n\"; require '/work/src/solution.pl';"}, "names": ["works"]}} -> wrong_answer
# hole: the pattern for TAP takes time with the square of a line's length, on the host
print 'ok 2 - ', ' ' x 6000, "x\n";
1;
