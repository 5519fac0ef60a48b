#!/bin/bash
# NVIDIA's driver: by dnf from Amazon's repository, or, where that is too new to have it, by NVIDIA's own archive. Only
# what computes, nothing that draws. No GPU is needed here.
# shellcheck source=../../lib/bake.sh
source "${BAKE_DIR:?}/lib/bake.sh"
# shellcheck source=../../lib/nvidia.sh
source "$BAKE_DIR/lib/nvidia.sh"

readonly PROPRIETARY_OPTIONS=gpu-worker/files/usr/local/share/carrierarr/modprobe/nvidia-proprietary.conf

# dnf verifies what it installs with the key that nvidia-release brings.
install_packages() {
  local module=kmod-nvidia-open-dkms
  if [[ $NVIDIA_KMOD == proprietary ]]; then module=kmod-nvidia-latest-dkms; fi
  nvidia_packages "$module-$nvidia_version" "nvidia-driver-cuda-$nvidia_version" "nvidia-modprobe-$nvidia_version" \
    "nvidia-persistenced-$nvidia_version"
  bake_record nvidia-driver "$nvidia_version"
}

install_archive() {
  local file=$BAKE_CACHE/NVIDIA-Linux-x86_64-$nvidia_version.run sources=kernel-open
  if [[ $NVIDIA_KMOD == proprietary ]]; then sources=kernel; fi
  bake_fetch NVIDIA_DRIVER "$nvidia_version" \
    "https://us.download.nvidia.com/XFree86/Linux-x86_64/$nvidia_version/${file##*/}" "$file"
  if [[ -z $(nvidia_fault "$(uname -r)") ]]; then return 0; fi
  CC=/usr/bin/gcc sh "$file" --silent --dkms --kernel-name="$(uname -r)" --kernel-module-build-directory="$sources" \
    --no-opengl-files --no-x-check --log-file-name="$BAKE_CACHE/nvidia-installer.log" ||
    bake_die "NVIDIA's installer failed: $(tail -n 20 "$BAKE_CACHE/nvidia-installer.log")"
}

# nvidia_warn: what is built here gets no security fixes.
warn_end_of_life() {
  ((nvidia_major < NVIDIA_FIRST_SUPPORTED)) || return 0
  bake_say "WARNING: NVIDIA has ended support of branch $nvidia_major, and $nvidia_version gets no security fixes any more; NVIDIA_DRIVER_VERSION=580 does until June 2028"
}

main() {
  nvidia_choose
  warn_end_of_life
  # The repository, for the container toolkit in either case.
  bake_packages nvidia-release
  if ((nvidia_major >= NVIDIA_FIRST_PACKAGED)); then install_packages; else install_archive; fi
  if [[ $NVIDIA_KMOD == proprietary ]]; then
    bake_place "$BAKE_DIR/$PROPRIETARY_OPTIONS" "$BAKE_ROOT/etc/modprobe.d/carrierarr-nvidia-proprietary.conf" 0644
  fi
  bake_record nvidia-kmod "$NVIDIA_KMOD"
  nvidia_packages "nvidia-container-toolkit-$NVIDIA_CONTAINER_TOOLKIT_VERSION"
  bake_record nvidia-container-toolkit "$NVIDIA_CONTAINER_TOOLKIT_VERSION"
  nvidia_lock 'nvidia*' 'kmod-nvidia*' 'libnvidia*'
}

main
