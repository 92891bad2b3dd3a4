// The two tools: what they promise, and how their arguments become work.
#include "wasi_mcp.h"

const tool_definition TOOLS[TOOL_COUNT] = {
    {
        .name = STR("hash"),
        .title = SOME(STR("Hash a text")),
        .description = STR("The SHA-256, SHA-1 or CRC-32 of a text's UTF-8 bytes, in hexadecimal. With rounds above 1 "
                           "(key stretching) each further round hashes the bytes of the digest before it."),
        .input_schema = STR("{\"type\":\"object\",\"properties\":{"
                            "\"text\":{\"type\":\"string\",\"description\":\"What to hash\"},"
                            "\"algorithm\":{\"type\":\"string\",\"enum\":[\"sha256\",\"sha1\",\"crc32\"],"
                            "\"default\":\"sha256\"},"
                            "\"rounds\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000000000,\"default\":1}},"
                            "\"required\":[\"text\"],\"additionalProperties\":false}"),
        .output_schema = SOME(STR("{\"type\":\"object\",\"properties\":{"
                                  "\"algorithm\":{\"type\":\"string\"},"
                                  "\"digest\":{\"type\":\"string\",\"pattern\":\"^[0-9a-f]+$\"},"
                                  "\"bytes\":{\"type\":\"integer\",\"description\":\"Length of the text in UTF-8\"},"
                                  "\"rounds\":{\"type\":\"integer\"}},"
                                  "\"required\":[\"algorithm\",\"digest\",\"bytes\",\"rounds\"]}")),
        .annotations = SOME({.read_only = SOME(true), .idempotent = SOME(true), .open_world = SOME(false)}),
    },
    {
        .name = STR("calc"),
        .title = SOME(STR("Calculate")),
        .description = STR("Evaluates an arithmetic expression in double precision: + - * / % ^ ( ), the functions "
                           "abs, avg, ceil, floor, max, min, round (half to even), sqrt, sum, the constants pi and e, "
                           "and variables of your own."),
        .input_schema = STR("{\"type\":\"object\",\"properties\":{"
                            "\"expression\":{\"type\":\"string\","
                            "\"description\":\"For example: 2 * (width + 0.5) ^ 2\"},"
                            "\"variables\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"number\"},"
                            "\"description\":\"Values of the names in the expression\"}},"
                            "\"required\":[\"expression\"],\"additionalProperties\":false}"),
        .annotations = SOME({.read_only = SOME(true), .idempotent = SOME(true), .open_world = SOME(false)}),
    },
};

// ---- answers --------------------------------------------------------------------------------------------------------

content_block text_block(str text) {
  return (content_block){.tag = CONTENT_TEXT, .text = {.content_type = STR("text"), .text = text}};
}

mcp_error mcp_failure(uint8_t code, str message, str detail) {
  buf b = {0};
  buf_str(&b, message);
  buf_str(&b, detail);
  return (mcp_error){.code = code, .message = buf_done(&b)};
}

static result_tool *answer(str text, bool is_error) {
  content_block *block = NEW(content_block, 1);
  *block = text_block(text);
  result_tool *result = NEW(result_tool, 1);
  result->ok = (tool_result){.content = {block, 1}, .is_error = SOME(is_error)};
  return result;
}

static result_tool *refuse(uint8_t code, str message, str detail) {
  result_tool *result = NEW(result_tool, 1);
  result->is_err = true;
  result->err = mcp_failure(code, message, detail);
  return result;
}

// ---- hash -----------------------------------------------------------------------------------------------------------

// An import's result may carry text, which comes from the arena: giving it back at once keeps 10^9 rounds small.
static void report_progress(uint64_t done, uint64_t total) {
  static const str token = {"hash", 4}; // call-tool brings no token; the host knows which call is running
  size_t mark = arena_mark();
  result_unit ignored; // a client that doesn't want progress is no reason to stop
  mcp_report_progress(token.ptr, token.len, done, true, total, &ignored);
  arena_release(mark);
}

static void log_long_run(str algorithm, uint64_t rounds) {
  static const str message = {"hash: many rounds, this may take a while", 40};
  size_t mark = arena_mark();
  buf data = {0};
  buf_str(&data, STR("{\"algorithm\":"));
  buf_json_string(&data, algorithm);
  buf_str(&data, STR(",\"rounds\":"));
  buf_uint(&data, rounds);
  buf_char(&data, '}');
  result_unit ignored;
  mcp_log(LOG_INFO, message.ptr, message.len, true, data.ptr, data.len, &ignored);
  arena_release(mark);
}

static result_tool *hash(str text, const hash_algorithm *algorithm, uint64_t rounds) {
  uint8_t digest[HASH_MAX_DIGEST];
  bool is_long = rounds > algorithm->report_every;
  if (is_long) log_long_run(algorithm->name, rounds);

  algorithm->digest((const uint8_t *)text.ptr, text.len, digest);
  for (uint64_t done = 1; done < rounds; done++) {
    if (done % algorithm->report_every == 0) report_progress(done, rounds);
    uint8_t input[HASH_MAX_DIGEST];
    __builtin_memcpy(input, digest, sizeof input);
    algorithm->digest(input, algorithm->digest_size, digest);
  }
  if (is_long) report_progress(rounds, rounds);

  buf out = {0};
  buf_str(&out, STR("{\"algorithm\":"));
  buf_json_string(&out, algorithm->name);
  buf_str(&out, STR(",\"digest\":\""));
  buf_hex(&out, digest, algorithm->digest_size);
  buf_str(&out, STR("\",\"bytes\":"));
  buf_uint(&out, text.len);
  buf_str(&out, STR(",\"rounds\":"));
  buf_uint(&out, rounds);
  buf_char(&out, '}');
  return answer(buf_done(&out), false);
}

