// The canonical ABI of wasi:mcp 0.1.0-preview2, by hand: what wit/ says, as C structs, imports and exports.
//
// On wasm32 a C struct has the layout that the canonical ABI gives a record: fields in order, each at its natural
// alignment. So a record is a struct, an enum is one byte, an option is a byte and the value, a list is a pointer and a
// length, and a variant is a byte and a union. A value of zeros is "none" wherever an option stands, so designated
// initialisers name what is there and leave out the rest.
#ifndef WASI_MCP_H
#define WASI_MCP_H

#include "toolbox.h"

#define OPTION(type) struct { bool some; type value; }
#define LIST(type) struct { type *ptr; size_t len; }
#define SOME(...) {true, __VA_ARGS__}

typedef OPTION(str) option_str;
typedef OPTION(bool) option_bool;
typedef OPTION(uint64_t) option_u64;

// ---- types ----------------------------------------------------------------------------------------------------------

enum {
  ERROR_PARSE, ERROR_INVALID_REQUEST, ERROR_METHOD_NOT_FOUND, ERROR_INVALID_PARAMS, ERROR_INTERNAL,
  ERROR_RESOURCE_NOT_FOUND, ERROR_TOOL_NOT_FOUND, ERROR_PROMPT_NOT_FOUND, ERROR_UNSUPPORTED_OPERATION,
};

typedef struct {
  uint8_t code;
  str message;
  option_str data;
} mcp_error;

// result<T, error>, for each T that occurs.
#define RESULT(type) struct { bool is_err; union { type ok; mcp_error err; }; }
typedef struct {
  bool is_err;
  mcp_error err;
} result_unit;

// ---- content --------------------------------------------------------------------------------------------------------

typedef struct {
  OPTION(float) priority;
  OPTION(LIST(str)) audience;
  option_str custom;
} annotations;
typedef OPTION(annotations) option_annotations;

typedef struct { str content_type, text; option_annotations annotations; } text_content;
typedef struct { str content_type, data, mime_type; option_annotations annotations; } image_content;
typedef struct {
  str content_type, uri;
  option_str mime_type, text, blob;
  option_annotations annotations;
} embedded_resource;
typedef struct {
  str content_type, uri, name;
  option_str description, mime_type;
  option_annotations annotations;
} resource_link;

enum { CONTENT_TEXT, CONTENT_IMAGE, CONTENT_EMBEDDED_RESOURCE, CONTENT_RESOURCE_LINK };
typedef struct {
  uint8_t tag;
  union { text_content text; image_content image; embedded_resource resource; resource_link link; };
} content_block;
typedef LIST(content_block) content_list;

enum { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR, LOG_CRITICAL };
enum { ROLE_SYSTEM, ROLE_USER, ROLE_ASSISTANT };
typedef struct { uint8_t role; content_block content; } prompt_message;

// ---- runtime: what the server registers, and the functions it imports -----------------------------------------------

typedef struct {
  OPTION(str) experimental;
  OPTION(OPTION(LIST(uint8_t))) logging;
  OPTION(bool) completions;
  OPTION(option_bool) prompts;
  OPTION(struct { option_bool subscribe; option_bool list_changed; }) resources;
  OPTION(option_bool) tools;
  OPTION(bool) sampling, elicitation;
} server_capabilities;

typedef struct {
  str name, version;
  server_capabilities capabilities;
  option_str instructions;
} server_info;

typedef struct { option_str title; option_bool read_only, destructive, idempotent, open_world; } tool_annotations;
typedef struct {
  str name;
  option_str title;
  str description, input_schema;
  option_str output_schema;
  OPTION(tool_annotations) annotations;
} tool_definition;

typedef struct { str uri, name; option_str title, description, mime_type; option_u64 size; } resource_definition;
typedef struct { str uri_template, name; option_str title, description, mime_type; } resource_template;

