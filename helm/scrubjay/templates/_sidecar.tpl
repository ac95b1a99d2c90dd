{{/*
A relay beside an application, in the application's pod. Owns what such a pod needs of ours; the configuration is
`configmap.yaml`'s as in every shape. Charts that depend on this one, with `shape: sidecar` among its values, include these
templates with its context, `.Subcharts.scrubjay` (or the dependency's alias):

    spec:
      terminationGracePeriodSeconds: {{ include "scrubjay.sidecar.terminationGracePeriodSeconds" .Subcharts.scrubjay }}
      initContainers:
        {{- include "scrubjay.sidecar.initContainers" .Subcharts.scrubjay | nindent 8 }}   first of all
      containers:
        {{- include "scrubjay.sidecar.containers" .Subcharts.scrubjay | nindent 8 }}       before yours
        - name: your-application
          env:
            - name: SENTRY_DSN
              value: {{ include "scrubjay.sidecar.dsn" (dict "relay" .Subcharts.scrubjay "dsn" .Values.dsn) }}
      volumes:
        {{- include "scrubjay.sidecar.volumes" .Subcharts.scrubjay | nindent 8 }}

One of the two lists of containers is empty, as `sidecar.native` says. Every template here writes nothing at all, or whole
YAML. Nothing of it makes the pod's readiness depend on the upstream: there is no readiness probe.
*/}}

{{/* What the chart itself sets in scrubjay.yaml for a sidecar: clients on loopback, the kubelet and Prometheus from outside. */}}
{{- define "scrubjay.sidecar.config" -}}
relay:
  profile: sidecar
  workers: 1
  host: 127.0.0.1
  port: {{ int .Values.relay.port }}
  internal_host: {{ .Values.relay.host | quote }}
  internal_port: {{ int .Values.internalPort }}
  # The application has ended before us: nobody is left who could still find us.
  shutdown_delay: 0
spool:
  envelopes:
    # The volume ends with the pod, so that what waits is sent while there is time.
    ephemeral: true
{{- end }}

{{/* The native sidecar, for `initContainers`; it comes first, so that the other ones can send to it too. */}}
{{- define "scrubjay.sidecar.initContainers" -}}
{{- include "scrubjay.sidecar.check" . -}}
{{- if .Values.sidecar.native -}}
- restartPolicy: Always
  {{- include "scrubjay.sidecar.container" . | nindent 2 }}
{{- end }}
{{- end }}

{{/*
The same for clusters that know no native sidecars, for `containers`. The next container is not started before it answers;
when the pod ends it sleeps for as long as the application needs, and a Job never completes beside it.
*/}}
{{- define "scrubjay.sidecar.containers" -}}
{{- include "scrubjay.sidecar.check" . -}}
{{- if not .Values.sidecar.native -}}
- lifecycle:
    postStart:
      exec:
        command: [sh, -c, "until scrubjay healthcheck --timeout 1 2>/dev/null; do sleep 0.2; done"]
    preStop:
      exec:
        command: [sleep, {{ int .Values.sidecar.applicationGraceSeconds | quote }}]
  {{- include "scrubjay.sidecar.container" . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Everything about the container but how long it lives. Its port for clients is on loopback, so that it is none of the pod's. */}}
{{- define "scrubjay.sidecar.container" -}}
name: scrubjay
image: {{ include "scrubjay.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
args: [run]
env:
  # Where there is a Service named `relay`, Kubernetes tells its address under this name to pods with service links.
  - name: RELAY_PORT
    value: {{ int .Values.relay.port | quote }}
  {{- include "scrubjay.container.env" . | nindent 2 }}
{{- with .Values.extraEnvFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
ports:
  - name: internal
    containerPort: {{ int .Values.internalPort }}
    protocol: TCP
startupProbe:
  {{- include "scrubjay.probe" (list . "/startupz" .Values.probes.startup) | nindent 2 }}
livenessProbe:
  {{- include "scrubjay.probe" (list . "/livez" .Values.probes.liveness) | nindent 2 }}
resources:
  {{- toYaml .Values.sidecar.resources | nindent 2 }}
securityContext:
  {{- include "scrubjay.securityContext" . | nindent 2 }}
volumeMounts:
  {{- include "scrubjay.container.volumeMounts" . | nindent 2 }}
{{- end }}

{{/* The volumes of the pod: the configuration, the spool and a folder for passing files. */}}
{{- define "scrubjay.sidecar.volumes" -}}
{{- include "scrubjay.volumes" . }}
- name: scrubjay-spool
  emptyDir:
    {{- with .Values.sidecar.emptyDir.medium }}
    medium: {{ . }}
    {{- end }}
    sizeLimit: {{ .Values.sidecar.emptyDir.sizeLimit }}
{{- end }}

{{/* Time for the application to end, and then for us to send what is left. */}}
{{- define "scrubjay.sidecar.terminationGracePeriodSeconds" -}}
{{- $timeout := dig "limits" "shutdown_timeout" 10 .Values.config }}
{{- $timeout_s := include "scrubjay.seconds" $timeout }}
{{- if not $timeout_s }}
{{- fail (printf "config.limits.shutdown_timeout is %v: a sidecar's must be a duration, such as 10 or 30s" $timeout) }}
{{- end }}
{{- addf .Values.sidecar.applicationGraceSeconds $timeout_s 5 | ceil | int }}
{{- end }}

{{/* The DSN for the application, of (dict "relay" .Subcharts.scrubjay "dsn" "https://KEY@HOST/PROJECT"): key and project stay. */}}
{{- define "scrubjay.sidecar.dsn" -}}
{{- $dsn := urlParse .dsn }}
{{- $key := regexReplaceAll ":.*" $dsn.userinfo "" }}
{{- $project := regexFind "[0-9]+$" $dsn.path }}
{{- if not (and (regexMatch "^[^,=]{32}$" $key) $project) }}
{{- fail (printf "the application's DSN must be scheme://KEY@HOST/PROJECT with a key of 32 characters, not %q" .dsn) }}
{{- end }}
{{- $scheme := ternary "https" "http" (not (empty .relay.Values.tls.existingSecret)) }}
{{- printf "%s://%s@127.0.0.1:%v/%s" $scheme $key (int .relay.Values.relay.port) $project }}
{{- end }}

{{- define "scrubjay.sidecar.check" -}}
{{- if ne .Values.shape "sidecar" }}
{{- fail (printf "%s.shape is %q: a chart that includes the templates of the sidecar must set it to sidecar, or a gateway is installed beside it" .Chart.Name .Values.shape) }}
{{- end }}
{{- end }}
