#!/bin/sh
# More on standard error than a pipe holds.
head -c 1000000 /dev/zero | tr '\0' 'x' >&2
echo '{"page":1,"text":"a page of more than twenty characters"}'
echo '{"end":{"pages":1}}'