typedef struct { str name; option_str description; option_bool required; } prompt_argument;
typedef struct {
  str name;
  option_str title, description;
  OPTION(struct { const prompt_argument *ptr; size_t len; }) arguments;
} prompt_definition;

// A record of more than 16 flat values goes by pointer (register-server); anything smaller is spread over parameters. A
// result that isn't one plain number is written where the last parameter points.
#define IMPORT(name) __attribute__((import_module("wasi:mcp/runtime@0.1.0-preview2"), import_name(name)))
IMPORT("register-server") void mcp_register_server(const server_info *info, result_unit *result);
IMPORT("register-tools") void mcp_register_tools(const tool_definition *ptr, size_t len, result_unit *result);
IMPORT("register-resources")
void mcp_register_resources(const resource_definition *ptr, size_t len, result_unit *result);
IMPORT("register-resource-templates")
void mcp_register_resource_templates(const resource_template *ptr, size_t len, result_unit *result);
IMPORT("register-prompts") void mcp_register_prompts(const prompt_definition *ptr, size_t len, result_unit *result);
IMPORT("serve") void mcp_serve(result_unit *result);
IMPORT("log")
void mcp_log(uint32_t level, const char *message, size_t message_len, uint32_t has_data, const char *data,
             size_t data_len, result_unit *result);
IMPORT("report-progress")
void mcp_report_progress(const char *token, size_t token_len, uint64_t progress, uint32_t has_total, uint64_t total,
                         result_unit *result);

// ---- handlers: what the server exports ------------------------------------------------------------------------------

typedef struct { content_list content; option_bool is_error; } tool_result;
typedef struct { str value; option_str label; } completion;
enum { REF_TOOL_NAME, REF_RESOURCE_URI, REF_PROMPT_NAME, REF_ARGUMENT_NAME };

typedef RESULT(tool_result) result_tool;
typedef RESULT(content_list) result_resource;
typedef RESULT(LIST(prompt_message)) result_prompt;
typedef RESULT(LIST(completion)) result_completions;
typedef RESULT(str) result_elicitation;

#define EXPORT(name) __attribute__((export_name("wasi:mcp/handlers@0.1.0-preview2#" name)))
// What the host calls when it has read the result at the address that the handler returned: the call's memory goes.
#define POST_RETURN(name, function)                                                          \
  __attribute__((export_name("cabi_post_wasi:mcp/handlers@0.1.0-preview2#" name))) void      \
  function(const void *result) {                                                             \
    (void)result;                                                                            \
    arena_reset();                                                                           \
  }

// The sizes and offsets that the canonical ABI gives; a struct that fell out of step would fail here, not in a host.
_Static_assert(sizeof(mcp_error) == 24 && sizeof(result_unit) == 28, "types");
_Static_assert(sizeof(annotations) == 32 && sizeof(text_content) == 52 && sizeof(image_content) == 60, "content");
_Static_assert(sizeof(embedded_resource) == 88 && sizeof(content_block) == 92, "content");
_Static_assert(sizeof(prompt_message) == 96, "content");
_Static_assert(sizeof(server_capabilities) == 48 && sizeof(server_info) == 76, "server-info");
_Static_assert(sizeof(tool_annotations) == 20 && sizeof(tool_definition) == 72, "tool-definition");
_Static_assert(sizeof(resource_definition) == 72 && sizeof(resource_template) == 52, "resource definitions");
_Static_assert(sizeof(prompt_argument) == 24 && sizeof(prompt_definition) == 44, "prompt-definition");
_Static_assert(sizeof(result_tool) == 28 && sizeof(completion) == 20 && sizeof(result_completions) == 28, "handlers");

// ---- tools.c --------------------------------------------------------------------------------------------------------

extern const tool_definition TOOLS[];
enum { TOOL_COUNT = 2 };

content_block text_block(str text);
mcp_error mcp_failure(uint8_t code, str message, str detail);

#endif
