{{/*
Sizes and durations, as Kubernetes and as scrubjay write them.
*/}}

{{/* Bytes of `10Gi`, `500MiB`, `1.5GB` or a number; empty for what is none of these, such as `${SIZE}`. */}}
{{- define "scrubjay.bytes" -}}
{{- $text := toString . -}}
{{- if kindIs "float64" . }}{{ $text = int64 . | toString }}{{ end -}}
{{- if regexMatch "^[0-9]+(\\.[0-9]+)? ?[A-Za-z]*$" $text -}}
{{- $number := regexFind "^[0-9.]+" $text | float64 -}}
{{- $unit := regexFind "[A-Za-z]*$" $text -}}
{{- $units := dict "" 0 "B" 0 "k" 3 "kB" 3 "M" 6 "MB" 6 "G" 9 "GB" 9 "T" 12 "TB" 12 "P" 15 "PB" 15
      "Ki" 10 "KB" 10 "KiB" 10 "Mi" 20 "MiB" 20 "Gi" 30 "GiB" 30 "Ti" 40 "TiB" 40 "Pi" 50 "PiB" 50 -}}
{{- if hasKey $units $unit -}}
{{- $base := ternary 2 10 (or (hasPrefix "K" $unit) (contains "i" $unit)) -}}
{{- $factor := 1 -}}
{{- range until (get $units $unit) }}{{ $factor = mul $factor $base }}{{ end -}}
{{ mulf $number $factor | int64 }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Seconds of `10`, `250ms`, `5s`, `2m`, `1h` or `1d`; empty for what is none of these. */}}
{{- define "scrubjay.seconds" -}}
{{- $text := toString . -}}
{{- if regexMatch "^[0-9]+(\\.[0-9]+)?(ms|s|m|h|d)?$" $text -}}
{{- $factor := get (dict "" 1.0 "ms" 0.001 "s" 1.0 "m" 60.0 "h" 3600.0 "d" 86400.0) (regexFind "[a-z]*$" $text) -}}
{{ mulf (regexFind "^[0-9.]+" $text | float64) $factor }}
{{- end -}}
{{- end -}}
