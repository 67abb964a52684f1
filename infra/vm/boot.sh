#!/bin/sh
# Makes a new machine the world's: fetches the agent and the machine's secrets,
# installs what the game needs, and starts the units. hearth-boot.service runs
# it, once; it may be run again. There is no secret in it.
#
# The serial log has a line for each step, with the seconds since the machine
# began, and one if it is given up. Nothing is started after that:
#
#   [   38.21] hearth-boot: agent
#   [  339.87] hearth-boot: FAILED at agent: REASON
#
# A REASON begins with the status that somebody answered, if somebody did.
# Usage: boot.sh [FOLDER]     FOLDER is what stands for /, for tests
set -u
export LC_ALL=C DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1

root=${1:-}
client_id='' agent_url='' agent_sha256='' # boot.conf says
work=$root/run/hearth-boot
agent=$root/usr/local/bin/hearth-agent
config=$root/etc/hearth/agent.json
step=begin
longest=300 # of a line
spoken=400  # seconds after the machine began, by which a failure is told

since() { cut -d ' ' -f 1 "$root/proc/uptime"; }

# within SECONDS begins a time in which a thing is tried, left tells whether it
# lasts. It ends early on a machine that is late: one whose agent is not heard for
# eight minutes is deleted, and what is said after that is read by nobody. Half a
# minute each step has.
within() {
    now=$(seconds)
    deadline=$((now + $1))
    [ "$deadline" -le "$spoken" ] || deadline=$((now + 30 > spoken ? now + 30 : spoken))
}
left() { [ "$(seconds)" -lt "$deadline" ]; }
seconds() { since | cut -d . -f 1; }

tell() {
    line=$(printf '[%8.2f] hearth-boot: %s' "$(since)" "$*" | tr -s '[:space:]' ' ' | tr -cd '[:print:]' | cut -c "1-$longest")
    printf '%s\n' "$line"
    # A login's question stands there, without an end.
    { printf '\n%s\n' "$line" >>"$root/dev/console"; } 2>/dev/null || :
}

begin() {
    step=$1
    tell "$step"
}

fail() {
    trap - EXIT
    tell "FAILED at $step: $*"
    exit 1
}

# A mistake in here must not look like patience; a machine that is shut down is
# none.
trap 'fail "boot.sh ended unexpectedly, see: journalctl -u hearth-boot"' EXIT
trap 'trap - EXIT; exit 143' TERM INT HUP

# last is the last line of a command's complaints that says something.
last() { sed -n '/[^[:space:]]/p' "$work/error" | tail -n 1; }

# get FILE ARGUMENT... is one GET by curl into FILE. If it fails, code is the
# status or 000, and trouble says it in words. Whom it asks is nobody's proxy.
get() {
    file=$1
    shift
    : >"$work/headers"
    if code=$(curl --silent --show-error --fail --noproxy '*' --proto '=https,http' --dump-header "$work/headers" \
        --output "$file" --write-out '%{http_code}' "$@" 2>"$work/error"); then
        return 0
    fi
    case $code in
    '' | 000 | 2*) trouble=$(sed -n '/^curl: /p' "$work/error" | head -n 1) ;; # advice follows it
    *)
        reply=$(tr -d '\r' <"$work/headers" | sed -n 's/^[Xx]-[Mm][Ss]-[Ee]rror-[Cc]ode: *//p' | tail -n 1)
        trouble=$code${reply:+ $reply}
        ;;
    esac
    return 1
}

# add PACKAGE... does so from what the package lists say today.
add() {
    within 300
    # The lists have a lock of their own, which apt-get does not wait for.
    until timeout 180 apt-get update -q -o Acquire::http::Timeout=20 -o Acquire::Retries=2 2>"$work/error" &&
        apt-get install -q -y --no-install-recommends -o DPkg::Lock::Timeout=120 -o Acquire::http::Timeout=20 -o Acquire::Retries=2 "$@" 2>"$work/error"; do
        cat "$work/error"
        left || return 1
        sleep 10
    done
}

