#!/bin/bash
# Nebula's log in all its dialects: logrus text (quoted and bare), logrus JSON, slog text and JSON; one address (vpnIp,
# before 1.10) or a list of them (vpnAddrs).
# shellcheck disable=SC2016 # a jq program

# handshakes ADDRESS: reads plain lines of the log and prints each completed handshake with that mesh address as JSON.
handshakes() {
  jq -Rc --arg address "$1" '
    def text($key): (capture("(?:^|[ \\[])" + $key + "=(?:\"(?<quoted>[^\"]*)\"|\\[(?<list>[^\\]]*)\\]|(?<bare>[^ ]+))")
      | .quoted // .list // .bare) // "";
    def words: gsub("[\\[\\],\"]"; " ") | split(" ");
    select(contains("Handshake message received") or contains("Handshake message sent")) | . as $line
    | (try fromjson catch null) as $json
    | if ($json | type) == "object" then {
        at: ($json.time // ""), name: ($json.certName // ""), from: ($json.udpAddr // $json.from // "" | tostring),
        addresses: [$json.vpnIp, $json.vpnAddrs | select(. != null) | if type == "array" then .[] else . end | tostring]
      } else {
        at: text("time"), name: text("certName"), from: (text("udpAddr") + text("from")),
        addresses: ((text("vpnIp") | words) + (text("vpnAddrs") | words))
      } end
    | select(any(.addresses[]; . == $address)) | del(.addresses)'
}
