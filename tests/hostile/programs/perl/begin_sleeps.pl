# Sleeps while its syntax is checked.
# build_s: 1
# expect: compile_error
# says: the build took too long
BEGIN { $SIG{$_} = 'IGNORE' for keys %SIG; sleep 3600 while 1 }
print "held\n";
