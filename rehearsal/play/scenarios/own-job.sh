#!/bin/sh
# A job of somebody's own, as a scenario runs it (own-job.yaml): it adds up the numbers of its input, one a minute, and
# goes on after the last one that a former attempt has noted.
set -eu
cd "${SCRATCH_DIR:-/scratch}"
touch noted.txt
echo "attempt $AWS_BATCH_JOB_ATTEMPT goes on after $(wc -l <noted.txt) of $(wc -l <input/steps.txt) steps"
tail -n +"$(($(wc -l <noted.txt) + 1))" input/steps.txt | while read -r step; do
    echo "step $step"
    sleep 60
    echo "$step" >>noted.txt
done
awk '{ sum += $1 } END { print sum }' noted.txt >result.txt
echo "the sum is $(cat result.txt)"
