#!/bin/bash
# The NVIDIA driver: which one, and whether the image has exactly that one. Needs bake.sh.
# shellcheck disable=SC2034,SC2154 # versions.env is read by bake.sh; scripts that source this file use what it sets

# The oldest major that Amazon Linux 2023's repository of NVIDIA has; older ones come as NVIDIA's own archive.
readonly NVIDIA_FIRST_PACKAGED=555
# The oldest major that NVIDIA still mends.
readonly NVIDIA_FIRST_SUPPORTED=580
# The last major with the proprietary module.
readonly NVIDIA_LAST_PROPRIETARY=619

nvidia_version='' nvidia_major=''

# Sets nvidia_version and nvidia_major from NVIDIA_DRIVER_VERSION: a major stands for the version that versions.env has
# for it.
nvidia_choose() {
  local wanted=$NVIDIA_DRIVER_VERSION row
  [[ $NVIDIA_KMOD =~ ^(open|proprietary)$ ]] || bake_die "NVIDIA_KMOD is '$NVIDIA_KMOD': open or proprietary"
  case $wanted in
    [1-9][0-9][0-9])
      row=NVIDIA_DRIVER_$wanted
      nvidia_version=${!row:-}
      [[ -n $nvidia_version ]] ||
        bake_die "versions.env has no version of NVIDIA's branch $wanted, but of: $(nvidia_branches). Add $row=, or give a full version such as 580.178.04"
      ;;
    *)
      [[ $wanted =~ ^[1-9][0-9]{2}(\.[0-9]{2,3}){1,2}$ ]] ||
        bake_die "NVIDIA_DRIVER_VERSION is '$wanted': a major such as 580 or a full version such as 580.178.04"
      nvidia_version=$wanted
      ;;
  esac
  nvidia_major=${nvidia_version%%.*}
  if [[ $NVIDIA_KMOD == proprietary ]] && ((nvidia_major > NVIDIA_LAST_PROPRIETARY)); then
    bake_die "NVIDIA $nvidia_version has no proprietary module any more: NVIDIA_KMOD=open"
  fi
}

nvidia_branches() {
  sed -n 's/^NVIDIA_DRIVER_\([1-9][0-9][0-9]\)=.*/\1/p' "$BAKE_DIR/versions.env" | paste -sd ' '
}

# nvidia_packages NAME-VERSION...: exactly these.
nvidia_packages() {
  local each missing=()
  for each in "$@"; do
    rpm --query "$each" >/dev/null || missing+=("$each")
  done
  ((${#missing[@]} > 0)) || return 0
  bake_say "installing ${missing[*]}"
  bake_dnf install "${missing[@]}"
}

# nvidia_lock PATTERN...: no update touches them.
nvidia_lock() {
  local each locked
  locked=$(dnf --quiet versionlock list)
  for each in "$@"; do
    if ! grep -q "^${each%'*'}" <<<"$locked"; then bake_dnf versionlock add "$each"; fi
  done
}

# nvidia_fault KERNEL: says what speaks against the driver on that kernel, nothing where all is well. dkms must have
# finished everything it knows, its module must be of that version, and made for that kernel.
nvidia_fault() {
  local status found
  status=$(dkms status)
  if ! grep -qE "^nvidia(-open)?/$nvidia_version, $1, x86_64: installed$" <<<"$status"; then
    printf 'dkms has not installed nvidia %s for kernel %s: %s' "$nvidia_version" "$1" "${status:-nothing}"
  elif grep -qv ': installed$' <<<"$status"; then
    printf 'dkms has left something unfinished: %s' "$(grep -v ': installed$' <<<"$status")"
  elif ! found=$(modinfo -k "$1" -F version nvidia) || [[ $found != "$nvidia_version" ]]; then
    printf 'kernel %s would load nvidia %s, not %s' "$1" "${found:-nothing}" "$nvidia_version"
  elif ! found=$(modinfo -k "$1" -F vermagic nvidia) || [[ ${found%% *} != "$1" ]]; then
    printf 'the nvidia module is made for kernel %s, not %s' "${found%% *}" "$1"
  elif [[ ! -e $BAKE_ROOT/usr/lib64/libnvidia-ml.so.$nvidia_version ]]; then
    printf 'the libraries are of another driver: there is no /usr/lib64/libnvidia-ml.so.%s' "$nvidia_version"
  fi
}
