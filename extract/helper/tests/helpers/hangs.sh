#!/bin/sh
# Says nothing and does not end; its child holds the output open, too.
sleep 600
