#!/bin/sh
# Answers in full and then does not end.
echo '{"page":1,"text":"a page of more than twenty characters"}'
echo '{"end":{"pages":1}}'
exec >/dev/null
sleep 600
