// SPDX-License-Identifier: Apache-2.0
// Any text as a query.  What parses must print; the print must not trip the parser, though it need not parse: like Loki
// we print some texts that mean something else when read (`-0` is a duration, `!` a name).
#include <cstddef>
#include <cstdint>

#include "query/logql_parser.h"
#include "query/logql_print.h"

using namespace cordwood::query;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)parse_selector(text).ok();
  const auto expr = parse_logql(text);
  if (!expr.ok()) return 0;
  const std::string printed = to_string(*expr.value());
  const auto again = parse_logql(printed);
  if (again.ok()) (void)to_string(*again.value());
  return 0;
}
