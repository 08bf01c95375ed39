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
  uint32_t terms_per_block = 300;
  BlockFieldLimits limits;
};

/// Makes the Xapian part of merged segments: one document per block, with the values of fields that have few and the
/// words of templates.  Of a block's fields those with the fewest values are listed first, until its terms are used up.
class XapianTermsBuilder final : public SegmentTermsBuilder {
 public:
  /// `directory` is made and removed again with every build; nothing else may use it.
  XapianTermsBuilder(SegmentTermsOptions options, std::string directory, FileSystem& fs, Metrics& metrics);
  Result<std::string> build(const std::vector<SpilledBlock>& blocks) override;

 private:
  struct Document {
    std::vector<std::string> terms;
  };
  Document make_document(BlockFields block, std::map<SegmentField, uint32_t>* numbers) const;
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
