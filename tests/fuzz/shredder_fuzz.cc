// SPDX-License-Identifier: Apache-2.0
// Lines of the input are taken apart by one shredder; each must render back, and json must be what a parser that has
// nothing to do with ours calls a strict object.
#include <cstddef>
#include <cstdint>

#include "storage/base/check.h"
#include "storage/line_shredder.h"
#include "storage/model/utf8.h"
#include "tests/support/json_leaves.h"

using cordwood::LineForm;
using cordwood::LineShredder;

namespace {

/// Whether the other parser may refuse what is strict json: numbers beyond a double, lone surrogates, bytes that are
/// not UTF-8.
bool parsers_may_differ(std::string_view line) {
  if (!cordwood::is_valid_utf8(line) || line.find("\\u") != std::string_view::npos) return true;
  size_t digits = 0;
  for (char c : line) {
    if (c == 'e' || c == 'E') return true;
    digits += c >= '0' && c <= '9' ? 1 : 0;
  }
  return digits > 300;
}

void check(LineShredder& shredder, std::string_view line) {
  std::vector<std::string_view> cells;
  const uint32_t id = shredder.shred(line, &cells);
  const bool raw = id == LineShredder::kRawShape;
  const bool json = !raw && shredder.shapes()[id].form == LineForm::json;
  if (!raw) {
    std::string rendered;
    cordwood::render_shape(shredder.shapes()[id], cells, &rendered);
    CHECK(rendered == line, "rendered {} bytes of {}", rendered.size(), line.size());
  }
  const auto leaves = cordwood::json_leaves(line);
  if (leaves.has_value() && leaves->size() < 64) {
    CHECK(json || raw, "an object that is text");
    CHECK(raw || leaves->size() == cells.size(), "cells {} leaves {}", cells.size(), leaves->size());
  }
  CHECK(!json || leaves.has_value() || parsers_may_differ(line), "json that is none");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  LineShredder shredder({});
  for (size_t from = 0; from <= input.size();) {
    const size_t end = std::min(input.find('\n', from), input.size());
    check(shredder, input.substr(from, end - from));
    from = end + 1;
  }
  return 0;
}
