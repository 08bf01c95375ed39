// SPDX-License-Identifier: Apache-2.0
#include "ingest/body_unpacker.h"

#include <gtest/gtest.h>
#include <lz4frame.h>
#include <snappy.h>
#include <zlib.h>
#include <zstd.h>

#include "storage/base/coding.h"
#include "tests/ingest/zlib_packed.h"

namespace cordwood::ingest {
namespace {

std::string packed(BodyEncoding encoding, std::string_view raw) {
  std::string out;
  switch (encoding) {
    case BodyEncoding::none: return std::string(raw);
    case BodyEncoding::snappy: snappy::Compress(raw.data(), raw.size(), &out); return out;
    case BodyEncoding::gzip: return zlib_packed(raw, MAX_WBITS + 16);
    case BodyEncoding::deflate: return zlib_packed(raw, -MAX_WBITS);
    case BodyEncoding::zstd:
      out.resize(ZSTD_compressBound(raw.size()));
      out.resize(ZSTD_compress(out.data(), out.size(), raw.data(), raw.size(), 3));
      return out;
    case BodyEncoding::lz4:
      out.resize(LZ4F_compressFrameBound(raw.size(), nullptr));
      out.resize(LZ4F_compressFrame(out.data(), out.size(), raw.data(), raw.size(), nullptr));
      return out;
  }
  return out;
}

constexpr BodyEncoding kEncodings[] = {BodyEncoding::snappy, BodyEncoding::gzip, BodyEncoding::deflate,
                                       BodyEncoding::zstd, BodyEncoding::lz4};

std::string sample(size_t size) {
  std::string out;
  uint64_t state = 1;
  while (out.size() < size) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    out += fmt::format("line {} of a log; ", state >> 48);
  }
  out.resize(size);
  return out;
}

TEST(BodyUnpacker, GivesBackWhatWasPacked) {
  for (const BodyEncoding encoding : kEncodings) {
    for (const size_t size : {0u, 1u, 1000u, 1u << 20, (1u << 20) + 1, 5'000'000u}) {
      const std::string raw = sample(size);
      ReservedBuffer out(nullptr);
      const auto failure = unpack_body(encoding, packed(encoding, raw), 5'000'000, &out);
      ASSERT_FALSE(failure) << static_cast<int>(encoding) << " " << size << ": " << failure->text;
      EXPECT_EQ(out.view(), raw) << static_cast<int>(encoding) << " " << size;
    }
  }
}

TEST(BodyUnpacker, GzipTakesSeveralMembers) {
  ReservedBuffer out(nullptr);
  EXPECT_FALSE(
      unpack_body(BodyEncoding::gzip, packed(BodyEncoding::gzip, "ab") + packed(BodyEncoding::gzip, "cd"), 100, &out));
  EXPECT_EQ(out.view(), "abcd");
}

TEST(BodyUnpacker, DeflateIsRaw) {
  ReservedBuffer out(nullptr);
  EXPECT_TRUE(unpack_body(BodyEncoding::deflate, zlib_packed("abc", MAX_WBITS), 100, &out));
}

TEST(BodyUnpacker, RefusesBombs) {
  const std::string raw(4u << 20, 'x');
  for (const BodyEncoding encoding : kEncodings) {
    MemoryAccountant memory({});
    MemoryReservation held = memory.charge(MemoryShare::requests, 0);
    ReservedBuffer out(&held);
    const auto failure = unpack_body(encoding, packed(encoding, raw), 1u << 20, &out);
    ASSERT_TRUE(failure) << static_cast<int>(encoding);
    EXPECT_EQ(failure->kind, UnpackFailure::Kind::too_large);
    EXPECT_TRUE(failure->text.starts_with("decompressed message size too large than max (")) << failure->text;
    EXPECT_LE(memory.peak(MemoryShare::requests), (1u << 20) + 1);
  }
}

TEST(BodyUnpacker, AsksForMemoryFirst) {
  const std::string raw(4u << 20, 'x');
  for (const BodyEncoding encoding : kEncodings) {
    MemoryAccountant::Limits limits;
    limits.bytes[static_cast<size_t>(MemoryShare::requests)] = 2u << 20;
    MemoryAccountant memory(limits);
    MemoryReservation held = memory.charge(MemoryShare::requests, 0);
    ReservedBuffer out(&held);
    const auto failure = unpack_body(encoding, packed(encoding, raw), 100u << 20, &out);
    ASSERT_TRUE(failure) << static_cast<int>(encoding);
    EXPECT_EQ(failure->kind, UnpackFailure::Kind::no_memory);
    EXPECT_LE(memory.peak(MemoryShare::requests), 2u << 20);
  }
}

TEST(BodyUnpacker, SnappyHeaderThatLies) {
  std::string body;
  ByteWriter(&body).varint(200u << 20);
  body += "abc";
  ReservedBuffer out(nullptr);
  const auto failure = unpack_body(BodyEncoding::snappy, body, 256u << 20, &out);
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->kind, UnpackFailure::Kind::malformed);
  EXPECT_EQ(out.capacity(), 0u);
}

TEST(BodyUnpacker, DamagedInput) {
  const std::string raw = sample(3000);
  for (const BodyEncoding encoding : kEncodings) {
    const std::string good = packed(encoding, raw);
    for (size_t size = 0; size < good.size(); size += 1 + size / 8) {
      ReservedBuffer out(nullptr);
      EXPECT_TRUE(unpack_body(encoding, good.substr(0, size), 100'000, &out))
          << static_cast<int>(encoding) << " " << size;
    }
    for (size_t i = 0; i < good.size(); i += 7) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ 0x55);
      ReservedBuffer out(nullptr);
      static_cast<void>(unpack_body(encoding, bad, 100'000, &out));
      EXPECT_LE(out.size, 100'001u);
    }
  }
}

}  // namespace
}  // namespace cordwood::ingest
