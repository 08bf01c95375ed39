// SPDX-License-Identifier: Apache-2.0
#include "api/gzip_stream.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <random>
#include <vector>

namespace cordwood::api {
namespace {

std::string unpacked(const std::string& packed) {
  constexpr int kGzipWindow = 15 + 16;
  z_stream z{};
  EXPECT_EQ(inflateInit2(&z, kGzipWindow), Z_OK);
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  z.avail_in = static_cast<uInt>(packed.size());
  std::string out;
  char buffer[4096];
  int rc = Z_OK;
  while (rc == Z_OK) {
    z.next_out = reinterpret_cast<Bytef*>(buffer);
    z.avail_out = sizeof buffer;
    rc = inflate(&z, Z_NO_FLUSH);
    out.append(buffer, sizeof buffer - z.avail_out);
  }
  EXPECT_EQ(rc, Z_STREAM_END);
  EXPECT_EQ(z.avail_in, 0U);
  inflateEnd(&z);
  return out;
}

/// A piece is gone once it is written: what comes later refers to it all the same.
TEST(GzipStream, GivesBackPiecesOfAnySize) {
  std::mt19937 random(7);
  for (const std::vector<size_t>& sizes : std::vector<std::vector<size_t>>{
           {0}, {1}, {100}, {0, 10, 0}, {3, 70'000, 1, 40'000}, {300'000, 300'000}, std::vector<size_t>(500, 333)}) {
    GzipStream stream;
    std::string whole, packed;
    for (size_t i = 0; i < sizes.size(); ++i) {
      std::string piece;
      while (piece.size() < sizes[i]) piece += "{\"user\":\"u" + std::to_string(random() % 1000) + "\"}";
      piece.resize(sizes[i]);
      whole += piece;
      stream.write(piece, i + 1 == sizes.size(), &packed);
    }
    EXPECT_EQ(unpacked(packed), whole) << sizes.size();
    EXPECT_LT(packed.size(), whole.size() / 3 + 300);
  }
}

TEST(GzipStream, PacksWhatDoesNotShrink) {
  std::mt19937 random(8);
  std::string noise(200'000, '\0');
  for (char& c : noise) c = static_cast<char>(random());
  GzipStream stream;
  std::string packed;
  stream.write(noise, true, &packed);
  EXPECT_EQ(unpacked(packed), noise);
  EXPECT_LT(packed.size(), noise.size() * 21 / 20);
}

}  // namespace
}  // namespace cordwood::api
