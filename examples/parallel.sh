#!/usr/bin/env bash
# Upscale every video of a folder with GNU parallel, several at a time, each on its share of the
# cores. Run again: what succeeded is not done again, by the log that parallel keeps.
#   JOBS=2 examples/parallel.sh INPUTS OUTPUTS [options of deeptsr upscale]
set -euo pipefail
inputs=${1:?the folder of the videos} outputs=${2:?the folder for the results}
shift 2
jobs=${JOBS:-2}
mkdir -p "$outputs"
cores=$(nproc)
export OMP_NUM_THREADS=$((cores > jobs ? cores / jobs : 1))
# Ends with the number of videos that failed.
find "$inputs" -maxdepth 1 -type f \( -name '*.mp4' -o -name '*.mkv' -o -name '*.mov' \) -print0 |
    sort -z |
    parallel --quote --null --jobs "$jobs" --joblog "$outputs/parallel.log" --resume-failed \
        deeptsr upscale --quiet "$@" -o "$outputs"/{/} -- {}
