// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "query/logql_ast.h"
#include "storage/segment_terms.h"

namespace cordwood::query {

/// What a filter on one label asks of stored fields; null when that rules nothing out: because rows without the label
/// may pass, because the query makes the label itself, or because it has more than one.  `json`, `logfmt`: stages
/// that ran on the stored line before.
std::shared_ptr<const FieldProbe> make_field_probe(const LabelFilter& filter, bool json, bool logfmt);

/// The label of a filter that reads only one; empty for others.
std::string label_of(const LabelFilter& filter);

}  // namespace cordwood::query
