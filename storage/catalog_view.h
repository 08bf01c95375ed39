// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "storage/manifest.h"

namespace cordwood {

/// The catalog's state in a SQLite file, so that opening need not read the whole manifest.  Every row carries a
/// checksum and the file one over all rows: a damaged file is found out, never believed.  One thread at a time.
/// Any error means: close it, remove() the files, go on without.
class CatalogView {
 public:
  /// Opens or creates the file.
  static Result<std::unique_ptr<CatalogView>> open(FileSystem& fs, const std::string& path);
  virtual ~CatalogView() = default;
  /// The state of `node`; an empty one for a new file or another node's.  corrupt when anything does not fit.
  virtual Result<CatalogState> load(const std::string& node) = 0;
  /// Replaces everything, in one transaction.
  virtual Result<void> store(const std::string& node, const CatalogState& state) = 0;
  /// `state` is what the file held with `change` applied; durable when it returns.
  virtual Result<void> apply(const std::string& node, const CatalogChange& change, const CatalogState& state) = 0;

  /// Removes the files of a closed view.
  static Result<void> remove(FileSystem& fs, const std::string& path);
};

}  // namespace cordwood
