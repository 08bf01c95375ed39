// SPDX-License-Identifier: Apache-2.0
#include "storage/template_collector.h"

#include <algorithm>

#include "storage/base/check.h"
#include "storage/base/checksum.h"
#include "storage/base/coding.h"
#include "storage/base/same_text.h"
#include "storage/column_rendered.h"
#include "storage/text_tokens.h"

namespace cordwood {

namespace {

/// More steps than this in a block mean crafted lines: no more templates are sought in it.
constexpr uint64_t kMaxStepsOfBlock = 1u << 25;
/// After so many cells some template must name a column, and they must have come back to be shorter than the cells.
constexpr size_t kProbeCells = 256;
constexpr size_t kMaxRowCells = UINT16_MAX - 1;

/// A text without one would be found everywhere.
bool has_word(std::string_view text) {
  return std::any_of(text.begin(), text.end(), is_token_char);
}

}  // namespace

void TemplateCollector::sort_by_first_byte(std::string_view cell, std::span<const RowCell> row) {
  steps_ += row.size();
  first_.fill(0);
  next_.resize(row.size());
  for (size_t i = row.size(); i-- > 0;) {
    const std::string_view text = row[i].text;
    if (text.empty() || text.size() > cell.size() || !has_word(text)) continue;
    uint16_t& first = first_[static_cast<uint8_t>(text[0])];
    next_[i] = first;
    first = static_cast<uint16_t>(i + 1);
  }
}

uint16_t TemplateCollector::cell_at(std::string_view rest, std::span<const RowCell> row, uint16_t last) {
  uint16_t best = 0;
  size_t best_bytes = 0;
  for (uint16_t i = first_[static_cast<uint8_t>(rest[0])]; i != 0; i = next_[i - 1]) {
    ++steps_;
    const std::string_view text = row[i - 1].text;
    const bool better = text.size() > best_bytes || (text.size() == best_bytes && best <= last && i > last);
    if (!better || text.size() > rest.size() || !same_bytes(text.data(), rest.data(), text.size())) continue;
    if (text.size() < rest.size() && is_token_char(text.back()) && is_token_char(rest[text.size()])) continue;
    best = i;
    best_bytes = text.size();
  }
  return best;
}

bool TemplateCollector::make_template(std::string_view cell, std::span<const RowCell> row) {
  key_.clear();
  key_columns_.clear();
  sort_by_first_byte(cell, row);
  ByteWriter key(&key_);
  uint16_t last = 0;
  size_t written = 0;  // of the cell
  bool in_word = false;
  for (size_t at = 0; at < cell.size();) {
    const char c = cell[at];
    if (c == '\0') return false;
    const bool is_word = is_token_char(c);
    const uint16_t found = in_word && is_word ? uint16_t{0} : cell_at(cell.substr(at), row, last);
    if (found == 0) {
      // What an escape stands for is no part of a word.
      const bool escape = c == '\\' && at + 1 < cell.size() && cell[at + 1] != '\0';
      in_word = is_word;
      at += escape ? 2 : 1;
      continue;
    }
    if (key_columns_.size() == kMaxTemplateSlots) {
      // Whatever this is, it is not made of the row's cells.
      key_ = cell;
      key_columns_.clear();
      return cell.find('\0') == std::string_view::npos;
    }
    key_columns_.push_back(row[found - 1].column);
    key.bytes(cell.substr(written, at - written));
    key.u8(0);
    key.varint(key_columns_.back());
    at += row[found - 1].text.size();
    written = at;
    in_word = is_token_char(cell[at - 1]);
    last = found;
  }
  key.bytes(cell.substr(written));
  return true;
}

bool TemplateCollector::add(std::string_view cell, std::span<const RowCell> row) {
  if (steps_ > kMaxStepsOfBlock || cell.size() > kMaxRenderedBytes || row.size() > kMaxRowCells ||
      !make_template(cell, row))
    return false;
  const auto [at, fresh] = by_hash_.try_emplace(xxh3_64(key_, 0x7e3a), static_cast<uint32_t>(templates_.size()));
  if (fresh) {
    if (templates_.size() == kMaxTemplates) return false;
    templates_.push_back(key_);
    template_bytes_ += key_.size();
    columns_.insert(key_columns_.begin(), key_columns_.end());
  } else if (templates_[at->second] != key_) {
    return false;
  }
  ids_.push_back(at->second);
  return true;
}

bool TemplateCollector::is_vain() const {
  return columns_.empty() || template_bytes_ > cell_bytes_ / 2;
}

bool TemplateCollector::collect(std::span<const std::string_view> cells, const ForEachRow& rows) {
  templates_.clear();
  by_hash_.clear();
  ids_.clear();
  template_bytes_ = 0;
  cell_bytes_ = 0;
  columns_.clear();
  bool good = true;
  rows([&](std::span<const RowCell> row) {
    CHECK(ids_.size() < cells.size(), "more rows than the {} cells of a column", cells.size());
    const std::string_view cell = cells[ids_.size()];
    cell_bytes_ += cell.size();
    good = add(cell, row) && (ids_.size() < kProbeCells || !is_vain());
    return good;
  });
  return good && ids_.size() == cells.size() && !is_vain();
}

}  // namespace cordwood
