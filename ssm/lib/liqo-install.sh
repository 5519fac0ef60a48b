#!/bin/bash
# Installs Liqo. liqoctl lets Helm roll everything back when its time is over, so what is wrong must be seen while it
# still runs. Needs liqo.sh and cidr.sh.
# shellcheck disable=SC2034,SC2154 # shared with the prologue; the agent sets SSM_<Parameter>

# liqoctl's own limit, and ours above it in case it never comes back.
readonly LIQO_INSTALL_LIMIT=10m
readonly LIQO_INSTALL_SECONDS=650
readonly LIQO_SETTLE_SECONDS=60
# Unpacked charts of the image; without Liqo's, liqoctl fetches it.
readonly LIQO_CHARTS=/usr/local/share/carrierarr/charts

liqo_require() {
  step_require Version '^v?[0-9]+(\.[0-9]+)*([-+][0-9A-Za-z.]+)?$'
  step_require ClusterId '^[a-z][a-z0-9-]{0,62}$'
  step_require ApiServerUrl '^(https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?)?$'
  step_require PodCidr '^([0-9]{1,3}\.){3}[0-9]{1,3}/[0-9]{1,2}$'
  step_require ServiceCidr '^([0-9]{1,3}\.){3}[0-9]{1,3}/[0-9]{1,2}$'
  step_require ReservedSubnets '^([0-9./,]*)$'
  step_require Networking '^(true|false)$'
  step_require AllowUpgrade '^(true|false)$'
}

# Talos enforces the PodSecurity level baseline everywhere: the fabric's pods need more, and the label is what gives it.
liqo_namespace() {
  if [[ -z $(kube get namespace "$LIQO_NAMESPACE" --ignore-not-found -o name | step_plain) ]]; then
    kube create namespace "$LIQO_NAMESPACE" || die "namespace $LIQO_NAMESPACE cannot be made: $(liqo_last_words)"
  fi
  kube label namespace "$LIQO_NAMESPACE" --overwrite \
    pod-security.kubernetes.io/enforce=privileged \
    pod-security.kubernetes.io/audit=privileged \
    pod-security.kubernetes.io/warn=privileged ||
    die "namespace $LIQO_NAMESPACE cannot be labelled for privileged pods: $(liqo_last_words)"
}

# The ranges to reserve: what lies inside pods or services is Liqo's already, and up to 1.1 it refuses to hear it twice.
liqo_reserved() {
  local range kept=() ranges=()
  IFS=, read -r -a ranges <<<"$SSM_ReservedSubnets"
  for range in "${ranges[@]}"; do
    if cidr_contains "$SSM_PodCidr" "$range" || cidr_contains "$SSM_ServiceCidr" "$range"; then
      log "reserved range $range lies inside pods or services already: left out" >&2
    else
      kept+=("$range")
    fi
  done
  (IFS=,; printf '%s' "${kept[*]}")
}

