# shellcheck shell=bash
# The set-up that contrib/run, contrib/test and contrib/install share. Sourced, never run.
#
# It installs what is missing and nothing twice: a stamp in the virtual environment remembers the
# checksum of every file that was installed from.

REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
VENV=${VENV:-$REPO/.venv}
LOGS=$REPO/.run/log
PYTHON=

export DEBIAN_FRONTEND=noninteractive
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore
# What the caller's shell has set up for other Python programs is not meant for this one.
unset PYTHONPATH PYTHONHOME

say() { printf '\033[1m==\033[0m %s\n' "$*" >&2; }
note() { printf '   %s\n' "$*" >&2; }
die() {
    local code=$1
    shift
    printf 'error: %s\n' "$1" >&2
    shift
    local line
    for line in "$@"; do printf '       %s\n' "$line" >&2; done
    exit "$code"
}

# Plain output where nobody looks at colours.
if [[ ! -t 2 || -n ${NO_COLOR:-} ]]; then
    say() { printf '== %s\n' "$*" >&2; }
fi

is_root() { [[ $(id -u) -eq 0 ]]; }
has_apt() { command -v apt-get >/dev/null; }

# quietly LOG COMMAND…: the output goes to a log, which is shown where the command fails.
quietly() {
    local log=$LOGS/$1.log
    shift
    mkdir -p "$LOGS"
    "$@" >"$log" 2>&1 </dev/null
}

show_log() { tail -n 30 "$LOGS/$1.log" | sed 's/^/   | /' >&2; }

apt_install() {
    say "installing Debian packages: $*"
    quietly apt apt-get install -y --no-install-recommends "$@" && return
    # A fresh container has no package lists, an old machine stale ones.
    quietly apt-update apt-get update || show_log apt-update
    quietly apt apt-get install -y --no-install-recommends "$@"
}

is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
makes_venvs() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }

# The system's Python first: it outlives what version managers put on PATH.
find_python() {
    local candidate
    for candidate in /usr/bin/python3 python3 python3.14 python3.13 python3.12 python3.11; do
        candidate=$(command -v "$candidate") || continue
        if is_new_enough "$candidate" && makes_venvs "$candidate"; then
            PYTHON=$candidate
            return 0
        fi
    done
    return 1
}

# The Debian packages that twinlens cannot do without.
missing_packages() {
    if [[ ! -x /usr/bin/python3 ]]; then
        find_python || echo python3 python3-venv
    elif is_new_enough /usr/bin/python3 && ! makes_venvs /usr/bin/python3; then
        # Without root another Python will do, where there is one.
        is_root || find_python || echo python3-venv
    fi
    command -v exiftool >/dev/null || echo libimage-exiftool-perl
}

