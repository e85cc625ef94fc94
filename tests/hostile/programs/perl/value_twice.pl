# Writes the right record beside the driver's wrong one.
# entry: f
# test: {"call": {"args": [1]}, "returns": 42} -> wrong_answer
# test: {"call": {"args": [2]}, "returns": 42} -> wrong_answer
# test: {"call": {"args": [3]}, "returns": 42} -> wrong_answer
use POSIX ();
sub f {
    POSIX::write(3, $_[0] == 1 ? '{"value": 42}' : '{"completed": true}', $_[0] == 1 ? 13 : 19);
    POSIX::_exit(0) if $_[0] == 2;
    return 41;
}
