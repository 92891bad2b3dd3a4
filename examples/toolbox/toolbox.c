// The server: registers what it offers in wasi:cli/run, then answers for its resources, its prompt and completion.
// (call-tool is in tools.c.)
#include "wasi_mcp.h"

// ---- what it offers -------------------------------------------------------------------------------------------------

#define README_URI "example://readme"
#define TABLE_URI "example://table/"

static const server_info SERVER = {
    .name = STR("toolbox"),
    .version = STR("1.0.0"),
    .capabilities =
        {
            .logging = SOME({0}),
            .completions = SOME(true),
            .prompts = SOME(SOME(false)),
            .resources = SOME({.subscribe = SOME(true), .list_changed = SOME(false)}),
            .tools = SOME(SOME(false)),
        },
    .instructions = SOME(STR("Use hash for checksums and calc for arithmetic instead of working them out yourself.")),
};

#define README_TEXT \
  "# toolbox\n\n" \
  "An MCP server in one small WebAssembly component, written in C.\n\n" \
  "- tool `hash`: SHA-256, SHA-1 or CRC-32 of a text\n" \
  "- tool `calc`: arithmetic with variables and functions\n" \
  "- resource template `example://table/{n}`: the multiplication table of n\n" \
  "- prompt `solve`: a problem to solve step by step with `calc`\n"

static const resource_definition RESOURCES[] = {{
    .uri = STR(README_URI),
    .name = STR("readme"),
    .title = SOME(STR("Read me")),
    .description = SOME(STR("What this server offers")),
    .mime_type = SOME(STR("text/markdown")),
    .size = SOME(sizeof README_TEXT - 1),
}};

static const resource_template TEMPLATES[] = {{
    .uri_template = STR(TABLE_URI "{n}"),
    .name = STR("table"),
    .title = SOME(STR("Multiplication table")),
    .description = SOME(STR("The multiples of n, from 1 to 10 times (n: 1 to 999999)")),
    .mime_type = SOME(STR("text/csv")),
}};

static const prompt_argument SOLVE_ARGUMENTS[] = {
    {.name = STR("problem"), .description = SOME(STR("What to solve")), .required = SOME(true)},
    {.name = STR("audience"), .description = SOME(STR("Who the explanation is for")), .required = SOME(false)},
};

static const prompt_definition PROMPTS[] = {{
    .name = STR("solve"),
    .title = SOME(STR("Solve a problem")),
    .description = SOME(STR("Solve a problem step by step, with calc for the arithmetic")),
    .arguments = SOME({SOLVE_ARGUMENTS, 2}),
}};