# fence: before anything that could ask for the machine's tokens runs in a
# container.
fence() {
    begin fence
    command -v iptables >/dev/null || add iptables || fail "iptables can't be installed ($(last))"
    timeout 60 systemctl enable --now hearth-fence.service 2>"$work/error" || fail "the rules can't be set ($(last))"
}

# identity: a token, which the metadata service may have only a minute after the
# machine began.
identity() {
    begin identity
    within 90
    until get "$work/token" --connect-timeout 5 --max-time 10 --header 'Metadata: true' \
        "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fstorage.azure.com%2F&client_id=$client_id" &&
        bearer; do
        left || fail "$trouble: the metadata service gives no token for the identity $client_id"
        sleep 3
    done
}

# bearer writes the header that shows the token: a command's arguments are for
# everybody to read.
bearer() {
    trouble="the answer has no access_token"
    token=$(sed -n 's/.*"access_token" *: *"\([A-Za-z0-9._~+\/=-]*\)".*/\1/p' "$work/token")
    [ -n "$token" ] || return 1
    printf 'Authorization: Bearer %s\n' "$token" >"$work/header"
    rm -f "$work/token"
}

# agent: the program. A role that was assigned just now is felt after some
# minutes; a blob that is not there will not come.
download() {
    begin agent
    within 270
    until get "$agent.part" --connect-timeout 10 --speed-limit 1024 --speed-time 20 --max-time 240 \
        --header @"$work/header" --header 'x-ms-version: 2021-12-02' "$agent_url"; do
        case $code in
        404) fail "$trouble: the agent's program is not in the bot's storage account: deploy again" ;;
        403) hint="; the machine's identity lacks the role Storage Blob Data Reader there, or the account's firewall keeps it out" ;;
        *) hint= ;;
        esac
        left || fail "$trouble: the agent's program can't be fetched$hint"
        sleep 5
    done
}

checksum() {
    begin checksum
    echo "$agent_sha256  $agent.part" | sha256sum --check --status 2>/dev/null
}

program() {
    download
    if ! checksum; then
        download
        checksum || fail "the agent's program is another one than was deployed, twice: deploy again"
    fi
    chmod 0755 "$agent.part"
    mv -f "$agent.part" "$agent"
}

# secrets: the agent tries for some minutes by itself.
secrets() {
    begin secrets
    "$agent" secrets --config "$config" 2>"$work/error" || fail "$(last)"
}

# packages: a machine lives for an evening; nothing is upgraded on it, above all
# not the engine while somebody plays.
packages() {
    begin packages
    # One that runs may take its time to end; apt-get waits for its lock.
    timeout 60 systemctl mask --now apt-daily.timer apt-daily-upgrade.timer apt-daily.service apt-daily-upgrade.service unattended-upgrades.service 2>/dev/null || :
    missing=
    command -v dockerd >/dev/null || missing="docker.io"
    command -v mount.cifs >/dev/null || missing="$missing cifs-utils"
    if [ -n "$missing" ]; then
        # shellcheck disable=SC2086 # two words are two packages
        add $missing || fail "$missing can't be installed ($(last))"
    fi
    if ! modprobe cifs 2>"$work/error"; then
        # Some kernels have it in a package of its own.
        { add "linux-modules-extra-$(uname -r)" && modprobe cifs 2>"$work/error"; } || fail "the kernel can't mount the share ($(last))"
    fi
}

start() {
    begin start
    {
        systemctl enable hearth-secrets.service hearth-share.service hearth-agent.service &&
            systemctl start --no-block hearth-share.service &&
            timeout 120 systemctl start hearth-agent.service
    } 2>"$work/error" || fail "the agent does not start ($(last))"
}

main() {
    mkdir -p "${work%/*}" "${agent%/*}"
    rm -rf "$work"
    mkdir -m 0700 "$work" # tokens are in it
    # shellcheck source=/dev/null # written by Terraform
    . "$root/etc/hearth/boot.conf"
    fence
    identity
    program
    secrets
    packages
    start
    rm -rf "$work"
    trap - EXIT
}

main
