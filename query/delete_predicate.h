// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "storage/row_predicate.h"

namespace cordwood::query {

/// Reads what a delete request or a hold means: a LogQL selector, with a pipeline or without.  A row is meant when a
/// log query of that text would show it.  Thread-safe.
class DeletePredicateCompiler final : public RowPredicateCompiler {
 public:
  /// invalid, with Loki's parse error.
  Result<std::shared_ptr<const RowPredicate>> compile(std::string_view query) const override;
};

}  // namespace cordwood::query
