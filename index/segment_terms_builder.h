// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "index/field_terms.h"
#include "storage/base/file_system.h"
#include "storage/base/metrics.h"
#include "storage/block_fields.h"
#include "storage/segment_terms.h"

namespace cordwood::index {

struct SegmentTermsOptions {
  uint32_t terms_per_block = 300;     ///< at most
  uint32_t least_terms = 24;          ///< however small the block is
  uint32_t raw_bytes_per_term = 512;  ///< of blocks between these
  uint64_t terms_per_segment = 200'000;
  BlockFieldLimits limits;
};

/// Makes the Xapian part of merged segments: one document per block, with the values of fields that have few and the
/// words of templates.  Of a block's fields those with the fewest values are listed first, until its terms are used up.
/// A block for whose fields they do not suffice is not described.
class XapianTermsBuilder final : public SegmentTermsBuilder {
 public:
  /// `directory` is made and removed again with every build; nothing else may use it.
  XapianTermsBuilder(SegmentTermsOptions options, std::string directory, FileSystem& fs, Metrics& metrics);
  Result<std::string> build(const std::vector<SpilledBlock>& blocks) override;

 private:
  struct Document {
    std::vector<std::string> terms;
  };
  /// How many terms a block may have, in a segment of so many blocks.
  size_t terms_of(const SpilledBlock& block, size_t blocks) const;
  static Document make_document(BlockFields block, size_t max_terms, std::map<SegmentField, uint32_t>* numbers);
  Result<std::string> write(const std::vector<Document>& documents, const std::map<SegmentField, uint32_t>& numbers);
  Result<void> clear_directory();

  const SegmentTermsOptions options_;
  const std::string directory_;
  FileSystem& fs_;
  Counter& built_;
  Counter& bytes_;
  Counter& postings_;
};

}  // namespace cordwood::index
