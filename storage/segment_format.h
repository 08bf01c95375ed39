// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/segment.h"

namespace cordwood {

/// Begins the prelude of a segment.
inline constexpr std::string_view kSegmentPreludeMagic = "CWSG";
/// Last bytes of its footer.
inline constexpr std::string_view kSegmentMagic = "CWOODSEG";
inline constexpr uint16_t kSegmentMajor = 1;
inline constexpr uint16_t kSegmentMinor = 0;
inline constexpr size_t kSegmentHeaderBytes = 20;
inline constexpr uint32_t kBlocksPerStripe = 16;
/// A stripe has no more than this, or is one block: so a bucket gives all of a block in one read.
inline constexpr uint64_t kStripeBytes = 1u << 20;

/// What a reader must know to read a segment rightly.  Bits it does not know make it refuse.
enum SegmentFeature : uint64_t {
  kFeatureColumns = 1u << 0,        ///< blocks as storage/FORMAT.md has them
  kFeatureIdTable = 1u << 1,        ///< it has an id table
  kFeatureFilters = 1u << 2,        ///< it has filters and their directory
  kFeatureXapian = 1u << 3,         ///< it has a Xapian part
  kFeatureArrivalSplits = 1u << 4,  ///< reserved: a row's arrival is not told by its block's interval alone
  kFeatureIdLists = 1u << 5,        ///< it has id lists, which columns refer to
  kFeatureIdFrames = 1u << 6,       ///< their heads stand in frames of as many ids as the first one has
  kFeatureRendered = 1u << 7,       ///< blocks may have rendered columns
  kFeatureSlices = 1u << 8,         ///< filters lie in slices (filter_slices.h), not in pages block by block
};
inline constexpr uint64_t kKnownFeatures = kFeatureColumns | kFeatureIdTable | kFeatureFilters | kFeatureXapian |
                                           kFeatureIdLists | kFeatureIdFrames | kFeatureRendered | kFeatureSlices;

/// Parts of the tail in the order they lie in the file.  Numbers are on disk.
enum SegmentSection : uint32_t {
  kIdTableSection = 0,
  kFilterSection = 1,
  kStreamSection = 2,
  kXapianSection = 3,
  kBlockSection = 4,
  kMetaSection = 5,
  kSegmentSections = 6,
};

/// Bytes of one section.
struct SectionPlace {
  uint64_t offset = 0;
  uint64_t size = 0;
  uint64_t checksum = 0;  ///< XXH3
};

/// End of the file, of a fixed size.
struct SegmentFooter {
  uint16_t major = kSegmentMajor;
  uint16_t minor = kSegmentMinor;
  uint64_t features = kFeatureColumns;
  SectionPlace sections[kSegmentSections];

  /// sections, features, version, XXH3 of all before, magic
  static constexpr size_t kBytes = kSegmentSections * 24 + 8 + 4 + 8 + 8;
  void encode(std::string* out) const;
  /// corrupt for damage; invalid, naming it, for an unknown version or required feature bit.  `file_size` bounds
  /// the sections.
  static Result<SegmentFooter> decode(std::string_view bytes, uint64_t file_size);
  /// Takes the fields as they stand, for looking at a damaged file: nothing is checked but the size of `bytes`.
  static SegmentFooter decode_unchecked(std::string_view bytes);
};

/// The 20 bytes at the start of a segment.
void encode_segment_prelude(std::string* out);

/// Calls `visit` for every record of a block index; a damaged one comes as an error.  Ends early when the damage
/// hides where the next record begins.  Returns how many there should be.
uint64_t for_each_block_record(std::string_view index, const std::function<void(Result<std::string_view>)>& visit);

/// One block in the block index.
struct BlockRecord {
  uint32_t tenant = 0;  ///< index into the stream table's tenants
  uint64_t narrow_offset = 0;
  uint64_t heap_offset = 0;
  std::vector<uint32_t> streams;  ///< indexes into the stream table, in run order
  std::string_view entry;

  void encode(std::string* out) const;
  static Result<BlockRecord> decode(std::string_view bytes);
};

/// Tenants and streams of a segment.
struct StreamTable {
  std::vector<TenantId> tenants;
  std::vector<StreamPtr> streams;

  void encode(std::string* out) const;
  static Result<StreamTable> decode(std::string_view bytes);
};

}  // namespace cordwood
