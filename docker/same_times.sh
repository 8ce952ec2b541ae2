#!/bin/sh
# Gives all that lies in a folder, and the folder, one time: same_times.sh FOLDER SECONDS-SINCE-1970
set -eu
find "$1" -exec touch --no-dereference --date "@$2" {} +
