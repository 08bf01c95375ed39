// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "query/expression_slots.h"
#include "query/logql_ast.h"
#include "query/parser_hints.h"
#include "query/pipeline_row.h"
#include "storage/base/result.h"

/// The operators of a pipeline, one file each (stage_*.cc).  Parsers keep a pointer to the hints.
namespace cordwood::query {

using RowStagePtr = std::unique_ptr<RowStage>;

Result<RowStagePtr> make_line_filter_stage(const LineFilterStage& stage, uint64_t rows_one_by_one);
RowStagePtr make_label_filter_stage(LabelPredicatePtr predicate);
RowStagePtr make_json_stage(const ParserHints* hints);
Result<RowStagePtr> make_json_expression_stage(const JsonStage& stage, const ParserHints* hints);
RowStagePtr make_logfmt_stage(const LogfmtStage& stage, const ParserHints* hints);
Result<RowStagePtr> make_logfmt_expression_stage(const LogfmtStage& stage, const ParserHints* hints);
Result<RowStagePtr> make_regexp_stage(const RegexpStage& stage, const ParserHints* hints);
Result<RowStagePtr> make_pattern_stage(const PatternStage& stage, const ParserHints* hints);
RowStagePtr make_unpack_stage(const ParserHints* hints);
Result<RowStagePtr> make_line_format_stage(const LineFormatStage& stage);
Result<RowStagePtr> make_label_format_stage(const LabelFormatStage& stage);
RowStagePtr make_decolorize_stage();
Result<RowStagePtr> make_drop_stage(const DropStage& stage);
Result<RowStagePtr> make_keep_stage(const KeepStage& stage);

/// What the expressions of such stages read from shapes.
Result<ExpressionSlots> make_json_slots(const JsonStage& stage);
ExpressionSlots make_logfmt_slots(const LogfmtStage& stage);

/// Labels that the templates and renames of a stage read.
void line_format_labels(const LineFormatStage& stage, std::vector<std::string>* out);
void label_format_labels(const LabelFormatStage& stage, std::vector<std::string>* out);

}  // namespace cordwood::query
