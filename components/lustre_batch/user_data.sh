#!/bin/bash
# Owns what an instance does before and after its jobs: mounts this run's file system on /fsx before the ECS agent may
# start, and unmounts it when the instance goes. It must never let a container see a /fsx that is not Lustre: Docker
# would create the missing directory on the local disk, and a job that "succeeds" there loses what it wrote.
#
# It is the text/cloud-boothook part of the user data (cloud-init: run at every boot, early; the ECS agent starts after
# cloud-final.service), so running it again must change nothing. Plain ASCII; the placeholders are filled in per run.
#
# Boot, in seconds. A network that swallows everything is refused within three minutes:
#  150  BOOT_SECONDS: metadata (20 at most), client and mount together, pauses included
#   11  the last attempt's end, or opening the directory, with the second that giving up takes
#   16  masking the agent; then the shutdown
set -euo pipefail
umask 022

DNS_NAME='@@DNS_NAME@@'
MOUNT_NAME='@@MOUNT_NAME@@'
BOOT_SECONDS=150
ROOT=${ROOT:-}
MOUNT_POINT=$ROOT/fsx
UNITS=$ROOT/etc/systemd/system
PROGRAMS=$ROOT/usr/local/sbin
LIBRARY=$ROOT/usr/local/lib/lustre-batch.sh

# Writes standard input to a file with the given mode.
put() {
    mkdir -p "${2%/*}"
    cat >"$2"
    chmod "$1" "$2"
}

# First of all, so that it holds even if nothing below gets to run: the agent asserts the mount whenever it starts.
put 644 "$UNITS/ecs.service.d/lustre.conf" <<'UNIT'
[Unit]
AssertPathIsMountPoint=/fsx
UNIT

put 644 "$LIBRARY" <<'LIBRARY'
# What the boothook and its programs share.
ROOT=${ROOT:-}
MOUNT_POINT=$ROOT/fsx
METADATA=http://169.254.169.254/latest/meta-data
TOKEN=

log() { echo "lustre: $*"; }

# bounded SECONDS COMMAND...: its status, or 124 once the seconds are over. A command that waits in the kernel cannot be
# killed, and who waits for it (timeout does) waits as long: it is left behind, without the pipe of whoever reads ours.
# It has a process group of its own: what it started (mount starts mount.lustre) does not outlive an attempt that failed.
bounded() {
    local seconds=$1 output status=124 pid end
    shift
    output=$(mktemp)
    set -m
    "$@" >"$output" 2>&1 </dev/null &
    set +m
    pid=$! end=$((SECONDS + seconds))
    while kill -0 "$pid" 2>/dev/null && ((SECONDS < end)); do sleep 0.2; done
    if kill -0 "$pid" 2>/dev/null; then
        log "gave up after $seconds s: $*" >&2
        disown "$pid"
        kill -- "-$pid" 2>/dev/null && sleep 1
    else
        wait "$pid" && status=0 || status=$?
    fi
    ((status == 0)) || kill -KILL -- "-$pid" 2>/dev/null || :
    cat "$output"
    rm -f "$output"
    return "$status"
}

# As the kernel's table says: asking the file system itself (stat, mountpoint) waits for servers that may be gone.
is_lustre() {
    local point kind
    while read -r _ point kind _; do
        if [[ $point = "$MOUNT_POINT" && $kind = lustre ]]; then return 0; fi
    done <"$ROOT/proc/self/mounts"
    return 1
}

