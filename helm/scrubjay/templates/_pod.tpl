{{/*
The pod: what a gateway, a node's pod and a sidecar have in common, and the pod template of the first two.
Names of volumes begin with `scrubjay-`, since a sidecar's stand beside those of its application.
*/}}

{{- define "scrubjay.securityContext" -}}
{{- toYaml .Values.securityContext -}}
{{- end -}}

{{- define "scrubjay.container.env" -}}
- name: SCRUBJAY_CONFIG_DIR
  value: {{ include "scrubjay.configDir" . }}
- name: POD_NAME
  valueFrom:
    fieldRef: {fieldPath: metadata.name}
{{- with .Values.credentials.id }}
- name: RELAY_ID
  value: {{ . }}+pod
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "scrubjay.container.volumeMounts" -}}
- name: scrubjay-config
  mountPath: {{ include "scrubjay.configDir" . }}
  readOnly: true
- name: scrubjay-projects
  mountPath: {{ include "scrubjay.configDir" . }}/projects
  readOnly: true
- name: scrubjay-spool
  mountPath: {{ include "scrubjay.spoolDir" . }}
- name: scrubjay-tmp
  mountPath: /tmp
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/*
All volumes but the spool's. Whole ConfigMaps and Secrets are mounted, never single files of them (`subPath`), which would not follow
a change. Their files may be read by every user, since a sidecar's pod need not have our group; only our container mounts them.
*/}}
{{- define "scrubjay.volumes" -}}
{{- $name := include "scrubjay.fullname" . -}}
- name: scrubjay-config
  projected:
    sources:
      - configMap:
          name: {{ $name }}-config
      {{- with .Values.credentials }}
      {{- if .existingSecret }}
      {{- include "scrubjay.secretFile" (list .existingSecret .key "credentials.json") | nindent 6 }}
      {{- end }}
      {{- end }}
      {{- range $path, $from := dict "admin-token" .Values.admin "redis-url" .Values.redis "spool-key" .Values.spoolKey }}
      {{- if $from.existingSecret }}
      {{- include "scrubjay.secretFile" (list $from.existingSecret $from.key (printf "secrets/%s" $path)) | nindent 6 }}
      {{- end }}
      {{- end }}
      {{- range $path, $from := .Values.secretFiles }}
      {{- include "scrubjay.secretFile" (list $from.name $from.key (printf "secrets/%s" $path)) | nindent 6 }}
      {{- end }}
      {{- with .Values.tls }}
      {{- if .existingSecret }}
      - secret:
          name: {{ .existingSecret }}
          items:
            - {key: tls.crt, path: tls/tls.crt}
            - {key: tls.key, path: tls/tls.key}
            {{- if .clientCA }}
            - {key: ca.crt, path: tls/ca.crt}
            {{- end }}
      {{- end }}
      {{- end }}
      {{- with .Values.extraCA }}
      {{- if .configMap }}
      - configMap:
          name: {{ .configMap }}
          items:
            - {key: {{ .key }}, path: ca/ca.crt}
      {{- else if .secret }}
      {{- include "scrubjay.secretFile" (list .secret .key "ca/ca.crt") | nindent 6 }}
      {{- end }}
      {{- end }}
- name: scrubjay-projects
  configMap:
    name: {{ $name }}-projects
- name: scrubjay-tmp
  emptyDir: {}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* One key of a Secret as a file of the configuration's folder. Takes (list secret key path). */}}
{{- define "scrubjay.secretFile" -}}
- secret:
    name: {{ index . 0 }}
    items:
      - {key: {{ index . 1 | quote }}, path: {{ index . 2 | quote }}}
{{- end -}}

{{/* The spool's volume, where it is not a claim of the StatefulSet. */}}
{{- define "scrubjay.spoolVolume" -}}
{{- $kind := include "scrubjay.spoolKind" . -}}
{{- if eq $kind "hostPath" -}}
- name: scrubjay-spool
  hostPath:
    path: {{ .Values.daemonset.hostPath }}
    type: DirectoryOrCreate
{{- else if eq $kind "emptyDir" -}}
- name: scrubjay-spool
  emptyDir:
    sizeLimit: {{ .Values.emptyDir.sizeLimit }}
    {{- with .Values.emptyDir.medium }}
    medium: {{ . }}
    {{- end }}
{{- end -}}
{{- end -}}

