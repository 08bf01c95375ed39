// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "storage/row_predicate.h"

namespace cordwood {

/// `<app> <needle>`: rows of streams with that label `app` (`*`: all) whose line holds the needle (`*`: all rows).
class SimplePredicate final : public RowPredicate {
 public:
  SimplePredicate(std::string app, std::string needle) : app_(std::move(app)), needle_(std::move(needle)) {}
  bool matches(const Stream& stream) const override { return app_ == "*" || stream.labels.get("app") == app_; }
  bool takes_all_rows() const override { return needle_ == "*"; }
  Result<bool> may_match(const BlockSource&, ReadStats*) const override { return true; }
  Result<void> mark(const BlockSource&, BlockView& view, std::span<const Span> spans, RowBits* rows) const override {
    std::string scratch;
    for (const Span& span : spans) {
      for (uint32_t row = span.begin; row < span.end; ++row) {
        TRY_ASSIGN(const std::string_view line, view.line(row, &scratch));
        if (line.find(needle_) != std::string_view::npos) rows->set(row);
      }
    }
    return {};
  }

 private:
  const std::string app_;
  const std::string needle_;
};

class SimplePredicateCompiler final : public RowPredicateCompiler {
 public:
  Result<std::shared_ptr<const RowPredicate>> compile(std::string_view query) const override {
    const size_t space = query.find(' ');
    if (space == std::string_view::npos) return Error::invalid("want `<app> <needle>`");
    return std::shared_ptr<const RowPredicate>(std::make_shared<const SimplePredicate>(
        std::string(query.substr(0, space)), std::string(query.substr(space + 1))));
  }
};

}  // namespace cordwood
