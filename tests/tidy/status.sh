#!/bin/sh
# Usage: status.sh COMMAND...
#
# Runs the command and prints its exit status last. The tidy.*.finds_* tests ask for the message and
# for a failure: a check that complained but passed would be no check.
status=0
"$@" || status=$?
echo "exit status $status"
