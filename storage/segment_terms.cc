// SPDX-License-Identifier: Apache-2.0
#include "storage/segment_terms.h"

#include "storage/base/coding.h"
#include "storage/base/compression.h"

namespace cordwood {

namespace {

constexpr uint8_t kVersion = 1;
constexpr int kZstdLevel = 3;

}  // namespace

void TermsPart::encode(std::string_view database, std::string* out) {
  database_bytes = database.size();
  ByteWriter w(out);
  w.u8(kVersion);
  w.varint(blocks);
  w.varint(fields);
  w.varint(terms);
  w.varint(postings);
  w.varint(database_bytes);
  compress(Codec::zstd, database, out, kZstdLevel);
}

Result<TermsPart> TermsPart::decode(std::string_view bytes) {
  ByteReader in(bytes);
  TermsPart part;
  const uint8_t version = in.u8();
  part.blocks = in.varint();
  part.fields = in.varint();
  part.terms = in.varint();
  part.postings = in.varint();
  part.database_bytes = in.varint();
  part.packed = in.bytes(in.remaining());
  TRY(in.finish("xapian part"));
  if (version != kVersion) return Error::corrupt("xapian part: unknown version");
  if (part.database_bytes > kMaxDatabaseBytes) return Error::corrupt("xapian part: its size cannot be");
  return part;
}

Result<std::string> TermsPart::database() const {
  std::string raw;
  TRY(decompress(Codec::zstd, packed, database_bytes, &raw));
  return raw;
}

}  // namespace cordwood
