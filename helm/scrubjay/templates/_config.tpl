{{/*
The configuration as the pods read it: what the chart sets, under what `config` says. Secrets stand in it as `${file:…}` alone.
*/}}

{{/* Where a pod finds things. Fixed: the image and other charts count on them. */}}
{{- define "scrubjay.configDir" -}}/etc/scrubjay{{- end -}}
{{- define "scrubjay.spoolDir" -}}/var/lib/scrubjay{{- end -}}

{{/* The text of scrubjay.yaml. */}}
{{- define "scrubjay.config" -}}
{{- $shape := ternary "scrubjay.sidecar.config" "scrubjay.workload.config" (eq .Values.shape "sidecar") -}}
{{- $layers := list (include "scrubjay.common.config" . | fromYaml) (include $shape . | fromYaml) .Values.config -}}
{{- include "scrubjay.layered" $layers -}}
{{- end -}}

{{/* Maps, the later over the earlier. Sprig's own merging takes false, 0 and "" for nothing, so that they would not win. */}}
{{- define "scrubjay.layered" -}}
{{- $merged := dict -}}
{{- range $layer := . -}}
{{- range $key, $value := $layer -}}
{{- if and (kindIs "map" $value) (kindIs "map" (get $merged $key)) -}}
{{- $value = include "scrubjay.layered" (list (get $merged $key) $value) | fromYaml -}}
{{- end -}}
{{- $_ := set $merged $key $value -}}
{{- end -}}
{{- end -}}
{{- toYaml $merged -}}
{{- end -}}

{{/* What holds in every shape. */}}
{{- define "scrubjay.common.config" -}}
{{- $dir := include "scrubjay.configDir" . -}}
relay:
  mode: static
  config_reload_interval: {{ toJson .Values.relay.reloadInterval }}
spool:
  envelopes:
    path: {{ include "scrubjay.spoolDir" . }}/spool
    {{- with include "scrubjay.spoolBytes" . }}
    max_disk_size: {{ printf "%dMiB" (div . 1048576) }}
    {{- end }}
    {{- if .Values.spoolKey.existingSecret }}
    encryption_key: ${file:secrets/spool-key}
    {{- end }}
logging:
  format: json
{{- if .Values.tls.existingSecret }}
tls:
  cert: {{ $dir }}/tls/tls.crt
  key: {{ $dir }}/tls/tls.key
  min_version: {{ .Values.tls.minVersion | quote }}
  internal: {{ .Values.tls.internal }}
  {{- if .Values.tls.clientCA }}
  client_ca: {{ $dir }}/tls/ca.crt
  {{- end }}
{{- end }}
{{- if .Values.admin.existingSecret }}
admin:
  token: ${file:secrets/admin-token}
{{- end }}
{{- if or .Values.redis.existingSecret .Values.redis.url }}
quotas:
  redis: {{ ternary "${file:secrets/redis-url}" .Values.redis.url (not (empty .Values.redis.existingSecret)) | quote }}
{{- end }}
{{- if or .Values.extraCA.configMap .Values.extraCA.secret }}
http:
  ca_bundle: {{ $dir }}/ca/ca.crt
{{- end }}
{{- end -}}

{{/* What holds in a gateway and on a node. */}}
{{- define "scrubjay.workload.config" -}}
relay:
  host: {{ .Values.relay.host | quote }}
  port: {{ int .Values.relay.port }}
  internal_host: {{ .Values.relay.host | quote }}
  internal_port: {{ int .Values.internalPort }}
  workers: {{ .Values.relay.workers | default (ternary 2 1 (eq .Values.shape "gateway")) }}
  shutdown_delay: {{ int .Values.relay.shutdownDelay }}
spool:
  envelopes:
    # On a folder that goes with the pod nothing is left to wait: it is sent before the pod ends.
    ephemeral: {{ eq (include "scrubjay.spoolKind" .) "emptyDir" }}
{{- end -}}

{{/* What the spool lies on: `claim`, `hostPath` or `emptyDir`. */}}
{{- define "scrubjay.spoolKind" -}}
{{- if and (eq .Values.shape "gateway") .Values.persistence.enabled -}}
claim
{{- else if and (eq .Values.shape "daemonset") .Values.daemonset.hostPath -}}
hostPath
{{- else -}}
emptyDir
{{- end -}}
{{- end -}}

{{/* The room below the spool's folder, as a quantity; empty for a folder of the node, whose size nobody says. */}}
{{- define "scrubjay.spoolRoom" -}}
{{- $kind := include "scrubjay.spoolKind" . -}}
{{- if eq $kind "claim" -}}
{{ .Values.persistence.size }}
{{- else if eq $kind "emptyDir" -}}
{{ ternary .Values.sidecar.emptyDir.sizeLimit .Values.emptyDir.sizeLimit (eq .Values.shape "sidecar") }}
{{- end -}}
{{- end -}}

{{/* Bytes for `max_disk_size`: the room divided by 1.3, so that files being replaced have room too. Empty: the program's default. */}}
{{- define "scrubjay.spoolBytes" -}}
{{- with include "scrubjay.bytes" (include "scrubjay.spoolRoom" .) -}}
{{ divf . 1.3 | int64 }}
{{- end -}}
{{- end -}}

{{/* `limits.shutdown_timeout` in whole seconds; where the environment says it, the program's default. */}}
{{- define "scrubjay.shutdownSeconds" -}}
{{- include "scrubjay.seconds" (dig "limits" "shutdown_timeout" 10 .Values.config) | default 10 | ceil -}}
{{- end -}}

{{/*
Changes with what running pods cannot take up: the settings listed in files/restart-keys.yaml, or all of them where nobody looks for changes.
As an annotation of the pods it replaces them then, and only then.
*/}}
{{- define "scrubjay.restartChecksum" -}}
{{- $config := include "scrubjay.config" . | fromYaml -}}
{{- if .Values.relay.reloadInterval -}}
{{- $fixed := dict -}}
{{- range $key := .Files.Get "files/restart-keys.yaml" | fromYamlArray -}}
{{- $value := include "scrubjay.at" (dict "map" $config "key" $key) -}}
{{- if $value }}{{ $_ := set $fixed $key $value }}{{ end -}}
{{- end -}}
{{- toJson $fixed | sha256sum -}}
{{- else -}}
{{- toJson $config | sha256sum -}}
{{- end -}}
{{- end -}}

{{/* The value under a dotted key as JSON; empty if there is none. Takes `map` and `key`. */}}
{{- define "scrubjay.at" -}}
{{- $found := .map -}}
{{- range $step := splitList "." .key -}}
{{- if and (kindIs "map" $found) (hasKey $found $step) -}}
{{- $found = get $found $step -}}
{{- else -}}
{{- $found = dict "absent" true -}}
{{- end -}}
{{- end -}}
{{- if not (and (kindIs "map" $found) (hasKey $found "absent")) -}}
{{- toJson $found -}}
{{- end -}}
{{- end -}}
