// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <optional>
#include <set>

#include "query/row_template.h"
#include "query/stages.h"

namespace cordwood::query {

namespace {

class LabelFormatOperator final : public RowStage {
 public:
  struct Item {
    LabelFormat format;
    std::optional<Template> text;  ///< nothing: a rename
  };
  explicit LabelFormatOperator(std::vector<Item> items) : items_(std::move(items)) {}

  bool process(PipelineRow& row) override {
    bool captured = false;
    for (Item& item : items_) {
      if (!item.text) {
        rename(row, item.format);
        continue;
      }
      // All templates of a stage see the labels that the first of them found.
      if (!captured) labels_.capture(row);
      captured = true;
      if (run_template(*item.text, labels_, row, &value_)) {
        row.labels.set_parsed(item.format.name, row.arena.copy(value_));
      }
    }
    return true;
  }

 private:
  static void rename(PipelineRow& row, const LabelFormat& format) {
    const auto value = row.labels.get(format.value);
    if (!value) return;
    row.labels.set_parsed(format.name, *value);
    row.labels.remove(format.value);
  }

  std::vector<Item> items_;
  FixedTemplateLabels labels_;
  std::string value_;
};

}  // namespace

Result<RowStagePtr> make_label_format_stage(const LabelFormatStage& stage) {
  std::vector<LabelFormatOperator::Item> items;
  std::set<std::string> names;
  for (const LabelFormat& format : stage.formats) {
    if (format.name == kErrorLabel) return Error::invalid(fmt::format("{} cannot be formatted", kErrorLabel));
    if (!names.insert(format.name).second) {
      return Error::invalid(
          fmt::format("multiple label name '{}' not allowed in a single format operation", format.name));
    }
    LabelFormatOperator::Item item{format, std::nullopt};
    if (!format.rename) {
      auto parsed = Template::parse("label", format.value);
      if (!parsed.ok()) {
        return Error::invalid(fmt::format("invalid template for label '{}': {}", format.name, parsed.error().message));
      }
      item.text = std::move(*parsed);
    }
    items.push_back(std::move(item));
  }
  return RowStagePtr(std::make_unique<LabelFormatOperator>(std::move(items)));
}

void label_format_labels(const LabelFormatStage& stage, std::vector<std::string>* out) {
  for (const LabelFormat& format : stage.formats) {
    if (format.rename) {
      out->push_back(format.value);
    } else {
      template_labels(format.value, out);
    }
  }
}

}  // namespace cordwood::query
