# Ends well before the call returned, in each way it can.
# entry: f
# test: {"call": {"args": [1]}, "returns": 42} -> runtime_error
# test: {"call": {"args": [2]}, "returns": 42} -> runtime_error
# test: {"call": {"args": [3]}, "returns": 42} -> runtime_error
# test: {"code": "f(1) == 42 or die"} -> runtime_error
# says: the program ended before
use POSIX ();
END { $? = 0 }
sub f {
    exit 0 if $_[0] == 1;
    POSIX::_exit(0) if $_[0] == 2;
    exec '/usr/bin/true';
}
