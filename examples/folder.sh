#!/usr/bin/env bash
# Upscale every video of a folder, one after the other; go on after a failure, and say at the end
# which failed and why. Run again: an output that exists is not made again.
#   examples/folder.sh INPUTS OUTPUTS [options of deeptsr upscale]
set -uo pipefail
inputs=${1:?the folder of the videos} outputs=${2:?the folder for the results}
shift 2
mkdir -p "$outputs"
failed=0
for video in "$inputs"/*.{mp4,mkv,mov}; do
    [ -e "$video" ] || continue # no file of that ending
    output=$outputs/$(basename "$video")
    [ -e "$output" ] && continue
    deeptsr upscale "$@" -o "$output" -- "$video"
    status=$?
    case $status in
    0) ;;
    3) echo "$video cannot be used" >&2 && failed=1 ;;
    130 | 143) exit $status ;; # interrupted: the same command goes on from here
    2 | 4) exit $status ;;     # a wrong option, or no memory or disk: the next would fail as well
    *) echo "$video failed" >&2 && failed=1 ;;
    esac
done
exit $failed
