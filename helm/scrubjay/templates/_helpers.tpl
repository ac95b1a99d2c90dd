{{/*
Names, labels and the image. Context of each: the chart's root, or `.Subcharts.scrubjay` in a chart that depends on this one.
*/}}

{{- define "scrubjay.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{/* At most 52 characters, so that what is appended to it, by us and by controllers, still makes a name. */}}
{{- define "scrubjay.fullname" -}}
{{- $name := include "scrubjay.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* What a pod is found by. Never changed by an upgrade: selectors cannot be. */}}
{{- define "scrubjay.selectorLabels" -}}
app.kubernetes.io/name: {{ include "scrubjay.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: relay
{{- end -}}

{{/* The label of pods with a sidecar of this release, by which they are found for their metrics. */}}
{{- define "scrubjay.sidecar.labels" -}}
scrubjay/sidecar: {{ include "scrubjay.fullname" . }}
{{- end -}}

{{/* What every object carries. Takes `component` beside the root: (dict "root" . "component" "config"). */}}
{{- define "scrubjay.labels" -}}
{{- with .root.Values.commonLabels }}
{{- toYaml . }}
{{ end -}}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name (.root.Chart.Version | replace "+" "_") }}
app.kubernetes.io/name: {{ include "scrubjay.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/component: {{ .component }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- end -}}

{{/* Name, namespace and labels. Takes the root, `component`, and `suffix` of the name. */}}
{{- define "scrubjay.metadata" -}}
name: {{ include "scrubjay.fullname" .root }}{{ .suffix }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "scrubjay.labels" . | nindent 2 }}
{{- end -}}

{{- define "scrubjay.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "scrubjay.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{ .Values.serviceAccount.name | default (include "scrubjay.fullname" .) }}
{{- else -}}
{{ .Values.serviceAccount.name | default "default" }}
{{- end -}}
{{- end -}}

{{/* `StatefulSet`, `Deployment`, `DaemonSet`, or empty for a sidecar. */}}
{{- define "scrubjay.kind" -}}
{{- if eq .Values.shape "daemonset" -}}
DaemonSet
{{- else if eq .Values.shape "gateway" -}}
{{ ternary "StatefulSet" "Deployment" .Values.persistence.enabled }}
{{- end -}}
{{- end -}}

{{- define "scrubjay.testLabels" -}}
app.kubernetes.io/name: {{ include "scrubjay.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: test
{{- end -}}