# liqo_arguments PROVIDER: fills liqo_install_arguments.
liqo_arguments() {
  local reserved
  liqo_install_arguments=(install)
  if [[ $1 == k3s ]]; then
    liqo_install_arguments+=(k3s)
  else
    # Inside the cluster the API has another address than the one others use.
    liqo_install_arguments+=(--disable-api-server-sanity-check)
  fi
  liqo_install_arguments+=(--cluster-id "$SSM_ClusterId" --pod-cidr "$SSM_PodCidr" --service-cidr "$SSM_ServiceCidr")
  if [[ -n $SSM_ApiServerUrl ]]; then liqo_install_arguments+=(--api-server-url "$SSM_ApiServerUrl"); fi
  reserved=$(liqo_reserved)
  if [[ -n $reserved ]]; then liqo_install_arguments+=(--reserved-subnets "$reserved"); fi
  liqo_metrics=false
  if has_kind podmonitors.monitoring.coreos.com && has_kind servicemonitors.monitoring.coreos.com; then
    liqo_metrics=true
    liqo_install_arguments+=(--enable-metrics)
  fi
  if [[ $SSM_Networking == false ]]; then liqo_install_arguments+=(--set networking.enabled=false); fi
  if [[ -e $LIQO_CHARTS/liqo-${liqo_wanted#v}/Chart.yaml ]]; then
    liqo_install_arguments+=(--local-chart-path "$LIQO_CHARTS/liqo-${liqo_wanted#v}")
  fi
  liqo_install_arguments+=(--disable-telemetry --timeout "$LIQO_INSTALL_LIMIT" --version "$liqo_wanted" --skip-confirm)
  step_put reserved "$reserved"
  step_put_json metrics "$liqo_metrics"
}

# Two snapshots of what is not ready, kept because afterwards everything is gone.
liqo_watch() {
  local pods events
  pods=$(pod_faults -n "$LIQO_NAMESPACE") || pods=''
  events=$(event_faults -n "$LIQO_NAMESPACE") || events=''
  liqo_not_ready=$(printf '%s\n%s' "$(grep -i 'PodSecurity' <<<"$events" | head -n 2)" "$pods" | sed '/^$/d' | head -n 5)
  if [[ -z $liqo_not_ready ]]; then liqo_not_ready=$(head -n 3 <<<"$events"); fi
  if [[ -n $liqo_not_ready ]]; then liqo_seen=$liqo_not_ready; fi
}

liqo_stop() {
  kill "$liqo_pid" 2>/dev/null || true
}

# liqo_run_install CHANGE: runs liqoctl and looks at the pods meanwhile.
liqo_run_install() {
  local rc=0 look deadline=$((SECONDS + LIQO_INSTALL_SECONDS))
  liqo_seen=''
  timeout --kill-after=10 "$LIQO_INSTALL_SECONDS" liqoctl "${liqo_install_arguments[@]}" 9>&- &
  liqo_pid=$!
  step_cleanup=liqo_stop
  for ((look = 0; SECONDS < deadline; look++)); do
    sleep 1
    kill -0 "$liqo_pid" 2>/dev/null || break
    if ((look % 3 == 0)); then liqo_watch; fi
  done
  wait "$liqo_pid" || rc=$?
  step_cleanup=''
  ((rc != 0)) || return 0
  log "not ready while liqoctl ran:"$'\n'"${liqo_seen:-nothing was seen}"
  die "liqoctl $1 did not succeed (exit code $rc) and has rolled back. Not ready meanwhile: $(
    paste -sd '|' <<<"${liqo_seen:-no pod was seen}" | sed 's/|/ | /g' | cut -c 1-600
  ). $(liqo_last_words)"
}

liqo_is_healthy() {
  [[ $(liqo_json 30 info | jq -r '.health.healthy') == true ]]
}

# liqo_keep: this version runs already; it must be this cluster's and healthy.
liqo_keep() {
  local id
  id=$(liqo_json 30 info | jq -r '.local.clusterID // empty') || id=''
  [[ $id == "$SSM_ClusterId" ]] ||
    die "Liqo $liqo_wanted runs here with the cluster id ${id:-unknown}, not $SSM_ClusterId: an id is for life (liqoctl uninstall, or set the id to it)"
  if ! await "$LIQO_SETTLE_SECONDS" 5 liqo_is_healthy; then
    explain_pods -n "$LIQO_NAMESPACE"
    die "Liqo $liqo_wanted is in place but not healthy after $LIQO_SETTLE_SECONDS s: $cluster_why"
  fi
}

# liqo_install PROVIDER
liqo_install() {
  local present change=install
  liqo_wanted=v${SSM_Version#v}
  present=$(liqo_version) || die 'the cluster does not say whether Liqo is in place'
  step_put version "$liqo_wanted"
  step_put before "$present"
  if [[ $present == "$liqo_wanted" ]]; then
    liqo_keep
    step_put change none
    return 0
  fi
  if [[ -n $present ]]; then
    change=upgrade
    [[ $SSM_AllowUpgrade == true ]] ||
      die "Liqo $present is in place and $liqo_wanted is wanted: set liqo.allowUpgrade, or liqo.version to $present (both clusters need the same)"
    [[ $(printf '%s\n' "$present" "$liqo_wanted" | sort -V | tail -n 1) == "$liqo_wanted" ]] ||
      die "Liqo $present is in place and is newer than $liqo_wanted: Liqo cannot go back; set liqo.version to $present"
  fi
  liqo_namespace
  liqo_arguments "$1"
  log "liqoctl ${liqo_install_arguments[*]}"
  liqo_run_install "$change"
  if ! await "$LIQO_SETTLE_SECONDS" 2 liqo_is_healthy; then
    explain_pods -n "$LIQO_NAMESPACE"
    die "liqoctl $change succeeded, but Liqo is not healthy: $cluster_why"
  fi
  step_put change "$change"
}
