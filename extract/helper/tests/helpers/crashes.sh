#!/bin/sh
echo '{"page":1,"text":"the only page that was read"}'
kill -SEGV $$
