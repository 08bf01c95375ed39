// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "storage/block_view.h"

namespace cordwood {

/// Which rows a selector with a pipeline means.  Immutable, thread-safe.
class RowPredicate {
 public:
  virtual ~RowPredicate() = default;
  /// Whether rows of the stream may be meant.
  virtual bool matches(const Stream& stream) const = 0;
  /// Whether all rows of such streams are meant, so that nobody need ask mark().
  virtual bool takes_all_rows() const = 0;
  /// False when certainly no row of the block is meant; reads of the segment's index alone.
  virtual Result<bool> may_match(const BlockSource& source, ReadStats* stats) const = 0;

  /// Rows of one matching stream.
  struct Span {
    const Stream* stream = nullptr;
    uint32_t begin = 0;
    uint32_t end = 0;
  };
  /// Adds the rows of `spans` that are meant.
  virtual Result<void> mark(const BlockSource& source, BlockView& view, std::span<const Span> spans,
                            RowBits* rows) const = 0;
};

/// Makes them of text; a room above storage knows the language.  Thread-safe.
class RowPredicateCompiler {
 public:
  virtual ~RowPredicateCompiler() = default;
  /// invalid: the text is not a selector with an optional pipeline.
  virtual Result<std::shared_ptr<const RowPredicate>> compile(std::string_view query) const = 0;
};

}  // namespace cordwood
