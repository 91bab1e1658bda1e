#!/usr/bin/env bash
#SBATCH --job-name=deeptsr
#SBATCH --cpus-per-task=8
#SBATCH --gpus-per-task=1
#SBATCH --mem=32G
#SBATCH --time=08:00:00
#SBATCH --requeue
# Upscale one video of a list, the one whose number is that of the task in the array. A task that is
# requeued goes on from where it stopped; one whose output exists is done.
#   find "$PWD/clips" -name '*.mp4' | sort > list.txt
#   sbatch --array=1-$(wc -l < list.txt)%4 examples/slurm.sh list.txt results [options]
set -euo pipefail
list=${1:?a file that names a video a line} outputs=${2:?the folder for the results}
shift 2
video=$(sed -n "${SLURM_ARRAY_TASK_ID:?run this with sbatch --array}p" "$list")
[ -n "$video" ] || { echo "$list has no line $SLURM_ARRAY_TASK_ID" >&2 && exit 2; }
mkdir -p "$outputs"
# The number keeps apart what has the same name in different folders.
output=$outputs/$SLURM_ARRAY_TASK_ID-$(basename "$video")
[ -e "$output" ] && exit 0
export OMP_NUM_THREADS=${SLURM_CPUS_PER_TASK:-1}
# srun passes the signal on that SLURM sends before the time is up; without it, this very process
# becomes deeptsr, which hears the signal itself.
run=()
command -v srun > /dev/null && run=(srun)
exec "${run[@]}" deeptsr upscale "$@" -o "$output" -- "$video"
