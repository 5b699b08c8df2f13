#!/bin/sh
# The sample job: numbered checkpoints, each removing the one before, and a result at the end. It owns one directory
# under the scratch file system, named after its Batch job, and must never touch anything outside it, nor finish with
# other bytes because it was interrupted.
#
# Files are written in place, not renamed into place: FSx for Lustre exports a rename as a new object and a delete
# (FSx guide, automatic export). What tells a complete file from a torn one is its content, which follows from its
# number alone.
set -eu

files=${SAMPLE_FILES:-20}
interval_seconds=${SAMPLE_INTERVAL_SECONDS:-30}
file_kib=${SAMPLE_FILE_KIB:-64}
# A retried attempt has the job id of the first and goes on with its files; a later run has another and starts afresh,
# although the bucket's objects, results of earlier runs included, show in the same file system.
directory=${SCRATCH_DIR:-/scratch}/sample-${AWS_BATCH_JOB_ID:-job}
result=$directory/result.txt

for setting in "SAMPLE_FILES $files" "SAMPLE_INTERVAL_SECONDS $interval_seconds" "SAMPLE_FILE_KIB $file_kib"; do
    case ${setting#* } in
    '' | *[!0-9]* | 0?* | ??????*)
        echo "${setting%% *}: '${setting#* }' is not a whole number from 0 to 99999" >&2
        exit 2
        ;;
    esac
done
if [ "$files" -eq 0 ] || [ "$file_kib" -eq 0 ]; then
    echo "SAMPLE_FILES and SAMPLE_FILE_KIB: 0 is not a number from 1" >&2
    exit 2
fi

part() { printf '%s/part-%05d.txt' "$directory" "$1"; }

# Exactly file_kib KiB: a first line of 11 bytes, a filling, a last line of 10.
part_content() {
    printf 'part %05d\n' "$1"
    yes "checkpoint $1 of the sample job" | head -c $((file_kib * 1024 - 21))
    printf 'end %05d\n' "$1"
}

result_content() {
    printf 'parts %d\nkib_each %d\nlast_cksum %s\ncomplete\n' "$files" "$file_kib" "$(part_content "$files" | cksum)"
}

# Succeeds when the file $1 holds exactly what the rest of the words produce.
holds() {
    file=$1
    shift
    [ -f "$file" ] && [ "$(cksum <"$file")" = "$("$@" | cksum)" ]
}

# On disk before anything older is removed: an instance that vanishes takes its unwritten pages along.
durable() { sync "$1" 2>/dev/null || sync; }

sleeper=
stop() {
    if [ -n "$sleeper" ]; then
        kill "$sleeper" 2>/dev/null || :
        wait "$sleeper" || :
    fi
    echo "stopped on request; the next attempt goes on from the last complete part"
    exit 143
}
trap stop TERM INT

# In the background, since a shell runs its traps only between commands.
pause() {
    sleep "$interval_seconds" &
    sleeper=$!
    wait "$sleeper" || :
    sleeper=
}

mkdir -p "$directory"
if holds "$result" result_content; then
    echo "already finished: $result is complete"
    exit 0
fi

done_parts=$files
while [ "$done_parts" -gt 0 ] && ! holds "$(part "$done_parts")" part_content "$done_parts"; do
    done_parts=$((done_parts - 1))
done
if [ "$done_parts" -gt 0 ]; then echo "going on after part $done_parts of $files"; fi
for leftover in "$directory"/part-*.txt; do
    if [ -f "$leftover" ] && [ "$leftover" != "$(part "$done_parts")" ]; then rm -f "$leftover"; fi
done

while [ "$done_parts" -lt "$files" ]; do
    next=$((done_parts + 1))
    part_content "$next" >"$(part "$next")"
    durable "$(part "$next")"
    if [ "$done_parts" -gt 0 ]; then rm -f "$(part "$done_parts")"; fi
    done_parts=$next
    echo "part $done_parts of $files"
    if [ "$done_parts" -lt "$files" ]; then pause; fi
done

result_content >"$result"
durable "$result"
echo "finished: $result"
