// SPDX-License-Identifier: Apache-2.0
#include "query/stages.h"

namespace cordwood::query {

Result<RowStagePtr> make_line_format_stage(const LineFormatStage&) {
  return Error::invalid("templates are not built");
}
void line_format_labels(const LineFormatStage&, std::vector<std::string>*) {}
Result<RowStagePtr> make_label_format_stage(const LabelFormatStage&) {
  return Error::invalid("templates are not built");
}
void label_format_labels(const LabelFormatStage&, std::vector<std::string>*) {}

}  // namespace cordwood::query
