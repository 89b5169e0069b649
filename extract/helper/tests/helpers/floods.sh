#!/bin/sh
exec yes '{"page":1,"text":"without end"}'
