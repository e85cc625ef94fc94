# Prints a line of a test report that a careless reader spends minutes on, outside the sandbox.
# test: {"suite": {"files": {"t.t": "print 'ok 1 - ', ' ' x 10000, \"x\\n\"; require '/work/src/solution.pl';"}, "names": ["works"]}} -> wrong_answer
print 'ok 2 - ', ' ' x 6000, "x\n";
1;
