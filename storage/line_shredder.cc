// SPDX-License-Identifier: Apache-2.0
#include "storage/line_shredder.h"

#include <algorithm>
#include <unordered_map>

#include "storage/base/arena.h"
#include "storage/base/check.h"
#include "storage/base/checksum.h"
#include "storage/shape_trie.h"
#include "storage/shred_json.h"
#include "storage/shred_logfmt.h"
#include "storage/shred_text.h"

namespace cordwood {

namespace {

using shred::Cut;
using shred::CutResult;
using shred::LineCuts;
using shred::SlotScan;

// What a shape costs beyond its bytes: the slot, its path's strings, its branch of the trie.
constexpr uint64_t kShapeCost = 256;
constexpr uint64_t kSlotCost = 160;
// Text is worth templates only while they come back: beyond the first few, one new template for four lines.
constexpr uint64_t kFreeTextShapes = 64;
constexpr uint64_t kLinesPerTextShape = 4;
constexpr size_t kMaxTextContext = 32;
constexpr size_t kConstantBytes = 8u << 10;  ///< at a time

ShapeSlot::Kind slot_kind(LineForm form, SlotScan scan) {
  if (form == LineForm::text) return ShapeSlot::Kind::text;
  switch (scan) {
    case SlotScan::json_string: return ShapeSlot::Kind::quoted;
    case SlotScan::json_bare: return ShapeSlot::Kind::bare;
    case SlotScan::json_array: return ShapeSlot::Kind::array;
    default: return ShapeSlot::Kind::text;
  }
}

ColumnKey::Source source_of(LineForm form) {
  switch (form) {
    case LineForm::json: return ColumnKey::Source::json;
    case LineForm::logfmt: return ColumnKey::Source::logfmt;
    default: return ColumnKey::Source::text;
  }
}

/// The last word of the constant and what follows it: what a cell of text comes after says what it is.
std::string text_context(std::string_view constant) {
  size_t begin = constant.size();
  while (begin > 0 && shred::text_class(constant[begin - 1]).delimiter) --begin;
  while (begin > 0 && !shred::text_class(constant[begin - 1]).delimiter) --begin;
  constant.remove_prefix(begin);
  if (constant.size() > kMaxTextContext) constant.remove_prefix(constant.size() - kMaxTextContext);
  return std::string(constant);
}

/// One string for a path, so that different paths differ.
std::string flat_path(const std::vector<std::string>& path) {
  std::string flat;
  for (const std::string& key : path) {
    flat.append(std::to_string(key.size())).push_back(':');
    flat.append(key);
  }
  return flat;
}

struct SeededHash {
  uint64_t seed = 0;
  size_t operator()(const std::string& text) const { return xxh3_64(text, seed); }
};

}  // namespace

struct LineShredder::Impl {
  explicit Impl(LineShredderLimits l) : limits(l), columns_by_name(0, SeededHash{l.hash_seed}) {}

  uint32_t shred(std::string_view line, std::vector<std::string_view>* cells) {
    if (line.size() >= UINT32_MAX) return kRawShape;
    if (limits.json) {
      const char* begin = shred::skip_json_space(line.data(), line.data() + line.size());
      if (begin != line.data() + line.size() && *begin == '{') {
        if (const auto known = json_trie.match(line, cells)) return *known;
        cuts.clear();
        const CutResult result = shred::cut_json(line, limits.max_slots_per_line, limits.max_depth, &cuts);
        if (result == CutResult::done) return adopt(LineForm::json, line, cells);
        if (result == CutResult::over_limit) return kRawShape;
      }
    }
    return shred_words(line, cells);
  }

  /// The logfmt and text forms.
  uint32_t shred_words(std::string_view line, std::vector<std::string_view>* cells) {
    text_lines += limits.text ? 1 : 0;
    if (limits.logfmt) {
      if (const auto known = logfmt_trie.match(line, cells)) return *known;
    }
    if (limits.text) {
      if (const auto known = text_trie.match(line, cells)) return *known;
    }
    if (limits.logfmt) {
      cuts.clear();
      const CutResult result = shred::cut_logfmt(line, limits.max_slots_per_line, &cuts);
      if (result == CutResult::done) return adopt(LineForm::logfmt, line, cells);
      if (result == CutResult::over_limit) return kRawShape;
    }
    if (!limits.text) return kRawShape;
    cuts.clear();
    const CutResult result = shred::cut_text(line, std::min(limits.max_slots_per_line, limits.max_text_slots), &cuts);
    return result == CutResult::done ? adopt(LineForm::text, line, cells) : kRawShape;
  }

