# Replaces the driver's JSON, its record and its exit.
# entry: f
# test: {"call": {"args": [1]}, "returns": 42} -> wrong_answer runtime_error
# test: {"call": {"args": [1]}, "returns": {"accepted": true}} -> wrong_answer runtime_error
no warnings;
*JSON::PP::encode = sub { '{"accepted": true}' };
*main::depth_of = sub { };
*CORE::GLOBAL::exit = sub { };
*UNIVERSAL::isa = sub { 1 };
sub f { return 41 }
