{{/* Where the API is, for what runs before Services work. Kept as it is: an empty port is written as an empty port. */}}
{{- define "cilium.api" -}}
{{- if .Values.k8sServiceHost }}
- name: KUBERNETES_SERVICE_HOST
  value: {{ .Values.k8sServiceHost | quote }}
- name: KUBERNETES_SERVICE_PORT
  value: {{ .Values.k8sServicePort | toString | quote }}
{{- end }}
{{- end }}

{{- define "cilium.routing" -}}
{{- .Values.routingMode | default (ternary "native" "tunnel" .Values.eni.enabled) -}}
{{- end }}

{{- define "cilium.masquerade" -}}
{{- if kindIs "invalid" .Values.enableIPv4Masquerade -}}
{{- not .Values.eni.enabled -}}
{{- else -}}
{{- .Values.enableIPv4Masquerade -}}
{{- end -}}
{{- end }}

{{- define "cilium.labels" -}}
app.kubernetes.io/part-of: cilium
app.kubernetes.io/managed-by: {{ .Release.Service }}
groundwork.local/stand-in: "true"
{{- end }}
