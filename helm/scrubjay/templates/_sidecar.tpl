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
  port: {{ .Values.relay.port }}
  internal_host: 0.0.0.0
  internal_port: {{ .Values.internalPort }}
  # The application has ended before us: nobody is left who could still find us.
  shutdown_delay: 0
spool:
  envelopes:
    # The volume ends with the pod, so that what waits is sent while there is time.
    ephemeral: true
{{- end }}

{{/* The native sidecar, for `initContainers`; it comes first, so that the other ones can send to it too. */}}
{{- define "scrubjay.sidecar.initContainers" -}}
{{- include "scrubjay.sidecar.check" . }}
{{- if .Values.sidecar.native }}
- restartPolicy: Always
  {{- include "scrubjay.sidecar.container" . | nindent 2 }}
{{- end }}
{{- end }}

{{/*
The same for clusters that know no native sidecars, for `containers`. The next container is not started before it answers;
when the pod ends it sleeps for as long as the application needs, and a Job never completes beside it.
*/}}
{{- define "scrubjay.sidecar.containers" -}}
{{- include "scrubjay.sidecar.check" . }}
{{- if not .Values.sidecar.native }}
- lifecycle:
    postStart:
      exec:
        command: [sh, -c, "until scrubjay healthcheck --timeout 1 2>/dev/null; do sleep 0.2; done"]
    preStop:
      exec:
        command: [sleep, {{ .Values.sidecar.applicationGraceSeconds | quote }}]
  {{- include "scrubjay.sidecar.container" . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Everything about the container but how long it lives. Its port for clients is on loopback, so that it is none of the pod's. */}}
{{- define "scrubjay.sidecar.container" -}}
name: scrubjay
image: {{ include "scrubjay.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
env:
  {{- include "scrubjay.container.env" . | nindent 2 }}
{{- with .Values.extraEnvFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
ports:
  - name: internal
    containerPort: {{ .Values.internalPort }}
    protocol: TCP
startupProbe:
  {{- include "scrubjay.sidecar.probe" (dict "relay" . "path" "/startupz") | nindent 2 }}
  {{- toYaml .Values.probes.startup | nindent 2 }}
livenessProbe:
  {{- include "scrubjay.sidecar.probe" (dict "relay" . "path" "/livez") | nindent 2 }}
  {{- toYaml .Values.probes.liveness | nindent 2 }}
resources:
  {{- toYaml .Values.sidecar.resources | nindent 2 }}
securityContext:
  {{- include "scrubjay.securityContext" . | nindent 2 }}
volumeMounts:
  {{- include "scrubjay.container.volumeMounts" . | nindent 2 }}
{{- end }}

{{- define "scrubjay.sidecar.probe" -}}
httpGet:
  path: {{ .path }}
  port: internal
  {{- if .relay.Values.tls.internal }}
  scheme: HTTPS
  {{- end }}
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
{{- $shutdown := include "scrubjay.shutdownSeconds" . | int }}
{{- add .Values.sidecar.applicationGraceSeconds $shutdown 5 }}
{{- end }}

{{/* The DSN for the application, of (dict "relay" .Subcharts.scrubjay "dsn" "https://KEY@HOST/PROJECT"): key and project stay. */}}
{{- define "scrubjay.sidecar.dsn" -}}
{{- $dsn := urlParse .dsn }}
{{- $key := regexReplaceAll ":.*" $dsn.userinfo "" }}
{{- $project := regexFind "[0-9]+$" $dsn.path }}
{{- if not (and $key $project) }}
{{- fail (printf "the application's DSN must be scheme://KEY@HOST/PROJECT, not %q" .dsn) }}
{{- end }}
{{- $scheme := ternary "https" "http" (not (empty .relay.Values.tls.existingSecret)) }}
{{- printf "%s://%s@127.0.0.1:%v/%s" $scheme $key .relay.Values.relay.port $project }}
{{- end }}

{{- define "scrubjay.sidecar.check" -}}
{{- if ne .Values.shape "sidecar" }}
{{- fail (printf "%s.shape is %q: a chart that includes the templates of the sidecar must set it to sidecar, or a gateway is installed beside it" .Chart.Name .Values.shape) }}
{{- end }}
{{- end }}