ensure_packages() {
    local -a missing
    read -r -a missing <<<"$(missing_packages | tr '\n' ' ')"
    if [[ ${#missing[@]} -gt 0 ]]; then
        has_apt || die 1 "these are missing: ${missing[*]}" \
            "This is not a Debian system: install Python 3.11 or newer with venv, and exiftool."
        is_root || die 1 "Debian packages are missing; install them with:" \
            "sudo apt-get install ${missing[*]}"
        apt_install "${missing[@]}" ||
            { show_log apt; die 1 "apt-get could not install: ${missing[*]}"; }
    fi
    find_python || die 1 "Python 3.11 or newer is needed; the newest found is" \
        "$(/usr/bin/python3 --version 2>&1 || echo none)"
}

# What the bench of faults provokes them with: program, then the Debian package that has it.
BENCH_PROGRAMS=(
    strace strace
    mkfs.btrfs btrfs-progs
    mkfs.xfs xfsprogs
    mkntfs ntfs-3g
    fusermount3 fuse3
    gcc 'gcc libc6-dev'
    setfattr attr
    setfacl acl
)

missing_bench_packages() {
    local i
    for ((i = 0; i < ${#BENCH_PROGRAMS[@]}; i += 2)); do
        # Tools of the disk are not on everybody's path.
        PATH=$PATH:/usr/sbin:/sbin command -v "${BENCH_PROGRAMS[i]}" >/dev/null ||
            echo "${BENCH_PROGRAMS[i + 1]}"
    done
}

# Never a reason to stop: a test skips, with the reason, what cannot be provoked.
offer_bench_packages() {
    local -a missing
    read -r -a missing <<<"$(missing_bench_packages | tr '\n' ' ')"
    if [[ ${#missing[@]} -eq 0 ]]; then return; fi
    if is_root && has_apt && apt_install "${missing[@]}"; then return; fi
    note "some faults will not be tried; for them: sudo apt-get install ${missing[*]}"
}

ensure_venv() {
    "$VENV/bin/python" -c 'import pip' 2>/dev/null && is_new_enough "$VENV/bin/python" && return
    say "making the virtual environment $VENV with $("$PYTHON" --version 2>&1)"
    quietly venv "$PYTHON" -m venv --clear "$VENV" ||
        { show_log venv; die 1 "the virtual environment could not be made"; }
}

# once NAME FINGERPRINT COMMAND…: skipped where it was done with the same fingerprint.
once() {
    local stamp=$VENV/.stamp-$1 fingerprint=$2
    shift 2
    [[ -f $stamp && $(<"$stamp") == "$fingerprint" ]] && return
    "$@"
    printf '%s\n' "$fingerprint" >"$stamp"
}

checksum() { cat "$@" | sha256sum | cut -d' ' -f1; }

pip_install() {
    quietly pip "$VENV/bin/python" -m pip install "$@"
}

install_locked_file() {
    say "installing Python packages from $1"
    pip_install --require-hashes --only-binary :all: -r "$REPO/$1" ||
        { show_log pip; die 1 "pip could not install $1; the whole log: $LOGS/pip.log"; }
}

# install_locked FILE…: exactly the versions and the files that were locked.
install_locked() {
    local file
    for file in "$@"; do
        once "$file" "$(checksum "$REPO/$file")" install_locked_file "$file"
    done
}

# Made with the build tools of requirements.txt, so nothing is fetched that was not locked.
install_package() {
    say "installing twinlens"
    pip_install --no-deps --no-build-isolation --no-index "$@" ||
        { show_log pip; die 1 "pip could not install twinlens; the whole log: $LOGS/pip.log"; }
}

install_editable() {
    once twinlens "$REPO $(checksum "$REPO/pyproject.toml")" install_package --editable "$REPO"
}

has_systemd_headers() {
    command -v gcc >/dev/null && command -v pkg-config >/dev/null &&
        pkg-config --exists libsystemd &&
        "$VENV/bin/python" -c 'import pathlib, sys, sysconfig
sys.exit(not pathlib.Path(sysconfig.get_path("include"), "Python.h").exists())'
}

# The extra `systemd` is compiled here. It is a convenience: a failure is said and gone past.
build_systemd_extra() {
    local packages=(gcc libc6-dev pkg-config python3-dev libsystemd-dev)
    if ! has_systemd_headers && is_root && has_apt; then
        apt_install "${packages[@]}" || note "apt-get could not install them; going on without"
    fi
    if ! has_systemd_headers; then
        note "going on without the extra \`systemd\` (twinlens has its own few lines for it);"
        note "to have it: sudo apt-get install ${packages[*]}"
        return
    fi
    say "building the extra \`systemd\`"
    quietly systemd "$VENV/bin/python" -m pip install --require-hashes --no-build-isolation \
        -r "$REPO/requirements-systemd.txt" ||
        note "it did not build (see $LOGS/systemd.log); going on without"
}

install_systemd_extra() {
    "$VENV/bin/python" -c 'import systemd.daemon' 2>/dev/null && return
    # Tried anew when the headers have come since.
    local state=without
    has_systemd_headers && state=with
    once systemd "$(checksum "$REPO/requirements-systemd.txt") $state" build_systemd_extra
}

# set_up FILE…: everything up to an installed twinlens, with these locked files.
set_up() {
    ensure_packages
    ensure_venv
    install_locked "$@"
    install_systemd_extra
    install_editable
}
