{{/*
What no schema says: values that contradict each other, refused together and in words, before anything is installed.
*/}}

{{- define "scrubjay.validate" -}}
{{- $checks := list "upstream" "owned" "ending" "room" "secrets" "tls" "scaling" "shape" "monitoring" -}}
{{- $problems := list -}}
{{- range $checks -}}
{{- $problems = concat $problems (include (printf "scrubjay.validate.%s" .) $ | trim | splitList "\n" | compact) -}}
{{- end -}}
{{- if $problems -}}
{{- fail (printf "\n\nscrubjay cannot be installed with these values:\n- %s\n" (join "\n- " $problems)) -}}
{{- end -}}
{{- end -}}

{{- define "scrubjay.validate.upstream" -}}
{{- $named := list -}}
{{- range .Values.extraEnv }}{{ $named = append $named .name }}{{ end -}}
{{- $elsewhere := or .Values.extraEnvFrom (has "RELAY_UPSTREAM_URL" $named) (has "RELAY_UPSTREAM_DSN" $named) (has "SCRUBJAY__RELAY__UPSTREAM" $named) -}}
{{- $needed := has (dig "relay" "mode" "static" .Values.config) (list "static") -}}
{{- if and $needed (not (dig "relay" "upstream" "" .Values.config)) (not $elsewhere) }}
config.relay.upstream is missing: name the server that events go to, such as https://sentry.example/
{{- end -}}
{{- end -}}

{{/* Settings that follow from other values: two places for one thing would contradict each other. */}}
{{- define "scrubjay.validate.owned" -}}
{{- $owned := dict
  "relay.host" "relay.host" "relay.port" "relay.port" "relay.internal_host" "relay.host" "relay.internal_port" "internalPort"
  "relay.workers" "relay.workers" "relay.shutdown_delay" "relay.shutdownDelay" "relay.config_reload_interval" "relay.reloadInterval"
  "spool.envelopes.path" "persistence.enabled" "tls.cert" "tls.existingSecret" "tls.key" "tls.existingSecret"
  "tls.client_ca" "tls.clientCA" "tls.min_version" "tls.minVersion" "tls.internal" "tls.internal" -}}
{{- if .Values.admin.existingSecret }}{{ $_ := set $owned "admin.token" "admin.existingSecret" }}{{ end -}}
{{- if .Values.spoolKey.existingSecret }}{{ $_ := set $owned "spool.envelopes.encryption_key" "spoolKey.existingSecret" }}{{ end -}}
{{- if or .Values.redis.existingSecret .Values.redis.url }}{{ $_ := set $owned "quotas.redis" "redis" }}{{ end -}}
{{- if or .Values.extraCA.configMap .Values.extraCA.secret }}{{ $_ := set $owned "http.ca_bundle" "extraCA" }}{{ end -}}
{{- range $key, $value := $owned }}
{{- if include "scrubjay.at" (dict "map" $.Values.config "key" $key) }}
config.{{ $key }} is the chart's: set the value {{ $value }} instead
{{- end }}
{{- end -}}
{{- end -}}

{{- define "scrubjay.validate.ending" -}}
{{- $delay := int .Values.relay.shutdownDelay -}}
{{- $timeout := include "scrubjay.shutdownSeconds" . | int -}}
{{- $needed := add $delay $timeout 5 -}}
{{- if and (ne .Values.shape "sidecar") (lt (int .Values.terminationGracePeriodSeconds) (int $needed)) }}
terminationGracePeriodSeconds is {{ int .Values.terminationGracePeriodSeconds }}, so that pods would be killed before they are done: relay.shutdownDelay ({{ $delay }}) + config.limits.shutdown_timeout ({{ $timeout }}) + 5 is {{ $needed }}
{{- end -}}
{{- end -}}

