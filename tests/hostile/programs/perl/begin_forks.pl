# Forks without end while its syntax is checked.
# build_s: 2
# expect: compile_error
# says: the build
BEGIN { 1 while defined fork || 1 }
print "held\n";