{{/* A probe of the internal port. Takes (list root path times). */}}
{{- define "scrubjay.probe" -}}
{{- $root := index . 0 -}}
httpGet:
  path: {{ index . 1 }}
  port: internal
  {{- if $root.Values.tls.internal }}
  scheme: HTTPS
  {{- end }}
{{ toYaml (index . 2) }}
{{- end -}}

{{- define "scrubjay.podTemplate" -}}
metadata:
  labels:
    {{- include "scrubjay.selectorLabels" . | nindent 4 }}
    app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
    {{- with .Values.commonLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    {{- with .Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    scrubjay/restart-on: {{ include "scrubjay.restartChecksum" . }}
    {{- with .Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "scrubjay.serviceAccountName" . }}
  automountServiceAccountToken: false
  # A Service called `relay` would put RELAY_PORT, in a form of its own, into the environment.
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ int .Values.terminationGracePeriodSeconds }}
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    {{- toYaml .Values.podSecurityContext | nindent 4 }}
  {{- if and (eq (include "scrubjay.spoolKind" .) "hostPath") .Values.daemonset.prepareHostPath }}
  initContainers:
    - name: prepare
      image: {{ include "scrubjay.image" . }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      command: [chown, {{ printf "%v:%v" (int .Values.securityContext.runAsUser) (int .Values.securityContext.runAsGroup) | quote }}, {{ include "scrubjay.spoolDir" . }}]
      # The kubelet makes the folder as root's, and only root may give it away.
      securityContext:
        runAsUser: 0
        runAsGroup: 0
        runAsNonRoot: false
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: {drop: [ALL], add: [CHOWN]}
        seccompProfile: {type: RuntimeDefault}
      resources:
        requests: {cpu: 10m, memory: 16Mi}
        limits: {memory: 32Mi}
      volumeMounts:
        - name: scrubjay-spool
          mountPath: {{ include "scrubjay.spoolDir" . }}
  {{- end }}
  containers:
    - name: scrubjay
      image: {{ include "scrubjay.image" . }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args: [run]
      env:
        {{- include "scrubjay.container.env" . | nindent 8 }}
      {{- with .Values.extraEnvFrom }}
      envFrom:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      ports:
        - name: relay
          containerPort: {{ int .Values.relay.port }}
          {{- if and (eq .Values.shape "daemonset") .Values.daemonset.hostPort }}
          hostPort: {{ int .Values.daemonset.hostPort }}
          {{- end }}
        - name: internal
          containerPort: {{ int .Values.internalPort }}
      startupProbe:
        {{- include "scrubjay.probe" (list . "/startupz" .Values.probes.startup) | nindent 8 }}
      livenessProbe:
        {{- include "scrubjay.probe" (list . "/livez" .Values.probes.liveness) | nindent 8 }}
      readinessProbe:
        {{- include "scrubjay.probe" (list . "/readyz" .Values.probes.readiness) | nindent 8 }}
      resources:
        {{- toYaml .Values.resources | nindent 8 }}
      securityContext:
        {{- include "scrubjay.securityContext" . | nindent 8 }}
      volumeMounts:
        {{- include "scrubjay.container.volumeMounts" . | nindent 8 }}
  volumes:
    {{- include "scrubjay.volumes" . | nindent 4 }}
    {{- with include "scrubjay.spoolVolume" . }}
    {{- . | nindent 4 }}
    {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with ternary .Values.daemonset.tolerations .Values.tolerations (eq .Values.shape "daemonset") }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- if and (eq .Values.shape "gateway") .Values.topologySpreadConstraints }}
  topologySpreadConstraints:
    {{- range .Values.topologySpreadConstraints }}
    -
      {{- toYaml . | nindent 6 }}
      {{- if not .labelSelector }}
      labelSelector:
        matchLabels:
          {{- include "scrubjay.selectorLabels" $ | nindent 10 }}
      {{- end }}
    {{- end }}
  {{- end }}
{{- end -}}