static result_tool *call_hash(const json *arguments) {
  const json *text = NULL, *algorithm = NULL, *rounds = NULL;
  for (const json *m = arguments->first; m; m = m->next) {
    if (str_eq(m->key, STR("text"))) text = m;
    else if (str_eq(m->key, STR("algorithm"))) algorithm = m;
    else if (str_eq(m->key, STR("rounds"))) rounds = m;
    else return refuse(ERROR_INVALID_PARAMS, STR("hash: unknown argument: "), m->key);
  }
  if (!text || text->kind != JSON_STRING)
    return refuse(ERROR_INVALID_PARAMS, STR("hash: text must be a string"), STR(""));

  str name = STR("sha256");
  if (algorithm) name = algorithm->kind == JSON_STRING ? algorithm->string : STR("");
  const hash_algorithm *chosen = hash_find(name);
  if (!chosen) return refuse(ERROR_INVALID_PARAMS, STR("hash: algorithm must be sha256, sha1 or crc32"), STR(""));

  double count = 1;
  if (rounds) count = rounds->kind == JSON_NUMBER ? rounds->number : 0;
  if (!(count >= 1 && count <= 1e9) || __builtin_trunc(count) != count)
    return refuse(ERROR_INVALID_PARAMS, STR("hash: rounds must be a whole number from 1 to 1000000000"), STR(""));
  return hash(text->string, chosen, (uint64_t)count);
}

// ---- calc -----------------------------------------------------------------------------------------------------------

// "column 5: expected ')'", and if it isn't long the line of the expression and a caret below the place. Columns count
// code points.
static str describe_problem(str expression, calc_result result) {
  size_t line = 0, column = 0, end = result.at;
  for (size_t i = 0; i < result.at; i++) {
    column += (expression.ptr[i] & 0xc0) != 0x80;
    if (expression.ptr[i] == '\n') line = i + 1, column = 0;
  }
  while (end < expression.len && expression.ptr[end] != '\n') end++;
  buf b = {0};
  buf_str(&b, STR("column "));
  buf_uint(&b, column + 1);
  buf_str(&b, STR(": "));
  buf_str(&b, result.problem);
  if (end - line > 200) return buf_done(&b);
  buf_str(&b, STR("\n  "));
  buf_str(&b, (str){expression.ptr + line, end - line});
  buf_str(&b, STR("\n  "));
  while (column--) buf_char(&b, ' ');
  buf_char(&b, '^');
  return buf_done(&b);
}

static result_tool *call_calc(const json *arguments) {
  const json *expression = NULL, *variables = NULL;
  for (const json *m = arguments->first; m; m = m->next) {
    if (str_eq(m->key, STR("expression"))) expression = m;
    else if (str_eq(m->key, STR("variables"))) variables = m;
    else return refuse(ERROR_INVALID_PARAMS, STR("calc: unknown argument: "), m->key);
  }
  if (!expression || expression->kind != JSON_STRING)
    return refuse(ERROR_INVALID_PARAMS, STR("calc: expression must be a string"), STR(""));
  if (variables && variables->kind != JSON_OBJECT)
    return refuse(ERROR_INVALID_PARAMS, STR("calc: variables must be an object of numbers"), STR(""));
  for (const json *v = variables ? variables->first : NULL; v; v = v->next)
    if (v->kind != JSON_NUMBER) return refuse(ERROR_INVALID_PARAMS, STR("calc: not a number: variables."), v->key);

  calc_result result = calc_evaluate(expression->string, variables);
  // What is wrong with the expression is for the model to read and to correct: a result, not a protocol error.
  if (result.problem.len) return answer(describe_problem(expression->string, result), true);
  buf out = {0};
  number_write(&out, result.value + 0.0); // makes -0 a plain 0
  return answer(buf_done(&out), false);
}

// ---- the handler ----------------------------------------------------------------------------------------------------

EXPORT("call-tool")
result_tool *call_tool(const char *name_ptr, size_t name_len, const char *args_ptr, size_t args_len) {
  str name = {name_ptr, name_len}, text = {args_ptr, args_len}, problem;
  bool is_hash = str_eq(name, TOOLS[0].name), is_calc = str_eq(name, TOOLS[1].name);
  if (!is_hash && !is_calc) return refuse(ERROR_TOOL_NOT_FOUND, STR("no such tool: "), name);

  const json *arguments = json_parse(text.len ? text : STR("{}"), &problem);
  if (!arguments) return refuse(ERROR_INVALID_PARAMS, problem, STR(""));
  if (arguments->kind != JSON_OBJECT)
    return refuse(ERROR_INVALID_PARAMS, STR("the arguments must be an object"), STR(""));
  return is_hash ? call_hash(arguments) : call_calc(arguments);
}
POST_RETURN("call-tool", call_tool_done)
