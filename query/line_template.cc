// SPDX-License-Identifier: Apache-2.0
#include "query/line_template.h"

#include <algorithm>
#include <array>

#include "query/label_name.h"
#include "storage/shred_text.h"

namespace cordwood::query {

namespace {

constexpr std::string_view kAny = "<_>";
constexpr size_t kMaxPatternBytes = 1024;
constexpr size_t kMaxTextBytes = 8 << 10;  // what follows is taken for something that varies
constexpr size_t kMaxNameBytes = 128;      // of a capture
constexpr uint32_t kMaxSlots = 128;

/// Names under which programs put what happened, the likeliest first.
constexpr std::array<std::string_view, 6> kMessageNames = {"log", "message", "msg", "msg_", "_msg", "content"};

void append_any(std::string* out) {
  if (!out->ends_with(kAny)) out->append(kAny);
}

/// Where a `<name>` begins that a filter would take for a capture, and its size.
std::pair<size_t, size_t> find_capture(std::string_view text) {
  for (size_t open = text.find('<'); open != std::string_view::npos; open = text.find('<', open + 1)) {
    const std::string_view behind = text.substr(open + 1, kMaxNameBytes + 1);
    const size_t close = behind.find('>');
    if (close == std::string_view::npos) continue;
    if (is_label_name(behind.substr(0, close))) return {open, close + 2};
  }
  return {std::string_view::npos, 0};
}

/// Makes every capture `<_>`, never two in a row, and the whole not too long.
void append_normal(std::string_view text, std::string* out) {
  while (!text.empty()) {
    const auto [at, size] = find_capture(text);
    const std::string_view literal = text.substr(0, at);
    const size_t room = kMaxPatternBytes - std::min(kMaxPatternBytes, out->size());
    out->append(literal.substr(0, room));
    if (literal.size() > room) {
      append_any(out);
      return;
    }
    if (at == std::string_view::npos) return;
    append_any(out);
    text.remove_prefix(at + size);
  }
}

}  // namespace

ShapeTemplate template_of(const Shape& shape) {
  ShapeTemplate out;
  if (shape.form == LineForm::json || shape.form == LineForm::logfmt) {
    for (const std::string_view name : kMessageNames) {
      for (size_t i = 0; i < shape.slots.size() && out.message == nullptr; ++i) {
        const ShapeSlot& slot = shape.slots[i];
        const bool is_text = slot.kind == ShapeSlot::Kind::quoted || slot.kind == ShapeSlot::Kind::text;
        if (!is_text || slot.path.size() != 1 || slot.path[0] != name) continue;
        out.message = &slot;
        out.message_slot = i;
        out.message_ends = i + 1 == shape.slots.size() && shape.constants.back().empty();
      }
    }
    if (out.message != nullptr) return out;
  }
  std::string raw;
  for (size_t i = 0; i < shape.constants.size(); ++i) {
    if (i != 0) raw += kAny;
    raw += shape.constants[i];
  }
  append_normal(raw, &out.fixed);
  return out;
}

void LineTemplates::append_cut(std::string_view text) {
  const std::string_view looked_at = text.substr(0, kMaxTextBytes);
  cuts_.clear();
  // Past the limit of slots what was cut so far stands, and the rest varies.
  const bool whole = shred::cut_text(looked_at, kMaxSlots, &cuts_) == shred::CutResult::done;
  size_t at = 0;
  for (const shred::Cut& cut : cuts_.cuts) {
    raw_.append(looked_at.substr(at, cut.begin - at)).append(kAny);
    at = cut.end;
  }
  if (whole) raw_.append(looked_at.substr(at));
  if (!whole || looked_at.size() < text.size()) raw_.append(kAny);
}

void LineTemplates::finish() {
  pattern_.clear();
  append_normal(raw_, &pattern_);
}

std::string_view LineTemplates::of_line(std::string_view line) {
  raw_.clear();
  append_cut(line);
  finish();
  return pattern_;
}

std::string_view LineTemplates::of_message(std::string_view message, bool ends) {
  raw_ = kAny;
  append_cut(message);
  if (!ends) raw_.append(kAny);
  finish();
  return pattern_;
}

}  // namespace cordwood::query