# A new token for IMDSv2, valid for six hours.
new_token() {
    TOKEN=$(curl -sf --max-time 2 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 21600' \
        "${METADATA%/meta-data}/api/token")
}

# metadata PATH [OPTION...]: one value.
metadata() { curl -s --max-time 2 -H "X-aws-ec2-metadata-token: $TOKEN" "${@:2}" "$METADATA/$1"; }
LIBRARY
# shellcheck source=/dev/null
. "$LIBRARY"

# Nothing runs here: no agent, so Batch places no job, and the instance is replaced.
refuse() {
    trap - EXIT
    log "$*; no job may run on this instance, shutting it down"
    # Until the next boot only, which decides for itself.
    bounded 15 systemctl mask --runtime --now ecs.service docker.service docker.socket || log "masking failed"
    shutdown -h now || systemctl poweroff --force
    exit 1
}
trap 'refuse "user data ended early, status $?"' EXIT

# retry SECONDS COMMAND...: again until it succeeds, with growing pauses; each attempt has that long, and all that is
# tried at this boot ends after BOOT_SECONDS. Package mirrors and a file system's DNS name may need a moment.
retry() {
    local seconds=$1 attempt=1 left pause_seconds=2
    shift
    while left=$((BOOT_SECONDS - SECONDS)) && ((left > 0)); do
        if bounded $((left < seconds ? left : seconds)) "$@"; then return 0; fi
        log "attempt $attempt failed: $*"
        if ((SECONDS + pause_seconds >= BOOT_SECONDS)); then return 1; fi
        sleep "$pause_seconds"
        pause_seconds=$((pause_seconds < 15 ? pause_seconds * 2 : 30))
        attempt=$((attempt + 1))
    done
    return 1
}

# FSx guide, "Working with Amazon EC2 Spot Instances": unmount cleanly (umount without -f or -l) before the instance
# goes, or other clients wait for this one until it is evicted. Of the 120 s that a notice leaves:
#    7  until it is seen: the pause of a poll and a request
#   80  JOB_ENDS_SECONDS: agent (10 at most), list of containers (5), and all the rest for the job between SIGTERM and
#       SIGKILL: 63 s at least, nearly 80 where agent and Docker are quick
#    4  Docker reports the end
#   13  what is still to be written; writing begins with the notice, beside the job
#    9  umount, again and again
#    3  detaching instead
# makes 116: each with the second that giving up a command takes.
put 755 "$PROGRAMS/lustre-release" <<'PROGRAM'
#!/bin/bash
# Lets go of the file system: agent, containers, page cache, mount. Each step is bounded, and none stops the next.
set -uo pipefail
JOB_ENDS_SECONDS=80
# shellcheck source=/dev/null
. "${ROOT:-}/usr/local/lib/lustre-batch.sh"
is_lustre || exit 0
bounded 90 sync --file-system "$MOUNT_POINT" &
# The agent first: a container's end that it reports is an application's failure to Batch, which does not retry it;
# without it the job ends with its instance, "Host EC2 (instance i-...) terminated.", and is retried.
bounded 10 systemctl stop ecs.service
containers=$(bounded 5 docker ps --quiet | grep -xE '[0-9a-f]+')
if [ -n "$containers" ]; then
    left=$((JOB_ENDS_SECONDS - SECONDS))
    # Docker's client works on fifty at a time (docker/cli, parallelOperation): the others would be told too late.
    stop() {
        while [ $# -gt 0 ]; do
            docker stop -t "$left" "${@:1:40}" &
            shift $(($# < 40 ? $# : 40))
        done
        wait
    }
    # shellcheck disable=SC2086 # one word per container
    bounded $((left + 3)) stop $containers
fi
bounded 12 sync --file-system "$MOUNT_POINT"
# One mount may lie on another.
for ((end = SECONDS + 8; SECONDS < end; )); do
    bounded $((end - SECONDS)) umount "$MOUNT_POINT" || sleep 1
    if ! is_lustre; then
        log "unmounted"
        exit 0
    fi
done
log "still busy, detaching"
detach() { while is_lustre; do umount -l "$MOUNT_POINT" || return; done; }
bounded 2 detach
PROGRAM

put 755 "$PROGRAMS/lustre-spot-watch" <<'PROGRAM'
#!/bin/bash
# Waits for the Spot interruption notice (EC2 guide: poll instance-action every 5 s; 404 until there is one), then
# lets go of the file system.
set -uo pipefail
# shellcheck source=/dev/null
. "${ROOT:-}/usr/local/lib/lustre-batch.sh"
while true; do
    [ -n "$TOKEN" ] || new_token
    status=$(metadata spot/instance-action -o /dev/null -w '%{http_code}')
    case $status in
    200)
        log "interruption notice"
        "$ROOT/usr/local/sbin/lustre-release"
        exit 0
        ;;
    401) TOKEN= ;;
    esac
    sleep 5
done
PROGRAM

put 644 "$UNITS/lustre-spot-watch.service" <<'UNIT'
[Unit]
Description=Unmount FSx for Lustre on a Spot interruption notice
[Service]
ExecStart=/usr/local/sbin/lustre-spot-watch
Restart=on-failure
RestartSec=5
UNIT

# systemd stops units in the reverse of the order in which they start: containers, then this, then the network.
put 644 "$UNITS/lustre-release.service" <<'UNIT'
[Unit]
Description=Unmount FSx for Lustre at shutdown
After=network.target
Before=docker.service ecs.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/true
ExecStop=/usr/local/sbin/lustre-release
TimeoutStopSec=120
UNIT

systemctl daemon-reload

[[ $DNS_NAME =~ ^[A-Za-z0-9.-]+$ && $MOUNT_NAME =~ ^[A-Za-z0-9_-]+$ ]] || refuse "no file system named"

# The repository's address has both in it, and what the AMI was built with names another region's until a later module of
# cloud-init has written them (Amazon Linux 2023, cloud.cfg: write-metadata): past the gateway endpoint, or nowhere.
tell_dnf_where_it_is() {
    local region domain
    new_token && region=$(metadata placement/region -f) && domain=$(metadata services/domain -f) || return 1
    [[ $region =~ ^[a-z0-9-]+$ && $domain =~ ^[a-z0-9.-]+$ ]] || return 1
    put 644 "$ROOT/etc/dnf/vars/awsregion" <<<"$region"
    put 644 "$ROOT/etc/dnf/vars/awsdomain" <<<"$domain"
}

# FSx guide, performance tips, "Recommended client instance tuning": for more than 64 cores, and more than 64 GiB.
cores=$(nproc --all) || cores=0
memory_gib=$(awk '/^MemTotal:/ {print int($2 / 1024 / 1024)}' "$ROOT/proc/meminfo") || memory_gib=0
tune() { bounded 5 lctl set_param "$@" || log "not tuned: $*"; }

# The client's module reads its options when the first mount loads it.
if ((cores > 64)); then
    put 644 "$ROOT/etc/modprobe.d/lustre-batch.conf" <<'OPTIONS' || log "not tuned: the modules' options"
options ptlrpc ptlrpcd_per_cpt_max=32
options ksocklnd credits=2560
OPTIONS
fi

# FSx guide, "Installing the Lustre client": Amazon Linux 2023. The distribution's own repository alone: it is in S3,
# where a gateway endpoint leads, and the AMI for GPUs has others beside it.
if ! rpm -q --quiet lustre-client; then
    tell_dnf_where_it_is || { sleep 1 && tell_dnf_where_it_is; } || { sleep 1 && tell_dnf_where_it_is; } ||
        log "the region is not known; dnf asks where the AMI says"
    retry 60 dnf install -y --repo=amazonlinux --setopt=timeout=10 --setopt=retries=2 lustre-client ||
        refuse "the Lustre client cannot be installed"
fi

mkdir -p "$MOUNT_POINT"
# FSx guide, "Mounting from an EC2 instance": the options AWS recommends. An attempt that was given up may have mounted
# it all the same, while it was in the kernel: a second mount would lie on the first.
mount_lustre() {
    is_lustre || mount -t lustre -o relatime,flock "$DNS_NAME@tcp:/$MOUNT_NAME" "$MOUNT_POINT"
}
retry 60 mount_lustre || refuse "$DNS_NAME cannot be mounted"
is_lustre || refuse "$MOUNT_POINT is not a Lustre file system"

# The association's directory, which FSx makes for root alone. The file system belongs to one run: like /tmp it is
# open to the users of that run's containers, each of whom can remove only what is theirs.
open_scratch() {
    mkdir -p "$MOUNT_POINT/scratch"
    if [[ $(stat -c %a "$MOUNT_POINT/scratch") != 1777 ]]; then chmod 1777 "$MOUNT_POINT/scratch"; fi
}
bounded 10 open_scratch || refuse "$MOUNT_POINT/scratch cannot be opened to the job"

if ((memory_gib > 64)); then tune 'ldlm.namespaces.*.lru_max_age=600000'; fi
if ((cores > 64)); then
    tune 'osc.*OST*.max_rpcs_in_flight=32'
    tune 'mdc.*.max_rpcs_in_flight=64'
    tune 'mdc.*.max_mod_rpcs_in_flight=50'
fi

# Not waited for: these units are ordered after targets that wait for cloud-init, which waits for this script.
systemctl start --no-block lustre-release.service lustre-spot-watch.service
trap - EXIT
log "$DNS_NAME is mounted on $MOUNT_POINT"
