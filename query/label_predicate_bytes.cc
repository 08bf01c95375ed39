// SPDX-License-Identifier: Apache-2.0
#include "query/bytes_text.h"
#include "query/label_predicate.h"

namespace cordwood::query {

namespace {

class BytesPredicate final : public LabelPredicate {
 public:
  explicit BytesPredicate(BytesLabelFilter filter) : filter_(std::move(filter)) {}
  bool matches(PipelineRow& row) const override {
    const auto text = row.labels.get(filter_.name);
    if (!text) return false;
    uint64_t value_bytes = 0;
    if (!try_parse_bytes(*text, &value_bytes)) {
      const auto parsed = parse_bytes(*text);
      set_filter_error(row, parsed.ok() ? std::string_view() : parsed.error().message);
      return true;
    }
    return compare(filter_.op, value_bytes, filter_.value_bytes);
  }
  void names(std::vector<std::string>* out) const override { out->push_back(filter_.name); }

 private:
  BytesLabelFilter filter_;
};

}  // namespace

LabelPredicatePtr make_bytes_predicate(const BytesLabelFilter& filter) {
  return std::make_shared<const BytesPredicate>(filter);
}

}  // namespace cordwood::query
