{{/*
Ports that the pods need to reach.
*/}}

{{/* The ports of upstreams, forward proxy and Redis, each once, as a list. Takes (list root config). */}}
{{- define "scrubjay.egressPorts" -}}
{{- $root := index . 0 -}}
{{- $config := index . 1 -}}
{{- $urls := concat (include "scrubjay.upstreams" $config | fromYamlArray) (list (dig "http" "proxy" "" $config)) -}}
{{- $ports := list -}}
{{- range $url := compact $urls -}}
{{- $ports = append $ports (include "scrubjay.portOf" $url | int) -}}
{{- end -}}
{{- /* What the environment names is not known here. */ -}}
{{- if not $ports }}{{ $ports = list 443 }}{{ end -}}
{{- if dig "quotas" "redis" "" $config }}{{ $ports = append $ports (int $root.Values.redis.port) }}{{ end -}}
{{- toYaml (uniq $ports) -}}
{{- end -}}

{{/* `relay.upstream` as a list, whichever way it was written. Takes the configuration. */}}
{{- define "scrubjay.upstreams" -}}
{{- $upstream := dig "relay" "upstream" "" . -}}
{{- toYaml (ternary $upstream (compact (list $upstream)) (kindIs "slice" $upstream)) -}}
{{- end -}}

{{/* The port of a URL; of one that is a variable, that of https. */}}
{{- define "scrubjay.portOf" -}}
{{- $port := regexFind ":[0-9]+/?$" . | trimPrefix ":" | trimSuffix "/" -}}
{{- $port | default (ternary 80 443 (hasPrefix "http://" .)) -}}
{{- end -}}
