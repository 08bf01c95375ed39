// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "storage/base/file_system.h"

namespace cordwood {

/// Receives the description, line by line, without the line's end.
using InspectOutput = std::function<void(std::string_view line)>;

struct InspectOptions {
  bool forms = false;  ///< instead of every block: how many lines are in which form, and how columns are kept
  /// Describes the Xapian part of a segment, which this room cannot open; may be empty.
  std::function<Result<void>(std::string_view part, const InspectOutput& print)> list_terms = {};
};

struct InspectReport {
  uint64_t damages = 0;  ///< each was printed
};

/// Describes any file or object the store writes: a segment, a WAL file, a manifest object.  Changes nothing, reads
/// everything, checks every checksum, and goes on past damage.
/// invalid: no file of ours; io, not_found.
Result<InspectReport> inspect_file(FileSystem& fs, const std::string& path, const InspectOptions& options,
                                   const InspectOutput& print);

/// The part of inspect_file for segments.
Result<InspectReport> inspect_segment(std::shared_ptr<File> file, const InspectOptions& options,
                                      const InspectOutput& print);

}  // namespace cordwood
