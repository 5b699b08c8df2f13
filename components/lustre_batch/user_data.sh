#!/bin/bash
# Owns what an instance does before and after its jobs: mounts this run's file system on /fsx before the ECS agent may
# start, and unmounts it when the instance goes. It must never let a container see a /fsx that is not Lustre: Docker
# would create the missing directory on the local disk, and a job that "succeeds" there loses what it wrote.
#
# It is the text/cloud-boothook part of the user data (cloud-init: run at every boot, early; the ECS agent starts after
# cloud-final.service), so running it again must change nothing. Plain ASCII; the placeholders are filled in per run.
set -euo pipefail
umask 022

DNS_NAME='@@DNS_NAME@@'
MOUNT_NAME='@@MOUNT_NAME@@'
ROOT=${ROOT:-}
MOUNT_POINT=$ROOT/fsx
UNITS=$ROOT/etc/systemd/system
PROGRAMS=$ROOT/usr/local/sbin
ATTEMPTS=8 # with the pauses below about two minutes

log() { echo "lustre: $*"; }

# Nothing runs here: no agent, so Batch places no job, and the instance is replaced.
refuse() {
    trap - EXIT
    log "$*; no job may run on this instance, shutting it down"
    # Until the next boot only, which decides for itself.
    systemctl mask --runtime --now ecs.service docker.service docker.socket || log "masking failed"
    shutdown -h now || systemctl poweroff --force
    exit 1
}
trap 'refuse "user data ended early, status $?"' EXIT

# Repeats a command with growing pauses: package mirrors and a file system's DNS name may need a moment.
retry() {
    local attempt pause_seconds=2
    for ((attempt = 1; attempt <= ATTEMPTS; attempt++)); do
        if "$@"; then return 0; fi
        log "attempt $attempt of $ATTEMPTS failed: $*"
        if ((attempt < ATTEMPTS)); then sleep "$pause_seconds"; fi
        pause_seconds=$((pause_seconds < 15 ? pause_seconds * 2 : 30))
    done
    return 1
}

is_lustre() { findmnt --noheadings --types lustre --mountpoint "$MOUNT_POINT" >/dev/null; }

# FSx guide, "Mounting from an EC2 instance": the options AWS recommends.
mount_lustre() { mount -t lustre -o relatime,flock "$DNS_NAME@tcp:/$MOUNT_NAME" "$MOUNT_POINT"; }

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

# FSx guide, "Working with Amazon EC2 Spot Instances": unmount cleanly (umount without -f or -l) before the instance
# goes, or other clients wait for this one until it is evicted. A notice leaves two minutes; the bounds below add up
# to 105 s at worst.
put 755 "$PROGRAMS/lustre-release" <<'PROGRAM'
#!/bin/bash
# Lets go of the file system: agent, containers, page cache, mount. Each step is bounded, and none stops the next.
set -uo pipefail
MOUNT_POINT=${ROOT:-}/fsx
mounted() { mountpoint -q "$MOUNT_POINT"; }
mounted || exit 0
# The agent first: a container's end that it reports is an application's failure to Batch, which does not retry it;
# without it the job ends with its instance, "Host EC2 (instance i-...) terminated.", and is retried.
timeout 20 systemctl stop ecs.service
containers=$(timeout 5 docker ps --quiet)
if [ -n "$containers" ]; then
    # SIGTERM, 20 s to react, SIGKILL.
    # shellcheck disable=SC2086 # one word per container
    timeout 30 docker stop -t 20 $containers
fi
timeout 20 sync --file-system "$MOUNT_POINT"
for _ in 1 2 3 4 5; do
    if timeout 3 umount "$MOUNT_POINT"; then
        echo "lustre: unmounted"
        exit 0
    fi
    mounted || exit 0
    sleep 1
done
echo "lustre: still busy, detaching"
timeout 10 umount -l "$MOUNT_POINT"
PROGRAM

put 755 "$PROGRAMS/lustre-spot-watch" <<'PROGRAM'
#!/bin/bash
# Waits for the Spot interruption notice (EC2 guide: poll instance-action every 5 s; 404 until there is one), then
# lets go of the file system.
set -uo pipefail
METADATA=http://169.254.169.254/latest
token=
while true; do
    if [ -z "$token" ]; then # IMDSv2; valid for six hours, renewed when refused
        token=$(curl -sf --max-time 2 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 21600' "$METADATA/api/token")
    fi
    status=$(curl -s --max-time 2 -o /dev/null -w '%{http_code}' -H "X-aws-ec2-metadata-token: $token" \
        "$METADATA/meta-data/spot/instance-action")
    case $status in
    200)
        echo "lustre: interruption notice"
        "${ROOT:-}/usr/local/sbin/lustre-release"
        exit 0
        ;;
    401) token= ;;
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
TimeoutStopSec=110
UNIT

systemctl daemon-reload

[[ $DNS_NAME =~ ^[A-Za-z0-9.-]+$ && $MOUNT_NAME =~ ^[A-Za-z0-9_-]+$ ]] || refuse "no file system named"

# FSx guide, "Installing the Lustre client": Amazon Linux 2023.
retry dnf install -y lustre-client || refuse "the Lustre client cannot be installed"

mkdir -p "$MOUNT_POINT"
if ! is_lustre; then
    retry mount_lustre || refuse "$DNS_NAME cannot be mounted"
fi
is_lustre || refuse "$MOUNT_POINT is not a Lustre file system"

# The association's directory, which FSx makes for root alone. The file system belongs to one run: like /tmp it is
# open to the users of that run's containers, each of whom can remove only what is theirs.
mkdir -p "$MOUNT_POINT/scratch"
if [[ $(stat -c %a "$MOUNT_POINT/scratch") != 1777 ]]; then chmod 1777 "$MOUNT_POINT/scratch"; fi

# Not waited for: these units are ordered after targets that wait for cloud-init, which waits for this script.
systemctl start --no-block lustre-release.service lustre-spot-watch.service
trap - EXIT
log "$DNS_NAME is mounted on $MOUNT_POINT"
