# Prints without end while its syntax is checked.
# build_s: 10
# expect: compile_error
# says: the build
BEGIN { print STDERR 'x' x 4096 while 1 }
print "held\n";
