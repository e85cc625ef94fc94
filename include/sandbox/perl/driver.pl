#!/usr/bin/perl
# The call driver: runs beside a Perl candidate, in the candidate's own process.
#
#     perl driver.pl call|code|load|suite  <order.json  3>value
#
# It knows no expected value of a call; what it writes on descriptor 3 is data for the host's judge.
# `call` writes {"value": ...} or {"unsupported": "<why>"}, `code` and `load` write
# {"completed": true} when they ran to their end; `suite` runs the test files one after the other,
# whose TAP on stdout the judge reads. An exception ends with status 1.
use strict;
use warnings;
use JSON::PP ();
use POSIX ();

my $json = JSON::PP->new->utf8->allow_nonref->canonical;
my ($mode) = @ARGV;
my $order = do { local $/; $json->decode(scalar <STDIN>) };
my $source = '/work/src';
open my $value, '>&=', 3 or die "descriptor 3: $!";
@ARGV = ();
$0 = $order->{source};
unshift @INC, "$source/lib", $source;

sub record {
    my ($data) = @_;
    my $text = $json->encode($data);
    $| = 1;
    print STDOUT '';
    syswrite $value, $text or POSIX::_exit(4);
    POSIX::_exit(0);
}

sub depth_of {
    my ($data, $depth) = @_;
    die "nested deeper than 200\n" if $depth > 200;
    my $kind = ref $data;
    if ($kind eq 'ARRAY') { depth_of($_, $depth + 1) for @$data }
    elsif ($kind eq 'HASH') { depth_of($_, $depth + 1) for values %$data }
    elsif ($kind && !JSON::PP::is_bool($data)) { die "$kind\n" }
    elsif (!$kind && defined $data && $data =~ /^[+-]?(?:inf|nan)/i && ($data ^ $data) eq '0') {
        die "number $data\n";
    }
}

sub suite {
    my $status = 0;
    for my $file (@{$order->{files}}) {
        system($^X, "-I$source/lib", "-I$source", "$source/$file");
        $status ||= $?;
    }
    POSIX::_exit($status ? 1 : 0);
}

sub candidate {
    my $file = "$source/$order->{source}";
    my $done = do $file;
    die $@ if $@;
    die "cannot read $file: $!" if !defined $done && $!{ENOENT};
}

suite() if $mode eq 'suite';
my $ok = eval {
    candidate();
    no strict 'refs';
    my $name = $order->{entry_point};
    if ($mode eq 'code') {
        eval "package main; no strict 'vars'; $order->{code}\n; 1" or die $@;
    } elsif (!defined &{"main::$name"}) {
        die "there is no function $name\n";
    } elsif ($mode eq 'call') {
        my @got = &{"main::$name"}(@{$order->{args}});
        my $got = @got == 1 ? $got[0] : \@got;
        if (!eval { depth_of($got, 0); 1 }) {
            chomp(my $why = $@);
            record({unsupported => $why});
        }
        record({value => $got});
    }
    1;
};
if (!$ok) {
    print STDERR $@;
    POSIX::_exit(1);
}
record({completed => JSON::PP::true()});