{{- define "scrubjay.validate.room" -}}
{{- $kind := include "scrubjay.spoolKind" . -}}
{{- $room := include "scrubjay.spoolRoom" . -}}
{{- $value := "persistence.size" -}}
{{- if eq $kind "emptyDir" }}{{ $value = ternary "sidecar.emptyDir.sizeLimit" "emptyDir.sizeLimit" (eq .Values.shape "sidecar") }}{{ end -}}
{{- if ne $kind "hostPath" -}}
{{- $room_bytes := include "scrubjay.bytes" $room -}}
{{- $size := dig "spool" "envelopes" "max_disk_size" "" .Values.config -}}
{{- $size_bytes := include "scrubjay.bytes" $size -}}
{{- if $size_bytes -}}
{{- if and (eq $kind "emptyDir") (lt (float64 $room_bytes) (mulf $size_bytes 1.3)) }}
{{ $value }} is {{ $room }}, so that a full spool would evict the pod: it needs 1.3 times config.spool.envelopes.max_disk_size ({{ $size }})
{{- else if lt (float64 $room_bytes) (float64 $size_bytes) }}
{{ $value }} is {{ $room }}, less than config.spool.envelopes.max_disk_size ({{ $size }})
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "scrubjay.validate.secrets" -}}
{{- $named := list -}}
{{- range .Values.extraEnv }}{{ $named = append $named .name }}{{ end -}}
{{- $elsewhere := or .Values.extraEnvFrom (has "RELAY_SECRET_KEY" $named) -}}
{{- if and (eq (dig "relay" "mode" "static" .Values.config) "managed") (not .Values.credentials.existingSecret) (not $elsewhere) }}
config.relay.mode is managed, but there are no keys by which the server would know the pods: name their Secret in credentials.existingSecret (`scrubjay credentials generate --stdout` prints what belongs into it)
{{- end }}
{{- if and .Values.credentials.id (not .Values.credentials.existingSecret) }}
credentials.id is set, but there are no keys: name their Secret in credentials.existingSecret
{{- end }}
{{- if and .Values.redis.url .Values.redis.existingSecret }}
redis.url and redis.existingSecret are both set: one of them
{{- end }}
{{- if contains "@" .Values.redis.url }}
redis.url may hold a password, which values show to everybody: put it into a Secret and name that in redis.existingSecret
{{- end }}
{{- if and .Values.extraCA.configMap .Values.extraCA.secret }}
extraCA.configMap and extraCA.secret are both set: one of them
{{- end }}
{{- range tuple "admin-token" "redis-url" "spool-key" }}
{{- if hasKey $.Values.secretFiles . }}
secretFiles.{{ . }} is a file of the chart's: another name
{{- end }}
{{- end -}}
{{- end -}}

{{- define "scrubjay.validate.tls" -}}
{{- with .Values.tls -}}
{{- if and (not .existingSecret) (or .clientCA .internal) }}
tls.{{ ternary "clientCA" "internal" .clientCA }} is set, but there is no certificate: name its Secret in tls.existingSecret
{{- end }}
{{- end -}}
{{- if eq (int .Values.relay.port) (int .Values.internalPort) }}
relay.port and internalPort are both {{ int .Values.internalPort }}: two ports
{{- end -}}
{{- end -}}

{{- define "scrubjay.validate.scaling" -}}
{{- with .Values.autoscaling }}
{{- if and .enabled (gt (int .min) (int .max)) }}
autoscaling.min ({{ int .min }}) is more than autoscaling.max ({{ int .max }})
{{- end }}
{{- if and .enabled (not .targetCPU) (not .metrics) }}
autoscaling is enabled, but nothing says when: set autoscaling.targetCPU or autoscaling.metrics
{{- end }}
{{- end }}
{{- with .Values.podDisruptionBudget }}
{{- $both := and (not (kindIs "invalid" .minAvailable)) (not (kindIs "invalid" .maxUnavailable)) -}}
{{- $neither := and (kindIs "invalid" .minAvailable) (kindIs "invalid" .maxUnavailable) -}}
{{- if and .enabled (or $both $neither) }}
podDisruptionBudget needs one of minAvailable and maxUnavailable, the other null
{{- end }}
{{- end -}}
{{- end -}}

{{- define "scrubjay.validate.shape" -}}
{{- $asked := dict "autoscaling.enabled" .Values.autoscaling.enabled "ingress.enabled" .Values.ingress.enabled
  "networkPolicy.enabled" .Values.networkPolicy.enabled -}}
{{- $without := dict "gateway" list "daemonset" (list "autoscaling.enabled") "sidecar" (keys $asked | sortAlpha) -}}
{{- range get $without .Values.shape }}
{{- if get $asked . }}
{{ . }} has no meaning in shape {{ $.Values.shape }}: set it to false
{{- end }}
{{- end }}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) }}
ingress is enabled, but ingress.hosts names none
{{- end }}
{{- if and (eq .Values.shape "daemonset") .Values.daemonset.hostPort (dig "rollingUpdate" "maxSurge" 0 .Values.daemonset.updateStrategy) }}
daemonset.updateStrategy.rollingUpdate.maxSurge cannot be with daemonset.hostPort: two pods of one node cannot have the port
{{- end }}
{{- if and (eq (include "scrubjay.spoolKind" .) "hostPath") .Values.daemonset.prepareHostPath (not .Values.securityContext.runAsUser) }}
daemonset.prepareHostPath needs securityContext.runAsUser: whose the folder is to be
{{- end -}}
{{- end -}}

{{- define "scrubjay.validate.monitoring" -}}
{{- if and .Values.metrics.serviceMonitor.enabled (eq (dig "metrics" "prometheus" true .Values.config) false) }}
metrics.serviceMonitor is enabled, but config.metrics.prometheus is false: there would be nothing to read
{{- end -}}
{{- with .Values.metrics.prometheusRule.disabled -}}
{{- $known := list -}}
{{- range ($.Files.Get "files/alerts.yaml" | fromYaml).groups -}}
{{- range .rules }}{{ $known = append $known .alert }}{{ end -}}
{{- end -}}
{{- range . }}
{{- if not (has . $known) }}
metrics.prometheusRule.disabled names {{ . }}, which is none of the alerts: {{ compact $known | sortAlpha | join ", " }}
{{- end }}
{{- end -}}
{{- end -}}
{{- end -}}
