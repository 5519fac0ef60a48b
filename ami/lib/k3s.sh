#!/bin/bash
# k3s, the same for server and agent: the program, the programs in it, and its images in its own containerd, so that no
# start unpacks or imports anything. k3s itself does not run here, so it leaves no identity. Needs bake.sh.
# shellcheck disable=SC2154 # versions.env is read by bake.sh

readonly K3S_DATA=$BAKE_ROOT/var/lib/rancher/k3s
readonly K3S_RUN=$BAKE_ROOT/run/k3s/containerd
readonly K3S_CONTAINERD_SECONDS=30

k3s_containerd=''

k3s_address() {
  printf 'https://github.com/k3s-io/k3s/releases/download/%s/%s' "${K3S_VERSION/+/%2B}" "$1"
}

# The program, the names it answers to, and what it carries inside, which its first command unpacks.
k3s_install() {
  local file=$BAKE_CACHE/k3s-$K3S_VERSION name
  bake_fetch K3S "$K3S_VERSION" "$(k3s_address k3s)" "$file"
  bake_place "$file" "$BAKE_BIN/k3s" 0755
  for name in kubectl crictl ctr; do
    ln -sfn k3s "$BAKE_BIN/$name"
  done
  "$BAKE_BIN/k3s" kubectl version --client
  [[ -x $K3S_DATA/data/current/bin/containerd ]] || bake_die "k3s has unpacked nothing into $K3S_DATA/data"
}

k3s_ctr() {
  "$BAKE_BIN/k3s" ctr --address "$K3S_RUN/containerd.sock" --namespace k8s.io "$@"
}

# containerd as k3s starts it: same places, same namespace.
k3s_open() {
  local look
  install -d -m 0711 "$K3S_RUN"
  PATH=$K3S_DATA/data/current/bin:$PATH "$K3S_DATA/data/current/bin/containerd" --log-level warn \
    --root "$K3S_DATA/agent/containerd" --state "$K3S_RUN" --address "$K3S_RUN/containerd.sock" &
  k3s_containerd=$!
  trap k3s_close EXIT
  for ((look = 0; look < 5 * K3S_CONTAINERD_SECONDS; look++)); do
    if k3s_ctr version >/dev/null 2>&1; then return 0; fi
    kill -0 "$k3s_containerd" 2>/dev/null || bake_die "k3s's containerd ended at once"
    sleep 0.2
  done
  bake_die "k3s's containerd does not answer within $K3S_CONTAINERD_SECONDS s"
}

k3s_close() {
  local rc=$?
  trap - EXIT
  # What it ends with says nothing: it was told to.
  if kill "$k3s_containerd" 2>/dev/null; then wait "$k3s_containerd" || k3s_containerd=''; fi
  if ((rc != 0)); then exit "$rc"; fi
}

# k3s_has_image NAME
k3s_has_image() {
  grep -qxF "$1" <<<"$(k3s_ctr images list --quiet)"
}

# Images that k3s needs of its release; containerd must be open.
k3s_import_images() {
  local file=$BAKE_CACHE/k3s-airgap-images-$K3S_VERSION.tar.zst
  bake_fetch K3S_IMAGES "$K3S_VERSION" "$(k3s_address k3s-airgap-images-amd64.tar.zst)" "$file"
  if [[ -e $file.imported ]]; then return 0; fi
  zstd --decompress --stdout --quiet "$file" | k3s_ctr images import -
  touch "$file.imported"
}

# k3s_pull NAME@sha256:DIGEST: an image from its registry; the digest is the check.
k3s_pull() {
  [[ $1 =~ ^[a-z0-9.:/_-]+@sha256:[0-9a-f]{64}$ ]] || bake_die "image $1 is not named by its digest"
  if k3s_has_image "$1"; then return 0; fi
  bake_say "pulling $1"
  timeout --kill-after=10 600 "$BAKE_BIN/k3s" ctr --address "$K3S_RUN/containerd.sock" --namespace k8s.io \
    images pull --platform linux/amd64 "$1" >/dev/null
}