  /// The shape of the line that `cuts` took apart: a known one, or a new one while limits last.
  uint32_t adopt(LineForm form, std::string_view line, std::vector<std::string_view>* cells) {
    const uint64_t hash = skeleton_hash(form, line);
    uint32_t shape = kRawShape;
    const auto [first, last] = shapes_by_hash.equal_range(hash);
    for (auto it = first; it != last && shape == kRawShape; ++it) {
      if (is_shape_of(shapes[it->second], form, line)) shape = it->second;
    }
    if (shape == kRawShape) shape = add_shape(form, line, hash);
    if (shape == kRawShape) return kRawShape;
    for (const Cut& cut : cuts.cuts) cells->push_back(line.substr(cut.begin, cut.end - cut.begin));
    return shape;
  }

  uint64_t skeleton_hash(LineForm form, std::string_view line) const {
    uint64_t hash = limits.hash_seed + static_cast<uint64_t>(form);
    uint32_t from = 0;
    for (const Cut& cut : cuts.cuts) {
      hash = xxh3_64(line.substr(from, cut.begin - from), hash + static_cast<uint64_t>(slot_kind(form, cut.scan)));
      from = cut.end;
    }
    return xxh3_64(line.substr(from), hash);
  }

  bool is_shape_of(const Shape& shape, LineForm form, std::string_view line) const {
    if (shape.form != form || shape.slots.size() != cuts.cuts.size()) return false;
    uint32_t from = 0;
    for (size_t i = 0; i < cuts.cuts.size(); ++i) {
      const Cut& cut = cuts.cuts[i];
      if (shape.slots[i].kind != slot_kind(form, cut.scan)) return false;
      if (shape.constants[i] != line.substr(from, cut.begin - from)) return false;
      from = cut.end;
    }
    return shape.constants.back() == line.substr(from);
  }

  std::vector<std::string> path_of(LineForm form, std::string_view line, const Cut& cut, std::string_view constant) {
    switch (form) {
      case LineForm::json: return shred::json_path(line, cuts, cut.key);
      case LineForm::logfmt: {
        const shred::CutKey& key = cuts.keys[cut.key];
        return {std::string(line.substr(key.begin, key.end - key.begin))};
      }
      default: return {text_context(constant)};
    }
  }

  uint32_t add_shape(LineForm form, std::string_view line, uint64_t hash) {
    if (shapes.size() >= limits.max_shapes) return kRawShape;
    if (form == LineForm::text && text_shapes >= kFreeTextShapes && text_shapes * kLinesPerTextShape > text_lines) {
      return kRawShape;
    }
    std::vector<std::vector<std::string>> paths;
    uint64_t cost = kShapeCost + cuts.cuts.size() * kSlotCost;
    uint32_t from = 0;
    for (const Cut& cut : cuts.cuts) {
      const std::string_view constant = line.substr(from, cut.begin - from);
      from = cut.end;
      paths.push_back(path_of(form, line, cut, constant));
      cost += 2 * constant.size();
      for (const std::string& key : paths.back()) cost += sizeof(std::string) + key.size();
      if (shape_bytes + cost > limits.max_shape_bytes) return kRawShape;
    }
    cost += 2 * (line.size() - from);
    std::vector<uint32_t> slot_columns;
    if (shape_bytes + cost > limits.max_shape_bytes || !assign_columns(form, paths, &slot_columns)) return kRawShape;
    shape_bytes += cost;
    text_shapes += form == LineForm::text ? 1 : 0;
    const auto id = static_cast<uint32_t>(shapes.size());
    keep_shape(form, line, slot_columns);
    shapes_by_hash.emplace(hash, id);
    trie_of(form).insert(line, cuts.cuts, id);
    return id;
  }

  /// The shape of the line that was cut last, its cells in these columns.
  void keep_shape(LineForm form, std::string_view line, const std::vector<uint32_t>& slot_columns) {
    std::vector<std::string_view>& constants = constant_lists.emplace_back();
    std::vector<ShapeSlot>& slots = slot_lists.emplace_back();
    constants.reserve(slot_columns.size() + 1);
    slots.reserve(slot_columns.size());
    uint32_t from = 0;
    for (const Cut& cut : cuts.cuts) {
      constants.push_back(constant_texts.copy(line.substr(from, cut.begin - from)));
      from = cut.end;
      const uint32_t column = slot_columns[slots.size()];
      slots.push_back({column, slot_kind(form, cut.scan), columns[column].path});
    }
    constants.push_back(constant_texts.copy(line.substr(from)));
    shapes.push_back({form, constants, slots});
  }