// MCP completes the values of arguments, so that is what is here, by the kind of thing whose argument it is.
static const struct {
  uint8_t ref_type;
  completion offer;
} COMPLETIONS[] = {
    {REF_TOOL_NAME, {STR("hash"), SOME(STR("Hash a text"))}},
    {REF_TOOL_NAME, {STR("calc"), SOME(STR("Calculate"))}},
    {REF_RESOURCE_URI, {STR("7"), {0}}},
    {REF_RESOURCE_URI, {STR("12"), {0}}},
    {REF_RESOURCE_URI, {STR("16"), {0}}},
    {REF_RESOURCE_URI, {STR("60"), {0}}},
    {REF_PROMPT_NAME, {STR("a child"), {0}}},
    {REF_PROMPT_NAME, {STR("a student"), {0}}},
    {REF_PROMPT_NAME, {STR("an engineer"), {0}}},
    {REF_ARGUMENT_NAME, {STR("problem"), {0}}},
    {REF_ARGUMENT_NAME, {STR("audience"), {0}}},
    {REF_ARGUMENT_NAME, {STR("n"), {0}}},
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

// ---- run ------------------------------------------------------------------------------------------------------------

// Returns the discriminant of `result`: 0 is ok.
__attribute__((export_name("wasi:cli/run@0.2.0#run"))) uint32_t run(void) {
  result_unit result;
  mcp_register_server(&SERVER, &result);
  if (!result.is_err) mcp_register_tools(TOOLS, TOOL_COUNT, &result);
  if (!result.is_err) mcp_register_resources(RESOURCES, COUNT(RESOURCES), &result);
  if (!result.is_err) mcp_register_resource_templates(TEMPLATES, COUNT(TEMPLATES), &result);
  if (!result.is_err) mcp_register_prompts(PROMPTS, COUNT(PROMPTS), &result);
  // Nothing of `run` lives in the arena while `serve` lasts, so handlers may reset it even when the host calls them
  // before `serve` returns.
  if (!result.is_err) mcp_serve(&result);
  bool failed = result.is_err;
  arena_reset();
  return failed;
}

// ---- resources ------------------------------------------------------------------------------------------------------

// The n of example://table/{n}; 0 if `uri` is something else.
static uint32_t table_number(str uri) {
  if (!str_starts(uri, STR(TABLE_URI))) return 0;
  str digits = str_from(uri, STR(TABLE_URI).len);
  if (digits.len == 0 || digits.len > 6 || digits.ptr[0] == '0') return 0;
  uint32_t n = 0;
  for (size_t i = 0; i < digits.len; i++) {
    if (!is_digit(digits.ptr[i])) return 0;
    n = n * 10 + (uint32_t)(digits.ptr[i] - '0');
  }
  return n;
}

static str multiplication_table(uint32_t n) {
  buf b = {0};
  buf_str(&b, STR("factor,product\n"));
  for (uint32_t k = 1; k <= 10; k++) {
    buf_uint(&b, k);
    buf_char(&b, ',');
    buf_uint(&b, (uint64_t)k * n);
    buf_char(&b, '\n');
  }
  return buf_done(&b);
}

static bool known_resource(str uri) { return str_eq(uri, STR(README_URI)) || table_number(uri) != 0; }

EXPORT("read-resource")
result_resource *read_resource(const char *uri_ptr, size_t uri_len) {
  str uri = {uri_ptr, uri_len};
  result_resource *result = NEW(result_resource, 1);
  if (!known_resource(uri)) {
    result->is_err = true;
    result->err = mcp_failure(ERROR_RESOURCE_NOT_FOUND, STR("no such resource: "), uri);
    return result;
  }
  uint32_t n = table_number(uri);
  content_block *block = NEW(content_block, 1);
  block->tag = CONTENT_EMBEDDED_RESOURCE;
  block->resource = (embedded_resource){
      .content_type = STR("resource"),
      .uri = uri,
      .mime_type = SOME(n ? STR("text/csv") : STR("text/markdown")),
      .text = SOME(n ? multiplication_table(n) : STR(README_TEXT)),
  };
  result->ok = (content_list){block, 1};
  return result;
}
POST_RETURN("read-resource", read_resource_done)

// Nothing here ever changes, so there is nobody to remember: a subscription to what exists is simply accepted.
static result_unit *subscription(str uri) {
  result_unit *result = NEW(result_unit, 1);
  if (known_resource(uri)) return result;
  result->is_err = true;
  result->err = mcp_failure(ERROR_RESOURCE_NOT_FOUND, STR("no such resource: "), uri);
  return result;
}

EXPORT("handle-subscribe")
result_unit *subscribe(const char *ptr, size_t len) { return subscription((str){ptr, len}); }
POST_RETURN("handle-subscribe", subscribe_done)
EXPORT("handle-unsubscribe")
result_unit *unsubscribe(const char *ptr, size_t len) { return subscription((str){ptr, len}); }
POST_RETURN("handle-unsubscribe", unsubscribe_done)

// ---- the prompt -----------------------------------------------------------------------------------------------------

static result_prompt *refuse_prompt(uint8_t code, str message, str detail) {
  result_prompt *result = NEW(result_prompt, 1);
  result->is_err = true;
  result->err = mcp_failure(code, message, detail);
  return result;
}

EXPORT("get-prompt")
result_prompt *get_prompt(const char *name_ptr, size_t name_len, uint32_t has_args, const char *args_ptr,
                          size_t args_len) {
  str name = {name_ptr, name_len}, text = {args_ptr, args_len}, reason;
  if (!str_eq(name, PROMPTS[0].name)) return refuse_prompt(ERROR_PROMPT_NOT_FOUND, STR("no such prompt: "), name);
  const json *arguments = json_parse(has_args && text.len ? text : STR("{}"), &reason);
  if (!arguments) return refuse_prompt(ERROR_INVALID_PARAMS, reason, STR(""));
  if (arguments->kind != JSON_OBJECT)
    return refuse_prompt(ERROR_INVALID_PARAMS, STR("the arguments must be an object"), STR(""));
  const json *problem = json_get(arguments, STR("problem")), *audience = json_get(arguments, STR("audience"));
  if (!problem || problem->kind != JSON_STRING)
    return refuse_prompt(ERROR_INVALID_PARAMS, STR("solve: problem must be a string"), STR(""));
  if (audience && audience->kind != JSON_STRING)
    return refuse_prompt(ERROR_INVALID_PARAMS, STR("solve: audience must be a string"), STR(""));

  buf b = {0};
  buf_str(&b, STR("Solve this step by step, and use the calc tool for all arithmetic:\n\n"));
  buf_str(&b, problem->string);
  if (audience) {
    buf_str(&b, STR("\n\nExplain the solution to "));
    buf_str(&b, audience->string);
    buf_char(&b, '.');
  }
  prompt_message *message = NEW(prompt_message, 1);
  *message = (prompt_message){.role = ROLE_USER, .content = text_block(buf_done(&b))};
  result_prompt *result = NEW(result_prompt, 1);
  result->ok.ptr = message;
  result->ok.len = 1;
  return result;
}
POST_RETURN("get-prompt", get_prompt_done)

// ---- completion and elicitation -------------------------------------------------------------------------------------

EXPORT("handle-complete")
result_completions *complete(uint32_t ref_type, const char *ptr, size_t len) {
  str typed = {ptr, len};
  // Some hosts send what is typed so far of the argument n, others the whole URI.
  if (ref_type == REF_RESOURCE_URI && str_starts(typed, STR(TABLE_URI))) typed = str_from(typed, STR(TABLE_URI).len);
  result_completions *result = NEW(result_completions, 1);
  result->ok.ptr = NEW(completion, COUNT(COMPLETIONS));
  for (size_t i = 0; i < COUNT(COMPLETIONS); i++)
    if (COMPLETIONS[i].ref_type == ref_type && str_starts(COMPLETIONS[i].offer.value, typed))
      result->ok.ptr[result->ok.len++] = COMPLETIONS[i].offer;
  return result;
}
POST_RETURN("handle-complete", complete_done)

EXPORT("handle-elicit")
result_elicitation *elicit(const char *message, size_t message_len, const void *fields, size_t field_count) {
  (void)message, (void)message_len, (void)fields, (void)field_count;
  result_elicitation *result = NEW(result_elicitation, 1);
  result->is_err = true;
  result->err = mcp_failure(ERROR_UNSUPPORTED_OPERATION, STR("this server does not answer questions"), STR(""));
  return result;
}
POST_RETURN("handle-elicit", elicit_done)
