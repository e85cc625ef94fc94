# Returns an object whose comparisons and text always agree.
# entry: f
# test: {"call": {"args": [1]}, "returns": 42} -> wrong_answer
# test: {"call": {"args": [2]}, "returns": [42]} -> wrong_answer
# test: {"call": {"args": [3]}, "returns": "42"} -> wrong_answer
package Same;
use overload
    '==' => sub { 1 },
    'eq' => sub { 1 },
    '""' => sub { '42' },
    '0+' => sub { 42 },
    'bool' => sub { 1 };
sub TO_JSON { 42 }

package main;
sub f {
    my $same = bless {}, 'Same';
    return $_[0] == 1 ? $same : $_[0] == 2 ? [$same] : \'42';
}