  /// False, and nothing changed, when there would be too many columns.
  bool assign_columns(LineForm form, const std::vector<std::vector<std::string>>& paths, std::vector<uint32_t>* out) {
    if (columns.size() + paths.size() > limits.max_columns && !fits_known_columns(form, paths)) return false;
    const ColumnKey::Source source = source_of(form);
    std::unordered_map<std::string, uint32_t> seen;
    for (const std::vector<std::string>& keys : paths) {
      const std::string path = flat_path(keys);
      const uint32_t occurrence = seen[path]++;
      const auto [it, is_new] =
          columns_by_name.try_emplace(column_name(source, occurrence, path), static_cast<uint32_t>(columns.size()));
      if (is_new) columns.push_back({source, keys, occurrence});
      out->push_back(it->second);
    }
    return true;
  }

  bool fits_known_columns(LineForm form, const std::vector<std::vector<std::string>>& paths) const {
    const ColumnKey::Source source = source_of(form);
    std::unordered_map<std::string, uint32_t> seen;
    size_t fresh = 0;
    for (const std::vector<std::string>& keys : paths) {
      const std::string path = flat_path(keys);
      fresh += columns_by_name.contains(column_name(source, seen[path]++, path)) ? 0 : 1;
    }
    return columns.size() + fresh <= limits.max_columns;
  }

  static std::string column_name(ColumnKey::Source source, uint32_t occurrence, const std::string& path) {
    return std::to_string(static_cast<int>(source)) + "," + std::to_string(occurrence) + "," + path;
  }

  shred::ShapeTrie& trie_of(LineForm form) {
    switch (form) {
      case LineForm::json: return json_trie;
      case LineForm::logfmt: return logfmt_trie;
      default: return text_trie;
    }
  }

  void reset() {
    shapes.clear();
    constant_lists.clear();
    slot_lists.clear();
    constant_texts = Arena(kConstantBytes);
    columns.clear();
    shapes_by_hash.clear();
    columns_by_name.clear();
    shape_bytes = text_lines = text_shapes = 0;
    json_trie.clear();
    logfmt_trie.clear();
    text_trie.clear();
  }

  const LineShredderLimits limits;
  std::vector<Shape> shapes;
  // What shapes are views of: each inner list stays where it is while the outer one grows.
  std::vector<std::vector<std::string_view>> constant_lists;
  std::vector<std::vector<ShapeSlot>> slot_lists;
  Arena constant_texts{kConstantBytes};
  std::vector<ColumnKey> columns;
  std::unordered_multimap<uint64_t, uint32_t> shapes_by_hash;
  std::unordered_map<std::string, uint32_t, SeededHash> columns_by_name;
  uint64_t shape_bytes = 0;
  uint64_t text_lines = 0;
  uint64_t text_shapes = 0;
  shred::ShapeTrie json_trie;
  shred::ShapeTrie logfmt_trie;
  shred::ShapeTrie text_trie;
  LineCuts cuts;
};

LineShredder::LineShredder(LineShredderLimits limits) : impl_(std::make_unique<Impl>(limits)) {}
LineShredder::~LineShredder() = default;
LineShredder::LineShredder(LineShredder&&) noexcept = default;

uint32_t LineShredder::shred(std::string_view line, std::vector<std::string_view>* cells) {
  return impl_->shred(line, cells);
}
const std::vector<Shape>& LineShredder::shapes() const {
  return impl_->shapes;
}
const std::vector<ColumnKey>& LineShredder::columns() const {
  return impl_->columns;
}
void LineShredder::reset() {
  impl_->reset();
}

void render_shape(const Shape& shape, std::span<const std::string_view> cells, std::string* out) {
  CHECK(cells.size() == shape.slots.size(), "cells {} of a shape with {} slots", cells.size(), shape.slots.size());
  out->append(shape.constants.front());
  for (size_t i = 0; i < cells.size(); ++i) {
    out->append(cells[i]);
    out->append(shape.constants[i + 1]);
  }
}

}  // namespace cordwood
