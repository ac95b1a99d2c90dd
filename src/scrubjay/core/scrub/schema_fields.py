"""Fields of the protocol's objects: class and shape of each (scrubbing.md 5). Data only; `schema.py` reads it.

A line without indent opens an object type: its name, the class of fields that are not listed, the value types of the object
itself. The lines below it: class, shape, fields. Classes: `+` true, `~` maybe, `-` false, `@` by attribute key. Shape `dead`:
nothing in it can be reached. Fields of class false that hold nothing reachable are left out where that is the default.
"""

from __future__ import annotations

TYPES = """\
event +
  - dead event_id level version type fingerprint transaction transaction_info time_spent logger modules platform timestamp
  - dead start_timestamp received release dist environment site ingest_path key_id project grouping_config checksum
  - dead measurements breakdowns scraping_attempts _metrics _dsc _performance_issues_spans
  ~ string culprit
  - type:logentry logentry
  + string server_name
  - type:user user
  - type:request request
  - contexts contexts
  - values:type:breadcrumb breadcrumbs
  - values:type:exception exception
  - type:stacktrace stacktrace
  - type:template_info template
  - values:type:thread threads
  ~ pairs tags
  + map:any extra
  - type:debug_meta debug_meta
  - type:sdk sdk
  - list:type:processing_error errors
  - type:csp csp
  - list:type:span spans
replay - replay
  + list:string urls segment_names
  - contexts contexts
  + pairs tags
  - type:user user
  - type:request request
  - type:sdk sdk
log ~ log
  - dead timestamp trace_id span_id level
  ~ string body
  ~ attributes attributes
trace_metric - trace_metric
  ~ any value
  ~ attributes attributes
span_v2 ~
  - dead trace_id parent_span_id span_id status is_segment start_timestamp end_timestamp
  - string name
  ~ list:type:span_v2_link links
  + attributes attributes
trace_attachment_meta ~
  - dead trace_id attachment_id timestamp content_type
  + string filename
  ~ attributes attributes
device_context ~
  ~ string name screen_resolution boot_time timezone locale cpu_description device_type battery_status
  - dead family model model_id arch battery_level orientation manufacturer brand online charging low_memory simulator
  - dead processor_count processor_frequency supports_vibration supports_accelerometer supports_gyroscope supports_audio
  - dead supports_location_service
  ~ number screen_width_pixels screen_height_pixels screen_density screen_dpi memory_size free_memory usable_memory
  ~ number storage_size free_storage external_storage_size external_free_storage
  + string device_unique_identifier
  ~ scalar uuid
os_context ~
  - dead os name version rooted
  ~ string build kernel_version distribution_name distribution_version distribution_pretty_name raw_description
runtime_context ~
  - dead runtime name version
  ~ string build raw_description
app_context ~
  ~ string app_start_time device_app_hash
  - dead build_type app_identifier app_name app_version app_build app_memory in_foreground view_names
browser_context ~
  - dead browser name version
gpu_context ~
  ~ string name version vendor_id vendor_name driver_version api_type npot_support
  ~ any id
  ~ number memory_size
  ~ bool multi_threaded_rendering
  - dead max_texture_size graphics_shader_level supports_draw_call_instancing supports_ray_tracing
  - dead supports_compute_shaders supports_geometry_shaders
trace_context ~
  - dead trace_id span_id parent_span_id op status exclusive_time client_sample_rate origin sampled
  ~ type:span_data data
  ~ list:type:span_link links
flags_context ~
  - list:type:flags_context_item values
memory_info_context ~
  - dead allocated_bytes compacted concurrent finalization_pending_count fragmented_bytes heap_size_bytes
  - dead high_memory_load_threshold_bytes index memory_load_bytes pause_durations pause_time_percentage
  - dead pinned_objects_count promoted_bytes total_allocated_bytes total_available_memory_bytes total_committed_bytes
response_context ~
  + pairs cookies headers
  - dead status_code body_size inferred_content_type
  + any data
otel_context ~
  ~ map:any attributes resource
cloud_resource_context ~
  ~ string cloud.account.id host.id
  - dead cloud.provider cloud.platform cloud.region cloud.availability_zone host.type
culture_context ~
  ~ string calendar display_name locale timezone
  ~ bool is_24_hour_format
spring_context ~
  - dead active_profiles
threadpool_info_context ~
  - dead available_worker_threads available_completion_port_threads max_worker_threads max_completion_port_threads
  - dead min_worker_threads min_completion_port_threads
ota_updates_context ~
  - dead channel runtime_version update_id
unity_context ~
  - dead copy_texture_support editor_version install_mode rendering_threading_mode target_frame_rate
native_image -
  ~ path code_file debug_file
sourcemap_image -
  ~ string debug_file
logentry + logentry
  - message message
  + message formatted
  + any params
user + user
  + string id email username name sentry_user
  + ip ip_address
  - type:geo geo
  - dead segment
  + map:any data
request + http
  ~ string url
  - dead method protocol body_size inferred_content_type api_target
  + any data
  + pairs query_string cookies headers
  + string fragment
  + map:any env
breadcrumb - breadcrumb
  - string category
  + string message
  + map:any data
exception - error
  + string value
  - type:stacktrace stacktrace raw_stacktrace
  - type:mechanism mechanism
stacktrace - stack
  - list:type:frame frames
template_info -
  + string filename abs_path
thread - thread
  - type:stacktrace stacktrace raw_stacktrace
debug_meta -
  - list:debug_image images
sdk - sdk
  + ip client_ip
processing_error ~
  - dead type name value
csp +
  + string effective_directive blocked_uri document_uri referrer
  - dead original_policy status_code violated_directive line_number column_number script_sample disposition
  ~ string source_file
span ~ span
  - dead timestamp start_timestamp exclusive_time op span_id parent_span_id trace_id segment_id is_segment is_remote
  - dead status origin profile_id received measurements platform was_transaction kind
  ~ string description
  ~ map:string tags
  + type:span_data data
  ~ list:type:span_link links
  - type:sentry_tags sentry_tags
span_v2_link ~
  - dead trace_id span_id sampled
  ~ attributes attributes
span_data @
span_link ~
  - dead trace_id span_id sampled
  ~ map:any attributes
flags_context_item ~
  - dead flag result
geo -
  + string country_code city subdivision region
mechanism -
  - dead type source synthetic handled help_link meta exception_id parent_id is_exception_group
  + string description
  + map:any data
frame - frame
  ~ string module file_revision
  ~ path filename abs_path
  + map:any vars
sentry_tags -
  ~ string release environment transaction.method transaction.op browser.name sdk.name sdk.version platform mobile
  ~ string device.class device.family device.arch device.battery_level device.brand device.charging device.locale
  ~ string device.model_id device.name device.online device.orientation device.screen_density device.screen_dpi
  ~ string device.screen_height_pixels device.screen_width_pixels device.simulator device.uuid app.device device.model
  ~ string runtime runtime.name browser os os.rooted gpu.name gpu.vendor monitor.id monitor.slug request.url
  ~ string request.method os.name action category description domain raw_domain group http.decoded_response_content_length
  ~ string http.response_content_length http.response_transfer_size resource.render_blocking_status op status status_code
  ~ string system ttid ttfd file_extension main_thread app_start_type replay_id cache.hit cache.key trace.status
  ~ string messaging.destination.name messaging.message.id messaging.operation.name messaging.operation.type thread.name
  ~ string thread.id profiler_id user.geo.city user.geo.country_code user.geo.region user.geo.subdivision
  ~ string user.geo.subregion name
  + string user user.id user.ip user.username user.email
"""

# Kinds of contexts by their `type`; any other kind is untyped, class true, the object itself too (5.4).
CONTEXTS = {
    "device": "device_context",
    "os": "os_context",
    "runtime": "runtime_context",
    "app": "app_context",
    "browser": "browser_context",
    "gpu": "gpu_context",
    "trace": "trace_context",
    "profile": "dead",
    "replay": "dead",
    "flags": "flags_context",
    "feedback": "dead",
    "memory_info": "memory_info_context",
    "reprocessing": "dead",
    "response": "response_context",
    "otel": "otel_context",
    "cloudresource": "cloud_resource_context",
    "culture": "culture_context",
    "performancescore": "dead",
    "spring": "spring_context",
    "threadpool_info": "threadpool_info_context",
    "otaupdates": "ota_updates_context",
    "chromiumstabilityreport": "dead",
    "unity": "unity_context",
}

# Kinds of debug images by their `type`; any other kind holds nothing reachable.
DEBUG_IMAGES = {
    "symbolic": "native_image",
    "macho": "native_image",
    "elf": "native_image",
    "pe": "native_image",
    "pe_dotnet": "native_image",
    "wasm": "native_image",
    "sourcemap": "sourcemap_image",
}
